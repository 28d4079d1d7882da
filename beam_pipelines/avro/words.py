"""Reading and writing memory by address, a machine word at a time, from compiled code.

Avro's numbers have one to ten bytes. A loop over the bytes is a guess of the processor's per number, often wrong; eight
bytes taken at once and sorted out with shifts are no guess at all. numba has arrays only, so what loads, stores and
counts bits is written here as LLVM's own instructions. Nothing is checked: callers see to it that an address is theirs,
and that so many bytes from it on are too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

U64 = np.uint64
SLACK = 16
"""Bytes that have to be readable behind data that is read by words, and writable behind data that is written so."""


def kernel(*arguments: Any, result: Any = types.void) -> Callable[[Function], Function]:
    """Compiles a function for exactly these arguments and keeps the machine code beside the source file."""

    def compiled(function: Function) -> Function:
        try:
            return cast(Function, njit(result(*arguments), cache=True, nogil=True)(function))
        except RuntimeError:  # nowhere to keep it, as in a read-only container: compiled anew by each process
            return cast(Function, njit(result(*arguments), nogil=True)(function))

    return compiled


def _intrinsic(function: Any) -> Any:
    """The decorator of numba, untyped: what it makes takes one argument less than the function it is made of."""
    return intrinsic(function)


def _load(type_: Any) -> Any:
    def load(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], context.get_value_type(type_).as_pointer())
            return builder.load(pointer, align=1)

        return type_(types.int64), generate

    return _intrinsic(load)


def _store(type_: Any) -> Any:
    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], context.get_value_type(type_).as_pointer())
            builder.store(arguments[1], pointer, align=1)
            return context.get_dummy_value()

        return types.void(types.int64, type_), generate

    return _intrinsic(store)


load_byte, load_int, load_long, load_word = map(_load, (types.uint8, types.int32, types.int64, types.uint64))
load_float, load_double = map(_load, (types.float32, types.float64))
store_byte, store_int, store_long, store_word = map(_store, (types.uint8, types.int32, types.int64, types.uint64))
store_float, store_double = map(_store, (types.float32, types.float64))


@_intrinsic
def copy_16(typing_context: Any, to: Any, source: Any) -> Any:
    """Copies 16 bytes between addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = ir.VectorType(ir.IntType(8), 16).as_pointer()
        content = builder.load(builder.inttoptr(arguments[1], pointer), align=1)
        builder.store(content, builder.inttoptr(arguments[0], pointer), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@_intrinsic
def leading_zeros(typing_context: Any, word: Any) -> Any:
    """Zero bits above the highest one, 64 in zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@_intrinsic
def trailing_zeros(typing_context: Any, word: Any) -> Any:
    """Zero bits below the lowest one, 64 in zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@_intrinsic
def swapped(typing_context: Any, word: Any) -> Any:
    """The word with its bytes in the other order."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bswap(arguments[0])

    return types.uint64(types.uint64), generate


@njit
def magnitude(low: Any, high: Any) -> tuple[Any, Any]:
    """The halves of a 128-bit integer without its sign."""
    below, above = U64(low), U64(high)
    if high < 0:
        below, above = ~below + U64(1), ~above
        if below == U64(0):
            above += U64(1)
    return below, above


@njit
def beyond(low: Any, high: Any, limit_low: Any, limit_high: Any) -> Any:
    """Whether a 128-bit integer's magnitude is larger than a limit."""
    below, above = magnitude(low, high)
    return above > U64(limit_high) or (above == U64(limit_high) and below > U64(limit_low))


@njit
def copy_bytes(to: Any, source: Any, length: Any) -> None:
    """Copies ``length`` bytes, and up to SLACK bytes of no meaning behind them."""
    copy_16(to, source)
    done = np.int64(16)
    while done < length:
        copy_16(to + done, source + done)
        done += 16


@njit
def copy_exactly(to: Any, source: Any, length: Any) -> None:
    """Copies ``length`` bytes, reading and writing no other."""
    done = np.int64(0)
    while done + 16 <= length:
        copy_16(to + done, source + done)
        done += 16
    while done < length:
        store_byte(to + done, load_byte(source + done))
        done += 1

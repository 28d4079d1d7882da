"""The compiled loops that write Avro, one column at a time.

A block is encoded in two passes over its columns. ``measure_*`` adds each value's encoded length to the length of its
row; the running sum of those is where every row starts, its *cursor*; ``put_*`` writes each value at its row's cursor
and moves the cursor on. No loop knows the schema, so every kernel is compiled once, for one signature.

Shared arguments, n rows:

- ``lengths``: int64[n], bytes of each row so far; ``cursor``: int64[n], where each row goes on in ``out``: uint8[].
- ``valid``: uint8[n], 0 where the value is null; empty if no value is.
- ``branch``: 1 if the column is a union with null, whose branch number precedes each value, else 0.

Inputs are read-only, contiguous and aligned, which is part of the signatures: anything else is refused, not compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

# Numbers inside kernels are numba's, not numpy's: to the type checker they are Any.
Int64s: TypeAlias = NDArray[Any]
Int32s: TypeAlias = NDArray[Any]
Bytes: TypeAlias = NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])

LENGTHS = CURSOR = types.Array(types.int64, 1, "C")
OUT = types.Array(types.uint8, 1, "C")
LONGS = types.Array(types.int64, 1, "C", readonly=True)
INTS = types.Array(types.int32, 1, "C", readonly=True)
BYTES = types.Array(types.uint8, 1, "C", readonly=True)
BRANCH = types.int64

U64 = np.uint64


def kernel(*arguments: Any, result: Any = types.void) -> Callable[[Function], Function]:
    """Compiles a function for exactly these arguments and keeps the machine code beside the source file."""

    def compiled(function: Function) -> Function:
        try:
            return cast(Function, njit(result(*arguments), cache=True, nogil=True)(function))
        except RuntimeError:  # nowhere to keep it, as in a read-only container: compiled anew by each process
            return cast(Function, njit(result(*arguments), nogil=True)(function))

    return compiled


@njit(inline="always")
def varint_length(value: Any) -> Any:
    """Bytes of a long, 1 to 10."""
    zigzag = U64((value << 1) ^ (value >> 63))
    length = 1
    while zigzag >= U64(128):
        zigzag >>= U64(7)
        length += 1
    return length


@njit(inline="always")
def put_varint(out: Bytes, position: Any, value: Any) -> Any:
    """Writes a long and returns the position after it."""
    zigzag = U64((value << 1) ^ (value >> 63))
    while zigzag >= U64(128):
        out[position] = np.uint8((zigzag & U64(127)) | U64(128))
        position += 1
        zigzag >>= U64(7)
    out[position] = np.uint8(zigzag)
    return position + 1


@njit(inline="always")
def put_branch(out: Bytes, position: Any, null: bool) -> Any:
    """Writes the number of a union's branch, null being the first, and returns the position after it."""
    out[position] = 0 if null else 2
    return position + 1


@njit(inline="always")
def decimal_length(low: Any, high: Any) -> Any:
    """Bytes of the shortest two's complement of a 128-bit integer, 1 to 16."""
    if high == low >> 63:
        rest, length = (low if low >= 0 else ~low), 1
    else:
        rest, length = (high if high >= 0 else ~high), 9
    while rest >= 128:
        rest >>= 8
        length += 1
    return length


@kernel(LENGTHS, LONGS, BYTES, BRANCH)
def measure_longs(lengths: Int64s, values: Int64s, valid: Bytes, branch: int) -> None:
    """Longs, and what Avro stores as one: dates and timestamps."""
    nulls = valid.size > 0
    for i in range(values.size):
        if nulls and valid[i] == 0:
            lengths[i] += 1
        else:
            lengths[i] += branch + varint_length(values[i])


@kernel(OUT, CURSOR, LONGS, BYTES, BRANCH)
def put_longs(out: Bytes, cursor: Int64s, values: Int64s, valid: Bytes, branch: int) -> None:
    """Writes what :func:`measure_longs` measured."""
    nulls = valid.size > 0
    for i in range(values.size):
        position = cursor[i]
        null = nulls and valid[i] == 0
        if branch:
            position = put_branch(out, position, null)
        if not null:
            position = put_varint(out, position, values[i])
        cursor[i] = position


@kernel(LENGTHS, BYTES, BRANCH, types.int64)
def measure_fixed(lengths: Int64s, valid: Bytes, branch: int, width: int) -> None:
    """Values of ``width`` bytes each; of none, for a record's own branch number."""
    nulls = valid.size > 0
    for i in range(lengths.size):
        lengths[i] += branch if nulls and valid[i] == 0 else branch + width


@kernel(OUT, CURSOR, BYTES, BYTES, BRANCH, types.int64)
def put_fixed(out: Bytes, cursor: Int64s, values: Bytes, valid: Bytes, branch: int, width: int) -> None:
    """Writes booleans (width 1), doubles (width 8, little-endian) or branch numbers alone (width 0)."""
    nulls = valid.size > 0
    for i in range(cursor.size):
        position = cursor[i]
        null = nulls and valid[i] == 0
        if branch:
            position = put_branch(out, position, null)
        if not null:
            for k in range(width):
                out[position + k] = values[i * width + k]
            position += width
        cursor[i] = position


@kernel(LENGTHS, LONGS, BYTES, BRANCH)
def measure_decimals(lengths: Int64s, values: Int64s, valid: Bytes, branch: int) -> None:
    """Decimals as Arrow has them: int64[2 n], the low then the high half of each unscaled value."""
    nulls = valid.size > 0
    for i in range(lengths.size):
        if nulls and valid[i] == 0:
            lengths[i] += 1
        else:
            lengths[i] += branch + 1 + decimal_length(values[2 * i], values[2 * i + 1])


@kernel(OUT, CURSOR, LONGS, BYTES, BRANCH)
def put_decimals(out: Bytes, cursor: Int64s, values: Int64s, valid: Bytes, branch: int) -> None:
    """Writes what :func:`measure_decimals` measured: length, then big-endian two's complement."""
    nulls = valid.size > 0
    for i in range(cursor.size):
        position = cursor[i]
        null = nulls and valid[i] == 0
        if branch:
            position = put_branch(out, position, null)
        if not null:
            low, high = values[2 * i], values[2 * i + 1]
            length = decimal_length(low, high)
            out[position] = np.uint8(length << 1)
            position += 1
            for k in range(length - 1, 7, -1):
                out[position] = np.uint8((high >> (8 * (k - 8))) & 255)
                position += 1
            for k in range(min(length, 8) - 1, -1, -1):
                out[position] = np.uint8((low >> (8 * k)) & 255)
                position += 1
        cursor[i] = position


@kernel(LENGTHS, INTS, INTS, BYTES, BRANCH, result=types.int64)
def measure_strings(lengths: Int64s, codes: Int32s, offsets: Int32s, valid: Bytes, branch: int) -> Any:
    """Strings or bytes: row i has the value ``codes[i]``, which ends where the next of ``offsets`` begins.

    Returns -1, or the first row whose code names no value.
    """
    nulls = valid.size > 0
    for i in range(codes.size):
        if nulls and valid[i] == 0:
            lengths[i] += 1
            continue
        code = codes[i]
        if code < 0 or code >= offsets.size - 1:
            return i
        length = np.int64(offsets[code + 1]) - np.int64(offsets[code])
        lengths[i] += branch + varint_length(length) + length
    return -1


@kernel(OUT, CURSOR, INTS, INTS, BYTES, BYTES, BRANCH)
def put_strings(
    out: Bytes, cursor: Int64s, codes: Int32s, offsets: Int32s, data: Bytes, valid: Bytes, branch: int
) -> None:
    """Writes what :func:`measure_strings` measured; ``data`` has the values' bytes."""
    nulls = valid.size > 0
    for i in range(codes.size):
        position = cursor[i]
        null = nulls and valid[i] == 0
        if branch:
            position = put_branch(out, position, null)
        if not null:
            first, last = np.int64(offsets[codes[i]]), np.int64(offsets[codes[i] + 1])
            position = put_varint(out, position, last - first)
            for k in range(first, last):
                out[position] = data[k]
                position += 1
        cursor[i] = position


@kernel(LENGTHS, INTS, LONGS)
def measure_lists(lengths: Int64s, offsets: Int32s, items: Int64s) -> None:
    """Arrays: row i has the items from ``offsets[i]`` to ``offsets[i + 1]``, whose lengths are ``items``."""
    first = np.int64(offsets[0])
    for i in range(lengths.size):
        last = np.int64(offsets[i + 1])
        length = np.int64(1)
        if last > first:
            length += varint_length(last - first)
            for k in range(first, last):
                length += items[k]
        lengths[i] += length
        first = last


@kernel(OUT, CURSOR, INTS, LONGS, CURSOR)
def put_lists(out: Bytes, cursor: Int64s, offsets: Int32s, items: Int64s, item_cursor: Int64s) -> None:
    """Writes each array's count and end mark, and sets the cursors of its items."""
    first = np.int64(offsets[0])
    for i in range(cursor.size):
        last = np.int64(offsets[i + 1])
        position = cursor[i]
        if last > first:
            position = put_varint(out, position, last - first)
            for k in range(first, last):
                item_cursor[k] = position
                position += items[k]
        out[position] = 0
        cursor[i] = position + 1
        first = last

"""Arrow's buffers as numpy arrays and back, without copying where alignment allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NO_BYTES = np.empty(0, np.uint8)
NO_BYTES.setflags(write=False)


def view(buffer: pa.Buffer | None, dtype: Any, count: int, first: int = 0) -> NDArray[Any]:
    """``count`` values of a buffer from the value ``first`` on: read-only, aligned, contiguous, as the kernels want."""
    if buffer is None or count == 0:
        values = np.empty(0, dtype)
    else:
        values = np.frombuffer(buffer, dtype, count, first * np.dtype(dtype).itemsize)
        if not values.flags.aligned:
            values = values.copy()
    values.setflags(write=False)
    return values


def read_only(values: NDArray[Any]) -> NDArray[Any]:
    """The array itself, from now on read-only."""
    values.setflags(write=False)
    return values


def bits(buffer: pa.Buffer, count: int, first: int = 0) -> NDArray[np.uint8]:
    """``count`` bits of a bitmap from bit ``first`` on, one byte each."""
    start, stop = first // 8, (first + count + 7) // 8
    packed = np.frombuffer(buffer, np.uint8, stop - start, start)
    unpacked = np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + count]
    return read_only(np.ascontiguousarray(unpacked))


def validity(array: pa.Array) -> NDArray[np.uint8]:
    """One byte per value, 0 where it is null; empty if no value is null."""
    if array.null_count == 0:
        return NO_BYTES
    bitmap = array.buffers()[0]
    if bitmap is None:  # a null-typed array has nulls and no bitmap
        return read_only(np.zeros(len(array), np.uint8))
    return bits(bitmap, len(array), array.offset)


def room(dtype: Any, count: int) -> tuple[pa.Buffer, NDArray[Any]]:
    """A new Arrow buffer for ``count`` values, and the array to fill it through."""
    out = np.empty(count, dtype)
    return pa.py_buffer(out), out


def copied(values: NDArray[Any], dtype: Any) -> pa.Buffer:
    """A new Arrow buffer with these values as ``dtype``."""
    return pa.py_buffer(values.astype(dtype))


def bitmap(values: NDArray[Any]) -> pa.Buffer:
    """A new Arrow buffer with one bit per value, 0 where the value is."""
    return copied(np.packbits(values.astype(np.bool_), bitorder="little"), np.uint8)

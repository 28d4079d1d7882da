"""Memory with a page on either side that nobody may touch: who reads or writes too far is killed by the processor."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

PROT_NONE = 0
"""What ``mprotect`` calls no access at all; Python's mmap has no name for it."""
PAGE = mmap.PAGESIZE
REGION_BYTES = 16 * PAGE
LARGEST = 1 << 26
GARBAGE = 0xC3
"""What fresh memory is filled with: no valid UTF-8, and a number that does not end."""

_WIDE = (pa.types.is_large_string, pa.types.is_large_binary, pa.types.is_large_list)
_OF_OFFSETS = (pa.types.is_string, pa.types.is_binary, pa.types.is_list, pa.types.is_map)
_libc = ctypes.CDLL(None, use_errno=True)


def _region(size: int) -> NDArray[np.uint8]:
    """Whole pages, at least ``size`` bytes, between two guard pages."""
    size = -(-max(size, 1) // PAGE) * PAGE
    memory = mmap.mmap(-1, size + 2 * PAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for guard in (address, address + PAGE + size):
        if _libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(PAGE), PROT_NONE):
            raise OSError(ctypes.get_errno(), "mprotect")
    return np.frombuffer(memory, np.uint8)[PAGE : PAGE + size]


class GuardedMemory:
    """Regions that are used again when :meth:`reset` says that nobody needs them any longer."""

    def __init__(self) -> None:
        self._regions: list[NDArray[np.uint8]] = []
        self._used = 0

    def reset(self) -> None:
        """Everything handed out so far may be handed out again."""
        self._used = 0

    def tail(self, size: int) -> NDArray[np.uint8]:
        """``size`` bytes right before a guard page."""
        region = self._next(size)
        return region[region.size - size :]

    def head(self, size: int) -> NDArray[np.uint8]:
        """``size`` bytes right behind a guard page."""
        return self._next(size)[:size]

    def buffer(self, data: Any) -> pa.Buffer:
        """A copy of a buffer that ends at a guard page."""
        content = np.frombuffer(data, np.uint8)
        copy = self.tail(content.size)
        copy[:] = content
        return pa.py_buffer(copy)

    def _next(self, size: int) -> NDArray[np.uint8]:
        if size > REGION_BYTES:
            region = _region(size)
        else:
            if self._used == len(self._regions):
                self._regions.append(_region(REGION_BYTES))
            region = self._regions[self._used]
            self._used += 1
        region[:size] = GARBAGE
        region[region.size - size :] = GARBAGE
        return region


@contextmanager
def guarded_allocation(memory: GuardedMemory) -> Iterator[None]:
    """Lets ``pa.allocate_buffer`` give out guarded memory."""
    allocate = pa.allocate_buffer

    def guarded(size: int, *arguments: Any, **options: Any) -> pa.Buffer:
        if size > LARGEST:
            return allocate(size, *arguments, **options)
        return pa.py_buffer(memory.tail(size))

    with mock.patch.object(pa, "allocate_buffer", guarded):
        yield


def guarded_array(array: pa.Array, memory: GuardedMemory) -> pa.Array:
    """The array with each of its buffers, cut to what it needs, right before a guard page."""
    type_, length = array.type, len(array)
    if array.offset:
        array = pa.concat_arrays([array])
    if pa.types.is_dictionary(type_):
        indices, dictionary = guarded_array(array.indices, memory), guarded_array(array.dictionary, memory)
        return pa.DictionaryArray.from_arrays(indices, dictionary, safe=False)
    if pa.types.is_null(type_) or pa.types.is_string_view(type_) or pa.types.is_binary_view(type_):
        return array  # the first has no buffers, the others are converted before they are encoded
    children = None
    if pa.types.is_struct(type_):
        children = [guarded_array(array.field(i), memory) for i in range(type_.num_fields)]
    elif pa.types.is_map(type_):
        entries = pa.StructArray.from_arrays([array.keys, array.items], fields=[type_.key_field, type_.item_field])
        children = [guarded_array(entries, memory)]
    elif pa.types.is_nested(type_):
        children = [guarded_array(array.values, memory)]
    buffers = array.buffers()[: 1 if pa.types.is_struct(type_) else 2 if children else None]
    sizes = [-(-length // 8), *_sizes(array, length)]
    kept = [
        None if buffer is None else memory.buffer(buffer.slice(0, min(size, buffer.size)))
        for buffer, size in zip(buffers, sizes, strict=False)
    ]
    return pa.Array.from_buffers(type_, length, kept, array.null_count, children=children)


def _sizes(array: pa.Array, length: int) -> list[int]:
    """Bytes of the buffers behind the bitmap."""
    type_ = array.type
    if pa.types.is_struct(type_):
        return []
    if pa.types.is_boolean(type_):
        return [-(-length // 8)]
    wide = any(is_type(type_) for is_type in _WIDE)
    if wide or any(is_type(type_) for is_type in _OF_OFFSETS):
        width = 8 if wide else 4
        offsets = np.frombuffer(array.buffers()[1] or b"", np.int64 if wide else np.int32)
        return [width * (length + 1), int(offsets[length]) if offsets.size > length else 0]
    return [type_.bit_width // 8 * length]

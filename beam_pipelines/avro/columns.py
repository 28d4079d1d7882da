"""Filled slots to Arrow arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.avro import string_kernels as kernels
from beam_pipelines.avro.decoding_program import Node
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import Kind, Logical
from beam_pipelines.avro.words import SLACK

MAX_BYTES = (1 << 31) - 1
"""Of a block, whose strings are found by 31-bit positions; of Arrow's strings too."""
_WIDEST = 16
"""Bytes of the widest values, but for a fixed."""


class Columns:
    """A block that has been read into slots."""

    def __init__(
        self, padded: NDArray[np.uint8], slots: list[pa.Buffer], counts: list[int], rows: int, memory: int
    ) -> None:
        """A block of ``rows`` rows.

        Args:
            padded: The block, to which strings point.
            slots: What was read.
            counts: The numbers of items of each array.
            rows: How many.
            memory: Bytes that slots and what the data do not have may take together.
        """
        self._memory = memory - sum(slot.size for slot in slots)
        self._block = padded
        self._data = padded.ctypes.data
        self._slots = slots
        self._counts = [*counts, rows]  # the last: ROWS is -1

    def array(self, node: Node) -> pa.Array:
        """The array of a column; AvroError, naming the field, if its strings are not UTF-8."""
        count = self._counts[node.array]
        type_ = node.field.type
        if node.default is not None:
            return self._repeated(node.default, count, node.path)
        if node.type.kind is Kind.NULL:
            return pa.nulls(count)
        valid, nulls = self._validity(node, count)
        if node.type.kind is Kind.RECORD:
            children = [self.array(child) for child in node.children]
            return pa.Array.from_buffers(type_, count, [valid], nulls, children=children)
        if node.items >= 0:
            return self._list(node, count, valid, nulls)
        if node.values < 0:  # nothing but nulls
            self._take_memory(count * max(node.type.size, _WIDEST), node.path)
            return pa.nulls(count, type_)
        slot = self._slots[node.values]
        if node.type.kind in (Kind.STRING, Kind.BYTES) and node.type.logical is not Logical.DECIMAL:
            if pa.types.is_dictionary(type_):
                return self._dictionary(node, slot, count, valid, nulls)
            return pa.Array.from_buffers(type_, count, [valid, *self._strings(node, slot, count)], nulls)
        if node.type.kind is Kind.ENUM:
            indices = pa.Array.from_buffers(pa.int32(), count, [valid, slot], nulls)
            return pa.DictionaryArray.from_arrays(indices, pa.array(node.type.symbols, pa.string()), safe=False)
        if node.type.kind is Kind.BOOLEAN:
            slot = pa.py_buffer(np.packbits(np.frombuffer(slot, np.uint8, count), bitorder="little"))
        found = pa.Array.from_buffers(type_, count, [valid, slot], nulls)
        if node.type.logical in (Logical.TIME_MILLIS, Logical.TIME_MICROS):
            try:
                found.validate(full=True)
            except pa.ArrowInvalid as error:
                raise AvroError("not a time of day", field=node.path, got=str(error)) from error
        return found

    def _repeated(self, value: pa.Array, count: int, path: str) -> pa.Array:
        """An array of ``count`` times the same value."""
        self._take_memory(count * value.nbytes, path)
        return value.take(pa.array(np.zeros(count, np.int32)))

    def _take_memory(self, size: int, path: str) -> None:
        """Counts what a column takes that is not in the data; AvroError if there is no memory for it."""
        if size > min(self._memory, MAX_BYTES):
            raise AvroError("values that are not in the data take too much memory", field=path, got=f"{size} bytes")
        self._memory -= size

    def _validity(self, node: Node, count: int) -> tuple[pa.Buffer | None, int]:
        """The bitmap of what is not null, if anything is null, and how many are."""
        if node.valid < 0:
            return None, 0
        there = np.frombuffer(self._slots[node.valid], np.bool_, count)
        nulls = count - int(np.count_nonzero(there))
        return (pa.py_buffer(np.packbits(there, bitorder="little")) if nulls else None), nulls

    def _list(self, node: Node, count: int, valid: pa.Buffer | None, nulls: int) -> pa.Array:
        offsets = self._slots[node.values] if node.values >= 0 else pa.py_buffer(np.zeros(count + 1, np.int32))
        items = [self.array(child) for child in node.children]
        if node.type.kind is Kind.MAP:
            entries = pa.struct([child.field for child in node.children])
            items = [pa.Array.from_buffers(entries, self._counts[node.items], [None], 0, children=items)]
        return pa.Array.from_buffers(node.field.type, count, [valid, offsets], nulls, children=items)

    def _strings(self, node: Node, slot: pa.Buffer, count: int) -> list[pa.Buffer]:
        """Offsets and bytes of strings, which are valid UTF-8 unless they are bytes."""
        offsets = pa.allocate_buffer(4 * (count + 1))
        length = kernels.string_offsets(offsets.address, slot.address, count)
        text = pa.allocate_buffer(length + SLACK)
        kernels.gather_strings(text.address, slot.address, count, self._data)
        buffers = [offsets, text.slice(0, length)]
        if node.type.kind is Kind.STRING:
            try:
                pa.Array.from_buffers(pa.string(), count, [None, *buffers], 0).validate(full=True)
            except pa.ArrowInvalid as error:
                raise self._not_text(node, slot, count) from error
        return buffers

    def _not_text(self, node: Node, slot: pa.Buffer, count: int) -> AvroError:
        """The error that names the first string that is not UTF-8."""
        for string in np.frombuffer(slot, np.int64, count).tolist():
            position, length = string >> 32, string & kernels.LENGTH
            found = self._block[position : position + length].tobytes()
            try:
                found.decode()
            except UnicodeDecodeError as error:
                return AvroError("invalid UTF-8", offset=position + error.start, field=node.path, got=repr(found[:40]))
        return AvroError("invalid UTF-8", field=node.path)

    def _dictionary(self, node: Node, slot: pa.Buffer, count: int, valid: pa.Buffer | None, nulls: int) -> pa.Array:
        """Strings as codes into the distinct ones; a null has the code of the empty string."""
        codes = pa.allocate_buffer(4 * count)
        values = pa.allocate_buffer(8 * count)
        table = np.empty(1 << (2 * count).bit_length(), np.int32)
        distinct = kernels.string_codes(codes.address, values.address, table, slot.address, count, self._data)
        texts = pa.Array.from_buffers(pa.string(), distinct, [None, *self._strings(node, values, distinct)], 0)
        indices = pa.Array.from_buffers(pa.int32(), count, [valid, codes], nulls)
        return pa.DictionaryArray.from_arrays(indices, texts, safe=False)

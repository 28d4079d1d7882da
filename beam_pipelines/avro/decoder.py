"""Avro rows to Arrow record batches, by column."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from beam_pipelines.avro import decoding_kernels as kernels
from beam_pipelines.avro.arrow_buffers import bitmap, copied, read_only, room
from beam_pipelines.avro.encoding_kernels import Bytes, Int64s
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.plan import PlanCache
from beam_pipelines.avro.program import Node, Program
from beam_pipelines.schema import Column, Type

MAX_BYTES = (1 << 31) - 1
"""A block's strings are found by 31-bit positions, which are also Arrow's."""
_NO_LONGS = read_only(np.empty(0, np.int64))
_program: PlanCache[Program] = PlanCache(Program)


def decode(
    data: Any,
    rows: int,
    columns: tuple[Column, ...],
    *,
    dictionaries: bool = False,
    select: Collection[str] | None = None,
) -> pa.RecordBatch:
    """The rows that :func:`encode`, or any Avro writer, has encoded.

    Args:
        data: A buffer with exactly these rows, uncompressed, below 2 GiB.
        rows: How many there are.
        columns: The schema they were written with.
        dictionaries: Strings become dictionary-encoded (int32 codes, values in order of first appearance).
        select: Names of the top-level columns to return; the others are passed over. All if None.

    Returns:
        A batch of ``rows`` rows with the selected columns in the schema's order.

    Raises:
        AvroError: The data is not ``rows`` rows of ``columns``. Has the byte offset and the field. Or ``select`` names
            a column that is not there.
    """
    program = _program(columns, None if select is None else frozenset(select), dictionaries)
    block = read_only(np.frombuffer(data, np.uint8))
    if block.size > MAX_BYTES:
        raise AvroError("block too large", expected=f"at most {MAX_BYTES} bytes", got=block.size)
    if not 0 <= rows < 1 << 63 or rows * program.row_bytes > block.size:
        least = f", {program.row_bytes} bytes or more each," if program.row_bytes else ""
        raise AvroError(f"{rows} rows{least} are not in {block.size} bytes", offset=0)
    columns_read = _Walked(program, block, rows)
    arrays = [columns_read.column(node, None, rows) for node in program.nodes]
    if not arrays:  # only a struct keeps its length without columns
        return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), rows, [None]))
    return pa.RecordBatch.from_arrays(arrays, schema=program.schema)


class _Walked:
    """A block that has been walked, whose slots are turned into Arrow arrays."""

    def __init__(self, program: Program, block: Bytes, rows: int) -> None:
        self.block = block
        self.program = program
        capacities = program.capacities(rows, block.size)
        self.starts = np.cumsum(capacities) - capacities
        self.stops = self.starts.copy()
        self.slab = np.empty(int(capacities.sum()), np.int64)
        if rows and program.columns:
            self._walk(rows)
        elif block.size:
            raise AvroError("trailing bytes after the last row", offset=0, expected="the end", got=f"{block.size} more")
        self.slab.setflags(write=False)

    def _walk(self, rows: int) -> None:
        items = np.zeros(len(self.stops), np.int64)
        levels = np.empty((2, self.program.depth + 1), np.int64)
        problem, offset, at, got = kernels.walk(
            self.block, rows, self.program.code, self.slab, self.stops, items, levels[0], levels[1]
        )
        if problem != kernels.FINE:
            text, expected = _PROBLEMS[problem]
            raise AvroError(
                text,
                offset=offset,
                field=self.program.operation_paths[at] or None,
                expected=expected,
                got=got if problem > kernels.LONG_VARINT else None,
            )

    def slot(self, slot: int) -> Int64s:
        """The values of a slot."""
        return self.slab[self.starts[slot] : self.stops[slot]]

    def column(self, node: Node, present: Int64s | None, count: int) -> pa.Array:
        """A column of ``count`` values; ``present`` is 0 where the record it is in is null, None if it never is."""
        if node.items < 0:
            return self.values(node, present, count)
        ends = self.slot(node.items)
        if present is not None:
            ends = np.cumsum(_spread(present, np.diff(ends, prepend=0)))
        buffer, offsets = room(np.int32, count + 1)
        offsets[0] = 0
        offsets[1:] = ends
        items = self.values(node, None, int(ends[-1]) if count else 0)
        type_ = node.arrow_field.type
        return pa.Array.from_buffers(type_, count, [None, buffer], 0, children=[items])

    def values(self, node: Node, present: Int64s | None, count: int) -> pa.Array:
        """The values of a column, or of its lists' items."""
        valid, nulls = None, 0
        if node.present >= 0:
            here = self.slot(node.present)
            if present is not None:
                here = _spread(present, here)
            nulls = count - int(here.sum())
            if nulls:
                present = here
                valid = bitmap(here)
        if node.column.type is Type.RECORD:
            fields = [self.column(field, present, count) for field in node.fields]
            return pa.Array.from_buffers(node.type, count, [valid], nulls, children=fields)
        compact = self.slot(node.values)
        full = compact if present is None else _spread(present, compact)
        if node.column.type is Type.STRING and self.program.dictionaries:
            return self.dictionary(node, full, valid, nulls)
        return pa.Array.from_buffers(node.type, count, [valid, *self.buffers(node, full, present)], nulls)

    def buffers(self, node: Node, values: Int64s, present: Int64s | None) -> list[pa.Buffer]:
        """The data buffers of an array of scalars, without its validity."""
        if node.column.type in (Type.STRING, Type.BYTES):
            return self.strings(node, values)
        if node.column.type is Type.NUMERIC:
            return [self.decimals(node, values, present)]
        if node.column.type is Type.BOOLEAN:
            return [bitmap(values)]
        return [copied(values, np.int32 if node.column.type is Type.DATE else np.int64)]

    def strings(self, node: Node, strings: Int64s) -> list[pa.Buffer]:
        """Offsets and bytes of strings, which are valid UTF-8 unless they are BYTES."""
        offsets_buffer, offsets = room(np.int32, strings.size + 1)
        text_buffer, text = room(np.uint8, kernels.string_offsets(offsets, strings))
        kernels.gather_strings(text, strings, self.block)
        buffers = [offsets_buffer, text_buffer]
        if node.column.type is Type.STRING:
            try:
                pa.Array.from_buffers(pa.string(), strings.size, [None, *buffers], 0).validate(full=True)
            except pa.ArrowInvalid as error:
                raise self.not_text(node, strings) from error
        return buffers

    def not_text(self, node: Node, strings: Int64s) -> AvroError:
        """The error that names the first string that is not UTF-8."""
        for string in strings.tolist():
            position, length = string >> 32, string & 0xFFFFFFFF
            found = self.block[position : position + length].tobytes()
            try:
                found.decode()
            except UnicodeDecodeError as error:
                return AvroError("invalid UTF-8", offset=position + error.start, field=node.path, got=repr(found[:40]))
        return AvroError("invalid UTF-8", field=node.path)

    def dictionary(self, node: Node, strings: Int64s, valid: pa.Buffer | None, nulls: int) -> pa.Array:
        """Strings as codes into the distinct ones."""
        buffer, codes = room(np.int32, strings.size)
        values = np.empty(strings.size, np.int64)
        table = np.full(1 << (2 * strings.size).bit_length(), -1, np.int32)
        values = values[: kernels.string_codes(codes, values, table, strings, self.block)]
        distinct = pa.Array.from_buffers(pa.string(), len(values), [None, *self.strings(node, values)], 0)
        indices = pa.Array.from_buffers(pa.int32(), len(codes), [valid, buffer], nulls)
        return pa.DictionaryArray.from_arrays(indices, distinct, safe=False)

    def decimals(self, node: Node, strings: Int64s, present: Int64s | None) -> pa.Buffer:
        """Arrow's 16 bytes for each decimal."""
        buffer, out = room(np.int64, 2 * strings.size)
        limit = 10**node.column.precision - 1
        low, high = np.uint64(limit & (2**64 - 1)), np.uint64(limit >> 64)
        row = kernels.decimals(out, strings, _NO_LONGS if present is None else present, self.block, low, high)
        if row >= 0:
            position, length = int(strings[row]) >> 32, int(strings[row]) & 0xFFFFFFFF
            found = int.from_bytes(self.block[position : position + length].tobytes(), "big", signed=True)
            raise AvroError(
                "decimal out of range",
                offset=position,
                field=node.path,
                expected=f"1 to 16 bytes, at most {node.column.precision} digits",
                got=f"{length} bytes" if not 1 <= length <= 16 else f"unscaled {found}",
            )
        return buffer


def _spread(present: Int64s, compact: Int64s) -> Int64s:
    out = np.empty_like(present)
    kernels.spread(out, present, compact)
    return read_only(out)


_PROBLEMS: dict[int, tuple[str, str | None]] = {
    kernels.TRUNCATED: ("the data ends within a value", None),
    kernels.LONG_VARINT: ("a number of more than 64 bits", None),
    kernels.OUT_OF_RANGE: ("not a date", "a 32-bit number of days"),
    kernels.BAD_LENGTH: ("a length beyond the end", "0 to the bytes that are left"),
    kernels.BAD_BOOLEAN: ("not a boolean", "0 or 1"),
    kernels.BAD_BRANCH: ("not a branch of the union with null", "0 or 1"),
    kernels.BAD_COUNT: ("more array items than the bytes that are left can hold", None),
    kernels.BAD_SIZE: ("an array block ends elsewhere than it says", "its end here"),
    kernels.TRAILING: ("trailing bytes after the last row", "the end"),
}

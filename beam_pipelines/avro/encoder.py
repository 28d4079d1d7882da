"""Arrow record batches to Avro rows, by column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.avro import encoding_kernels as kernels
from beam_pipelines.avro.arrow_buffers import NO_BYTES, bits, read_only, validity, view
from beam_pipelines.avro.encoding_kernels import Bytes, Int32s, Int64s
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.plan import PlanCache, check_names, nested_path
from beam_pipelines.schema import Column, Type


def encode(batch: pa.RecordBatch, columns: tuple[Column, ...]) -> NDArray[np.uint8]:
    """The batch's rows in Avro's binary encoding, one after the other, uncompressed.

    Args:
        batch: One column for each of ``columns``, in any order, of its Arrow type. Strings and bytes may be large or
            dictionary-encoded, at any depth.
        columns: The rows' schema, which is also the order of the fields.

    Returns:
        uint8[bytes]; empty if the batch is.

    Raises:
        AvroError: A column is missing, not in the schema, of another type, or null where it is required. Names the
            field's path, what was expected and what was found.
    """
    _plan(columns).check(batch.schema)
    pieces = list(_pieces(columns, batch.column, batch.schema.get_field_index, ""))
    lengths = np.zeros(batch.num_rows, np.int64)
    for piece in pieces:
        piece.measure(lengths)
    out = np.empty(int(lengths.sum()), np.uint8)
    cursor = np.cumsum(lengths)
    cursor -= lengths
    for piece in pieces:
        piece.put(out, cursor)
    return out


class _Piece(Protocol):
    """What one column, or one part of it, adds to each row."""

    def measure(self, lengths: Int64s) -> None: ...

    def put(self, out: Bytes, cursor: Int64s) -> None: ...


@dataclass(slots=True)
class _Longs:
    values: Int64s
    valid: Bytes
    branch: int

    def measure(self, lengths: Int64s) -> None:
        kernels.measure_longs(lengths, self.values, self.valid, self.branch)

    def put(self, out: Bytes, cursor: Int64s) -> None:
        kernels.put_longs(out, cursor, self.values, self.valid, self.branch)


@dataclass(slots=True)
class _Fixed:
    values: Bytes
    valid: Bytes
    branch: int
    width: int

    def measure(self, lengths: Int64s) -> None:
        kernels.measure_fixed(lengths, self.valid, self.branch, self.width)

    def put(self, out: Bytes, cursor: Int64s) -> None:
        kernels.put_fixed(out, cursor, self.values, self.valid, self.branch, self.width)


@dataclass(slots=True)
class _Decimals:
    values: Int64s
    valid: Bytes
    branch: int

    def measure(self, lengths: Int64s) -> None:
        kernels.measure_decimals(lengths, self.values, self.valid, self.branch)

    def put(self, out: Bytes, cursor: Int64s) -> None:
        kernels.put_decimals(out, cursor, self.values, self.valid, self.branch)


@dataclass(slots=True)
class _Strings:
    codes: Int32s
    offsets: Int32s
    data: Bytes
    valid: Bytes
    branch: int
    path: str

    def measure(self, lengths: Int64s) -> None:
        row = kernels.measure_strings(lengths, self.codes, self.offsets, self.valid, self.branch)
        if row >= 0:
            raise AvroError(
                f"row {row} is outside the dictionary",
                field=self.path,
                expected=f"a code from 0 to {self.offsets.size - 2}",
                got=int(self.codes[row]),
            )

    def put(self, out: Bytes, cursor: Int64s) -> None:
        kernels.put_strings(out, cursor, self.codes, self.offsets, self.data, self.valid, self.branch)


@dataclass(slots=True)
class _Lists:
    offsets: Int32s
    items: list[_Piece]
    item_lengths: Int64s

    def measure(self, lengths: Int64s) -> None:
        for piece in self.items:
            piece.measure(self.item_lengths)
        kernels.measure_lists(lengths, self.offsets, self.item_lengths)

    def put(self, out: Bytes, cursor: Int64s) -> None:
        item_cursor = np.empty_like(self.item_lengths)
        kernels.put_lists(out, cursor, self.offsets, self.item_lengths, item_cursor)
        for piece in self.items:
            piece.put(out, item_cursor)


@dataclass(slots=True)
class _SomeRows:
    """Fields of a record that is null in the other rows."""

    rows: Int64s
    fields: list[_Piece]

    def measure(self, lengths: Int64s) -> None:
        some = lengths[self.rows]
        for piece in self.fields:
            piece.measure(some)
        lengths[self.rows] = some

    def put(self, out: Bytes, cursor: Int64s) -> None:
        some = cursor[self.rows]
        for piece in self.fields:
            piece.put(out, some)
        cursor[self.rows] = some


def _pieces(columns: tuple[Column, ...], array_at: Any, index_of: Any, parent: str) -> Iterator[_Piece]:
    """The pieces of a record's fields; ``array_at(index_of(name))`` is a field's array."""
    for column in columns:
        path = nested_path(parent, column)
        array = array_at(index_of(column.name))
        if column.repeated:
            yield _lists(column, array, path)
        else:
            yield from _values(column, array, path)


def _lists(column: Column, array: pa.Array, path: str) -> _Piece:
    _refuse_nulls(array, path)
    if pa.types.is_large_list(array.type):
        array = array.cast(pa.list_(array.type.value_field))
    # `offsets` heeds the array's own offset, `values` does not.
    offsets = array.offsets.to_numpy() if len(array) else np.zeros(1, np.int32)
    first, last = int(offsets[0]), int(offsets[-1])
    items = array.values.slice(first, last - first)
    if first:
        offsets = offsets - np.int32(first)
    return _Lists(read_only(offsets), list(_values(column, items, path)), np.zeros(len(items), np.int64))


def _values(column: Column, array: pa.Array, path: str) -> Iterator[_Piece]:
    """The pieces of a column's values, or of its lists' items."""
    branch = int(column.nullable)
    if not branch:
        _refuse_nulls(array, path)
    if column.type is Type.RECORD:
        yield from _record(column, array, path)
    elif column.type in (Type.STRING, Type.BYTES):
        yield _strings(array, branch, path)
    else:
        valid, count, data = validity(array), len(array), array.buffers()[1]
        if column.type is Type.NUMERIC:
            yield _Decimals(view(data, np.int64, 2 * count, 2 * array.offset), valid, branch)
        elif column.type is Type.BOOLEAN:
            yield _Fixed(bits(data, count, array.offset) if count else NO_BYTES, valid, branch, 1)
        elif column.type is Type.FLOAT64:
            yield _Fixed(view(data, np.uint8, 8 * count, 8 * array.offset), valid, branch, 8)
        elif column.type is Type.DATE:
            yield _Longs(read_only(view(data, np.int32, count, array.offset).astype(np.int64)), valid, branch)
        else:
            yield _Longs(view(data, np.int64, count, array.offset), valid, branch)


def _record(column: Column, array: pa.StructArray, path: str) -> Iterator[_Piece]:
    fields = array.type.get_field_index
    if not column.nullable:
        yield from _pieces(column.fields, array.field, fields, path)
        return
    valid = validity(array)
    yield _Fixed(NO_BYTES, valid, 1, 0)
    if not valid.size:
        yield from _pieces(column.fields, array.field, fields, path)
    elif array.null_count < len(array):
        # A null record's fields hold anything: they are dropped before anybody looks at them.
        present = array.drop_null()
        yield _SomeRows(np.flatnonzero(valid), list(_pieces(column.fields, present.field, fields, path)))


def _strings(array: pa.Array, branch: int, path: str) -> _Piece:
    """A dictionary stays one: only codes are looked at, so its size does not matter to a short batch."""
    if not pa.types.is_dictionary(array.type):
        codes = read_only(np.arange(len(array), dtype=np.int32))
        return _Strings(codes, *_string_buffers(array, path), validity(array), branch, path)
    indices, dictionary = array.indices, array.dictionary
    valid = validity(indices)
    width = indices.type.bit_width // 8
    kind = "u" if pa.types.is_unsigned_integer(indices.type) else "i"
    given = view(indices.buffers()[1], np.dtype(f"{kind}{width}"), len(indices), indices.offset)
    if width > 4 or (width == 4 and kind == "u"):
        given = np.where((given >= 0) & (given < len(dictionary)), given, -1)
    codes = read_only(given.astype(np.int32, copy=False))
    if dictionary.null_count:
        named = validity(dictionary)[np.where(valid, codes, 0) if valid.size else codes]
        valid = read_only(named & valid if valid.size else named)
        if not branch and not valid.all():
            raise _null(path, int((valid == 0).sum()), len(array))
    return _Strings(codes, *_string_buffers(dictionary, path), valid, branch, path)


def _string_buffers(array: pa.Array, path: str) -> tuple[Int32s, Bytes]:
    """A string array's n + 1 offsets and its bytes."""
    if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type):
        try:
            array = array.cast(pa.binary())
        except pa.ArrowInvalid as error:
            raise AvroError("more than 2 GiB of strings in a batch", field=path) from error
    _, offsets, data = array.buffers()
    if not len(array):
        return view(None, np.int32, 0), NO_BYTES
    return view(offsets, np.int32, len(array) + 1, array.offset), view(data, np.uint8, data.size if data else 0)


def _refuse_nulls(array: pa.Array, path: str) -> None:
    if array.null_count:
        raise _null(path, array.null_count, len(array))


def _null(path: str, nulls: int, rows: int) -> AvroError:
    return AvroError("null in a required field", field=path, expected="no null", got=f"{nulls} of {rows}")


class _EncodePlan:
    """Checks schemas; the one that passed last is let through at once."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        check_names(columns)
        self._columns = columns
        self._passed: pa.Schema | None = None

    def check(self, schema: pa.Schema) -> None:
        if self._passed is not None and self._passed.equals(schema):
            return
        _check_fields(self._columns, schema, "")
        self._passed = schema


def _check_fields(columns: tuple[Column, ...], arrow: pa.Schema | pa.StructType, parent: str) -> None:
    """Raises AvroError unless ``arrow`` has exactly the fields ``columns``."""
    names = [arrow.field(i).name for i in range(len(arrow))]
    prefix = f"{parent}." if parent else ""
    for name in names:
        if names.count(name) > 1:
            raise AvroError("two columns of one name", field=prefix + name)
        if name not in {column.name for column in columns}:
            raise AvroError("column is not in the schema", field=prefix + name)
    for column in columns:
        path = prefix + column.name
        if column.name not in names:
            raise AvroError("missing column", field=path, expected=column.arrow_type)
        _check_type(column, arrow.field(column.name).type, path)


def _check_type(column: Column, arrow: pa.DataType, path: str) -> None:
    value = arrow
    if column.repeated:
        if not (pa.types.is_list(arrow) or pa.types.is_large_list(arrow)):
            raise AvroError("type differs", field=path, expected=column.arrow_type, got=arrow)
        value = arrow.value_type
    if column.type is Type.RECORD and pa.types.is_struct(value):
        _check_fields(column.fields, value, path)
        return
    if column.type in (Type.STRING, Type.BYTES):
        value = value.value_type if pa.types.is_dictionary(value) else value
        value = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}.get(value, value)
    if value != column.arrow_value_type:
        raise AvroError("type differs", field=path, expected=column.arrow_type, got=arrow)


_plan: PlanCache[_EncodePlan] = PlanCache(_EncodePlan)

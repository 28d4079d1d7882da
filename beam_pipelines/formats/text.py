"""JSON lines and CSV, column by column: no Python object is made per row."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from beam_pipelines.avro import Written
from beam_pipelines.formats.digest import Digest
from beam_pipelines.schema import Column, Table, Type

_TO_ESCAPE = r'["\\\x00-\x1f]'
"""What may not stand in a JSON string as it is."""

_T_AT = len("2025-11-28")

_Lookup = Callable[[str], pa.Array]
"""A record batch's columns, or a struct's fields, by name."""


def write_json_lines(file: BinaryIO, table: Table, blocks: Iterable[pa.RecordBatch], codec: str) -> Written:
    """Writes a table's blocks as one JSON object a line; ``codec`` is always null."""
    digest, rows = Digest(file), 0
    for batch in blocks:
        for lines in _pieces(_objects(table.columns, batch.column, "}\n")):
            digest.write(lines)
        rows += batch.num_rows
    return Written(rows, digest.bytes, digest.bytes, digest.fingerprint)


def write_csv(file: BinaryIO, table: Table, blocks: Iterable[pa.RecordBatch], codec: str) -> Written:
    """Writes a table's blocks as CSV with a header; ``codec`` is always null."""
    digest, rows = Digest(file), 0
    schema = pa.schema([pa.field(column.name, _csv_type(column)) for column in table.columns])
    with csv.CSVWriter(pa.PythonFile(digest, mode="w"), schema) as writer:
        for batch in blocks:
            columns = [_csv_column(column, batch.column(column.name)) for column in table.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
            rows += batch.num_rows
    return Written(rows, digest.bytes, digest.bytes, digest.fingerprint)


def json_objects(table: Table, batch: pa.RecordBatch) -> pa.Array[Any]:
    """Each row of a batch as a JSON object: the lines of :func:`write_json_lines`. Of floats nan and inf are strings.

    >>> place = Table(name="place", description="", columns=(Column(name="id", type=Type.INT64),))
    >>> json_objects(place, pa.record_batch({"id": [1, None]})).to_pylist()
    ['{"id":1}', '{"id":null}']
    """
    return _objects(table.columns, batch.column, "}")


def _csv_type(column: Column) -> pa.DataType:
    return pa.string() if column.repeated or column.fields or column.type is Type.TIMESTAMP else column.arrow_type


def _csv_column(column: Column, array: pa.Array[Any]) -> pa.Array[Any]:
    if column.repeated or column.fields:
        return _json(column, array)
    if column.type is Type.TIMESTAMP:
        return _times(array)
    return array.cast(column.arrow_type)


def _pieces(strings: pa.Array[Any]) -> Iterator[pa.Buffer]:
    """The bytes of strings one behind the other."""
    if len(strings):
        _, offsets, data = strings.buffers()
        ends = np.frombuffer(offsets, np.int32)[strings.offset : strings.offset + len(strings) + 1]
        yield data.slice(int(ends[0]), int(ends[-1] - ends[0]))


def _objects(columns: Iterable[Column], array_of: _Lookup, end: str) -> pa.Array[Any]:
    """A JSON object for each row, and ``end`` instead of its closing brace."""
    parts: list[pa.Array[Any] | str] = []
    closing = "{"
    for column in columns:
        array = array_of(column.name)
        # Quotes go with what stands between the values: joining only once takes half the time.
        quote = '"' if _is_quoted(column) and not array.null_count else ""
        parts += [
            f"{closing}{json.dumps(column.name)}:{quote}",
            _unquoted(column, array) if quote else _json(column, array),
        ]
        closing = f"{quote},"
    joined: pa.Array[Any] = pc.binary_join_element_wise(*parts, closing[:-1] + end, "")
    return joined


def _is_quoted(column: Column) -> bool:
    return not column.repeated and column.type in (Type.STRING, Type.TIMESTAMP, Type.NUMERIC, Type.DATE, Type.BYTES)


def _json(column: Column, array: pa.Array[Any]) -> pa.Array[Any]:
    """Each value of a column as JSON."""
    if not column.repeated:
        return _values(column, array)
    items = _values(column, array.flatten())
    offsets = array.offsets
    if first := offsets[0].as_py():
        offsets = pc.subtract(offsets, pa.scalar(first, pa.int32()))
    return pc.binary_join_element_wise("[", pc.binary_join(pa.ListArray.from_arrays(offsets, items), ","), "]", "")


def _values(column: Column, array: pa.Array[Any]) -> pa.Array[Any]:
    text = _unquoted(column, array)
    if _is_quoted(replace(column, repeated=False)):
        text = pc.binary_join_element_wise('"', text, '"', "")
    return text.fill_null("null") if text.null_count else text


def _unquoted(column: Column, array: pa.Array[Any]) -> pa.Array[Any]:
    """Each value as JSON, without the quotes that may belong around it; null for null."""
    if isinstance(array, pa.DictionaryArray):
        return _unquoted(column, array.dictionary).take(array.indices)
    if column.fields:
        objects = _objects(column.fields, lambda name: pc.struct_field(array, name), "}")
        return pc.if_else(array.is_valid(), objects, None) if array.null_count else objects
    if column.type is Type.STRING:
        return _escaped(array)
    if column.type is Type.TIMESTAMP:
        return _times(array)
    if column.type is Type.BYTES:
        return _base64(array)
    text = array.cast(pa.string())
    if column.type is Type.FLOAT64 and not pc.all(pc.is_finite(array), min_count=0).as_py():
        # JSON has no such numbers.
        text = pc.if_else(pc.is_finite(array), text, pc.binary_join_element_wise('"', text, '"', ""))
    return text


def _escaped(array: pa.Array[Any]) -> pa.Array[Any]:
    special = pc.match_substring_regex(array, _TO_ESCAPE)
    if not pc.any(special, min_count=0).as_py():
        return array
    escaped = [json.dumps(value, ensure_ascii=False)[1:-1] for value in array.filter(special).to_pylist()]
    return pc.replace_with_mask(array, special.fill_null(False), pa.array(escaped, pa.string()))


def _base64(array: pa.Array[Any]) -> pa.Array[Any]:
    """Bytes as BigQuery writes them. No table has a column of them, but a lake's file may."""
    return pa.array(
        [None if value is None else base64.b64encode(value).decode() for value in array.to_pylist()], pa.string()
    )


def _times(array: pa.Array[Any]) -> pa.Array[Any]:
    """UTC times in ISO 8601: Arrow's own form, which takes a twentieth of the time of its strftime, with T and Z."""
    text = array.cast(pa.timestamp("us")).cast(pa.string())
    return pc.binary_join_element_wise(pc.binary_replace_slice(text, _T_AT, _T_AT + 1, "T"), "Z", "")

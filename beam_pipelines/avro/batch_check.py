"""Whether an Arrow schema is one that a given Avro schema can be written from."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from beam_pipelines.avro.arrow_types import arrow_field, value_type
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import AvroType, Kind, Logical, nested_path

_PLAIN = {
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
}

_KEY = AvroType(Kind.STRING)
"""Of a map."""


class BatchCheck:
    """Checks batches' schemas; the one that passed last is let through at once."""

    def __init__(self, record: AvroType) -> None:
        arrow_field("", record, "", dictionaries=False)  # raises for fields that no Arrow type has
        self._record = record
        self._passed: pa.Schema | None = None

    def __call__(self, schema: pa.Schema) -> None:
        """Raises AvroError, naming the field, unless ``schema`` has exactly the record's fields."""
        if self._passed is None or not self._passed.equals(schema):
            _check_fields(self._record, schema, "")
            self._passed = schema


def _check_fields(record: AvroType, arrow: pa.Schema | pa.StructType, parent: str) -> None:
    names = Counter(arrow.field(i).name for i in range(len(arrow)))
    known = {field.name for field in record.fields}
    for name, times in names.items():
        if times > 1:
            raise AvroError("two columns of one name", field=nested_path(parent, name))
        if name not in known:
            raise AvroError("column is not in the schema", field=nested_path(parent, name))
    for field in record.fields:
        path = nested_path(parent, field.name)
        if field.name not in names:
            expected = arrow_field(field.name, field.type, path, dictionaries=False)
            raise AvroError("missing column", field=path, expected=expected.type)
        _check_type(field.type, arrow.field(field.name).type, path)


def _check_type(type_: AvroType, arrow: pa.DataType, path: str) -> None:
    value, nullable = value_type(type_, path)
    if nullable and pa.types.is_null(arrow):
        return
    if value.items and value.kind is Kind.MAP and pa.types.is_map(arrow):
        _check_type(_KEY, arrow.key_type, path)
        _check_type(value.items, arrow.item_type, path)
        return
    if value.items and value.kind is Kind.ARRAY and (pa.types.is_list(arrow) or pa.types.is_large_list(arrow)):
        _check_type(value.items, arrow.value_type, path)
        return
    if value.kind is Kind.RECORD and pa.types.is_struct(arrow):
        _check_fields(value, arrow, path)
        return
    plain = arrow
    if value.kind in (Kind.STRING, Kind.BYTES, Kind.ENUM) and value.logical is not Logical.DECIMAL:
        plain = arrow.value_type if pa.types.is_dictionary(arrow) else arrow
        plain = _PLAIN.get(plain, plain)
    expected = arrow_field("", type_, path, dictionaries=False).type
    if plain != (pa.string() if value.kind is Kind.ENUM else expected):
        raise AvroError("type differs", field=path, expected=expected, got=arrow)

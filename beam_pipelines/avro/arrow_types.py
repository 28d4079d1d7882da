"""Which Arrow type an Avro type becomes: the package's one table of types.

=====================================  ==============================================================
Avro                                   Arrow
=====================================  ==============================================================
null                                   null
boolean                                bool
int, long                              int32, int64
float, double                          float, double
bytes, string                          binary, string (or dictionary<int32, string> where asked)
fixed                                  fixed_size_binary
enum                                   dictionary<int32, string> of the enum's symbols
array                                  list
map                                    map<string, ...>
record                                 struct
union of null and one type             that type, nullable
union of one type                      that type
int: date, time-millis                 date32, time32[ms]
long: time-micros                      time64[us]
long: timestamp-millis, -micros, ...   timestamp[ms, UTC], timestamp[us, UTC], timestamp[ns, UTC]
long: local-timestamp-millis, ...      timestamp[ms], timestamp[us], timestamp[ns]
bytes or fixed: decimal                decimal128, up to 38 digits
string or fixed: uuid                  as without it
fixed: duration                        as without it
=====================================  ==============================================================

A union of several types has no Arrow type here. Such a file can be read with a reader's schema that has one.
"""

from __future__ import annotations

import pyarrow as pa

from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import AvroType, Kind, Logical, nested_path

ENUM_TYPE = pa.dictionary(pa.int32(), pa.string())

_PLAIN = {
    Kind.NULL: pa.null(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.INT: pa.int32(),
    Kind.LONG: pa.int64(),
    Kind.FLOAT: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.BYTES: pa.binary(),
    Kind.STRING: pa.string(),
    Kind.ENUM: ENUM_TYPE,
}
_LOGICAL = {
    Logical.DATE: pa.date32(),
    Logical.TIME_MILLIS: pa.time32("ms"),
    Logical.TIME_MICROS: pa.time64("us"),
    Logical.TIMESTAMP_MILLIS: pa.timestamp("ms", tz="UTC"),
    Logical.TIMESTAMP_MICROS: pa.timestamp("us", tz="UTC"),
    Logical.TIMESTAMP_NANOS: pa.timestamp("ns", tz="UTC"),
    Logical.LOCAL_TIMESTAMP_MILLIS: pa.timestamp("ms"),
    Logical.LOCAL_TIMESTAMP_MICROS: pa.timestamp("us"),
    Logical.LOCAL_TIMESTAMP_NANOS: pa.timestamp("ns"),
}


def arrow_schema(record: AvroType, *, dictionaries: bool = False) -> pa.Schema:
    """The Arrow schema of rows of a record.

    Args:
        record: The rows' type.
        dictionaries: Whether strings are dictionary-encoded. A map's keys never are.

    Raises:
        AvroError: It is not a record, or a field is a union of several types.

    >>> from beam_pipelines.avro.schema import parse_schema
    >>> fields = [{"name": "id", "type": "long"}, {"name": "tags", "type": {"type": "array", "items": "string"}}]
    >>> print(arrow_schema(parse_schema({"type": "record", "name": "place", "fields": fields})))
    id: int64 not null
    tags: list<item: string not null> not null
      child 0, item: string not null
    """
    return pa.schema(_fields(rows_of(record), "", dictionaries))


def rows_of(schema: AvroType) -> AvroType:
    """The schema itself if its values can be rows; AvroError if not."""
    if schema.kind is not Kind.RECORD:
        raise AvroError("unusable Avro schema", expected="a record", got=schema)
    return schema


def arrow_field(name: str, type_: AvroType, path: str, *, dictionaries: bool) -> pa.Field[pa.DataType]:
    """The Arrow field of a value of a type."""
    value, nullable = value_type(type_, path)
    return pa.field(name, _arrow_type(value, path, dictionaries), nullable=nullable)


def value_type(type_: AvroType, path: str) -> tuple[AvroType, bool]:
    """The type of the values that are not null, and whether there may be nulls."""
    if type_.kind is not Kind.UNION:
        return type_, type_.kind is Kind.NULL
    if len(type_.branches) == 1:
        return type_.branches[0], type_.branches[0].kind is Kind.NULL
    if type_.value_branch is None:
        raise AvroError(
            "a union of several types has no Arrow type", field=path or None, expected="null and one type", got=type_
        )
    return type_.value_branch, True


def _fields(record: AvroType, path: str, dictionaries: bool) -> list[pa.Field[pa.DataType]]:
    return [
        arrow_field(field.name, field.type, nested_path(path, field.name), dictionaries=dictionaries)
        for field in record.fields
    ]


def _arrow_type(type_: AvroType, path: str, dictionaries: bool) -> pa.DataType:
    if type_.logical is Logical.DECIMAL:
        return pa.decimal128(type_.precision, type_.scale)
    if type_.logical:
        return _LOGICAL[type_.logical]
    if type_.kind is Kind.RECORD:
        return pa.struct(_fields(type_, path, dictionaries))
    if type_.kind is Kind.FIXED:
        return pa.binary(type_.size)
    if type_.kind is Kind.STRING and dictionaries:
        return ENUM_TYPE
    if type_.kind is Kind.ARRAY and type_.items is not None:
        return pa.list_(arrow_field("item", type_.items, path, dictionaries=dictionaries))
    if type_.kind is Kind.MAP and type_.items is not None:
        values = arrow_field("value", type_.items, path, dictionaries=dictionaries)
        return pa.map_(pa.field("key", pa.string(), nullable=False), values)
    return _PLAIN[type_.kind]

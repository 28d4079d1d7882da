"""What a column and a table are, and the only place where their types are mapped.

A :class:`Column` has one of nine types, the ones BigQuery, Avro, Arrow and DuckDB share without loss:

=========  ===============================  =====================  ===================  =======================
type       Avro                             Arrow                  BigQuery             DuckDB
=========  ===============================  =====================  ===================  =======================
BOOLEAN    boolean                          bool                   BOOLEAN              BOOLEAN
INT64      long                             int64                  INTEGER              BIGINT
FLOAT64    double                           double                 FLOAT                DOUBLE
STRING     string                           string                 STRING               VARCHAR
BYTES      bytes                            binary                 BYTES                BLOB
NUMERIC    bytes, decimal(p, s)             decimal128(p, s)       NUMERIC(p, s)        DECIMAL(p, s)
DATE       int, date                        date32                 DATE                 DATE
TIMESTAMP  long, timestamp-micros           timestamp[us, UTC]     TIMESTAMP            TIMESTAMP WITH TIME ZONE
RECORD     record                           struct                 RECORD               STRUCT
=========  ===============================  =====================  ===================  =======================

``nullable`` becomes an Avro union with null, ``repeated`` an array. This module knows nothing of retail.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import pyarrow as pa

NAMESPACE = "retail"


class SchemaError(ValueError):
    """A schema says something that a column cannot be."""


class Type(StrEnum):
    """The type of a column's values."""

    BOOLEAN = "BOOLEAN"
    INT64 = "INT64"
    FLOAT64 = "FLOAT64"
    STRING = "STRING"
    BYTES = "BYTES"
    NUMERIC = "NUMERIC"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    RECORD = "RECORD"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table, or one field of a RECORD column.

    >>> Column(name="total", type=Type.NUMERIC, precision=12, scale=2).duckdb_type
    'DECIMAL(12,2)'
    """

    name: str
    type: Type
    description: str = ""
    nullable: bool = False
    repeated: bool = False
    fields: tuple[Column, ...] = ()
    precision: int = 0
    """Total digits of a NUMERIC, 1 to 38."""
    scale: int = 0
    """Digits of a NUMERIC after the point, 0 to ``precision``."""
    values: tuple[str, ...] = ()
    """The only values a STRING column may hold; empty for any."""
    minimum: float | None = None
    """The smallest valid value of a numeric column."""
    maximum: float | None = None
    """The largest valid value of a numeric column."""
    references: str = ""
    """``table.column`` whose values this column draws from."""

    def __post_init__(self) -> None:
        if (self.type is Type.RECORD) != bool(self.fields):
            raise SchemaError(f"column {self.name}: a RECORD, and only a RECORD, has fields")
        if self.type is Type.NUMERIC and not (1 <= self.precision <= 38 and 0 <= self.scale <= self.precision):
            raise SchemaError(
                f"column {self.name}: expected NUMERIC with 1 <= precision <= 38 and 0 <= scale <= precision, "
                f"got precision {self.precision}, scale {self.scale}"
            )
        if self.nullable and self.repeated:
            raise SchemaError(f"column {self.name}: repeated columns are empty, not null")

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column, a list if it is repeated."""
        value = self.arrow_value_type
        return pa.list_(pa.field("item", value, nullable=False)) if self.repeated else value

    @property
    def arrow_value_type(self) -> pa.DataType:
        """The Arrow type of one value: the column's own, or its list's items'."""
        if self.type is Type.RECORD:
            return pa.struct([field.arrow_field for field in self.fields])
        if self.type is Type.NUMERIC:
            return pa.decimal128(self.precision, self.scale)
        return _ARROW[self.type]

    @property
    def arrow_field(self) -> pa.Field[pa.DataType]:
        """The Arrow field of the column."""
        return pa.field(self.name, self.arrow_type, nullable=self.nullable)

    def avro_field(self, parent: str) -> dict[str, Any]:
        """The Avro field; ``parent`` is the name of the record it is in, which prefixes the names of nested records."""
        value = self._avro_value(parent)
        field: dict[str, Any] = {"name": self.name, "type": value}
        if self.repeated:
            field["type"] = {"type": "array", "items": value}
        elif self.nullable:
            field |= {"type": ["null", value], "default": None}
        return field | ({"doc": self.description} if self.description else {})

    def _avro_value(self, parent: str) -> Any:
        if self.type is Type.RECORD:
            return avro_record(f"{parent}_{self.name}", self.fields)
        if self.type is Type.NUMERIC:
            return {"type": "bytes", "logicalType": "decimal", "precision": self.precision, "scale": self.scale}
        return _AVRO[self.type]

    @property
    def bigquery_field(self) -> dict[str, Any]:
        """The column as a TableFieldSchema of BigQuery's REST API."""
        mode = "REPEATED" if self.repeated else "NULLABLE" if self.nullable else "REQUIRED"
        field: dict[str, Any] = {"name": self.name, "type": _BIGQUERY.get(self.type, self.type.value), "mode": mode}
        if self.description:
            field["description"] = self.description
        if self.type is Type.NUMERIC:
            field |= {"precision": str(self.precision), "scale": str(self.scale)}
        if self.fields:
            field["fields"] = [nested.bigquery_field for nested in self.fields]
        return field

    @property
    def duckdb_type(self) -> str:
        """The column's type in DuckDB's SQL."""
        if self.type is Type.RECORD:
            fields = ", ".join(f"{quoted(field.name)} {field.duckdb_type}" for field in self.fields)
            value = f"STRUCT({fields})"
        elif self.type is Type.NUMERIC:
            value = f"DECIMAL({self.precision},{self.scale})"
        else:
            value = _DUCKDB[self.type]
        return value + "[]" if self.repeated else value


@dataclass(frozen=True, kw_only=True)
class Partition:
    """How BigQuery partitions a table: by ``column``, one partition per ``granularity``."""

    column: str
    granularity: str = "DAY"
    """``DAY`` (partition ids like 20251128) or ``MONTH`` (202511)."""

    def __post_init__(self) -> None:
        if self.granularity not in ("DAY", "MONTH"):
            raise SchemaError(f"partition by {self.column}: expected DAY or MONTH, got {self.granularity!r}")


@dataclass(frozen=True, kw_only=True)
class Equation:
    """A rule of row arithmetic on NUMERIC columns: ``left`` equals the sum of ``plus`` less the sum of ``minus``.

    Columns of a repeated record are written ``items.retail_price``. If ``left`` is a column of the row, they are summed
    over the row's items; if ``left`` is such a column itself, the rule holds for each item.
    """

    name: str
    left: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.left} = {' + '.join(self.plus)}" + "".join(f" - {term}" for term in self.minus)


@dataclass(frozen=True, kw_only=True)
class TimeOrder:
    """A rule of time: the moment ``later``, where there is one, is not before ``earlier``."""

    earlier: str
    later: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: its columns, its key, and how BigQuery lays it out."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    """The columns that together identify a row."""
    partition: Partition | None = None
    cluster_by: tuple[str, ...] = ()
    equations: tuple[Equation, ...] = ()
    """What has to add up in every row, to the cent."""
    time_orders: tuple[TimeOrder, ...] = ()
    """Which TIMESTAMP columns come after which in every row."""
    dataset: str = "retail"

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        named = [*self.key, *self.cluster_by, *([self.partition.column] if self.partition else [])]
        if missing := sorted(set(named) - set(names)):
            raise SchemaError(f"table {self.name}: key, partition or clustering names unknown columns {missing}")
        if len(set(names)) != len(names):
            raise SchemaError(f"table {self.name}: a column name appears twice")

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The table's Arrow schema, strings plain (producers may hand over dictionary-encoded ones)."""
        return pa.schema([column.arrow_field for column in self.columns])

    @cached_property
    def avro_schema(self) -> dict[str, Any]:
        """The table's Avro schema."""
        return avro_record(self.name, self.columns, namespace=NAMESPACE, doc=self.description)

    @cached_property
    def bigquery_schema(self) -> list[dict[str, Any]]:
        """The table's fields for BigQuery's REST API."""
        return [column.bigquery_field for column in self.columns]

    @cached_property
    def numeric_paths(self) -> tuple[str, ...]:
        """Paths of the NUMERIC columns, those of records in the form ``items.sale_price``."""
        return tuple(_numeric_paths(self.columns, ""))

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change when what is stored changes (names and types, not descriptions)."""
        plain = json.dumps(without_docs(self.avro_schema), sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _numeric_paths(columns: Iterable[Column], prefix: str) -> Iterator[str]:
    for column in columns:
        if column.type is Type.NUMERIC:
            yield prefix + column.name
        yield from _numeric_paths(column.fields, f"{prefix}{column.name}.")


def avro_record(name: str, columns: Iterable[Column], namespace: str = "", doc: str = "") -> dict[str, Any]:
    """An Avro record schema with one field per column."""
    record: dict[str, Any] = {"type": "record", "name": name}
    if namespace:
        record["namespace"] = namespace
    if doc:
        record["doc"] = doc
    return record | {"fields": [column.avro_field(name) for column in columns]}


def without_docs(schema: Any) -> Any:
    """An Avro schema without its documentation.

    >>> without_docs({"type": "record", "name": "a", "doc": "An a.", "fields": []})
    {'type': 'record', 'name': 'a', 'fields': []}
    """
    if isinstance(schema, dict):
        return {key: without_docs(value) for key, value in schema.items() if key != "doc"}
    if isinstance(schema, list):
        return [without_docs(part) for part in schema]
    return schema


def columns_from_arrow(schema: pa.Schema | pa.StructType) -> tuple[Column, ...]:
    """The columns of an Arrow schema or struct; dictionary-encoded values count as the values they stand for.

    Narrower numbers widen (int32 to INT64, float to FLOAT64). Raises SchemaError for what a column cannot be.
    """
    return tuple(_column_from_arrow(schema.field(i)) for i in range(len(schema)))


def _column_from_arrow(field: pa.Field[pa.DataType]) -> Column:
    arrow, repeated = field.type, False
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        arrow, repeated = arrow.value_type, True
    if pa.types.is_dictionary(arrow):
        arrow = arrow.value_type
    common: dict[str, Any] = {"name": field.name, "nullable": field.nullable and not repeated, "repeated": repeated}
    if pa.types.is_struct(arrow):
        return Column(type=Type.RECORD, fields=columns_from_arrow(arrow), **common)
    if pa.types.is_decimal(arrow):
        return Column(type=Type.NUMERIC, precision=arrow.precision, scale=arrow.scale, **common)
    for is_type, type_ in _FROM_ARROW:
        if is_type(arrow):
            return Column(type=type_, **common)
    raise SchemaError(f"field {field.name}: unsupported Arrow type {arrow}")


def columns_from_bigquery(fields: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The columns of a list of BigQuery TableFieldSchema; NUMERIC without precision is NUMERIC(38, 9) as there."""
    return tuple(_column_from_bigquery(field) for field in fields)


def _column_from_bigquery(field: Mapping[str, Any]) -> Column:
    given = str(field["type"]).upper()
    type_ = _FROM_BIGQUERY.get(given)
    if type_ is None:
        raise SchemaError(f"field {field['name']}: unsupported BigQuery type {given}")
    mode = str(field.get("mode") or "NULLABLE").upper()
    return Column(
        name=field["name"],
        type=type_,
        description=field.get("description", ""),
        nullable=mode == "NULLABLE",
        repeated=mode == "REPEATED",
        fields=columns_from_bigquery(field.get("fields", ())),
        precision=int(field.get("precision", 38)) if type_ is Type.NUMERIC else 0,
        scale=int(field.get("scale", 0 if "precision" in field else 9)) if type_ is Type.NUMERIC else 0,
    )


def quoted(identifier: str) -> str:
    """An identifier quoted for DuckDB's SQL.

    >>> quoted("order")
    '"order"'
    """
    return '"' + identifier.replace('"', '""') + '"'


_ARROW: dict[Type, pa.DataType] = {
    Type.BOOLEAN: pa.bool_(),
    Type.INT64: pa.int64(),
    Type.FLOAT64: pa.float64(),
    Type.STRING: pa.string(),
    Type.BYTES: pa.binary(),
    Type.DATE: pa.date32(),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}
_AVRO: dict[Type, Any] = {
    Type.BOOLEAN: "boolean",
    Type.INT64: "long",
    Type.FLOAT64: "double",
    Type.STRING: "string",
    Type.BYTES: "bytes",
    Type.DATE: {"type": "int", "logicalType": "date"},
    Type.TIMESTAMP: {"type": "long", "logicalType": "timestamp-micros"},
}
_BIGQUERY = {Type.INT64: "INTEGER", Type.FLOAT64: "FLOAT"}
_FROM_BIGQUERY = {type_.value: type_ for type_ in Type} | {
    "INTEGER": Type.INT64,
    "FLOAT": Type.FLOAT64,
    "BOOL": Type.BOOLEAN,
    "STRUCT": Type.RECORD,
    "DECIMAL": Type.NUMERIC,
}
_DUCKDB = {
    Type.BOOLEAN: "BOOLEAN",
    Type.INT64: "BIGINT",
    Type.FLOAT64: "DOUBLE",
    Type.STRING: "VARCHAR",
    Type.BYTES: "BLOB",
    Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}
_FROM_ARROW = (
    (pa.types.is_boolean, Type.BOOLEAN),
    (pa.types.is_integer, Type.INT64),
    (pa.types.is_floating, Type.FLOAT64),
    (pa.types.is_string, Type.STRING),
    (pa.types.is_large_string, Type.STRING),
    (pa.types.is_binary, Type.BYTES),
    (pa.types.is_large_binary, Type.BYTES),
    (pa.types.is_fixed_size_binary, Type.BYTES),
    (pa.types.is_date, Type.DATE),
    (pa.types.is_timestamp, Type.TIMESTAMP),
)

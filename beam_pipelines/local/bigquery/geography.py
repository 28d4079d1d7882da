"""Values of the type GEOGRAPHY, which only warehouses have: points, in DuckDB's GEOMETRY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from struct import unpack
from typing import Any

from beam_pipelines.local.bigquery.errors import unsupported
from beam_pipelines.schema import Column, columns_from_bigquery

GEOGRAPHY = "GEOGRAPHY"
_POINT = b"\x01\x01\x00\x00\x00"
"""What well-known binary of a point begins with, in DuckDB's order of bytes; two FLOAT64 follow."""
_ANY_FIELD = {"name": "any", "type": "STRING"}


@dataclass(frozen=True, kw_only=True)
class GeographyColumn(Column):
    """A column of GEOGRAPHY; to everything else of ours its ``type`` is STRING, which it is loaded from."""

    @property
    def bigquery_field(self) -> dict[str, Any]:
        """The column as a TableFieldSchema of BigQuery's REST API."""
        return super().bigquery_field | {"type": GEOGRAPHY}

    @property
    def duckdb_type(self) -> str:
        """The column's type in DuckDB's SQL."""
        return "GEOMETRY[]" if self.repeated else "GEOMETRY"


def columns_of_fields(fields: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The columns of a list of TableFieldSchemas, those of GEOGRAPHY among them.

    Raises:
        SchemaError: a type that a column cannot have.
    """
    return tuple(_column(field) for field in fields)


def _column(field: Mapping[str, Any]) -> Column:
    if str(field["type"]).upper() == GEOGRAPHY:
        (column,) = columns_from_bigquery([{**field, "type": "STRING"}])
        return GeographyColumn(**vars(column))
    if not field.get("fields"):
        return columns_from_bigquery([field])[0]
    (column,) = columns_from_bigquery([{**field, "fields": [_ANY_FIELD]}])
    return replace(column, fields=columns_of_fields(field["fields"]))


def text_of_point(well_known_binary: bytes) -> str:
    """A point as BigQuery shows it, in well-known text.

    >>> text_of_point(bytes.fromhex("0101000000000000000000f0bf00000000000014c0"))
    'POINT(-1 -5)'

    Raises:
        ApiError: it is no point, which only a text that is inserted into a table can bring about.
    """
    if not well_known_binary.startswith(_POINT):
        raise unsupported("A GEOGRAPHY that is not a point")
    longitude, latitude = (repr(degrees).removesuffix(".0") for degrees in unpack("<5xdd", well_known_binary))
    return f"POINT({longitude} {latitude})"

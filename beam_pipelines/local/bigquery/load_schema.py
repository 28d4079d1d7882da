"""The schema of a load: what the Avro files bring, what the table has, and whether the one fits the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from beam_pipelines.local.bigquery.errors import invalid, unsupported
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.schema_evolution import Rules, evolved
from beam_pipelines.local.bigquery.sources import AvroSource
from beam_pipelines.schema import Column, SchemaError, Type, columns_from_bigquery

Document = dict[str, Any]

_NUMERIC_DIGITS, _NUMERIC_SCALE = 29, 9


def file_columns(sources: Sequence[AvroSource], load: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns of the files, which must agree; with ``useAvroLogicalTypes`` false, of the raw types."""
    columns = sources[0].columns
    for other in sources[1:]:
        if other.avro_schema != sources[0].avro_schema and _shape(other.columns) != _shape(columns):
            raise invalid(f"The Avro schemas of {sources[0].uri} and {other.uri} differ")
    if load.get("useAvroLogicalTypes") in (True, "true"):
        return columns
    return tuple(_raw(column) for column in columns)


def _shape(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(replace(column, description="", fields=_shape(column.fields)) for column in columns)


def _raw(column: Column) -> Column:
    """BigQuery reads an Avro logical type as the type under it unless it is told otherwise."""
    if column.type is Type.NUMERIC:
        raise unsupported(
            f"Field {column.name}: an Avro decimal without load.useAvroLogicalTypes (BigQuery gives BYTES)"
        )
    if column.type in (Type.TIMESTAMP, Type.DATE) and column.repeated:
        raise unsupported(f"Field {column.name}: an Avro array of {column.type} without load.useAvroLogicalTypes")
    if column.type is Type.RECORD and _shape(column.fields) != tuple(_raw(inner) for inner in _shape(column.fields)):
        raise unsupported(f"Field {column.name}: Avro logical types in a record without load.useAvroLogicalTypes")
    return replace(column, type=Type.INT64) if column.type in (Type.TIMESTAMP, Type.DATE) else column


def table_fields(
    columns: tuple[Column, ...], load: Mapping[str, Any], known: Sequence[Mapping[str, Any]] = ()
) -> list[Document]:
    """The fields of the table that a load makes: those of its schema, or else those of the files.

    Fields that the table has already with the same type (``known``) stay as they are described there.
    """
    given = (load.get("schema") or {}).get("fields")
    if given is None:
        found = [_autodetected(column.bigquery_field, column) for column in columns]
        there = {field["name"]: dict(field) for field in known}
        return [there[field["name"]] if _same(field, there.get(field["name"])) else field for field in found]
    names = {field["name"].lower() for field in given}
    if unknown := [column.name for column in columns if column.name.lower() not in names]:
        raise invalid(f"Provided schema does not match the Avro files. Cannot find field: {unknown[0]}")
    return [dict(field) for field in given]


def _autodetected(field: Document, column: Column) -> Document:
    """BigQuery makes every decimal that fits a plain NUMERIC, whatever its precision."""
    if column.type is Type.NUMERIC:
        if column.scale > _NUMERIC_SCALE or column.precision - column.scale > _NUMERIC_DIGITS:
            raise unsupported(f"Field {column.name}: a decimal beyond NUMERIC(38, 9) (BIGNUMERIC)")
        field = {key: value for key, value in field.items() if key not in ("precision", "scale")}
    if column.fields:
        field["fields"] = [_autodetected(inner.bigquery_field, inner) for inner in column.fields]
    return field


def _same(field: Mapping[str, Any], there: Mapping[str, Any] | None) -> bool:
    if there is None:
        return False
    try:
        found, known = columns_from_bigquery([field, there])
    except SchemaError:
        return False
    return _fits(found, known) and found.nullable == known.nullable and len(found.fields) == len(known.fields)


def _fits(found: Column, known: Column) -> bool:
    inner = {column.name.lower(): column for column in known.fields}
    return (
        found.type is known.type
        and found.repeated == known.repeated
        and all(column.name.lower() in inner and _fits(column, inner[column.name.lower()]) for column in found.fields)
    )


def reconciled(
    name: TableName, document: Mapping[str, Any], found: Sequence[Document], load: Mapping[str, Any]
) -> list[Document]:
    """The table's fields after a load that brings the fields ``found``; an ApiError that spells out a difference."""
    fields: list[Document] = document["schema"]["fields"]
    if found == fields:
        return fields
    options = load.get("schemaUpdateOptions") or ()
    rules = Rules(
        additions="ALLOW_FIELD_ADDITION" in options,
        relaxations="ALLOW_FIELD_RELAXATION" in options,
        complete=False,
        modes=(load.get("schema") or {}).get("fields") is not None,
    )
    return evolved(name, fields, found, rules)

"""What files of other schemas than the table's are read as: what is added flows through, all else has to fit."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from beam_pipelines import avro, tables
from beam_pipelines.lake import LakeError
from beam_pipelines.schema import Column, SchemaError, Table, columns_from_arrow


def with_more(table_name: str, more: tuple[Column, ...]) -> Table:
    """A lake table with the columns that some of its files have beyond it, each of them nullable or repeated."""
    table = tables.BY_NAME[table_name]
    return _with_more(table, more) if more else table


@functools.lru_cache(maxsize=64)
def _with_more(table: Table, more: tuple[Column, ...]) -> Table:
    return replace(table, columns=table.columns + more)


def columns_of(avro_schema: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns that a file of this schema has; AvroError or SchemaError if they are none of ours."""
    return columns_from_arrow(avro.arrow_schema(avro.parse_schema(avro_schema)))


def more_columns(table: Table, found: Iterable[Column]) -> tuple[Column, ...]:
    """Of a file's columns those that the table has not."""
    known = {column.name for column in table.columns}
    return tuple(column for column in found if column.name not in known)


def merged(table_name: str, parts: Iterable[tuple[str, tuple[Column, ...]]]) -> tuple[Column, ...]:
    """The columns that several files or days have beyond a table's, by name; each with where it is found.

    LakeError if two of them mean something else by one.
    """
    found: dict[str, tuple[Column, str]] = {}
    for where, columns in parts:
        for column in columns:
            before, first = found.setdefault(column.name, (column, where))
            if before != column:
                raise LakeError(
                    f"{table_name}: column {column.name}: expected {before.arrow_type} as {first}, "
                    f"found {column.arrow_type} {where}"
                )
    return tuple(found[name][0] for name in sorted(found))


def differences(table: Table, found: Iterable[Column]) -> list[str]:
    """Why columns cannot be read as the table's, a line for each; none if they can.

    A column that is not there has to be one that may be null, and a column that the table has not has to be one too.
    """
    return list(_differences(table.columns, tuple(found), "", may_differ=True))


def _differences(
    expected: tuple[Column, ...], found: tuple[Column, ...], prefix: str, *, may_differ: bool
) -> Iterator[str]:
    known, there = ({column.name: column for column in columns} for columns in (expected, found))
    for column in expected:
        one, path = there.get(column.name), prefix + column.name
        if one is None:
            if not (may_differ and (column.nullable or column.repeated)):
                yield f"{path}: expected {_described(column)}, found no such column"
        elif _kind(one) != _kind(column):
            yield f"{path}: expected {_described(column)}, found {_described(one)}"
        else:
            yield from _differences(column.fields, one.fields, f"{path}.", may_differ=False)
    for column in found:
        if column.name not in known and not (may_differ and (column.nullable or column.repeated)):
            allowed = "no such column, or one that may be null" if may_differ else "no such field"
            yield f"{prefix}{column.name}: expected {allowed}, found {_described(column)}"


def _kind(column: Column) -> tuple[object, ...]:
    """What has to be the same. Nulls need not: a row that has one where none may be is refused alone."""
    return column.type, column.repeated, column.precision, column.scale


def _described(column: Column) -> str:
    size = f"({column.precision}, {column.scale})" if column.precision else ""
    mode = "REPEATED" if column.repeated else "NULLABLE" if column.nullable else "REQUIRED"
    return f"{column.type}{size} {mode}"


@functools.lru_cache(maxsize=256)
def reader_schema(table: Table, avro_schema: str) -> avro.AvroType:
    """The schema to read a file of this schema (JSON) as: the table's, with nulls where the file may have them.

    SchemaError, with the difference, if the file cannot be read as the table's, or has a column that this has not.
    """
    found = columns_of(json.loads(avro_schema))
    more = [
        f"{column.name}: expected no such column, found {_described(column)}" for column in more_columns(table, found)
    ]
    if differing := differences(table, found) or more:
        raise SchemaError(f"other columns than those of {table.name}: {'; '.join(differing)}")
    schema = replace(table, columns=tuple(_with_nulls(table.columns, found))).avro_schema
    return avro.parse_schema(schema | {"fields": [_with_default(field) for field in schema["fields"]]})


def _with_default(field: dict[str, Any]) -> dict[str, Any]:
    """The field, and empty lists for it where a file has no such column; one that may be null has its default."""
    kind = field["type"]
    return field | {"default": []} if isinstance(kind, dict) and kind["type"] == "array" else field


def _with_nulls(columns: Iterable[Column], found: Iterable[Column]) -> Iterator[Column]:
    there = {column.name: column for column in found}
    for column in columns:
        one = there.get(column.name)
        nullable = column.nullable if one is None else one.nullable
        fields = tuple(_with_nulls(column.fields, one.fields)) if one is not None else column.fields
        yield replace(column, nullable=nullable and not column.repeated, fields=fields)

"""How the schema of a table with rows may change: columns are added and made nullable, never dropped or retyped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beam_pipelines.local.bigquery import catalog
from beam_pipelines.local.bigquery.errors import ApiError, invalid, unsupported
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.schema import Column, quoted

Document = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """What a request may do to a schema."""

    additions: bool
    """Add NULLABLE and REPEATED fields."""
    relaxations: bool
    """Make REQUIRED fields NULLABLE."""
    complete: bool
    """The request has the whole new schema, descriptions too, so a field that it lacks is dropped, which nobody may do.
    Otherwise such a field stays as it is, unless it is REQUIRED."""
    modes: bool
    """REQUIRED is what the request asks for, and not merely what its rows happen to be."""


UPDATE = Rules(additions=True, relaxations=True, complete=True, modes=True)
"""Of tables.update and tables.patch."""


def evolved(
    table: TableName, known: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]], rules: Rules
) -> list[Document]:
    """The fields of a table after a request: those that it has, in their order, and behind them those that are new.

    Args:
        table: What errors call the table.
        known: The TableFieldSchemas that it has.
        given: Those of the request.
        rules: What the request may do.

    Raises:
        ApiError: The request does what it may not. Says which field, what it was and what it would be.
    """
    columns = [
        {column.name.lower(): column for column in catalog.columns_of({"schema": {"fields": fields}})}
        for fields in (known, given)
    ]
    if len(columns[1]) < len(given):
        raise invalid(f"Duplicate field name in the schema for Table {table}")
    return _merged(table, (known, columns[0]), (given, columns[1]), rules, "")


_Fields = tuple[Sequence[Mapping[str, Any]], Mapping[str, Column]]
"""TableFieldSchemas, and the columns that they are by their names in lower case."""


def _merged(table: TableName, known: _Fields, given: _Fields, rules: Rules, path: str) -> list[Document]:
    asked = {field["name"].lower(): field for field in given[0]}
    fields: list[Document] = []
    for field in known[0]:
        name = field["name"].lower()
        column, other = known[1][name], given[1].get(name)
        if other is not None:
            fields.append(_changed(table, (field, column), (asked[name], other), rules, path))
        elif rules.complete or not (column.nullable or column.repeated):
            raise _mismatch(table, f"Field {path}{column.name} is missing in new schema")
        elif column.repeated and path:
            raise unsupported(f"Loading records without their REPEATED field {path}{column.name}")
        else:
            fields.append(dict(field))
    return fields + [dict(field) for field in _added(table, asked, known[1], given[1], rules, path)]


def _added(
    table: TableName,
    asked: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Column],
    given: Mapping[str, Column],
    rules: Rules,
    path: str,
) -> Iterator[Mapping[str, Any]]:
    for name, column in given.items():
        if name in known:
            continue
        if not rules.additions:
            raise _mismatch(table, f"Cannot add fields (field: {path}{column.name})")
        if not (column.nullable or column.repeated):
            message = f"Cannot add required fields to an existing schema. (field: {path}{column.name})"
            raise _mismatch(table, message)
        if column.repeated and path:  # DuckDB would have nulls in its place, where BigQuery has no elements
            raise unsupported(f"Adding a REPEATED field to a record ({path}{column.name})")
        yield asked[name]


def _changed(
    table: TableName,
    known: tuple[Mapping[str, Any], Column],
    given: tuple[Mapping[str, Any], Column],
    rules: Rules,
    path: str,
) -> Document:
    (field, column), (asked, other) = known, given
    path = f"{path}{column.name}"
    before, after = column.bigquery_field, other.bigquery_field
    if before["type"] != after["type"]:
        raise _mismatch(table, f"Field {path} has changed type from {before['type']} to {after['type']}")
    if rules.complete and (column.precision, column.scale) != (other.precision, other.scale):
        raise unsupported(f"Another precision or scale for field {path}")
    relaxed = before["mode"] == "REQUIRED" and after["mode"] == "NULLABLE"
    tightened = before["mode"] == "NULLABLE" and after["mode"] == "REQUIRED"
    refused = before["mode"] != after["mode"] if not (relaxed or tightened) else rules.modes and tightened
    if refused or (relaxed and not rules.relaxations):
        raise _mismatch(table, f"Field {path} has changed mode from {before['mode']} to {after['mode']}")
    changed = dict(asked if rules.complete else field)
    if relaxed:
        changed["mode"] = "NULLABLE"
    if column.fields:
        inner = [{part.name.lower(): part for part in each.fields} for each in (column, other)]
        changed["fields"] = _merged(table, (field["fields"], inner[0]), (asked["fields"], inner[1]), rules, f"{path}.")
    return changed


def alterations(table: TableName, before: Sequence[Column], after: Sequence[Column]) -> list[str]:
    """DuckDB's statements that take a table from columns to those which :func:`evolved` made of them.

    >>> from beam_pipelines.schema import Type
    >>> before = Column(name="day", type=Type.DATE)
    >>> note = Column(name="note", type=Type.STRING, nullable=True)
    >>> alterations(TableName("p", "d", "t"), [before], [before, note])
    ['ALTER TABLE "d"."t" ADD COLUMN "note" VARCHAR']
    """
    return [f"ALTER TABLE {table.sql} {change}" for change in _changes(before, after, "")]


def _changes(before: Sequence[Column], after: Sequence[Column], path: str) -> Iterator[str]:
    there = {column.name.lower(): column for column in before}
    for column in after:
        old = there.get(column.name.lower())
        if old is None:
            yield f"ADD COLUMN {path}{definition(column)}"
            continue
        if column.nullable and not old.nullable and not path:  # within records DuckDB requires nothing
            yield f"ALTER COLUMN {quoted(old.name)} DROP NOT NULL"
        inner = f"{path}{quoted(old.name)}." + ('"element".' if old.repeated else "")
        yield from _changes(old.fields, column.fields, inner)


def definition(column: Column) -> str:
    """The column as DuckDB's CREATE TABLE has it; a repeated one is empty where nothing is said of it.

    The default is a text, for DuckDB 2.0 cannot replay a log with a default that calls a function, as ``[]`` does.
    """
    constraint = " DEFAULT '[]'" if column.repeated else "" if column.nullable else " NOT NULL"
    return f"{quoted(column.name)} {column.duckdb_type}{constraint}"


def _mismatch(table: TableName, difference: str) -> ApiError:
    return invalid(f"Provided Schema does not match Table {table}. {difference}")

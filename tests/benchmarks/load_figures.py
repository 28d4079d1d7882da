"""What a side of the load has written: the figures of each day, which have to be the same on every side."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines import avro, tables
from beam_pipelines.schema import Table

LETTERS = tables.dead_letters(tables.ORDERS)

Figures = dict[str, Any]
"""Rows and sums of money of a day, by what they are of."""

COUNTED: dict[Table, tuple[str, dict[str, str]]] = {
    tables.ORDERS: ("created_at", {"orders": "COUNT(*)", "totals": "SUM(total)"}),
    tables.ORDER_ITEMS: ("created_at", {"lines": "COUNT(*)", "margins": "SUM(margin)"}),
    tables.DAILY_SALES: (
        "day",
        {"cells": "COUNT(*)", "orders in cells": "SUM(orders)", "units": "SUM(units)", "revenue": "SUM(revenue)"},
    ),
    LETTERS: ("partition_date", {"refused": "COUNT(*)"}),
}
"""Of each table the column that says the day, and what is counted of a day."""

COLUMNS = {
    tables.ORDERS: ("created_at", "total"),
    tables.ORDER_ITEMS: ("created_at", "margin"),
    tables.DAILY_SALES: ("day", "orders", "units", "revenue"),
    LETTERS: ("partition_date",),
}
"""The columns that this takes."""


def figures(output: Path) -> dict[date, Figures]:
    """The figures of every day that a side has written anything of."""
    found: dict[date, Figures] = {}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table, (day, counted) in COUNTED.items():
            connection.register("written", rows(output, table, COLUMNS[table]))
            sql = f"SELECT CAST({day} AS DATE), {', '.join(counted.values())} FROM written GROUP BY 1"
            for when, *values in connection.execute(sql).fetchall():
                found.setdefault(when, {}).update(zip(counted, values, strict=True))
    return found


def rows(output: Path, table: Table, columns: Iterable[str]) -> pa.Table:
    """Some columns of all rows that a side has written for a table, as Avro or as Parquet."""
    names = list(columns)
    schema = pa.schema([table.arrow_schema.field(name).with_nullable(nullable=True) for name in names])
    files = sorted((output / table.name).rglob("*.*"))
    parts = [part for path in files if path.is_file() for part in _read(path, names)]
    return pa.concat_tables([part.select(names).cast(schema) for part in parts] or [schema.empty_table()])


def _read(path: Path, names: list[str]) -> Iterable[pa.Table]:
    if path.suffix == ".parquet":
        return [pq.read_table(path, columns=names, partitioning=None)]
    with path.open("rb") as file:
        return [pa.Table.from_batches([block.batch]) for block in avro.read_blocks(file, select=names)]


def differences(sides: dict[str, dict[date, Figures]]) -> list[str]:
    """Where sides differ from the first about a day that both have, a line for each."""
    (first, expected), *others = sides.items()
    return [
        f"{day}: {what}: {first} has {expected[day].get(what)}, {name} has {found[day].get(what)}"
        for name, found in others
        for day in sorted(expected.keys() & found.keys())
        for what in sorted(expected[day].keys() | found[day].keys())
        if expected[day].get(what) != found[day].get(what)
    ]

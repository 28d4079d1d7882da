"""A load by the book, row by row: what the warehouse is to hold of a lake with defects. Slow, and easy to believe."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.cloud import bigquery

from beam_pipelines import avro, lake, tables
from beam_pipelines.records import record_json
from beam_pipelines.schema import Column, Table

Row = dict[str, Any]
Tables = dict[str, list[Row]]

FAR = {"distribution_centers": 10**6}
"""Numbers from here on are nobody's, by table; of other tables those from 10**15 on."""


def load_by_hand(root: Path) -> Tables:
    """The rows of every lake table and of every table of dead letters, by name."""
    found: Tables = {}
    for table in tables.LAKE:
        days = {
            date.fromisoformat(path.parent.name.removeprefix("dt="))
            for path in (root / table.name).glob(f"dt=*/{lake.MANIFEST}")
        }
        rows, letters = [], []
        for day in sorted(days):
            for path in sorted((root / table.name / f"dt={day}").glob("*.avro")):
                read(root, table, path, days, rows, letters)
        found[table.name] = newest(table, rows)
        found[tables.dead_letters(table).name] = letters
    return found


def read(root: Path, table: Table, path: Path, days: set[date], rows: list[Row], letters: list[Row]) -> None:
    """Adds a file's rows, or letters about them."""
    name = path.relative_to(root).as_posix()
    reader = json.loads(json.dumps(table.avro_schema))
    for field, column in zip(reader["fields"], table.columns, strict=True):
        if not column.nullable and not column.repeated:
            field["type"] = ["null", field["type"]]

    def damaged(damage: avro.Damage) -> None:
        letters.append(letter(table, name, "corrupt_block", None, damage.offset, length=damage.length))

    with path.open("rb") as file:
        for block in avro.read_blocks(file, reader=reader, on_damage=damaged):
            for number, row in enumerate(block.batch.to_pylist()):
                if broken := next(rules(table, row, days), None):
                    reason, column = broken
                    letters.append(letter(table, name, reason, column, block.offset, row=number, record=row))
                else:
                    rows.append(row)


def letter(
    table: Table, file: str, reason: str, field: str | None, offset: int, *, length: int | None = None,
    row: int | None = None, record: Row | None = None,
) -> Row:  # fmt: skip
    return {
        "partition_date": date(2019, 1, 1),
        "table_name": table.name,
        "reason": reason,
        "field": field,
        "expected": "",
        "actual": "",
        "file": file,
        "block_offset": offset,
        "block_length": length,
        "row_in_block": row,
        "record": record and record_json(record),
    }


def rules(table: Table, row: Row, days: set[date]) -> Iterator[tuple[str, str]]:
    """The rules that a row breaks: reason and column."""
    for column in table.columns:
        items = row[column.name] if column.fields else [row]
        for item in items:
            for field in column.fields or (column,):
                path = f"{column.name}.{field.name}" if column.fields else column.name
                values = item[field.name] if field.repeated else [item[field.name]]
                yield from ((reason, path) for value in values for reason in broken(field, value))
    for equation in table.equations:
        name, _, field = equation.left.partition(".")
        for item in row[name] if field else [row]:
            right = sum(term(row, item, path, field) for path in equation.plus)
            right -= sum(term(row, item, path, field) for path in equation.minus)
            if item[field or name] != right:
                yield "equation", equation.left
    if table.partition:
        moment = row[table.partition.column]
        if moment is None or moment.date() not in days:
            yield "partition", table.partition.column


def term(row: Row, item: Row, path: str, of_item: str) -> Decimal:
    name, _, field = path.partition(".")
    if not field:
        return row[name]
    return item[field] if of_item else sum(one[field] for one in row[name])


def broken(column: Column, value: Any) -> Iterator[str]:
    if value is None:
        if not column.nullable:
            yield "required"
        return
    low, high = column.minimum, column.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        yield "range"
    if column.references and value >= FAR.get(column.references.partition(".")[0], 10**15):
        yield "references"
    if column.values and value not in column.values:
        yield "values"


def newest(table: Table, rows: list[Row]) -> list[Row]:
    """One row of each key: the one with the latest time."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in table.key)
        moment = table.partition.column if table.partition else table.key[0]
        if key not in found or row[moment] > found[key][moment]:
            found[key] = row
    return list(found.values())


def put(client: bigquery.Client, name: str, rows: list[Row]) -> None:
    """Replaces a table's rows."""
    table = tables.BY_NAME[name]
    batch = pa.RecordBatch.from_pylist(rows, schema=table.arrow_schema)
    file = io.BytesIO()
    avro.write_blocks(file, table.avro_schema, [batch])
    file.seek(0)
    configuration = bigquery.LoadJobConfig(
        source_format="AVRO", use_avro_logical_types=True, write_disposition="WRITE_TRUNCATE",
        schema=[bigquery.SchemaField.from_api_repr(field) for field in table.bigquery_schema],
    )  # fmt: skip
    client.load_table_from_file(file, f"{client.project}.{table.dataset}.{name}", job_config=configuration).result()

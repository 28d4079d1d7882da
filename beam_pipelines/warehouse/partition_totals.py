"""What the partitions of a table hold: rows, and sums of money to the cent."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

from google.cloud import bigquery

from beam_pipelines.schema import Table, Type


class Totals(NamedTuple):
    """What a partition holds."""

    rows: int
    sums: tuple[Decimal, ...]
    """Of the NUMERIC columns, in the order of ``Table.numeric_paths``."""


def partition_totals(client: bigquery.Client, table: Table, partitions: Collection[str]) -> dict[str, Totals]:
    """What some partitions hold, by their ids, in one query; one that holds nothing may be missing.

    The empty id, alone, is the whole table.
    """
    rows = client.query_and_wait(_query(client.project, table, partitions))
    return {row[0]: Totals(row[1], tuple(value or Decimal(0) for value in row.values()[2:])) for row in rows}


def _query(project: str, table: Table, partitions: Collection[str]) -> str:
    partition, where, group = "''", "TRUE", ""
    if table.partition and any(partitions):
        column, pattern, unit = table.partition.column, "%Y%m%d", "DAY"
        if table.partition.granularity == "MONTH":
            pattern, unit = "%Y%m", "MONTH"
        first, last = (f"PARSE_DATE('{pattern}', '{name}')" for name in (min(partitions), max(partitions)))
        end, day = f"DATE_ADD({last}, INTERVAL 1 {unit})", column
        if table.column(column).type is Type.TIMESTAMP:
            # The column is compared as it is, so that BigQuery reads these partitions only.
            first, end, day = f"TIMESTAMP({first})", f"TIMESTAMP({end})", f"DATE({column})"
        partition, where = f"FORMAT_DATE('{pattern}', {day})", f"{column} >= {first} AND {column} < {end}"
        group = " GROUP BY c0"
    sums = [f"SUM({_value(path)})" for path in table.numeric_paths]
    columns = ", ".join(f"{what} AS c{number}" for number, what in enumerate([partition, "COUNT(*)", *sums]))
    return f"SELECT {columns} FROM `{project}.{table.dataset}.{table.name}` WHERE {where}{group}"  # noqa: S608 - ours


def _value(path: str) -> str:
    """A column's value in a row; of a record's field the sum over the row's records."""
    name, _, field = path.partition(".")
    return f"(SELECT SUM(record.{field}) FROM UNNEST({name}) AS record)" if field else name  # noqa: S608 - see above

"""Time partitioning: which partition a row is in, and which rows a partition has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beam_pipelines.local.bigquery.errors import invalid, unsupported
from beam_pipelines.schema import Column, Partition, SchemaError, Type, quoted

_FORMATS = {"DAY": "%Y%m%d", "MONTH": "%Y%m"}
UNPARTITIONED = ""
"""The id under which the rows of a table without partitions are counted."""
NULL_PARTITION = "__NULL__"


@dataclass(frozen=True)
class Partitioning:
    """How a table is partitioned by a column of dates or timestamps."""

    column: str
    type: Type
    granularity: str

    @property
    def id_sql(self) -> str:
        """A DuckDB expression: the id of the partition that a row is in."""
        return f"coalesce(strftime({quoted(self.column)}, '{_FORMATS[self.granularity]}'), '{NULL_PARTITION}')"

    def bounds(self, partition_id: str) -> tuple[dt.date, dt.date]:
        """The partition's first day, and the first day after it."""
        try:
            parsed = dt.datetime.strptime(partition_id, _FORMATS[self.granularity]).replace(tzinfo=dt.UTC)
            if parsed.strftime(_FORMATS[self.granularity]) != partition_id:
                raise ValueError
        except ValueError:
            raise invalid(
                f"Invalid partition decorator ${partition_id}: the table is partitioned by {self.granularity}"
            ) from None
        first = parsed.date()
        if self.granularity == "DAY":
            return first, first + dt.timedelta(days=1)
        return first, (first.replace(day=1) + dt.timedelta(days=32)).replace(day=1)

    def where_sql(self, partition_id: str) -> str:
        """A DuckDB condition: the row is in the partition. A range, so that whole row groups are skipped."""
        column = quoted(self.column)
        if partition_id == NULL_PARTITION:
            return f"{column} IS NULL"
        first, end = self.bounds(partition_id)
        kind = "DATE" if self.type is Type.DATE else "TIMESTAMP WITH TIME ZONE"
        zone = "" if self.type is Type.DATE else " 00:00:00+00"
        return f"{column} >= {kind} '{first}{zone}' AND {column} < {kind} '{end}{zone}'"


def partitioning_of(table: Mapping[str, Any], columns: tuple[Column, ...]) -> Partitioning | None:
    """The partitioning that a Table resource or a load configuration asks for; None if it asks for none."""
    if table.get("rangePartitioning"):
        raise unsupported("rangePartitioning")
    asked = table.get("timePartitioning")
    if not asked:
        return None
    name = asked.get("field")
    if not name:
        raise unsupported("timePartitioning without a field (partitioning by ingestion time)")
    try:
        granularity = Partition(column=name, granularity=asked.get("type", "DAY")).granularity
    except SchemaError:
        raise unsupported(f"timePartitioning.type {asked['type']}") from None
    column = next((column for column in columns if column.name.lower() == name.lower()), None)
    if column is None:
        raise invalid(f"The field specified for partitioning cannot be found in the schema: {name}")
    if column.type not in (Type.DATE, Type.TIMESTAMP) or column.repeated:
        raise invalid(f"The field specified for partitioning must be a DATE or a TIMESTAMP: {name} is {column.type}")
    return Partitioning(column.name, column.type, granularity)

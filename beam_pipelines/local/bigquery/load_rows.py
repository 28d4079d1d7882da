"""The rows of a load: from the columns of its files to those of the table, in the table's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from beam_pipelines.local.bigquery import catalog
from beam_pipelines.schema import Column


@dataclass(frozen=True)
class Arrangement:
    """How the batches of a load's files become batches of the table."""

    schema: pa.Schema
    """The table's columns in order; those that the files have are of the files' types, which DuckDB casts."""
    positions: tuple[int | None, ...]
    """Of each of them, where it is in the files; None for one that is null, or empty, in every row."""

    @classmethod
    def between(cls, columns: Sequence[Column], fields: Sequence[Mapping[str, Any]]) -> Arrangement:
        """The arrangement of a table whose TableFieldSchemas include the files' columns, by their names."""
        there = {column.name.lower(): position for position, column in enumerate(columns)}
        positions = tuple(there.get(field["name"].lower()) for field in fields)
        missing = [field for field, position in zip(fields, positions, strict=True) if position is None]
        absent = iter(catalog.columns_of({"schema": {"fields": missing}}))
        found = [next(absent) if position is None else columns[position] for position in positions]
        named = [column.arrow_field.with_name(field["name"]) for column, field in zip(found, fields, strict=True)]
        return cls(pa.schema(named), positions)

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch of the files, any number, with the table's columns.

        Narrow numbers are wide, and moments and days are numbers where the files' raw types are asked for.
        """
        columns = [
            _absent(field.type, batch.num_rows) if position is None else _cast(batch.column(position), field.type)
            for field, position in zip(self.schema, self.positions, strict=True)
        ]
        return pa.record_batch(columns, self.schema)


def _absent(kind: pa.DataType, rows: int) -> pa.Array[Any]:
    """Nulls, or lists without values, for BigQuery has no null ones."""
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(np.zeros(rows + 1, np.int32), pa.nulls(0, kind.value_type), kind)
    return pa.nulls(rows, kind)


def _cast(column: pa.Array[Any], kind: pa.DataType) -> pa.Array[Any]:
    if column.type == kind:
        return column
    if pa.types.is_date32(column.type) and pa.types.is_integer(kind):
        # Arrow casts a date to the number of its days only if that has the date's own 32 bits.
        column = column.cast(pa.int32())
    return column.cast(kind)

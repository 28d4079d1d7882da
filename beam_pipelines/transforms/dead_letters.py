"""Refused records: what is wrong with each, and the record itself. Blocks that cannot be read are letters too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.formats.text import json_objects
from beam_pipelines.schema import Table, columns_from_arrow
from beam_pipelines.tables import dead_letters
from beam_pipelines.transforms.lake_reading import Block, CorruptBlock
from beam_pipelines.transforms.validation import Finding

CORRUPT = "corrupt_block"
"""The reason of a block that cannot be read."""


def refused(block: Block, findings: Sequence[Finding]) -> npt.NDArray[np.bool_]:
    """The rows that broke a rule, shape (rows of the block,)."""
    none = np.zeros(block.batch.num_rows, bool)
    rows: npt.NDArray[np.bool_] = np.logical_or.reduce([none, *(finding.rows for finding in findings)])
    return rows


def letters(
    table: Table, block: Block, findings: Sequence[Finding], rows: npt.NDArray[np.bool_], partition_date: date
) -> pa.RecordBatch:
    """A dead letter for each of some rows that broke a rule; the first rule broken is its reason."""
    reasons = np.zeros(len(rows), np.int64)
    for number in range(len(findings) - 1, -1, -1):
        reasons[findings[number].rows] = number
    positions = np.flatnonzero(rows)
    of_rule = pa.array(reasons[positions])
    columns = {
        name: pa.array([getattr(finding, name) for finding in findings], pa.string()).take(of_rule)
        for name in ("reason", "field", "expected")
    }
    columns["actual"] = pa.array([findings[reasons[row]].actual(row) for row in positions.tolist()], pa.string())
    columns["row_in_block"] = pa.array(positions)
    columns["record"] = json_objects(_as_found(table, block.batch), block.batch.filter(pa.array(rows)))
    same = {
        "partition_date": partition_date,
        "table_name": table.name,
        "file": block.file,
        "block_offset": block.offset,
        "block_length": None,
    }
    schema = dead_letters(table).arrow_schema
    count = len(positions)
    arrays = [
        pa.repeat(pa.scalar(same[field.name], field.type), count) if field.name in same else columns[field.name]
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _as_found(table: Table, batch: pa.RecordBatch) -> Table:
    """The table with the columns that a batch has, which may be more than its own."""
    return (
        table if len(table.columns) == batch.num_columns else replace(table, columns=columns_from_arrow(batch.schema))
    )


def letter_of_block(table: Table, block: CorruptBlock, partition_date: date) -> pa.RecordBatch:
    """The dead letter of a block that cannot be read."""
    letter = {
        "partition_date": partition_date,
        "table_name": table.name,
        "reason": CORRUPT,
        "expected": block.expected,
        "actual": block.actual,
        "file": block.file,
        "block_offset": block.offset,
        "block_length": block.length,
    }
    return pa.RecordBatch.from_pylist([letter], schema=dead_letters(table).arrow_schema)

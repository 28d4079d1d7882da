"""Refused records: what is wrong with each, and the record itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.records import record_json
from beam_pipelines.schema import Table
from beam_pipelines.tables import dead_letters
from beam_pipelines.transforms.lake_reading import Block
from beam_pipelines.transforms.validation import Finding


def separate(
    table: Table, block: Block, findings: Sequence[Finding], partition_date: date
) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
    """The rows that broke no rule, and a dead letter for each row that did; the first rule broken is its reason."""
    if not findings:
        return block.batch, None
    refused: npt.NDArray[np.bool_] = np.logical_or.reduce([finding.rows for finding in findings])
    letters = [_letter(table, block, row, findings, partition_date) for row in np.flatnonzero(refused).tolist()]
    return block.batch.filter(pa.array(~refused)), pa.RecordBatch.from_pylist(
        letters, schema=dead_letters(table).arrow_schema
    )


def _letter(table: Table, block: Block, row: int, findings: Sequence[Finding], partition_date: date) -> dict[str, Any]:
    finding = next(finding for finding in findings if finding.rows[row])
    return {
        "partition_date": partition_date,
        "table_name": table.name,
        "reason": finding.reason,
        "field": finding.field,
        "expected": finding.expected,
        "actual": finding.actual(row),
        "file": block.file,
        "block_offset": block.offset,
        "row_in_block": row,
        "record": record_json(block.batch.slice(row, 1).to_pylist()[0]),
    }

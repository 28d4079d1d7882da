"""The schemas that files with defects have."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.defects.candidates import paths
from beam_pipelines.defects.rates import MISSING, Rates
from beam_pipelines.schema import Column, Table, Type


class Older(NamedTuple):
    """How a table's earlier schema differs."""

    column: str
    is_absent: bool
    """Whether the column is not there yet; else it is an int and not a long."""


def table_as_written(table: Table, rates: Rates) -> Table:
    """The table whose schema the files have: if values may be missing, with the columns nullable that may lack them."""
    return _with_nullable(table.name) if rates.of_kind(MISSING) else table


@functools.lru_cache(maxsize=16)
def _with_nullable(table_name: str) -> Table:
    table, missing = tables.BY_NAME[table_name], paths(MISSING, table_name)
    return replace(
        table,
        columns=tuple(replace(column, nullable=True) if column.name in missing else column for column in table.columns),
    )


def older(table: Table) -> Older:
    """How the table's earlier schema differs: without the last nullable column, or else with the last long an int.

    Avro reads either as the table's schema is now: a column that is not there as nulls, an int as a long.
    """
    if nullable := [column.name for column in table.columns if column.nullable]:
        return Older(nullable[-1], is_absent=True)
    return Older([column.name for column in table.columns if _is_long(column)][-1], is_absent=False)


def older_avro_schema(table: Table, written: Table) -> dict[str, Any]:
    """The earlier Avro schema of a table, where the columns are nullable that are so in ``written``."""
    name, is_absent = older(table)
    fields = []
    for field in written.avro_schema["fields"]:
        if field["name"] != name:
            fields.append(field)
        elif not is_absent:
            fields.append(field | {"type": _narrow(field["type"])})
    return written.avro_schema | {"fields": fields}


def as_older(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch as rows of the earlier schema."""
    name, is_absent = older(table)
    if is_absent:
        return batch.drop_columns([name])
    index = batch.schema.get_field_index(name)
    narrow = batch.schema.field(index).with_type(pa.int32())
    return batch.set_column(index, narrow, batch.column(index).cast(pa.int32()))


def without_older_column(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch as it is read from a file of the earlier schema: nulls in a column that is not there."""
    name, is_absent = older(table)
    if not is_absent:
        return batch
    index = batch.schema.get_field_index(name)
    array = batch.column(index)
    nothing = array.take(pa.array(np.zeros(len(array), np.int64), mask=np.ones(len(array), np.bool_)))
    return batch.set_column(index, batch.schema.field(index), nothing)


def _narrow(kind: Any) -> Any:
    return "int" if kind == "long" else [_narrow(branch) for branch in kind] if isinstance(kind, list) else kind


def _is_long(column: Column) -> bool:
    return column.type is Type.INT64 and not column.repeated

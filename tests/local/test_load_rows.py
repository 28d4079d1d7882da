"""Rows of files become rows of a table."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.local.bigquery.load_rows import Arrangement
from beam_pipelines.schema import Column, Type

INNER = (Column(name="x", type=Type.INT64), Column(name="y", type=Type.STRING, nullable=True))
TABLE = (
    Column(name="id", type=Type.INT64, nullable=True),
    Column(name="Day", type=Type.DATE, nullable=True),
    Column(name="price", type=Type.NUMERIC, precision=12, scale=2, nullable=True),
    Column(name="tags", type=Type.STRING, repeated=True),
    Column(name="items", type=Type.RECORD, repeated=True, fields=INNER),
)
ROW = {"id": 7, "Day": dt.date(2025, 11, 28), "price": None, "tags": ["a", "b"], "items": [{"x": 1, "y": None}]}
EMPTY = {"id": None, "Day": None, "price": None, "tags": [], "items": []}
FIELDS = [column.bigquery_field for column in TABLE]


@given(st.permutations(TABLE), st.integers(1, 5), st.integers(0, 3))
def test_columns_come_in_the_table_s_order_and_those_that_are_missing_are_null_or_empty(
    shuffled: list[Column], kept: int, rows: int
) -> None:
    columns = shuffled[:kept]
    names = [column.name for column in columns]
    batch = pa.RecordBatch.from_pylist([ROW] * rows, schema=pa.schema([column.arrow_field for column in columns]))
    arranged = Arrangement.between(columns, FIELDS).of(batch)
    arranged.validate(full=True)
    assert arranged.schema.names == [column.name for column in TABLE]
    assert arranged.to_pylist() == [EMPTY | {name: ROW[name] for name in names}] * rows


def test_names_are_the_table_s_and_narrow_numbers_and_raw_days_widen() -> None:
    columns = (Column(name="ID", type=Type.INT64), Column(name="day", type=Type.INT64))
    batch = pa.record_batch({"ID": pa.array([1, 2], pa.int32()), "day": [dt.date(1970, 1, 3), dt.date(1970, 1, 1)]})
    fields = [{"name": "id", "type": "INTEGER"}, {"name": "DAY", "type": "INTEGER"}]
    arranged = Arrangement.between(columns, fields).of(batch)
    assert arranged.to_pydict() == {"id": [1, 2], "DAY": [2, 0]}
    assert arranged.schema.types == [pa.int64(), pa.int64()]

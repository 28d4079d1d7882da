"""Single values change, and nothing else does."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.defects import editing
from beam_pipelines.world import World, arrays

NEW = {
    "customer_id": pa.array([7, 8]),
    "created_at": pa.array([datetime(2001, 2, 3, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
    "channel": pa.array(["unknown", "web"]),
    "promotion_code": pa.array(["A", "B"]),
    "total": pa.array([Decimal("1.25"), Decimal("-3.00")], pa.decimal128(12, 2)),
    "items.product_id": pa.array([-1, -2]),
    "items.sale_price": pa.array([Decimal("0.01"), Decimal("0.02")], pa.decimal128(12, 2)),
}


@pytest.fixture(scope="module")
def batch() -> pa.RecordBatch:
    return World(seed=42, scale=0.1).block("orders", 800, 0)


@pytest.mark.parametrize("path", NEW)
@given(rows=st.sets(st.integers(0, 99), min_size=2, max_size=2).map(sorted))
def test_new_values_are_where_they_belong(batch, path, rows):
    batch = batch.slice(0, 100).take(pa.array(range(100)))
    numbers, expected = np.array(rows), batch.to_pylist()
    name, _, field = path.partition(".")
    for row, value in zip(rows, NEW[path].to_pylist(), strict=True):
        (expected[row][name][0] if field else expected[row])[field or name] = value
    found = editing.with_values(batch, path, numbers, NEW[path])
    assert found.to_pylist() == expected
    assert found.schema == batch.schema
    assert editing.values(found, path, numbers).to_pylist() == NEW[path].to_pylist()
    found.validate(full=True)


@pytest.mark.parametrize("path", ["customer_id", "created_at", "channel", "total"])
def test_values_can_be_taken_away(batch, path):
    rows = np.array([3, 50])
    found, expected = editing.with_values(batch, path, rows, None).to_pylist(), batch.to_pylist()
    for row in rows:
        expected[row][path] = None
    assert found == expected


def test_many_rows_of_few_strings_can_change():
    """The codes of few strings are small numbers, of which there are fewer than rows."""
    rows = np.arange(1000)
    batch = pa.record_batch({"channel": arrays.strings(rows % 3, tables.CHANNELS)})
    found = editing.with_values(batch, "channel", rows, pa.array(["unknown", "app"] * 500))
    assert found.column("channel").to_pylist() == ["unknown", "app"] * 500
    assert found.schema == batch.schema


def test_nulls_and_empty_lists_have_no_value():
    kind = pa.list_(pa.struct([("price", pa.int64())]))
    batch = pa.record_batch({"items": pa.array([[{"price": 1}], [], [{"price": 2}]], kind), "code": [None, "a", "b"]})
    rows = np.arange(3)
    assert editing.has_value(batch, "items.price", rows).tolist() == [True, False, True]
    assert editing.has_value(batch, "code", rows).tolist() == [False, True, True]

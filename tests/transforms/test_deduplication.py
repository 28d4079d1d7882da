"""Keys that are there more than once are never missed, and of their rows the newest stands."""

from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.schema import Table
from beam_pipelines.transforms import deduplication
from beam_pipelines.transforms.deduplication import Hashes, buckets_of, contested, key_hashes, newest
from tests.transforms.lakes import DAY, Row, careless, center, event, moment, order, unit, version

RANDOMS = st.integers(0, 2**32 - 1).map(Random)


def batch_of(table: Table, rows: list[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=careless(table).arrow_schema)


def keys(*values: tuple[int | None, int | None]) -> pa.RecordBatch:
    columns = [pa.array([value[column] for value in values], pa.int64()) for column in range(2)]
    return pa.RecordBatch.from_arrays(columns, names=["customer_id", "version"])


numbers = st.one_of(st.integers(0, 5), st.integers(-(2**63), 2**63 - 1))


@given(st.lists(st.tuples(numbers, numbers), max_size=30))
def test_rows_of_one_key_have_one_hash_and_others_another(values):
    hashes = key_hashes(tables.CUSTOMERS, keys(*values)).tolist()
    by_key = dict(zip(values, hashes, strict=True))
    assert [by_key[value] for value in values] == hashes
    assert len(set(by_key.values())) == len(by_key)


def test_hashes_of_dense_keys_are_all_different():
    ids = pa.record_batch({"order_id": pa.array(np.arange(1, 200_001))})
    assert len(np.unique(key_hashes(tables.ORDERS, ids))) == 200_000
    versions = keys(*[(customer, version) for customer in range(1, 20_001) for version in range(1, 6)])
    assert len(np.unique(key_hashes(tables.CUSTOMERS, versions))) == 100_000


def test_a_key_that_is_missing_has_a_hash_too():
    hashes = key_hashes(tables.CUSTOMERS, keys((None, 1), (0, 1), (7, None), (8, None)))
    assert hashes[0] == hashes[1]
    assert hashes[2] != hashes[3]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(1, 1000))
def test_equal_hashes_are_in_one_of_the_buckets_and_buckets_are_in_order(values, buckets):
    hashes = np.array(sorted(values), np.uint64)
    found = buckets_of(hashes, buckets)
    assert ((found >= 0) & (found < buckets)).all()
    assert (np.diff(found) >= 0).all()
    assert buckets_of(np.repeat(hashes, 2), buckets).tolist() == np.repeat(found, 2).tolist()


def test_buckets_are_of_nearly_one_size():
    hashes = key_hashes(tables.ORDERS, pa.record_batch({"order_id": pa.array(np.arange(1, 100_001))}))
    sizes = np.bincount(buckets_of(hashes, 10), minlength=10)
    assert (abs(sizes - 10_000) < 500).all()


hashes_of_parts = st.lists(
    st.lists(st.integers(0, 12).map(lambda bit: bit * 0x1111_1111_1111_1111), max_size=8), min_size=1, max_size=6
)


@given(hashes_of_parts)
def test_contested_hashes_are_those_that_are_there_more_than_once(parts):
    """Never is one missed; this is what keeps every key once."""
    everything = [value for part in parts for value in part]
    found = contested([np.array(part, np.uint64) for part in parts])
    assert [part.tolist() for part in found] == [
        sorted({value for value in part if everything.count(value) > 1}) for part in parts
    ]


@given(st.sets(st.integers(0, 2**64 - 1), min_size=1), st.lists(st.integers(0, 2**64 - 1)), RANDOMS)
def test_a_set_of_hashes_has_its_own_and_no_others(known, others, random):
    asked = [*known, *others, *(value ^ 1 for value in known)]
    random.shuffle(asked)
    found = Hashes(np.array(sorted(known), np.uint64)).has(np.array(asked, np.uint64))
    assert found.tolist() == [value in known for value in asked]


TIMES = st.sampled_from([9, 12, 12, 12, 15])


def rank(table: Table, row: Row) -> tuple[Any, ...]:
    """The newest is the greatest, then by its columns in their order, a null being the least."""
    time = row[table.partition.column] if table.partition else None
    plain = [row[column.name] for column in table.columns if not column.repeated]
    return time, *((value is not None, value) for value in plain)


unit_rows = st.builds(
    lambda key, hour, product, cost: unit(key, moment(DAY, hour), product_id=product, cost=Decimal(cost)),
    st.integers(1, 3),
    TIMES,
    st.integers(1, 2),
    st.sampled_from(["1.00", "2.00"]),
)
event_rows = st.builds(
    lambda key, hour, carrier, refund, items: event(
        key, moment(DAY, hour), carrier=carrier, refund=refund, order_item_ids=items
    ),
    st.integers(1, 3),
    TIMES,
    st.sampled_from([None, "DHL", "UPS"]),
    st.sampled_from([None, Decimal("1.00"), Decimal("10.00")]),
    st.sampled_from([[], [1], [1, 2], [2**40]]),
)
center_rows = st.builds(center, st.integers(1, 3), st.sampled_from(["Memphis TN", "Chicago IL"]))
order_rows = st.builds(
    lambda key, hour, prices, channel: order(key, moment(DAY, hour), prices, channel=channel),
    st.integers(1, 3),
    TIMES,
    st.sampled_from([["1.00"], ["1.00", "2.00"], ["2.00", "1.00"], []]),
    st.sampled_from(["web", "app"]),
)
version_rows = st.builds(
    lambda key, number, hour, brand: version(key, number, moment(DAY, hour), brand=brand),
    st.integers(1, 2),
    st.integers(1, 3),
    TIMES,
    st.sampled_from(["Acme", "Zen"]),
)
SOME = st.one_of(
    st.tuples(st.just(tables.PRODUCTS), st.lists(version_rows, min_size=1, max_size=12)),
    st.tuples(st.just(tables.INVENTORY_ITEMS), st.lists(unit_rows, min_size=1, max_size=12)),
    st.tuples(st.just(tables.ORDER_EVENTS), st.lists(event_rows, min_size=1, max_size=12)),
    st.tuples(st.just(tables.DISTRIBUTION_CENTERS), st.lists(center_rows, min_size=1, max_size=12)),
    st.tuples(st.just(tables.ORDERS), st.lists(order_rows, min_size=1, max_size=12)),
)


def cut(table: Table, rows: list[Row], random: Random) -> list[pa.RecordBatch]:
    """Rows in any order as batches of several files, some with strings as dictionaries, some of strict schemas."""
    rows = random.sample(rows, len(rows))
    ends = sorted({0, len(rows), *(random.randrange(len(rows) + 1) for _ in range(3))})
    found = []
    for start, end in pairwise(ends):
        schema = random.choice([careless(table), table]).arrow_schema
        batch = pa.RecordBatch.from_pylist(rows[start:end], schema=schema)
        if random.random() < 0.5:
            arrays = [one.dictionary_encode() if pa.types.is_string(one.type) else one for one in batch.columns]
            batch = pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
        found.append(batch)
    return found


@settings(deadline=None, max_examples=150)
@given(SOME, RANDOMS)
def test_the_newest_row_of_each_key_stands_wherever_it_comes_from(some, random):
    table, rows = some
    standing, others = newest(table, cut(table, rows, random))
    found = standing.to_pylist()
    assert [key_of(table, row) for row in found] == sorted({key_of(table, row) for row in rows}), "each once, in order"
    for row in found:
        assert row in rows
        assert rank(table, row) == max(rank(table, one) for one in rows if key_of(table, one) == key_of(table, row))
    together = found + others.to_pylist()
    assert sorted(map(repr, map(normal, together))) == sorted(map(repr, map(normal, rows)))
    again, rest = newest(table, cut(table, rows, random))
    assert again.to_pylist() == found, "ties are decided by content, whatever the order"
    assert rest.num_rows == others.num_rows


def key_of(table: Table, row: Row) -> tuple[int, ...]:
    return tuple(row[name] for name in table.key)


def normal(row: Row) -> Row:
    """A row whose times are written in one way."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


def test_rows_that_differ_in_their_items_alone_are_told_apart():
    rows = [order(1, moment(DAY), ["1.00", "2.00"]), order(1, moment(DAY), ["2.00", "1.00"])]
    found = [newest(tables.ORDERS, [batch_of(tables.ORDERS, some)])[0] for some in (rows, rows[::-1])]
    assert found[0].equals(found[1])


@pytest.mark.parametrize("hours", [(9, 10), (10, 9)])
def test_the_later_time_wins_over_any_content(hours):
    rows = [unit(1, moment(DAY, hour), cost=Decimal(cost)) for hour, cost in zip(hours, ("9.00", "1.00"), strict=True)]
    standing, others = newest(tables.INVENTORY_ITEMS, [batch_of(tables.INVENTORY_ITEMS, rows)])
    assert [row["created_at"] for row in standing.to_pylist()] == [moment(DAY, 10)]
    assert others.num_rows == 1


def test_nothing_stands_for_itself_twice():
    standing, others = newest(tables.INVENTORY_ITEMS, [batch_of(tables.INVENTORY_ITEMS, [unit(1, moment(DAY))])])
    assert (standing.num_rows, others.num_rows) == (1, 0)
    assert others.schema == standing.schema


def test_batches_of_careless_and_of_strict_files_become_one():
    strict = pa.RecordBatch.from_pylist([order(1, moment(DAY))], schema=tables.ORDERS.arrow_schema)
    batches = [
        deduplication.plain(one) for one in (strict, batch_of(tables.ORDERS, [order(2, moment(DAY), channel=None)]))
    ]
    rows = deduplication.one_batch(batches).to_pylist()
    assert rows == [order(1, moment(DAY)), order(2, moment(DAY), channel=None)]

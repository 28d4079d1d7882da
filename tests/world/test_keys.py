"""How many rows a day has, and their keys, are closed formulas."""

from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.world import BLOCK_ROWS, World, calendar, customers, date_of, day_number, orders

FIRST = {"orders": orders.first_order_id, "customers": customers.first_customer_id}
KEYS = {"orders": "order_id", "customers": "customer_id"}
VOLUMES = {"orders": calendar.ORDERS, "customers": calendar.CUSTOMERS}
LAST_DAY = calendar.DAYS - 1


def keys_of_day(world: World, table: str, day: int) -> np.ndarray:
    blocks = [world.block(table, day, block) for block in range(world.blocks(table, day))]
    keys = np.concatenate([block[KEYS[table]].to_numpy() for block in blocks] or [np.zeros(0, np.int64)])
    # Behind a day's sign-ups stand later versions of earlier customers.
    return keys[: new_keys(world, table, day)]


def new_keys(world: World, table: str, day: int) -> int:
    return calendar.rows_of(world.seed, world.scale, VOLUMES[table], day)


@pytest.mark.parametrize("table", KEYS)
@given(first=st.integers(0, 2800), days=st.integers(1, 6), scale=st.sampled_from([0.01, 0.2, 1.0]))
@settings(max_examples=20, deadline=None)
def test_keys_are_dense_over_any_days(table: str, first: int, days: int, scale: float) -> None:
    world = World(42, scale)
    keys = np.concatenate([keys_of_day(world, table, day) for day in range(first, first + days)])
    start, end = (FIRST[table](42, scale, day) for day in (first, first + days))
    assert (keys == np.arange(start, end)).all(), f"{table} from {date_of(first)} for {days} days at scale {scale}"


@pytest.mark.parametrize("table", KEYS)
@given(day=st.integers(0, LAST_DAY - 1), seed=st.sampled_from([0, 42, 2**63 - 1]))
@settings(max_examples=60, deadline=None)
def test_a_days_last_key_precedes_the_next_days_first(table: str, day: int, seed: int) -> None:
    world = World(seed, 1.0)
    assert FIRST[table](seed, 1.0, day) + new_keys(world, table, day) == FIRST[table](seed, 1.0, day + 1)


@pytest.mark.parametrize("table", KEYS)
def test_keys_begin_at_one(world: World, table: str) -> None:
    assert keys_of_day(world, table, 0)[0] == 1


@pytest.mark.parametrize("scale", [0.01, 1.0, 10_000])
@pytest.mark.parametrize("table", KEYS)
def test_every_day_has_rows_or_none(table: str, scale: float) -> None:
    world = World(42, scale)
    rows = np.array([new_keys(world, table, day) for day in range(calendar.DAYS)])
    assert rows.min() >= 0, f"{rows.min()} rows on {date_of(int(rows.argmin()))}"
    assert rows.sum() == FIRST[table](42, scale, calendar.DAYS) - 1


@pytest.mark.parametrize("scale", [1.0, 9.0])
@pytest.mark.parametrize("table", KEYS)
def test_all_blocks_but_the_last_are_full(table: str, scale: float) -> None:
    world, day = World(42, scale), day_number(date(2025, 11, 28))
    sizes = [world.block(table, day, block).num_rows for block in range(world.blocks(table, day))]
    assert sizes[:-1] == [BLOCK_ROWS] * (len(sizes) - 1)
    assert 0 < sizes[-1] <= BLOCK_ROWS
    assert sum(sizes) == world.rows(table, day)


def test_keys_go_on_from_block_to_block() -> None:
    world, day = World(42, 10.0), day_number(date(2025, 11, 28))
    blocks = [world.block("orders", day, block)["order_id"].to_numpy() for block in range(world.blocks("orders", day))]
    assert len(blocks) > 5
    for before, after in pairwise(blocks):
        assert after[0] == before[-1] + 1


def test_products_are_numbered_in_order_of_launch(world: World) -> None:
    days = [day for day in range(day_number(date(2025, 1, 2))) if world.rows("products", day)]
    batches = [world.block("products", day, block) for day in days for block in range(world.blocks("products", day))]
    table = pa.Table.from_batches([batch.select(["product_id", "version", "launched_at"]) for batch in batches])
    first = table.filter(pc.field("version") == 1)
    assert (first["product_id"].to_numpy() == np.arange(1, 29_121)).all()
    assert (np.diff(first["launched_at"].cast(pa.int64()).to_numpy()) >= 0).all()
    opening = calendar.midnight(0)
    assert (first["launched_at"].cast(pa.int64()).to_numpy() == opening).sum() == 20_000


def test_centers_are_there_from_the_first_day_and_only_once(world: World) -> None:
    assert [world.rows("distribution_centers", day) for day in range(3)] == [10, 0, 0]
    numbers = world.block("distribution_centers", 0, 0)["distribution_center_id"].to_pylist()
    assert numbers == list(range(1, 11))
    stocked = set(world.block("products", 0, 0)["distribution_center_id"].to_pylist())
    assert stocked == set(numbers)

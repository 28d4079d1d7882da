"""The first day, the last day, the smallest and the largest world, and what is refused."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines import columns
from beam_pipelines.world import (
    BLOCK_ROWS,
    LAST,
    World,
    baskets,
    calendar,
    cohorts,
    customers,
    date_of,
    day_number,
    orders,
)
from beam_pipelines.world.catalog import catalog

LAST_DAY = day_number(LAST)
SEEDS = (0, 1, 2**63 - 1)


def assert_customers_had_signed_up(world: World, day: int, batch: pa.RecordBatch) -> None:
    """Every order's customer signed up before, by the closed formulas; any scale."""
    keys = calendar.first_keys(world.seed, world.scale, calendar.CUSTOMERS)
    ids, moments = batch["customer_id"].to_numpy(), columns.integers(batch["created_at"])
    assert ids.min() >= 1
    assert ids.max() <= keys[day + 1], f"on {date_of(day)} a customer of a later day ordered"
    days = np.searchsorted(keys, ids, side="left") - 1
    for signup_day in np.unique(days[days >= day - 3]):
        own = days == signup_day
        signed_up = customers.signed_up_at(world.seed, world.scale, int(signup_day), ids[own])
        assert (signed_up < moments[own]).all(), f"on {date_of(day)} somebody ordered before signing up"
    assert (batch["country"].indices.to_numpy() == cohorts.country(world.seed, ids)).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scale", [0.01, 0.1, 1.0, 100.0])
def test_on_the_first_day_every_orders_customer_exists(seed: int, scale: float) -> None:
    world = World(seed, scale)
    assert_customers_had_signed_up(world, 0, world.block("orders", 0, 0))


@pytest.mark.parametrize("seed", range(30))
def test_the_smallest_worlds_first_week(seed: int) -> None:
    world = World(seed, 0.01)
    for day in range(7):
        assert world.rows("customers", day) > 0
        assert_customers_had_signed_up(world, day, world.block("orders", day, 0))


def test_the_smallest_world_lets_many_customers_order() -> None:
    world = World(42, 0.01)
    ids = np.concatenate([world.block("orders", day, 0)["customer_id"].to_numpy() for day in range(60)])
    counts = np.unique_counts(ids).counts
    assert counts.max() < 0.05 * len(ids), f"one customer placed {counts.max()} of {len(ids)} orders"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("table", ["orders", "customers"])
def test_the_last_day_is_drawn_like_any_other(seed: int, table: str) -> None:
    world = World(seed, 1.0)
    batch = world.block(table, LAST_DAY, world.blocks(table, LAST_DAY) - 1)
    column = {"orders": "created_at", "customers": "valid_from"}[table]
    assert {moment.date() for moment in batch[column].to_pylist()} == {LAST}
    if table == "orders":
        assert_customers_had_signed_up(world, LAST_DAY, batch)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_seed_gives_a_catalogue(seed: int) -> None:
    known = catalog(seed)
    assert len(known.retail_price) == 29_120
    assert ((known.cost > 0) & (known.cost < known.retail_price)).all()


@pytest.mark.parametrize("day", [date(2019, 1, 1), date(2025, 11, 28), LAST], ids=str)
def test_the_largest_world_keeps_keys_and_customers(day: date) -> None:
    world, number = World(42, 10_000), day_number(day)
    for block in (0, world.blocks("orders", number) // 2, world.blocks("orders", number) - 1):
        batch = world.block("orders", number, block)
        ids = batch["order_id"].to_numpy()
        assert ids[0] == orders.first_order_id(42, 10_000, number) + block * BLOCK_ROWS
        assert (np.diff(ids) == 1).all()
        assert (np.diff(columns.integers(batch["created_at"])) >= 0).all()
        assert {moment.date() for moment in batch["created_at"].to_pylist()} == {day}
        lines = batch["items"].flatten().field("order_item_id").to_numpy()
        assert lines.min() > 0
        assert (np.diff(lines) > 0).all()
        assert_customers_had_signed_up(world, number, batch)


def test_the_largest_world_has_ten_million_orders_a_day() -> None:
    opening = np.mean([World(42, 10_000).rows("orders", day) for day in range(31)])
    assert opening == pytest.approx(10_000_000, rel=0.05)


def test_the_largest_worlds_keys_fit_in_64_bits() -> None:
    keys = calendar.first_keys(42, 10_000, calendar.ORDERS)
    assert (np.diff(keys) > 0).all()
    assert int(keys[-1]) * baskets.LINES < 2**63


@pytest.mark.parametrize("scale", [0, 0.0099, -1, 10_001, float("nan"), float("inf")])
def test_a_scale_out_of_bounds_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=rf"^scale: expected a number from 0\.01 to 10,000, got {scale}$"):
        World(42, scale)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_bounds_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"^seed: expected a whole number from 0 to .*, got {seed}$"):
        World(seed)


@pytest.mark.parametrize("scale", [0.01, 10_000])
@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_bounds_themselves_are_allowed(seed: int, scale: float) -> None:
    assert World(seed, scale).block("orders", 30, 0).num_rows > 0


@pytest.mark.parametrize("table", ["orders", "customers", "products", "distribution_centers"])
def test_a_block_that_is_not_there_is_an_index_error(world: World, table: str) -> None:
    for block in (-1, world.blocks(table, 0), 10**6):
        with pytest.raises(IndexError, match=rf"^{table} has no block {block} on 2019-01-01$"):
            world.block(table, 0, block)


def test_a_day_without_rows_has_no_blocks(world: World) -> None:
    assert world.blocks("products", 1) == 0
    with pytest.raises(IndexError, match="products has no block 0 on 2019-01-02"):
        world.block("products", 1, 0)


@pytest.mark.parametrize("day", [-1, -2, LAST_DAY + 1])
@pytest.mark.parametrize("table", ["orders", "products"])
def test_a_day_outside_of_the_calendar_is_an_index_error(world: World, table: str, day: int) -> None:
    with pytest.raises(IndexError, match=rf"^day: expected 2019-01-01 to 2039-12-31, .* got {day}$"):
        world.rows(table, day)
    with pytest.raises(IndexError, match=rf"got {day}$"):
        world.block(table, day, 0)


def test_an_unknown_table_is_a_key_error(world: World) -> None:
    with pytest.raises(KeyError, match="order_items"):
        world.rows("order_items", 0)
    with pytest.raises(KeyError, match="nothing"):
        world.block("nothing", 0, 0)

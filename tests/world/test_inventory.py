"""Units of stock: each sold once or never, received before it is sold, and as many as a formula says."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import columns
from beam_pipelines.tables import LONGEST_IN_STOCK
from beam_pipelines.world import BLOCK_ROWS, World, calendar, day_number, inventory
from beam_pipelines.world.catalog import catalog

WORLDS = (World(42, 0.01), World(7, 1.0), World(3, 9.0))
LATE = day_number(date(2025, 11, 20))


def units(world: World, days: range) -> pa.Table:
    """All units received on these days."""
    return pa.Table.from_batches(
        world.block("inventory_items", day, block)
        for day in days
        for block in range(world.blocks("inventory_items", day))
    ).combine_chunks()


def lines(world: World, day: int) -> pa.Table:
    """All order lines of a day, each with its order's time."""
    found = []
    for block in range(world.blocks("orders", day)):
        batch = world.block("orders", day, block)
        items = batch["items"].flatten()
        placed = columns.integers(batch["created_at"]).repeat(batch["items"].value_lengths().to_numpy())
        names = ("order_item_id", "product_id", "inventory_item_id", "cost")
        found.append(pa.table({name: items.field(name) for name in names} | {"placed": placed}))
    return pa.concat_tables(found).combine_chunks()


@pytest.mark.parametrize("world", WORLDS, ids=str)
@pytest.mark.parametrize("first", [0, LATE])
def test_every_line_has_a_unit_of_its_own_of_the_same_product_received_before(world: World, first: int) -> None:
    days = range(first, first + 6) if world.scale > 1 else range(first, first + 40)
    stock = units(world, range(max(0, first - LONGEST_IN_STOCK), days.stop))
    numbers = stock["inventory_item_id"].to_numpy()
    assert (np.diff(numbers) == 1).all()
    product_id, cost = stock["product_id"].to_numpy(), columns.cents(stock["cost"].chunk(0))
    received = columns.integers(stock["created_at"].chunk(0))
    sold = []
    for day in days:
        own = lines(world, day)
        unit = own["inventory_item_id"].to_numpy() - numbers[0]
        assert (product_id[unit] == own["product_id"].to_numpy()).all()
        assert (cost[unit] == columns.cents(own["cost"].chunk(0))).all()
        passed = own["placed"].to_numpy() - received[unit]
        assert passed.min() > 0
        assert passed.max() < (LONGEST_IN_STOCK + 1) * calendar.MICROSECONDS_PER_DAY
        sold.append(unit)
    everything = np.concatenate(sold)
    assert len(np.unique(everything)) == len(everything), "a unit was sold twice"


def test_some_units_are_never_sold() -> None:
    world = WORLDS[1]
    days = range(300, 300 + LONGEST_IN_STOCK + 1)
    sold = np.concatenate([lines(world, day)["inventory_item_id"].to_numpy() for day in days])
    of_one_day = units(world, range(300, 301))["inventory_item_id"].to_numpy()
    assert 0.33 < np.isin(of_one_day, sold).mean() < 0.40, "of theLook's units 37 in 100 are sold"


def test_units_are_received_on_their_day_after_their_product_was_announced() -> None:
    world = World(42, 1.0)
    known = catalog(42)
    for day in (0, 40, day_number(date(2024, 10, 31)), day_number(date(2024, 11, 30))):
        stock = units(world, range(day, day + 1))
        moments = columns.integers(stock["created_at"].chunk(0))
        assert (moments >= calendar.midnight(day)).all()
        assert (moments < calendar.midnight(day + 1)).all()
        launch = known.launch_day[stock["product_id"].to_numpy() - 1]
        assert launch.max() <= day + LONGEST_IN_STOCK
        center = known.distribution_center_id[stock["product_id"].to_numpy() - 1]
        assert (stock["distribution_center_id"].to_numpy() == center).all()
    assert (known.launch_day[units(world, range(2141, 2160))["product_id"].to_numpy() - 1] > 2141).any()


def test_when_a_unit_comes_in_says_nothing_of_when_it_is_sold() -> None:
    world, day = World(42, 1.0), LATE
    sold = {
        int(unit): after
        for after in range(1, LONGEST_IN_STOCK + 1)
        for unit in lines(world, day + after)["inventory_item_id"].to_numpy()
    }
    received = units(world, range(day, day + 1))
    moments = columns.integers(received["created_at"].chunk(0))
    after = np.array([sold.get(int(number), 0) for number in received["inventory_item_id"].to_numpy()])
    assert abs(np.corrcoef(moments[after > 0], after[after > 0])[0, 1]) < 0.02


@given(day=st.integers(0, LATE), rows=st.integers(1, 300), block=st.integers(0, 1))
@settings(max_examples=25, deadline=None)
def test_a_unit_does_not_depend_on_the_range_asked_for(day: int, rows: int, block: int) -> None:
    world = World(42, 9.0)
    whole = world.block("inventory_items", day, block)
    rows = min(rows, whole.num_rows)
    assert inventory.draw_block(42, 9.0, day, block, rows).equals(whole.slice(0, rows))


@pytest.mark.parametrize("scale", [0.01, 1.0, 10_000])
def test_as_many_units_are_received_as_are_laid_out(scale: float) -> None:
    keys = inventory.first_keys(42, scale)
    assert len(keys) == calendar.DAYS + 1
    assert (np.diff(keys) >= 0).all()
    orders = calendar.first_keys(42, scale, calendar.ORDERS)
    assert keys[2000] == pytest.approx(4 * orders[2000], rel=0.05)
    for day in (0, 1, 29, 2524, calendar.DAYS - 1):
        assert keys[day + 1] - keys[day] == World(42, scale).rows("inventory_items", day)


def test_the_largest_worlds_blocks_are_whole() -> None:
    world = World(42, 10_000)
    blocks = world.blocks("inventory_items", LATE)
    for block in (0, blocks // 2, blocks - 1):
        batch = world.block("inventory_items", LATE, block)
        number = batch["inventory_item_id"].to_numpy()
        assert number[0] == inventory.first_keys(42, 10_000)[LATE] + block * BLOCK_ROWS + 1
        assert (np.diff(number) == 1).all()

"""Any block of any day alone, its parents drawn again from their keys: no orphans, and cause precedes effect."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import columns
from beam_pipelines.world import (
    BLOCK_ROWS,
    World,
    calendar,
    cohorts,
    customers,
    day_number,
    fraud,
    inventory,
    prices,
    products,
)
from beam_pipelines.world.catalog import PRODUCTS, catalog

HOUR = 3_600_000_000
LAST = day_number(date(2039, 12, 31))
SOME = 12
"""Rows of a block whose parents are drawn again."""

worlds = st.builds(World, st.sampled_from([42, 7]), st.sampled_from([0.01, 0.3, 1.0, 40.0]))
days = st.one_of(st.integers(0, 90), st.integers(0, LAST), st.integers(2515, 2580))
shares = st.floats(0, 1, exclude_max=True)
often = settings(max_examples=60, deadline=None, derandomize=True)


def drawn(world: World, table: str, day: int, share: float) -> pa.RecordBatch | None:
    """One of the day's blocks, None if it has none."""
    blocks = world.blocks(table, day)
    return world.block(table, day, int(share * blocks)) if blocks else None


def row_of(world: World, table: str, keys: np.ndarray, key: int) -> tuple[pa.RecordBatch, int]:
    """The row with that number (from 1, dense over the days with these first keys), drawn with its block alone."""
    day = int(np.searchsorted(keys, key, side="left")) - 1
    row = key - 1 - int(keys[day])
    return world.block(table, day, row // BLOCK_ROWS), row % BLOCK_ROWS


def some(rows: pa.RecordBatch | pa.Array) -> list[int]:
    """Numbers of a few rows from all over them."""
    count = rows.num_rows if isinstance(rows, pa.RecordBatch) else len(rows)
    return sorted(set(np.linspace(0, count - 1, SOME).astype(int).tolist()))


@given(world=worlds, day=days, share=shares)
@often
def test_orders(world: World, day: int, share: float) -> None:
    batch = drawn(world, "orders", day, share)
    if batch is None:
        return
    placed, customer_id = columns.integers(batch["created_at"]), batch["customer_id"].to_numpy()
    assert (customers.signed_up(world.seed, world.scale, customer_id) < placed).all(), "ordered before signing up"
    assert (cohorts.country(world.seed, customer_id) == batch["country"].indices.to_numpy()).all()
    sizes, items = batch["items"].value_lengths().to_numpy(), batch["items"].flatten()
    product_id, order = items.field("product_id").to_numpy(), np.arange(batch.num_rows).repeat(sizes)
    launched = calendar.midnight(0) + catalog(world.seed).launch_day[product_id - 1] * calendar.MICROSECONDS_PER_DAY
    assert (launched <= placed[order]).all(), "ordered before the launch"
    lists = prices.price_lists(world.seed)
    listed = lists.retail_price[prices.month_of(day)].take(product_id)
    assert (columns.cents(items.field("retail_price")) == listed).all()
    keys = inventory.first_keys(world.seed, world.scale)
    for line in some(items):
        units, row = row_of(world, "inventory_items", keys, int(items.field("inventory_item_id")[line].as_py()))
        assert units["product_id"][row].as_py() == product_id[line]
        assert units["cost"][row].as_py() == items.field("cost")[line].as_py()
        assert columns.integers(units["created_at"])[row] < placed[order[line]], "sold before it was received"


@given(world=worlds, day=days, share=shares)
@often
def test_inventory_items(world: World, day: int, share: float) -> None:
    batch = drawn(world, "inventory_items", day, share)
    if batch is None:
        return
    product_id = batch["product_id"].to_numpy()
    assert ((product_id >= 1) & (product_id <= PRODUCTS)).all()
    month, lists = prices.month_of(day), prices.price_lists(world.seed)
    assert lists.version[month].take(product_id).min() >= 1, "received before it was announced"
    assert (columns.cents(batch["cost"]) == lists.cost[month].take(product_id)).all()
    assert ((columns.integers(batch["created_at"]) - calendar.midnight(0)) // (24 * HOUR) == day).all()


@given(world=worlds, day=days, share=shares)
@often
def test_order_events(world: World, day: int, share: float) -> None:
    batch = drawn(world, "order_events", day, share)
    if batch is None:
        return
    order_id, moments = batch["order_id"].to_numpy(), columns.integers(batch["occurred_at"])
    kinds = batch["event_type"].to_pylist()
    keys = calendar.first_keys(world.seed, world.scale, calendar.ORDERS)
    assert order_id.max() <= keys[day + 1], "something happened to an order of a later day"
    for event in some(batch):
        orders, row = row_of(world, "orders", keys, int(order_id[event]))
        passed = moments[event] - columns.integers(orders["created_at"])[row]
        assert orders["order_id"][row].as_py() == order_id[event]
        assert passed > 0, f"{kinds[event]} before it was ordered"
        assert kinds[event] != "cancelled" or passed <= 6 * HOUR
        if kinds[event] == "returned":
            items = {item["order_item_id"]: item["sale_price"] for item in orders["items"][row].as_py()}
            lines = batch["order_item_ids"][event].as_py()
            assert sum(items[line] for line in lines) == batch["refund"][event].as_py()


@given(world=worlds, day=days, share=shares)
@often
def test_web_events(world: World, day: int, share: float) -> None:
    batch = drawn(world, "web_events", day, share)
    if batch is None:
        return
    moments = columns.integers(batch["occurred_at"])
    known = batch["customer_id"].is_valid().to_numpy(zero_copy_only=False)
    if known.any():
        customer_id = batch["customer_id"].filter(pa.array(known)).to_numpy()
        assert (customers.signed_up(world.seed, world.scale, customer_id) < moments[known]).all()
    viewed = batch["product_id"].is_valid().to_numpy(zero_copy_only=False)
    launch = catalog(world.seed).launch_day[batch["product_id"].drop_null().to_numpy() - 1]
    assert (launch <= day).all()
    assert (viewed == np.array([kind == "product" for kind in batch["event_type"].to_pylist()])).all()
    keys = calendar.first_keys(world.seed, world.scale, calendar.ORDERS)
    purchases = np.flatnonzero(batch["order_id"].is_valid().to_numpy(zero_copy_only=False))
    for event in purchases[:: max(1, len(purchases) // SOME)].tolist():
        orders, row = row_of(world, "orders", keys, batch["order_id"][event].as_py())
        assert orders["channel"][row].as_py() == "web"
        assert orders["customer_id"][row].as_py() == batch["customer_id"][event].as_py()
        assert columns.integers(orders["created_at"])[row] == moments[event]
        session = batch.filter(pc.equal(batch["session_id"], batch["session_id"][event]))
        if session.num_rows == batch["sequence_number"][event].as_py():  # not cut off by the block's beginning
            pages = set(session["product_id"].drop_null().to_pylist())
            assert {item["product_id"] for item in orders["items"][row].as_py()} <= pages, "bought what was not viewed"


@given(world=worlds, day=days, share=shares)
@often
def test_customers(world: World, day: int, share: float) -> None:
    batch = drawn(world, "customers", day, share)
    if batch is None:
        return
    customer_id, version = batch["customer_id"].to_numpy(), batch["version"].to_numpy()
    created_at, valid_from = columns.integers(batch["created_at"]), columns.integers(batch["valid_from"])
    assert (customers.signed_up(world.seed, world.scale, customer_id) == created_at).all()
    assert ((valid_from == created_at) == (version == 1)).all()
    assert (valid_from >= created_at).all()
    assert (cohorts.country(world.seed, customer_id) == batch["country"].indices.to_numpy()).all()


@given(month=st.integers(0, 251), seed=st.sampled_from([42, 7]), share=shares)
@often
def test_products(month: int, seed: int, share: float) -> None:
    day = day_number(date(2019 + month // 12, month % 12 + 1, 1))
    batch = drawn(World(seed, 1.0), "products", day, share)
    if batch is None:
        return
    launched = (columns.integers(batch["launched_at"]) - calendar.midnight(0)) // (24 * HOUR)
    assert (launched == catalog(seed).launch_day[batch["product_id"].to_numpy() - 1]).all()
    is_announced = batch["version"].to_numpy() == 1
    assert (launched[~is_announced] <= day).all(), "changed before the launch"
    first, last = products.announcements(seed, day)
    assert is_announced.sum() <= last - first
    assert (columns.cents(batch["cost"]) < columns.cents(batch["retail_price"])).all()


@given(seed=st.sampled_from([42, 7]), day=st.integers(29, LAST))
@often
def test_fraudulent_orders_sell_units_of_their_own(seed: int, day: int) -> None:
    known = fraud.orders(seed, 1.0)
    own = known.of_rows(day, 0, 1 << 30)
    for order in range(own.start, own.stop):
        line = np.arange(known.lines[order])
        units, received = inventory.fraud_units(seed, 1.0, np.full(len(line), order), line)
        keys = inventory.first_keys(seed, 1.0)
        assert (np.diff(units) == 1).all()
        assert keys[received[0]] < units[0] <= units[-1] <= keys[received[0] + 1]
        assert received[0] < day

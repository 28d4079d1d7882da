"""What happens to orders: the events of days are the events of orders, each once, in the order of cause and effect."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import columns, tables
from beam_pipelines.world import World, calendar, day_number, lifecycle
from beam_pipelines.world.lifecycle import CANCELLED, DELIVERED, LONGEST, RETURNED, SHIPPED

DAY = calendar.MICROSECONDS_PER_DAY


def drawn(world: World, table: str, days: range) -> pa.Table:
    return pa.Table.from_batches(
        world.block(table, day, block) for day in days for block in range(world.blocks(table, day))
    ).combine_chunks()


@pytest.fixture(scope="module", params=[(date(2019, 1, 1), 1.0), (date(2024, 4, 3), 1.0), (date(2025, 11, 24), 0.3)])
def told(request: pytest.FixtureRequest) -> SimpleNamespace:
    """All orders of some days, and all events from the first on until nothing happens to those any more."""
    first, scale = day_number(request.param[0]), request.param[1]
    world = World(42, scale)
    orders = world_orders(world, range(first, first + 8))
    events = drawn(world, "order_events", range(first, first + 8 + LONGEST))
    order_id = events["order_id"].to_numpy()
    own = (order_id >= orders.order_id[0]) & (order_id <= orders.order_id[-1])
    events = events.filter(pa.array(own)).combine_chunks()
    kinds = np.full((4, len(orders.order_id)), -1)
    at = events["order_id"].to_numpy() - orders.order_id[0]
    kind = events["event_type"].chunk(0).indices.to_numpy()
    moments = columns.integers(events["occurred_at"].chunk(0))
    for number in range(4):
        assert np.bincount(at[kind == number], minlength=1).max() <= 1, "something happened twice to an order"
        kinds[number, at[kind == number]] = moments[kind == number]
    return SimpleNamespace(world=world, first=first, orders=orders, events=events, at=at, kind=kind, moments=kinds)


def world_orders(world: World, days: range) -> SimpleNamespace:
    table = drawn_plain(world, days)
    items = table["items"].chunk(0)
    return SimpleNamespace(
        order_id=table["order_id"].to_numpy(),
        created_at=columns.integers(table["created_at"].chunk(0)),
        sizes=np.diff(items.offsets.to_numpy()),
        starts=items.offsets.to_numpy(),
        line=items.flatten().field("order_item_id").to_numpy(),
        sale_price=columns.cents(items.flatten().field("sale_price")),
        day=np.repeat(np.array(days), [world.rows("orders", day) for day in days]),
    )


def drawn_plain(world: World, days: range) -> pa.Table:
    names = ["order_id", "created_at", "items"]
    return pa.Table.from_batches(
        world.block("orders", day, block).select(names) for day in days for block in range(world.blocks("orders", day))
    ).combine_chunks()


def test_every_order_is_either_cancelled_or_shipped_and_delivered(told: SimpleNamespace) -> None:
    there = told.moments >= 0
    assert (there[CANCELLED] ^ there[SHIPPED]).all()
    assert (there[SHIPPED] == there[DELIVERED]).all()
    assert (there[DELIVERED] | ~there[RETURNED]).all()


def test_events_follow_each_other(told: SimpleNamespace) -> None:
    there, moments, placed = told.moments >= 0, told.moments, told.orders.created_at
    for before, after in ((placed, SHIPPED), (moments[SHIPPED], DELIVERED), (moments[DELIVERED], RETURNED)):
        assert (moments[after] > before)[there[after]].all()
    passed = (moments[CANCELLED] - placed)[there[CANCELLED]]
    assert passed.min() > 0
    assert passed.max() <= 6 * 3_600_000_000
    assert np.median(passed) < 2 * 3_600_000_000


def test_delays_are_those_of_the_season(told: SimpleNamespace) -> None:
    there = told.moments >= 0
    shipped = (told.moments[SHIPPED] - calendar.midnight(0)) // DAY - told.orders.day
    congested = told.first == day_number(date(2025, 11, 24))
    assert set(shipped[there[SHIPPED]].tolist()) >= (set(range(4, 10)) if congested else {1, 2, 3})
    regular = shipped[there[SHIPPED] & (told.orders.sizes <= 4)]
    assert set(regular.tolist()) == (set(range(4, 10)) if congested else {1, 2, 3})
    returned = there[RETURNED].mean()
    assert 0.05 < returned < 0.08 if congested else 0.007 < returned < 0.015
    if congested:
        months = [
            calendar.date_of(int(day)).month
            for day in (told.moments[RETURNED][there[RETURNED]] - calendar.midnight(0)) // DAY
        ]
        assert set(months) == {1}
    assert 0.012 < there[CANCELLED][told.orders.sizes <= 4].mean() < 0.020


def test_a_third_of_fraudulent_orders_is_cancelled_within_the_hour(told: SimpleNamespace) -> None:
    fraud = told.orders.sizes > 4
    if told.first < 29:
        assert not fraud.any()
        return
    assert fraud.any()
    gone = (told.moments[CANCELLED] >= 0)[fraud]
    assert 0.2 < gone.mean() < 0.45
    assert (told.moments[CANCELLED] - told.orders.created_at)[fraud][gone].max() <= 3_600_000_000


def test_refunds_are_what_the_returned_lines_were_sold_for(told: SimpleNamespace) -> None:
    returned = told.kind == RETURNED
    refund = told.events["refund"].chunk(0)
    assert (refund.is_valid().to_numpy(zero_copy_only=False) == returned).all()
    lines = told.events["order_item_ids"].chunk(0)
    counts = np.diff(lines.offsets.to_numpy())
    assert (counts[~returned] == 0).all()
    assert (counts[returned] >= 1).all()
    known = np.searchsorted(told.orders.line, lines.flatten().to_numpy())
    assert (told.orders.line[known] == lines.flatten().to_numpy()).all()
    order = np.searchsorted(told.orders.starts, known, "right") - 1
    assert (order == told.at.repeat(counts)).all(), "a line of another order came back"
    running = np.concatenate([[0], told.orders.sale_price[known].cumsum()])
    offsets = lines.offsets.to_numpy()
    assert (columns.cents(refund)[returned] == (running[offsets[1:]] - running[offsets[:-1]])[returned]).all()
    sizes = told.orders.sizes[told.at[returned]]
    assert ((counts[returned] == sizes) | (counts[returned] == 1)).all()
    assert 0 < (counts[returned] < sizes).mean() < 0.3, "some returns are of a part of the order"


def test_an_orders_carrier_stays(told: SimpleNamespace) -> None:
    carrier = told.events["carrier"].chunk(0)
    assert (carrier.is_null().to_numpy(zero_copy_only=False) == (told.kind == CANCELLED)).all()
    codes = carrier.indices.fill_null(-1).to_numpy()
    by_order = np.full(len(told.orders.order_id), -1)
    by_order[told.at[told.kind == SHIPPED]] = codes[told.kind == SHIPPED]
    later = (told.kind == DELIVERED) | (told.kind == RETURNED)
    assert (by_order[told.at[later]] == codes[later]).all()
    assert (np.bincount(codes[codes >= 0]) > 0).sum() == len(tables.CARRIERS)


def test_events_happen_on_their_day_and_are_numbered_densely() -> None:
    world, days = World(42, 0.3), range(day_number(date(2025, 12, 20)), day_number(date(2026, 1, 10)))
    events = drawn(world, "order_events", days)
    of_day = np.repeat(np.array(days), [world.rows("order_events", day) for day in days])
    assert ((columns.integers(events["occurred_at"].chunk(0)) - calendar.midnight(0)) // DAY == of_day).all()
    number = events["event_id"].to_numpy()
    assert (np.diff(number) == 1).all()
    assert number[0] == lifecycle.first_keys(42, 0.3)[days.start] + 1


@pytest.mark.parametrize("scale", [0.01, 0.05])
def test_no_event_is_lost_or_doubled_in_the_smallest_worlds(scale: float) -> None:
    world = World(11, scale)
    days = range(day_number(date(2021, 10, 1)), day_number(date(2022, 1, 15)))
    orders = world_orders(world, days)
    order_id = drawn(world, "order_events", range(days.start, days.stop + LONGEST))["order_id"].to_numpy()
    counts = np.bincount(order_id[order_id <= orders.order_id[-1]])[orders.order_id[0] :]
    assert len(counts) == len(orders.order_id)
    assert counts.min() == 1, "cancelled"
    assert counts.max() == 3, "shipped, delivered, returned"


@given(day=st.integers(0, day_number(date(2026, 3, 1))), data=st.data())
@settings(max_examples=30, deadline=None)
def test_pieces_of_a_day_are_the_day(day: int, data: st.DataObject) -> None:
    rows = lifecycle.rows(42, 1.0, day)
    whole = lifecycle.events(42, 1.0, day, 0, rows)
    cut = data.draw(st.integers(0, rows))
    parts = lifecycle.events(42, 1.0, day, 0, cut) + lifecycle.events(42, 1.0, day, cut, rows - cut)
    for name in ("kind", "day", "row"):
        one, other = (np.concatenate([getattr(part, name) for part in each]) if each else [] for each in (whole, parts))
        assert list(one) == list(other)


def test_the_largest_worlds_events_are_those_of_its_orders() -> None:
    world, day = World(42, 10_000), day_number(date(2025, 12, 3))
    blocks = world.blocks("order_events", day)
    for block in (0, blocks // 3, blocks - 1):
        batch = world.block("order_events", day, block)
        orders = calendar.first_keys(42, 10_000, calendar.ORDERS)
        order_id = batch["order_id"].to_numpy()
        placed = np.searchsorted(orders, order_id, "left") - 1
        assert ((day - placed >= 0) & (day - placed <= LONGEST)).all()
        assert len(np.unique(order_id)) == len(order_id)

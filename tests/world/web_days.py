"""Some days of web events as arrays, measured by many tests."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from beam_pipelines import columns, tables
from beam_pipelines.world import World, calendar, orders

DAYS = (0, 1, 3, 425, 2_000, 2_523)
"""The opening's first days, a leap day, a day in June 2024 and Black Friday 2025."""

HOME, DEPARTMENT, PRODUCT, CART, PURCHASE, CANCEL = range(len(tables.WEB_EVENT_TYPES))


@dataclass(frozen=True, eq=False)
class Events:
    """Events of some days: arrays of one entry per event, or where it says so per session; 0 for null."""

    table: pa.Table
    day: np.ndarray
    starts: np.ndarray
    """First event of each session."""
    session: np.ndarray
    number: np.ndarray
    type: np.ndarray
    customer: np.ndarray
    product: np.ndarray
    order: np.ndarray
    at: np.ndarray

    @property
    def ends(self) -> np.ndarray:
        """The event after each session's last."""
        return np.append(self.starts[1:], len(self.day))

    def has(self, event_type: int) -> np.ndarray:
        """Which sessions have an event of the type."""
        return np.logical_or.reduceat(self.type == event_type, self.starts)

    def text(self, column: str) -> np.ndarray:
        """A column of strings, one per session."""
        return np.array(self.table[column].take(pa.array(self.starts)).to_pylist())

    def codes(self, column: str) -> np.ndarray:
        """Positions in the dictionary of a column, one per session."""
        return self.table[column].chunk(0).indices.to_numpy()[self.starts]


def web_events(world: World, days: tuple[int, ...] = DAYS) -> Events:
    batches = [(day, world.block("web_events", day, block)) for day in days for block in range(blocks(world, day))]
    table = pa.Table.from_batches([batch for _, batch in batches]).unify_dictionaries().combine_chunks()
    number = table["sequence_number"].to_numpy()
    whole = {name: table[name].fill_null(0).to_numpy() for name in ("customer_id", "product_id", "order_id")}
    return Events(
        table=table,
        day=np.repeat([day for day, _ in batches], [batch.num_rows for _, batch in batches]),
        starts=np.flatnonzero(number == 1),
        session=np.cumsum(number == 1) - 1,
        number=number,
        type=table["event_type"].chunk(0).indices.to_numpy(),
        customer=whole["customer_id"],
        product=whole["product_id"],
        order=whole["order_id"],
        at=columns.integers(table["occurred_at"].chunk(0)),
    )


def web_orders(world: World, days: tuple[int, ...] = DAYS) -> SimpleNamespace:
    """The orders that were placed on the web: arrays of one entry per order, and their first lines' products."""
    placed = [
        orders.placed(world.seed, world.scale, day, 0, calendar.rows_of(world.seed, world.scale, calendar.ORDERS, day))
        for day in days
    ]
    own = [one.channel == tables.CHANNELS.index("web") for one in placed]
    names = ("order_id", "customer_id", "microseconds", "lines")
    found = {
        name: np.concatenate([getattr(one, name)[web] for one, web in zip(placed, own, strict=True)]) for name in names
    }
    lines = [
        one.product_id[start:end]
        for one, web in zip(placed, own, strict=True)
        for start, end, is_web in zip(one.starts[:-1], one.starts[1:], web, strict=True)
        if is_web
    ]
    return SimpleNamespace(**found, products=lines)


def blocks(world: World, day: int) -> int:
    return world.blocks("web_events", day)

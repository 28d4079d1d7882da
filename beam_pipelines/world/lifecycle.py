"""What happens to orders after they were placed: most are shipped and delivered, some cancelled, some returned.

What becomes of a regular order is its class (see ``schedule``): cancelled within hours, or shipped after so many days,
delivered so many days later and perhaps returned so many days after it was placed. So the events of a day are ranges of
ranks of the orders of the seventy days before it, and no order is looked at to which nothing happens that day. Which
classes there are and how large follows from the day of the order: in the weeks before Christmas parcels take longer,
and what is bought for Christmas comes back in January.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beam_pipelines.world import calendar, draw, fraud
from beam_pipelines.world.schedule import Ranges, Rounding, Scrambling, class_sizes

SHIPPED, DELIVERED, CANCELLED, RETURNED = range(4)
"""Kinds of events, as indexes into ``tables.ORDER_EVENT_TYPES``."""

CANCELLATIONS = 0.016
"""Share of regular orders."""
RETURNS, GIFT_RETURNS = 0.011, 0.065
"""Share of regular orders, on ordinary days and from 21 November to the end of the year."""

SHIPPING = {1: 0.50, 2: 0.33, 3: 0.17}
"""Days until an order is shipped."""
CONGESTED_SHIPPING = {4: 0.15, 5: 0.22, 6: 0.23, 7: 0.18, 8: 0.13, 9: 0.09}
"""The same for orders from 20 November to 24 December."""
DELIVERY = {1: 0.10, 2: 0.30, 3: 0.30, 4: 0.20, 5: 0.10}
"""Days from shipping to delivery."""
RETURN_DAYS = 22
"""Days on which an order may come back, from the day on by which all orders of its day have been delivered."""
GIFT_RETURN_DAYS = 24
"""The same for gifts, from 2 January on at the earliest."""
LONGEST = 70
"""Days after which nothing happens to an order any more."""


class Timetable(NamedTuple):
    """What becomes of the orders of a day: arrays of one entry a kind of event and delay, the classes in between.

    An event happens to the orders whose ranks lie between the shares ``low`` and ``high``.
    """

    kind: npt.NDArray[np.int64]
    delay: npt.NDArray[np.int64]
    """Days after the order."""
    low: draw.F64
    high: draw.F64

    def after(self, delay: int) -> slice:
        """The entries of a delay, by which they are ordered."""
        first, end = self.delay.searchsorted((delay, delay + 1)).tolist()
        return slice(first, end)


@functools.lru_cache(maxsize=4096)
def timetable(day: int) -> Timetable:
    """What becomes of the orders of a day."""
    placed = calendar.date_of(day)
    congested = (11, 20) <= (placed.month, placed.day) <= (12, 24)
    if (placed.month, placed.day) < (11, 21):
        return _timetable(congested, None)
    return _timetable(congested, (date(placed.year + 1, 1, 2) - placed).days)


@functools.lru_cache(maxsize=128)
def _timetable(congested: bool, days_to_january: int | None) -> Timetable:
    """``days_to_january`` is None for orders that are no gifts."""
    shipping = CONGESTED_SHIPPING if congested else SHIPPING
    delivered = max(shipping) + max(DELIVERY)
    if days_to_january is None:
        share, first, returning = RETURNS, delivered + 1, range(RETURN_DAYS, 0, -1)
    else:
        share, first = GIFT_RETURNS, max(days_to_january, delivered + 1)
        returning = range(GIFT_RETURN_DAYS + 6, 6, -1)
    entries = [(CANCELLED, 0, 0.0, CANCELLATIONS)]
    low = CANCELLATIONS
    for shipped, often in shipping.items():
        begin = low
        for passed, as_often in DELIVERY.items():
            orders = (1 - CANCELLATIONS) * often * as_often
            high = low + orders
            entries.append((DELIVERED, shipped + passed, low, high))
            back = low
            for number, weight in enumerate(returning):
                end = back + orders * share * weight / sum(returning)
                entries.append((RETURNED, first + number, back, end))
                back = end
            low = high
        entries.append((SHIPPED, shipped, begin, low))
    entries.sort(key=lambda entry: (entry[1], entry[0], entry[2]))
    kind, delay, lows, highs = (np.array(column) for column in zip(*entries, strict=True))
    # What is to be the whole must not miss the last rank because of a rounded sum.
    highs[highs > 1 - 1e-9] = 1.0
    return Timetable(kind, delay, lows, highs)


@dataclass(frozen=True)
class Events:
    """Events of a day: arrays of one entry an event."""

    kind: npt.NDArray[np.int64]
    """Index into ``tables.ORDER_EVENT_TYPES``; not decreasing."""
    day: draw.I64
    """The day of the order."""
    row: draw.I64
    """The order's row in its day."""
    order_id: draw.I64
    is_fraud: bool


def _scrambling(seed: int) -> Scrambling:
    return Scrambling(draw.key(seed, "order_events", "scrambling"), draw.BLOCK_ROWS)


def _rounding(seed: int) -> Rounding:
    return Rounding(draw.key(seed, "order_events", "rounding"))


@functools.lru_cache(maxsize=64)
def _regular(seed: int, scale: float, day: int) -> tuple[npt.NDArray[np.int64], Ranges]:
    """Kinds and ranges of the events of a day, by kind and then by the day of the order."""
    placed = range(max(0, day - LONGEST), day + 1)
    parts = [(at, timetable(at), timetable(at).after(day - at)) for at in placed]
    kind, low, high = (
        np.concatenate([getattr(table, name)[own] for _, table, own in parts]) for name in ("kind", "low", "high")
    )
    source = np.repeat(np.array(placed), [own.stop - own.start for _, _, own in parts])
    order = np.argsort(kind, kind="stable")
    kind, low, high, source = kind[order], low[order], high[order], source[order]
    orders = fraud.bursts(seed, scale).regular.take(source)
    return kind, Ranges.of(_scrambling(seed), _rounding(seed), source, orders, low, high)


def _fraudulent(seed: int, scale: float) -> fraud.Happening:
    return fraud.happening(seed, scale, CANCELLED, SHIPPED, DELIVERED)


@functools.lru_cache(maxsize=8)
def first_keys(seed: int, scale: float) -> draw.I64:
    """Events before each day: shape (DAYS + 1,)."""
    days = np.arange(calendar.DAYS)
    orders = fraud.bursts(seed, scale).regular[: calendar.DAYS]
    offset = _rounding(seed).offsets(days)
    happened = np.diff(_fraudulent(seed, scale).first)[: calendar.DAYS + LONGEST + 1]
    events = np.zeros(calendar.DAYS + LONGEST + 1, np.int64)
    events[: len(happened)] = happened
    for table, own in _days_by_timetable():
        low, high = table.low[:, None], table.high[:, None]
        counts = class_sizes(draw.BLOCK_ROWS, orders[own], offset[own], low, high)
        by_delay = np.add.reduceat(counts, np.unique(table.delay, return_index=True)[1], axis=0)
        for delay, of_delay in zip(np.unique(table.delay).tolist(), by_delay, strict=True):
            events[own + delay] += of_delay
    return np.concatenate([[0], np.cumsum(events[: calendar.DAYS])])


@functools.lru_cache(maxsize=1)
def _days_by_timetable() -> list[tuple[Timetable, draw.I64]]:
    """Every timetable with the days that have it."""
    days: dict[int, list[int]] = {}
    known: dict[int, Timetable] = {}
    for day in range(calendar.DAYS):
        table = timetable(day)
        known[id(table)] = table
        days.setdefault(id(table), []).append(day)
    return [(known[key], np.array(own)) for key, own in days.items()]


def rows(seed: int, scale: float, day: int) -> int:
    """How many events a day has."""
    keys = first_keys(seed, scale)
    return int(keys[day + 1] - keys[day])


def events(seed: int, scale: float, day: int, first: int, count: int) -> list[Events]:
    """Events of a day number ``first`` and following: those of regular orders, then those of fraudulent ones."""
    kind, ranges = _regular(seed, scale, day)
    orders_before = calendar.first_keys(seed, scale, calendar.ORDERS)
    of_regular = int(ranges.first[-1])
    regular = max(0, min(count, of_regular - first))
    found = []
    if regular:
        piece = ranges.piece(first, regular)
        row = fraud.bursts(seed, scale).row_of(ranges.day[piece.ranges], piece.member, piece.counts)
        order_id = piece.spread(orders_before.take(ranges.day))
        order_id += row
        order_id += 1
        found.append(Events(piece.spread(kind), piece.spread(ranges.day), row, order_id, is_fraud=False))
    if regular < count:
        happening, known = _fraudulent(seed, scale), fraud.orders(seed, scale)
        start = int(happening.first[day]) + max(first - of_regular, 0)
        own = slice(start, start + count - regular)
        order = happening.order[own]
        placed, row = known.day[order], known.row[order]
        order_id = orders_before.take(placed) + row + 1
        found.append(Events(happening.kind[own].astype(np.int64), placed, row, order_id, is_fraud=True))
    return found

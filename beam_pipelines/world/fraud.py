"""Bursts of fraudulent orders: new accounts, many dear items, a third cancelled within the hour.

A burst is a handful of consecutive orders of a day, so the orders of a day stay numbered in order of time. All others
are regular orders, which have numbers of their own, without gaps, on which their units and their events are laid out.
There are at most 15 fraudulent orders a day at any scale, and what happens to them is one short list.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beam_pipelines.tables import LONGEST_IN_STOCK
from beam_pipelines.world import calendar, draw

MOST_BURSTS = 3
"""Bursts of a day."""
WORTH_IT = 1_000
"""Orders of a day from which on there is a burst every day; a tenth of them is worth one every tenth day."""
ORDERS_PER_BURST = 2_000
"""With every so many orders of a day there may be one burst more."""
SIZES = (3, 5)
"""Orders of a burst."""
ITEMS = (6, 12)
"""Items of an order."""
CANCELLED_EVERY = 3
"""Of so many orders of a burst, one is cancelled."""
DEAREST = 2_048
"""The items are among so many of the dearest products."""
NEVER = 1 << 60
"""Where a burst that does not take place begins."""


@dataclass(frozen=True, eq=False)
class Bursts:
    """The bursts of every day: arrays of shape (MOST_BURSTS, HORIZON), empty ones of size 0 from NEVER on."""

    start: draw.I64
    """The first row of the burst in its day."""
    size: draw.I64
    threshold: draw.I64
    """Regular orders of the day before the burst."""
    regular: draw.I64
    """Regular orders of each day: shape (HORIZON,)."""

    def row_of(self, day: draw.I64, regular: draw.I64, counts: draw.I64 | int = 1) -> draw.I64:
        """The rows of regular orders in their days: so many of each of these days, one day's behind the other's."""
        row = regular.copy()
        for threshold, size in zip(self.threshold, self.size, strict=True):
            of_days = size.take(day)
            if of_days.any():
                row += of_days.repeat(counts) * (regular >= threshold.take(day).repeat(counts))
        return row

    def regular_of(self, day: int, row: draw.I64) -> draw.I64:
        """The numbers among the regular ones of orders of one day, which are of meaning for regular orders only.

        >>> bursts_ = bursts(42, 1.0)
        >>> rows = bursts_.row_of(np.full(3000, 2000), np.arange(3000))
        >>> bool((bursts_.regular_of(2000, rows) == np.arange(3000)).all())
        True
        """
        regular = row.copy()
        for start, size in zip(self.start[:, day].tolist(), self.size[:, day].tolist(), strict=True):
            if size:
                regular -= size * (row >= start + size)
        return regular


@functools.lru_cache(maxsize=8)
def bursts(seed: int, scale: float) -> Bursts:
    """Where the bursts of every day are; none in the first weeks, when the shop's first stock is sold."""
    days = np.arange(calendar.HORIZON)
    orders = np.diff(calendar.first_keys(seed, scale, calendar.ORDERS))
    lots = draw.hashed(draw.key(seed, "fraud", "bursts"), days)
    most = np.minimum(1 + orders // ORDERS_PER_BURST, MOST_BURSTS)
    count = np.where(orders < WORTH_IT, draw.unit(lots) * WORTH_IT < orders, 1 + draw.below(lots, most))
    section = orders // np.maximum(count, 1)
    count[(section < 4 * SIZES[1]) | (days <= LONGEST_IN_STOCK)] = 0
    start = np.full((MOST_BURSTS, calendar.HORIZON), NEVER)
    size = np.zeros_like(start)
    for number in range(MOST_BURSTS):
        words = draw.hashed(draw.key(seed, "fraud", "burst"), days * MOST_BURSTS + number)
        own = number < count
        size[number, own] = (SIZES[0] + draw.below(words, SIZES[1] - SIZES[0] + 1))[own]
        within = np.floor(draw.unit(words << np.uint64(7)) * (section - SIZES[1])).astype(np.int64)
        start[number, own] = (section * number + within)[own]
    before = np.cumsum(size, axis=0) - size
    return Bursts(start, size, np.where(size > 0, start - before, NEVER), orders - size.sum(axis=0))


class Happening(NamedTuple):
    """What happens to fraudulent orders, day by day: arrays of one entry an event, and where each day's begin."""

    kind: npt.NDArray[np.int8]
    """Index into ``tables.ORDER_EVENT_TYPES``."""
    order: draw.I64
    """Which of the fraudulent orders."""
    first: draw.I64
    """Events before each day: shape (HORIZON + 1,)."""


@dataclass(frozen=True, eq=False)
class Fraud:
    """All fraudulent orders of a world, by day and row: arrays of one entry an order."""

    day: draw.I64
    row: draw.I64
    number: draw.I64
    """In the burst, from 0."""
    lines: draw.I64
    received: draw.I64
    """The day on which the units were received that are sold."""
    first_unit: draw.I64
    """Units for fraudulent orders received on that day before those for this order."""
    first: draw.I64
    """Orders before each day: shape (HORIZON + 1,)."""
    by_receipt: draw.I64
    """The orders in order of receipt of their units."""
    received_before: draw.I64
    """Orders whose units were received before each day: shape (HORIZON + 1,)."""
    units: draw.I64
    """Units for fraudulent orders received on each day: shape (HORIZON,)."""

    def of_rows(self, day: int, first: int, rows: int) -> slice:
        """The orders among these rows of a day."""
        low, high = self.row[self.first[day] : self.first[day + 1]].searchsorted((first, first + rows))
        return slice(int(self.first[day] + low), int(self.first[day] + high))


@functools.lru_cache(maxsize=8)
def orders(seed: int, scale: float) -> Fraud:
    """Every fraudulent order."""
    all_bursts = bursts(seed, scale)
    size, start = all_bursts.size.T.ravel(), all_bursts.start.T.ravel()
    day = np.repeat(np.repeat(np.arange(calendar.HORIZON), MOST_BURSTS), size)
    number = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    row = np.repeat(start, size) + number
    words = draw.hashed(draw.key(seed, "fraud", "order"), day * 4_000_000_007 + row)
    lines = ITEMS[0] + draw.below(words, ITEMS[1] - ITEMS[0] + 1)
    received = day - 1 - draw.below(words << np.uint64(20), LONGEST_IN_STOCK)
    by_receipt = np.argsort(received, kind="stable")
    ends = np.cumsum(lines[by_receipt])
    units = np.bincount(received, weights=lines, minlength=calendar.HORIZON).astype(np.int64)
    first_unit = np.empty_like(row)
    first_unit[by_receipt] = ends - lines[by_receipt] - (np.cumsum(units) - units)[received[by_receipt]]
    counts = np.bincount(day, minlength=calendar.HORIZON)
    first = np.concatenate([[0], np.cumsum(counts)])
    received_before = received[by_receipt].searchsorted(np.arange(calendar.HORIZON + 1))
    return Fraud(day, row, number, lines, received, first_unit, first, by_receipt, received_before, units)


def units_received(seed: int, scale: float, day: int, start: int, count: int) -> tuple[draw.I64, draw.I64]:
    """Units received on a day for fraudulent orders, number ``start`` and following: order and line of each."""
    fraud = orders(seed, scale)
    own = fraud.by_receipt[fraud.received_before[day] : fraud.received_before[day + 1]]
    order = np.repeat(own, fraud.lines[own])
    line = np.arange(len(order)) - fraud.first_unit[order]
    return order[start : start + count], line[start : start + count]


SHIPPED_AFTER = 3
"""Days, at most."""
DELIVERED_AFTER = 5
"""Days after shipping, at most."""


@functools.lru_cache(maxsize=8)
def happening(seed: int, scale: float, cancelled: int, shipped: int, delivered: int) -> Happening:
    """What happens to fraudulent orders: of each burst every third is cancelled, the others arrive.

    Args:
        seed: Of the world.
        scale: Of the world.
        cancelled: The kind of event that this is, as the others.
        shipped: See ``cancelled``.
        delivered: See ``cancelled``.
    """
    fraud = orders(seed, scale)
    words = draw.hashed(draw.key(seed, "fraud", "fate"), np.arange(len(fraud.day)))
    gone = np.flatnonzero(fraud.number % CANCELLED_EVERY == 1)
    kept = np.flatnonzero(fraud.number % CANCELLED_EVERY != 1)
    sent = fraud.day[kept] + 1 + draw.below(words[kept], SHIPPED_AFTER)
    there = sent + 1 + draw.below(words[kept] << np.uint64(24), DELIVERED_AFTER)
    day = np.concatenate([fraud.day[gone], sent, there])
    order = np.concatenate([gone, kept, kept])
    kind = np.repeat(np.array([cancelled, shipped, delivered], np.int8), [len(gone), len(kept), len(kept)])
    listed = np.lexsort((order, kind, day))
    first = np.searchsorted(day[listed], np.arange(calendar.HORIZON + 1))
    return Happening(kind[listed], order[listed], first)

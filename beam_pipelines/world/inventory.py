"""Units of stock, each received some days before it is sold, if it ever is.

Every regular order has room for four lines, and behind each is one unit, received up to 28 days before the order's day:
on which day is the unit's class (see ``schedule``). Of the four, as many are sold as the order has lines, the others
never: 36 in 100 units are sold, as in theLook. Fraudulent orders have units of their own.

From a day of receipt the units lead to the orders that will sell them, from an order its lines lead to their units.
What is on offer is known 28 days before its launch (see ``products``), so a unit's product was known when it came in.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.tables import LONGEST_IN_STOCK
from beam_pipelines.world import arrays, baskets, calendar, draw, fraud, prices
from beam_pipelines.world.catalog import catalog
from beam_pipelines.world.schedule import WHOLE, Ranges, Rounding, Scrambling, class_sizes, rank_of

UNITS = 4
"""Units behind a regular order."""
BLOCK_UNITS = UNITS * draw.BLOCK_ROWS

RECEIVING = (6 * 3_600_000_000, 12 * 3_600_000_000)
"""When units come in: from this time of the day on, for so long, in microseconds."""
OPENING_STOCK = (0, 6 * 3_600_000_000)
"""The same on the first day, before the shop opens."""


@functools.lru_cache(maxsize=1)
def _shares() -> draw.F64:
    """The share of units received at most so many days before they are sold: shape (29,), from 0 to 1."""
    weights = np.array([0, *range(LONGEST_IN_STOCK + 4, 4, -1)], np.float64)
    shares = np.cumsum(weights / weights.sum())
    shares[-1] = 1.0
    return shares


def _scrambling(seed: int) -> Scrambling:
    return Scrambling(draw.key(seed, "inventory_items", "scrambling"), BLOCK_UNITS)


def _rounding(seed: int) -> Rounding:
    return Rounding(draw.key(seed, "inventory_items", "rounding"))


@functools.lru_cache(maxsize=64)
def _received(seed: int, scale: float, day: int) -> Ranges:
    """The units received on a day, by the day on which they are sold."""
    last = min(day + LONGEST_IN_STOCK, calendar.HORIZON - 1)
    sold = np.arange(day + 1 if day else 0, last + 1)
    after = sold - day
    low, high = _shares().take(np.maximum(after - 1, 0)), _shares().take(after)
    if day == 0:  # whatever would have come in before the opening is there when the shop opens
        high = np.ones(len(sold))
    units = UNITS * fraud.bursts(seed, scale).regular.take(sold)
    return Ranges.of(_scrambling(seed), _rounding(seed), sold, units, low, high)


@functools.lru_cache(maxsize=8)
def first_keys(seed: int, scale: float) -> draw.I64:
    """Units received before each day: shape (DAYS + 1,)."""
    days = np.arange(calendar.HORIZON)
    units, offset = UNITS * fraud.bursts(seed, scale).regular, _rounding(seed).offsets(days)
    received = fraud.orders(seed, scale).units.copy()
    for after in range(1, LONGEST_IN_STOCK + 1):
        sold = class_sizes(BLOCK_UNITS, units, offset, _shares()[after - 1], _shares()[after])
        received[: -after or None] += sold[after:]
        received[0] += sold[:after].sum()
    return np.concatenate([[0], np.cumsum(received)])[: calendar.DAYS + 1]


def rows(seed: int, scale: float, day: int) -> int:
    """How many units are received on a day."""
    keys = first_keys(seed, scale)
    return int(keys[day + 1] - keys[day])


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Units ``block * 16,384`` and following of a day, as a batch of ``tables.INVENTORY_ITEMS``."""
    first = block * draw.BLOCK_ROWS
    product_id = _products(seed, scale, day, first, rows)
    begin, length = RECEIVING if day else OPENING_STOCK
    number = np.arange(first + 1, first + 1 + rows) + int(first_keys(seed, scale)[day])
    share = draw.unit(draw.hashed(draw.key(seed, "inventory_items", "created_at"), number))
    moments = (share * length).astype(np.int64)
    moments += calendar.midnight(day) + begin
    columns = [
        arrays.integers(number),
        arrays.integers(product_id),
        arrays.integers(catalog(seed).distribution_center_id.take(product_id - 1)),
        arrays.timestamps(moments),
        arrays.money(prices.price_lists(seed).cost[prices.month_of(day)].take(product_id)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=tables.INVENTORY_ITEMS.arrow_schema)


def _products(seed: int, scale: float, day: int, first: int, count: int) -> draw.I64:
    """What a day's units number ``first`` and following are, in the order in which they are laid out."""
    received = _received(seed, scale, day)
    regular = max(0, min(count, int(received.first[-1]) - first))
    product_id = np.empty(count, np.int64)
    if regular:
        piece = received.piece(first, regular)
        sold = piece.spread(received.day)
        regular_order = piece.member // UNITS
        row = fraud.bursts(seed, scale).row_of(received.day[piece.ranges], regular_order, piece.counts)
        line = piece.spread(calendar.first_keys(seed, scale, calendar.ORDERS).take(received.day))
        line += row
        line *= baskets.LINES
        line += piece.member - regular_order * UNITS + 1
        for part in calendar.months(sold):
            product_id[part] = baskets.products(seed, int(sold[part.start]), line[part])
    if regular < count:
        start = max(first, int(received.first[-1])) - int(received.first[-1])
        order, line = fraud.units_received(seed, scale, day, start, count - regular)
        known = fraud.orders(seed, scale)
        order_id = calendar.first_keys(seed, scale, calendar.ORDERS).take(known.day[order]) + known.row[order]
        product_id[regular:] = baskets.fraud_products(seed, order_id * baskets.LINES + line + 1)
    return product_id


class _Way(NamedTuple):
    """How the lines of an order's day lead to their units, by days in stock (entry 0 is of no meaning)."""

    received: draw.I64
    """The day of receipt: shape (29,)."""
    first: draw.I64
    """The number of the first unit received on that day for this one."""


@functools.lru_cache(maxsize=16)
def _way(seed: int, scale: float, day: int) -> _Way:
    received = np.maximum(day - np.arange(LONGEST_IN_STOCK + 1), 0)
    first = first_keys(seed, scale).take(received) + 1
    for after, receipt in enumerate(received.tolist()):
        if after or not day:
            ranges = _received(seed, scale, receipt)
            first[after] += ranges.first[int(ranges.day.searchsorted(day))]
    return _Way(received, first)


def units_sold(seed: int, scale: float, day: int, unit: draw.I64) -> tuple[draw.I64, draw.I64]:
    """The inventory_item_ids of units behind a day's regular orders, and the days on which they were received.

    Unit ``4 k + l`` is that of line l of the day's k-th regular order, both from 0.
    """
    ids, received = np.empty_like(unit), np.empty_like(unit)
    total = UNITS * int(fraud.bursts(seed, scale).regular[day])
    edges = unit.searchsorted(np.arange(unit[0] // BLOCK_UNITS, unit[-1] // BLOCK_UNITS + 2) * BLOCK_UNITS)
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part, block = slice(low, high), int(unit[low]) // BLOCK_UNITS
        size = min(BLOCK_UNITS, total - block * BLOCK_UNITS)
        ids[part], received[part] = _units_of_block(seed, scale, day, block, size, unit[part] - block * BLOCK_UNITS)
    return ids, received


def _units_of_block(
    seed: int, scale: float, day: int, block: int, size: int, unit: draw.I64
) -> tuple[draw.I64, draw.I64]:
    way = _way(seed, scale, day)
    rank = _scrambling(seed).ranks(day, block, size, unit)
    ends, classes = _classes(seed, day, size)
    after = classes.take(rank).astype(np.int64)
    whole = np.diff(_classes(seed, day, BLOCK_UNITS)[0], prepend=0)
    if day <= LONGEST_IN_STOCK:
        after, ends, whole = _opening(day, after, ends, whole)
    starts = np.concatenate([[0], ends[:-1]])
    return rank + (way.first + block * whole - starts).take(after), way.received.take(after)


def _opening(day: int, after: draw.I64, ends: draw.I64, whole: draw.I64) -> tuple[draw.I64, draw.I64, draw.I64]:
    """The classes of a day soon after the opening: what would have come in before is one class, received on day 0."""
    ends, whole = ends.copy(), whole.copy()
    ends[day:] = ends[-1]
    whole[day] = whole[day:].sum()
    return np.minimum(after, day), ends, whole


@functools.lru_cache(maxsize=16)
def _classes(seed: int, day: int, size: int) -> tuple[draw.I64, draw.U8]:
    """Of a block of so many units the rank behind each class, and each rank's class, the days in stock."""
    offset = WHOLE if size == BLOCK_UNITS else float(_rounding(seed).offsets(np.array([day]))[0])
    ends = rank_of(_shares(), size, offset)
    ends[0] = 0
    return ends, np.repeat(np.arange(len(ends), dtype=np.uint8), np.diff(ends, prepend=0))


def fraud_units(seed: int, scale: float, order: draw.I64, line: draw.I64) -> tuple[draw.I64, draw.I64]:
    """The inventory_item_ids of lines of fraudulent orders, and the days on which they were received."""
    known, keys = fraud.orders(seed, scale), first_keys(seed, scale)
    received = known.received[order]
    of_fraud = keys.take(received + 1) - known.units.take(received)
    return of_fraud + known.first_unit[order] + line + 1, received

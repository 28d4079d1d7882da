"""Events of orders as rows: what ``lifecycle`` says happens, with its time, carrier and refund."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.world import arrays, baskets, buyers, calendar, draw, lifecycle, orders, prices
from beam_pipelines.world.lifecycle import CANCELLED, DELIVERED, RETURNED, SHIPPED, Events

CARRIERS = (0.14, 0.28, 0.36, 0.22)
"""Share of orders by ``tables.CARRIERS``."""

HOUR = 3_600_000_000
HOURS = {SHIPPED: (12, 12), DELIVERED: (6, 16), RETURNED: (13, 10)}
"""When things happen, UTC: from this hour on, for so many."""
SECOND_THOUGHTS = 6 * HOUR
"""In which a regular order may be cancelled, unless its day ends before."""
FRAUD_DETECTION = HOUR
"""The same for fraudulent orders."""
WHOLE_RETURNS = 0.7
"""Share of returns with which all units come back, otherwise one of them."""

_LINES = tables.ORDER_EVENTS.column("order_item_ids").arrow_type


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Events ``block * 16,384`` and following of a day, ``rows`` of them, as a batch of ``tables.ORDER_EVENTS``."""
    first = block * draw.BLOCK_ROWS
    parts = lifecycle.events(seed, scale, day, first, rows)
    kind, order_id = _joined([part.kind for part in parts]), _joined([part.order_id for part in parts])
    moments = _joined([_moments(seed, scale, day, part) for part in parts])
    returned = (kind == RETURNED).nonzero()[0]
    # Only regular orders are returned, and they come first.
    refunds, lines, counts = _returns(seed, parts[0].day.take(returned), order_id.take(returned))
    refund, starts = np.zeros(rows, np.int64), np.zeros(rows + 1, np.int32)
    refund[returned] = refunds
    starts[returned + 1] = counts
    number = int(lifecycle.first_keys(seed, scale)[day]) + first + 1
    carrier = _carriers().take((draw.hashed(_stream(seed, "carrier"), order_id) >> np.uint64(48)).view(np.int64))
    columns = [
        arrays.integers(np.arange(number, number + rows)),
        arrays.integers(order_id),
        arrays.strings(kind, tables.ORDER_EVENT_TYPES),
        arrays.timestamps(moments),
        arrays.strings(carrier, tables.CARRIERS, present=kind != CANCELLED),
        arrays.money(refund, present=kind == RETURNED),
        arrays.lists(_LINES, starts.cumsum(dtype=np.int32), arrays.integers(lines)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_schema())


def _joined(parts: list[draw.I64]) -> draw.I64:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@functools.lru_cache(maxsize=1)
def _schema() -> pa.Schema:
    return arrays.schema(tables.ORDER_EVENTS, dict.fromkeys(("event_type", "carrier"), arrays.FEW))


@functools.lru_cache(maxsize=16)
def _stream(seed: int, column: str) -> int:
    return draw.key(seed, "order_events", column)


@functools.lru_cache(maxsize=1)
def _carriers() -> npt.NDArray[np.int8]:
    return draw.inverse_cdf(CARRIERS, values=np.arange(len(CARRIERS), dtype=np.int8))


def _moments(seed: int, scale: float, day: int, events: Events) -> draw.I64:
    """When events of a day happen, in UTC microseconds since 1970."""
    share = draw.unit(draw.hashed(_stream(seed, "occurred_at"), events.order_id * 4 + events.kind))
    moments = np.empty(len(share), np.int64)
    edges = events.kind.searchsorted(np.arange(len(tables.ORDER_EVENT_TYPES) + 1)).tolist()
    for kind, (first, end) in enumerate(itertools.pairwise(edges)):
        own = slice(first, end)
        if kind == CANCELLED:
            moments[own] = _cancelled_at(seed, scale, day, events, own, share[own])
        else:
            begin, length = HOURS[kind]
            moments[own] = share[own] * (length * HOUR)
            moments[own] += calendar.midnight(day) + begin * HOUR
    return moments


def _cancelled_at(seed: int, scale: float, day: int, events: Events, cancelled: slice, share: draw.F64) -> draw.I64:
    """When orders of a day are cancelled: the same day, sooner more often than later."""
    row = events.row[cancelled]
    by_row = row.argsort()
    placed = np.empty(len(row), np.int64)
    placed[by_row] = buyers.moments(seed, scale, day, row.take(by_row))
    longest = FRAUD_DETECTION if events.is_fraud else SECOND_THOUGHTS
    left = np.minimum(calendar.midnight(day + 1) - placed - 1, longest)
    placed += (share * share * left).astype(np.int64) + np.minimum(left, 1)
    return placed


def _returns(seed: int, day: draw.I64, order_id: draw.I64) -> tuple[draw.I64, draw.I64, draw.I64]:
    """Of regular orders that are returned: cents refunded, numbers of the lines that come back, lines of each.

    The days on which they were placed do not decrease.
    """
    basket = baskets.drawn(seed, order_id)
    words = draw.hashed(_stream(seed, "returned"), order_id)
    whole = draw.unit(words) < WHOLE_RETURNS
    lines = np.where(whole, basket.lines, 1).astype(np.int64)
    starts = baskets.starts_of(lines)
    chosen = np.where(whole, 0, draw.below(words << np.uint64(32), basket.lines))
    line = ((order_id - 1) * baskets.LINES + chosen - starts[:-1]).repeat(lines)
    line += np.arange(1, starts[-1] + 1)
    paid = np.zeros(len(line), np.int64)
    for own in calendar.months(day):
        part = slice(int(starts[own.start]), int(starts[own.stop]))
        paid[part] = _paid(seed, day[own], basket.redemption[own], lines[own], line[part])
    running = np.concatenate([[0], paid.cumsum()])
    return running[starts[1:]] - running[starts[:-1]], line, lines


def _paid(seed: int, day: draw.I64, redemption: draw.U16, lines: draw.I64, order_item_id: draw.I64) -> draw.U32:
    """What was paid for order lines, in cents, by orders placed on days of one month, which have so many lines each."""
    promotions = {at: calendar.promotion(calendar.date_of(at)) for at in np.unique(day).tolist()}
    first = int(day[0])
    share, percent = np.zeros(int(day[-1]) - first + 1), np.zeros(int(day[-1]) - first + 1, np.uint32)
    for at, promotion in promotions.items():
        share[at - first], percent[at - first] = promotion.share, promotion.percent
    off = percent.take(day - first) * baskets.redeems(redemption, share.take(day - first))
    product_id = baskets.products(seed, first, order_item_id)
    retail_price: draw.U32 = prices.price_lists(seed).retail_price[prices.month_of(first)].take(product_id)
    return retail_price - orders.discounts_of(retail_price, off.repeat(lines))

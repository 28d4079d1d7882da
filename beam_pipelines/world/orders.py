"""Orders as they are placed: by whom and when says ``buyers``, what is in them ``baskets``; here is what they cost."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.world import arrays, baskets, buyers, calendar, draw, fraud, inventory, prices

FREE_SHIPPING_CENTS = 10_000
SHIPPING_CENTS = {"United States": 495, "China": 995, "Brasil": 1495, "South Korea": 995, "Japan": 995}
OTHER_SHIPPING_CENTS = 1195
TAX_PER_MILLE = (70, 130, 170, 100, 200, 200, 190, 210, 100, 100, 210, 230, 190, 200)
"""Sales tax by country, in the order of ``tables.COUNTRIES``."""

_ITEM = tables.ORDERS.column("items").arrow_value_type
_ITEMS = tables.ORDERS.column("items").arrow_type
_APP, _CARD = tables.CHANNELS.index("app"), tables.PAYMENT_METHODS.index("card")


@dataclass(frozen=True)
class Placed:
    """Orders of a day as they were placed: arrays of one entry per order or, where it says so, per order line."""

    order_id: draw.I64
    customer_id: draw.I64
    country: draw.U8
    """The customer's, an index into ``tables.COUNTRIES``."""
    microseconds: draw.I64
    """Since 1970, UTC; not decreasing."""
    channel: npt.NDArray[np.int8]
    """Index into ``tables.CHANNELS``."""
    payment: npt.NDArray[np.int8]
    """Index into ``tables.PAYMENT_METHODS``."""
    redemption: draw.U16
    """See ``baskets.Baskets``."""
    lines: npt.NDArray[np.int8]
    starts: draw.I64
    """Order lines before each order, and in the end of all: one entry more than orders."""
    order_item_id: draw.I64
    """Of each order line."""
    product_id: draw.I64
    """Of each order line."""
    frauds: slice
    """Which of all fraudulent orders are among these."""


def first_order_id(seed: int, scale: float, day: int) -> int:
    """The first order number of a day; the day before the next one's is its last."""
    return calendar.rows_before(seed, scale, calendar.ORDERS, day) + 1


def placed(seed: int, scale: float, day: int, first: int, rows: int) -> Placed:
    """A day's orders number ``first`` (from 0) and following: who placed them, when, how, and what is in them."""
    order_id = np.arange(first, first + rows) + first_order_id(seed, scale, day)
    who = buyers.placed(seed, scale, day, first, rows)
    basket = baskets.drawn(seed, order_id)
    known = fraud.orders(seed, scale)
    frauds = known.of_rows(day, first, rows)
    row = known.row[frauds] - first
    basket.lines[row], basket.channel[row], basket.payment[row] = known.lines[frauds], _APP, _CARD
    basket.redemption[row] = 65_535
    starts = baskets.starts_of(basket.lines)
    line = baskets.line_ids(int(order_id[0]), basket.lines, starts)
    product_id = baskets.products(seed, day, line)
    if len(row):
        own = _lines_of(row, starts)
        product_id[own] = baskets.fraud_products(seed, line.take(own))
    return Placed(
        order_id,
        who.customer_id,
        who.country,
        who.microseconds,
        basket.channel,
        basket.payment,
        basket.redemption,
        basket.lines,
        starts,
        line,
        product_id,
        frauds,
    )


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Orders ``block * 16,384`` and following of a day, ``rows`` of them, as a batch of ``tables.ORDERS``."""
    first = block * draw.BLOCK_ROWS
    drawn = placed(seed, scale, day, first, rows)
    starts, product_id = drawn.starts, drawn.product_id
    unit, received = _units(seed, scale, day, first, drawn)
    promotion = calendar.promotion(calendar.date_of(day))
    redeems = baskets.redeems(drawn.redemption, promotion.share)
    month, lists = prices.month_of(day), prices.price_lists(seed)
    retail_price = lists.retail_price[month].take(product_id)
    subtotal = _sums(retail_price, starts)
    discounts, discount = _discounts(retail_price, drawn.lines, starts, redeems.nonzero()[0], promotion.percent)
    net = subtotal - discount
    shipping, tax = _shipping_and_tax(net, drawn.country)
    items = [
        arrays.integers(drawn.order_item_id),
        arrays.integers(product_id),
        arrays.integers(unit),
        *(arrays.money(cents) for cents in (retail_price, discounts, retail_price - discounts)),
        arrays.money(_costs(lists, month, day, product_id, received)),
    ]
    columns = [
        arrays.integers(drawn.order_id),
        arrays.integers(drawn.customer_id),
        arrays.timestamps(drawn.microseconds),
        arrays.strings(drawn.channel, tables.CHANNELS),
        arrays.strings(drawn.payment, tables.PAYMENT_METHODS),
        arrays.strings(drawn.country, tables.COUNTRIES),
        arrays.strings(np.zeros(rows, np.int8), (promotion.code,), present=redeems),
        *(arrays.money(cents) for cents in (subtotal, discount, shipping, tax, net + shipping + tax)),
        arrays.lists(_ITEMS, starts.astype(np.int32), arrays.records(_ITEM, items)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_schema())


@functools.lru_cache(maxsize=1)
def _schema() -> pa.Schema:
    names = ("channel", "payment_method", "country", "promotion_code")
    return arrays.schema(tables.ORDERS, dict.fromkeys(names, arrays.FEW))


def _units(seed: int, scale: float, day: int, first: int, drawn: Placed) -> tuple[draw.I64, draw.I64]:
    """The unit sold with each order line, and the day on which it was received."""
    regular = fraud.bursts(seed, scale).regular_of(day, np.arange(first, first + len(drawn.lines)))
    line = (drawn.order_item_id - 1) % baskets.LINES
    unit = regular.repeat(drawn.lines)
    unit *= inventory.UNITS
    unit += line
    known = fraud.orders(seed, scale)
    row = known.row[drawn.frauds] - first
    if not len(row):
        return inventory.units_sold(seed, scale, day, unit)
    own = _lines_of(row, drawn.starts)
    others = np.delete(np.arange(len(unit)), own)
    ids, received = np.empty_like(unit), np.empty_like(unit)
    if len(others):
        ids[others], received[others] = inventory.units_sold(seed, scale, day, unit.take(others))
    order = np.arange(drawn.frauds.start, drawn.frauds.stop).repeat(drawn.lines.take(row))
    ids[own], received[own] = inventory.fraud_units(seed, scale, order, line.take(own))
    return ids, received


def _costs(lists: prices.PriceLists, month: int, day: int, product_id: draw.I64, received: draw.I64) -> draw.U32:
    """What units cost that were received in this month or the one before."""
    costs: draw.U32 = lists.cost[month].take(product_id)
    first = calendar.day_number(calendar.date_of(day).replace(day=1))
    earlier = (received < first).nonzero()[0]
    if len(earlier):
        costs[earlier] = lists.cost[month - 1].take(product_id.take(earlier))
    return costs


def _lines_of(rows: draw.I64, starts: draw.I64) -> draw.I64:
    """The order lines of these orders."""
    first, counts = starts.take(rows), starts.take(rows + 1) - starts.take(rows)
    ends = counts.cumsum()
    found: draw.I64 = (first - (ends - counts)).repeat(counts)
    found += np.arange(ends[-1])
    return found


def _sums(values: draw.U32, starts: draw.I64) -> draw.U32:
    """Sum of each order's values."""
    # The running sums may exceed 32 bits, but their differences are right: an order's sum does not.
    running = np.zeros(len(values) + 1, np.uint32)
    values.cumsum(dtype=np.uint32, out=running[1:])
    ends = running.take(starts)
    return ends[1:] - ends[:-1]


def _discounts(
    prices: draw.U32, lines: npt.NDArray[np.int8], starts: draw.I64, redeemers: draw.I64, percent: int
) -> tuple[draw.U32, draw.U32]:
    """Discounts in cents of every order line, and of every order, for the orders ``redeemers``."""
    of_lines, of_orders = np.zeros(len(prices), np.uint32), np.zeros(len(lines), np.uint32)
    if len(redeemers):
        own_lines = _lines_of(redeemers, starts)
        own = discounts_of(prices.take(own_lines), percent)
        of_lines[own_lines] = own
        of_orders[redeemers] = _sums(own, baskets.starts_of(lines.take(redeemers)))
    return of_lines, of_orders


def discounts_of(prices: draw.U32, percent: int | draw.U32) -> draw.U32:
    """What a promotion takes off prices, in cents."""
    taken: draw.U32 = (prices * np.asarray(percent, np.uint32) + np.uint32(50)) // np.uint32(100)
    return taken


def _shipping_and_tax(net: draw.U32, country: draw.U8) -> tuple[draw.U32, draw.U32]:
    """Cents for shipping and of sales tax, for what the goods of an order cost."""
    home = country.astype(np.intp)
    rates = _rates()
    shipping = rates[0].take(home)
    shipping *= net < FREE_SHIPPING_CENTS
    tax = rates[1].take(home)
    tax *= net
    tax += np.uint32(500)
    tax //= np.uint32(1000)
    return shipping, tax


@functools.lru_cache(maxsize=1)
def _rates() -> draw.U32:
    """Cents for shipping and tax per mille by country: shape (2, 14)."""
    shipping = [SHIPPING_CENTS.get(name, OTHER_SHIPPING_CENTS) for name in tables.COUNTRIES]
    return np.array([shipping, TAX_PER_MILLE], np.uint32)

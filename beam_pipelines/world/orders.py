"""Orders as they are placed: by whom and when says ``buyers``, here are the baskets and what they cost."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.world import arrays, buyers, calendar, catalog, draw

LINES = 16
"""Order line numbers are laid out by 16 per order, so that a line's number leads back to its order."""

BASKETS = (0.70, 0.20, 0.05, 0.05)
"""Share of orders with 1, 2, 3 and 4 items, as in theLook."""

CHANNELS = (0.68, 0.24, 0.08)
PAYMENTS = (0.62, 0.25, 0.08, 0.05)

FREE_SHIPPING_CENTS = 10_000
SHIPPING_CENTS = {"United States": 495, "China": 995, "Brasil": 1495, "South Korea": 995, "Japan": 995}
OTHER_SHIPPING_CENTS = 1195
TAX_PER_MILLE = (70, 130, 170, 100, 200, 200, 190, 210, 100, 100, 210, 230, 190, 200)
"""Sales tax by country, in the order of ``tables.COUNTRIES``."""

_ITEM = tables.ORDERS.column("items").arrow_value_type
_ITEMS = tables.ORDERS.column("items").arrow_type


def first_order_id(seed: int, scale: float, day: int) -> int:
    """The first order number of a day; the day before the next one's is its last."""
    return calendar.rows_before(seed, scale, calendar.ORDERS, day) + 1


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Orders ``block * 16,384`` and following of a day, ``rows`` of them, as a batch of ``tables.ORDERS``."""
    words = draw.Words(day, block)
    row = block * draw.BLOCK_ROWS
    order_id = first_order_id(seed, scale, day) + row
    lots = buyers.Lots(*(words.of(_stream(seed, name), rows) for name in ("created_at", "customer", "customer_id")))
    placed = buyers.placed(seed, scale, day, row, lots)
    baskets, promotions, channels, payments = draw.halves(words.of(_stream(seed, "basket"), rows))
    lines = _basket_sizes().take(baskets)
    starts = _starts(lines)
    promotion = calendar.promotion(calendar.date_of(day))
    redeems = promotions < round(promotion.share * 65_536)

    slots = words.of(_stream(seed, "items"), int(starts[-1]))
    slots >>= np.uint64(43)
    product_id = _products(seed, day).take(slots.view(np.int64)).astype(np.int64)
    prices = _prices(seed).take(product_id)
    subtotal = _sums(prices, starts)
    discounts, discount = _discounts(prices, lines, starts, redeems.nonzero()[0], promotion.percent)
    net = subtotal - discount
    shipping, tax = _shipping_and_tax(net, placed.country)
    items = [
        arrays.integers(_line_ids(order_id, lines, starts)),
        arrays.integers(product_id),
        *(arrays.money(cents) for cents in (prices, discounts, prices - discounts)),
    ]
    columns = [
        arrays.integers(np.arange(order_id, order_id + rows)),
        arrays.integers(placed.customer_id),
        arrays.timestamps(placed.microseconds),
        arrays.strings(_choice(CHANNELS).take(channels), tables.CHANNELS),
        arrays.strings(_choice(PAYMENTS).take(payments), tables.PAYMENT_METHODS),
        arrays.strings(placed.country, tables.COUNTRIES),
        arrays.strings(np.zeros(rows, np.int8), (promotion.code,), present=redeems),
        *(arrays.money(cents) for cents in (subtotal, discount, shipping, tax, net + shipping + tax)),
        arrays.lists(_ITEMS, starts.astype(np.int32), arrays.records(_ITEM, items)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_schema())


@functools.lru_cache(maxsize=1)
def _schema() -> pa.Schema:
    names = ("channel", "payment_method", "country", "promotion_code")
    return arrays.schema(tables.ORDERS, dict.fromkeys(names, arrays.FEW))


def _stream(seed: int, column: str) -> int:
    return draw.key(seed, "orders", column)


@functools.lru_cache(maxsize=1)
def _basket_sizes() -> npt.NDArray[np.int8]:
    return draw.inverse_cdf(BASKETS, values=np.arange(1, len(BASKETS) + 1, dtype=np.int8))


@functools.lru_cache(maxsize=8)
def _choice(weights: tuple[float, ...]) -> npt.NDArray[np.int8]:
    return draw.inverse_cdf(weights, values=np.arange(len(weights), dtype=np.int8))


def _products(seed: int, day: int) -> draw.U16:
    first_of_month = calendar.date_of(day).replace(day=1)
    return _products_of_month(seed, first_of_month.month, calendar.day_number(first_of_month))


@functools.lru_cache(maxsize=24)
def _products_of_month(seed: int, month: int, day: int) -> draw.U16:
    """Inverse CDF over the products on offer in a month: 21 random bits to a product_id, shape (2**21,)."""
    product_ids = np.arange(1, catalog.PRODUCTS + 1, dtype=np.uint16)
    return draw.inverse_cdf(catalog.catalog(seed).demand(month, day), 21, product_ids)


@functools.lru_cache(maxsize=4)
def _prices(seed: int) -> draw.U32:
    """Retail prices in cents by product_id: shape (29,121,), none for 0."""
    return np.append(0, catalog.catalog(seed).retail_price).astype(np.uint32)


def _starts(lines: npt.NDArray[np.int8]) -> draw.I64:
    """The number of order lines before each order, and in the end of all: shape (orders + 1,)."""
    starts = np.zeros(len(lines) + 1, np.int64)
    lines.cumsum(out=starts[1:])
    return starts


def _line_ids(order_id: int, lines: npt.NDArray[np.int8], starts: draw.I64) -> draw.I64:
    """Numbers of the order lines of this order and those after it."""
    # As running sums of the steps from one line to the next: 1, or to the first of the next order's 16 numbers.
    steps = np.ones(int(starts[-1]), np.int64)
    steps[0] = (order_id - 1) * LINES + 1
    steps[starts[1:-1]] = LINES + 1 - lines[:-1].astype(np.int64)
    return steps.cumsum(out=steps)


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
    sizes = lines.take(redeemers)
    own_starts = _starts(sizes)
    own_lines = (starts.take(redeemers) - own_starts[:-1]).repeat(sizes)
    own_lines += np.arange(own_starts[-1])
    own = (prices.take(own_lines) * np.uint32(percent) + np.uint32(50)) // np.uint32(100)
    of_lines, of_orders = np.zeros(len(prices), np.uint32), np.zeros(len(lines), np.uint32)
    of_lines[own_lines] = own
    of_orders[redeemers] = _sums(own, own_starts)
    return of_lines, of_orders


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

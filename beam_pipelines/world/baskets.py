"""What is in an order, as a function of its number: how many lines, which products, how it was placed and paid.

So whoever needs an order's lines later on, for a return or a unit in stock, draws just those.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beam_pipelines.world import calendar, draw, fraud
from beam_pipelines.world.catalog import PRODUCTS, catalog

LINES = 16
"""Order line numbers are laid out by 16 per order, so that a line's number leads back to its order."""

SIZES = (0.70, 0.20, 0.05, 0.05)
"""Share of orders with 1, 2, 3 and 4 items, as in theLook."""

CHANNELS = (0.68, 0.24, 0.08)
PAYMENTS = (0.62, 0.25, 0.08, 0.05)

_PRODUCT_BITS = 21


@dataclass(frozen=True)
class Baskets:
    """How regular orders were placed: arrays of one entry an order."""

    lines: npt.NDArray[np.int8]
    """1 to 4."""
    redemption: draw.U16
    """A lot: the order redeems the day's promotion if it is below the promotion's share of 65,536."""
    channel: npt.NDArray[np.int8]
    """Index into ``tables.CHANNELS``."""
    payment: npt.NDArray[np.int8]
    """Index into ``tables.PAYMENT_METHODS``."""


def drawn(seed: int, order_id: draw.I64) -> Baskets:
    """The baskets of regular orders."""
    sizes, redemption, channels, payments = draw.halves(draw.hashed(draw.key(seed, "orders", "basket"), order_id))
    return Baskets(_sizes().take(sizes), redemption, _choice(CHANNELS).take(channels), _choice(PAYMENTS).take(payments))


def redeems(redemption: draw.U16, share: float | draw.F64) -> npt.NDArray[np.bool_]:
    """Which orders redeem a promotion that such a share of orders does."""
    found: npt.NDArray[np.bool_] = redemption < np.round(np.multiply(share, 65_536))
    return found


def products(seed: int, day: int, order_item_id: draw.I64) -> draw.I64:
    """What the lines of regular orders of a month are of: product_ids. ``day`` is any day of that month."""
    slots = draw.hashed(draw.key(seed, "orders", "product"), order_item_id)
    slots >>= np.uint64(64 - _PRODUCT_BITS)
    first_of_month = calendar.date_of(day).replace(day=1)
    table = _products_of_month(seed, first_of_month.month, calendar.day_number(first_of_month))
    return table.take(slots.view(np.int64)).astype(np.int64)


def fraud_products(seed: int, order_item_id: draw.I64) -> draw.I64:
    """What the lines of fraudulent orders are of: one of the dearest products that have been there from the start."""
    slots = draw.hashed(draw.key(seed, "orders", "product"), order_item_id)
    return _dearest(seed).take(draw.below(slots, fraud.DEAREST))


def line_ids(order_id: int, lines: npt.NDArray[np.integer], starts: draw.I64) -> draw.I64:
    """Numbers of the order lines of this order and those after it, which have so many lines."""
    # As running sums of the steps from one line to the next: 1, or to the first of the next order's 16 numbers.
    steps = np.ones(int(starts[-1]), np.int64)
    steps[0] = (order_id - 1) * LINES + 1
    steps[starts[1:-1]] = LINES + 1 - lines[:-1].astype(np.int64)
    return steps.cumsum(out=steps)


def starts_of(lines: npt.NDArray[np.integer]) -> draw.I64:
    """The number of order lines before each order, and in the end of all: shape (orders + 1,)."""
    starts = np.zeros(len(lines) + 1, np.int64)
    lines.cumsum(out=starts[1:])
    return starts


@functools.lru_cache(maxsize=1)
def _sizes() -> npt.NDArray[np.int8]:
    return draw.inverse_cdf(SIZES, values=np.arange(1, len(SIZES) + 1, dtype=np.int8))


@functools.lru_cache(maxsize=8)
def _choice(weights: tuple[float, ...]) -> npt.NDArray[np.int8]:
    return draw.inverse_cdf(weights, values=np.arange(len(weights), dtype=np.int8))


@functools.lru_cache(maxsize=24)
def _products_of_month(seed: int, month: int, day: int) -> draw.U16:
    """Inverse CDF over the products on offer in a month: 21 random bits to a product_id, shape (2**21,)."""
    product_ids = np.arange(1, PRODUCTS + 1, dtype=np.uint16)
    return draw.inverse_cdf(catalog(seed).demand(month, day), _PRODUCT_BITS, product_ids)


@functools.lru_cache(maxsize=4)
def _dearest(seed: int) -> draw.I64:
    """The dearest products of the opening: shape (2048,)."""
    known = catalog(seed)
    opening = int(np.searchsorted(known.launch_day, 0, side="right"))
    return np.sort(np.argsort(-known.retail_price[:opening], kind="stable")[: fraud.DEAREST]) + 1

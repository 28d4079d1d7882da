"""Orders as they are placed.

Row i of a day's n orders is placed when the share (i + u) / n of the day's activity has happened: so orders are
numbered in order of time, in any block on its own. The time says which countries are awake; the country, whether it is
a power buyer, and whether the order is a first purchase by one of the day's own sign-ups, lead to a customer.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import columns, tables
from beam_pipelines.world import calendar, catalog, clock, cohorts, draw

LINES = 16
"""Order line numbers are laid out by 16 per order, so that a line's number leads back to its order."""

BASKETS = (0.70, 0.20, 0.05, 0.05)
"""Share of orders with 1, 2, 3 and 4 items, as in theLook."""

CHANNELS = (0.68, 0.24, 0.08)
PAYMENTS = (0.62, 0.25, 0.08, 0.05)
POWER_SHARE = 0.135
"""Share of orders that are drawn among power buyers only; with their share of the others they place 15 to 20 %."""

FIRST_PURCHASES = 0.45
"""Orders placed by the day's own sign-ups, per sign-up."""

CONSIDERATION_MICROSECONDS = (180_000_000, 7_200_000_000)
"""Between sign-up and first purchase lie 3 minutes to about 2 hours."""

FREE_SHIPPING_CENTS = 10_000
SHIPPING_CENTS = {"United States": 495, "China": 995, "Brasil": 1495, "South Korea": 995, "Japan": 995}
OTHER_SHIPPING_CENTS = 1195
TAX_PER_MILLE = (70, 130, 170, 100, 200, 200, 190, 210, 100, 100, 210, 230, 190, 200)
"""Sales tax by country, in the order of ``tables.COUNTRIES``."""

_ITEMS = tables.ORDERS.column("items")


@dataclass(frozen=True)
class Placed:
    """Who ordered when: arrays of one entry per order."""

    customer_id: npt.NDArray[np.int64]
    country: npt.NDArray[np.uint8]
    """The customer's, an index into ``tables.COUNTRIES``."""
    microseconds: npt.NDArray[np.int64]
    """Since 1970, UTC."""


def first_order_id(seed: int, scale: float, day: int) -> int:
    """The first order number of a day; the day before the next one's is its last."""
    return int(calendar.first_keys(seed, scale, calendar.ORDERS)[day]) + 1


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Orders ``block * 16,384`` and following of a day, ``rows`` of them, as a batch of ``tables.ORDERS``."""
    order_id = first_order_id(seed, scale, day) + block * draw.BLOCK_ROWS + np.arange(rows)
    placed = _placed(seed, scale, day, block, rows)
    baskets, promotions, channels, payments = draw.halves(_bits(seed, "basket", day, block, rows))
    lines = _basket_sizes().take(baskets).astype(np.int64)
    promotion = calendar.promotion(calendar.date_of(day))
    redeems = promotions < round(promotion.share * 65_536)
    product = _products(seed, day).take(_bits(seed, "items", day, block, int(lines.sum())) >> np.uint64(43))
    prices = catalog.catalog(seed).retail_price.take(product)
    discounts = np.zeros_like(prices)
    promoted = np.flatnonzero(np.repeat(redeems, lines))
    discounts[promoted] = (prices.take(promoted) * promotion.percent + 50) // 100
    starts = np.cumsum(lines) - lines
    items = columns.records(
        _ITEMS.fields,
        {
            "order_item_id": np.repeat((order_id - 1) * LINES + 1 - starts, lines) + np.arange(len(product)),
            "product_id": product.astype(np.int64) + 1,
            "retail_price": columns.money(prices),
            "discount": columns.money(discounts),
            "sale_price": columns.money(prices - discounts),
        },
    )
    subtotal, discount = _sums(prices, starts, lines), _sums(discounts, starts, lines)
    net = subtotal - discount
    shipping = np.where(net < FREE_SHIPPING_CENTS, _shipping().take(placed.country), 0)
    tax = (net * np.array(TAX_PER_MILLE).take(placed.country) + 500) // 1000
    return columns.batch(
        tables.ORDERS,
        {
            "order_id": order_id,
            "customer_id": placed.customer_id,
            "created_at": columns.timestamps(placed.microseconds),
            "channel": columns.dictionary(_choice(CHANNELS).take(channels), tables.CHANNELS),
            "payment_method": columns.dictionary(_choice(PAYMENTS).take(payments), tables.PAYMENT_METHODS),
            "country": columns.dictionary(placed.country, tables.COUNTRIES),
            "promotion_code": columns.dictionary(np.zeros(rows, np.int8), (promotion.code,), null=~redeems),
            "subtotal": columns.money(subtotal),
            "discount": columns.money(discount),
            "shipping": columns.money(shipping),
            "tax": columns.money(tax),
            "total": columns.money(net + shipping + tax),
            "items": pa.ListArray.from_arrays(
                pa.array(np.append(starts, len(product)).astype(np.int32)), items, type=_list_of(items)
            ),
        },
    )


def _placed(seed: int, scale: float, day: int, block: int, rows: int) -> Placed:
    keys = calendar.first_keys(seed, scale, calendar.ORDERS)
    orders_today = int(keys[day + 1] - keys[day])
    share = (block * draw.BLOCK_ROWS + np.arange(rows) + draw.unit(_bits(seed, "created_at", day, block, rows))) / (
        orders_today
    )
    if day == 0:
        # The shop takes its first order at half past its first day's activity: somebody has to have signed up.
        share = 0.5 + share / 2
    times = clock.times(seed, day, np.minimum(share, 1 - 2.0**-40))
    kinds = draw.halves(_bits(seed, "customer", day, block, rows))
    country = clock.country_by_slot().take(times // clock.SLOT_MICROSECONDS * 4096 + (kinds[0] >> np.uint16(4)))
    place = _places(country, kinds[1] < round(POWER_SHARE * 65_536), kinds[2])
    words = _bits(seed, "customer_id", day, block, rows)
    before, today = _customers(seed, scale, day)
    customer_id, elsewhere = _returning(seed, before, place, words)
    share_first = 1.0 if before == 0 else min(0.9, FIRST_PURCHASES * today / max(orders_today, 1))
    wanted = np.flatnonzero(kinds[3] < round(share_first * 65_536))
    ready = _signed_up(seed, day, today, times.take(wanted), words.take(wanted))
    first = wanted[ready > 0]
    customer_id[first] = _new(seed, before, ready[ready > 0], place.take(first), words.take(first))
    # Nearly every customer is at the place, and so in the country, that was asked for.
    others = np.concatenate([elsewhere, first])
    country[others] = cohorts.country(seed, customer_id.take(others))
    return Placed(customer_id, country, calendar.midnight(day) + times)


def _customers(seed: int, scale: float, day: int) -> tuple[int, int]:
    """Customers that signed up before the day, and on it."""
    keys = calendar.first_keys(seed, scale, calendar.CUSTOMERS)
    return int(keys[day]), int(keys[day + 1] - keys[day])


def _places(
    country: npt.NDArray[np.uint8], power: npt.NDArray[np.bool_], bits: npt.NDArray[np.uint16]
) -> npt.NDArray[np.int64]:
    """A place in the cohort for each order: any of the country's, or any of its power buyers'."""
    first, count = cohorts.country_ranges()
    powers = (count + cohorts.POWER_EVERY - 1 - cohorts.POWER_EVERY // 2) // cohorts.POWER_EVERY
    place: npt.NDArray[np.int64] = first.take(country) + ((bits * count.take(country)) >> 16)
    among = np.flatnonzero(power & (powers > 0).take(country))
    home = country.take(among)
    choice = (bits.take(among) * powers.take(home)) >> 16
    place[among] = first.take(home) + choice * cohorts.POWER_EVERY + cohorts.POWER_EVERY // 2
    return place


def _returning(
    seed: int, before: int, place: npt.NDArray[np.int64], words: draw.U64
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A customer at each place who signed up before the day, recent cohorts more often; 1 where there is none yet.

    Also the rows whose customer is at another place, there being none at this one.
    """
    if not before:
        return np.ones(len(place), np.int64), np.arange(len(place))
    groups = -(-before // cohorts.COHORT)
    later = np.maximum(draw.below(words, groups), draw.below(words << np.uint64(32), groups))
    drawn = cohorts.customer_ids(seed, later, place)
    elsewhere = np.flatnonzero(drawn > before)
    drawn[elsewhere] = (drawn.take(elsewhere) - 1) % before + 1
    return drawn, elsewhere


def _signed_up(seed: int, day: int, today: int, times: npt.NDArray[np.int64], words: draw.U64) -> npt.NDArray[np.int64]:
    """How many of the day's sign-ups are surely there when somebody who then considers for a while orders at a time.

    The k-th of n sign-ups comes before the share (k + 1) / n of the day's activity has happened.
    """
    shortest, longest = CONSIDERATION_MICROSECONDS
    decided = times - shortest - draw.below(words << np.uint64(16), longest // 4) * 4
    share = clock.quantiles(seed, day, np.maximum(decided, 0))
    return np.floor(share * today).astype(np.int64)


def _new(
    seed: int, before: int, ready: npt.NDArray[np.int64], place: npt.NDArray[np.int64], words: draw.U64
) -> npt.NDArray[np.int64]:
    """One of the first ``ready`` sign-ups of the day, where possible one at the place in the cohort asked for."""
    any_of_them = before + 1 + draw.below(words, ready)
    drawn = cohorts.customer_ids(seed, (any_of_them - 1) // cohorts.COHORT, place)
    return np.where((drawn > before) & (drawn <= before + ready), drawn, any_of_them)


def _bits(seed: int, column: str, day: int, block: int, rows: int) -> draw.U64:
    return draw.bits(_stream(seed, column), day, block, rows)


@functools.lru_cache(maxsize=64)
def _stream(seed: int, column: str) -> int:
    return draw.key(seed, "orders", column)


@functools.lru_cache(maxsize=1)
def _basket_sizes() -> npt.NDArray[np.int8]:
    return (draw.inverse_cdf(BASKETS) + 1).astype(np.int8)


@functools.lru_cache(maxsize=8)
def _choice(weights: tuple[float, ...]) -> npt.NDArray[np.int8]:
    return draw.inverse_cdf(weights).astype(np.int8)


@functools.lru_cache(maxsize=1)
def _shipping() -> npt.NDArray[np.int64]:
    return np.array([SHIPPING_CENTS.get(name, OTHER_SHIPPING_CENTS) for name in tables.COUNTRIES])


def _products(seed: int, day: int) -> npt.NDArray[np.uint16]:
    first_of_month = calendar.date_of(day).replace(day=1)
    return _products_of_month(seed, first_of_month.month, calendar.day_number(first_of_month))


@functools.lru_cache(maxsize=24)
def _products_of_month(seed: int, month: int, day: int) -> npt.NDArray[np.uint16]:
    """Inverse CDF over the products on offer in a month: 21 random bits to a product's index, shape (2**21,)."""
    return draw.inverse_cdf(catalog.catalog(seed).demand(month, day), 21).astype(np.uint16)


def _sums(
    values: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Sum of each order's values; every order has at least one."""
    running = np.concatenate([[0], np.cumsum(values)])
    sums: npt.NDArray[np.int64] = running.take(starts + lines) - running.take(starts)
    return sums


def _list_of(items: pa.StructArray) -> pa.DataType:
    return pa.list_(pa.field("item", items.type, nullable=False))

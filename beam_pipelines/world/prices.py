"""What products cost over the years: a price list for every month.

A price list takes effect at midnight UTC on the first of a month. A product's year begins with a review of its price
and cost: for goods of a season when the season begins, for others in a month that the brand has chosen. When their
season is over, some of the goods of a season are marked down until the next one begins.

So a product's price and cost are the same for a whole round, from one review to the next, but for the markdown at its
end; and a month's list is put together from two rounds: those that began this year and those that began last year.
Integers only, in hundredths of a cent, so that every machine reckons the same.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beam_pipelines.world import calendar, draw
from beam_pipelines.world.assortment import BRANDS, COOLER, LINES, SUMMER, WARMER, WINTER
from beam_pipelines.world.catalog import PRODUCTS, Catalog, catalog, first_day

MONTHS = 12 * (calendar.LAST.year + 1 - calendar.OPENING.year) + 2
"""Price lists there are: to the second month after the last day, for what follows from its orders."""

DEAREST = 299_999
"""No price is ever above this, in cents: baskets are reckoned in 32 bits."""

INFLATION = (200, 120, 400, 480, 300, 240)
"""By how much prices rise on average in the years from 2019 on, in hundredths of a per cent."""

LATER_INFLATION = 260
"""The same for every year after those."""

REVIEW_SPREAD = 400
"""A product's rise is off the average by up to so many hundredths of a per cent, by little more often than by much."""

COST_SPREAD = 150
"""A product's cost as a share of its price is off the share at launch by up to so many hundredths of a per cent."""

LEFT_ALONE = 10
"""One in so many reviews changes nothing."""

SETTLED = 6
"""Months for which a product keeps its price after the launch."""

CLEARED = (SUMMER, WINTER, COOLER, WARMER)
"""Seasons after which goods are marked down."""

MARKED_DOWN = 2
"""One in so many of a season's goods is marked down when it is over."""

ON_SALE = 2
"""Months for which a product must have been on sale before it is marked down."""

MARKDOWNS = (20, 25, 30, 30, 35, 40)
"""By how many per cent, as often as they come up."""

MARKDOWN_FLOOR = 115
"""Per cent of the cost below which nothing is marked down; a promotion may still go below."""

_FINE = 100
"""Parts of a cent in which prices are carried from review to review: a price in the shop rises by whole dollars."""

_YEARS = -(-MONTHS // 12)
_ROUNDS = _YEARS + 1


@dataclass(frozen=True, eq=False)
class PriceLists:
    """Arrays of shape (MONTHS, 29,121), to be indexed by month and product_id; there is no product 0.

    Before its launch a product has the price and cost that it will have then.
    """

    retail_price: draw.U32
    """Cents, at most ``DEAREST``, with the same ending as at launch."""
    cost: draw.U32
    """Cents, always below ``retail_price``."""
    version: draw.U16
    """0 before the month before the launch, 1 from then on, one more with every month that changes price or cost.

    What will be launched is known a month before: units are received before they can be sold.
    """


@functools.lru_cache(maxsize=4)
def price_lists(seed: int) -> PriceLists:
    """The price lists of a seed: 70 MiB."""
    known = catalog(seed)
    cycle = _cycle(seed, known)
    prices, costs = _rounds(seed, known, cycle)
    of_price, of_cost = cycle.positions()
    retail_price, cost = (np.zeros((MONTHS, PRODUCTS + 1), np.uint32) for _ in range(2))
    for year in range(_YEARS):
        own = slice(12 * year, min(12 * year + 12, MONTHS))
        months = own.stop - own.start
        retail_price[own, 1:] = prices[year : year + 2].ravel().take(of_price[:months])
        cost[own, 1:] = costs[year : year + 2].ravel().take(of_cost[:months])
    return PriceLists(retail_price, cost, _versions(retail_price, cost, np.maximum(cycle.launch - 1, 0)))


@functools.lru_cache(maxsize=16_384)
def month_of(day: int) -> int:
    """The month whose price list is valid on a day, as the number of months since the opening's.

    Raises IndexError for a day before the first list or after the last.

    >>> month_of(30), month_of(31), month_of(calendar.DAYS)
    (0, 1, 252)
    """
    month = int(np.searchsorted(_first_days(), day, side="right")) - 1
    if not 0 <= month < MONTHS:
        raise IndexError(f"day: expected one of the {MONTHS} months of the price lists, got {day}")
    return month


@functools.lru_cache(maxsize=1)
def _first_days() -> draw.I64:
    return np.array([first_day(month) for month in range(MONTHS + 1)], np.int64)


@dataclass(frozen=True, eq=False)
class _Cycle:
    """The course of each product's year: arrays of length 29,120."""

    launch: draw.I64
    """Month of the launch."""
    start: draw.I64
    """Month of the year, from 0, in which rounds begin."""
    season: draw.I64
    """Months from the beginning of a round after which markdowns begin: 12 for never."""

    def positions(self) -> tuple[draw.I64, draw.I64]:
        """Where a month's prices and costs are found among those of two rounds, last year's and this year's.

        Of each round there are all full prices, then all marked down, but costs only once. Shape (12, 29,120) each.
        """
        month, product = np.arange(12)[:, np.newaxis], np.arange(PRODUCTS)
        began = (self.start <= month).astype(np.int64)
        is_over = ((month - self.start) % 12 >= self.season).astype(np.int64)
        return (2 * began + is_over) * PRODUCTS + product, began * PRODUCTS + product


def _cycle(seed: int, known: Catalog) -> _Cycle:
    reviewed = draw.below(_words(seed, "reviewed", np.arange(len(BRANDS))), 12)
    start, season = _seasons()[:, known.line]
    launch = _first_days().searchsorted(known.launch_day, side="right") - 1
    return _Cycle(launch, np.where(season < 12, start, reviewed[known.brand]), season)


@functools.lru_cache(maxsize=1)
def _seasons() -> draw.I64:
    """Month of the year, from 0, in which each line's season begins, and its months: shape (2, lines)."""
    found = np.array([[0] * len(LINES), [12] * len(LINES)])
    for index, line in enumerate(LINES):
        if line.season in CLEARED:
            high = [factor > 1 for factor in line.season]
            found[:, index] = next(month for month in range(12) if high[month] and not high[month - 1]), sum(high)
    return found


def _rounds(seed: int, known: Catalog, cycle: _Cycle) -> tuple[draw.U32, draw.U32]:
    """Prices, full and marked down, and costs of every round: shape (rounds, 2, 29,120) and (rounds, 29,120).

    Round 0 began in the year before the opening.
    """
    prices, costs = np.empty((_ROUNDS, 2, PRODUCTS), np.uint32), np.empty((_ROUNDS, PRODUCTS), np.uint32)
    ending = known.retail_price % 100
    share = known.cost * 10_000 // known.retail_price
    exact, cost = known.retail_price * _FINE, known.cost
    for number in range(_ROUNDS):
        begins = cycle.start + 12 * (number - 1)
        rise, jitter, is_reviewed = _review(seed, number)
        is_reviewed &= cycle.launch + SETTLED <= begins
        exact = np.where(is_reviewed, exact * (10_000 + rise) // 10_000, exact)
        cost = np.where(is_reviewed, exact * (share + jitter) // (10_000 * _FINE), cost)
        full = _as_a_shops(exact, ending, 2)
        percent = _markdown(seed, number)
        percent[(cycle.season == 12) | (cycle.launch + ON_SALE > begins + cycle.season)] = 0
        prices[number] = full, _marked_down(full, percent, cost)
        costs[number] = cost
    return prices, costs


def _review(seed: int, number: int) -> tuple[draw.I64, draw.I64, npt.NDArray[np.bool_]]:
    """A round's rises of the price and deviations of the cost, in hundredths of a per cent, and where they apply."""
    one, other, third, last = draw.halves(_words(seed, "review", _keys(number)))
    rise = one.astype(np.int64) + other
    rise *= REVIEW_SPREAD
    rise >>= 16
    year = number - 1  # since the opening; of the round before it nothing applies
    rise += (INFLATION[year] if year < len(INFLATION) else LATER_INFLATION) - REVIEW_SPREAD
    jitter = third.astype(np.int64) * (2 * COST_SPREAD + 1)
    jitter >>= 16
    jitter -= COST_SPREAD
    return rise, jitter, last >= 65_536 // LEFT_ALONE


def _markdown(seed: int, number: int) -> draw.I64:
    """By how many per cent each product would be marked down at the end of a round, 0 for not at all."""
    choices = np.array(MARKDOWNS + (0,) * (len(MARKDOWNS) * (MARKED_DOWN - 1)), np.int64)
    chosen: draw.I64 = choices.take(draw.below(_words(seed, "markdown", _keys(number)), len(choices)))
    return chosen


def _marked_down(full: draw.I64, percent: draw.I64, cost: draw.I64) -> draw.I64:
    """Prices less so many per cent, but not too near to the cost; left as they are where that leaves no tenth."""
    ending = full % 100
    lowest = np.maximum((cost * MARKDOWN_FLOOR // 100 - ending + 99) // 100, 1)
    price = _as_a_shops(full * _FINE * (100 - percent) // 100, ending, lowest)
    return np.where((percent > 0) & (price * 10 <= full * 9), price, full)


def _as_a_shops(exact: draw.I64, ending: draw.I64, lowest: draw.I64 | int) -> draw.I64:
    """The nearest prices in cents that have these endings, of at least so many whole dollars."""
    price: draw.I64 = (exact - ending * _FINE + 50 * _FINE) // (100 * _FINE)
    price = price.clip(lowest, DEAREST // 100)
    price *= 100
    price += ending
    return price


def _versions(retail_price: draw.U32, cost: draw.U32, announced: draw.I64) -> draw.U16:
    """Versions, counted through the months, from the one in which a product is announced."""
    version = np.zeros(retail_price.shape, np.uint16)
    first = 1 + announced.searchsorted(np.arange(MONTHS + 1))
    version[0, first[0] : first[1]] = 1
    for month in range(1, MONTHS):
        is_new = retail_price[month] != retail_price[month - 1]
        is_new |= cost[month] != cost[month - 1]
        is_new[first[month] : first[month + 1]] = True
        np.add(version[month - 1], is_new, out=version[month])
    return version


def _keys(number: int) -> draw.I64:
    """Keys of the products in one round."""
    return np.arange(PRODUCTS) + number * 65_536


def _words(seed: int, what: str, keys: draw.I64) -> draw.U64:
    return draw.hashed(draw.key(seed, "prices", what), keys)

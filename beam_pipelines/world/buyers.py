"""Who orders when.

Row i of a day's n orders is placed when the share (i + u) / n of the day's activity has happened: so orders are
numbered in order of time, in any block on its own. The time says which countries are awake; the country, whether it is
a power buyer, and whether the order is a first purchase by one of the day's own sign-ups, lead to a customer.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from beam_pipelines import tables
from beam_pipelines.world import calendar, clock, cohorts, draw, fraud

POWER_SHARE = 0.135
"""Share of orders that are drawn among power buyers only; with their share of the others they place 15 to 20 %."""

FIRST_PURCHASES = 0.45
"""Orders placed by the day's own sign-ups, per sign-up."""

CONSIDERATION_MICROSECONDS = (180_000_000, 7_200_000_000)
"""Between sign-up and first purchase lie 3 minutes to about 2 hours."""


@dataclass(frozen=True)
class Placed:
    """Who ordered when: arrays of one entry per order."""

    customer_id: draw.I64
    country: draw.U8
    """The customer's, an index into ``tables.COUNTRIES``."""
    microseconds: draw.I64
    """Since 1970, UTC."""


def placed(seed: int, scale: float, day: int, first: int, rows: int) -> Placed:
    """Who places a day's orders number ``first`` (from 0) and following, and when."""
    orders = calendar.rows_of(seed, scale, calendar.ORDERS, day)
    before = calendar.rows_before(seed, scale, calendar.CUSTOMERS, day)
    today = calendar.rows_of(seed, scale, calendar.CUSTOMERS, day)
    number = _first_number(seed, scale, day) + np.arange(first, first + rows)
    times = _times(seed, scale, day, np.arange(first, first + rows, dtype=np.float64), number)
    country_lots, power_lots, place_lots, newcomer_lots = draw.halves(draw.hashed(_stream(seed, "kind"), number))
    lots = draw.hashed(_stream(seed, "customer"), number)
    country = clock.countries(times, country_lots)
    powers = (power_lots < round(POWER_SHARE * 65_536)).nonzero()[0]
    place = _places(country, powers, place_lots)
    cohort = recent(lots, -(-before // cohorts.COHORT))

    share_new = 1.0 if before == 0 else min(0.9, FIRST_PURCHASES * today / max(orders, 1))
    new = (newcomer_lots < round(share_new * 65_536)).nonzero()[0]
    words = lots.take(new)
    ready = _signed_up(seed, day, today, times.take(new), words)
    some = ready.nonzero()[0]
    new, ready = new.take(some), ready.take(some)
    anyone = draw.below(words.take(some), ready) + (before + 1)
    cohort[new] = (anyone - 1) // cohorts.COHORT

    customer_id = cohorts.customer_ids(seed, cohort, place)
    strangers = np.concatenate(
        [_returning(seed, customer_id, before, new), _new(customer_id, before, new, ready, anyone)]
    )
    # The others are at the place, and so in the country, that was asked for.
    country[strangers] = cohorts.country(seed, customer_id.take(strangers))
    _fraud(seed, scale, day, first, times, customer_id, country)
    times += calendar.midnight(day)
    return Placed(customer_id, country, times)


def moments(seed: int, scale: float, day: int, row: draw.I64) -> draw.I64:
    """When orders of a day are placed, by their rows, which do not decrease: microseconds since 1970, UTC."""
    number = _first_number(seed, scale, day) + row
    times = _times(seed, scale, day, row.astype(np.float64), number)
    times += calendar.midnight(day)
    return times


def _times(seed: int, scale: float, day: int, row: draw.F64, number: draw.I64) -> draw.I64:
    """Microseconds since midnight, for rows that do not decrease.

    An order is placed when the share (row + u) / orders of the day's activity has happened.
    """
    share = draw.unit(draw.hashed(_stream(seed, "created_at"), number))
    share += row
    share /= calendar.rows_of(seed, scale, calendar.ORDERS, day)
    if day == 0:
        # The shop takes its first order at half past its first day's activity: somebody has to have signed up.
        share = 0.5 + share / 2
    last = 1 - 2.0**-40
    if len(share) and share[-1] > last:
        share[share.searchsorted(last) :] = last
    return clock.times(seed, day, share)


@functools.lru_cache(maxsize=16)
def _stream(seed: int, column: str) -> int:
    return draw.key(seed, "orders", column)


def _fraud(
    seed: int, scale: float, day: int, first: int, times: draw.I64, customer_id: draw.I64, country: draw.U8
) -> None:
    """Puts the day's newest accounts in the place of those who place fraudulent orders."""
    known = fraud.orders(seed, scale)
    own = known.of_rows(day, first, len(times))
    row, number = known.row[own], known.number[own]
    if not len(row):
        return
    # All of a burst go by the time of its first order, which may lie in an earlier block.
    begun = _times(seed, scale, day, (row - number).astype(np.float64), _first_number(seed, scale, day) + row - number)
    before = calendar.rows_before(seed, scale, calendar.CUSTOMERS, day)
    today = calendar.rows_of(seed, scale, calendar.CUSTOMERS, day)
    ready = _signed_up(seed, day, today, begun, np.zeros(len(row), np.uint64))
    customer_id[row - first] = np.maximum(before + ready - number, 1)
    country[row - first] = cohorts.country(seed, customer_id[row - first])


def _first_number(seed: int, scale: float, day: int) -> int:
    return calendar.rows_before(seed, scale, calendar.ORDERS, day) + 1


def _places(country: draw.U8, powers: draw.I64, lots: draw.U16) -> draw.U32:
    """A place in the cohort for each order: any of the country's, or for the rows ``powers`` any of its power buyers'.

    Where a country has no power buyers, any of the country's will do.
    """
    home = country.astype(np.intp)
    (first, count, _), (first_power, power_count, step) = _places_by_country()
    place = count.take(home)
    place *= lots
    place >>= np.uint32(16)
    place += first.take(home)
    home = home.take(powers)
    choice = lots.take(powers) * power_count.take(home) >> np.uint32(16)
    place[powers] = first_power.take(home) + choice * step.take(home)
    return place


@functools.lru_cache(maxsize=1)
def _places_by_country() -> list[tuple[draw.U32, ...]]:
    """First place, number of places, and from one to the next, of anybody and of power buyers: shape (2, 3, 14)."""
    first, count = cohorts.country_ranges()
    every, middle = cohorts.POWER_EVERY, cohorts.POWER_EVERY // 2
    powers = (count + every - 1 - middle) // every
    anybody = np.stack([first, count, np.ones_like(count)])
    power = np.stack([first + middle, powers, np.full_like(count, every)])
    power = np.where(powers > 0, power, anybody)
    return [tuple(part.astype(np.uint32)) for part in (anybody, power)]


def recent(words: draw.U64, cohorts_: int) -> draw.I64:
    """One of the first so many cohorts for each word, recent ones more often: the later of two."""
    halves = words.view(np.uint32)
    later = np.maximum(halves[0::2], halves[1::2]).astype(np.uint64)
    later *= np.uint64(cohorts_)
    later >>= np.uint64(32)
    return later.view(np.int64)


def _signed_up(seed: int, day: int, today: int, times: draw.I64, words: draw.U64) -> draw.I64:
    """How many of the day's sign-ups are surely there when somebody who then considers for a while orders at a time.

    The k-th of n sign-ups comes before the share (k + 1) / n of the day's activity has happened.
    """
    shortest, longest = CONSIDERATION_MICROSECONDS
    decided = draw.below(words << np.uint64(16), longest // 4)
    decided *= -4
    decided += times
    decided -= shortest
    share = clock.quantiles(seed, day, np.maximum(decided, 0))
    share *= today
    return share.astype(np.int64)


def _returning(seed: int, customer_id: draw.I64, before: int, new: draw.I64) -> draw.I64:
    """Puts customers who signed up before the day in the place of later ones, but for rows ``new``.

    Returns the rows whose customer is another than the one at the place asked for.
    """
    later = customer_id > before
    later[new] = False
    rows = later.nonzero()[0]
    settle(seed, customer_id, before, rows)
    return rows


def settle(seed: int, customer_id: draw.I64, before: int, rows: draw.I64) -> None:
    """Puts customers who are among the first ``before`` in the place of later ones, in these rows.

    They are at the same place of the cohort before, and so from the same country. In the first cohort any of the
    country's will do, and where there is none yet, anybody; customer 1 if there is nobody.
    """
    ids = customer_id.take(rows)
    if before > cohorts.COHORT:
        place = cohorts.places(seed, ids)
        customer_id[rows] = cohorts.customer_ids(seed, (ids - 1) // cohorts.COHORT - 1, place)
        return
    by_country, first, count = _first_customers(seed, before)
    country = cohorts.country(seed, ids).astype(np.int64)
    own = count.take(country)
    anybody = (ids - 1) % max(before, 1)
    of_country = by_country.take(np.minimum(first.take(country) + ids % np.maximum(own, 1), len(by_country) - 1))
    customer_id[rows] = np.where(own > 0, of_country, anybody + 1)


@functools.lru_cache(maxsize=64)
def _first_customers(seed: int, before: int) -> tuple[draw.I64, draw.I64, draw.I64]:
    """The first customers by country, and by country the first of them and how many: at least one customer."""
    ids = np.arange(1, max(before, 1) + 1)
    country = cohorts.country(seed, ids)
    count = np.bincount(country, minlength=len(tables.COUNTRIES))
    return ids[np.argsort(country, kind="stable")], count.cumsum() - count, count


def _new(customer_id: draw.I64, before: int, new: draw.I64, ready: draw.I64, anyone: draw.I64) -> draw.I64:
    """Puts ``anyone`` in the place of customers in the rows ``new`` who are not among the day's first ``ready``.

    Returns the rows whose customer is another than the one at the place asked for.
    """
    number = customer_id.take(new) - before
    others = ((number <= 0) | (number > ready)).nonzero()[0]
    rows = new.take(others)
    customer_id[rows] = anyone.take(others)
    return rows

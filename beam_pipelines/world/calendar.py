"""Days and their volume: when the shop is busy, and the first key of every day, in closed form.

A day is a number: 0 is the opening, 2019-01-01 UTC. A day's volume is growth x season x weekday x holiday x noise; none
of it depends on another day, so prefix sums over the horizon give every day its first key.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal

import numpy as np

from beam_pipelines.world import draw

OPENING = date(2019, 1, 1)
LAST = date(2039, 12, 31)
"""The last day that can be drawn."""

DAYS = (LAST - OPENING).days + 1
"""Days that can be drawn."""
HORIZON = DAYS + 40
"""Days for which keys are laid out: what is received on the last days is sold after them."""
MICROSECONDS_PER_DAY = 86_400_000_000
OPENING_MICROSECONDS = 1_546_300_800_000_000
"""The opening as UTC microseconds since 1970."""


def day_number(day: date) -> int:
    """Days since the opening.

    >>> day_number(date(2019, 1, 2))
    1
    """
    return (day - OPENING).days


def date_of(day: int) -> date:
    """The date of a day number."""
    return OPENING + timedelta(days=day)


def midnight(day: int) -> int:
    """The start of a day in UTC microseconds since 1970."""
    return OPENING_MICROSECONDS + day * MICROSECONDS_PER_DAY


@functools.lru_cache(maxsize=1)
def _month_starts() -> draw.I64:
    """The day number of the first of every month of the horizon, and of the one after it."""
    months = range(12 * OPENING.year, 12 * (LAST.year + 1) + 3)
    return np.array([day_number(date(month // 12, month % 12 + 1, 1)) for month in months])


def months(days: draw.I64) -> list[slice]:
    """Where in days that do not decrease each month's begin and end.

    >>> months(np.array([0, 30, 31, 31, 200]))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    edges = np.unique(days.searchsorted(_month_starts())).tolist()
    return [slice(start, end) for start, end in itertools.pairwise(sorted({0, *edges, len(days)})) if end > start]


WEEKDAYS = (1.10, 1.00, 0.98, 0.97, 0.90, 0.90, 1.15)
"""Demand from Monday to Sunday: peaks on Sunday and Monday, dips on Friday and Saturday."""

SEASON = (
    ((1, 1), 0.65),
    ((1, 15), 0.65),
    ((2, 1), 0.85),
    ((3, 1), 0.95),
    ((4, 15), 1.00),
    ((6, 15), 1.00),
    ((8, 1), 0.95),
    ((9, 15), 1.00),
    ((11, 1), 1.10),
    ((11, 19), 1.20),
    ((12, 24), 1.30),
    ((12, 25), 0.80),
    ((12, 26), 0.65),
    ((12, 31), 0.65),
)
"""Demand at a (month, day), linear in between; holidays come on top."""


def thanksgiving(year: int) -> date:
    """The fourth Thursday of November.

    >>> thanksgiving(2025)
    datetime.date(2025, 11, 27)
    """
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 21)


def memorial_day(year: int) -> date:
    """The last Monday of May."""
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


def labor_day(year: int) -> date:
    """The first Monday of September."""
    first = date(year, 9, 1)
    return first + timedelta(days=-first.weekday() % 7)


def season(day: date) -> float:
    """Demand of a day relative to an ordinary one, by season and holiday, without weekday and growth.

    >>> season(date(2025, 12, 10)), season(date(2025, 12, 28)), season(date(2025, 7, 4))
    (2.05, 0.65, 0.68...)
    """
    cyber_week = thanksgiving(day.year) - timedelta(days=3)
    if cyber_week <= day <= date(day.year, 12, 23):
        return 2.05
    factor = _between_anchors(day)
    for monday in (memorial_day(day.year), labor_day(day.year)):
        if monday - timedelta(days=2) <= day <= monday:
            factor *= 1.35
    return factor * 0.7 if (day.month, day.day) == (7, 4) else factor


PEAK = 2.75
"""Demand on Black Friday and Cyber Monday, whatever other Fridays and Mondays are like."""


def demand(day: date) -> float:
    """Demand of a day relative to an ordinary one, without growth.

    >>> demand(date(2025, 11, 28)), demand(date(2025, 12, 5))
    (2.75, 1.8...)
    """
    black_friday = thanksgiving(day.year) + timedelta(days=1)
    if day in (black_friday, black_friday + timedelta(days=3)):
        return PEAK
    return season(day) * WEEKDAYS[day.weekday()]


def _between_anchors(day: date) -> float:
    before = max(index for index, (start, _) in enumerate(SEASON) if start <= (day.month, day.day))
    start, factor = SEASON[before]
    end, target = SEASON[min(before + 1, len(SEASON) - 1)]
    length = (date(day.year, *end) - date(day.year, *start)).days
    passed = (day - date(day.year, *start)).days
    return factor + (target - factor) * passed / length if length else factor


@dataclass(frozen=True)
class Volume:
    """How many rows a table has a day: ``at_opening`` on an ordinary day of the first year at scale 1."""

    table: str
    at_opening: float
    yearly_growth: float
    seasonality: float
    """1 follows the season and weekday wholly, 0.5 by the square root, 0 not at all."""


ORDERS = Volume("orders", 1_450, 1.30, 1)
CUSTOMERS = Volume("customers", 960, 1.15, 0.5)
NOISE = 0.05
"""A day's volume is off its trend by up to this share."""


@functools.lru_cache(maxsize=8)
def first_keys(seed: int, scale: float, volume: Volume) -> draw.I64:
    """The number of rows before each day: shape (HORIZON + 1,); a day's rows are the difference to the next.

    Fractions are rounded up or down at random, so that volume stays linear in scale however small.
    """
    words = draw.hashed(draw.key(seed, volume.table, "volume"), np.arange(HORIZON))
    noise = 1 + NOISE * (2 * draw.unit(words) - 1)
    rounding = draw.unit(draw.hashed(draw.key(seed, volume.table, "rounding"), np.arange(HORIZON)))
    rows = np.floor(scale * volume.at_opening * _trend(volume) * noise + rounding).astype(np.int64)
    rows[0] = max(rows[0], 2)
    return np.concatenate([[0], np.cumsum(rows)])


@functools.lru_cache(maxsize=4096)
def rows_before(seed: int, scale: float, volume: Volume, day: int) -> int:
    """The number of rows before a day, up to the one after the last."""
    return int(first_keys(seed, scale, volume)[day])


def rows_of(seed: int, scale: float, volume: Volume, day: int) -> int:
    """The number of rows of a day."""
    return rows_before(seed, scale, volume, day + 1) - rows_before(seed, scale, volume, day)


@functools.lru_cache(maxsize=8)
def _trend(volume: Volume) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    growth = np.cumprod([1.0] + [_power(volume.yearly_growth, 1 / 365.25)] * (HORIZON - 1))
    return growth * [_power(_demand(day), volume.seasonality) for day in range(HORIZON)]


@functools.lru_cache(maxsize=8192)
def _power(base: float, exponent: float) -> float:
    """``base ** exponent`` by decimal arithmetic: the last bit of a float's power differs between machines."""
    return float(Context(prec=28).power(Decimal(base), Decimal(exponent)))


@functools.lru_cache(maxsize=HORIZON)
def _demand(day: int) -> float:
    return demand(date_of(day))


@dataclass(frozen=True)
class Promotion:
    """A promotion of a day: ``share`` of the day's orders redeem ``code`` for ``percent`` off."""

    code: str
    percent: int
    share: float


EVERYDAY = Promotion("SAVE10", 10, 0.05)
PROMOTIONS = (
    EVERYDAY,
    Promotion("MEMORIAL20", 20, 0.32),
    Promotion("LABOR20", 20, 0.32),
    Promotion("CYBERWEEK25", 25, 0.36),
    Promotion("HOLIDAY15", 15, 0.20),
    Promotion("WINTERSALE25", 25, 0.34),
)


@functools.lru_cache(maxsize=1024)
def promotion(day: date) -> Promotion:
    """The promotion that runs on a day; outside of the promotion weeks that is the everyday one.

    >>> promotion(date(2025, 11, 28)).code, promotion(date(2025, 3, 5)).code
    ('CYBERWEEK25', 'SAVE10')
    """
    _, memorial, labor, cyber, holiday, winter = PROMOTIONS
    cyber_week = thanksgiving(day.year) - timedelta(days=3)
    if cyber_week <= day <= cyber_week + timedelta(days=7):
        return cyber
    if cyber_week < day <= date(day.year, 12, 23):
        return holiday
    if day.month == 1 and 2 <= day.day <= 15:
        return winter
    for monday, sale in ((memorial_day(day.year), memorial), (labor_day(day.year), labor)):
        if monday - timedelta(days=6) <= day <= monday:
            return sale
    return EVERYDAY


assert math.isclose(sum(WEEKDAYS), 7)

"""Who the customers are, as far as others need to know it from the number alone.

Customers sign up in the order of their numbers. Every 1,024 of them in a row are a cohort, and each cohort is an exact
sample of the world: a fixed number from every country, a fixed number of power buyers. A customer's place in the cohort
is scrambled per cohort, and the scrambling can be undone, so "some customer from France" is drawn without looking at
any other.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from beam_pipelines import tables
from beam_pipelines.world import draw

COHORT = 1_024
QUOTAS = {
    "United States": 231,
    "China": 348,
    "Brasil": 149,
    "South Korea": 54,
    "France": 48,
    "United Kingdom": 46,
    "Germany": 43,
    "Spain": 41,
    "Japan": 25,
    "Australia": 23,
    "Belgium": 11,
    "Poland": 3,
    "Colombia": 1,
    "Austria": 1,
}
"""Customers of a cohort by country, as theLook's users are spread."""

POWER_EVERY = 19
"""One in so many customers of a country is a power buyer, 5 % in all; none in the three smallest countries."""

_MULTIPLIER = np.uint64(677)
_INVERSE = np.uint64(pow(677, -1, COHORT))
_MASK = np.uint64(COHORT - 1)
_HALF = np.uint64(5)
_ROUNDS = (np.uint64(16), np.uint64(32), np.uint64(48))
"""Rounds of scrambling, each with other bits of the cohort's word; with one or two, neighbours' countries depend."""


@functools.lru_cache(maxsize=1)
def countries() -> npt.NDArray[np.uint8]:
    """The country of each place in a cohort, as an index into ``tables.COUNTRIES``: shape (1024,)."""
    return np.repeat(np.arange(len(tables.COUNTRIES), dtype=np.uint8), [QUOTAS[name] for name in tables.COUNTRIES])


@functools.lru_cache(maxsize=1)
def country_ranges() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First place and number of places of each country in a cohort: two arrays of shape (14,)."""
    counts = np.array([QUOTAS[name] for name in tables.COUNTRIES])
    return np.cumsum(counts) - counts, counts


def places(seed: int, customer_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each customer's place in the cohort, 0 to 1023."""
    numbers = customer_ids.astype(np.uint64) - np.uint64(1)
    words = draw.hashed(draw.key(seed, "customers", "cohort"), numbers >> np.uint64(10))
    place = numbers ^ words
    for shift in _ROUNDS:
        place = (place * _MULTIPLIER + (words >> shift)) & _MASK
        place ^= place >> _HALF
    return place.astype(np.int64)


def customer_ids(seed: int, cohorts: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The customer at a place of a cohort, the inverse of :func:`places`.

    >>> ids = np.arange(1, 5000)
    >>> bool((customer_ids(42, (ids - 1) // COHORT, globals()["places"](42, ids)) == ids).all())
    True
    """
    words = draw.hashed(draw.key(seed, "customers", "cohort"), cohorts)
    number = places.astype(np.uint64)
    for shift in reversed(_ROUNDS):
        number ^= number >> _HALF
        number = (number - (words >> shift)) * _INVERSE & _MASK
    return cohorts * COHORT + ((number ^ words) & _MASK).astype(np.int64) + 1


def country(seed: int, customer_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Each customer's country, as an index into ``tables.COUNTRIES``."""
    return countries().take(places(seed, customer_ids))


def is_power_buyer(seed: int, customer_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each customer is one of the 5 % who place 15 to 20 % of the orders."""
    place = places(seed, customer_ids)
    first, _ = country_ranges()
    offset: npt.NDArray[np.int64] = place - first.take(countries().take(place))
    power: npt.NDArray[np.bool_] = offset % POWER_EVERY == POWER_EVERY // 2
    return power

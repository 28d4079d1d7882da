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

_MULTIPLIER = np.uint16(677)
_INVERSE = np.uint16(pow(677, -1, COHORT))
_MASK = np.uint16(COHORT - 1)
_HALF = np.uint16(5)
_ROUNDS = (1, 2, 3)
"""Rounds of scrambling, each with other 16 bits of the cohort's word; with one or two, neighbours' countries depend.

They are reckoned in 16 bits, though only the lower 10 count.
"""


@functools.lru_cache(maxsize=1)
def countries() -> npt.NDArray[np.uint8]:
    """The country of each place in a cohort, as an index into ``tables.COUNTRIES``: shape (1024,)."""
    return np.repeat(np.arange(len(tables.COUNTRIES), dtype=np.uint8), [QUOTAS[name] for name in tables.COUNTRIES])


@functools.lru_cache(maxsize=1)
def country_ranges() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First place and number of places of each country in a cohort: two arrays of shape (14,)."""
    counts = np.array([QUOTAS[name] for name in tables.COUNTRIES])
    return np.cumsum(counts) - counts, counts


def places(seed: int, customer_ids: draw.I64) -> draw.I64:
    """Each customer's place in the cohort, 0 to 1023."""
    numbers = customer_ids - 1
    scramble = _scramble(seed, numbers >> 10)
    place = numbers.astype(np.uint16)
    place ^= scramble[0]
    for part in _ROUNDS:
        place *= _MULTIPLIER
        place += scramble[part]
        place &= _MASK
        place ^= place >> _HALF
    return place.astype(np.int64)


def customer_ids(seed: int, cohorts: draw.I64, places: npt.NDArray[np.integer]) -> draw.I64:
    """The customer at a place of a cohort, the inverse of :func:`places`.

    >>> ids = np.arange(1, 5000)
    >>> bool((customer_ids(42, (ids - 1) // COHORT, globals()["places"](42, ids)) == ids).all())
    True
    """
    scramble = _scramble(seed, cohorts)
    number = places.astype(np.uint16)
    for part in reversed(_ROUNDS):
        number ^= number >> _HALF
        number -= scramble[part]
        number *= _INVERSE
        number &= _MASK
    number ^= scramble[0]
    number &= _MASK
    number += np.uint16(1)
    found = cohorts * COHORT
    found += number
    return found


def _scramble(seed: int, cohorts: draw.I64) -> draw.U16:
    """Each cohort's random word, in four parts: shape (4, customers)."""
    first = _first_words(seed)
    known = cohorts.max(initial=0) < len(first)
    return draw.halves(first.take(cohorts) if known else _words(seed, cohorts))


def _words(seed: int, cohorts: draw.I64) -> draw.U64:
    return draw.hashed(draw.key(seed, "customers", "cohort"), cohorts)


@functools.lru_cache(maxsize=8)
def _first_words(seed: int) -> draw.U64:
    """The words of the first 16,384 cohorts: up to about scale 10, looking them up is faster than hashing anew."""
    return _words(seed, np.arange(16_384))


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

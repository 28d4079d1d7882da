"""Customers as they sign up.

Country and place in the cohort follow from the number (see cohorts.py), the time of sign-up from the number too: the
k-th of a day's n sign-ups happens when the share (k + u) / n of the day's activity has happened. The rest is drawn.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines import tables
from beam_pipelines.world import arrays, calendar, clock, cohorts, draw
from beam_pipelines.world.pools import names, places

SOURCES = (0.70, 0.15, 0.06, 0.05, 0.04)
"""Share of customers by ``tables.TRAFFIC_SOURCES``, as in theLook."""

MAIL_DOMAINS = ("example.com", "example.net", "example.org")
"""Domains reserved for examples: no mail to them reaches anybody."""

DEGREES_AROUND = 0.05
"""Customers live up to so many degrees from their city's centre."""


def first_customer_id(seed: int, scale: float, day: int) -> int:
    """The first customer number of a day; the day before the next one's is its last."""
    return calendar.rows_before(seed, scale, calendar.CUSTOMERS, day) + 1


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Sign-ups ``block * 16,384`` and following of a day, ``rows`` of them, as a batch of ``tables.CUSTOMERS``."""
    first = first_customer_id(seed, scale, day) + block * draw.BLOCK_ROWS
    customer_id = np.arange(first, first + rows)
    created_at = arrays.timestamps(signed_up_at(seed, scale, day, customer_id))
    country = cohorts.country(seed, customer_id)
    words = draw.Words(day, block)
    gender, given, family, source = draw.halves(words.of(_stream(seed, "person"), rows))
    number, street, postal_code, age = draw.halves(words.of(_stream(seed, "address"), rows))
    north, east, _, _ = draw.halves(words.of(_stream(seed, "location"), rows))
    home = country.astype(np.int64)
    is_male = gender & np.uint16(1)
    given_name = _pick(("female", "male"), home * 2 + is_male, given)
    family_name = _pick(("family",), home, family)
    city = cities(seed, customer_id, country)
    known = places()
    columns = [
        arrays.integers(customer_id),
        arrays.integers(np.ones(rows, np.int64)),
        created_at,
        created_at,
        arrays.strings(given_name, _pool(("female", "male"))[0]),
        arrays.strings(family_name, _pool(("family",))[0]),
        _emails(given_name, family_name, customer_id),
        arrays.integers(12 + ((age.astype(np.int64) * 59) >> 16)),
        arrays.strings(is_male, tables.GENDERS),
        _streets(home, _pick(("streets",), home, street), number),
        arrays.strings(city * 3 + postal_code % 3, known.postal_codes),
        arrays.strings(city, known.city),
        arrays.strings(city, known.state),
        arrays.strings(country, tables.COUNTRIES),
        arrays.floats(_around(known.latitude.take(city), north)),
        arrays.floats(_around(known.longitude.take(city), east)),
        arrays.strings(_sources().take(source), tables.TRAFFIC_SOURCES),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_schema())


@functools.lru_cache(maxsize=1)
def _schema() -> pa.Schema:
    few = dict.fromkeys(("gender", "country", "traffic_source"), arrays.FEW)
    many = dict.fromkeys(("first_name", "last_name", "postal_code", "city", "state"), arrays.MANY)
    return arrays.schema(tables.CUSTOMERS, few | many)


def signed_up_at(seed: int, scale: float, day: int, customer_id: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """When these customers of one day signed up, in UTC microseconds since 1970."""
    first = first_customer_id(seed, scale, day)
    share = draw.unit(draw.hashed(_stream(seed, "created_at"), customer_id))
    share += customer_id - first
    share /= calendar.rows_of(seed, scale, calendar.CUSTOMERS, day)
    moments = clock.times(seed, day, np.minimum(share, 1 - 2.0**-40))
    moments += calendar.midnight(day)
    return moments


def cities(seed: int, customer_id: npt.NDArray[np.int64], country: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Where these customers live, as an index into the places' arrays: by population within the country."""
    words = draw.hashed(_stream(seed, "city"), customer_id)
    cells = (words >> np.uint64(48)).view(np.int64)
    cells += country.astype(np.int64) * 65_536
    return _city_by_country().take(cells)


@functools.lru_cache(maxsize=1)
def _city_by_country() -> npt.NDArray[np.int64]:
    known = places()
    return np.concatenate(
        [
            first + draw.inverse_cdf(known.population[first : first + count].astype(np.float64))
            for first, count in zip(known.first.tolist(), known.count.tolist(), strict=True)
        ]
    )


@functools.lru_cache(maxsize=16)
def _stream(seed: int, column: str) -> int:
    return draw.key(seed, "customers", column)


@functools.lru_cache(maxsize=1)
def _sources() -> npt.NDArray[np.int8]:
    return draw.inverse_cdf(SOURCES, values=np.arange(len(SOURCES), dtype=np.int8))


@functools.lru_cache(maxsize=8)
def _pool(kinds: tuple[str, ...]) -> tuple[pa.Array[Any], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Strings of these kinds over all countries in one array, and each (country, kind)'s first and count in it."""
    parts = [getattr(country, kind) for country in names() for kind in kinds]
    counts = np.array([len(part) for part in parts])
    return pa.concat_arrays(parts), np.cumsum(counts) - counts, counts


def _pick(kinds: tuple[str, ...], cell: draw.I64, lots: draw.U16) -> draw.I64:
    """Positions in the pool for cells of it, (country, kind) by (country, kind); earlier names are more common.

    They are as common as the square of a uniform draw is small.
    """
    _, first, count = _pool(kinds)
    picked = lots.astype(np.int64)
    picked *= picked
    picked >>= 16
    picked *= count.take(cell)
    picked >>= 16
    picked += first.take(cell)
    return picked


def _around(degrees: draw.F64, lots: draw.U16) -> draw.F64:
    """Degrees near these, to six digits."""
    return np.round(degrees + (lots.astype(np.float64) / 65_536 - 0.5) * 2 * DEGREES_AROUND, 6)


def _emails(given_name: draw.I64, family_name: draw.I64, customer_id: draw.I64) -> pa.Array[Any]:
    """Addresses like ann.lee7@example.com, for positions in the pools of names."""
    given, family, domains = _mail_parts()
    return pc.binary_join_element_wise(
        given.take(arrays.integers(given_name)),
        family.take(arrays.integers(family_name)),
        pc.cast(arrays.integers(customer_id), pa.string()),
        domains.take(arrays.integers(customer_id % len(MAIL_DOMAINS))),
        "",
    )


@functools.lru_cache(maxsize=1)
def _mail_parts() -> tuple[pa.Array[Any], pa.Array[Any], pa.Array[Any]]:
    """Given names before a dot, family names, and domains behind an at sign."""
    given = pc.binary_join_element_wise(_pool(("female_mail", "male_mail"))[0], "", ".")
    return given, _pool(("family_mail",))[0], pa.array([f"@{domain}" for domain in MAIL_DOMAINS])


HOUSES = 999
"""The highest house number."""


def _streets(home: draw.I64, street: draw.I64, number: draw.U16) -> pa.Array[Any]:
    """House number and street in the order of the country; low numbers are more common."""
    house = number.astype(np.int64)
    house *= house
    house >>= 16
    house *= HOUSES
    house >>= 16
    left, right, number_first, houses = _address_parts()
    house += houses.take(home)
    goes_first = number_first.take(home)
    return pc.binary_join_element_wise(
        left.take(arrays.integers(np.where(goes_first, house, street))),
        right.take(arrays.integers(np.where(goes_first, street, house))),
        "",
    )


@functools.lru_cache(maxsize=1)
def _address_parts() -> tuple[pa.Array[Any], pa.Array[Any], npt.NDArray[np.bool_], draw.I64]:
    """What an address begins and ends with: each the pool of streets, then house numbers by country.

    Between the two parts stands nothing: house numbers have the country's separator on the inner side. Also whether the
    house number goes first and where the house numbers begin, by country.
    """
    streets = _pool(("streets",))[0]
    numbers = range(1, HOUSES + 1)
    left = [f"{house}{country.number_separator}" for country in names() for house in numbers]
    right = [f"{country.number_separator}{house}" for country in names() for house in numbers]
    return (
        pa.concat_arrays([streets, pa.array(left)]),
        pa.concat_arrays([streets, pa.array(right)]),
        np.array([country.number_first for country in names()]),
        len(streets) + HOUSES * np.arange(len(names())),
    )

"""Customers as they sign up, and as they are after they have moved or changed their e-mail address.

Country and place in the cohort follow from the number (see cohorts.py), the time of sign-up from the number too: the
k-th of a day's n sign-ups happens when the share (k + u) / n of the day's activity has happened. The rest is hashed
from the number. A day's rows are its sign-ups, then what changes that day for customers of earlier days (see moves.py).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines import tables
from beam_pipelines.world import arrays, calendar, clock, cohorts, draw, moves
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


def rows(seed: int, scale: float, day: int) -> int:
    """How many rows a day has: sign-ups, then changes of customers of earlier days."""
    return calendar.rows_of(seed, scale, calendar.CUSTOMERS, day) + moves.rows(seed, scale, day)


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Rows ``block * 16,384`` and following of a day, ``rows`` of them, as a batch of ``tables.CUSTOMERS``."""
    versions = _versions(seed, scale, day, block * draw.BLOCK_ROWS, rows)
    customer_id = versions.customer_id
    country = cohorts.country(seed, customer_id)
    gender, given, family, source = draw.halves(draw.hashed(_stream(seed, "person"), customer_id))
    address = draw.hashed(_stream(seed, "address"), customer_id)
    address[versions.moved] = draw.hashed(_stream(seed, "new address"), customer_id.take(versions.moved))
    _, street, postal_code, _ = draw.halves(address)
    location, city = _residences(seed, customer_id, country, versions.moved)
    north, east, _, _ = draw.halves(location)
    home = country.astype(np.int64)
    is_male = gender & np.uint16(1)
    given_name = _pick(("female", "male"), home * 2 + is_male, given)
    family_name = _pick(("family",), home, family)
    known = places()
    columns = [
        arrays.integers(customer_id),
        arrays.integers(versions.version),
        arrays.timestamps(versions.valid_from),
        arrays.timestamps(versions.created_at),
        arrays.strings(given_name, _pool(("female", "male"))[0]),
        arrays.strings(family_name, _pool(("family",))[0]),
        _emails(given_name, family_name, customer_id, versions.changed_mail),
        arrays.integers(12 + (((gender >> np.uint16(1)).astype(np.int64) * 59) >> 15)),
        arrays.strings(is_male, tables.GENDERS),
        _addresses().take(arrays.integers(home * ADDRESSES + street)),
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


@dataclass(frozen=True)
class _Versions:
    """Rows to be drawn: arrays of one entry per row."""

    customer_id: draw.I64
    version: draw.I64
    valid_from: draw.I64
    """Since 1970, UTC, in microseconds."""
    created_at: draw.I64
    moved: draw.I64
    """Rows of customers who have moved by then."""
    changed_mail: draw.I64
    """Rows of customers who have changed their e-mail address by then."""


def _versions(seed: int, scale: float, day: int, start: int, rows: int) -> _Versions:
    """A day's rows number ``start`` and following: sign-ups, changes, or where these meet both."""
    signups = calendar.rows_of(seed, scale, calendar.CUSTOMERS, day)
    own = min(max(signups - start, 0), rows)
    customer_id = first_customer_id(seed, scale, day) + start + np.arange(own)
    created_at = signed_up_at(seed, scale, day, customer_id)
    if own == rows:
        nobody = np.zeros(0, np.int64)
        return _Versions(customer_id, np.ones(rows, np.int64), created_at, created_at, nobody, nobody)
    changes = moves.changes(seed, scale, day, start + own - signups, rows - own)
    return _Versions(
        np.concatenate([customer_id, changes.customers.customer_id]),
        np.concatenate([np.ones(own, np.int64), 1 + changes.moved.astype(np.int64) + changes.changed_mail]),
        np.concatenate([created_at, changes.microseconds]),
        np.concatenate([created_at, _signed_up(seed, scale, changes.customers)]),
        own + changes.moved.nonzero()[0],
        own + changes.changed_mail.nonzero()[0],
    )


def signed_up_at(seed: int, scale: float, day: int, customer_id: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """When these customers of one day signed up, in UTC microseconds since 1970."""
    first = first_customer_id(seed, scale, day)
    share = draw.unit(draw.hashed(_stream(seed, "created_at"), customer_id))
    share += customer_id - first
    share /= calendar.rows_of(seed, scale, calendar.CUSTOMERS, day)
    moments = clock.times(seed, day, np.minimum(share, 1 - 2.0**-40))
    moments += calendar.midnight(day)
    return moments


def signed_up(seed: int, scale: float, customer_ids: draw.I64) -> draw.I64:
    """When these customers signed up, of any days in any order, in UTC microseconds since 1970."""
    return _signed_up(seed, scale, moves.Signups.of(seed, scale, customer_ids))


def _signed_up(seed: int, scale: float, customers: moves.Signups) -> draw.I64:
    keys = calendar.first_keys(seed, scale, calendar.CUSTOMERS)
    share = draw.unit(draw.hashed(_stream(seed, "created_at"), customers.customer_id))
    share += customers.number
    share /= keys.take(customers.day + 1) - keys.take(customers.day)
    moments = clock.times_of_days(seed, customers.day, np.minimum(share, 1 - 2.0**-40))
    moments += calendar.OPENING_MICROSECONDS
    moments += customers.day * calendar.MICROSECONDS_PER_DAY
    return moments


def home(seed: int, scale: float, day: int, customer_ids: draw.I64) -> draw.I64:
    """Where these customers live on a day, as indexes into the places' arrays.

    Who moves on that day still lives at the old place.
    """
    moved = moves.happened(seed, scale, moves.MOVE, moves.Signups.of(seed, scale, customer_ids), day)
    return _residences(seed, customer_ids, cohorts.country(seed, customer_ids), moved.nonzero()[0])[1]


def address(seed: int, scale: float, day: int, customer_ids: draw.I64) -> tuple[draw.I64, draw.I64]:
    """Where these customers live on a day, see :func:`home`, and their postal codes, as indexes into the places'."""
    moved = moves.happened(seed, scale, moves.MOVE, moves.Signups.of(seed, scale, customer_ids), day).nonzero()[0]
    city = _residences(seed, customer_ids, cohorts.country(seed, customer_ids), moved)[1]
    words = draw.hashed(_stream(seed, "address"), customer_ids)
    words[moved] = draw.hashed(_stream(seed, "new address"), customer_ids.take(moved))
    return city, city * 3 + draw.halves(words)[2] % 3


def _residences(seed: int, customer_id: draw.I64, country: draw.U8, moved: draw.I64) -> tuple[draw.U64, draw.I64]:
    """Where customers live, of whom those in the rows ``moved`` have moved: a random word and the city of each.

    The upper 16 bits of the word led to the city, by population; the lower 32 say where around it.
    """
    words = draw.hashed(_stream(seed, "location"), customer_id)
    cells = (words >> np.uint64(48)).view(np.int64)
    cells += country.astype(np.int64) * _CELLS
    city = _city_by_country().take(cells)
    if len(moved):
        words[moved] = draw.hashed(_stream(seed, "new location"), customer_id.take(moved))
        city[moved] = _other_cities(words.take(moved), country.take(moved), city.take(moved))
    return words, city


def _other_cities(words: draw.U64, country: draw.U8, city: draw.I64) -> draw.I64:
    """A city of the country for each word, by population among those that are not ``city``."""
    first, count = _cells_by_city()
    cells = (words >> np.uint64(48)).view(np.int64)
    own = count.take(city)
    cells *= _CELLS - own
    cells >>= 16
    cells += country.astype(np.int64) * _CELLS
    # What lies behind the old city moves up into its place.
    cells += (cells >= first.take(city)) * own
    return _city_by_country().take(cells)


_CELLS = 65_536
"""Entries by which each country's cities are looked up."""


@functools.lru_cache(maxsize=1)
def _cells_by_city() -> tuple[draw.I64, draw.I64]:
    """The first of each city's entries in the look-up, and how many there are."""
    counts = np.bincount(_city_by_country(), minlength=len(places().city))
    return np.cumsum(counts) - counts, counts


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


def _emails(given_name: draw.I64, family_name: draw.I64, customer_id: draw.I64, changed: draw.I64) -> pa.Array[Any]:
    """Addresses like ann.lee7@example.com, and lee.ann7@example.org in the rows ``changed``.

    Names are given by positions in their pools. The number makes the address unique.
    """
    heads, tails, domains = _mail_parts()
    head, tail, domain = given_name.copy(), family_name.copy(), customer_id % len(MAIL_DOMAINS)
    head[changed] = family_name.take(changed) + len(_pool(("female_mail", "male_mail"))[0])
    tail[changed] = given_name.take(changed) + len(_pool(("family_mail",))[0])
    domain[changed] = (domain.take(changed) + 1) % len(MAIL_DOMAINS)
    return pc.binary_join_element_wise(
        heads.take(arrays.integers(head)),
        tails.take(arrays.integers(tail)),
        pc.cast(arrays.integers(customer_id), pa.string()),
        domains.take(arrays.integers(domain)),
        "",
    )


@functools.lru_cache(maxsize=1)
def _mail_parts() -> tuple[pa.Array[Any], pa.Array[Any], pa.Array[Any]]:
    """Names before a dot, given before family ones; names, family before given ones; and domains behind an at sign."""
    given, family = _pool(("female_mail", "male_mail"))[0], _pool(("family_mail",))[0]
    heads = pc.binary_join_element_wise(pa.concat_arrays([given, family]), "", ".")
    return heads, pa.concat_arrays([family, given]), pa.array([f"@{domain}" for domain in MAIL_DOMAINS])


HOUSES = 999
"""The highest house number."""
ADDRESSES = 65_536
"""House numbers and streets that there are in a country, in whichever city."""


@functools.lru_cache(maxsize=1)
def _addresses() -> pa.Array[Any]:
    """The addresses of all countries, put together once: shape (14 * 65536,)."""
    home = np.arange(len(names())).repeat(ADDRESSES)
    words = draw.hashed(draw.key(0, "customers", "addresses"), np.arange(len(home)))
    number, street, _, _ = draw.halves(words)
    return _streets(home, _pick(("streets",), home, street), number)


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

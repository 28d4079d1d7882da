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

from beam_pipelines import columns, tables
from beam_pipelines.world import calendar, clock, cohorts, draw
from beam_pipelines.world.pools import names, places

SOURCES = (0.70, 0.15, 0.06, 0.05, 0.04)
"""Share of customers by ``tables.TRAFFIC_SOURCES``, as in theLook."""

MAIL_DOMAINS = ("example.com", "example.net", "example.org")
"""Domains reserved for examples: no mail to them reaches anybody."""

DEGREES_AROUND = 0.05
"""Customers live up to so many degrees from their city's centre."""


def first_customer_id(seed: int, scale: float, day: int) -> int:
    """The first customer number of a day; the day before the next one's is its last."""
    return int(calendar.first_keys(seed, scale, calendar.CUSTOMERS)[day]) + 1


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Sign-ups ``block * 16,384`` and following of a day, ``rows`` of them, as a batch of ``tables.CUSTOMERS``."""
    customer_id = first_customer_id(seed, scale, day) + block * draw.BLOCK_ROWS + np.arange(rows)
    created_at = columns.timestamps(signed_up_at(seed, scale, day, customer_id))
    country = cohorts.country(seed, customer_id)
    lots = {column: draw.halves(draw.bits(_stream(seed, column), day, block, rows)) for column in ("person", "address")}
    gender, given, family, source = lots["person"]
    number, street, postal_code, age = lots["address"]
    is_male = gender & np.uint16(1)
    city = cities(seed, customer_id, country)
    cities_ = places()
    around = draw.halves(draw.bits(_stream(seed, "location"), day, block, rows)).astype(np.float64) / 65_536 - 0.5
    first_name, first_mail = _names(("female", "male"), country, is_male, given)
    last_name, last_mail = _names(("family",), country, np.zeros_like(is_male), family)
    return columns.batch(
        tables.CUSTOMERS,
        {
            "customer_id": customer_id,
            "version": np.ones(rows, np.int64),
            "valid_from": created_at,
            "created_at": created_at,
            "first_name": first_name,
            "last_name": last_name,
            "email": _emails(first_mail, last_mail, customer_id),
            "age": 12 + draw.below(age.astype(np.uint64) << np.uint64(48), 59),
            "gender": columns.dictionary(is_male, tables.GENDERS),
            "street_address": _streets(country, street, number),
            "postal_code": columns.dictionary(city * 3 + postal_code % 3, cities_.postal_codes),
            "city": columns.dictionary(city, cities_.city),
            "state": columns.dictionary(city, cities_.state),
            "country": columns.dictionary(country, tables.COUNTRIES),
            "latitude": np.round(cities_.latitude.take(city) + around[0] * 2 * DEGREES_AROUND, 6),
            "longitude": np.round(cities_.longitude.take(city) + around[1] * 2 * DEGREES_AROUND, 6),
            "traffic_source": columns.dictionary(_sources().take(source), tables.TRAFFIC_SOURCES),
        },
    )


def signed_up_at(seed: int, scale: float, day: int, customer_id: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """When these customers of one day signed up, in UTC microseconds since 1970."""
    first = first_customer_id(seed, scale, day)
    today = first_customer_id(seed, scale, day + 1) - first
    share = (customer_id - first + draw.unit(draw.hashed(_stream(seed, "created_at"), customer_id))) / today
    return calendar.midnight(day) + clock.times(seed, day, np.minimum(share, 1 - 2.0**-40))


def cities(seed: int, customer_id: npt.NDArray[np.int64], country: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Where these customers live, as an index into the places' arrays: by population within the country."""
    words = draw.hashed(_stream(seed, "city"), customer_id)
    return _city_by_country().take(country.astype(np.int64) * 65_536 + (words >> np.uint64(48)).astype(np.int64))


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
    return draw.inverse_cdf(SOURCES).astype(np.int8)


@functools.lru_cache(maxsize=8)
def _pool(kinds: tuple[str, ...]) -> tuple[pa.Array[Any], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Strings of these kinds over all countries in one array, and each (country, kind)'s first and count in it."""
    parts = [getattr(country, kind) for country in names() for kind in kinds]
    counts = np.array([len(part) for part in parts])
    return pa.concat_arrays(parts), np.cumsum(counts) - counts, counts


def _pick(
    kinds: tuple[str, ...], country: npt.NDArray[np.uint8], kind: npt.NDArray[Any], lots: npt.NDArray[np.uint16]
) -> npt.NDArray[np.int64]:
    """Positions in the pool; earlier names are more common (the square of a uniform draw)."""
    _, first, count = _pool(kinds)
    cell = country.astype(np.int64) * len(kinds) + kind
    squared = (lots.astype(np.int64) * lots) >> 16
    picked: npt.NDArray[np.int64] = first.take(cell) + ((squared * count.take(cell)) >> 16)
    return picked


def _names(
    kinds: tuple[str, ...], country: npt.NDArray[np.uint8], kind: npt.NDArray[Any], lots: npt.NDArray[np.uint16]
) -> tuple[pa.Array[Any], pa.Array[Any]]:
    """Names and their form for e-mail addresses."""
    picked = _pick(kinds, country, kind, lots)
    mail, _, _ = _pool(tuple(f"{kind}_mail" for kind in kinds))
    return columns.dictionary(picked, _pool(kinds)[0]), mail.take(pa.array(picked))


def _emails(first: pa.Array[Any], last: pa.Array[Any], customer_id: npt.NDArray[np.int64]) -> pa.Array[Any]:
    numbers = pc.cast(pa.array(customer_id), pa.string())
    local = pc.binary_join_element_wise(first, last, ".")
    domains = columns.dictionary(customer_id % len(MAIL_DOMAINS), MAIL_DOMAINS).dictionary_decode()
    return pc.binary_join_element_wise(pc.binary_join_element_wise(local, numbers, ""), domains, "@")


def _streets(
    country: npt.NDArray[np.uint8], street: npt.NDArray[np.uint16], number: npt.NDArray[np.uint16]
) -> pa.Array[Any]:
    """Street and number in the order of the country; low numbers are more common."""
    numbers = pc.cast(pa.array((number.astype(np.int64) * number >> 16) * 999 // 65_536 + 1), pa.string())
    streets = _pool(("streets",))[0].take(pa.array(_pick(("streets",), country, np.zeros_like(street), street)))
    number_first, separators = _address_forms()
    first = pa.array(number_first.take(country))
    return pc.binary_join_element_wise(
        pc.if_else(first, numbers, streets), pc.if_else(first, streets, numbers), separators.take(pa.array(country))
    )


@functools.lru_cache(maxsize=1)
def _address_forms() -> tuple[npt.NDArray[np.bool_], pa.Array[Any]]:
    """Whether the number comes first, and what stands between number and street, by country."""
    return np.array([known.number_first for known in names()]), pa.array([known.number_separator for known in names()])

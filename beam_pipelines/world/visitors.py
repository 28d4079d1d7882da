"""Who visits the web shop, from where and with what.

Visitors who do not order are drawn as buyers are: the time says which countries are awake, and of a country's customers
recent ones come more often. One customer in a hundred is a heavy browser, who comes ten times as often as others and
orders no more than they do. What a visitor comes with, browser, device and address, stays the same.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.world import buyers, clock, cohorts, draw
from beam_pipelines.world.pools import places

HEAVY_EVERY = 100
"""One in so many customers of a country is a heavy browser, one per cent in all; none in countries with few."""

HEAVY_OFFSET = 46
"""Where among a country's places in a cohort the first heavy browser is; so none of them is a power buyer."""

_PAIRS = (
    ("Chrome", "desktop", 25),
    ("Chrome", "mobile", 22),
    ("Chrome", "tablet", 3),
    ("Safari", "desktop", 5),
    ("Safari", "mobile", 12),
    ("Safari", "tablet", 3),
    ("Firefox", "desktop", 16),
    ("Firefox", "mobile", 3),
    ("Firefox", "tablet", 1),
    ("IE", "desktop", 5),
    ("Other", "desktop", 1),
    ("Other", "mobile", 3),
    ("Other", "tablet", 1),
)
"""Browsers and devices that go together, and per cent of the visitors who have both."""

SECOND_DEVICE = 0.12
"""Share of customers who have another device (by lot, now and then the same again)."""

SECOND_VISITS = 0.35
"""Share of their sessions with it."""

_FIRST_OCTETS = tuple(first for first in range(5, 127) if first not in (10, 100))
"""First numbers of addresses: public ones; networks 10 and 100 are private, wholly or in part."""

_HOSTS = 256 * 254
"""Addresses of a city: the last number is 1 to 254."""


class Equipment(NamedTuple):
    """What visitors come with: one entry per session."""

    browser: npt.NDArray[np.int8]
    """Index into ``tables.BROWSERS``."""
    device: npt.NDArray[np.int8]
    """Index into ``tables.DEVICES``."""
    ip_address: pa.StringArray


def drawn(
    seed: int, before: int, times: draw.I64, words: draw.U64, lots: tuple[draw.U16, draw.U16], heavy: draw.I64
) -> draw.I64:
    """Customers who visit at times of a day.

    Args:
        seed: The world's.
        before: How many customers have signed up before the day, 1 or more.
        times: Microseconds since midnight UTC, not decreasing.
        words: 64 random bits per session, which say how recent a customer it is.
        lots: 16 random bits per session for the country, and 16 for the customer in it.
        heavy: Sessions of heavy browsers, where the country has any.
    """
    country = clock.countries(times, lots[0]).astype(np.intp)
    (first, count), (first_heavy, heavy_count, step) = _places_by_country()
    place = count.take(country)
    place *= lots[1]
    place >>= np.uint32(16)
    place += first.take(country)
    home = country.take(heavy)
    choice = lots[1].take(heavy) * heavy_count.take(home) >> np.uint32(16)
    place[heavy] = first_heavy.take(home) + choice * step.take(home)
    cohort = buyers.recent(words, -(-before // cohorts.COHORT))
    customer_id = cohorts.customer_ids(seed, cohort, place)
    buyers.settle(seed, customer_id, before, (customer_id > before).nonzero()[0])
    return customer_id


def is_heavy(seed: int, customer_ids: draw.I64) -> npt.NDArray[np.bool_]:
    """Whether each customer is one of the 1 % who make 10 % of the traffic."""
    place = cohorts.places(seed, customer_ids)
    offset = place - cohorts.country_ranges()[0].take(cohorts.countries().take(place))
    heavy: npt.NDArray[np.bool_] = offset % HEAVY_EVERY == HEAVY_OFFSET
    return heavy


def equipment(seed: int, customer_id: draw.I64, city: draw.I64, lots: draw.U16) -> Equipment:
    """What these customers come with, from these cities (indexes into the places' arrays).

    The lots, 16 random bits per session, say who of those who have two devices comes with the other one.
    """
    first, second, has_two, host = draw.halves(draw.hashed(draw.key(seed, "web_events", "visitor"), customer_id))
    comes_with_other = (has_two < round(SECOND_DEVICE * 65_536)) & (lots < round(SECOND_VISITS * 65_536))
    pair = _pairs().take(np.where(comes_with_other, second, first))
    # Whoever moves has another address, but for the network always the same one.
    number = (host + city * 40_503) & 0xFFFF
    number *= _HOSTS
    number >>= 16
    (head, head_size), (tail, tail_size) = _networks(), _hosts()
    addresses = _joined(head.take(city), head_size.take(city), tail.take(number), tail_size.take(number))
    browsers, devices = _browsers_and_devices()
    return Equipment(browsers.take(pair), devices.take(pair), addresses)


@functools.lru_cache(maxsize=1)
def _places_by_country() -> tuple[tuple[draw.U32, ...], tuple[draw.U32, ...]]:
    """First place and number of places of anybody; of heavy browsers these, and from one to the next: shape (14,) each.

    Where a country has no heavy browsers, anybody takes their place.
    """
    first, count = cohorts.country_ranges()
    heavy = np.maximum(count - HEAVY_OFFSET + HEAVY_EVERY - 1, 0) // HEAVY_EVERY
    anybody = np.stack([first, count, np.ones_like(count)]).astype(np.uint32)
    heavies = np.stack([first + HEAVY_OFFSET, heavy, np.full_like(count, HEAVY_EVERY)]).astype(np.uint32)
    return tuple(anybody[:2]), tuple(np.where(heavy > 0, heavies, anybody))


@functools.lru_cache(maxsize=1)
def _pairs() -> npt.NDArray[np.int64]:
    return draw.inverse_cdf([weight for _, _, weight in _PAIRS])


@functools.lru_cache(maxsize=1)
def _browsers_and_devices() -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    return (
        np.array([tables.BROWSERS.index(browser) for browser, _, _ in _PAIRS], np.int8),
        np.array([tables.DEVICES.index(device) for _, device, _ in _PAIRS], np.int8),
    )


def _joined(head: draw.U64, head_size: draw.I64, tail: draw.U64, tail_size: draw.I64) -> pa.StringArray:
    """Strings of a head and a tail, both of up to 8 bytes, as words: Arrow's own kernels take five times as long."""
    words = np.empty((len(head), 2), np.uint64)
    shift = head_size.astype(np.uint64) << np.uint64(3)
    # A word shifted by all its 64 bits is undefined: in two steps it is 0.
    words[:, 0] = head | tail << (shift >> np.uint64(1)) << (shift - (shift >> np.uint64(1)))
    words[:, 1] = tail >> (np.uint64(64) - shift)
    octets = words.view(np.uint8).reshape(-1)
    offsets = np.zeros(len(head) + 1, np.int32)
    np.cumsum(head_size + tail_size, out=offsets[1:])
    return pa.StringArray.from_buffers(len(head), pa.py_buffer(offsets), pa.py_buffer(octets[octets != 0]))


@functools.lru_cache(maxsize=1)
def _networks() -> tuple[draw.U64, draw.I64]:
    """What addresses begin with, by city, each with its own."""
    # 7,919 is prime: neighbours in the list of cities are not neighbours in the network.
    numbers = np.arange(len(places().city)) * 7_919 % (len(_FIRST_OCTETS) * 256)
    return _as_words([f"{_FIRST_OCTETS[number >> 8]}.{number & 255}." for number in numbers.tolist()])


@functools.lru_cache(maxsize=1)
def _hosts() -> tuple[draw.U64, draw.I64]:
    """What addresses end with: shape (65024,)."""
    return _as_words([f"{third}.{fourth}" for third in range(256) for fourth in range(1, 255)])


def _as_words(texts: list[str]) -> tuple[draw.U64, draw.I64]:
    """Texts of up to 8 bytes as words, filled up with zeros, and their lengths."""
    words = np.frombuffer(b"".join(text.encode().ljust(8, b"\0") for text in texts), np.uint64)
    return words, np.array([len(text) for text in texts], np.int64)

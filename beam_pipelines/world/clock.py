"""What time of day it is in the shop: activity by local hour, seen from UTC.

People everywhere sleep from two to six and shop from two to nine in the evening, by their own clock. A UTC day is the
sum of its countries' days, each shifted by its cities' offsets: that gives the distribution of a day's times, and the
country mix at each time.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from beam_pipelines import tables
from beam_pipelines.world import calendar, cohorts, draw
from beam_pipelines.world.pools import places

LOCAL_HOURS = (
    *(0.55, 0.35, 0.20, 0.14, 0.12, 0.16, 0.30, 0.50),
    *(0.70, 0.85, 0.95, 1.05, 1.15, 1.20, 1.35, 1.45),
    *(1.50, 1.50, 1.55, 1.65, 1.75, 1.55, 1.15, 0.80),
)
"""Activity by local hour, 1 on average: a trough from 2 to 6, a peak from 14 to 21."""

SLOTS = 96
"""Quarters of an hour in a day, by which activity changes."""

SLOT_MICROSECONDS = 86_400_000_000 // SLOTS
_SLOT_STARTS = np.arange(SLOTS + 1) * SLOT_MICROSECONDS
_SLOT_STARTS_AS_FLOATS = _SLOT_STARTS[:-1].astype(np.float64)
_SLOT_CELLS = np.arange(SLOTS) * 4096
HOURLY_NOISE = 0.10
"""An hour of one day is off the usual by up to this share."""


@functools.lru_cache(maxsize=1)
def activity() -> npt.NDArray[np.float64]:
    """Each country's share of the shop's activity in each UTC slot: shape (14, 96), summing to 1."""
    cities = places()
    local = np.repeat(np.array(LOCAL_HOURS), SLOTS // 24)
    slots = np.arange(SLOTS)
    shares = np.zeros((len(tables.COUNTRIES), SLOTS))
    for index, name in enumerate(tables.COUNTRIES):
        own = slice(int(cities.first[index]), int(cities.first[index] + cities.count[index]))
        offsets, inverse = np.unique(cities.utc_offset_minutes[own], return_inverse=True)
        people = np.bincount(inverse, weights=cities.population[own])
        for offset, weight in zip(offsets, people / people.sum(), strict=True):
            shares[index] += cohorts.QUOTAS[name] * weight * local[(slots + offset // 15) % SLOTS]
    normal: npt.NDArray[np.float64] = shares / shares.sum()
    return normal


@functools.lru_cache(maxsize=1)
def country_by_slot() -> npt.NDArray[np.uint8]:
    """Inverse CDF of the country in each slot: index ``slot * 4096 + 12 random bits``, shape (96 * 4096,)."""
    codes = np.arange(len(tables.COUNTRIES), dtype=np.uint8)
    return np.concatenate([draw.inverse_cdf(activity()[:, slot], 12, codes) for slot in range(SLOTS)])


@functools.lru_cache(maxsize=64)
def distribution(seed: int, day: int) -> npt.NDArray[np.float64]:
    """Share of the day's activity before each slot: shape (97,), from 0 to 1."""
    words = draw.hashed(draw.key(seed, "clock"), np.arange(24) + 24 * day)
    noise = 1 + HOURLY_NOISE * (2 * draw.unit(words) - 1)
    slots = activity().sum(axis=0) * np.repeat(noise, SLOTS // 24)
    edges = np.concatenate([[0.0], np.cumsum(slots)])
    edges /= edges[-1]
    return edges


@functools.lru_cache(maxsize=64)
def _paces(seed: int, day: int) -> tuple[draw.F64, draw.F64]:
    """In each slot, microseconds per share of the day's activity, and the share per microsecond: shape (96,) each."""
    shares = np.diff(distribution(seed, day))
    return SLOT_MICROSECONDS / shares, shares / SLOT_MICROSECONDS


def times(seed: int, day: int, quantiles: draw.F64) -> draw.I64:
    """Microseconds since midnight UTC at which these shares (in [0, 1)) of the day's activity have happened.

    Fastest for shares that do not decrease: then their slots need not be looked up.
    """
    if (quantiles[1:] < quantiles[:-1]).any():
        order = quantiles.argsort()
        moments = np.empty(len(order), np.int64)
        moments[order] = _ascending_times(seed, day, quantiles.take(order))
        return moments
    return _ascending_times(seed, day, quantiles)


def _ascending_times(seed: int, day: int, quantiles: draw.F64) -> draw.I64:
    # Not np.interp: where its multiplication and addition are fused, as on ARM, the last bits differ.
    before = distribution(seed, day)
    counts = _counts(quantiles, before)
    moments = quantiles - before[:-1].repeat(counts)
    moments *= _paces(seed, day)[0].repeat(counts)
    moments += _SLOT_STARTS_AS_FLOATS.repeat(counts)
    return moments.astype(np.int64)


def times_of_days(seed: int, days: draw.I64, quantiles: draw.F64) -> draw.I64:
    """What :func:`times` gives, where each share is of the activity of its own day."""
    before = _distributions(seed)
    row = days * (SLOTS + 1)
    for step in _HALVINGS:
        row += (before.take(row + step) <= quantiles) * step
    start = before.take(row)
    moments = quantiles - start
    moments *= SLOT_MICROSECONDS / (before.take(row + 1) - start)
    row -= days * (SLOTS + 1)
    moments += _SLOT_STARTS_AS_FLOATS.take(row)
    return moments.astype(np.int64)


_HALVINGS = (48, 24, 12, 6, 3, 2, 1)
"""Steps by which one of 96 slots is found: each leaves half of those that are left."""


@functools.lru_cache(maxsize=2)
def _distributions(seed: int) -> npt.NDArray[np.float64]:
    """The distributions of all days one behind the other: shape (HORIZON * 97,), 6 MB."""
    words = draw.hashed(draw.key(seed, "clock"), np.arange(24 * calendar.HORIZON))
    noise = 1 + HOURLY_NOISE * (2 * draw.unit(words) - 1)
    edges = np.zeros((calendar.HORIZON, SLOTS + 1))
    slots = activity().sum(axis=0) * noise.repeat(SLOTS // 24).reshape(-1, SLOTS)
    slots.cumsum(axis=1, out=edges[:, 1:])
    edges /= edges[:, -1:]
    return edges.reshape(-1)


def countries(times: draw.I64, lots: draw.U16) -> draw.U8:
    """Who is awake: countries, as indexes into ``tables.COUNTRIES``, at times of the day that do not decrease.

    Of each lot, 16 random bits, the upper 12 count.
    """
    cells = _SLOT_CELLS.repeat(_counts(times, _SLOT_STARTS))
    cells += lots >> np.uint16(4)
    return country_by_slot().take(cells)


def quantiles(seed: int, day: int, times: draw.I64) -> draw.F64:
    """The share of the day's activity before each time of the day, the inverse of :func:`times`."""
    slot = times // SLOT_MICROSECONDS
    shares = _paces(seed, day)[1].take(slot)
    shares *= times - slot * SLOT_MICROSECONDS
    shares += distribution(seed, day).take(slot)
    return shares


def _counts(ascending: npt.NDArray[Any], starts: npt.NDArray[Any]) -> draw.I64:
    """How many of the values lie in each slot, given where the slots start and the last one ends: shape (96,)."""
    first = ascending.searchsorted(starts)
    counts: draw.I64 = first[1:] - first[:-1]
    return counts

"""The time of day: people everywhere sleep and shop by their own clock."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.world import calendar, clock, day_number
from beam_pipelines.world import customers as signing_up
from beam_pipelines.world.pools import places

HOUR = 3_600_000_000
DAY = 24 * HOUR
COUNTRY = {name: index for index, name in enumerate(tables.COUNTRIES)}


@pytest.fixture(scope="module")
def local_hours(orders: SimpleNamespace) -> np.ndarray:
    """The hour of each order by the clock of the customer's city."""
    first = np.flatnonzero(np.append(True, np.diff(orders.day)))
    days = zip(orders.day[first].tolist(), np.split(orders.customer_id, first[1:]), strict=True)
    city = np.concatenate([signing_up.home(42, 1.0, day, own) for day, own in days])
    offsets = places().utc_offset_minutes[city].astype(np.int64) * 60_000_000
    return (orders.created_at + offsets) % DAY // HOUR


def rate(hours: np.ndarray, first: int, last: int) -> float:
    """Orders an hour from ``first`` until ``last`` o'clock, relative to the whole day's."""
    return float(((hours >= first) & (hours < last)).mean() * 24 / (last - first))


def test_people_sleep_from_two_to_six_and_shop_from_two_to_nine(local_hours: np.ndarray) -> None:
    night, evening, morning = rate(local_hours, 2, 6), rate(local_hours, 14, 21), rate(local_hours, 6, 14)
    assert night < 0.4, f"{night:.2f} of the average between two and six at night"
    assert evening > 1.4, f"{evening:.2f} of the average between two and nine in the evening"
    assert evening / night > 4
    assert night < morning < evening


@pytest.mark.parametrize("country", ["United States", "China", "Brasil", "France", "Japan", "Australia"])
def test_every_country_sleeps_by_its_own_clock(orders: SimpleNamespace, local_hours: np.ndarray, country: str) -> None:
    own = local_hours[orders.country == COUNTRY[country]]
    assert rate(own, 14, 21) > 3 * rate(own, 2, 6)


def test_china_shops_while_america_sleeps(orders: SimpleNamespace) -> None:
    hours = orders.created_at % DAY // HOUR

    def middle(country: str) -> float:
        angles = hours[orders.country == COUNTRY[country]] / 24 * 2 * np.pi
        return float(np.angle(np.exp(1j * angles).mean()) / (2 * np.pi) * 24 % 24)

    apart = abs(middle("China") - middle("United States"))
    assert min(apart, 24 - apart) > 9, f"China {middle('China'):.1f} h, United States {middle('United States'):.1f} h"


def test_hours_differ_from_day_to_day(orders: SimpleNamespace) -> None:
    hours = orders.created_at % DAY // HOUR
    days = np.flatnonzero(np.bincount(orders.day) > 8_000)
    shares = np.stack([np.bincount(hours[orders.day == day], minlength=24) / (orders.day == day).sum() for day in days])
    off = np.abs(shares / shares.mean(axis=0) - 1)
    assert 0.02 < off.mean() < 0.10


quantiles = st.lists(st.floats(0, 1 - 2.0**-40), min_size=1, max_size=40)
days = st.integers(0, calendar.DAYS - 1)


@given(day=days, shares=quantiles)
@settings(deadline=None)
def test_times_follow_their_order_inside_the_day(day: int, shares: list[float]) -> None:
    times = clock.times(42, day, np.array(sorted([*shares, 0.0, 1 - 2.0**-40])))
    assert times[0] == 0
    assert times[-1] < DAY
    assert (np.diff(times) >= 0).all()


@given(day=days, shares=quantiles)
@settings(deadline=None)
def test_quantiles_undo_times(day: int, shares: list[float]) -> None:
    times = clock.times(42, day, np.array(shares))
    assert np.abs(clock.quantiles(42, day, times) - shares).max() < 1e-9


def test_each_quarter_hour_has_its_countries() -> None:
    drawn = clock.country_by_slot().reshape(clock.SLOTS, 4096)
    shares = np.bincount(drawn.ravel(), weights=np.repeat(clock.activity().sum(axis=0), 4096) / 4096)
    wanted = clock.activity().sum(axis=1)
    assert np.abs(shares - wanted).max() < 0.001
    assert clock.activity().sum() == pytest.approx(1)


def test_a_day_in_january_and_one_in_july_begin_at_midnight_utc(orders: SimpleNamespace) -> None:
    for when in (date(2025, 1, 8), date(2024, 7, 10)):
        own = orders.created_at[orders.day == day_number(when)]
        assert own.min() - calendar.midnight(day_number(when)) < HOUR
        assert calendar.midnight(day_number(when) + 1) - own.max() < HOUR

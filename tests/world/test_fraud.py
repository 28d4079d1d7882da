"""Bursts of fraudulent orders: one to three a day, new accounts, dear items, close together."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.world import World, calendar, cohorts, day_number, fraud

YEAR = range(day_number(date(2023, 1, 1)), day_number(date(2024, 1, 1)))


def test_at_scale_1_there_are_one_to_three_bursts_a_day() -> None:
    bursts = (fraud.bursts(42, 1.0).size[:, YEAR.start : YEAR.stop] > 0).sum(axis=0)
    assert set(bursts.tolist()) == {1, 2, 3}


def test_small_shops_are_worth_a_burst_now_and_then() -> None:
    bursts = (fraud.bursts(42, 0.01).size[:, YEAR.start : YEAR.stop] > 0).sum(axis=0)
    assert set(bursts.tolist()) <= {0, 1}
    assert 5 < bursts.sum() < 30


def test_the_largest_world_has_no_more_than_15_fraudulent_orders_a_day() -> None:
    assert fraud.bursts(42, 10_000).size.sum(axis=0).max() <= 15


def test_fraudulent_orders_are_as_drawn(orders: SimpleNamespace, customers: SimpleNamespace) -> None:
    own = np.flatnonzero(orders.is_fraud)
    assert len(own) > 500
    assert set(orders.size[own].tolist()) == set(range(6, 13))
    assert (orders.channel[own] == 1).all()
    assert (orders.promotion_code[own] == "").all()
    regular = orders.subtotal[~orders.is_fraud] / orders.size[~orders.is_fraud]
    assert np.median(orders.subtotal[own] / orders.size[own]) > 3 * np.median(regular)
    age = orders.created_at[own] - customers.created_at[orders.customer_id[own] - 1]
    assert np.median(age) < 12 * 3_600_000_000, "the accounts are new"
    assert age.max() < 3 * calendar.MICROSECONDS_PER_DAY
    expected = cohorts.country(42, orders.customer_id[own])
    assert (orders.country[own] == expected).all()


def test_a_bursts_orders_follow_each_other_within_minutes(orders: SimpleNamespace) -> None:
    own = np.flatnonzero(orders.is_fraud)
    runs = np.split(own, np.flatnonzero(np.diff(own) > 1) + 1)
    lengths = np.array([len(run) for run in runs])
    assert ((lengths >= 3) & (lengths <= 10)).all()
    spans = np.array([orders.created_at[run[-1]] - orders.created_at[run[0]] for run in runs])
    assert np.median(spans) < 15 * 60_000_000
    accounts = [len(set(orders.customer_id[run].tolist())) for run in runs]
    assert accounts == lengths.tolist(), "each order of a burst comes from an account of its own"


@given(seed=st.sampled_from([42, 7]), day=st.integers(0, calendar.DAYS - 1), scale=st.sampled_from([0.1, 1.0, 50.0]))
@settings(max_examples=40, deadline=None)
def test_regular_orders_are_numbered_without_gaps(seed: int, day: int, scale: float) -> None:
    bursts = fraud.bursts(seed, scale)
    rows = World(seed, scale).rows("orders", day)
    regular = int(bursts.regular[day])
    own = bursts.row_of(np.full(regular, day), np.arange(regular))
    frauds = fraud.orders(seed, scale).row[fraud.orders(seed, scale).of_rows(day, 0, rows)]
    assert sorted([*own.tolist(), *frauds.tolist()]) == list(range(rows))
    assert (bursts.regular_of(day, own) == np.arange(regular)).all()


@pytest.mark.parametrize("day", [100, 2000])
def test_units_received_for_fraud_are_the_orders_lines(day: int) -> None:
    known = fraud.orders(42, 1.0)
    order, line = fraud.units_received(42, 1.0, day, 0, int(known.units[day]))
    assert (known.received[order] == day).all()
    assert (known.day[order] > day).all()
    assert (line < known.lines[order]).all()
    assert len(set(zip(order.tolist(), line.tolist(), strict=True))) == known.units[day]
    assert (known.first_unit[order] + line == np.arange(known.units[day])).all()

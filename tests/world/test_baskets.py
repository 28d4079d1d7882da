"""Who orders, how much, and with which promotion."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from beam_pipelines import tables
from beam_pipelines.world import World, calendar, catalog, cohorts, day_number
from beam_pipelines.world.baskets import CHANNELS, PAYMENTS
from beam_pipelines.world.orders import FREE_SHIPPING_CENTS, TAX_PER_MILLE

PERCENT = {promotion.code: promotion.percent for promotion in calendar.PROMOTIONS}


def redeemed(orders: SimpleNamespace, first: date, last: date) -> float:
    """The share of orders from one day to another that redeem a promotion."""
    own = (orders.day >= day_number(first)) & (orders.day <= day_number(last))
    assert own.sum() > 5_000
    return float((orders.promotion_code[own] != "").mean())


def test_power_buyers_place_15_to_20_percent_of_orders(orders: SimpleNamespace) -> None:
    power = cohorts.is_power_buyer(42, orders.customer_id)
    everybody = cohorts.is_power_buyer(42, np.arange(1, orders.customer_id.max() + 1))
    assert everybody.mean() == pytest.approx(0.05, abs=0.005)
    assert 0.15 < power.mean() < 0.20
    assert power.mean() / everybody.mean() > 3


def test_customers_come_back(orders: SimpleNamespace) -> None:
    everybody, counts = np.unique(orders.customer_id, return_counts=True)
    power = cohorts.is_power_buyer(42, everybody)
    assert 0.1 < (counts > 1).mean() < 0.5
    assert counts[power].mean() > 1.2 * counts[~power].mean()


def test_new_customers_order_more_than_old_ones(orders: SimpleNamespace, customers: SimpleNamespace) -> None:
    own = orders.day >= day_number(date(2025, 11, 17))
    share = orders.customer_id[own] / len(customers.created_at)
    assert (share > 0.5).mean() > 2 * (share < 0.5).mean()


def test_first_purchases_by_the_days_own_signups_happen_every_day(
    orders: SimpleNamespace, customers: SimpleNamespace
) -> None:
    signed_up = (customers.created_at[orders.customer_id - 1] - calendar.midnight(0)) // calendar.MICROSECONDS_PER_DAY
    same_day = signed_up == orders.day
    days = np.unique(orders.day)
    by_day = np.array([same_day[orders.day == day].sum() for day in days])
    placed = np.array([(orders.day == day).sum() for day in days])
    assert by_day.min() > 30, f"only {by_day.min()} first purchases on day {days[by_day.argmin()]}"
    assert 0.05 < by_day[1:].sum() / placed[1:].sum() < 0.25


def test_basket_sizes(orders: SimpleNamespace) -> None:
    regular = orders.size[~orders.is_fraud]
    assert np.bincount(regular)[1:] / len(regular) == pytest.approx([0.70, 0.20, 0.05, 0.05], abs=0.003)


@pytest.mark.parametrize(
    ("column", "wanted"),
    [("channel", CHANNELS), ("payment_method", PAYMENTS)],
)
def test_channels_and_payment_methods(orders: SimpleNamespace, column: str, wanted: tuple[float, ...]) -> None:
    found = np.bincount(getattr(orders, column)[~orders.is_fraud]) / (~orders.is_fraud).sum()
    assert found == pytest.approx(wanted, abs=0.003)


def test_what_is_drawn_from_one_word_is_independent(orders: SimpleNamespace) -> None:
    drawn = np.stack([orders.size, orders.channel, orders.payment_method, orders.promotion_code != ""]).astype(float)
    drawn = drawn[:, ~orders.is_fraud]
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.01


def test_orders_come_from_countries_like_their_quotas(orders: SimpleNamespace) -> None:
    found = np.bincount(orders.country, minlength=len(tables.COUNTRIES)) / len(orders.country)
    wanted = np.array([cohorts.QUOTAS[name] for name in tables.COUNTRIES]) / cohorts.COHORT
    assert np.abs(found - wanted).max() < 0.01, dict(zip(tables.COUNTRIES, found.round(3).tolist(), strict=True))


@pytest.mark.parametrize(
    ("first", "last"), [(date(2023, 4, 3), date(2023, 4, 16)), (date(2024, 7, 1), date(2024, 7, 31))]
)
def test_on_ordinary_days_5_percent_redeem_a_promotion(orders: SimpleNamespace, first: date, last: date) -> None:
    assert redeemed(orders, first, last) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2021, 5, 25), date(2021, 5, 31)),
        (date(2022, 8, 30), date(2022, 9, 5)),
        (date(2025, 1, 2), date(2025, 1, 15)),
        (date(2025, 11, 24), date(2025, 11, 30)),
    ],
    ids=["Memorial Day", "Labor Day", "winter sale", "Cyber Week"],
)
def test_in_promotion_weeks_over_30_percent_redeem_deeper_ones(
    orders: SimpleNamespace, first: date, last: date
) -> None:
    assert 0.30 < redeemed(orders, first, last) < 0.45
    own = (orders.day >= day_number(first)) & (orders.day <= day_number(last)) & (orders.promotion_code != "")
    depth = orders.discount[own].sum() / orders.subtotal[own].sum()
    assert depth > 1.8 * PERCENT["SAVE10"] / 100


def test_promotions_cut_the_price_of_every_item_of_the_order(orders: SimpleNamespace) -> None:
    redeems = (orders.promotion_code != "")[orders.line_order]
    assert (orders.line_discount[~redeems] == 0).all()
    assert (orders.line_discount[redeems] > 0).all()


def test_large_orders_ship_free(orders: SimpleNamespace) -> None:
    net = orders.subtotal - orders.discount
    assert ((orders.shipping == 0) == (net >= FREE_SHIPPING_CENTS)).all()
    assert 0.1 < (orders.shipping == 0).mean() < 0.5


def test_tax_is_the_countrys_share_of_what_was_paid_for_the_items(orders: SimpleNamespace) -> None:
    net = orders.subtotal - orders.discount
    rate = np.array(TAX_PER_MILLE)[orders.country] / 1000
    assert np.abs(orders.tax - net * rate).max() <= 0.5


def test_another_world_has_its_own_orders_of_the_same_shape() -> None:
    day = day_number(date(2025, 11, 28))
    sizes = [World(seed).block("orders", day, 0)["items"].value_lengths().to_numpy() for seed in (1, 2)]
    assert sizes[0].mean() == pytest.approx(sizes[1].mean(), abs=0.03)
    assert 0.4 < (sizes[0] == sizes[1]).mean() < 0.65


def test_no_basket_of_any_seed_is_too_dear_to_be_reckoned_in_32_bits() -> None:
    highest = catalog._deviations().max(axis=1)[catalog._SPREAD]
    dearest = int((catalog._MEDIAN * catalog._TIER.max() * highest // 100_000_000).max()) * 100 + 99
    assert dearest >= catalog.catalog(42).retail_price.max()
    assert 12 * dearest * max(*TAX_PER_MILLE, 100) + 500 < 2**32

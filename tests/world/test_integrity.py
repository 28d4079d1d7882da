"""Over a million orders: everybody ordered after signing up, what was on offer, and it adds up to the cent."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from beam_pipelines.world import World, calendar, cohorts, date_of, prices
from beam_pipelines.world import customers as signing_up
from beam_pipelines.world.baskets import LINES
from beam_pipelines.world.catalog import Catalog, catalog

DAY = calendar.MICROSECONDS_PER_DAY


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog(42)


def first_wrong(wrong: np.ndarray, orders: SimpleNamespace) -> str:
    """Which orders are wrong, to say so in a failure."""
    return f"{wrong.sum()} of {len(wrong)}, the first is order {orders.order_id[wrong.argmax()]}"


def order_sums(orders: SimpleNamespace, cents: np.ndarray) -> np.ndarray:
    return np.add.reduceat(cents, np.cumsum(orders.size) - orders.size)


def test_there_are_a_million_orders(orders: SimpleNamespace) -> None:
    assert len(orders.order_id) > 1_000_000
    assert len(np.unique(orders.order_id)) == len(orders.order_id)
    assert (np.diff(orders.order_id) > 0).all()


def test_everybody_who_orders_exists(orders: SimpleNamespace, customers: SimpleNamespace) -> None:
    assert orders.customer_id.min() >= 1
    assert orders.customer_id.max() <= len(customers.created_at)


def test_everybody_signed_up_before_ordering(orders: SimpleNamespace, customers: SimpleNamespace) -> None:
    signed_up = customers.created_at[orders.customer_id - 1]
    wrong = signed_up >= orders.created_at
    assert not wrong.any(), first_wrong(wrong, orders)


def test_first_purchases_are_considered_for_three_minutes(orders: SimpleNamespace, customers: SimpleNamespace) -> None:
    passed = orders.created_at - customers.created_at[orders.customer_id - 1]
    same_day = customers.created_at[orders.customer_id - 1] >= calendar.midnight(0) + orders.day * DAY
    hurried = same_day & (passed < 180_000_000)
    assert not hurried.any(), first_wrong(hurried, orders)


def test_orders_ship_to_the_customers_country(orders: SimpleNamespace, customers: SimpleNamespace) -> None:
    wrong = customers.country[orders.customer_id - 1] != orders.country
    assert not wrong.any(), first_wrong(wrong, orders)


def test_what_others_recompute_of_a_customer_is_what_was_drawn(customers: SimpleNamespace) -> None:
    ids = np.arange(1, len(customers.country) + 1)
    assert (cohorts.country(42, ids) == customers.country).all()
    for day in (0, 1, 500, 2_000):
        first, after = (signing_up.first_customer_id(42, 1.0, day + step) for step in (0, 1))
        own = np.arange(first, after)
        assert (signing_up.signed_up_at(42, 1.0, day, own) == customers.created_at[own - 1]).all(), date_of(day)


def test_signups_are_numbered_in_order_of_time(customers: SimpleNamespace) -> None:
    assert (np.diff(customers.created_at) >= 0).all()
    days = (customers.created_at - calendar.midnight(0)) // DAY
    counts = np.bincount(days)
    assert (counts == np.diff(calendar.first_keys(42, 1.0, calendar.CUSTOMERS))[: len(counts)]).all()


def test_orders_are_placed_on_their_day_in_order_of_time(orders: SimpleNamespace) -> None:
    assert ((orders.created_at - calendar.midnight(0)) // DAY == orders.day).all()
    assert (np.diff(orders.created_at) >= 0).all()


def test_products_were_launched_before_they_were_ordered(orders: SimpleNamespace, known: Catalog) -> None:
    assert orders.line_product.min() >= 0
    launched = calendar.midnight(0) + known.launch_day[orders.line_product] * DAY
    assert (launched <= orders.created_at[orders.line_order]).all()


def test_new_products_are_ordered_from_their_first_day(orders: SimpleNamespace, known: Catalog) -> None:
    days = np.unique(orders.day)
    for day in sorted(set(days.tolist()) & set(known.launch_day.tolist()) - {0}):
        fresh = known.launch_day[orders.line_product[orders.day[orders.line_order] == day]] == day
        assert fresh.any(), f"nothing launched on {date_of(day)} was ordered that day"


def test_prices_are_those_of_the_months_list(orders: SimpleNamespace) -> None:
    days, which = np.unique(orders.day, return_inverse=True)
    month = np.array([prices.month_of(int(day)) for day in days])[which][orders.line_order]
    assert (orders.line_retail_price == prices.price_lists(42).retail_price[month, orders.line_product + 1]).all()


def test_products_as_launched_have_the_same_prices(world: World, known: Catalog) -> None:
    batch = world.block("products", 0, 0)
    prices = [int(price * 100) for price in batch["retail_price"].to_pylist()]
    assert prices == known.retail_price[: len(prices)].tolist()


def test_money_adds_up_to_the_cent(orders: SimpleNamespace) -> None:
    for wrong in (
        orders.line_sale_price != orders.line_retail_price - orders.line_discount,
        orders.subtotal != order_sums(orders, orders.line_retail_price),
        orders.discount != order_sums(orders, orders.line_discount),
        orders.total != orders.subtotal - orders.discount + orders.shipping + orders.tax,
    ):
        assert not wrong.any(), f"{wrong.sum()} sums are wrong, the first at {wrong.argmax()}"


def test_nothing_is_free_or_below_zero(orders: SimpleNamespace) -> None:
    assert orders.line_sale_price.min() > 0
    assert min(orders.line_discount.min(), orders.shipping.min(), orders.tax.min()) >= 0
    assert orders.total.max() < 10**12, "DECIMAL(12, 2) holds no more"


def test_an_order_line_costs_what_its_unit_did(orders: SimpleNamespace) -> None:
    lists, days = prices.price_lists(42), np.unique(orders.day, return_inverse=True)
    month = np.array([prices.month_of(int(day)) for day in days[0]])[days[1]][orders.line_order]
    now = lists.cost[month, orders.line_product + 1]
    before = lists.cost[np.maximum(month - 1, 0), orders.line_product + 1]
    assert ((orders.line_cost == now) | (orders.line_cost == before)).all()
    assert (orders.line_cost != now).any(), "no unit was received before its cost changed"


def test_discounts_are_the_promotions_share_of_the_price(orders: SimpleNamespace) -> None:
    promotions = {promotion.code: promotion.percent for promotion in calendar.PROMOTIONS} | {"": 0}
    codes, inverse = np.unique(orders.promotion_code, return_inverse=True)
    percent = np.array([promotions[code] for code in codes])[inverse][orders.line_order]
    assert np.abs(orders.line_discount - orders.line_retail_price * percent / 100).max() <= 0.5


def test_order_lines_are_unique_and_lead_back_to_their_order(orders: SimpleNamespace) -> None:
    assert len(np.unique(orders.line_order_item_id)) == len(orders.line_order_item_id)
    assert ((orders.line_order_item_id - 1) // LINES + 1 == orders.order_id[orders.line_order]).all()
    first = orders.line_order_item_id[np.cumsum(orders.size) - orders.size]
    assert (first == (orders.order_id - 1) * LINES + 1).all()


def test_codes_are_those_of_the_day(orders: SimpleNamespace) -> None:
    for day in np.unique(orders.day).tolist():
        found = set(orders.promotion_code[orders.day == day].tolist()) - {""}
        assert found <= {calendar.promotion(date_of(day)).code}, date_of(day)


def test_a_whole_small_world_keeps_its_references() -> None:
    """Every customer and order of the first four months, joined by the drawn columns alone."""
    small, signed_up, country = World(7, 0.05), {}, {}
    for day in range(120):
        for row in small.block("customers", day, 0).select(["customer_id", "created_at", "country"]).to_pylist():
            signed_up[row["customer_id"]], country[row["customer_id"]] = row["created_at"], row["country"]
        for row in small.block("orders", day, 0).select(["customer_id", "created_at", "country"]).to_pylist():
            assert row["created_at"] - signed_up[row["customer_id"]] > timedelta(0)
            assert row["country"] == country[row["customer_id"]]

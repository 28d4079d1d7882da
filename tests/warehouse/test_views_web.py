"""What visitors of the web shop do."""

from collections import defaultdict

import pytest

from beam_pipelines import tables
from tests.warehouse import shop


def funnel(sessions: list[shop.Row]) -> list[shop.Row]:
    """The rows of conversion_funnel."""
    cells = defaultdict(list)
    for session in sessions:
        cells[session["started_at"].date(), session["traffic_source"]].append(session)
    expected = []
    for (day, source), own in sorted(cells.items()):
        viewed = sum(session["product_views"] > 0 for session in own)
        carted, purchased = (sum(session[name] for session in own) for name in ("carted", "purchased"))
        expected.append(
            {
                "day": day,
                "traffic_source": source,
                "sessions": len(own),
                "with_product_view": viewed,
                "with_cart": carted,
                "with_purchase": purchased,
                "product_view_rate": _rate(viewed, len(own)),
                "cart_rate": _rate(carted, viewed),
                "purchase_rate": _rate(purchased, carted),
                "conversion_rate": _rate(purchased, len(own)),
            }
        )
    return expected


def _rate(part: int, whole: int) -> object:
    return pytest.approx(part / whole, abs=5.1e-5) if whole else None


FUNNEL = "SELECT * FROM retail.conversion_funnel ORDER BY day, traffic_source"


def test_conversion_funnel(shop_warehouse):
    found = shop.answer(shop_warehouse, FUNNEL)
    assert found == funnel(shop.sessions())
    assert len({row["day"] for row in found}) == len(shop.WEB_DAYS)
    assert {row["traffic_source"] for row in found} == set(tables.WEB_TRAFFIC_SOURCES)
    for row in found:
        assert row["sessions"] >= row["with_product_view"] >= row["with_cart"] >= row["with_purchase"]


def test_purchases_of_the_funnel_are_the_orders_of_the_web(shop_warehouse):
    (found,) = shop.answer(
        shop_warehouse, "SELECT MIN(day) AS first_day, SUM(with_purchase) AS orders FROM retail.conversion_funnel"
    )
    orders = [row for row in shop.rows("orders") if row["created_at"].date() >= found["first_day"]]
    assert found["orders"] == sum(order["channel"] == "web" for order in orders)


def test_rates_of_steps_that_nobody_took_are_null(prepared, tmp_path):
    session = shop.sessions()[0] | {"product_views": 0, "carted": False, "purchased": False}
    shop.put(prepared, tables.SESSIONS, [session], tmp_path)
    found = shop.answer(prepared, FUNNEL)
    assert found == funnel([session])
    assert (found[0]["product_view_rate"], found[0]["cart_rate"], found[0]["purchase_rate"]) == (0, None, None)

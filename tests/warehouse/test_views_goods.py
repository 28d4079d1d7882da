"""What becomes of goods: sold, returned, in stock."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from beam_pipelines import tables
from tests.warehouse import shop

DAY = timedelta(days=1)


def returned_items() -> set[int]:
    return {number for event in shop.rows("order_events") for number in event["order_item_ids"]}


def test_returns_by_category(shop_warehouse):
    cells = defaultdict(list)
    for line in shop.order_items():
        cells[shop.month_of(line["created_at"]), line["category"]].append(line)
    back = returned_items()
    expected = []
    for (month, category), lines in sorted(cells.items()):
        returned = [line for line in lines if line["order_item_id"] in back]
        expected.append(
            {
                "month": month,
                "category": category,
                "units_sold": len(lines),
                "units_returned": len(returned),
                "return_rate": pytest.approx(len(returned) / len(lines), abs=5.1e-5),
                "revenue": sum(line["sale_price"] for line in lines),
                "refund": sum((line["sale_price"] for line in returned), Decimal(0)),
            }
        )
    assert shop.answer(shop_warehouse, "SELECT * FROM retail.returns_by_category ORDER BY month, category") == expected
    assert sum(row["units_returned"] for row in expected) > 50


def test_refunds_are_those_of_the_events(shop_warehouse):
    ordered = {line["order_id"] for line in shop.order_items()}
    events = [event for event in shop.rows("order_events") if event["order_id"] in ordered and event["refund"]]
    (found,) = shop.answer(shop_warehouse, "SELECT SUM(refund) AS refund FROM retail.returns_by_category")
    assert found["refund"] == sum(event["refund"] for event in events)


def test_a_unit_that_is_returned_twice_counts_once(prepared, tmp_path):
    line = shop.order_items()[0]
    event = next(event for event in shop.rows("order_events") if event["event_type"] == "returned")
    events = [event | {"event_id": number, "order_item_ids": [line["order_item_id"]]} for number in (1, 2)]
    shop.put(prepared, tables.ORDER_ITEMS, [line], tmp_path)
    shop.put(prepared, tables.ORDER_EVENTS, events, tmp_path)
    (found,) = shop.answer(prepared, "SELECT units_sold, units_returned, refund FROM retail.returns_by_category")
    assert found == {"units_sold": 1, "units_returned": 1, "refund": line["sale_price"]}


def turnover(units: list[shop.Row], lines: list[shop.Row], category_of) -> list[shop.Row]:
    """The rows of inventory_turnover: the stock of every day counted anew."""
    sold_on = {line["inventory_item_id"]: line["created_at"].date() for line in lines}
    first, last = min(sold_on.values()), max(sold_on.values())
    period = [first + DAY * n for n in range((last - first).days + 1)]
    categories = defaultdict(list)
    for unit in units:
        if unit["created_at"].date() <= last:
            categories[category_of(unit["product_id"])].append(unit)
    expected = []
    for category, own in sorted(categories.items()):
        stock = [
            sum(
                (unit["cost"] for unit in own if unit["created_at"].date() <= day < _left(sold_on, unit)),
                Decimal(0),
            )
            for day in period
        ]
        sold = [unit for unit in own if unit["inventory_item_id"] in sold_on]
        average, cost = sum(stock) / len(period), sum((unit["cost"] for unit in sold), Decimal(0))
        before = sum(unit["created_at"].date() < first for unit in own)
        expected.append(
            {
                "category": category,
                "units_before": before,
                "units_received": len(own) - before,
                "units_sold": len(sold),
                "units_in_stock": len(own) - len(sold),
                "cost_of_goods_sold": cost,
                "average_inventory": shop.rounded(average, 2),
                "turnover": shop.rounded(cost / average, 4) if average else None,
                "days_of_inventory": shop.rounded(average * len(period) / cost, 1) if cost else None,
            }
        )
    return expected


def _left(sold_on: dict[int, date], unit: shop.Row) -> date:
    return sold_on.get(unit["inventory_item_id"], date.max)


TURNOVER = "SELECT * FROM retail.inventory_turnover ORDER BY category"


def test_inventory_turnover(shop_warehouse):
    expected = turnover(
        shop.rows("inventory_items"), shop.order_items(), lambda number: shop.products()[number][-1]["category"]
    )
    assert shop.answer(shop_warehouse, TURNOVER) == expected
    assert len(expected) == len(tables.CATEGORIES)
    for column in ("units_before", "units_received", "units_sold", "units_in_stock"):
        assert sum(row[column] for row in expected) > 0, column


def test_stock_that_is_sold_at_once_or_never(prepared, tmp_path):
    """Ten days with orders on the first and the last; 1 is sold on the day it comes in, 2 never, 3 after the end."""
    line, unit = shop.order_items()[0], shop.rows("inventory_items")[0]
    start = line["created_at"].replace(hour=6)
    units = [
        unit | {"inventory_item_id": number, "product_id": number, "created_at": start + DAY * day, "cost": Decimal(10)}
        for number, day in ((1, 0), (2, 5), (3, 10), (4, -3))
    ]
    lines = [
        line | {"inventory_item_id": number, "product_id": number, "created_at": start + DAY * day, "cost": Decimal(10)}
        for number, day in ((1, 0), (4, 9))
    ]
    product = shop.rows("products")[0]
    names = {1: "Active", 2: "Jeans", 3: "Plus", 4: "Swim"}
    products = [product | {"product_id": number, "category": name} for number, name in names.items()]
    for table, rows in ((tables.INVENTORY_ITEMS, units), (tables.ORDER_ITEMS, lines), (tables.PRODUCTS, products)):
        shop.put(prepared, table, rows, tmp_path)
    found = shop.answer(prepared, TURNOVER)
    assert found == turnover(units, lines, names.get)
    assert [
        (row["category"], row["average_inventory"], row["turnover"], row["days_of_inventory"]) for row in found
    ] == [
        ("Active", 0, None, 0),
        ("Jeans", 5, 0, None),
        ("Swim", 9, shop.rounded(Decimal(10) / 9, 4), 9),
    ]


def test_goods_of_unknown_products_are_counted_too(prepared, tmp_path):
    line, unit = shop.order_items()[0] | {"category": None}, shop.rows("inventory_items")[0]
    shop.put(prepared, tables.INVENTORY_ITEMS, [unit], tmp_path)
    shop.put(prepared, tables.ORDER_ITEMS, [line], tmp_path)
    (stock,) = shop.answer(prepared, TURNOVER)
    assert (stock["category"], stock["units_before"], stock["units_sold"]) == (None, 1, 1)
    (returns,) = shop.answer(prepared, "SELECT * FROM retail.returns_by_category")
    assert (returns["category"], returns["units_sold"]) == (None, 1)
    (performance,) = shop.answer(prepared, "SELECT * FROM retail.product_performance")
    assert performance == {
        "product_id": line["product_id"],
        **dict.fromkeys(("product_name", "brand", "category", "department")),
        "units": 1,
        "orders": 1,
        "revenue": line["sale_price"],
        "margin": line["margin"],
        "margin_rate": shop.rounded(line["margin"] / line["sale_price"], 4),
        "category_rank": 1,
    }

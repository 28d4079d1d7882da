"""Every view answers, with numbers that an independent computation gives too."""

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

import pytest

from beam_pipelines import tables
from beam_pipelines.warehouse.partition_loads import finish, start
from beam_pipelines.warehouse.views import views
from beam_pipelines.world import World

WORLD = World(seed=42, scale=0.01)
DAYS = range(29, 32)
CENT = Decimal("0.01")


def drawn(table: str, days: range) -> list[dict]:
    return [
        row
        for day in days
        for block in range(WORLD.blocks(table, day))
        for row in WORLD.block(table, day, block).to_pylist()
    ]


def answer(warehouse, query: str) -> list[dict]:
    return [dict(row.items()) for row in warehouse.query_and_wait(query)]


@pytest.fixture(scope="module")
def orders() -> list[dict]:
    return drawn("orders", DAYS)


@pytest.fixture(scope="module")
def products() -> dict[int, dict]:
    """The newest version of every product."""
    return {row["product_id"]: row for row in drawn("products", range(DAYS.stop))}


@pytest.mark.parametrize("view", views(), ids=lambda view: f"{view.dataset}.{view.name}")
def test_every_view_answers_and_says_what_it_is(loaded, view):
    (count,) = answer(loaded, f"SELECT COUNT(*) AS count_of_rows FROM {view.dataset}.{view.name}")
    assert (count["count_of_rows"] > 0) == (view.name != "dead_letters")
    assert view.description.endswith(".")
    assert "--" not in view.query


def test_views_come_after_those_that_they_read():
    seen: set[str] = set()
    names = {f"{view.dataset}.{view.name}" for view in views()}
    for view in views():
        read = {name for name in names if f"{name} " in f"{view.query} ".replace("\n", " ")}
        assert read <= seen, f"{view.name} reads {read - seen} before it is there"
        seen.add(f"{view.dataset}.{view.name}")


def test_daily_revenue(loaded, orders):
    expected, revenues = [], []
    for day, rows in groupby(orders, key=lambda order: order["created_at"].date()):
        of_day = list(rows)
        revenue = sum(row["subtotal"] - row["discount"] for row in of_day)
        revenues.append(revenue)
        expected.append(
            {
                "day": day,
                "orders": len(of_day),
                "customers": len({row["customer_id"] for row in of_day}),
                "units": sum(len(row["items"]) for row in of_day),
                "revenue": revenue,
                "discount": sum(row["discount"] for row in of_day),
                "average_order": (revenue / len(of_day)).quantize(CENT, ROUND_HALF_UP),
                "revenue_7_days": (sum(revenues) / len(revenues)).quantize(CENT, ROUND_HALF_UP),
            }
        )
    assert len(expected) == 3
    found = answer(loaded, "SELECT * FROM retail.daily_revenue ORDER BY day")
    averages = ("average_order", "revenue_7_days")
    assert [{name: Decimal(str(row[name])) for name in averages} for row in found] == [
        {name: row[name] for name in averages} for row in expected
    ]
    for row in found + expected:
        for name in averages:
            del row[name]
    assert found == expected


def test_product_performance(loaded, orders, products):
    sold = defaultdict(list)
    for order in orders:
        for item in order["items"]:
            sold[item["product_id"]].append(item | {"order_id": order["order_id"]})
    expected = {}
    for number, items in sold.items():
        product = products[number]
        expected[number] = {
            "product_id": number,
            **{name: product[name] for name in ("brand", "category", "department")},
            "product_name": product["name"],
            "units": len(items),
            "orders": len({item["order_id"] for item in items}),
            "revenue": sum(item["sale_price"] for item in items),
            "margin": sum(item["sale_price"] - product["cost"] for item in items),
        }
    found = {row.pop("product_id"): row for row in answer(loaded, "SELECT * FROM retail.product_performance")}
    assert found.keys() == expected.keys()
    for number, row in found.items():
        rank, rate = row.pop("category_rank"), row.pop("margin_rate")
        assert row | {"product_id": number} == expected[number]
        assert float(rate) == pytest.approx(float(row["margin"] / row["revenue"]), abs=5.1e-5)
        before = [
            other
            for other, its in expected.items()
            if its["category"] == row["category"] and (-its["revenue"], other) < (-row["revenue"], number)
        ]
        assert rank == len(before) + 1


def test_current_products_are_the_newest_versions(loaded, products):
    (found,) = answer(loaded, "SELECT COUNT(*) AS products, SUM(cost) AS cost FROM retail.current_products")
    assert found == {"products": len(products), "cost": sum(row["cost"] for row in products.values())}


def test_current_customers_are_the_newest_versions_whatever_their_partition(prepared, stage):
    template = drawn("customers", range(1))[0]

    def version(customer, number, month, city):
        when = datetime(2025, month, 1, tzinfo=UTC)
        return template | {"customer_id": customer, "version": number, "valid_from": when, "city": city}

    rows = {
        "202501": [version(1, 1, 1, "Mobile"), version(2, 1, 1, "Houston")],
        "202502": [version(1, 3, 2, "Chicago"), version(1, 2, 2, "Memphis")],
    }
    for month, of_month in rows.items():
        content = stage(tables.CUSTOMERS, month, of_month)
        finish(start(prepared, content), content)
    newest = "SELECT customer_id, version, city FROM retail.current_customers ORDER BY 1"
    assert [tuple(row.values()) for row in answer(prepared, newest)] == [(1, 3, "Chicago"), (2, 1, "Houston")]
    users = "SELECT id, city FROM thelook_ecommerce.users ORDER BY 1"
    assert [tuple(row.values()) for row in answer(prepared, users)] == [(1, "Chicago"), (2, "Houston")]


def test_dead_letters_are_those_of_every_table(prepared, stage):
    for table in tables.LAKE:
        letter = {
            "partition_date": date(2025, 11, 1),
            "table_name": table.name,
            **dict.fromkeys(("reason", "field", "expected", "actual", "file", "record"), "x"),
            "block_offset": 0,
            "row_in_block": 0,
        }
        letters = tables.dead_letters(table)
        partition = "20251101" if letters.partition.granularity == "DAY" else "202511"
        content = stage(letters, partition, [letter])
        finish(start(prepared, content), content)
    found = answer(prepared, "SELECT table_name FROM ops.dead_letters ORDER BY 1")
    assert [row["table_name"] for row in found] == sorted(table.name for table in tables.LAKE)


THELOOK = {
    "distribution_centers": "id name latitude longitude",
    "products": "id cost category name brand retail_price department sku distribution_center_id",
    "users": "id first_name last_name email age gender state street_address postal_code city country latitude "
    "longitude traffic_source created_at",
}
FLOATS = {"latitude", "longitude", "cost", "retail_price"}
INTEGERS = {"id", "age", "distribution_center_id"}


@pytest.mark.parametrize("view", THELOOK)
def test_thelooks_views_have_thelooks_columns_and_types(loaded, view):
    fields = loaded.get_table(f"thelook_ecommerce.{view}").schema
    assert [field.name for field in fields] == THELOOK[view].split()
    for field in fields:
        kind = "FLOAT" if field.name in FLOATS else "INTEGER" if field.name in INTEGERS else "STRING"
        assert field.field_type == ("TIMESTAMP" if field.name == "created_at" else kind), field.name


def test_thelooks_users_are_the_customers(loaded):
    names = THELOOK["users"].split()
    expected = [
        {name: row["customer_id" if name == "id" else name] for name in names} for row in drawn("customers", range(32))
    ]
    assert answer(loaded, "SELECT * FROM thelook_ecommerce.users ORDER BY id") == expected


def test_thelooks_products_cost_what_they_cost(loaded, products):
    found = answer(loaded, "SELECT id, cost, retail_price FROM thelook_ecommerce.products ORDER BY id LIMIT 50")
    assert [(row["id"], row["cost"], row["retail_price"]) for row in found] == [
        (number, float(products[number]["cost"]), float(products[number]["retail_price"])) for number in range(1, 51)
    ]

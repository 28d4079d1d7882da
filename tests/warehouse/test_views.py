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
def order_events() -> list[dict]:
    return drawn("order_events", DAYS)


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
            "margin": sum(item["sale_price"] - item["cost"] for item in items),
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


STATUS = {"shipped": "Shipped", "delivered": "Complete", "cancelled": "Cancelled", "returned": "Returned"}
EVENT_COLUMNS = ("shipped_at", "delivered_at", "cancelled_at", "returned_at", "carrier", "refund")


def followed(orders: list[dict], order_events: list[dict]) -> list[dict]:
    """Orders with what has become of them, event by event in the order in which it happened."""
    known = {order["order_id"]: order | dict.fromkeys(EVENT_COLUMNS) | {"status": "Processing"} for order in orders}
    for event in sorted(order_events, key=lambda event: event["occurred_at"]):
        if order := known.get(event["order_id"]):
            order[f"{event['event_type']}_at"] = event["occurred_at"]
            order["status"] = STATUS[event["event_type"]]
            order["carrier"] = event["carrier"] or order["carrier"]
            if event["event_type"] == "returned":
                order["refund"] = (order["refund"] or 0) + event["refund"]
    return sorted(known.values(), key=lambda order: order["order_id"])


def test_current_orders_are_the_orders_with_their_events(loaded, orders, order_events):
    expected = followed(orders, order_events)
    assert answer(loaded, "SELECT * FROM retail.current_orders ORDER BY order_id") == expected
    assert len({order["status"] for order in expected}) > 1


def test_current_orders_of_every_status(prepared, stage):
    """Forty days of a world, so that orders are delivered, and some cancelled and returned."""
    world, days = World(seed=42, scale=0.03), range(700, 740)
    orders, events = [], []
    for table, rows, key in ((tables.ORDERS, orders, "created_at"), (tables.ORDER_EVENTS, events, "occurred_at")):
        for day in days:
            of_day = world.block(table.name, day, 0).to_pylist()
            content = stage(table, f"{of_day[0][key]:%Y%m%d}", of_day)
            finish(start(prepared, content), content)
            rows += of_day
    expected = followed(orders, events)
    assert {order["status"] for order in expected} == {"Processing", *STATUS.values()}
    assert answer(prepared, "SELECT * FROM retail.current_orders ORDER BY order_id") == expected
    refunds = """
        SELECT order_id, SUM(item.sale_price) AS refund
        FROM retail.order_events AS event
        JOIN retail.orders USING (order_id)
        CROSS JOIN UNNEST(items) AS item
        WHERE item.order_item_id IN UNNEST(event.order_item_ids)
        GROUP BY order_id
        ORDER BY order_id
    """
    assert answer(prepared, refunds) == [
        {"order_id": order["order_id"], "refund": order["refund"]} for order in expected if order["refund"]
    ]


def test_current_products_and_thelooks_are_the_newest_versions_whatever_their_partition(prepared, stage):
    template = drawn("products", range(1))[0]

    def version(product, number, month, price):
        changed = {"retail_price": Decimal(price), "cost": Decimal(price) / 2}
        when = datetime(2025, month, 1, tzinfo=UTC)
        return template | {"product_id": product, "version": number, "valid_from": when} | changed

    rows = {
        "202501": [version(1, 1, 1, "10.00"), version(2, 1, 1, "20.00")],
        "202503": [version(1, 3, 3, "14.00")],
        "202502": [version(1, 2, 2, "12.00"), version(3, 1, 2, "30.00")],
    }
    for month, of_month in rows.items():
        content = stage(tables.PRODUCTS, month, of_month)
        finish(start(prepared, content), content)
    newest = "SELECT product_id, version, retail_price FROM retail.current_products ORDER BY 1"
    assert [tuple(row.values()) for row in answer(prepared, newest)] == [(1, 3, 14), (2, 1, 20), (3, 1, 30)]
    products = "SELECT id, retail_price, cost FROM thelook_ecommerce.products ORDER BY 1"
    assert [tuple(row.values()) for row in answer(prepared, products)] == [(1, 14, 7), (2, 20, 10), (3, 30, 15)]


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
    versions = drawn("customers", range(32))
    newest = {row["customer_id"]: row for row in sorted(versions, key=lambda row: row["version"])}
    expected = [
        {name: newest[number]["customer_id" if name == "id" else name] for name in names} for number in sorted(newest)
    ]
    assert answer(loaded, "SELECT * FROM thelook_ecommerce.users ORDER BY id") == expected
    assert len(expected) < len(versions), "some have moved or changed their address"


def test_thelooks_products_cost_what_they_cost(loaded, products):
    found = answer(loaded, "SELECT id, cost, retail_price FROM thelook_ecommerce.products ORDER BY id LIMIT 50")
    assert [(row["id"], row["cost"], row["retail_price"]) for row in found] == [
        (number, float(products[number]["cost"]), float(products[number]["retail_price"])) for number in range(1, 51)
    ]

"""theLook's seven tables: its columns and types to the letter, its words, and the rows that the world has."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from tests.warehouse.shop import answer
from tests.warehouse.thelook_world import EXPECTED, Row, lines, newest, thelook

__all__ = ["thelook"]

# Written by hand from bigquery-public-data.thelook_ecommerce; what is not named here is a STRING.
COLUMNS = {
    "distribution_centers": "id name latitude longitude distribution_center_geom",
    "events": "id user_id sequence_number session_id created_at ip_address city state postal_code browser "
    "traffic_source uri event_type",
    "inventory_items": "id product_id created_at sold_at cost product_category product_name product_brand "
    "product_retail_price product_department product_sku product_distribution_center_id",
    "order_items": "id order_id user_id product_id inventory_item_id status created_at shipped_at delivered_at "
    "returned_at sale_price",
    "orders": "order_id user_id status gender created_at returned_at shipped_at delivered_at num_of_item",
    "products": "id cost category name brand retail_price department sku distribution_center_id",
    "users": "id first_name last_name email age gender state street_address postal_code city country latitude "
    "longitude traffic_source created_at user_geom",
}
TYPES = {
    "FLOAT64": "latitude longitude cost retail_price product_retail_price sale_price",
    "GEOGRAPHY": "distribution_center_geom user_geom",
    "INT64": "id user_id order_id product_id inventory_item_id distribution_center_id product_distribution_center_id "
    "sequence_number num_of_item age",
    "TIMESTAMP": "created_at sold_at shipped_at delivered_at returned_at",
}
REST = {"INT64": "INTEGER", "FLOAT64": "FLOAT"}
STATUSES = {"Complete", "Cancelled", "Returned", "Processing", "Shipped"}


def type_of(column: str) -> str:
    return next((kind for kind, columns in TYPES.items() if column in columns.split()), "STRING")


def coordinates(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"POINT\((\S+) (\S+)\)", text)
    assert found, f"{text} is no point in well-known text"
    return float(found[1]), float(found[2])


@pytest.mark.parametrize("view", COLUMNS)
def test_columns_are_thelooks(thelook, view):
    expected = [(name, type_of(name)) for name in COLUMNS[view].split()]
    stored = thelook.get_table(f"thelook_ecommerce.{view}").schema
    found = thelook.query_and_wait(f"SELECT * FROM thelook_ecommerce.{view} LIMIT 1").schema
    for schema in (stored, found):
        types = [(field.name, field.field_type, field.mode) for field in schema]
        assert types == [(name, REST.get(kind, kind), "NULLABLE") for name, kind in expected]
    described = f"""
        SELECT column_name, data_type FROM thelook_ecommerce.INFORMATION_SCHEMA.COLUMNS
        WHERE table_name = '{view}' ORDER BY ordinal_position
    """
    assert [tuple(row.values()) for row in answer(thelook, described)] == expected


def test_thelook_has_these_tables_and_no_others(thelook):
    assert {table.table_id for table in thelook.list_tables("thelook_ecommerce")} == COLUMNS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("view", COLUMNS)
def test_rows_are_what_an_independent_computation_gives(thelook, view):
    key = COLUMNS[view].split()[0]
    found = answer(thelook, f"SELECT * FROM thelook_ecommerce.{view} ORDER BY {key}")
    for row in found:
        for name in TYPES["GEOGRAPHY"].split():
            if name in row:
                row[name] = coordinates(row[name])
    assert found == sorted(EXPECTED[view](), key=lambda row: row[key])
    assert len({row[key] for row in found}) == len(found) > 0


def test_statuses_are_thelooks_and_all_occur(thelook):
    for view in ("orders", "order_items"):
        found = answer(thelook, f"SELECT DISTINCT status FROM thelook_ecommerce.{view}")
        assert {row["status"] for row in found} == STATUSES, view


def test_statuses_agree_with_timestamps(thelook):
    """Which of the moments a status has, and that they follow each other."""
    moments = ("shipped_at", "delivered_at", "returned_at")
    known = {"Complete": 2, "Returned": 3, "Shipped": 1, "Cancelled": 0, "Processing": 0}
    for view in ("orders", "order_items"):
        for row in answer(thelook, f"SELECT * FROM thelook_ecommerce.{view}"):
            passed = [row["created_at"], *(row[name] for name in moments[: known[row["status"]]])]
            assert None not in passed, row
            assert passed == sorted(passed), row
            assert all(row[name] is None for name in moments[known[row["status"]] :]), row


def test_a_partly_returned_order_has_complete_lines(thelook):
    query = """
        SELECT o.status, COUNTIF(i.status = 'Returned') AS returned, COUNTIF(i.status = 'Complete') AS complete,
          COUNT(*) AS items, MIN(i.returned_at) = MIN(o.returned_at) AS at_once
        FROM thelook_ecommerce.orders AS o
        JOIN thelook_ecommerce.order_items AS i USING (order_id)
        GROUP BY o.order_id, o.status
        HAVING returned > 0
    """
    orders = answer(thelook, query)
    assert {order["status"] for order in orders} == {"Returned"}
    assert all(order["returned"] + order["complete"] == order["items"] and order["at_once"] for order in orders)
    assert {order["complete"] > 0 for order in orders} == {True, False}, "some come back whole and some do not"


def test_num_of_item_counts_the_items(thelook):
    query = """
        SELECT COUNT(*) AS orders, COUNTIF(num_of_item = items) AS agree, MAX(num_of_item) AS most
        FROM thelook_ecommerce.orders
        FULL JOIN (SELECT order_id, COUNT(*) AS items FROM thelook_ecommerce.order_items GROUP BY order_id)
        USING (order_id)
    """
    (found,) = answer(thelook, query)
    assert found["agree"] == found["orders"] > 0
    assert found["most"] > 1


REFERENCES = [
    ("products", "distribution_center_id", "distribution_centers", "id"),
    ("inventory_items", "product_id", "products", "id"),
    ("inventory_items", "product_distribution_center_id", "distribution_centers", "id"),
    ("orders", "user_id", "users", "id"),
    ("order_items", "order_id", "orders", "order_id"),
    ("order_items", "user_id", "users", "id"),
    ("order_items", "product_id", "products", "id"),
    ("order_items", "inventory_item_id", "inventory_items", "id"),
    ("events", "user_id", "users", "id"),
]


@pytest.mark.parametrize(("child", "column", "parent", "key"), REFERENCES, ids=[f"{r[0]}.{r[1]}" for r in REFERENCES])
def test_nothing_refers_to_what_is_not_there(thelook, child, column, parent, key):
    query = f"""
        SELECT COUNT(child.{column}) AS referring, COUNT(parent.{key}) AS found
        FROM thelook_ecommerce.{child} AS child
        LEFT JOIN thelook_ecommerce.{parent} AS parent ON child.{column} = parent.{key}
    """
    (counts,) = answer(thelook, query)
    assert counts["found"] == counts["referring"] > 0


def test_an_item_is_of_the_unit_and_the_user_of_its_order(thelook):
    query = """
        SELECT COUNT(*) AS items,
          COUNTIF(i.product_id = u.product_id AND i.created_at = u.sold_at AND u.created_at < u.sold_at) AS units,
          COUNTIF(i.user_id = o.user_id AND i.created_at = o.created_at) AS orders,
          COUNTIF(o.gender = c.gender AND c.created_at < o.created_at) AS users
        FROM thelook_ecommerce.order_items AS i
        JOIN thelook_ecommerce.inventory_items AS u ON u.id = i.inventory_item_id
        JOIN thelook_ecommerce.orders AS o USING (order_id)
        JOIN thelook_ecommerce.users AS c ON c.id = o.user_id
    """
    (found,) = answer(thelook, query)
    assert set(found.values()) == {sum(1 for _ in lines())}


# Queries as the public writes them, under the public dataset's own name.


def test_public_query_revenue_and_returns_by_category(thelook):
    query = """
        SELECT p.category, ROUND(SUM(oi.sale_price), 2) AS revenue,
          COUNTIF(oi.status = 'Returned') / COUNT(*) AS return_rate
        FROM `bigquery-public-data.thelook_ecommerce.order_items` oi
        JOIN `bigquery-public-data.thelook_ecommerce.products` p ON oi.product_id = p.id
        WHERE oi.status NOT IN ('Cancelled') AND DATE(oi.created_at) < '2020-01-01'
        GROUP BY 1
        ORDER BY revenue DESC
    """
    products = newest("products", "product_id")
    by_category: dict[str, list[Row]] = {}
    for item in EXPECTED["order_items"]():
        if item["status"] != "Cancelled" and item["created_at"].year < 2020:
            by_category.setdefault(products[item["product_id"]]["category"], []).append(item)
    found = {row["category"]: row for row in answer(thelook, query)}
    assert found.keys() == by_category.keys()
    for category, items in by_category.items():
        assert found[category]["revenue"] == pytest.approx(sum(item["sale_price"] for item in items))
        returned = sum(item["status"] == "Returned" for item in items)
        assert found[category]["return_rate"] == pytest.approx(returned / len(items))


def test_public_query_nearest_distribution_center(thelook):
    query = """
        SELECT u.id AS user_id,
          ARRAY_AGG(dc.name ORDER BY ST_DISTANCE(u.user_geom, dc.distribution_center_geom) LIMIT 1)[OFFSET(0)] AS name,
          MIN(ST_DISTANCE(u.user_geom, dc.distribution_center_geom)) / 1000 AS kilometres
        FROM `bigquery-public-data.thelook_ecommerce.users` AS u
        CROSS JOIN `bigquery-public-data.thelook_ecommerce.distribution_centers` AS dc
        WHERE u.country = 'United States'
        GROUP BY user_id
    """
    centers = list(EXPECTED["distribution_centers"]())
    users = {user["id"]: user for user in EXPECTED["users"]() if user["country"] == "United States"}
    found = {row["user_id"]: row for row in answer(thelook, query)}
    assert found.keys() == users.keys()
    for number, user in users.items():
        distance, name = min((_kilometres(user, center), center["name"]) for center in centers)
        assert found[number]["kilometres"] == pytest.approx(distance, rel=1e-9, abs=1e-6)
        assert found[number]["name"] == name


def _kilometres(one: Row, other: Row) -> float:
    """Along a great circle, by the angle between the two places as seen from the Earth's centre."""
    a, b = _direction(one), _direction(other)
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return 6371.01 * math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))


def _direction(place: dict[str, Any]) -> tuple[float, float, float]:
    longitude, latitude = math.radians(place["longitude"]), math.radians(place["latitude"])
    return math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude)

"""Rows that break rules become dead letters, in days written by hand; the others load."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from google.cloud import bigquery

from beam_pipelines import lake, tables
from beam_pipelines.schema import Table
from beam_pipelines.world import World, day_number
from tests.pipelines.load_lakes import days, write_day
from tests.pipelines.loaded import query

WORLD = World(seed=42, scale=0.01)
HOPELESS, DAY, LAUNCH = date(2019, 1, 1), date(2019, 1, 2), date(2019, 1, 3)
"""Days of whose orders none is good, some are not, and some are of products that change on that day."""

REASONS = [
    ("required", "order_id", "None"),
    ("required", "created_at", "None"),
    ("equation", "total", None),
    ("references", "items.product_id", "1000000000"),
    ("required", "items.product_id", "None"),
    ("values", "channel", "fax"),
]
ANNOUNCED = 10**6


def drawn(table: Table, day: date) -> list[dict]:
    return WORLD.block(table.name, day_number(day), 0).to_pylist()


def broken(rows: list[dict]) -> list[dict]:
    """Orders of which the first six are each broken in a way of its own."""
    rows[0]["order_id"] = None
    rows[1]["created_at"] = None
    rows[2]["total"] += Decimal("0.01")
    rows[3]["items"][0]["product_id"] = 10**9
    rows[4]["items"][0]["product_id"] = None
    rows[5]["channel"] = "fax"
    return rows


@pytest.fixture(scope="module")
def good() -> list[dict]:
    """The orders of the day of which some are broken that are not."""
    return drawn(tables.ORDERS, DAY)[len(REASONS) :]


@pytest.fixture(scope="module")
def launch_orders() -> list[dict]:
    """Orders of a product that is launched with the second of them, and then of one whose prices change."""
    orders, product = drawn(tables.ORDERS, LAUNCH), drawn(tables.PRODUCTS, HOPELESS)[0]
    for number, order in enumerate(orders):
        order["items"][0]["product_id"] = ANNOUNCED if number < 2 else product["product_id"]
    return orders


def write_launches(root: Path, orders: list[dict]) -> None:
    """Version 2 takes effect at the moment of the fifth order, version 3 just behind that of the seventh."""
    product, times = drawn(tables.PRODUCTS, HOPELESS)[0], [order["created_at"] for order in orders]
    changes = [(2, times[4], "Second"), (3, times[6] + timedelta(microseconds=1), "Third")]
    rows = [product | {"version": number, "valid_from": at, "brand": brand} for number, at, brand in changes]
    soon = {"valid_from": datetime(2019, 1, 3, tzinfo=UTC), "launched_at": times[1], "sku": "SOON"}
    write_day(root, tables.PRODUCTS, LAUNCH, [*rows, product | soon | {"product_id": ANNOUNCED}], WORLD)
    write_day(root, tables.ORDERS, LAUNCH, orders, WORLD)


def write_broken_days(root: Path) -> None:
    write_day(root, tables.ORDERS, HOPELESS, broken(drawn(tables.ORDERS, HOPELESS))[: len(REASONS)], WORLD)
    write_day(root, tables.ORDERS, DAY, broken(drawn(tables.ORDERS, DAY)), WORLD)
    customers = drawn(tables.CUSTOMERS, DAY)
    customers[0]["valid_from"] = customers[0]["valid_from"].replace(year=2018)
    write_day(root, tables.CUSTOMERS, DAY, customers, WORLD)
    events = drawn(tables.ORDER_EVENTS, DAY)
    events[0]["order_item_ids"] = [1, 0]
    events[1]["refund"] = Decimal("-1.00")
    write_day(root, tables.ORDER_EVENTS, DAY, events, WORLD)
    clicks = drawn(tables.WEB_EVENTS, DAY)
    clicks[7]["customer_id"] = 0
    write_day(root, tables.WEB_EVENTS, DAY, clicks, WORLD)


@pytest.fixture(scope="module")
def refused(tmp_path_factory, generate, load, connected, launch_orders) -> Iterator[bigquery.Client]:
    """A warehouse into which all of these days are loaded, not to be changed."""
    root = tmp_path_factory.mktemp("broken")
    generate(root, *days(HOPELESS, LAUNCH))
    write_broken_days(root)
    write_launches(root, launch_orders)
    with connected(tmp_path_factory.mktemp("refused") / "warehouse.duckdb") as client:
        load(root, *days(HOPELESS, LAUNCH))
        yield client


def test_broken_orders_become_dead_letters_and_the_others_load(refused, good):
    letters = query(
        refused,
        "SELECT row_in_block, reason, field, actual, table_name, file, block_length, block_offset > 0 "
        f"FROM ops.dead_letters WHERE table_name = 'orders' AND partition_date = '{DAY}' ORDER BY 1",
    )
    for row, (reason, field, actual) in enumerate(REASONS):
        assert letters[row][:3] == (row, reason, field)
        assert actual is None or letters[row][3] == actual
        assert letters[row][4:] == ("orders", f"orders/dt={DAY}/part-00000-of-00001.avro", None, True)
    assert len(letters) == len(REASONS)
    of_day = f"WHERE DATE(created_at) = '{DAY}'"
    assert query(refused, f"SELECT order_id FROM retail.orders {of_day} ORDER BY 1") == [
        (row["order_id"],) for row in good
    ]
    units, revenue = sum(len(row["items"]) for row in good), sum(row["subtotal"] - row["discount"] for row in good)
    sales = f"SELECT SUM(units), SUM(revenue) FROM retail.daily_sales WHERE day = '{DAY}'"
    assert query(refused, sales) == [(units, revenue)]
    assert query(refused, f"SELECT COUNT(*), SUM(sale_price) FROM retail.order_items {of_day}") == [(units, revenue)]


def test_a_dead_letter_holds_its_record(refused):
    found = query(refused, f"SELECT record FROM ops.dead_letters WHERE field = 'channel' AND partition_date = '{DAY}'")
    record, order = json.loads(found[0][0]), drawn(tables.ORDERS, DAY)[5]
    assert (record["order_id"], record["channel"]) == (order["order_id"], "fax")
    assert [Decimal(item["sale_price"]) for item in record["items"]] == [item["sale_price"] for item in order["items"]]


def test_a_day_of_broken_orders_only_has_letters_and_nothing_else(refused):
    for table, column in (("orders", "DATE(created_at)"), ("order_items", "DATE(created_at)"), ("daily_sales", "day")):
        assert query(refused, f"SELECT COUNT(*) FROM retail.{table} WHERE {column} = '{HOPELESS}'") == [(0,)]
    lines = (
        "SELECT table_name, files, rows_in, rows_refused, rows_loaded, job_id FROM ops.partition_loads "
        f"WHERE partition_date = '{HOPELESS}' AND table_name IN ('orders', 'order_items', 'daily_sales') ORDER BY 1"
    )
    orders = ("orders", 1, len(REASONS), len(REASONS), 0, None)
    assert query(refused, lines) == [("daily_sales", 0, 0, 0, 0, None), ("order_items", 0, 0, 0, 0, None), orders]
    assert query(
        refused,
        f"SELECT COUNT(*) FROM ops.dead_letters WHERE table_name = 'orders' AND partition_date = '{HOPELESS}'",
    ) == [(len(REASONS),)]


def test_customers_of_another_month_are_refused_without_touching_the_others(refused):
    assert query(
        refused, "SELECT reason, field, partition_date FROM ops.dead_letters WHERE table_name = 'customers'"
    ) == [("partition", "valid_from", date(2019, 1, 1))]
    january = sum(WORLD.rows("customers", day) for day in range(3))
    assert query(refused, "SELECT COUNT(*) FROM retail.customers") == [(january - 1,)]


def test_events_that_break_a_rule_become_dead_letters(refused):
    letters = "SELECT table_name, row_in_block, field, actual FROM ops.dead_letters"
    assert query(refused, f"{letters} WHERE table_name IN ('order_events', 'web_events') ORDER BY 1, 2") == [
        ("order_events", 0, "order_item_ids", "0"),
        ("order_events", 1, "refund", "-1.00"),
        ("web_events", 7, "customer_id", "0"),
    ]
    for table, broken_rows in ((tables.ORDER_EVENTS, 2), (tables.WEB_EVENTS, 1)):
        found = query(refused, f"SELECT COUNT(*) FROM retail.{table.name} WHERE DATE(occurred_at) = '{DAY}'")
        assert found == [(len(drawn(table, DAY)) - broken_rows,)]


def test_a_line_has_the_product_version_of_its_moment(refused, launch_orders):
    lines = {
        row[0]: row[1:]
        for row in query(refused, "SELECT order_item_id, product_version, brand FROM retail.order_items")
    }
    found = [lines[order["items"][0]["order_item_id"]] for order in launch_orders[2:]]
    brand, later = drawn(tables.PRODUCTS, HOPELESS)[0]["brand"], [(3, "Third")] * (len(launch_orders) - 7)
    assert len(later) > 0
    assert found == [(1, brand)] * 2 + [(2, "Second")] * 3 + later
    product = launch_orders[2]["items"][0]["product_id"]
    assert query(refused, f"SELECT version, brand FROM retail.current_products WHERE product_id = {product}") == [
        (3, "Third")
    ]


def test_an_order_of_a_product_that_is_only_announced_is_refused(refused, launch_orders):
    letters = "SELECT row_in_block, reason, field, expected, actual FROM ops.dead_letters"
    assert query(refused, f"{letters} WHERE table_name = 'orders' AND partition_date = '{LAUNCH}'") == [
        (0, "references", "items.product_id", "a product launched before the order", str(ANNOUNCED))
    ]
    launched = launch_orders[1]["order_id"]
    assert query(refused, f"SELECT COUNT(*) FROM retail.orders WHERE order_id = {launched}") == [(1,)]


def test_each_refused_row_is_in_the_line_of_its_partition(refused):
    lines = "SELECT table_name, partition_date, rows_refused FROM ops.partition_loads WHERE rows_refused > 0"
    letters = "SELECT table_name, partition_date FROM ops.dead_letters"
    assert {row[:2]: row[2] for row in query(refused, lines)} == Counter(query(refused, letters))


def test_a_manifest_with_another_sum_fails_the_load(tmp_path, warehouse, load, generate, load_jobs):
    generate(tmp_path, *days(HOPELESS))
    path = tmp_path / "orders" / f"dt={HOPELESS}" / lake.MANIFEST
    known = json.loads(path.read_text())
    known["files"][0]["sums"]["total"] = "1.00"
    path.write_text(json.dumps(known))
    with pytest.raises(Exception, match=r"part-00000-of-00001\.avro: expected a sum of 1\.00 in total, found"):
        load(tmp_path, *days(HOPELESS))
    assert load_jobs(warehouse) == []

"""Every rule of orders and customers, broken alone in one row, is found there and nowhere else."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines import tables
from beam_pipelines.transforms.partitions import LONGEST_LATENESS, Dates
from beam_pipelines.transforms.references import DayKey, LastKeys
from beam_pipelines.transforms.validation import findings
from beam_pipelines.world import World, day_number

DAY = date(2025, 11, 28)
DAYS = np.arange(DAY.toordinal() - 60, DAY.toordinal() + 60)
"""Days of the lake."""

ROW = 17
"""The row that the tests break."""

CENT = Decimal("0.01")


def set_at(row: dict[str, Any], path: str, value: Any) -> None:
    """Sets a column, or a field of the last item; a callable gets the old value."""
    name, _, field = path.partition(".")
    holder, name = (row[name][-1], field) if field else (row, name)
    holder[name] = value(holder[name]) if callable(value) else value


ANYTHING = LastKeys([])
"""By these, no number leads nowhere."""


def judged(table, batch, last_keys=ANYTHING, landed=DAY, days=DAYS):
    """The findings about rows that landed on a day."""
    return findings(table, batch, Dates(table, batch, landed, days), last_keys)


def found_in(table, batch, last_keys=ANYTHING):
    """Reason, field, expected and actual of every finding about ROW, and the rows that have any."""
    found = judged(table, batch, last_keys)
    rows = sorted({int(row) for finding in found for row in np.flatnonzero(finding.rows)})
    return [(f.reason, f.field, f.expected, f.actual(ROW)) for f in found if f.rows[ROW]], rows


def one_of(values):
    return f"one of {', '.join(values)}"


LATEST = "a time on a day of the lake from 2025-10-28 to 2025-11-28"
SINGLE_ORDER_RULES = [
    ("order_id", 0, ("range", "order_id", "at least 1", "0")),
    ("order_id", None, ("required", "order_id", "a value", "None")),
    ("customer_id", -5, ("range", "customer_id", "at least 1", "-5")),
    ("customer_id", None, ("required", "customer_id", "a value", "None")),
    ("channel", "fax", ("values", "channel", one_of(tables.CHANNELS), "fax")),
    ("channel", "", ("values", "channel", one_of(tables.CHANNELS), "")),
    ("channel", None, ("required", "channel", "a value", "None")),
    ("payment_method", "Card", ("values", "payment_method", one_of(tables.PAYMENT_METHODS), "Card")),
    ("payment_method", None, ("required", "payment_method", "a value", "None")),
    ("country", "Brazil", ("values", "country", one_of(tables.COUNTRIES), "Brazil")),
    ("country", None, ("required", "country", "a value", "None")),
    ("items.order_item_id", 0, ("range", "items.order_item_id", "at least 1", "0")),
    ("items.order_item_id", None, ("required", "items.order_item_id", "a value", "None")),
    ("items.product_id", -1, ("range", "items.product_id", "at least 1", "-1")),
    ("items.product_id", None, ("required", "items.product_id", "a value", "None")),
    (
        "created_at",
        datetime(2025, 11, 29, tzinfo=UTC),
        ("partition", "created_at", LATEST, "2025-11-29 00:00:00+00:00"),
    ),
    (
        "created_at",
        datetime(2025, 10, 27, 23, 59, 59, 999_999, tzinfo=UTC),
        ("partition", "created_at", LATEST, "2025-10-27 23:59:59.999999+00:00"),
    ),
]


@pytest.mark.parametrize(("path", "value", "expected"), SINGLE_ORDER_RULES)
def test_a_broken_rule_of_orders_is_found_in_its_row_alone(orders, batch_of, path, value, expected):
    set_at(orders[ROW], path, value)
    assert found_in(tables.ORDERS, batch_of(tables.ORDERS, orders)) == ([expected], [ROW])


SINGLE_CUSTOMER_RULES = [
    *((column.name, None, ("required", column.name, "a value", "None"))
      for column in tables.CUSTOMERS.columns if column.name != "valid_from"),
    ("customer_id", 0, ("range", "customer_id", "at least 1", "0")),
    ("version", 0, ("range", "version", "at least 1", "0")),
    ("age", 11, ("range", "age", "at least 12 and at most 70", "11")),
    ("age", 71, ("range", "age", "at least 12 and at most 70", "71")),
    ("latitude", 90.5, ("range", "latitude", "at least -90 and at most 90", "90.5")),
    ("latitude", float("nan"), ("range", "latitude", "at least -90 and at most 90", "nan")),
    ("longitude", float("-inf"), ("range", "longitude", "at least -180 and at most 180", "-inf")),
    ("gender", "f", ("values", "gender", "one of F, M", "f")),
    ("country", "USA", ("values", "country", one_of(tables.COUNTRIES), "USA")),
    ("traffic_source", "Radio", ("values", "traffic_source", one_of(tables.TRAFFIC_SOURCES), "Radio")),
    (
        "valid_from",
        datetime(2025, 12, 1, tzinfo=UTC),
        ("partition", "valid_from", LATEST, "2025-12-01 00:00:00+00:00"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), SINGLE_CUSTOMER_RULES)
def test_a_broken_rule_of_customers_is_found_in_its_row_alone(customers, batch_of, path, value, expected):
    set_at(customers[ROW], path, value)
    assert found_in(tables.CUSTOMERS, batch_of(tables.CUSTOMERS, customers)) == ([expected], [ROW])


SINGLE_RULES = [
    (tables.INVENTORY_ITEMS, "cost", None, ("required", "cost", "a value", "None")),
    (tables.INVENTORY_ITEMS, "cost", -CENT, ("range", "cost", "at least 0", "-0.01")),
    (tables.INVENTORY_ITEMS, "product_id", 0, ("range", "product_id", "at least 1", "0")),
    (tables.ORDER_EVENTS, "refund", -CENT, ("range", "refund", "at least 0", "-0.01")),
    (tables.ORDER_EVENTS, "carrier", "Pigeon", ("values", "carrier", one_of(tables.CARRIERS), "Pigeon")),
    (tables.ORDER_EVENTS, "event_type", "lost", ("values", "event_type", one_of(tables.ORDER_EVENT_TYPES), "lost")),
    (tables.ORDER_EVENTS, "event_type", None, ("required", "event_type", "a value", "None")),
    (tables.ORDER_EVENTS, "order_item_ids", [17, 0, -3], ("range", "order_item_ids", "at least 1", "0")),
    (tables.WEB_EVENTS, "customer_id", 0, ("range", "customer_id", "at least 1", "0")),
    (tables.WEB_EVENTS, "product_id", -1, ("range", "product_id", "at least 1", "-1")),
    (tables.WEB_EVENTS, "order_id", -(2**62), ("range", "order_id", "at least 1", str(-(2**62)))),
    (tables.WEB_EVENTS, "sequence_number", None, ("required", "sequence_number", "a value", "None")),
    (tables.WEB_EVENTS, "browser", "Lynx", ("values", "browser", one_of(tables.BROWSERS), "Lynx")),
]


@pytest.mark.parametrize(("table", "column", "value", "expected"), SINGLE_RULES)
def test_a_broken_rule_is_found_in_its_row_alone(rows_of, batch_of, table, column, value, expected):
    rows = rows_of(table)
    rows[ROW][column] = value
    assert found_in(table, batch_of(table, rows)) == ([expected], [ROW])
    # In a slice nulls, numbers and items begin in the middle of their buffers.
    (finding,) = judged(table, batch_of(table, rows).slice(ROW - 2, 9))
    assert (np.flatnonzero(finding.rows).tolist(), finding.actual(2)) == ([2], expected[3])


@pytest.mark.parametrize(
    ("table", "valid"),
    [
        (tables.WEB_EVENTS, {"customer_id": None, "product_id": None, "order_id": None}),
        (tables.WEB_EVENTS, {"customer_id": 1, "product_id": 2**53 + 1, "order_id": 2**63 - 1}),
        (tables.ORDER_EVENTS, {"carrier": None, "refund": None, "order_item_ids": []}),
        (tables.ORDER_EVENTS, {"carrier": "UPS", "refund": Decimal("0.00"), "order_item_ids": [1, 2**63 - 1]}),
    ],
)
def test_what_may_be_missing_may_be_there_too(rows_of, batch_of, table, valid):
    rows = rows_of(table)
    rows[ROW] |= valid
    assert found_in(table, batch_of(table, rows)) == ([], [])
    assert found_in(table, batch_of(table, [row | valid for row in rows])) == ([], [])


@pytest.mark.parametrize(("column", "value"), [("age", 12), ("age", 70), ("latitude", -90.0), ("longitude", 180.0)])
def test_bounds_themselves_are_valid(customers, batch_of, column, value):
    customers[ROW][column] = value
    assert found_in(tables.CUSTOMERS, batch_of(tables.CUSTOMERS, customers)) == ([], [])


def test_a_missing_time_is_required_and_nothing_else(orders, batch_of):
    orders[ROW]["created_at"] = None
    found, rows = found_in(tables.ORDERS, batch_of(tables.ORDERS, orders))
    assert [finding[:2] for finding in found] == [("required", "created_at")]
    assert rows == [ROW]


TOTALS = "total = subtotal + shipping + tax - discount"


@pytest.mark.parametrize("cents", [1, -1, 100])
def test_a_total_that_does_not_add_up_is_found_to_the_cent(orders, batch_of, cents):
    right = orders[ROW]["total"]
    orders[ROW]["total"] += cents * CENT
    actual = f"{right + cents * CENT}, not {right}"
    assert found_in(tables.ORDERS, batch_of(tables.ORDERS, orders)) == ([("equation", "total", TOTALS, actual)], [ROW])


@pytest.mark.parametrize(("left", "part"), [("subtotal", "retail_price"), ("discount", "discount")])
def test_items_that_do_not_add_up_are_found(orders, batch_of, left, part):
    right = orders[ROW][left]
    orders[ROW][left] += CENT
    orders[ROW]["total"] += CENT if left == "subtotal" else -CENT
    found = found_in(tables.ORDERS, batch_of(tables.ORDERS, orders))
    expected = ("equation", left, f"{left} = items.{part}", f"{right + CENT}, not {right}")
    assert found == ([expected], [ROW])


def test_an_items_own_equation_is_about_the_first_item_that_breaks_it(orders, batch_of):
    items = [item | {"order_item_id": item["order_item_id"] + i} for item in orders[ROW]["items"][:1] for i in range(3)]
    good = items[0]
    money = {"retail_price": good["retail_price"] * 3, "discount": good["discount"] * 3}
    orders[ROW] |= {"items": items, "subtotal": money["retail_price"], "discount": money["discount"]}
    orders[ROW]["total"] = money["retail_price"] - money["discount"] + orders[ROW]["shipping"] + orders[ROW]["tax"]
    right = good["sale_price"]
    items[1]["sale_price"] = right + 2 * CENT
    items[2]["sale_price"] = right + 5 * CENT
    expected = (
        "equation",
        "items.sale_price",
        "items.sale_price = items.retail_price - items.discount",
        f"{right + 2 * CENT}, not {right}",
    )
    assert found_in(tables.ORDERS, batch_of(tables.ORDERS, orders)) == ([expected], [ROW])


@pytest.mark.parametrize("column", ["subtotal", "discount", "shipping", "tax", "total"])
@pytest.mark.parametrize("value", [None, Decimal("-0.01"), Decimal("-9999999999.99")])
def test_missing_or_negative_money_is_reported_before_the_equations(orders, batch_of, column, value):
    orders[ROW][column] = value
    found, rows = found_in(tables.ORDERS, batch_of(tables.ORDERS, orders))
    rule = ("required", column, "a value") if value is None else ("range", column, "at least 0")
    assert found[0] == (*rule, str(value))
    assert {finding[0] for finding in found[1:]} <= {"equation"}
    assert rows == [ROW]


def test_several_rules_are_found_in_the_order_of_the_columns(orders, batch_of):
    orders[ROW] |= {"channel": "fax", "order_id": 0, "total": orders[ROW]["total"] + 1}
    orders[ROW]["items"][-1]["product_id"] = None
    found, rows = found_in(tables.ORDERS, batch_of(tables.ORDERS, orders))
    assert [finding[1] for finding in found] == ["order_id", "channel", "items.product_id", "total"]
    assert rows == [ROW]


def test_an_order_without_items_must_not_cost_anything(orders, batch_of):
    orders[ROW]["items"] = []
    found, rows = found_in(tables.ORDERS, batch_of(tables.ORDERS, orders))
    assert ("equation", "subtotal") in [finding[:2] for finding in found]
    assert rows == [ROW]


@pytest.mark.parametrize("start", [0, 1, ROW - 1, ROW])
def test_a_slice_is_judged_by_its_own_rows(orders, batch_of, start):
    orders[ROW]["channel"] = None
    orders[ROW]["items"][-1]["product_id"] = 0
    orders[ROW]["tax"] += CENT
    sliced = batch_of(tables.ORDERS, orders).slice(start, 20)
    found = judged(tables.ORDERS, sliced)
    assert [(finding.reason, finding.field) for finding in found] == [
        ("required", "channel"),
        ("range", "items.product_id"),
        ("equation", "total"),
    ]
    for finding in found:
        assert np.flatnonzero(finding.rows).tolist() == [ROW - start]
        assert len(finding.rows) == 20
    assert found[1].actual(ROW - start) == "0"


@pytest.mark.parametrize("table", [tables.ORDERS, tables.CUSTOMERS])
def test_an_empty_batch_has_no_findings(batch_of, table):
    assert judged(table, batch_of(table, [])) == []


@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
@pytest.mark.parametrize("day", [date(2019, 1, 1), date(2019, 3, 31), DAY, date(2026, 1, 1)])
def test_days_of_the_world_break_no_rule(table, day):
    world, number = World(seed=7, scale=0.3), day_number(day)
    for block in range(min(world.blocks(table.name, number), 2)):
        found = judged(table, world.block(table.name, number, block), landed=day, days=np.array([day.toordinal()]))
        assert [(f.reason, f.field, f.actual(int(f.rows.argmax()))) for f in found] == []


def test_unknown_values_are_found_among_dictionary_encoded_ones(black_friday):
    column = black_friday.column("channel")
    codes = column.indices.to_numpy().copy()
    codes[5] = len(column.dictionary)
    values = pa.array([*column.dictionary.to_pylist(), "fax"])
    mask = np.zeros(len(codes), bool)
    mask[6] = True
    changed = pa.DictionaryArray.from_arrays(pa.array(codes, mask=mask), values)
    at = black_friday.schema.get_field_index("channel")
    batch = black_friday.set_column(at, pa.field("channel", changed.type), changed)
    found = judged(tables.ORDERS, batch)
    assert [(finding.reason, np.flatnonzero(finding.rows).tolist()) for finding in found] == [
        ("required", [6]),
        ("values", [5]),
    ]


def test_rows_without_a_partition_column_may_be_of_any_time(batch_of):
    rows = World(seed=42).block("distribution_centers", 0, 0).to_pylist()
    batch = batch_of(tables.DISTRIBUTION_CENTERS, rows)
    assert judged(tables.DISTRIBUTION_CENTERS, batch) == []


@pytest.mark.parametrize("microsecond", [0, 86_399_999_999])
def test_a_day_holds_its_first_and_its_last_microsecond(orders, batch_of, microsecond):
    orders[ROW]["created_at"] = datetime(2025, 11, 28, tzinfo=UTC) + timedelta(microseconds=microsecond)
    assert found_in(tables.ORDERS, batch_of(tables.ORDERS, orders)) == ([], [])


def test_a_time_on_another_day_of_the_lake_is_valid_up_to_the_longest_lateness(orders, batch_of):
    for late in range(LONGEST_LATENESS + 1):
        orders[late]["created_at"] -= timedelta(late)
    assert judged(tables.ORDERS, batch_of(tables.ORDERS, orders)) == []
    there = np.array([DAY.toordinal() - 3, DAY.toordinal()])
    (finding,) = judged(tables.ORDERS, batch_of(tables.ORDERS, orders), days=there)
    assert (finding.reason, finding.field) == ("partition", "created_at")
    assert np.flatnonzero(finding.rows).tolist() == [late for late in range(1, LONGEST_LATENESS + 1) if late != 3]


FAR = "a time in the years 1 to 9999"


@pytest.mark.parametrize("microseconds", [2**63 - 1, -(2**63), 253_402_300_800_000_000, -62_135_596_800_000_001])
def test_a_moment_that_no_calendar_knows_is_found_and_told_as_a_number(rows_of, batch_of, microseconds):
    batch = batch_of(tables.INVENTORY_ITEMS, rows_of(tables.INVENTORY_ITEMS))
    at = batch.schema.get_field_index("created_at")
    moments = batch.column(at).cast(pa.int64()).to_numpy().copy()
    moments[ROW] = microseconds
    batch = batch.set_column(at, batch.schema.field(at), pa.array(moments).cast(batch.schema.field(at).type))
    found, rows = found_in(tables.INVENTORY_ITEMS, batch)
    assert found[0] == ("range", "created_at", FAR, f"{microseconds} microseconds since 1970")
    assert [finding[0] for finding in found] == ["range", "partition"]
    assert rows == [ROW]


@pytest.mark.parametrize("year", [1, 9999])
def test_a_moment_that_a_calendar_knows_is_in_range(customers, batch_of, year):
    customers[ROW]["created_at"] = datetime(year, 1, 1, tzinfo=UTC)
    found, _ = found_in(tables.CUSTOMERS, batch_of(tables.CUSTOMERS, customers))
    assert [finding[:2] for finding in found] == ([] if year == 1 else [("time_order", "valid_from")])


def test_a_version_that_is_valid_before_its_customer_signed_up_is_found(customers, batch_of):
    valid_from = customers[ROW]["valid_from"]
    customers[ROW]["created_at"] = valid_from + timedelta(microseconds=1)
    customers[ROW + 1]["created_at"] = customers[ROW + 1]["valid_from"]
    expected = ("time_order", "valid_from", "a time not before created_at", str(valid_from))
    assert found_in(tables.CUSTOMERS, batch_of(tables.CUSTOMERS, customers)) == ([expected], [ROW])


def up_to(table: str, number: int, day: date = DAY) -> LastKeys:
    """The table's last number on a day; on those before, it had one less."""
    return LastKeys([DayKey(table, day.toordinal() - 60, number - 1), DayKey(table, day.toordinal(), number)])


REFERENCES = [
    (tables.ORDERS, "customer_id", "customers"),
    (tables.ORDERS, "items.product_id", "products"),
    (tables.ORDERS, "items.inventory_item_id", "inventory_items"),
    (tables.ORDER_EVENTS, "order_id", "orders"),
    (tables.INVENTORY_ITEMS, "product_id", "products"),
    (tables.INVENTORY_ITEMS, "distribution_center_id", "distribution_centers"),
    (tables.WEB_EVENTS, "customer_id", "customers"),
    (tables.WEB_EVENTS, "product_id", "products"),
    (tables.WEB_EVENTS, "order_id", "orders"),
]


@pytest.mark.parametrize(("table", "path", "referred"), REFERENCES)
def test_a_number_above_the_last_of_its_day_leads_nowhere_and_none_below(rows_of, batch_of, table, path, referred):
    last, rows = 2**40, rows_of(table)
    set_at(rows[ROW - 1], path, last)
    set_at(rows[ROW], path, last + 1)
    set_at(rows[ROW + 1], path, last)
    rows[ROW + 1][table.partition.column] -= timedelta(1)
    found = judged(table, batch_of(table, rows), up_to(referred, last))
    assert [(finding.reason, finding.field, finding.expected) for finding in found] == [
        ("references", path, f"a number that {referred} had by that day")
    ]
    assert np.flatnonzero(found[0].rows).tolist() == [ROW, ROW + 1], "a late row is judged by its own day"
    assert [found[0].actual(row) for row in (ROW, ROW + 1)] == [str(last + 1), str(last)]


@pytest.mark.parametrize("name", ["customer_id", "product_id", "order_id"])
def test_who_refers_to_nothing_is_not_judged(rows_of, batch_of, name):
    rows = [row | {name: None} for row in rows_of(tables.WEB_EVENTS)]
    assert judged(tables.WEB_EVENTS, batch_of(tables.WEB_EVENTS, rows), up_to(f"{name.removesuffix('_id')}s", 1)) == []


def test_an_item_is_judged_by_the_day_of_its_order(orders, batch_of):
    """Orders have different numbers of items, so that items and rows are not the same."""
    last = max(item["product_id"] for order in orders for item in order["items"])
    for row, order in enumerate(orders):
        order["items"] = order["items"][:1] * (row % 3)
        order["items"] = [item | {"product_id": last} for item in order["items"]]
        order |= {"subtotal": sum((item["retail_price"] for item in order["items"]), Decimal(0))}
        order |= {"discount": sum((item["discount"] for item in order["items"]), Decimal(0))}
        order["total"] = order["subtotal"] - order["discount"] + order["shipping"] + order["tax"]
        order["created_at"] -= timedelta(row % 2)
    (finding,) = judged(tables.ORDERS, batch_of(tables.ORDERS, orders), up_to("products", last))
    late = [row for row in range(len(orders)) if row % 2 and row % 3]
    assert np.flatnonzero(finding.rows).tolist() == late
    assert {finding.actual(row) for row in late} == {str(last)}

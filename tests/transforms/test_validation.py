"""Every rule of orders and customers, broken alone in one row, is found there and nowhere else."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines import tables
from beam_pipelines.transforms.validation import findings
from beam_pipelines.world import World, day_number

DAY = date(2025, 11, 28)
MONTH = (date(2025, 11, 1), date(2025, 11, 30))
ROW = 17
"""The row that the tests break."""

CENT = Decimal("0.01")


def set_at(row: dict[str, Any], path: str, value: Any) -> None:
    """Sets a column, or a field of the last item; a callable gets the old value."""
    name, _, field = path.partition(".")
    holder, name = (row[name][-1], field) if field else (row, name)
    holder[name] = value(holder[name]) if callable(value) else value


def found_in(table, batch, period=(DAY, DAY)):
    """Reason, field, expected and actual of every finding about ROW, and the rows that have any."""
    found = findings(table, batch, *period)
    rows = sorted({int(row) for finding in found for row in np.flatnonzero(finding.rows)})
    return [(f.reason, f.field, f.expected, f.actual(ROW)) for f in found if f.rows[ROW]], rows


def one_of(values):
    return f"one of {', '.join(values)}"


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
        ("partition", "created_at", "a time on 2025-11-28", "2025-11-29 00:00:00+00:00"),
    ),
    (
        "created_at",
        datetime(2025, 11, 27, 23, 59, 59, 999_999, tzinfo=UTC),
        ("partition", "created_at", "a time on 2025-11-28", "2025-11-27 23:59:59.999999+00:00"),
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
        ("partition", "valid_from", "a time on 2025-11-01 to 2025-11-30", "2025-12-01 00:00:00+00:00"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), SINGLE_CUSTOMER_RULES)
def test_a_broken_rule_of_customers_is_found_in_its_row_alone(customers, batch_of, path, value, expected):
    set_at(customers[ROW], path, value)
    assert found_in(tables.CUSTOMERS, batch_of(tables.CUSTOMERS, customers), MONTH) == ([expected], [ROW])


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
    (finding,) = findings(table, batch_of(table, rows).slice(ROW - 2, 9), DAY, DAY)
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
    assert found_in(tables.CUSTOMERS, batch_of(tables.CUSTOMERS, customers), MONTH) == ([], [])


def test_a_missing_time_is_required_first_and_outside_its_partition_too(orders, batch_of):
    orders[ROW]["created_at"] = None
    found, rows = found_in(tables.ORDERS, batch_of(tables.ORDERS, orders))
    assert [finding[:2] for finding in found] == [("required", "created_at"), ("partition", "created_at")]
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
    found = findings(tables.ORDERS, sliced, DAY, DAY)
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
    assert findings(table, batch_of(table, []), DAY, DAY) == []


@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
@pytest.mark.parametrize("day", [date(2019, 1, 1), date(2019, 3, 31), DAY, date(2026, 1, 1)])
def test_days_of_the_world_break_no_rule(table, day):
    world, number = World(seed=7, scale=0.3), day_number(day)
    for block in range(min(world.blocks(table.name, number), 2)):
        found = findings(table, world.block(table.name, number, block), day, day)
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
    found = findings(tables.ORDERS, batch, DAY, DAY)
    assert [(finding.reason, np.flatnonzero(finding.rows).tolist()) for finding in found] == [
        ("required", [6]),
        ("values", [5]),
    ]


def test_rows_without_a_partition_column_may_be_of_any_time(batch_of):
    rows = World(seed=42).block("distribution_centers", 0, 0).to_pylist()
    batch = batch_of(tables.DISTRIBUTION_CENTERS, rows)
    assert findings(tables.DISTRIBUTION_CENTERS, batch, date(1970, 1, 1), date.max) == []


@pytest.mark.parametrize("microsecond", [0, 86_399_999_999])
def test_a_day_holds_its_first_and_its_last_microsecond(orders, batch_of, microsecond):
    orders[ROW]["created_at"] = datetime(2025, 11, 28, tzinfo=UTC) + timedelta(microseconds=microsecond)
    assert found_in(tables.ORDERS, batch_of(tables.ORDERS, orders)) == ([], [])

"""What holds for every view, and the views of operations."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

import pytest

from beam_pipelines import tables
from beam_pipelines.schema import Column, Type
from beam_pipelines.warehouse.views import views
from tests.warehouse.shop import answer, put

VIEWS = {f"{view.dataset}.{view.name}": view for view in views()}


def tables_behind(view: str) -> set[str]:
    """The tables that a view reads, itself or through other views."""
    read = set(re.findall(r"\b(?:retail|ops)\.\w+", VIEWS[view].query)) - {view}
    return {table for name in read for table in (tables_behind(name) if name in VIEWS else {name})}


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_and_says_what_it_is(loaded, view):
    (count,) = answer(loaded, f"SELECT COUNT(*) AS count_of_rows FROM {view}")
    behind = tables_behind(view)
    filled = [table for table in behind if loaded.get_table(table).num_rows]
    assert (count["count_of_rows"] > 0) == bool(filled or not behind)
    assert VIEWS[view].description.endswith(".")
    assert "--" not in VIEWS[view].query


@pytest.mark.parametrize("view", VIEWS)
def test_views_of_nothing_are_empty(prepared, view):
    (count,) = answer(
        prepared, f"SELECT COUNT(*) AS count_of_rows FROM (SELECT DISTINCT TO_JSON_STRING(row) FROM {view} AS row)"
    )
    assert (count["count_of_rows"] > 0) == (view == "retail.retail_calendar")


def test_views_come_after_those_that_they_read():
    seen: set[str] = set()
    for name, view in VIEWS.items():
        read = {other for other in VIEWS if re.search(rf"\b{re.escape(other)}\b", view.query)}
        assert read <= seen, f"{name} reads {read - seen} before it is there"
        seen.add(name)


MONEY = re.compile("revenue|discount|monetary|refund|margin|cost|average|turnover|days_of_inventory")
COLUMNS = {
    "cohort_retention": "cohort_month months_since customers active_customers retention_rate orders revenue",
    "conversion_funnel": "day traffic_source sessions with_product_view with_cart with_purchase product_view_rate "
    "cart_rate purchase_rate conversion_rate",
    "daily_revenue": "day orders customers units revenue discount average_order revenue_7_days",
    "inventory_turnover": "category units_before units_received units_sold units_in_stock cost_of_goods_sold "
    "average_inventory turnover days_of_inventory",
    "product_performance": "product_id product_name brand category department units orders revenue margin margin_rate "
    "category_rank",
    "retail_calendar": "day fiscal_year season quarter month week week_of_month day_of_week",
    "returns_by_category": "month category units_sold units_returned return_rate revenue refund",
    "rfm_segments": "customer_id first_order_at last_order_at recency_days frequency monetary recency_score "
    "frequency_score monetary_score segment",
}
DATES = {"cohort_retention.cohort_month", "returns_by_category.month"} | {
    f"{view}.day" for view in ("conversion_funnel", "daily_revenue", "retail_calendar")
}
STRINGS = {"traffic_source", "category", "product_name", "brand", "department", "season", "segment"}


def type_of(view: str, column: str) -> str:
    if f"{view}.{column}" in DATES:
        return "DATE"
    if column in STRINGS:
        return "STRING"
    if column.endswith("_at"):
        return "TIMESTAMP"
    if MONEY.search(column) and not column.endswith("_score"):
        return "NUMERIC"
    return "FLOAT" if column.endswith("_rate") else "INTEGER"


@pytest.mark.parametrize("view", COLUMNS)
def test_columns_and_types(prepared, view):
    found = [(field.name, field.field_type) for field in prepared.get_table(f"retail.{view}").schema]
    assert found == [(name, type_of(view, name)) for name in COLUMNS[view].split()]


SAMPLES = {
    Type.INT64: 7,
    Type.STRING: "x",
    Type.NUMERIC: Decimal("1.25"),
    Type.DATE: date(2025, 11, 1),
    Type.TIMESTAMP: datetime(2025, 11, 2, tzinfo=UTC),
}


def sample(columns: tuple[Column, ...]) -> dict[str, Any]:
    """A row with a value in every column."""
    return {
        column.name: [sample(column.fields)] if column.type is Type.RECORD else SAMPLES[column.type]
        for column in columns
    }


@pytest.mark.parametrize("kind", [tables.dead_letters, tables.partition_loads])
def test_what_the_load_says_of_itself_is_that_of_every_table(prepared, tmp_path, kind):
    expected = []
    for table in tables.LAKE:
        row = sample(kind(table).columns) | {"table_name": table.name}
        put(prepared, kind(table), [row], tmp_path)
        expected.append(row)
    found = answer(prepared, f"SELECT * FROM ops.{kind.__name__}")
    assert sorted(found, key=itemgetter("table_name")) == sorted(expected, key=itemgetter("table_name"))

"""What partitions hold, to the row and the cent, as the warehouse says."""

from datetime import date
from decimal import Decimal

import pytest

from beam_pipelines import tables
from beam_pipelines.warehouse.partition_loads import finish, start
from beam_pipelines.warehouse.partition_totals import Totals, partition_totals
from tests.transforms.lakes import center, event, moment, order, unit, version

FIRST, SECOND, THIRD = date(2025, 11, 28), date(2025, 11, 29), date(2025, 11, 30)


@pytest.fixture
def loaded(prepared, stage):
    """Loads rows into a partition of a table."""

    def loaded(table, partition, rows):
        content = stage(table, partition, rows)
        finish(start(prepared, content), content)

    return loaded


def test_days_are_told_apart_and_only_those_asked_for_are_told(prepared, loaded):
    loaded(tables.INVENTORY_ITEMS, "20251128", [unit(1, moment(FIRST, 0)), unit(2, moment(FIRST, 23.999))])
    loaded(tables.INVENTORY_ITEMS, "20251129", [unit(3, moment(SECOND, 0), cost=Decimal("0.01"))])
    loaded(tables.INVENTORY_ITEMS, "20251201", [unit(4, moment(date(2025, 12, 1)))])
    found = partition_totals(prepared, tables.INVENTORY_ITEMS, ["20251128", "20251129"])
    assert found == {
        "20251128": Totals(2, (Decimal("19.98"),)),
        "20251129": Totals(1, (Decimal("0.01"),)),
    }
    assert found.keys() <= partition_totals(prepared, tables.INVENTORY_ITEMS, ["20251201", "20251128"]).keys()


@pytest.mark.parametrize(
    "table", [tables.INVENTORY_ITEMS, tables.ORDERS, tables.CUSTOMERS], ids=lambda table: table.name
)
def test_a_partition_without_rows_is_not_there(prepared, table):
    partition = "20251128" if table.partition.granularity == "DAY" else "202511"
    assert partition_totals(prepared, table, [partition]) == {}


def test_months_are_whole(prepared, loaded):
    days = {"202511": [date(2025, 11, 1), THIRD], "202512": [date(2025, 12, 1), date(2025, 12, 31)]}
    for month, ends in days.items():
        rows = [version(7, number, moment(day)) for number, day in enumerate(ends)]
        loaded(tables.PRODUCTS, month, rows)
    found = partition_totals(prepared, tables.PRODUCTS, ["202511", "202512"])
    # Of retail_price and cost, 20.00 and 7.77 more than the number of the version.
    sums = (Decimal("41.00"), Decimal("16.54"))
    assert found == {"202511": Totals(2, sums), "202512": Totals(2, sums)}
    assert partition_totals(prepared, tables.PRODUCTS, ["202511"]) == {"202511": Totals(2, sums)}


def test_sums_of_items_are_those_of_all_items_and_no_row_counts_twice(prepared, loaded):
    rows = [order(1, moment(FIRST), ["1.00", "2.50"]), order(2, moment(FIRST), ["4.00"]), order(3, moment(FIRST), [])]
    loaded(tables.ORDERS, "20251128", rows)
    totals = partition_totals(prepared, tables.ORDERS, ["20251128"])["20251128"]
    assert totals.rows == 3
    assert dict(zip(tables.ORDERS.numeric_paths, totals.sums, strict=True)) == {
        "subtotal": Decimal("7.50"),
        "discount": Decimal(0),
        "shipping": Decimal("14.70"),
        "tax": Decimal("3.00"),
        "total": Decimal("25.20"),
        "items.retail_price": Decimal("7.50"),
        "items.discount": Decimal(0),
        "items.sale_price": Decimal("7.50"),
        "items.cost": Decimal("25.50"),
    }


def test_large_amounts_are_exact(prepared, loaded):
    rows = [unit(number, moment(FIRST), cost=Decimal("9999999999.99")) for number in range(1, 1001)]
    loaded(tables.INVENTORY_ITEMS, "20251128", rows)
    found = partition_totals(prepared, tables.INVENTORY_ITEMS, ["20251128"])
    assert found["20251128"].sums == (Decimal("9999999999990.00"),)


def test_what_is_null_counts_as_nothing(prepared, loaded):
    loaded(
        tables.ORDER_EVENTS, "20251128", [event(1, moment(FIRST), refund=None), event(2, moment(FIRST), refund=None)]
    )
    assert partition_totals(prepared, tables.ORDER_EVENTS, ["20251128"])["20251128"] == Totals(2, (Decimal(0),))


def test_a_table_partitioned_by_dates_is_told_by_them(prepared, loaded):
    row = {
        "day": FIRST,
        "category": None,
        "channel": "web",
        "country": "France",
        "orders": 1,
        "units": 2,
        "revenue": Decimal("10.00"),
        "discount": Decimal("1.00"),
        "margin": Decimal("-1.25"),
    }
    loaded(tables.DAILY_SALES, "20251128", [row])
    found = partition_totals(prepared, tables.DAILY_SALES, ["20251128"])
    assert found == {"20251128": Totals(1, (Decimal("10.00"), Decimal("1.00"), Decimal("-1.25")))}


def test_a_table_without_partitions_is_one(prepared, loaded):
    loaded(tables.DISTRIBUTION_CENTERS, "", [center(1), center(2)])
    assert partition_totals(prepared, tables.DISTRIBUTION_CENTERS, [""])[""] == Totals(2, ())


def test_the_empty_id_is_the_whole_of_a_table_that_has_partitions(prepared, loaded):
    """The letters of a table without partitions have the month 1970-01, and are loaded whole."""
    table = tables.dead_letters(tables.DISTRIBUTION_CENTERS)
    letter = {column.name: None for column in table.columns} | {
        "partition_date": date(1970, 1, 1),
        "table_name": "distribution_centers",
        "reason": "range",
        "field": "latitude",
        "expected": "a number",
        "actual": "nan",
        "file": "f",
        "block_offset": 0,
    }
    loaded(table, "", [letter, letter])
    assert partition_totals(prepared, table, [""])[""] == Totals(2, ())


def test_one_query_is_asked_for_all(prepared, loaded, monkeypatch):
    loaded(tables.INVENTORY_ITEMS, "20251128", [unit(1, moment(FIRST))])
    asked = []
    ask = prepared.query_and_wait
    monkeypatch.setattr(prepared, "query_and_wait", lambda query: asked.append(query) or ask(query))
    partition_totals(prepared, tables.INVENTORY_ITEMS, ["20251128", "20251129", "20251130"])
    (query,) = asked
    assert "created_at >= TIMESTAMP(" in query, "the column as it is, so that BigQuery reads only these partitions"
    assert "'20251128'" in query

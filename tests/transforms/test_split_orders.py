"""What follows from orders, however these are divided: their lines, and the sales of their days."""

import tempfile
from collections import defaultdict
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.options import Period
from tests.transforms.expected import FOUR
from tests.transforms.lakes import Lake, Row, divided, moment, order, version
from tests.transforms.loading import Loaded, load, sizes

LAUNCH = moment(FOUR[2])
VERSIONS = [
    version(7, 1, moment(date(2025, 8, 1))),
    version(7, 2, moment(FOUR[1]), brand="Newer", category="Jeans"),
    version(8, 1, moment(date(2025, 8, 1)), launched_at=LAUNCH),
]
PRODUCTS = [pa.RecordBatch.from_pylist(VERSIONS, schema=tables.PRODUCTS.arrow_schema)]
WRONG = (None, None, None, None, "channel", "total", "tax", "items")


@st.composite
def placed_orders(draw) -> tuple[date, Row]:
    """An order and the day on which it landed: of products 7, 8, which is launched on the third day, and 9, unknown."""
    landed = draw(st.integers(0, 3))
    own = draw(st.integers(max(0, landed - 1), landed))
    prices = draw(st.lists(st.sampled_from(["1.00", "2.50", "9999999.99"]), min_size=1, max_size=3))
    row = order(
        draw(st.integers(1, 4)),
        moment(FOUR[own], draw(st.sampled_from([0, 12, 12]))),
        prices,
        channel=draw(st.sampled_from(["web", "app"])),
    )
    for item in row["items"]:
        item["product_id"] = draw(st.sampled_from([7, 7, 7, 8, 9]))
    wrong = draw(st.sampled_from(WRONG))
    if wrong == "channel":
        row["channel"] = "fax"
    elif wrong == "total":
        row["total"] += Decimal("0.01")
    elif wrong == "tax":
        row["tax"] = None
    elif wrong == "items":
        row["items"][-1]["product_id"] = None
    return FOUR[landed], row


def is_valid(row: Row) -> bool:
    """Whether an order breaks no rule: its lines add up by construction."""
    fits = row["channel"] != "fax" and row["tax"] is not None
    adds_up = fits and row["total"] == row["subtotal"] + row["shipping"] + row["tax"] - row["discount"]
    products = [item["product_id"] for item in row["items"]]
    return adds_up and None not in products and not (8 in products and row["created_at"] < LAUNCH)


def rank(row: Row) -> Any:
    """The newest is the greatest, then the greatest by its columns; by its items only at last."""
    return row["created_at"], [row[name] for name in ("channel", "subtotal", "shipping", "tax", "total")]


def lines_of(row: Row) -> list[Row]:
    """The lines of an order, one by one."""
    found = []
    for item in row["items"]:
        known = [one for one in VERSIONS if one["product_id"] == item["product_id"]]
        product = max((one for one in known if one["valid_from"] <= row["created_at"]), key=_number, default={})
        line = {name: row[name] for name in ("order_id", "customer_id", "created_at", "channel", "country")} | item
        line |= {name: product.get(name) for name in ("department", "category", "brand")}
        line |= {"product_version": product.get("version"), "margin": item["sale_price"] - item["cost"]}
        found.append(line)
    return found


def _number(row: Row) -> int:
    return int(row["version"])


def sales_of(lines: list[Row]) -> dict[Any, Any]:
    """Orders, units, revenue and margin by category, channel and country."""
    cells: dict[Any, list[Row]] = defaultdict(list)
    for line in lines:
        cells[line["category"], line["channel"], line["country"]].append(line)
    return {
        cell: (
            len({line["order_id"] for line in some}),
            len(some),
            sum(line["sale_price"] for line in some),
            sum(line["margin"] for line in some),
        )
        for cell, some in cells.items()
    }


def check(loaded: Loaded, placed: list[tuple[date, Row]], partition: str) -> None:
    """Which orders are loaded, and that all else follows from these."""
    mine = [row for _, row in placed if f"{row['created_at']:%Y%m%d}" == partition]
    standing: dict[int, list[Row]] = defaultdict(list)
    for row in filter(is_valid, mine):
        standing[row["order_id"]].append(row)
    rows = loaded.rows("orders", partition)
    assert sorted(row["order_id"] for row in rows) == sorted(standing)
    for row in rows:
        assert row in standing[row["order_id"]]
        assert rank(row) == max(map(rank, standing[row["order_id"]]))
    account = loaded.accounts["orders", partition]
    assert (account.rows_in, account.rows_refused) == (len(mine), len(mine) - len([*filter(is_valid, mine)]))
    lines = [line for row in rows for line in lines_of(row)]
    assert by_number(loaded.rows("order_items", partition)) == by_number(lines)
    sales = {
        (row["category"], row["channel"], row["country"]): (row["orders"], row["units"], row["revenue"], row["margin"])
        for row in loaded.rows("daily_sales", partition)
    }
    assert sales == sales_of(lines)
    for table in ("orders", "order_items", "daily_sales"):
        assert loaded.accounts[table, partition].differences(table) == []
        assert loaded.accounts[table, partition].rows_loaded == len(loaded.rows(table, partition))


def by_number(lines: list[Row]) -> list[Row]:
    return sorted(lines, key=lambda line: line["order_item_id"])


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(placed_orders(), max_size=16), st.integers(0, 2**32 - 1).map(Random))
def test_lines_and_sales_are_those_of_the_orders_that_are_loaded(placed, random):
    with tempfile.TemporaryDirectory() as folder, sizes(random):
        found = Lake(f"{folder}/lake")
        for day in FOUR:
            found.write(tables.ORDERS, day, divided([row for landed, row in placed if landed == day], random))
        period = Period(FOUR[0], FOUR[3])
        loaded = load(found, tables.ORDERS, period, f"{folder}/staging", products=PRODUCTS)
        for day in FOUR:
            check(loaded, placed, f"{day:%Y%m%d}")
        again = load(found, tables.ORDERS, period, f"{folder}/again", products=PRODUCTS, shuffle=random.shuffle)
        assert again.fingerprints() == loaded.fingerprints()
        assert again.accounts == loaded.accounts

"""A dirty lake loads like a clean one, but for what the truth names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from beam_pipelines import avro, tables
from beam_pipelines.defects import rates, schemas
from beam_pipelines.schema import Table
from tests.pipelines.load_lakes import DEFECTS, FIRST, LAST, SIZE, days, truths

Row = dict[str, Any]
Key = tuple[Any, ...]
Rows = dict[Key, Row]
REFUSED = {rates.MISSING, rates.RANGE, rates.REFERENCE, rates.VALUE, rates.UNBALANCED, rates.TIME}
OF_PRODUCTS = {"product_version", "department", "category", "brand"}


def key_of(table: Table, row: Row) -> Key:
    return tuple(row[name] for name in table.key)


def loaded(warehouse: bigquery.Client, table: Table) -> Rows:
    found = [dict(row.items()) for row in warehouse.query_and_wait(f"SELECT * FROM {table.dataset}.{table.name}")]
    rows = {key_of(table, row): row for row in found}
    assert len(rows) == len(found), "each key is there once"
    return rows


@pytest.fixture(scope="module")
def uncorrupted(tmp_path_factory, generate) -> Path:
    """The dirty lake as it was before bits in its blocks were flipped."""
    root = tmp_path_factory.mktemp("uncorrupted")
    generate(root, *days(FIRST, LAST), SIZE, DEFECTS[0], f"{DEFECTS[1]},corrupt_block=0")
    return root


@pytest.fixture(scope="module")
def truth_of(dirty_lake) -> Callable[[Table], list[Row]]:
    return lambda table: truths(dirty_lake, table.name)


@pytest.fixture(scope="module")
def both(clean_loaded, dirty_loaded) -> Callable[[Table], tuple[Rows, Rows]]:
    """The rows of a table as they are loaded from the clean lake and from the dirty one."""
    return lambda table: (loaded(clean_loaded, table), loaded(dirty_loaded, table))


def blocks(root: Path, table: Table) -> list[tuple[str, int, list[Row]]]:
    """The blocks of a table's files, each with its file and number."""
    found = []
    for path in sorted(root.glob(f"{table.name}/*/*.avro")):
        with path.open("rb") as file:
            for number, block in enumerate(avro.read_blocks(file)):
                found.append((path.relative_to(root).as_posix(), number, block.batch.to_pylist()))
    return found


def lost(uncorrupted: Path, table: Table, truth: list[Row]) -> set[Key]:
    """The keys of rows in corrupt blocks."""
    corrupt = {(line["file"], line["block"]) for line in truth if line["kind"] == rates.CORRUPT}
    found = [rows for file, number, rows in blocks(uncorrupted, table) if (file, number) in corrupt]
    return {key_of(table, row) for rows in found for row in rows}


def named(table: Table, truth: list[Row]) -> set[Key]:
    """The keys of rows that are to be refused, or that land when the lake has ended."""
    keys = set()
    for line in truth:
        if line["kind"] in REFUSED:
            keys.add(key_of(table, line["key"] | ({line["field"]: line["was"]} if line["field"] in table.key else {})))
        elif line["kind"] == rates.WITHHELD and date.fromisoformat(line["landed_date"]) > LAST:
            keys.add(key_of(table, line["key"]))
    return keys


def as_text(value: Any) -> str:
    """A value as the truth has it."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
def test_a_row_is_as_in_the_clean_lake_unless_the_truth_says_otherwise(both, truth_of, uncorrupted, table):
    (clean, dirty), truth = both(table), truth_of(table)
    unreadable, refused = lost(uncorrupted, table, truth), named(table, truth)
    assert dirty.keys() <= clean.keys(), "nothing is there that was not drawn"
    assert clean.keys() - dirty.keys() <= unreadable | refused
    assert dirty.keys().isdisjoint(refused)
    newer = {key_of(table, line["key"]): line for line in truth if line["kind"] == rates.NEWER}
    older = schemas.older(table)
    older_files = {line["file"] for line in truth if line["kind"] == rates.OLDER}
    in_older = {
        key_of(table, row) for file, _, rows in blocks(uncorrupted, table) if file in older_files for row in rows
    }
    changed = 0
    for key, row in dirty.items():
        differing = {name for name in row if row[name] != clean[key][name]}
        if older.is_absent and key in in_older:
            assert row[older.column] is None or row[older.column] == clean[key][older.column]
            differing -= {older.column}
        if key in newer and (differing or key not in unreadable):
            line, later = newer[key], newer[key]["also"]
            column, _, field = line["field"].partition(".")
            assert differing == {column, later["field"]}
            new = row[column][0][field] if field else row[column]
            assert (as_text(new), as_text(row[later["field"]])) == (line["is"], later["is"])
            changed += 1
        else:
            assert differing == set(), key
    assert changed > 0 or len(newer) < 3
    assert len(dirty) < len(clean)


def test_lines_are_those_of_the_loaded_orders(both):
    clean, dirty = both(tables.ORDER_ITEMS)
    orders, loaded_orders = both(tables.ORDERS)
    products, loaded_products = both(tables.PRODUCTS)
    hit = {key[0] for key in products if loaded_products.get(key) != products[key]}
    unknown = 0
    for key, line in dirty.items():
        differing = {name for name in line if line[name] != clean[key][name]}
        order = (line["order_id"],)
        if loaded_orders[order] == orders[order]:
            assert differing <= (OF_PRODUCTS if line["product_id"] in hit else set()), key
        unknown += line["category"] is None
    assert unknown > 0
    of_loaded = {item["order_item_id"] for order in loaded_orders.values() for item in order["items"]}
    assert {key[0] for key in dirty} == of_loaded


def test_sessions_differ_only_where_their_events_do(both):
    (clean_events, dirty_events), (clean, dirty) = both(tables.WEB_EVENTS), both(tables.SESSIONS)
    hit = {row["session_id"] for key, row in clean_events.items() if dirty_events.get(key) != row}
    assert {key: row for key, row in dirty.items() if key[0] not in hit} == {
        key: row for key, row in clean.items() if key[0] not in hit
    }
    assert len(hit) < len(clean)
    assert {key[0] for key in dirty} == {row["session_id"] for row in dirty_events.values()}


def test_daily_sales_are_the_sums_of_the_lines(dirty_loaded):
    names = "day, category, channel, country, orders, units, revenue, discount, margin"
    sums = """
        SELECT DATE(created_at), category, channel, country, COUNT(DISTINCT order_id), COUNT(*), SUM(sale_price),
            SUM(discount), SUM(margin)
        FROM retail.order_items GROUP BY 1, 2, 3, 4
    """
    found, expected = (
        sorted((row.values() for row in dirty_loaded.query_and_wait(text)), key=str)
        for text in (f"SELECT {names} FROM retail.daily_sales", sums)
    )
    assert found == expected
    assert any(row[1] is None for row in found), "of an unknown category too"

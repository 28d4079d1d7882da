"""Versions: which is the newest, and from when to when each holds."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud import bigquery

from beam_pipelines import tables
from beam_pipelines.schema import Table
from tests.warehouse import shop

VERSIONED = {"customer_id": tables.CUSTOMERS, "product_id": tables.PRODUCTS}
SETS = [numbers for count in range(1, 5) for numbers in itertools.combinations(range(1, 5), count)]
"""Every way in which some of four versions may be there, the others having been refused."""


def versions(table: Table, key: str) -> list[dict[str, Any]]:
    """An item for each of SETS, in no order, its versions in the months of 2025."""
    template = next(shop.batches(shop.WORLD, table.name, range(1))).slice(0, 1).to_pylist()[0]
    found = [
        template | {key: number, "version": version, "valid_from": datetime(2025, version, number, tzinfo=UTC)}
        for number, numbers in enumerate(SETS, start=1)
        for version in numbers
    ]
    return found[::-2] + found[-2::-2]


@pytest.mark.parametrize("key", VERSIONED)
def test_history_of_any_versions(prepared: bigquery.Client, tmp_path, key):
    table = VERSIONED[key]
    shop.put(prepared, table, versions(table, key), tmp_path)
    found = shop.answer(
        prepared,
        f"SELECT {key}, version, valid_from, valid_to, is_current FROM retail.{table.name}_history ORDER BY 1, 2",
    )
    expected = []
    for number, numbers in enumerate(SETS, start=1):
        for version, after in itertools.pairwise([*numbers, None]):
            begin = datetime(2025, version, number, tzinfo=UTC)
            end = datetime(2025, after, number, tzinfo=UTC) if after else None
            expected.append((number, version, begin, end, after is None))
    assert [tuple(row.values()) for row in found] == expected


@pytest.mark.parametrize("key", VERSIONED)
def test_newest_of_any_versions(prepared: bigquery.Client, tmp_path, key):
    table = VERSIONED[key]
    shop.put(prepared, table, versions(table, key), tmp_path)
    found = shop.answer(prepared, f"SELECT * FROM retail.current_{table.name} ORDER BY 1")
    assert [(row[key], row["version"]) for row in found] == [(n, s[-1]) for n, s in enumerate(SETS, start=1)]
    assert list(found[0]) == [column.name for column in table.columns]


@pytest.mark.parametrize("key", VERSIONED)
def test_history_is_every_version_and_its_newest_is_current(shop_warehouse, key):
    table = VERSIONED[key]
    known = shop.rows(table.name)
    after = {(row[key], row["version"] - 1): row["valid_from"] for row in known}
    expected = [row | {"valid_to": after.get((row[key], row["version"]))} for row in known]
    expected = [row | {"is_current": row["valid_to"] is None} for row in expected]
    order = f"ORDER BY {key}, version LIMIT 3000"
    found = shop.answer(shop_warehouse, f"SELECT * FROM retail.{table.name}_history {order}")
    assert found == sorted(expected, key=lambda row: (row[key], row["version"]))[:3000]
    assert {row["is_current"] for row in found} == {True, False}
    counts = f"SELECT COUNT(*) AS versions, COUNTIF(is_current) AS current FROM retail.{table.name}_history"
    assert shop.answer(shop_warehouse, counts) == [
        {"versions": len(known), "current": len({row[key] for row in known})}
    ]


@pytest.mark.parametrize("key", VERSIONED)
def test_one_version_holds_at_any_moment(shop_warehouse, key):
    table = VERSIONED[key]
    moment = datetime(2020, 1, 10, 12, tzinfo=UTC)
    there = {row[key] for row in shop.rows(table.name) if row["valid_from"] <= moment}
    query = f"""
        SELECT COUNT(*) AS versions, COUNT(DISTINCT {key}) AS items FROM retail.{table.name}_history
        WHERE valid_from <= TIMESTAMP '{moment}' AND (valid_to > TIMESTAMP '{moment}' OR is_current)
    """
    assert shop.answer(shop_warehouse, query) == [{"versions": len(there), "items": len(there)}]

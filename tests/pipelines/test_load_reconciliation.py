"""What partitions hold is what was loaded into them, and what the lake's manifests name is accounted for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from google.cloud import bigquery

from beam_pipelines import lake, tables
from beam_pipelines.transforms.reconciliation import SOURCES, Reconcile
from beam_pipelines.warehouse.client import connect
from tests.pipelines.load_lakes import FIRST, days
from tests.pipelines.loaded import query


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("DELETE FROM retail.orders WHERE order_id = 1", "rows in the warehouse, found"),
        ("UPDATE retail.orders SET tax = tax + 0.01 WHERE order_id = 1", "in tax in the warehouse, found"),
    ],
    ids=["a row gone", "a cent more"],
)
def test_a_partition_tampered_with_fails_the_load_which_names_it(
    warehouse, load, clean_lake, monkeypatch, statement, difference
):
    reconcile = Reconcile.process

    def tampered(self: Reconcile, element: Any, warehouse: str) -> Any:
        if element[0] == tables.ORDERS.name:
            assert connect(warehouse).query_and_wait(statement).num_dml_affected_rows == 1
        return reconcile(self, element, warehouse)

    monkeypatch.setattr(Reconcile, "process", tampered)
    with pytest.raises(Exception, match=rf"retail\.orders\$20190101: expected .* {difference}"):
        load(clean_lake, *days(FIRST), "--tables=orders")


def test_lines_add_up_and_are_what_tables_hold(dirty_loaded):
    rows = "rows_loaded + rows_refused + rows_deduplicated + rows_unreadable"
    amounts = "amount_loaded + amount_refused + amount_deduplicated"
    wrong = (
        "SELECT table_name, partition_id FROM ops.partition_loads AS line "
        f"WHERE rows_in <> {rows} OR EXISTS (SELECT 1 FROM UNNEST(line.amounts) WHERE amount_in <> {amounts})"
    )
    assert query(dirty_loaded, wrong) == []
    for name in SOURCES:
        table = tables.BY_NAME[name]
        day = f"DATE({table.partition.column})" if table.partition else "DATE '1970-01-01'"
        if table.partition and table.partition.granularity == "MONTH":
            day = f"DATE_TRUNC({day}, MONTH)"
        found = dict(query(dirty_loaded, f"SELECT {day}, COUNT(*) FROM retail.{name} GROUP BY 1"))
        lines = f"SELECT partition_date, rows_loaded FROM ops.partition_loads WHERE table_name = '{name}'"
        assert {date: count for date, count in query(dirty_loaded, lines) if count} == found, name
        for path in table.numeric_paths:
            assert amount_in_lines(dirty_loaded, name, path) == amount_in_table(dirty_loaded, name, path), (name, path)


def amount_in_lines(warehouse: bigquery.Client, table: str, path: str) -> Decimal:
    where = f"table_name = '{table}' AND column_name = '{path}'"
    text = f"SELECT SUM(amount_loaded) FROM ops.partition_loads AS line, UNNEST(line.amounts) WHERE {where}"
    return query(warehouse, text)[0][0]


def amount_in_table(warehouse: bigquery.Client, table: str, path: str) -> Decimal:
    name, _, field = path.partition(".")
    source = f"retail.{table} AS line, UNNEST(line.{name}) AS item" if field else f"retail.{table}"
    return query(warehouse, f"SELECT COALESCE(SUM({f'item.{field}' if field else name}), 0) FROM {source}")[0][0]


def test_every_row_that_manifests_name_is_in_a_line(dirty_lake, dirty_loaded):
    for table in tables.LAKE:
        paths = dirty_lake.glob(f"{table.name}/*/{lake.MANIFEST}")
        manifests = [lake.Manifest.from_json(path.read_text(), str(path)) for path in paths]
        text = f"SELECT SUM(rows_in) FROM ops.partition_loads WHERE table_name = '{table.name}'"
        assert query(dirty_loaded, text) == [(sum(manifest.rows for manifest in manifests),)], table.name


def test_every_dead_letter_is_in_the_line_of_its_partition(dirty_loaded):
    lines = "SELECT table_name, partition_date, dead_letters FROM ops.partition_loads WHERE dead_letters > 0"
    letters = "SELECT table_name, partition_date, COUNT(*) FROM ops.dead_letters GROUP BY 1, 2"
    found = query(dirty_loaded, lines)
    assert sorted(found) == sorted(query(dirty_loaded, letters))
    assert sum(count for *_, count in found) > 500


def test_refused_amounts_are_those_of_the_dead_letters_records(dirty_loaded):
    refused = 0
    for table in tables.LAKE:
        for name in (path for path in table.numeric_paths if "." not in path):
            value = f"IFNULL(SUM(CAST(JSON_VALUE(record, '$.{name}') AS NUMERIC)), 0)"
            lines = (
                "SELECT SUM(amount_refused) FROM ops.partition_loads AS line, UNNEST(line.amounts) "
                f"WHERE table_name = '{table.name}' AND column_name = '{name}'"
            )
            found = query(dirty_loaded, lines)
            letters = f"SELECT {value} FROM ops.dead_letters_{table.name}"
            assert found == query(dirty_loaded, letters), (table.name, name)
            refused += found[0][0] > 0
    assert refused >= 5

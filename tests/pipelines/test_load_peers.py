"""The load beside three other programs that do the same in other ways: what they have written is equal, row by row."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq

from beam_pipelines import tables
from beam_pipelines.schema import Table
from tests.benchmarks import load_figures, load_lakes
from tests.benchmarks.load_sides import SIDES, load

FIRST, LAST = date(2019, 2, 27), date(2019, 3, 1)
SCALE = 0.7
"""Two thousand orders in these three days, on the last of which new prices are valid."""

DEFECTS = (
    "duplicate=0.03,newer_version=0.03,missing_value=0.01,out_of_range=0.02,unknown_value=0.01,unbalanced=0.02,"
    "time_travel=0.01"
)
LETTERS = tables.dead_letters(tables.ORDERS)
COMPARED = (tables.ORDERS, tables.ORDER_ITEMS, tables.DAILY_SALES, LETTERS)
PEERS = [name for name in SIDES if name not in ("ours", "ours, two processes")]

Generate = Callable[..., None]


def rows(output: Path, table: Table) -> list[tuple[Any, ...]]:
    """All rows written for a table, sorted; of a dead letter what all sides say alike: the rule, and which order."""
    found: list[dict[str, Any]] = []
    for path in sorted(path for path in (output / table.name).rglob("*.*") if path.is_file()):
        if path.suffix == ".parquet":
            found += pq.read_table(path, partitioning=None).to_pylist()
        else:
            with path.open("rb") as file:
                found += fastavro.reader(file)
    if table is LETTERS:
        names = ("partition_date", "table_name", "reason", "field")
        return sorted((*(row[name] for name in names), json.loads(row["record"])["order_id"]) for row in found)
    # Keys are in the first columns, and no two rows have the same.
    return sorted((tuple(row[column.name] for column in table.columns) for row in found), key=lambda row: row[:4])


def lakes_of(tmp_path: Path, generate: Generate) -> dict[str, Path]:
    """The same lake in Avro and in Parquet."""
    folders = {file_format: tmp_path / file_format for file_format in ("avro", "parquet")}
    for file_format, folder in folders.items():
        load_lakes.write(
            folder,
            SCALE,
            FIRST,
            LAST,
            file_format=file_format,
            defects=DEFECTS,
            generate=lambda flags, folder=folder: generate(folder, *flags),
        )
    return folders


# One test, so that what takes most of the time is done once, however many processes share the tests.
def test_all_sides_write_the_same_rows(tmp_path, generate, subtests):
    lakes = lakes_of(tmp_path, generate)
    outputs = {name: tmp_path / name for name in ("ours", *PEERS)}
    for name, output in outputs.items():
        load(SIDES[name], lakes[SIDES[name].file_format], FIRST, LAST, output)
    ours = {table: rows(outputs["ours"], table) for table in COMPARED}

    in_lake = load_lakes.orders(lakes["avro"], (FIRST, LAST))
    assert in_lake > 2000
    assert len(ours[tables.ORDERS]) + len(ours[LETTERS]) < 0.95 * in_lake, "there were duplicates"
    assert {row[2] for row in ours[LETTERS]} == {"required", "range", "values", "equation", "partition"}
    versions = {(row[3], row[4]) for row in ours[tables.ORDER_ITEMS]}
    assert len(versions) > len({product for product, _ in versions}), "a product was sold in two versions"
    for peer in PEERS:
        for table in COMPARED:
            with subtests.test(peer=peer, table=table.name):
                assert rows(outputs[peer], table) == ours[table]

    figures = {name: load_figures.figures(output) for name, output in outputs.items()}
    assert load_figures.differences(figures) == []
    assert sorted(figures["ours"]) == [date(2019, 2, 27), date(2019, 2, 28), date(2019, 3, 1)]
    assert sum(of_day["orders"] for of_day in figures["ours"].values()) == len(ours[tables.ORDERS])


def test_the_benchmark_sees_a_difference_on_a_day_that_both_have():
    ours: dict[date, load_figures.Figures] = {FIRST: {"orders": 2, "totals": Decimal("9.98")}, LAST: {"orders": 1}}
    peer = {FIRST: {"orders": 2, "totals": Decimal("9.99")}}
    expected = "2019-02-27: totals: ours has 9.98, peer has 9.99"
    assert load_figures.differences({"ours": ours, "peer": peer}) == [expected]
    assert load_figures.differences({"ours": ours, "peer": {FIRST: dict(ours[FIRST])}}) == []

"""Lake files whose columns are others than the table's: what is added flows through, all else is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from beam_pipelines import cli, tables
from beam_pipelines.schema import Column, Table, Type
from tests.pipelines.load_lakes import FIRST, LAST, OPENING, days, read_day, write_day

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
ORDERS = "--tables=orders"
NOTE = Column(name="gift_note", type=Type.STRING, description="What the customer wrote.", nullable=True)


def add_notes(root: Path) -> list[dict[str, Any]]:
    """Writes the second day's orders with a column more; returns them."""
    orders = [
        row | {NOTE.name: f"For {row['order_id']}" if number % 2 else None}
        for number, row in enumerate(read_day(root, tables.ORDERS, SECOND))
    ]
    with_note = replace(tables.ORDERS, columns=(*tables.ORDERS.columns, NOTE))
    write_day(root, tables.ORDERS, SECOND, orders, OPENING, written_as=with_note)
    return orders


def notes(warehouse) -> dict[int, str | None]:
    return {row[0]: row[1] for row in warehouse.query_and_wait(f"SELECT order_id, {NOTE.name} FROM retail.orders")}


def test_a_column_more_flows_through_and_older_days_load_on(warehouse, load, own_lake, clean_lake, clean_loaded):
    load(own_lake, *days(FIRST), ORDERS)
    orders = add_notes(own_lake)
    load(own_lake, *days(SECOND, THIRD), ORDERS)
    found = notes(warehouse)
    assert {order["order_id"]: order[NOTE.name] for order in orders}.items() <= found.items()
    assert sum(note is not None for note in found.values()) == len(orders) // 2
    assert len(found) == sum(OPENING.rows("orders", day) for day in range(3))

    # A load that knows nothing of the column, of a day before and of one after.
    load(clean_lake, *days(FIRST, LAST), ORDERS)
    names = ", ".join(column.name for column in tables.ORDERS.columns)
    query = f"SELECT {names} FROM retail.orders ORDER BY order_id"
    loaded, expected = (list(client.query_and_wait(query)) for client in (warehouse, clean_loaded))
    assert [row.values() for row in loaded] == [row.values() for row in expected]
    assert set(notes(warehouse).values()) == {None}


def as_text(table: Table) -> Table:
    """The table with a channel that is a number, and no country."""
    columns = [column for column in table.columns if column.name != "country"]
    others = [replace(one, type=Type.INT64, values=()) if one.name == "channel" else one for one in columns]
    return replace(table, columns=tuple(others))


def test_another_type_is_refused_with_the_difference_and_nothing_is_loaded(own_lake, tmp_path, capsys):
    rows = [row | {"channel": 7} for row in read_day(own_lake, tables.ORDERS, SECOND)]
    write_day(own_lake, tables.ORDERS, SECOND, rows, OPENING, written_as=as_text(tables.ORDERS))
    warehouse = tmp_path / "warehouse.duckdb"
    arguments = ["load", f"--input={own_lake}", *days(FIRST, LAST), f"--warehouse={warehouse}"]
    capsys.readouterr()
    assert cli.main(arguments) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == (
        f"retail load: {own_lake}/orders/dt={SECOND}/part-00000-of-00001.avro: other columns than those of orders: "
        "channel: expected STRING REQUIRED, found INT64 REQUIRED; "
        "country: expected STRING REQUIRED, found no such column"
    )
    query = ["query", "SELECT COUNT(*) AS lines FROM ops.partition_loads", f"--warehouse={warehouse}", "--format=csv"]
    assert cli.main(query) == 0
    assert capsys.readouterr().out == "lines\n0\n"


def test_days_that_mean_different_things_by_a_new_column_are_refused(warehouse, load, own_lake, load_jobs):
    for day, kind, value in ((SECOND, Type.STRING, "7"), (THIRD, Type.INT64, 7)):
        column = replace(NOTE, type=kind)
        rows = [row | {NOTE.name: value} for row in read_day(own_lake, tables.ORDERS, day)]
        with_note = replace(tables.ORDERS, columns=(*tables.ORDERS.columns, column))
        write_day(own_lake, tables.ORDERS, day, rows, OPENING, written_as=with_note)
    expected = rf"orders: column {NOTE.name}: expected string as on {SECOND}, found int64 on {THIRD}"
    with pytest.raises(Exception, match=expected):
        load(own_lake, *days(FIRST, LAST), ORDERS)
    assert load_jobs(warehouse) == []

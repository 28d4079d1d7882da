"""Drawn rows keep the rules that their tables state: types, required values, ranges, value lists, equations."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from beam_pipelines.schema import Column, Equation, Table, columns_from_arrow
from beam_pipelines.tables import LAKE, ORDERS
from beam_pipelines.world import World, day_number

DAYS = {
    "distribution_centers": (date(2019, 1, 1),),
    "products": (date(2019, 1, 1), date(2024, 12, 1), date(2039, 12, 1)),
    "customers": (date(2019, 1, 1), date(2025, 11, 28)),
    **{
        name: (date(2019, 1, 1), date(2024, 2, 29), date(2025, 11, 28), date(2026, 1, 10))
        for name in ("inventory_items", "orders", "order_events", "web_events")
    },
}
tables = pytest.mark.parametrize("table", LAKE, ids=lambda table: table.name)


def batches(table: Table) -> Iterator[pa.RecordBatch]:
    for day in DAYS[table.name]:
        yield World(42, 1.0).block(table.name, day_number(day), 0)


def leaves(column: Column, values: pa.Array) -> Iterator[tuple[Column, pa.Array]]:
    """The column and its fields, each with its values."""
    values = values.flatten() if column.repeated else values
    yield column, values
    for field in column.fields:
        yield from leaves(field, values.field(field.name))


def stored(columns: tuple[Column, ...]) -> list[tuple]:
    """What of the columns Arrow keeps."""
    return [
        (column.name, column.type, column.nullable, column.repeated, column.precision, column.scale, fields)
        for column in columns
        for fields in [stored(column.fields)]
    ]


@tables
def test_batches_have_the_tables_schema(table: Table) -> None:
    for batch in batches(table):
        assert stored(columns_from_arrow(batch.schema)) == stored(table.columns)
        batch.validate(full=True)


@tables
def test_required_values_are_there(table: Table) -> None:
    for batch in batches(table):
        for column in table.columns:
            for leaf, values in leaves(column, batch[column.name]):
                assert leaf.nullable or values.null_count == 0, f"{leaf.name} has {values.null_count} nulls"


@tables
def test_values_are_in_range(table: Table) -> None:
    for batch in batches(table):
        for column in table.columns:
            for leaf, values in leaves(column, batch[column.name]):
                if (leaf.minimum is not None or leaf.maximum is not None) and len(values.drop_null()):
                    extremes = pc.min_max(values).as_py()
                    assert leaf.minimum is None or extremes["min"] >= leaf.minimum, leaf.name
                    assert leaf.maximum is None or extremes["max"] <= leaf.maximum, leaf.name


@tables
def test_strings_are_among_those_listed(table: Table) -> None:
    for batch in batches(table):
        for column in table.columns:
            if column.values:
                found = set(pc.unique(batch[column.name].cast(pa.string()).drop_null()).to_pylist())
                assert found <= set(column.values), f"{column.name}: {found - set(column.values)}"


@tables
def test_keys_are_unique(table: Table) -> None:
    for batch in batches(table):
        keys = list(zip(*(batch[name].to_pylist() for name in table.key), strict=True))
        assert len(set(keys)) == len(keys)


def value(row: dict, term: str, item: dict | None) -> Decimal:
    """A term of an equation in a row; a column of the items is summed unless an item is given."""
    if not term.startswith("items."):
        return row[term]
    name = term.removeprefix("items.")
    return item[name] if item else sum(each[name] for each in row["items"])


@pytest.mark.parametrize("equation", ORDERS.equations, ids=str)
def test_equations_hold(equation: Equation) -> None:
    for batch in batches(ORDERS):
        for row in batch.slice(0, 2_000).to_pylist():
            for item in row["items"] if equation.left.startswith("items.") else [None]:
                right = sum(value(row, term, item) for term in equation.plus)
                right -= sum((value(row, term, item) for term in equation.minus), Decimal(0))
                assert value(row, equation.left, item) == right, f"order {row['order_id']}"


@tables
def test_moments_are_in_their_order(table: Table) -> None:
    for batch in batches(table):
        for order in table.time_orders:
            assert pc.all(pc.less_equal(batch[order.earlier], batch[order.later])).as_py(), f"{order}"

"""Which columns of a table a kind of defect can change, as follows from the table's rules.

Columns of order lines are written ``items.product_id``. Keys are left alone: the truth names rows by them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from beam_pipelines import tables
from beam_pipelines.defects.rates import DUPLICATE, LATE, MISSING, NEWER, RANGE, REFERENCE, TIME, UNBALANCED, VALUE
from beam_pipelines.schema import Column, Table, Type

CHANGED = {
    tables.PRODUCTS.name: "department",
    tables.CUSTOMERS.name: "traffic_source",
    tables.INVENTORY_ITEMS.name: "cost",
    tables.ORDERS.name: "payment_method",
    tables.ORDER_EVENTS.name: "carrier",
    tables.WEB_EVENTS.name: "device",
}
"""The column that a newer version changes: one on which no other depends, so that the row stays valid."""


def applies(kind: str, table: Table) -> bool:
    """Whether a kind that befalls rows can befall those of a table."""
    return kind == DUPLICATE or bool(paths(kind, table.name))


@functools.lru_cache(maxsize=256)
def paths(kind: str, table_name: str) -> tuple[str, ...]:
    """The columns, of a lake table, of which a kind changes one; of late rows the one that says so."""
    table = tables.BY_NAME[table_name]
    if kind == UNBALANCED:
        return tuple(equation.left for equation in table.equations)
    if kind in (LATE, TIME):
        return (table.partition.column,) if table.partition else ()
    if kind == NEWER:
        return (CHANGED[table.name],) if table.partition else ()
    return tuple(path for path, column in _changeable(table) if _is_candidate(kind, path, column))


def column_at(table: Table, path: str) -> Column:
    """The column of a path."""
    name, _, field = path.partition(".")
    column = table.column(name)
    return next(nested for nested in column.fields if nested.name == field) if field else column


def _is_candidate(kind: str, path: str, column: Column) -> bool:
    if kind == MISSING:
        return not column.nullable and "." not in path
    if kind == RANGE:
        return (column.minimum is not None or column.maximum is not None) and not column.references
    if kind == REFERENCE:
        return bool(column.references)
    return kind == VALUE and bool(column.values)


def _changeable(table: Table) -> Iterator[tuple[str, Column]]:
    """Columns of one value a row or an order line, but the key."""
    for column in table.columns:
        if column.type is Type.RECORD:
            yield from ((f"{column.name}.{field.name}", field) for field in column.fields if not field.repeated)
        elif not column.repeated and column.name not in table.key:
            yield column.name, column

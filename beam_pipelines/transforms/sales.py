"""What follows from orders: their lines with what the product was at that moment, and the day's sales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines import tables
from beam_pipelines.columns import cents, integers, money
from beam_pipelines.transforms.validation import Finding

I64 = npt.NDArray[np.int64]

MAXIMUM_PRODUCT_VERSIONS = 10_000_000
"""Every worker holds all versions of all products; a load of more is refused rather than run out of memory."""


class ProductVersions:
    """Every version of every product, to find the one that was valid at a moment.

    A product may be announced, which is when its first version takes effect, before it is launched; until then nobody
    can order it. Takes batches of ``tables.PRODUCTS`` in any order. ValueError above ten million rows.
    """

    def __init__(self, batches: Sequence[pa.RecordBatch]) -> None:
        table = pa.Table.from_batches(
            batches, schema=None if batches else tables.PRODUCTS.arrow_schema
        ).unify_dictionaries()
        if table.num_rows > MAXIMUM_PRODUCT_VERSIONS:
            raise ValueError(
                f"products: expected at most {MAXIMUM_PRODUCT_VERSIONS:,} versions, got {table.num_rows:,}"
            )
        ordered = table.take(
            pc.sort_indices(table, [(name, "ascending") for name in ("product_id", "valid_from", "version")])
        )
        self.rows = ordered.combine_chunks()
        product_id = integers(self.rows["product_id"])
        self._valid_from = integers(self.rows["valid_from"])
        self._launched_at = integers(self.rows["launched_at"])
        self._product_ids, self._first, self._versions = np.unique(product_id, return_index=True, return_counts=True)

    def at(self, product_id: I64, microseconds: I64) -> I64:
        """The row in :attr:`rows` valid for each product at each time; -1 where it was not on sale yet."""
        if not len(self._product_ids):
            return np.full(len(product_id), -1)
        position = np.searchsorted(self._product_ids, product_id).clip(max=len(self._product_ids) - 1)
        row, left = self._first.take(position), self._versions.take(position)
        known = self._product_ids.take(position) == product_id
        known &= self._valid_from.take(row) <= microseconds
        # Of the versions that are left for each, skip half as long as the one behind that is valid.
        while (half := left >> 1).any():
            middle = row + half
            valid = self._valid_from.take(middle) <= microseconds
            row = np.where(valid, middle, row)
            left = np.where(valid, left - half, half)
        known &= self._launched_at.take(row) <= microseconds
        return np.where(known, row, -1)


@dataclass(frozen=True)
class Lines:
    """The lines of a batch of orders, flattened."""

    order: I64
    """Row of each line's order in the batch."""
    product: I64
    """Row of each line's product version, -1 for a product that was not on sale."""


def lines_of(orders: pa.RecordBatch, products: ProductVersions) -> Lines:
    """The lines of a batch of orders with the versions of their products; no product is known by a null."""
    items = orders.column("items")
    order = pc.list_parent_indices(items).to_numpy(zero_copy_only=False)
    product_id = integers(pc.struct_field(items.flatten(), "product_id").fill_null(0))
    created_at = integers(orders.column("created_at").cast(pa.int64()).fill_null(0))
    return Lines(order, products.at(product_id, created_at.take(order)))


def unknown_products(orders: pa.RecordBatch, lines: Lines) -> list[Finding]:
    """The orders with a product that had not been launched when they were placed."""
    missing = np.flatnonzero(lines.product < 0)
    if not len(missing):
        return []
    broken = np.zeros(orders.num_rows, dtype=bool)
    broken[lines.order[missing]] = True
    product_id = pc.struct_field(orders.column("items").flatten(), "product_id")
    first = {int(lines.order[line]): int(line) for line in missing[::-1]}
    return [
        Finding(
            "references",
            "items.product_id",
            "a product launched before the order",
            broken,
            lambda row: str(product_id[first[row]].as_py()),
        )
    ]


_OF_ITEMS = ("order_item_id", "product_id", "inventory_item_id", "retail_price", "discount", "sale_price", "cost")


def order_items(orders: pa.RecordBatch, lines: Lines, products: ProductVersions) -> pa.RecordBatch:
    """The lines of orders as a batch of ``tables.ORDER_ITEMS``; every line's product must be known."""
    items = orders.column("items").flatten()
    of_order = pa.array(lines.order)
    of_product = pa.array(lines.product)
    columns: dict[str, pa.Array[Any]] = {
        name: orders.column(name).take(of_order)
        for name in ("order_id", "customer_id", "created_at", "channel", "country")
    }
    columns |= {name: pc.struct_field(items, name) for name in _OF_ITEMS}
    for name in ("department", "category", "brand"):
        columns[name] = products.rows[name].combine_chunks().take(of_product)
    columns["product_version"] = products.rows["version"].combine_chunks().take(of_product)
    columns["margin"] = money(cents(columns["sale_price"]) - cents(columns["cost"]))
    names = [column.name for column in tables.ORDER_ITEMS.columns]
    fields = [pa.field(name, columns[name].type, nullable=False) for name in names]
    return pa.RecordBatch.from_arrays([columns[name] for name in names], schema=pa.schema(fields))


CELLS = (tables.CATEGORIES, tables.CHANNELS, tables.COUNTRIES)
"""The axes of a day's sales, in the order of their numbering."""

MEASURES = ("orders", "units", "revenue", "discount", "margin")

Sales = npt.NDArray[np.int64]
"""A day's sales: shape (5 measures, 26 x 3 x 14 cells), money in cents."""

NO_SALES: Sales = np.zeros((len(MEASURES), int(np.prod([len(axis) for axis in CELLS]))), np.int64)


def sales_of(order_items: pa.RecordBatch) -> Sales:
    """The sales of a batch of order lines of one day, all lines of an order being in the same batch."""
    cell = np.zeros(order_items.num_rows, np.int64)
    for name, axis in zip(("category", "channel", "country"), CELLS, strict=True):
        cell = cell * len(axis) + _codes(order_items.column(name), axis)
    size = NO_SALES.shape[1]
    # Sums of whole numbers are exact in float64 below 2**53 cents, ninety trillion dollars.
    money = [
        np.bincount(cell, weights=cents(order_items.column(name)).astype(np.float64), minlength=size).astype(np.int64)
        for name in ("sale_price", "discount", "margin")
    ]
    placed = np.unique(integers(order_items.column("order_id")) * size + cell) % size
    return np.stack([np.bincount(placed, minlength=size), np.bincount(cell, minlength=size), *money])


def daily_sales(day: date, parts: Iterable[Sales]) -> pa.RecordBatch:
    """A day's sales as a batch of ``tables.DAILY_SALES``, one row for each cell with a unit sold."""
    total = sum(parts, NO_SALES)
    cells = np.flatnonzero(total[1])
    category, channel, country = np.unravel_index(cells, [len(axis) for axis in CELLS])
    orders, units, revenue, discount, margin = total[:, cells]
    return pa.RecordBatch.from_arrays(
        [
            pa.array([day] * len(cells), pa.date32()),
            *(
                pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(axis))
                for codes, axis in zip((category, channel, country), CELLS, strict=True)
            ),
            pa.array(orders),
            pa.array(units),
            money(revenue),
            money(discount),
            money(margin),
        ],
        names=[column.name for column in tables.DAILY_SALES.columns],
    )


def _codes(array: pa.Array[Any], axis: tuple[str, ...]) -> I64:
    """The position of each value in an axis."""
    encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    # Values of refused rows stay in the dictionary, of valid ones every one is known.
    positions = pc.index_in(encoded.dictionary, value_set=pa.array(axis)).fill_null(-1).to_numpy()
    codes: I64 = positions.astype(np.int64).take(encoded.indices.to_numpy())
    if (codes < 0).any():
        raise ValueError(f"expected values of {axis}, got another")
    return codes

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
from beam_pipelines.transforms.accounting import Amounts
from beam_pipelines.transforms.validation import Finding

I64 = npt.NDArray[np.int64]

MAXIMUM_PRODUCT_VERSIONS = 10_000_000
"""Every worker holds all versions of all products; a load of more is refused rather than run out of memory."""


UNKNOWN, NOT_ON_SALE = -1, -2
"""In place of the row of a product version: there is none, or nobody could order the product yet."""


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
        self._positions = _positions(self._product_ids)

    def at(self, product_id: I64, microseconds: I64) -> I64:
        """The row in :attr:`rows` valid for each product at each time.

        UNKNOWN where there is none, because it was refused or cannot be read; NOT_ON_SALE before the launch.
        """
        if not len(self._product_ids):
            return np.full(len(product_id), UNKNOWN)
        if self._positions is None:
            position = np.searchsorted(self._product_ids, product_id).clip(max=len(self._product_ids) - 1)
        else:
            position = self._positions.take(product_id.clip(0, len(self._positions) - 1))
        row, left = self._first.take(position), self._versions.take(position)
        there = self._product_ids.take(position) == product_id
        known = there & (self._valid_from.take(row) <= microseconds)
        # Of the versions that are left for each, skip half as long as the one behind that is valid.
        while (half := left >> 1).any():
            middle = row + half
            valid = self._valid_from.take(middle) <= microseconds
            row = np.where(valid, middle, row)
            left = np.where(valid, left - half, half)
        found = np.where(known, row, UNKNOWN)
        found[there & (self._launched_at.take(row) > microseconds)] = NOT_ON_SALE
        return found


def _positions(ascending: I64) -> I64 | None:
    """For each number up to the highest of some, how many of these are below it: None if that would be too many."""
    if not len(ascending) or ascending[0] < 0 or ascending[-1] > 16 * len(ascending):
        return None
    return np.searchsorted(ascending, np.arange(ascending[-1] + 1))


@dataclass(frozen=True)
class Lines:
    """The lines of a batch of orders, flattened."""

    order: I64
    """Row of each line's order in the batch."""
    product: I64
    """Row of each line's product version, or UNKNOWN, or NOT_ON_SALE."""

    def of(self, orders: npt.NDArray[np.bool_]) -> Lines:
        """The lines of some of the orders, as they are once the others are gone."""
        mine = orders.take(self.order)
        return Lines((np.cumsum(orders) - 1).take(self.order[mine]), self.product[mine])


def lines_of(orders: pa.RecordBatch, products: ProductVersions) -> Lines:
    """The lines of a batch of orders with the versions of their products; no product is known by a null."""
    items = orders.column("items")
    order = pc.list_parent_indices(items).to_numpy(zero_copy_only=False)
    product_id = integers(pc.struct_field(items.flatten(), "product_id").fill_null(0))
    created_at = integers(orders.column("created_at").cast(pa.int64()).fill_null(0))
    return Lines(order, products.at(product_id, created_at.take(order)))


def not_on_sale(orders: pa.RecordBatch, lines: Lines) -> list[Finding]:
    """The orders with a product that had not been launched when they were placed."""
    missing = np.flatnonzero(lines.product == NOT_ON_SALE)
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
    """The lines of orders as a batch of ``tables.ORDER_ITEMS``; nulls for what an unknown product would say."""
    items = orders.column("items").flatten()
    of_order = pa.array(lines.order)
    of_product = pa.array(lines.product, mask=lines.product < 0)
    columns: dict[str, pa.Array[Any]] = {
        name: orders.column(name).take(of_order)
        for name in ("order_id", "customer_id", "created_at", "channel", "country")
    }
    columns |= {name: pc.struct_field(items, name) for name in _OF_ITEMS}
    for name in ("department", "category", "brand"):
        columns[name] = products.rows[name].combine_chunks().take(of_product)
    columns["product_version"] = products.rows["version"].combine_chunks().take(of_product)
    columns["margin"] = money(cents(columns["sale_price"]) - cents(columns["cost"]))
    schema = [
        pa.field(column.name, columns[column.name].type, column.nullable) for column in tables.ORDER_ITEMS.columns
    ]
    return pa.RecordBatch.from_arrays([columns[field.name] for field in schema], schema=pa.schema(schema))


def amounts_of_lines(amounts: Amounts) -> Amounts:
    """The sums that the lines of orders are to have, by the sums of the orders."""
    of_orders = dict(zip(tables.ORDERS.numeric_paths, amounts, strict=True))
    known = {path.removeprefix("items."): cents for path, cents in of_orders.items() if path.startswith("items.")}
    known["margin"] = known["sale_price"] - known["cost"]
    return tuple(known[path] for path in tables.ORDER_ITEMS.numeric_paths)


CELLS = ((*tables.CATEGORIES, None), tables.CHANNELS, tables.COUNTRIES)
"""The axes of a day's sales, in the order of their numbering; a category may not be known."""

MEASURES = ("orders", "units", "revenue", "discount", "margin")

Sales = npt.NDArray[np.int64]
"""A day's sales: shape (5 measures, 27 x 3 x 14 cells), money in cents."""

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
    # Sorted as they nearly are, for orders come in order.
    placed = np.sort(integers(order_items.column("order_id")) * size + cell, kind="stable")
    placed = placed[np.diff(placed, prepend=-1) != 0] % size
    return np.stack([np.bincount(placed, minlength=size), np.bincount(cell, minlength=size), *money])


def amounts_of_sales(parts: Iterable[Sales]) -> Amounts:
    """The sums that a day's sales are to have: revenue, discount and margin."""
    return tuple(sum(parts, NO_SALES).sum(axis=1)[2:].tolist())


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
                pa.array(axis).take(pa.array(codes))
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


def _codes(array: pa.Array[Any], axis: tuple[str | None, ...]) -> I64:
    """The position of each value in an axis."""
    encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    # Values of refused rows stay in the dictionary, of valid ones every one is known.
    positions = pc.index_in(encoded.dictionary, value_set=pa.array(axis)).fill_null(-1).to_numpy()
    indices = encoded.indices.fill_null(len(positions)) if encoded.null_count else encoded.indices
    nothing = axis.index(None) if None in axis else -1
    codes: I64 = np.append(positions.astype(np.int64), nothing).take(indices.to_numpy())
    if (codes < 0).any():
        raise ValueError(f"expected values of {axis}, got another")
    return codes

"""The synthetic retail world: any block of any day of any table, drawn alone.

A row depends on (seed, scale, table, day, row number in the day) and on nothing else.

>>> from datetime import date
>>> world = World(seed=42, scale=0.1)
>>> black_friday = day_number(date(2025, 11, 28))
>>> world.block("orders", black_friday, 0).num_rows == world.rows("orders", black_friday)
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from beam_pipelines.world import calendar, customers, inventory, lifecycle, order_events, orders, products, web
from beam_pipelines.world.calendar import LAST, OPENING, date_of, day_number
from beam_pipelines.world.draw import BLOCK_ROWS

__all__ = ["BLOCK_ROWS", "LAST", "OPENING", "SCALES", "VERSION", "World", "date_of", "day_number"]

VERSION = 2
"""Goes up whenever the same arguments give other rows, so that days drawn by different versions are told apart."""

SCALES = (0.01, 10_000)
"""The smallest and the largest scale."""


@dataclass(frozen=True)
class World:
    """One world; ``scale`` 1 opens with about 1,000 orders a day."""

    seed: int = 42
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed: expected a whole number from 0 to 2**63 - 1, got {self.seed}")
        if not SCALES[0] <= self.scale <= SCALES[1]:
            raise ValueError(f"scale: expected a number from {SCALES[0]} to {SCALES[1]:,}, got {self.scale}")

    def rows(self, table: str, day: int) -> int:
        """How many rows a table has on a day.

        Raises KeyError for a table that the world does not have, IndexError for a day before the opening or after the
        last.
        """
        if not 0 <= day < calendar.DAYS:
            raise IndexError(f"day: expected {OPENING} to {LAST}, as a number from 0 to {calendar.DAYS - 1}, got {day}")
        return _TABLES[table].rows(self, day)

    def blocks(self, table: str, day: int) -> int:
        """How many blocks hold a day's rows; all but the last have 16,384 rows."""
        return -(-self.rows(table, day) // BLOCK_ROWS)

    def block(self, table: str, day: int, block: int) -> pa.RecordBatch:
        """One block's rows, in the schema of the table with strings dictionary-encoded where they repeat."""
        rows = min(BLOCK_ROWS, self.rows(table, day) - block * BLOCK_ROWS)
        if block < 0 or rows <= 0:
            raise IndexError(f"{table} has no block {block} on {date_of(day)}")
        return _TABLES[table].draw(self.seed, self.scale, day, block, rows)


@dataclass(frozen=True)
class _Drawn:
    rows: Callable[[World, int], int]
    draw: Callable[[int, float, int, int, int], pa.RecordBatch]


def _rows_by_volume(volume: calendar.Volume) -> Callable[[World, int], int]:
    def rows(world: World, day: int) -> int:
        return calendar.rows_of(world.seed, world.scale, volume, day)

    return rows


def _rows_of_centers(world: World, day: int) -> int:
    return len(products.CENTERS) if day == 0 else 0


def _rows_of_customers(world: World, day: int) -> int:
    return customers.rows(world.seed, world.scale, day)


def _rows_of_products(world: World, day: int) -> int:
    return products.rows(world.seed, day)


_TABLES = {
    "distribution_centers": _Drawn(_rows_of_centers, products.draw_centers),
    "products": _Drawn(_rows_of_products, products.draw_block),
    "customers": _Drawn(_rows_of_customers, customers.draw_block),
    "inventory_items": _Drawn(lambda world, day: inventory.rows(world.seed, world.scale, day), inventory.draw_block),
    "orders": _Drawn(_rows_by_volume(calendar.ORDERS), orders.draw_block),
    "order_events": _Drawn(lambda world, day: lifecycle.rows(world.seed, world.scale, day), order_events.draw_block),
    "web_events": _Drawn(lambda world, day: web.rows(world.seed, world.scale, day), web.draw_block),
}

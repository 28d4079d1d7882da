"""A small world with rows of every table, in many small blocks."""

import numpy as np
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.columns import TIMESTAMP, money
from beam_pipelines.schema import Column, Table, Type
from beam_pipelines.world import World, arrays, draw
from beam_pipelines.world.calendar import midnight

BLOCK_ROWS = 16
"""Rows of a block, here."""


class ToyWorld(World):
    """Valid rows of every table: 5 to 68 a day, and none on some days."""

    def rows(self, table: str, day: int) -> int:
        if table == "distribution_centers":
            return 10 if day == 0 else 0
        word = int(draw.hashed(draw.key(self.seed, "toy", table), np.array([day]))[0])
        return 0 if word % 7 == 0 else 5 + word % 64

    def blocks(self, table: str, day: int) -> int:
        return -(-self.rows(table, day) // BLOCK_ROWS)

    def block(self, table: str, day: int, block: int) -> pa.RecordBatch:
        rows = min(BLOCK_ROWS, self.rows(table, day) - block * BLOCK_ROWS)
        assert rows > 0, (table, day, block)
        known = tables.BY_NAME[table]
        start = block * BLOCK_ROWS
        columns = self._amounts(day, start, rows) if table == "orders" else {}
        for column in known.columns:
            if column.name not in columns:
                columns[column.name] = self._column(known, column, day, start, rows)
        arrays_of = [columns[column.name] for column in known.columns]
        schema = pa.schema(
            [pa.field(c.name, array.type, c.nullable) for c, array in zip(known.columns, arrays_of, strict=True)]
        )
        return pa.RecordBatch.from_arrays(arrays_of, schema=schema)

    def _words(self, name: str, day: int, start: int, rows: int) -> np.ndarray:
        return draw.hashed(draw.key(self.seed, "toy", name), day * 1000 + start + np.arange(rows))

    def _column(self, table: Table, column: Column, day: int, start: int, rows: int) -> pa.Array:
        words = self._words(f"{table.name}.{column.name}", day, start, rows)
        numbers = (words % np.uint64(1 << 20)).astype(np.int64)
        if column.type is Type.TIMESTAMP:
            array = pa.array(midnight(day) + (start + np.arange(rows)) * 1_000_000_000).cast(TIMESTAMP)
        elif column.repeated:
            array = pa.array([[1, 2][: n % 3] for n in numbers.tolist()], column.arrow_type)
        elif column.type is Type.STRING:
            values = column.values or tuple(f"{column.name} {n} \u00e9" for n in range(300))
            array = arrays.strings(numbers % len(values), values)
        elif column.type is Type.NUMERIC:
            array = money(numbers)
        elif column.type is Type.FLOAT64:
            array = pa.array(numbers / (1 << 20) * 90)
        elif column.name == table.key[0]:
            array = pa.array(day * 1000 + start + np.arange(rows) + 1)
        else:
            array = pa.array(12 + numbers % 58 if column.name == "age" else 1 + numbers % 10)
        if column.nullable:
            array = array.take(pa.array(np.arange(rows), mask=numbers % 3 == 0))
        return array

    def _amounts(self, day: int, start: int, rows: int) -> dict[str, pa.Array]:
        """Orders whose amounts add up."""
        counts = (self._words("items", day, start, rows) % np.uint64(4)).astype(np.int64) + 1
        offsets = np.concatenate([[0], np.cumsum(counts)])
        prices = 1000 + (draw.hashed(self.seed, day * 10_000 + start * 10 + np.arange(offsets[-1])) % 5000).astype(int)
        discounts = prices // 10
        order_of = np.repeat(np.arange(rows), counts)
        subtotal = np.bincount(order_of, prices).astype(np.int64)
        discount = np.bincount(order_of, discounts).astype(np.int64)
        kind = tables.ORDERS.column("items").arrow_value_type
        numbers = pa.array(np.arange(offsets[-1]) + day * 10_000 + 1)
        amounts = {"retail_price": prices, "discount": discounts, "sale_price": prices - discounts, "cost": prices // 2}
        fields = [money(amounts[field.name]) if field.name in amounts else numbers for field in kind]
        items = pa.StructArray.from_arrays(fields, fields=list(kind))
        flat = {"subtotal": subtotal, "discount": discount, "shipping": subtotal * 0 + 495, "tax": subtotal // 20}
        flat["total"] = subtotal - discount + flat["shipping"] + flat["tax"]
        listed = pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()), items, type=tables.ORDERS.column("items").arrow_type
        )
        return {name: money(cents) for name, cents in flat.items()} | {"items": listed}


WORLD = ToyWorld(seed=42, scale=0.02)

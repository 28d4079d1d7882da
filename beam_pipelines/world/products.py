"""Products as they are launched, and the distribution centers that stock them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.world import arrays, calendar, draw
from beam_pipelines.world.catalog import catalog


class Center(NamedTuple):
    """A distribution center, as theLook has it."""

    name: str
    latitude: float
    longitude: float


CENTERS = (
    Center("Memphis TN", 35.1174, -89.9711),
    Center("Chicago IL", 41.8369, -87.6847),
    Center("Houston TX", 29.7604, -95.3698),
    Center("Los Angeles CA", 34.05, -118.25),
    Center("New Orleans LA", 29.95, -90.0667),
    Center("Port Authority of New York/New Jersey NY/NJ", 40.634, -73.7834),
    Center("Philadelphia PA", 39.95, -75.1667),
    Center("Mobile AL", 30.6944, -88.0431),
    Center("Charleston SC", 32.7833, -79.9333),
    Center("Savannah GA", 32.0167, -81.1167),
)


def launches(seed: int, day: int) -> tuple[int, int]:
    """The range of product indexes (product_id - 1) launched on a day."""
    launch_day = catalog(seed).launch_day
    return int(np.searchsorted(launch_day, day, "left")), int(np.searchsorted(launch_day, day, "right"))


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Launches ``block * 16,384`` and following of a day, as a batch of ``tables.PRODUCTS``; the same at any scale."""
    known = catalog(seed)
    first = launches(seed, day)[0] + block * draw.BLOCK_ROWS
    own = slice(first, first + rows)
    launched_at = arrays.timestamps(np.full(rows, calendar.midnight(day)))
    columns = [
        arrays.integers(np.arange(first + 1, first + 1 + rows)),
        arrays.integers(np.ones(rows, np.int64)),
        launched_at,
        launched_at,
        known.sku[own],
        known.name[own],
        arrays.strings(known.brand[own], known.brands),
        arrays.strings(known.category[own], tables.CATEGORIES),
        arrays.strings(known.department[own], tables.DEPARTMENTS),
        arrays.money(known.retail_price[own]),
        arrays.money(known.cost[own]),
        arrays.integers(known.distribution_center_id[own]),
    ]
    encoded = {"brand": columns[6].type, "category": arrays.FEW, "department": arrays.FEW}
    return pa.RecordBatch.from_arrays(columns, schema=arrays.schema(tables.PRODUCTS, encoded))


def draw_centers(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """The ten distribution centers, all there on day 0, as a batch of ``tables.DISTRIBUTION_CENTERS``."""
    centers = CENTERS[:rows]
    columns = [
        arrays.integers(np.arange(1, rows + 1)),
        pa.array([center.name for center in centers]),
        arrays.floats(np.array([center.latitude for center in centers])),
        arrays.floats(np.array([center.longitude for center in centers])),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=tables.DISTRIBUTION_CENTERS.arrow_schema)

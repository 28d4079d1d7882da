"""Products as they are launched, and the distribution centers that stock them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines import columns, tables
from beam_pipelines.world import calendar, draw
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
    launched_at = columns.timestamps(np.full(rows, calendar.midnight(day)))
    return columns.batch(
        tables.PRODUCTS,
        {
            "product_id": np.arange(first, first + rows) + 1,
            "version": np.ones(rows, np.int64),
            "valid_from": launched_at,
            "launched_at": launched_at,
            "sku": known.sku[own],
            "name": known.name[own],
            "brand": columns.dictionary(known.brand[own], known.brands),
            "category": columns.dictionary(known.category[own], tables.CATEGORIES),
            "department": columns.dictionary(known.department[own], tables.DEPARTMENTS),
            "retail_price": columns.money(known.retail_price[own]),
            "cost": columns.money(known.cost[own]),
            "distribution_center_id": known.distribution_center_id[own],
        },
    )


def draw_centers(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """The ten distribution centers, all there on day 0, as a batch of ``tables.DISTRIBUTION_CENTERS``."""
    return columns.batch(
        tables.DISTRIBUTION_CENTERS,
        {
            "distribution_center_id": np.arange(rows) + 1,
            "name": pa.array([center.name for center in CENTERS[:rows]]),
            "latitude": np.array([center.latitude for center in CENTERS[:rows]]),
            "longitude": np.array([center.longitude for center in CENTERS[:rows]]),
        },
    )

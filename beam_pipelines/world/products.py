"""Products as they are launched and as their prices change, and the distribution centers that stock them."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.world import arrays, calendar, draw, prices
from beam_pipelines.world.catalog import catalog, first_day


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


def announcements(seed: int, day: int) -> tuple[int, int]:
    """The range of product indexes announced on the first of a month: those to be launched on the next one's.

    On the first day of all, those launched that day too.
    """
    launch_day, month = catalog(seed).launch_day, prices.month_of(day)
    first = int(np.searchsorted(launch_day, day, "right")) if month else 0
    return first, int(np.searchsorted(launch_day, first_day(month + 1), "right"))


@functools.lru_cache(maxsize=4096)
def rows(seed: int, day: int) -> int:
    """How many versions of products take effect on a day: none but on the first of a month."""
    return len(_product_ids(seed, day)) if calendar.date_of(day).day == 1 else 0


@functools.lru_cache(maxsize=16)
def _product_ids(seed: int, day: int) -> draw.I64:
    """Products of which a version takes effect on the first of a month: those announced, then those changed."""
    month, version = prices.month_of(day), prices.price_lists(seed).version
    first, last = announcements(seed, day)
    changed = version[month] > (version[month - 1] if month else 0)
    changed[first + 1 : last + 1] = False
    return np.concatenate([np.arange(first + 1, last + 1), changed.nonzero()[0]])


def draw_block(seed: int, scale: float, day: int, block: int, rows: int) -> pa.RecordBatch:
    """Versions ``block * 16,384`` and following of a day, as a batch of ``tables.PRODUCTS``; the same at any scale.

    First those announced that day, in order of their numbers, then those whose price or cost changes.
    """
    known, lists, month = catalog(seed), prices.price_lists(seed), prices.month_of(day)
    product_id = _product_ids(seed, day)[block * draw.BLOCK_ROWS :][:rows]
    index = product_id - 1
    columns = [
        arrays.integers(product_id),
        arrays.integers(lists.version[month].take(product_id).astype(np.int64)),
        arrays.timestamps(np.full(rows, calendar.midnight(day))),
        arrays.timestamps(calendar.midnight(0) + known.launch_day.take(index) * calendar.MICROSECONDS_PER_DAY),
        known.sku.take(arrays.integers(index)),
        known.name.take(arrays.integers(index)),
        arrays.strings(known.brand.take(index), known.brands),
        arrays.strings(known.category.take(index), tables.CATEGORIES),
        arrays.strings(known.department.take(index), tables.DEPARTMENTS),
        arrays.money(lists.retail_price[month].take(product_id)),
        arrays.money(lists.cost[month].take(product_id)),
        arrays.integers(known.distribution_center_id.take(index)),
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

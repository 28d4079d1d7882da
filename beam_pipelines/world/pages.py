"""Pages of the web shop, and which products visitors look at."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.world import calendar, draw, sessions
from beam_pipelines.world.catalog import PRODUCTS, catalog

VIEW_BITS = 18
"""Random bits of a draw of the product that somebody looks at."""

EXPLORING = 0.25
"""Share of product views that are of anything on offer, where the others go by what is bought: so niche products are
looked at more often than they are bought."""

_FIXED = {
    sessions.HOME: "/home",
    sessions.CART: "/cart",
    sessions.PURCHASE: "/purchase",
    sessions.CANCEL: "/cancel",
}


@dataclass(frozen=True, eq=False)
class Pages:
    """Every page of the shop."""

    uris: pa.StringArray
    """The same object for every block, so that whoever gets many blocks may look at the strings once."""
    page: npt.NDArray[np.int32]
    """Positions in ``uris``: by event type and product, that is at ``offsets()[event_type] + product_id``."""


@functools.lru_cache(maxsize=1)
def offsets() -> draw.I64:
    """Where the pages of each event type begin in ``Pages.page``: shape (6,)."""
    return np.arange(len(tables.WEB_EVENT_TYPES)) * (PRODUCTS + 1)


@functools.lru_cache(maxsize=4)
def pages(seed: int) -> Pages:
    """The pages of a seed's catalogue, common ones first: then most of what is asked for lies close together."""
    known = catalog(seed)
    shelf = known.department.astype(np.int64)
    shelf = (shelf * len(tables.CATEGORIES) + known.category) * len(known.brands) + known.brand
    shelves, department = np.unique(shelf, return_inverse=True)
    by_demand = np.argsort(-np.bincount(department, known.popularity), kind="stable")
    rank = np.empty_like(by_demand)
    rank[by_demand] = np.arange(len(by_demand))
    products = np.argsort(-known.popularity, kind="stable")
    uris = [*_FIXED.values(), *_departments(seed, shelves[by_demand])]
    page = np.zeros((len(tables.WEB_EVENT_TYPES), PRODUCTS + 1), np.int32)
    for position, event_type in enumerate(_FIXED):
        page[event_type] = position
    page[sessions.DEPARTMENT, 1:] = len(_FIXED) + rank[department]
    page[sessions.PRODUCT, products + 1] = len(uris) + np.arange(PRODUCTS)
    uris += [f"/product/{product + 1}" for product in products.tolist()]
    return Pages(pa.array(uris, pa.string()), page.reshape(-1))


def _departments(seed: int, shelves: draw.I64) -> list[str]:
    """Pages of what a brand has in a category of a department, all three in one number."""
    brands = [slug(name) for name in catalog(seed).brands.to_pylist()]
    categories = [slug(name) for name in tables.CATEGORIES]
    uris = []
    for shelf in shelves.tolist():
        which, brand = divmod(shelf, len(brands))
        department, category = divmod(which, len(categories))
        name = slug(tables.DEPARTMENTS[department])
        uris.append(f"/department/{name}/category/{categories[category]}/brand/{brands[brand]}")
    return uris


def slug(name: str) -> str:
    """A name as part of a URI.

    >>> slug("Blazers & Jackets")
    'blazers-jackets'
    """
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def viewed(seed: int, day: int, lots: draw.I64) -> draw.U16:
    """A product that is on offer on a day for each lot of 18 random bits: product_ids."""
    first_of_month = calendar.date_of(day).replace(day=1)
    return _views_of_month(seed, first_of_month.month, calendar.day_number(first_of_month)).take(lots)


@functools.lru_cache(maxsize=24)
def _views_of_month(seed: int, month: int, day: int) -> draw.U16:
    """Inverse CDF over the products on offer in a month: shape (2**18,)."""
    known = catalog(seed)
    demand = known.demand(month, day)
    anything = (known.launch_day <= day).astype(np.float64)
    weights = (1 - EXPLORING) * demand / demand.sum() + EXPLORING * anything / anything.sum()
    return draw.inverse_cdf(weights, VIEW_BITS, np.arange(1, PRODUCTS + 1, dtype=np.uint16))

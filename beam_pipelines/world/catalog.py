"""The product catalogue: 29,120 products as a function of the seed, the same at every scale.

Products are numbered in order of launch: 20,000 are on sale when the shop opens, the others come in collections (some
products of one brand and category) on the first day of a month. A third of the brands are taken up over the years. What
products are made of is in ``assortment``, what they cost after their launch in ``prices``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.tables import CATEGORIES, DEPARTMENTS
from beam_pipelines.world import draw
from beam_pipelines.world.assortment import BRANDS, CENTERS, CODES, COLORS, LINES, SPREADS, STYLES, TIERS
from beam_pipelines.world.calendar import OPENING

PRODUCTS = 29_120
"""Products ever launched, as many as theLook has."""

AT_OPENING = 20_000
"""Products on sale from the first day."""

LAUNCH_MONTHS = 72
"""Months with launches, from the opening's on."""

DEBUTS = 66
"""Late brands are taken up in one of so many months after the opening's, which leaves the last ones time for more."""

COLLECTIONS = 4
"""Collections into which a brand's products of one line fall."""

ZIPF_OFFSET = 50
"""Popularity falls as 1 / (rank + offset): a fifth of the products makes three quarters of the sales."""

PRICE_SLOTS = 1024
COST_JITTER = 400
"""A product's cost is off its line's share of the price by up to this many hundredths of a per cent."""

ENDINGS = (99,) * 9 + (95,) * 3 + (0,) * 2 + (50,) * 2
"""Cents that a price ends in, as often as they come up."""

COLORED = 6
"""Of 16 products, how many carry their colour in the name (denim has washes instead, accessories materials)."""


@dataclass(frozen=True, eq=False)
class Catalog:
    """Columns of length 29,120, product_id 1 first."""

    launch_day: npt.NDArray[np.int64]
    """Days from the opening (2019-01-01) to the launch, not decreasing; 0 or the first day of a month to 2024-12."""
    line: npt.NDArray[np.uint8]
    """Index into ``assortment.LINES``."""
    category: npt.NDArray[np.uint8]
    """Index into ``tables.CATEGORIES``."""
    department: npt.NDArray[np.uint8]
    """Index into ``tables.DEPARTMENTS``."""
    brand: npt.NDArray[np.uint16]
    """Index into ``brands``."""
    brands: pa.StringArray
    """Names of the brands."""
    name: pa.StringArray
    sku: pa.StringArray
    """Stock keeping unit like HF-SWE-012345, unique."""
    retail_price: npt.NDArray[np.int64]
    """List price at launch, cents."""
    cost: npt.NDArray[np.int64]
    """What a unit costs the shop at launch, cents, below ``retail_price``."""
    distribution_center_id: npt.NDArray[np.int64]
    """Where it is stocked, 1 to 10."""
    popularity: npt.NDArray[np.float64]
    """How often it is bought relative to others, above 0, the season left aside."""

    def demand(self, month_of_year: int, day: int) -> npt.NDArray[np.float64]:
        """How often each product is bought relative to others: shape (29,120,).

        Args:
            month_of_year: 1 to 12, decides on the season.
            day: Days since the opening; products launched later have 0.
        """
        weights: npt.NDArray[np.float64] = self.popularity * _SEASONS[self.line, month_of_year - 1]
        weights[np.searchsorted(self.launch_day, day, side="right") :] = 0.0
        return weights


def first_day(month: int) -> int:
    """Days from the opening to the first of a month; months are counted from the opening's, which is 0.

    >>> first_day(0), first_day(13)
    (0, 396)
    """
    return (date(OPENING.year + month // 12, month % 12 + 1, 1) - OPENING).days


@functools.lru_cache(maxsize=4)
def catalog(seed: int) -> Catalog:
    """The catalogue of a seed."""
    line, brand, launch_month = _collections(seed)
    number = np.arange(PRODUCTS, dtype=np.int64)
    category = _CATEGORY[line]
    price = _prices(seed, number, line, brand)
    centers = _flat([CENTERS[entry.category] for entry in LINES])
    center = np.array(centers.values, dtype=np.int64)[centers.drawn(_words(seed, "center", number), line)]
    return Catalog(
        launch_day=np.array([first_day(month) for month in range(LAUNCH_MONTHS)], dtype=np.int64)[launch_month],
        line=line,
        category=category,
        department=_DEPARTMENT[line],
        brand=brand,
        brands=pa.array([maker.name for maker in BRANDS], pa.string()),
        name=_product_names(seed, number, line, brand),
        sku=_skus(number, category, brand),
        retail_price=price,
        cost=_costs(seed, number, line, price),
        distribution_center_id=center,
        popularity=_popularity(seed, number, line, price),
    )


_DEPARTMENT = np.array([DEPARTMENTS.index(entry.department) for entry in LINES], dtype=np.uint8)
_CATEGORY = np.array([CATEGORIES.index(entry.category) for entry in LINES], dtype=np.uint8)
_MEDIAN = np.array([round(entry.median * 100) for entry in LINES], dtype=np.int64)
_COST = np.array([round(entry.cost * 10_000) for entry in LINES], dtype=np.int64)
_SPREAD = np.array([SPREADS.index(entry.spread) for entry in LINES], dtype=np.int64)
_TIER = np.array([round(TIERS[maker.tier] * 100) for maker in BRANDS], dtype=np.int64)
_LATE = np.array([maker.is_late for maker in BRANDS])
_COLORED = np.array([entry.style not in ("denim", "accessory") for entry in LINES])
_SEASONS = np.array([entry.season for entry in LINES], dtype=np.float64)


def _words(seed: int, what: str, number: npt.NDArray[np.int64]) -> draw.U64:
    """64 random bits per product, for one of its properties."""
    return draw.hashed(draw.key(seed, "products", what), number)


@dataclass(frozen=True)
class _Flat:
    """Lists of choices, one per line, end to end."""

    values: list[int | str]
    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    def drawn(self, words: draw.U64, line: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Position in ``values`` of one choice of each product's line."""
        return self.first[line] + draw.below(words, self.count[line])


def _flat(choices: Sequence[Sequence[int | str]]) -> _Flat:
    count = np.array([len(choice) for choice in choices], dtype=np.int64)
    return _Flat([value for choice in choices for value in choice], np.cumsum(count) - count, count)


def _collections(seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
    """Line, brand and month of every product, in order of launch: a collection's products follow each other."""
    slot = np.arange(PRODUCTS, dtype=np.int64)
    line = np.repeat(np.arange(len(LINES), dtype=np.uint8), _apportioned())
    table = np.stack([_makers(entry.style) for entry in LINES])
    brand = table[line, (_words(seed, "brand", slot) >> np.uint64(52)).astype(np.int64)]
    collection = (line.astype(np.int64) * len(BRANDS) + brand) * COLLECTIONS
    collection += draw.below(_words(seed, "collection", slot), COLLECTIONS)
    turn = _words(seed, "launch", collection)
    month = _launch_months(seed, brand, turn)
    order = np.lexsort((slot, turn, month))
    return line[order], brand[order], month[order]


def _launch_months(seed: int, brand: npt.NDArray[np.uint16], turn: draw.U64) -> npt.NDArray[np.int64]:
    """When each product is launched, given the words by which collections take turns.

    Brands that are there from the opening fill it up; what is left of them comes in equal parts every month. A late
    brand brings half of its collections when it is taken up and the others at any time thereafter.
    """
    month = np.zeros(PRODUCTS, dtype=np.int64)
    early = np.flatnonzero(~_LATE[brand])
    left = early[np.argsort(turn[early], kind="stable")][AT_OPENING:]
    month[left] = 1 + np.arange(len(left)) * (LAUNCH_MONTHS - 1) // len(left)
    late = np.flatnonzero(_LATE[brand])
    debut = 1 + draw.below(_words(seed, "debut", np.arange(len(BRANDS))), DEBUTS)[brand[late]]
    waits = (turn[late] & np.uint64(1)).astype(np.int64)
    month[late] = debut + waits * draw.below(turn[late], LAUNCH_MONTHS - debut)
    return month


def _apportioned() -> npt.NDArray[np.int64]:
    """Products of each line: its share of 29,120, rounded so that they add up (largest remainder)."""
    weights = [entry.products for entry in LINES]
    quotas = [divmod(weight * PRODUCTS, sum(weights)) for weight in weights]
    whole = [quota for quota, _ in quotas]
    short = sorted(range(len(LINES)), key=lambda line: -quotas[line][1])[: PRODUCTS - sum(whole)]
    return np.array([count + (line in short) for line, count in enumerate(whole)], dtype=np.int64)


@functools.cache
def _makers(style: str) -> npt.NDArray[np.uint16]:
    """Inverse CDF of a style's brands, by 12 bits: those of its field sell four times as much of it as general ones."""
    field, rank, weights = STYLES[style].field, dict.fromkeys((maker.field for maker in BRANDS), 0), []
    for maker in BRANDS:
        rank[maker.field] += 1
        interest = 4.0 if maker.field == field else 1.0 if maker.field == "general" else 0.0
        weights.append(interest / (rank[maker.field] + 8))
    return draw.inverse_cdf(weights, 12).astype(np.uint16)


@functools.cache
def _deviations() -> npt.NDArray[np.int64]:
    """Quantiles of log-normal factors around 1, in hundredths of a per cent: shape (spreads, PRICE_SLOTS)."""
    normal = [NormalDist().inv_cdf((slot + 0.5) / PRICE_SLOTS) for slot in range(PRICE_SLOTS)]
    return np.array([[round(10_000 * math.exp(spread * z)) for z in normal] for spread in SPREADS], dtype=np.int64)


def _prices(
    seed: int, number: npt.NDArray[np.int64], line: npt.NDArray[np.uint8], brand: npt.NDArray[np.uint16]
) -> npt.NDArray[np.int64]:
    """Retail prices in cents: log-normal around the line's median in the brand's tier, with a shop's endings."""
    words = _words(seed, "price", number)
    factor = _deviations()[_SPREAD[line], (words >> np.uint64(54)).astype(np.int64)]
    dollars = np.maximum(_MEDIAN[line] * _TIER[brand] * factor // 100_000_000, 2)
    price: npt.NDArray[np.int64] = dollars * 100 + np.array(ENDINGS)[(words & np.uint64(15)).astype(np.int64)]
    return price


def _costs(
    seed: int, number: npt.NDArray[np.int64], line: npt.NDArray[np.uint8], price: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    jitter = draw.below(_words(seed, "cost", number), 2 * COST_JITTER + 1) - COST_JITTER
    cost: npt.NDArray[np.int64] = price * (_COST[line] + jitter) // 10_000
    return cost


def _popularity(
    seed: int, number: npt.NDArray[np.int64], line: npt.NDArray[np.uint8], price: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Zipf's law over a random ranking; what costs more than its line's median is bought less, and dear lines too."""
    rank = np.empty(PRODUCTS, dtype=np.int64)
    rank[np.argsort(_words(seed, "popularity", number), kind="stable")] = number
    median = _MEDIAN[line].astype(np.float64)
    return median / (median + price) * (20_000.0 / (20_000.0 + price)) / (rank + ZIPF_OFFSET)


def _product_names(
    seed: int, number: npt.NDArray[np.int64], line: npt.NDArray[np.uint8], brand: npt.NDArray[np.uint16]
) -> pa.StringArray:
    """Brand, department, two or three describing words and a noun; some with a colour."""
    styles = [STYLES[entry.style] for entry in LINES]
    adjectives = _flat([[f"{word} " for word in style.adjectives] for style in styles])
    materials = _flat([[word and f"{word} " for word in style.materials] for style in styles])
    nouns = _flat([entry.nouns for entry in LINES])
    words = _words(seed, "color", number)
    colored = ((words & np.uint64(15)) < COLORED) & _COLORED[line]
    color = np.where(colored, draw.below(words, len(COLORS)) + 1, 0)
    parts = (
        _taken([f"{maker.name} " for maker in BRANDS], brand),
        _taken([f"{department}'s " for department in DEPARTMENTS], _DEPARTMENT[line]),
        _taken(adjectives.values, adjectives.drawn(_words(seed, "adjective", number), line)),
        _taken(materials.values, materials.drawn(_words(seed, "material", number), line)),
        _taken(nouns.values, nouns.drawn(_words(seed, "noun", number), line)),
        _taken(["", *(f" in {name}" for name in COLORS)], color),
    )
    return pc.binary_join_element_wise(*parts, "")


def _skus(
    number: npt.NDArray[np.int64], category: npt.NDArray[np.uint8], brand: npt.NDArray[np.uint16]
) -> pa.StringArray:
    """Codes of brand and category, and the product's number, which makes them unique."""
    digits = pc.utf8_lpad(pa.array(number + 1).cast(pa.string()), 6, "0")
    makers = _taken([maker.code for maker in BRANDS], brand)
    return pc.binary_join_element_wise(makers, _taken([CODES[name] for name in CATEGORIES], category), digits, "-")


def _taken(values: Sequence[int | str], index: npt.NDArray[np.integer]) -> pa.StringArray:
    return pa.array(values, pa.string()).take(pa.array(index))

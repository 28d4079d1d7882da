"""What is ordered: few products sell most, and categories have their seasons."""

from types import SimpleNamespace

import numpy as np
import pytest

from beam_pipelines.tables import CATEGORIES
from beam_pipelines.world.catalog import Catalog, catalog

JULY, DECEMBER, JANUARY = 202407, 202412, 202501


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog(42)


@pytest.fixture(scope="module")
def category_shares(orders: SimpleNamespace, months: np.ndarray, known: Catalog) -> dict[int, np.ndarray]:
    """Each category's share of the units ordered in a month."""
    month_of_line = months[orders.line_order]
    category = known.category[orders.line_product]
    counts = {month: np.bincount(category[month_of_line == month], minlength=len(CATEGORIES)) for month in SEASONS}
    assert min(count.sum() for count in counts.values()) > 100_000
    return {month: count / count.sum() for month, count in counts.items()}


SEASONS = (JULY, DECEMBER, JANUARY)


def ratio(shares: dict[int, np.ndarray], category: str, busy: int, quiet: int) -> float:
    index = CATEGORIES.index(category)
    return float(shares[busy][index] / shares[quiet][index])


def test_few_products_sell_most(orders: SimpleNamespace) -> None:
    counts = np.sort(np.bincount(orders.line_product))[::-1]
    first_percent, first_fifth = (counts[: len(counts) // part].sum() / counts.sum() for part in (100, 5))
    assert 0.25 < first_percent < 0.38, f"the first per cent of products sells {first_percent:.0%}"
    assert 0.70 < first_fifth < 0.82, f"the first fifth of products sells {first_fifth:.0%}"


def test_popularity_falls_by_rank_as_zipf_says(orders: SimpleNamespace) -> None:
    counts = np.sort(np.bincount(orders.line_product))[::-1].astype(float)
    ranks = np.array([300, 1_000, 3_000, 8_000])
    slope = np.polyfit(np.log(ranks), np.log(counts[ranks]), 1)[0]
    assert -1.4 < slope < -0.8, f"the logarithm of sales falls by {slope:.2f} with that of the rank"


def test_nearly_every_product_is_sold(orders: SimpleNamespace, known: Catalog) -> None:
    sold = np.bincount(orders.line_product, minlength=len(known.launch_day)) > 0
    assert sold.mean() > 0.95


@pytest.mark.parametrize("category", ["Swim", "Shorts"])
def test_summer_categories(category_shares: dict[int, np.ndarray], category: str) -> None:
    assert 1.9 < ratio(category_shares, category, JULY, JANUARY) < 3.2


@pytest.mark.parametrize("category", ["Outerwear & Coats", "Sweaters"])
def test_winter_categories(category_shares: dict[int, np.ndarray], category: str) -> None:
    assert 1.9 < ratio(category_shares, category, DECEMBER, JULY) < 3.2
    assert 0.85 < ratio(category_shares, category, DECEMBER, JANUARY) < 1.15


@pytest.mark.parametrize("category", ["Socks", "Underwear", "Jeans", "Intimates"])
def test_basics_know_no_season(category_shares: dict[int, np.ndarray], category: str) -> None:
    assert 0.8 < ratio(category_shares, category, DECEMBER, JULY) < 1.25


def test_gifts_sell_before_christmas(category_shares: dict[int, np.ndarray]) -> None:
    assert ratio(category_shares, "Accessories", DECEMBER, JANUARY) > 1.25


def test_every_category_sells_in_every_season(category_shares: dict[int, np.ndarray]) -> None:
    for month, shares in category_shares.items():
        missing = [CATEGORIES[index] for index in np.flatnonzero(shares < 0.0005)]
        assert missing == [], f"in {month}"


def test_dear_products_sell_less(orders: SimpleNamespace, known: Catalog) -> None:
    ordered, offered = np.median(orders.line_retail_price), np.median(known.retail_price)
    assert ordered < 0.95 * offered
    assert 20_00 < ordered < 60_00


def test_every_unit_is_sold_above_its_cost_on_average(orders: SimpleNamespace, known: Catalog) -> None:
    cost = known.cost[orders.line_product]
    margin = 1 - cost.sum() / orders.line_sale_price.sum()
    assert 0.35 < margin < 0.60
    assert (orders.line_sale_price < cost).mean() < 0.02

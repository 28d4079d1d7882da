"""The product catalogue: the same for a seed anywhere, and like a shop's."""

import hashlib
import re
import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import pytest

from beam_pipelines.tables import CATEGORIES, DEPARTMENTS
from beam_pipelines.world import assortment
from beam_pipelines.world.assortment import BRANDS, CENTERS, CODES, LINES, SPREADS, STYLES
from beam_pipelines.world.catalog import AT_OPENING, ENDINGS, PRODUCTS, Catalog, catalog

COLUMNS = ("launch_day", "line", "category", "department", "brand", "retail_price", "cost", "distribution_center_id")


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog(42)


def fingerprint(known: Catalog) -> str:
    digest = hashlib.sha256()
    for column in (*COLUMNS, "popularity"):
        digest.update(getattr(known, column).tobytes())
    for strings in (known.name, known.sku, known.brands):
        digest.update("\n".join(strings.to_pylist()).encode())
    return digest.hexdigest()


def test_a_seed_gives_one_catalogue(known: Catalog) -> None:
    catalog.cache_clear()
    assert fingerprint(catalog(42)) == fingerprint(known)


def test_another_process_gives_the_same_catalogue(known: Catalog) -> None:
    code = "from tests_catalog import fingerprint, catalog; print(fingerprint(catalog(42)))"
    load = (
        "import importlib.util, sys; spec = importlib.util.spec_from_file_location('tests_catalog', sys.argv[1]);"
        "module = importlib.util.module_from_spec(spec); sys.modules['tests_catalog'] = module;"
        "spec.loader.exec_module(module);"
    )
    done = subprocess.run([sys.executable, "-c", load + code, __file__], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == fingerprint(known)


def test_another_seed_gives_another_catalogue(known: Catalog) -> None:
    other = catalog(43)
    assert other.brands.equals(known.brands)
    assert not other.name.equals(known.name)
    assert (other.retail_price != known.retail_price).mean() > 0.9
    assert (other.popularity != known.popularity).mean() > 0.9
    assert (np.bincount(other.line) == np.bincount(known.line)).all()


def test_shape(known: Catalog) -> None:
    for column in (*COLUMNS, "popularity"):
        assert getattr(known, column).shape == (PRODUCTS,)
    assert len(known.name) == len(known.sku) == PRODUCTS
    assert known.launch_day.dtype == known.retail_price.dtype == known.cost.dtype == np.int64
    assert known.category.dtype == known.department.dtype == np.uint8
    assert known.brand.dtype == np.uint16
    assert known.name.null_count == known.sku.null_count == 0


def test_lines_cover_the_domain() -> None:
    assert {line.category for line in LINES} == set(CATEGORIES) == set(CODES) == set(CENTERS)
    assert {line.department for line in LINES} == set(DEPARTMENTS)
    assert len({(line.department, line.category) for line in LINES}) == len(LINES) == 36
    assert {line.style for line in LINES} == set(STYLES)
    assert {line.spread for line in LINES} == set(SPREADS)
    assert len(set(CODES.values())) == len(CODES)
    assert {center for centers in CENTERS.values() for center in centers} == set(range(1, 11))


def test_categories_and_departments_agree(known: Catalog) -> None:
    found = set(zip(known.department.tolist(), known.category.tolist(), strict=True))
    wanted = {(DEPARTMENTS.index(line.department), CATEGORIES.index(line.category)) for line in LINES}
    assert found == wanted
    for category, centers in CENTERS.items():
        own = known.distribution_center_id[known.category == CATEGORIES.index(category)]
        assert set(own.tolist()) == set(centers)


def test_large_and_small_categories(known: Catalog) -> None:
    count = dict(zip(CATEGORIES, np.bincount(known.category, minlength=len(CATEGORIES)).tolist(), strict=True))
    assert count["Intimates"] == max(count.values())
    assert count["Clothing Sets"] == min(count.values())
    assert min(count[name] for name in ("Jeans", "Tops & Tees", "Swim", "Sleep & Lounge", "Shorts")) > 1_500


def test_launches(known: Catalog) -> None:
    assert (np.diff(known.launch_day) >= 0).all()
    assert (known.launch_day == 0).sum() == AT_OPENING
    later = np.unique(known.launch_day[AT_OPENING:])
    days = [date(2019, 1, 1) + timedelta(days=int(day)) for day in later]
    assert all(day.day == 1 for day in days)
    assert (len(days), days[0], days[-1]) == (71, date(2019, 2, 1), date(2024, 12, 1))


def test_collections_are_launched_together(known: Catalog) -> None:
    pairs = known.line.astype(np.int64) * len(BRANDS) + known.brand
    together = (pairs[1:] == pairs[:-1]).mean()
    assert together > 0.5


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.department}-{line.category}")
def test_prices_of_a_line(known: Catalog, line: assortment.Line) -> None:
    own = known.line == LINES.index(line)
    price, cost = known.retail_price[own] / 100, known.cost[own] / 100
    assert 0.75 * line.median < np.median(price) < 1.25 * line.median
    assert price.min() >= 2
    assert price.max() < 15 * line.median
    assert abs((cost / price).mean() - line.cost) < 0.01


def test_prices_look_like_a_shops(known: Catalog) -> None:
    assert set((known.retail_price % 100).tolist()) == set(ENDINGS)
    assert ((known.cost > 0) & (known.cost < known.retail_price)).all()


def test_premium_brands_are_dearer(known: Catalog) -> None:
    tier = np.array([brand.tier for brand in BRANDS])[known.brand]
    jeans = known.category == CATEGORIES.index("Jeans")
    value, middle, premium = (np.median(known.retail_price[jeans & (tier == step)]) for step in (1, 2, 3))
    assert value < middle < premium


def test_skus_are_unique_and_readable(known: Catalog) -> None:
    skus = known.sku.to_pylist()
    assert len(set(skus)) == PRODUCTS
    assert all(re.fullmatch(r"[A-Z]{2}-[A-Z]{3}-\d{6}", sku) for sku in skus)


def test_names(known: Catalog) -> None:
    names = known.name.to_pylist()
    brands = known.brands.to_pylist()
    assert len(set(names)) > 0.97 * PRODUCTS
    assert all(name.isascii() and "  " not in name and name == name.strip() for name in names)
    for index in range(0, PRODUCTS, 97):
        assert names[index].startswith(brands[known.brand[index]])
        assert f" {DEPARTMENTS[known.department[index]]}'s " in names[index]
        assert any(noun in names[index] for noun in LINES[known.line[index]].nouns)


def test_brands_are_different() -> None:
    assert len({brand.name for brand in BRANDS}) == len(BRANDS) >= 115


@pytest.mark.parametrize("seed", [0, 42, 2**63 - 1])
def test_a_third_of_the_brands_is_taken_up_over_the_years(seed: int) -> None:
    known = catalog(seed)
    is_late = np.array([brand.is_late for brand in BRANDS])
    debut = np.array([known.launch_day[known.brand == brand].min() for brand in range(len(BRANDS))])
    assert 0.30 < is_late.mean() < 0.37
    assert ((debut > 0) == is_late).all()
    assert len(np.unique(debut[is_late])) > is_late.sum() / 2
    assert np.bincount(debut[is_late] // 366, minlength=6).min() > 0
    at_debut = known.launch_day == debut[known.brand]
    assert 0.3 < at_debut[is_late[known.brand]].mean() < 0.7, "the others come later"


@pytest.mark.parametrize("seed", [0, 42, 2**63 - 1])
def test_brands_of_the_opening_launch_something_every_month(seed: int) -> None:
    known = catalog(seed)
    later = ~np.array([brand.is_late for brand in BRANDS])[known.brand] & (known.launch_day > 0)
    count = np.unique(known.launch_day[later], return_counts=True)[1]
    assert len(count) == 71
    assert count.max() - count.min() <= 1


def test_popularity_is_skewed(known: Catalog) -> None:
    share = np.sort(known.popularity)[::-1] / known.popularity.sum()
    assert known.popularity.min() > 0
    assert share[0] < 0.01
    assert 0.65 < share[: PRODUCTS // 5].sum() < 0.85
    for code in range(len(CATEGORIES)):
        own = np.sort(known.popularity[known.category == code])[::-1]
        assert own[: max(len(own) // 5, 1)].sum() > 0.45 * own.sum()


def test_what_costs_more_is_bought_less(known: Catalog) -> None:
    for code in (CATEGORIES.index("Jeans"), CATEGORIES.index("Dresses")):
        own = known.category == code
        cheap = own & (known.retail_price < np.median(known.retail_price[own]))
        assert np.median(known.popularity[cheap]) > 1.2 * np.median(known.popularity[own & ~cheap])


def test_seasons_average_to_one() -> None:
    for line in LINES:
        assert sum(line.season) == pytest.approx(12)


@pytest.mark.parametrize(
    ("category", "high", "low", "ratio"),
    [
        ("Swim", (5, 6, 7, 8), (1, 2, 3, 4, 9, 10, 11, 12), 2.5),
        ("Shorts", (5, 6, 7, 8), (1, 2, 3, 4, 9, 10, 11, 12), 2.5),
        ("Outerwear & Coats", (10, 11, 12, 1, 2), (3, 4, 5, 6, 7, 8, 9), 2.5),
        ("Sweaters", (10, 11, 12, 1, 2), (3, 4, 5, 6, 7, 8, 9), 2.5),
        ("Underwear", (6,), (12,), 1.0),
    ],
)
def test_seasons(known: Catalog, category: str, high: tuple[int, ...], low: tuple[int, ...], ratio: float) -> None:
    own = known.category == CATEGORIES.index(category)
    demand = {month: known.demand(month, 3_000)[own].sum() for month in range(1, 13)}
    peak, rest = (np.mean([demand[month] for month in months]) for months in (high, low))
    assert peak / rest == pytest.approx(ratio)


def test_demand_is_for_what_is_launched(known: Catalog) -> None:
    for day, products in ((0, AT_OPENING), (30, AT_OPENING), (31, None), (3_000, PRODUCTS)):
        weights = known.demand(3, day)
        assert weights.shape == (PRODUCTS,)
        assert ((weights > 0) == (known.launch_day <= day)).all()
        assert products is None or (weights > 0).sum() == products
    assert not known.demand(3, -1).any()

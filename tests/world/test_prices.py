"""Prices over the years: versions of products, and what a customer or an accountant would notice."""

import functools
import hashlib
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import columns
from beam_pipelines.tables import CATEGORIES
from beam_pipelines.world import BLOCK_ROWS, LAST, World, calendar, date_of, day_number, orders, products
from beam_pipelines.world.assortment import COOLER, LINES, SUMMER, WARMER, WINTER
from beam_pipelines.world.catalog import AT_OPENING, ENDINGS, PRODUCTS, Catalog, catalog, first_day
from beam_pipelines.world.prices import DEAREST, MARKDOWN_FLOOR, MONTHS, PriceLists, month_of, price_lists

ROOT = Path(__file__).parents[2]
SEEDS = (0, 1, 42, 2**63 - 1)
SWIM = CATEGORIES.index("Swim")
DEEPEST = max(promotion.percent for promotion in calendar.PROMOTIONS)


def number(year: int, month: int) -> int:
    """A month's price list."""
    return month_of(day_number(date(year, month, 1)))


def of_season(known: Catalog, *seasons: tuple[float, ...]) -> np.ndarray:
    """Which products are goods of these seasons."""
    return np.array([line.season in seasons for line in LINES])[known.line]


def digest(seed: int) -> str:
    lists = price_lists(seed)
    content = b"".join(array.tobytes() for array in (lists.retail_price, lists.cost, lists.version))
    return hashlib.blake2b(content, digest_size=16).hexdigest()


@functools.cache
def versions(seed: int) -> dict[str, np.ndarray]:
    """Every row of the table products."""
    world = World(seed, 0.01)
    found = [
        world.block("products", day, block)
        for day in range(calendar.DAYS)
        for block in range(world.blocks("products", day))
    ]

    def column(name: str) -> np.ndarray:
        read = columns.cents if name in ("retail_price", "cost") else columns.integers
        return np.concatenate([read(batch[name]) for batch in found])

    numbers = ("product_id", "version", "valid_from", "launched_at", "distribution_center_id")
    return {name: column(name) for name in (*numbers, "retail_price", "cost")}


def drawn(day: int) -> list[pa.RecordBatch]:
    world = World(42)
    return [world.block("products", day, block) for block in range(world.blocks("products", day))]


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog(42)


@pytest.fixture(scope="module")
def lists() -> PriceLists:
    return price_lists(42)


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    return versions(42)


@given(day=st.integers(0, calendar.DAYS + 59))
def test_a_months_list_is_valid_from_its_first_day_on(day: int) -> None:
    found = date_of(first_day(month_of(day)))
    assert (found.year, found.month, found.day) == (date_of(day).year, date_of(day).month, 1)


@pytest.mark.parametrize("day", [-1, calendar.DAYS + 60])
def test_there_is_no_list_before_the_opening_or_two_months_after_the_last_day(day: int) -> None:
    assert month_of(calendar.DAYS + 59) == MONTHS - 1
    with pytest.raises(IndexError, match=f"^day: expected one of the 254 months of the price lists, got {day}$"):
        month_of(day)


def test_shape(lists: PriceLists) -> None:
    for array, kind in ((lists.retail_price, np.uint32), (lists.cost, np.uint32), (lists.version, np.uint16)):
        assert array.shape == (MONTHS, PRODUCTS + 1)
        assert array.dtype == kind
        assert array.flags.c_contiguous
        assert not array[:, 0].any()
        assert array.any(axis=0)[1:].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_product_has_the_catalogues_price_until_it_has_been_launched(seed: int) -> None:
    known, lists = catalog(seed), price_lists(seed)
    launch = np.array([month_of(int(day)) for day in known.launch_day])
    for month in range(MONTHS):
        own = launch >= month
        assert (lists.retail_price[month, 1:][own] == known.retail_price[own]).all()
        assert (lists.cost[month, 1:][own] == known.cost[own]).all()
        assert ((lists.version[month, 1:] > 0) == (launch <= month + 1)).all()
        assert (lists.version[month, 1:][launch == month] == 1).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_versions_count_the_months_that_change_price_or_cost(seed: int) -> None:
    lists = price_lists(seed)
    for month in range(1, MONTHS):
        before, now = lists.version[month - 1].astype(int), lists.version[month].astype(int)
        changed = lists.retail_price[month] != lists.retail_price[month - 1]
        changed |= lists.cost[month] != lists.cost[month - 1]
        assert not changed[before == 0].any(), "changed before the launch"
        assert (now - before == np.where(before > 0, changed, now)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_are_a_shops_and_above_the_cost(seed: int) -> None:
    lists = price_lists(seed)
    price, cost = lists.retail_price[:, 1:], lists.cost[:, 1:]
    assert (cost.min() > 0) & (cost < price).all()
    assert (price % 100 == price[0] % 100).all()
    assert set(np.unique(price[0] % 100).tolist()) == set(ENDINGS)
    for month in range(0, MONTHS, 7):
        assert (price[month].astype(int) * 100 >= cost[month].astype(int) * MARKDOWN_FLOOR - 100).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_basket_is_too_dear_to_be_reckoned_in_32_bits(seed: int) -> None:
    assert price_lists(seed).retail_price.max() <= DEAREST < 300_000
    assert 12 * DEAREST * max(*orders.TAX_PER_MILLE, 100) + 500 < 2**32


def test_the_deepest_promotion_sells_little_below_cost(known: Catalog, lists: PriceLists) -> None:
    for year in (2019, 2025, 2035):
        for month in range(1, 13):
            index = number(year, month)
            demand = known.demand(month, first_day(index))
            loses = lists.retail_price[index, 1:] * ((100 - DEEPEST) / 100) < lists.cost[index, 1:]
            assert (demand * loses).sum() < 0.08 * demand.sum(), f"{year}-{month}"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("year", [2019, 2023, 2028])
def test_inflation_over_ten_years(seed: int, year: int) -> None:
    lists = price_lists(seed)
    for what in (lists.retail_price, lists.cost):
        before, after = (what[number(of, 6), 1 : AT_OPENING + 1].sum(dtype=np.int64) for of in (year, year + 10))
        assert 1.02 < (after / before) ** 0.1 < 1.03


def test_prices_rise_fastest_in_2021_and_2022(lists: PriceLists) -> None:
    level = [lists.retail_price[number(year, 6), 1 : AT_OPENING + 1].sum(dtype=np.int64) for year in range(2019, 2031)]
    rises = np.diff(level) / level[:-1]
    assert set(np.argsort(rises)[-2:].tolist()) == {2, 3}  # June 2021 and June 2022 to the Junes after them
    assert rises.min() > 0


def test_a_review_raises_most_prices_a_little_some_more_and_cuts_a_few(known: Catalog, lists: PriceLists) -> None:
    own = np.append(False, ~of_season(known, SUMMER, WINTER, COOLER, WARMER)) & (lists.version[number(2023, 1)] > 0)
    own &= lists.retail_price[number(2023, 12)] > 2_000
    before, after = (lists.retail_price[number(year, 12)][own].astype(int) for year in (2023, 2024))
    change = after / before - 1
    assert 0.02 < (change < 0).mean() < 0.15
    assert 0.50 < (change > 0).mean() < 0.90
    assert -0.1 < change.min() < -0.02
    assert 0.05 < change.max() < 0.15
    assert 0.85 < (lists.version[number(2024, 12)] > lists.version[number(2023, 12)])[own].mean() < 0.95


def test_costs_keep_to_prices(known: Catalog, lists: PriceLists) -> None:
    share = (known.cost / known.retail_price)[known.retail_price > 2_000]
    later = (lists.cost[number(2035, 7), 1:] / lists.retail_price[number(2035, 7), 1:])[known.retail_price > 2_000]
    full = ~of_season(known, WINTER, COOLER)[known.retail_price > 2_000]
    assert np.abs(later - share)[full].max() < 0.04
    assert 0.002 < np.abs(later - share)[full].mean() < 0.015
    assert later[full].mean() == pytest.approx(share[full].mean(), abs=0.002)


def test_swimwear_is_cheaper_after_the_summer(known: Catalog, lists: PriceLists) -> None:
    own = np.append(False, known.category == SWIM)
    for year in range(2019, 2039):
        june, august, september, april, may = (
            lists.retail_price[month][own].astype(int)
            for month in (number(year, 6), number(year, 8), *(number(year, 9) + ahead for ahead in (0, 7, 8)))
        )
        launched = lists.version[number(year, 6)][own] > 0
        assert (june[launched] == august[launched]).all()
        assert 0.80 < september[launched].sum() / june[launched].sum() < 0.90
        assert 0.40 < (september < june)[launched].mean() < 0.55
        assert (april == september)[launched].all(), "on sale until the next season begins"
        assert (may > 0.95 * june - 100)[launched].all(), "then at full price again"


@pytest.mark.parametrize(("season", "last", "first"), [(SUMMER, 8, 5), (WARMER, 8, 4), (WINTER, 2, 10), (COOLER, 2, 9)])
def test_goods_of_a_season_are_marked_down_by_a_fifth_to_two_fifths(
    known: Catalog, lists: PriceLists, season: tuple[float, ...], last: int, first: int
) -> None:
    own = np.append(False, of_season(known, season)) & (lists.retail_price[0] > 3_000)
    own &= lists.version[number(2026, 1)] > 0
    full, sale = (lists.retail_price[number(2026, month)][own].astype(int) for month in (last, last + 1))
    again = lists.retail_price[number(2026, first)][own].astype(int)
    marked = sale < full
    assert 0.35 < marked.mean() < 0.55
    assert (sale[~marked] == full[~marked]).all()
    depth = 1 - sale[marked] / full[marked]
    assert 0.20 < np.quantile(depth, 0.1) < np.quantile(depth, 0.9) < 0.41
    assert depth.max() < 0.42
    assert (again > 0.9 * full).all()


def test_nothing_else_is_marked_down(known: Catalog, lists: PriceLists) -> None:
    own = np.append(False, ~of_season(known, SUMMER, WARMER, WINTER, COOLER)) & (lists.retail_price[0] > 3_000)
    for month in range(1, MONTHS):
        assert (lists.retail_price[month][own] > 0.9 * lists.retail_price[month - 1][own]).all()


def test_a_part_of_the_products_changes_in_a_month(lists: PriceLists) -> None:
    shares = []
    for month in range(number(2020, 1), number(2039, 12) + 1):
        there = lists.version[month - 1] > 0
        shares.append((lists.version[month] > lists.version[month - 1])[there].mean())
    by_year = np.array(shares).reshape(-1, 12)
    assert by_year.min() > 0.005
    assert by_year.max() < 0.4
    assert (np.abs(by_year.sum(axis=1) - 1.15) < 0.15).all(), "a review a year, and markdowns"


def test_the_table_has_a_row_for_every_version(rows: dict[str, np.ndarray], lists: PriceLists) -> None:
    last = lists.version[month_of(day_number(LAST))]
    assert len(rows["product_id"]) == last.sum(dtype=np.int64)
    order = np.lexsort((rows["version"], rows["product_id"]))
    assert (rows["product_id"][order] == np.repeat(np.arange(len(last)), last)).all()
    assert (rows["version"][order] == np.concatenate([np.arange(1, count + 1) for count in last])).all()


def test_versions_follow_each_other_in_time(rows: dict[str, np.ndarray], known: Catalog) -> None:
    order = np.lexsort((rows["version"], rows["product_id"]))
    product_id, valid_from = rows["product_id"][order], rows["valid_from"][order]
    assert (np.diff(valid_from)[product_id[1:] == product_id[:-1]] > 0).all()
    launched = calendar.midnight(0) + known.launch_day * calendar.MICROSECONDS_PER_DAY
    assert (rows["launched_at"] == launched[rows["product_id"] - 1]).all()
    month = np.array([month_of(int(day)) for day in known.launch_day])
    announced = np.array([first_day(max(at - 1, 0)) for at in month]) * calendar.MICROSECONDS_PER_DAY
    own = calendar.midnight(0) + announced[rows["product_id"] - 1]
    assert ((rows["valid_from"] == own) == (rows["version"] == 1)).all()
    assert (rows["distribution_center_id"] == known.distribution_center_id[rows["product_id"] - 1]).all()


def test_a_versions_price_is_that_of_its_months_list(rows: dict[str, np.ndarray], lists: PriceLists) -> None:
    day = (rows["valid_from"] - calendar.midnight(0)) // calendar.MICROSECONDS_PER_DAY
    month = np.array([month_of(int(found)) for found in np.unique(day)])[np.unique(day, return_inverse=True)[1]]
    for name in ("version", "retail_price", "cost"):
        assert (rows[name] == getattr(lists, name)[month, rows["product_id"]]).all()


def test_announcements_come_before_changes_and_both_in_order() -> None:
    for day in (0, first_day(20), first_day(71), first_day(80)):
        product_id = np.concatenate([batch["product_id"].to_numpy() for batch in drawn(day)])
        version = np.concatenate([batch["version"].to_numpy() for batch in drawn(day)])
        first, last = products.announcements(42, day)
        assert product_id[: last - first].tolist() == list(range(first + 1, last + 1))
        assert (version[: last - first] == 1).all()
        assert (version[last - first :] > 1).all()
        assert (np.diff(product_id[last - first :]) > 0).all()


@given(day=st.integers(0, calendar.DAYS - 1))
def test_versions_take_effect_on_the_first_of_a_month(day: int) -> None:
    assert (products.rows(42, day) > 0) == (date_of(day).day == 1)


@pytest.mark.parametrize("day", [0, day_number(date(2024, 9, 1)), day_number(date(2030, 3, 1))], ids=str)
def test_a_row_depends_on_its_number_only(day: int) -> None:
    for block, whole in enumerate(drawn(day)):
        for rows in {1, 300, whole.num_rows}:
            part = products.draw_block(42, 100.0, day, block, rows)
            assert part.to_pylist() == whole.slice(0, rows).to_pylist()
        assert whole.num_rows == min(BLOCK_ROWS, products.rows(42, day) - block * BLOCK_ROWS)


def test_a_seed_gives_one_set_of_price_lists() -> None:
    expected = digest(7)
    price_lists.cache_clear()
    assert digest(7) == expected
    code = "import sys, runpy; print(runpy.run_path(sys.argv[1])['digest'](7))"
    done = subprocess.run([sys.executable, "-c", code, __file__], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
    assert digest(8) != expected


def test_another_seed_changes_other_products() -> None:
    month = number(2025, 9)
    one, other = (price_lists(seed) for seed in (42, 43))
    changed = [lists.version[month, 1:] > lists.version[month - 1, 1:] for lists in (one, other)]
    assert 0.4 < (changed[0] == changed[1]).mean() < 0.8

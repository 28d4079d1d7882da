"""How busy the shop is: growth, seasons, weekdays, holidays, and volume in proportion to the scale."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from beam_pipelines.world import OPENING, World, calendar, date_of, day_number

YEARS = range(2019, 2039)
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def daily(world: World) -> np.ndarray:
    """Orders of every day to 2039 at scale 1."""
    return np.array([world.rows("orders", day) for day in range(calendar.DAYS)])


@pytest.fixture(scope="module")
def level(daily: np.ndarray) -> np.ndarray:
    """Orders of every day with a growth of 30 % a year taken out."""
    return daily / 1.3 ** (np.arange(len(daily)) / 365.25)


def between(first: date, last: date) -> slice:
    return slice(day_number(first), day_number(last) + 1)


def around(level: np.ndarray, day: date) -> float:
    """The level of a day relative to the same weekday a week before and after."""
    number = day_number(day)
    return float(2 * level[number] / (level[number - 7] + level[number + 7]))


def cyber_week(year: int) -> date:
    return calendar.thanksgiving(year) - timedelta(days=3)


@pytest.mark.parametrize("table", ["orders", "customers"])
@pytest.mark.parametrize("scale", [0.01, 0.1, 10, 1_000])
@pytest.mark.parametrize("first", [date(2019, 1, 1), date(2022, 4, 1), date(2025, 10, 1)], ids=str)
def test_volume_is_linear_in_scale(world: World, table: str, scale: float, first: date) -> None:
    days = range(day_number(first), day_number(first) + 91)
    total = sum(World(42, scale).rows(table, day) for day in days)
    one = sum(world.rows(table, day) for day in days)
    assert total == pytest.approx(scale * one, rel=0.01), f"{total} at scale {scale}, {one} at scale 1"


def test_the_shop_opens_with_a_thousand_orders_a_day(daily: np.ndarray) -> None:
    assert daily[:31].mean() == pytest.approx(1_000, rel=0.05)


@pytest.mark.parametrize("seed", [0, 42, 43])
def test_the_first_month_has_25000_signups(seed: int) -> None:
    assert sum(World(seed, 1.0).rows("customers", day) for day in range(31)) == pytest.approx(25_000, rel=0.05)


def test_orders_grow_by_30_percent_a_year(daily: np.ndarray) -> None:
    totals = {year: daily[between(date(year, 1, 1), date(year, 12, 31))].sum() for year in range(2019, 2040)}
    growth = {year: totals[year + 1] / totals[year] for year in YEARS}
    assert {year: rate for year, rate in growth.items() if not 1.28 < rate < 1.32} == {}


def test_customers_grow_more_slowly_than_orders(world: World) -> None:
    signups = [sum(world.rows("customers", day) for day in range(start, start + 365)) for start in (0, 5 * 365)]
    assert 1.10 < (signups[1] / signups[0]) ** (1 / 5) < 1.20


@pytest.mark.parametrize("year", YEARS)
def test_cyber_week_begins_a_season_of_double_volume(level: np.ndarray, year: int) -> None:
    start = cyber_week(year)
    ordinary = level[between(date(year, 4, 15), date(year, 5, 19))].reshape(5, 7).mean(axis=0)
    weekdays = np.roll(ordinary, date(year, 4, 15).weekday())  # Monday first
    days = [start + timedelta(days=i) for i in range((date(year, 12, 23) - start).days + 1)]
    ratios = np.array([level[day_number(day)] / weekdays[day.weekday()] for day in days])
    assert 2.0 < ratios.mean() < 2.5, f"{ratios.mean():.2f} times an ordinary day in {year}"
    assert ratios.min() > 1.8, f"only {ratios.min():.2f} times on {days[ratios.argmin()]}"
    assert ratios.max() < 3.3, f"{ratios.max():.2f} times on {days[ratios.argmax()]}"


def test_cyber_week_is_nearly_twice_as_busy_as_the_weeks_before_it(daily: np.ndarray) -> None:
    ratios = []
    for year in YEARS:
        before = daily[between(cyber_week(year) - 2 * WEEK, cyber_week(year) - timedelta(days=1))]
        during = daily[between(cyber_week(year), cyber_week(year) + timedelta(days=6))]
        ratios.append(during.mean() / before.mean())
    assert min(ratios) > 1.75
    assert max(ratios) < 2.1


def test_black_friday_and_cyber_monday_stand_out(level: np.ndarray) -> None:
    for peak, expected in ((4, 2.75 / 2.05 / 0.90), (7, 2.75 / 2.05 / 1.10)):
        days = [cyber_week(year) + timedelta(days=peak) for year in YEARS]
        rise = np.mean([level[day_number(day)] / level[day_number(day + WEEK)] for day in days])
        assert rise == pytest.approx(expected, rel=0.05), f"{rise:.2f} times a week later"


def test_no_day_of_a_year_is_busier_than_black_friday_and_cyber_monday(level: np.ndarray) -> None:
    for year in YEARS:
        days = between(date(year, 1, 1), date(year, 12, 31))
        busiest = {str(calendar.date_of(days.start + int(number))) for number in np.argsort(level[days])[-2:]}
        assert busiest == {str(cyber_week(year) + timedelta(days=peak)) for peak in (4, 7)}


@pytest.mark.parametrize("year", YEARS)
def test_a_trough_follows_christmas(level: np.ndarray, year: int) -> None:
    trough = level[between(date(year, 12, 26), date(year + 1, 1, 14))].mean()
    ordinary = level[between(date(year, 4, 15), date(year, 5, 20))].mean()
    assert 0.60 < trough / ordinary < 0.72


@pytest.mark.parametrize("monday_of", [calendar.memorial_day, calendar.labor_day])
def test_long_weekends_are_busy(level: np.ndarray, monday_of: Callable[[int], date]) -> None:
    rises = [around(level, monday_of(year) - timedelta(days=back)) for year in YEARS for back in (0, 1, 2)]
    assert 1.30 < np.mean(rises) < 1.40
    assert min(rises) > 1.15
    usual = [around(level, monday_of(year) - timedelta(days=back)) for year in YEARS for back in (3, 4, 5)]
    assert 0.97 < np.mean(usual) < 1.03


def test_independence_day_is_quiet(level: np.ndarray) -> None:
    dips = [around(level, date(year, 7, 4)) for year in YEARS]
    assert 0.66 < np.mean(dips) < 0.74
    assert max(dips) < 0.85


def test_sundays_and_mondays_are_busier_than_fridays_and_saturdays(level: np.ndarray) -> None:
    weekdays = (np.arange(len(level)) + OPENING.weekday()) % 7
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = (level[weekdays == day].mean() for day in range(7))
    middle = np.mean([tuesday, wednesday, thursday])
    assert min(sunday, monday) > 1.08 * middle
    assert max(friday, saturday) < 0.95 * middle


def test_noise_is_there_and_bounded(daily: np.ndarray) -> None:
    days = [day_number(date(year, 4, 22)) + i for year in YEARS for i in range(21)]
    off = np.array([daily[day] / np.sqrt(daily[day - 7] * daily[day + 7]) - 1 for day in days])
    assert np.abs(off).max() < 0.12, f"{date_of(days[np.abs(off).argmax()])} is off by {np.abs(off).max():.0%}"
    assert 0.02 < off.std() < 0.05


def test_noise_differs_between_tables_and_seeds(world: World) -> None:
    days = range(day_number(date(2024, 4, 16)), day_number(date(2024, 5, 21)))

    def noise(seed: int, table: str) -> np.ndarray:
        rows = np.array([World(seed, 1.0).rows(table, day) for day in days]).reshape(5, 7)
        return (rows / rows.mean(axis=0)).ravel()

    assert abs(np.corrcoef(noise(42, "orders"), noise(42, "customers"))[0, 1]) < 0.6
    assert abs(np.corrcoef(noise(42, "orders"), noise(43, "orders"))[0, 1]) < 0.6


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2025, 11, 23), "SAVE10"),
        (date(2025, 11, 24), "CYBERWEEK25"),
        (date(2025, 12, 1), "CYBERWEEK25"),
        (date(2025, 12, 2), "HOLIDAY15"),
        (date(2025, 12, 23), "HOLIDAY15"),
        (date(2025, 12, 24), "SAVE10"),
        (date(2026, 1, 1), "SAVE10"),
        (date(2026, 1, 2), "WINTERSALE25"),
        (date(2026, 1, 15), "WINTERSALE25"),
        (date(2025, 5, 20), "MEMORIAL20"),
        (date(2025, 5, 26), "MEMORIAL20"),
        (date(2025, 9, 1), "LABOR20"),
        (date(2025, 9, 2), "SAVE10"),
    ],
    ids=str,
)
def test_promotions_run_in_their_weeks(day: date, code: str) -> None:
    assert calendar.promotion(day).code == code


@pytest.mark.parametrize(
    ("year", "thanksgiving", "memorial", "labor"),
    [(2019, 28, 27, 2), (2024, 28, 27, 2), (2025, 27, 26, 1), (2026, 26, 25, 7), (2030, 28, 27, 2)],
)
def test_holidays_fall_on_their_dates(year: int, thanksgiving: int, memorial: int, labor: int) -> None:
    assert calendar.thanksgiving(year) == date(year, 11, thanksgiving)
    assert calendar.memorial_day(year) == date(year, 5, memorial)
    assert calendar.labor_day(year) == date(year, 9, labor)

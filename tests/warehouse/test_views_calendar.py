"""The 4-5-4 calendar, walked day by day from the Saturdays closest to 31 January."""

import itertools
from datetime import date, timedelta

import pytest

from tests.warehouse import shop

DAY = timedelta(days=1)
PUBLISHED = [date(2019, 2, 3), date(2020, 2, 2), date(2021, 1, 31), date(2022, 1, 30), date(2023, 1, 29)]
PUBLISHED += [date(2024, 2, 4), date(2025, 2, 2), date(2026, 2, 1)]
"""When the National Retail Federation's fiscal years began, from 2019 on."""

MONTHS_OF_2025 = [(2, 2), (3, 2), (4, 6), (5, 4), (6, 1), (7, 6), (8, 3), (8, 31), (10, 5), (11, 2), (11, 30)]
"""When its first eleven months began; the twelfth did on 4 January 2026."""


def last_day(year: int) -> date:
    """The Saturday closest to 31 January of the year after."""
    middle = date(year + 1, 1, 31)
    return next(day for day in (middle + DAY * sign * n for n in range(4) for sign in (1, -1)) if day.weekday() == 5)


def fiscal_year(year: int) -> list[dict]:
    """The days of a year, month after month."""
    days = itertools.count()
    start = last_day(year - 1) + DAY
    weeks = ((last_day(year) - start).days + 1) // 7
    lengths = [4, 5, 4] * 4
    lengths[-1] += weeks - 52
    week = itertools.count(1)
    return [
        {
            "day": start + DAY * next(days),
            "fiscal_year": year,
            "season": "Spring" if month <= 6 else "Fall",
            "quarter": (month + 2) // 3,
            "month": month,
            "week": number,
            "week_of_month": week_of_month,
            "day_of_week": day_of_week,
        }
        for month, length in enumerate(lengths, start=1)
        for week_of_month, number in zip(range(1, length + 1), week, strict=False)
        for day_of_week in range(1, 8)
    ]


@pytest.fixture(scope="module")
def calendar(shop_warehouse) -> list[dict]:
    return shop.answer(shop_warehouse, "SELECT * FROM retail.retail_calendar ORDER BY day")


def test_every_day_of_every_year(calendar):
    assert calendar == [row for year in range(2018, 2040) for row in fiscal_year(year)]
    days = [row["day"] for row in calendar]
    assert {later - day for day, later in itertools.pairwise(days)} == {DAY}, "no gaps"
    assert days[0] <= date(2019, 1, 1), "the shop's first day"
    assert days[-1] >= date(2039, 12, 31), "its last"


def test_years_begin_when_the_federation_says(calendar):
    begins = {row["fiscal_year"]: row["day"] for row in reversed(calendar)}
    assert [begins[year] for year in range(2019, 2027)] == PUBLISHED
    months = [row["day"] for row in calendar if row["fiscal_year"] == 2025 and row["week_of_month"] == 1][::7]
    assert months == [*(date(2025, *day) for day in MONTHS_OF_2025), date(2026, 1, 4)]


def test_years_of_53_weeks(calendar):
    long = {row["fiscal_year"] for row in calendar if row["week"] == 53}
    assert long == {2023, 2028, 2034}
    (end,) = [row for row in calendar if row["day"] == date(2024, 2, 3)]
    assert (end["week"], end["quarter"], end["month"], end["week_of_month"], end["day_of_week"]) == (53, 4, 12, 5, 7)

"""When the shop is busy: growth, seasons, holidays, weekdays, hours, and promotions."""

from __future__ import annotations

from beam_pipelines.verification.checks import Measure, Prepared
from beam_pipelines.verification.realism.shares import share

GROWTH = 1.3
"""Taken out of the volume before days of different months are compared."""

PREPARED = (
    Prepared(
        name="days",
        sql="""
            SELECT day, year(day) AS year, isodow(day) AS weekday, thanksgiving, memorial, labor,
              CASE
                WHEN day BETWEEN thanksgiving - 3 AND make_date(year(day), 12, 23) THEN 'christmas'
                WHEN (month(day), day(day)) >= (12, 26) OR (month(day), day(day)) <= (1, 14) THEN 'trough'
                WHEN day BETWEEN memorial - 2 AND memorial THEN 'long weekend'
                WHEN day BETWEEN labor - 2 AND labor THEN 'long weekend'
                WHEN (month(day), day(day)) = (7, 4) THEN 'independence'
                WHEN (month(day), day(day)) BETWEEN (4, 15) AND (10, 31) THEN 'ordinary'
                ELSE 'other'
              END AS season,
              CASE
                WHEN day BETWEEN thanksgiving - 3 AND thanksgiving + 4 THEN 'promotion'
                WHEN day BETWEEN memorial - 6 AND memorial OR day BETWEEN labor - 6 AND labor THEN 'promotion'
                WHEN (month(day), day(day)) BETWEEN (1, 2) AND (1, 15) THEN 'promotion'
                WHEN day BETWEEN thanksgiving + 5 AND make_date(year(day), 12, 23) THEN 'before christmas'
                ELSE 'ordinary'
              END AS prices
            FROM (
              SELECT day,
                make_date(year(day), 11, 1)
                  + CAST((11 - isodow(make_date(year(day), 11, 1))) % 7 + 21 AS INTEGER) AS thanksgiving,
                make_date(year(day), 5, 31) - CAST(isodow(make_date(year(day), 5, 31)) - 1 AS INTEGER) AS memorial,
                make_date(year(day), 9, 1) + CAST((8 - isodow(make_date(year(day), 9, 1))) % 7 AS INTEGER) AS labor
              FROM (
                SELECT CAST(unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS DATE) AS day
                FROM lake_tables WHERE name = 'orders'))""",
        needs=("orders.created_at",),
    ),
    Prepared(
        name="volume",
        sql=f"""
            SELECT *, avg(level) FILTER (season = 'ordinary') OVER (PARTITION BY weekday) AS usual,
              count(*) FILTER (season = 'ordinary') OVER () AS ordinary_days
            FROM (
              SELECT days.*, coalesce(orders, 0) AS orders,
                coalesce(orders, 0) / pow({GROWTH}, date_diff('day', DATE '2019-01-01', day) / 365.25) AS level
              FROM days LEFT JOIN (SELECT CAST(created_at AS DATE) AS day, count(*) AS orders FROM orders GROUP BY 1)
                USING (day))""",  # noqa: S608 - a number of ours
        needs=("orders.created_at", "days"),
    ),
)
"""Days with what is special about them, and how busy they were beside ordinary days of the same weekday."""

_ERROR = "sqrt(1 / sum(orders) + 0.002 / count(*))"
"""A mean's relative standard error: chance in the number of orders, and what one day is off the others."""


def _season(name: str, target: str, season: str, bounds: tuple[float, float], days: int, takes: str) -> Measure:
    """How busy the days of a season are beside ordinary ones."""
    return Measure(
        name=f"volume.{name}",
        target=target,
        sql=f"""
            SELECT avg(level / usual), sum(orders), avg(level / usual) * {_ERROR} FROM volume
            WHERE season = '{season}' AND ordinary_days >= 28 HAVING count(*) >= {days}""",  # noqa: S608 - our own
        needs=("volume",),
        low=bounds[0],
        high=bounds[1],
        least=100,
        takes=f"{takes}, and four weeks from 15 April to 31 October",
    )


def _weekdays(name: str, target: str, weekdays: str, bounds: tuple[float, float]) -> Measure:
    """How busy some weekdays are beside Tuesday to Thursday."""
    return Measure(
        name=f"volume.{name}",
        target=target,
        sql=f"""
            SELECT avg(level) FILTER (weekday IN ({weekdays})) / avg(level) FILTER (weekday IN (2, 3, 4)), sum(orders),
              2 * {_ERROR}
            FROM volume WHERE season = 'ordinary' HAVING count(*) >= 28""",  # noqa: S608 - our own
        needs=("volume",),
        low=bounds[0],
        high=bounds[1],
        takes="four weeks from 15 April to 31 October",
    )


_LOCAL_HOUR = """(
    SELECT hour({time} + to_hours(offset_hours)) AS hour FROM {table}
    JOIN (VALUES ('China', 8), ('South Korea', 9), ('Japan', 9), ('Colombia', -5)) AS zone (country, offset_hours)
      USING (country)
    {where})"""
"""Hours by the clock of countries that have one time all over and all the year."""

_ORDER_HOURS = _LOCAL_HOUR.format(time="created_at", table="orders", where="")
_SESSION_HOURS = _LOCAL_HOUR.format(time="occurred_at", table="web_events", where="WHERE sequence_number = 1")
_OF_ORDERS = ("orders.created_at", "orders.country")
_OF_SESSIONS = ("web_events.occurred_at", "web_events.country", "web_events.sequence_number")

_PROMOTED = "orders JOIN days ON CAST(created_at AS DATE) = day WHERE prices = '{prices}'"
_OF_PROMOTIONS = ("orders.created_at", "orders.promotion_code", "days")

MEASURES = (
    Measure(
        name="volume.growth",
        target="25 to 35 % a year",
        sql="""
            SELECT pow(sum(later.orders) / sum(earlier.orders), 365.25 / 364) - 1, sum(earlier.orders),
              2 * sqrt(2 / sum(earlier.orders) + 0.002 / count(*))
            -- The same weekdays a year apart, without the holidays, which move.
            FROM volume AS later JOIN volume AS earlier ON later.day = earlier.day + 364
            WHERE earlier.season = 'ordinary' AND later.season = 'ordinary' HAVING count(*) >= 150""",
        needs=("volume",),
        low=0.25,
        high=0.35,
        takes="April to October of two years",
        percent=True,
    ),
    _season(
        "christmas", "2 to 2.5 times ordinary days, from Cyber Week to 23 December", "christmas", (2.0, 2.5), 14,
        "two weeks between Cyber Week and 23 December",
    ),
    _season(
        "trough", "0.65 times ordinary days, from 26 December to mid-January", "trough", (0.60, 0.72), 10,
        "ten days from 26 December to 14 January",
    ),
    _season(
        "long_weekends", "1.35 times ordinary days, on Memorial and Labor Day weekends", "long weekend", (1.25, 1.45),
        3, "the weekend of Memorial Day or Labor Day",
    ),
    _season("independence_day", "30 % less than ordinary days", "independence", (0.60, 0.80), 1, "a 4 July"),
    _weekdays("sunday_monday", "a peak, beside Tuesday to Thursday", "7, 1", (1.05, 1.30)),
    _weekdays("friday_saturday", "a dip, beside Tuesday to Thursday", "5, 6", (0.80, 0.97)),
    share("hours.night", "a trough from 2 to 6 (even hours: 17 %)", "(hour BETWEEN 2 AND 5)", _ORDER_HOURS,
          (0.01, 0.06), _OF_ORDERS),
    share("hours.evening", "a peak from 14 to 21 (even hours: 29 %)", "(hour BETWEEN 14 AND 20)", _ORDER_HOURS,
          (0.38, 0.55), _OF_ORDERS),
    share("hours.web_night", "a trough of sessions from 2 to 6", "(hour BETWEEN 2 AND 5)", _SESSION_HOURS,
          (0.01, 0.06), _OF_SESSIONS),
    share("hours.web_evening", "a peak of sessions from 14 to 21", "(hour BETWEEN 14 AND 20)", _SESSION_HOURS,
          (0.38, 0.55), _OF_SESSIONS),
    share("discounts.ordinary_days", "5 % of orders", "(promotion_code IS NOT NULL)",
          _PROMOTED.format(prices="ordinary"), (0.04, 0.06), _OF_PROMOTIONS, takes="days without promotions"),
    share("discounts.promotion_weeks", "over 30 % of orders", "(promotion_code IS NOT NULL)",
          _PROMOTED.format(prices="promotion"), (0.30, 0.50), _OF_PROMOTIONS, takes="days of promotion weeks"),
    Measure(
        name="discounts.depth",
        target="deeper in promotion weeks, times that of ordinary days",
        sql="""
            SELECT avg(discount / subtotal) FILTER (prices = 'promotion')
                / avg(discount / subtotal) FILTER (prices = 'ordinary'),
              least(count_if(prices = 'promotion'), count_if(prices = 'ordinary')), 0
            FROM orders JOIN days ON CAST(created_at AS DATE) = day WHERE promotion_code IS NOT NULL""",
        needs=("orders.subtotal", "orders.discount", *_OF_PROMOTIONS),
        low=1.5,
        high=4,
        least=100,
        takes="days of promotion weeks, and others",
    ),
)  # fmt: skip
"""Volume, hours and promotions."""

"""Measures hold in a world that is as wanted, fail in one that is not, and say so where there is not enough of it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines import verification
from beam_pipelines.verification import Checking, Measure, Outcome, Status
from beam_pipelines.verification.realism.shares import share
from beam_pipelines.world import calendar, clock

MEASURES = {measure.name: measure for measure in verification.MEASURES}
VOLUME = [name for name in MEASURES if name.startswith("volume.")]
FIRST, LAST = date(2023, 1, 1), date(2024, 12, 31)
DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that has no tables but the list of them."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE lake_tables (name VARCHAR, first_day DATE, last_day DATE, whole BOOLEAN)")
        yield connection


Fill = Callable[..., None]
Measured = Callable[..., dict[str, Outcome]]


@pytest.fixture
def fill(database) -> Fill:
    """Makes a table of the lake from SQL or columns, which is there from one day to another."""

    def filled(name: str, source: str | Mapping[str, object], first: date = FIRST, last: date = LAST) -> None:
        if not isinstance(source, str):
            database.register("given", pa.table(dict(source)))
            source = "SELECT * FROM given"
        database.execute(f"CREATE TABLE {name} AS {source}")
        if "_" not in name or name in ("order_events", "web_events"):
            database.execute("INSERT INTO lake_tables VALUES (?, ?, ?, false)", [name, first, last])

    return filled


@pytest.fixture
def measured(database) -> Measured:
    """Takes measures by their names."""

    def taken(*names: str) -> dict[str, Outcome]:
        known = [row[0] for row in database.execute("SELECT name FROM lake_tables").fetchall()]
        checking = Checking(database, known, verification.PREPARED)
        return {name: checking.outcome(MEASURES[name]) for name in names}

    return taken


def volume(factor: Callable[[date], float], growth: float = 1.3, days: list[date] = DAYS) -> dict[str, object]:
    """Orders of days, 400 a day times a factor and growth."""
    numbers = [round(400 * factor(day) * growth ** ((day - FIRST).days / 365.25)) for day in days]
    moments = np.repeat(np.array(days, "datetime64[us]"), numbers)
    return {"order_id": np.arange(len(moments)), "created_at": moments}


def statuses(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {name: outcome.status.value for name, outcome in outcomes.items()}


def test_volume_is_as_wanted_in_a_year_of_the_calendar(fill, measured):
    fill("orders", volume(calendar.demand))
    outcomes = measured(*VOLUME)
    assert statuses(outcomes) == dict.fromkeys(VOLUME, "ok")
    assert outcomes["volume.growth"].value == pytest.approx(0.30, abs=0.005)
    assert outcomes["volume.independence_day"].value == pytest.approx(0.69, abs=0.02)


def test_a_flat_year_is_not_as_wanted(fill, measured):
    fill("orders", volume(lambda day: 1.0, growth=1.0))
    assert statuses(measured(*VOLUME)) == dict.fromkeys(VOLUME, "FAILED")


@pytest.mark.parametrize(("growth", "status"), [(1.2, "FAILED"), (1.26, "ok"), (1.34, "ok"), (1.4, "FAILED")])
def test_growth_has_two_bounds(fill, measured, growth, status):
    fill("orders", volume(calendar.demand, growth))
    assert measured("volume.growth")["volume.growth"].status == status


def test_the_calendar_of_the_measures_is_that_of_the_shop(fill, measured, database):
    fill("orders", volume(calendar.demand))
    measured("volume.growth")
    for year, thanksgiving, memorial, labor in database.execute(
        "SELECT DISTINCT year, thanksgiving, memorial, labor FROM days"
    ).fetchall():
        assert thanksgiving == calendar.thanksgiving(year)
        assert memorial == calendar.memorial_day(year)
        assert labor == calendar.labor_day(year)
    prices = dict(database.execute("SELECT day, prices FROM days").fetchall())
    wanted = {"promotion": lambda share: share > 0.3, "before christmas": lambda share: 0.1 < share < 0.3}
    for day, kind in prices.items():
        assert wanted.get(kind, lambda share: share < 0.1)(calendar.promotion(day).share), day


def test_a_month_has_not_enough_days_for_seasons(fill, measured):
    days = DAYS[:31]
    fill("orders", volume(calendar.demand, days=days), days[0], days[-1])
    outcomes = measured(*VOLUME)
    assert statuses(outcomes) == dict.fromkeys(VOLUME, "skipped")
    assert outcomes["volume.growth"].note == "not enough data: takes April to October of two years"


@pytest.mark.parametrize(("hours", "status"), [(clock.LOCAL_HOURS, "ok"), ((1.0,) * 24, "FAILED")])
def test_hours_are_those_of_the_country(fill, measured, hours, status):
    local = np.random.default_rng(7).choice(24, 20_000, p=np.array(hours) / sum(hours))
    in_seoul = np.datetime64("2023-06-01T00:30", "us") + local * np.timedelta64(1, "h")
    moments = in_seoul - np.timedelta64(9, "h")
    fill("orders", {"created_at": moments, "country": np.full(len(moments), "South Korea")})
    assert statuses(measured("hours.night", "hours.evening")) == {"hours.night": status, "hours.evening": status}


def loyal(rates: np.ndarray) -> dict[str, dict[str, object]]:
    """Customers who sign up before, and order by chance at their rates in the second half of, the lake's two years."""
    orders = np.random.default_rng(7).poisson(rates)
    who = np.repeat(np.arange(len(rates)), orders)
    return {
        "customers": {
            "customer_id": np.arange(len(rates)),
            "created_at": np.full(len(rates), np.datetime64("2022-06-01", "us")),
        },
        "orders": {
            "order_id": np.arange(len(who)),
            "customer_id": who,
            "created_at": np.full(len(who), np.datetime64("2024-06-01", "us")),
        },
        "orders_items": {
            "order_id": np.arange(len(who)),
            "created_at": np.full(len(who), np.datetime64("2024-06-01", "us")),
            "order_item_id": np.arange(len(who)),
        },
    }


@pytest.mark.parametrize(("power", "status"), [(0.175, "ok"), (0.05, "FAILED"), (0.10, "FAILED"), (0.30, "FAILED")])
def test_power_buyers_are_seen_in_the_variance(fill, measured, power, status):
    rates = np.full(60_000, 0.6 * (1 - power) / 0.95)
    rates[::20] = 0.6 * power / 0.05
    for name, columns in loyal(rates).items():
        fill(name, columns)
    outcome = measured("customers.power_buyers")["customers.power_buyers"]
    assert outcome.value == pytest.approx(max(power, 0.05), abs=0.025)
    assert outcome.status == status


def sessions(depths: np.ndarray) -> dict[str, object]:
    """Web events of sessions of these depths, all on a day in the middle of the lake's days."""
    which = np.repeat(np.arange(len(depths)), depths)
    number = np.arange(len(which)) - np.repeat(np.cumsum(depths) - depths, depths) + 1
    return {
        "session_id": which.astype(str),
        "sequence_number": number,
        "occurred_at": np.full(len(which), np.datetime64("2023-06-01", "us")),
        "event_type": np.full(len(which), "home"),
        "customer_id": pa.nulls(len(which), pa.int64()),
    }


DEPTH = ("sessions.median", "sessions.mean", "sessions.deep")


def test_sessions_of_exponential_depth_are_as_wanted(fill, measured):
    depths = np.ceil(np.random.default_rng(7).exponential(5 / np.log(2), 20_000)).astype(int)
    fill("web_events", sessions(depths))
    assert statuses(measured(*DEPTH)) == dict.fromkeys(DEPTH, "ok")


def test_sessions_of_equal_depth_are_not(fill, measured):
    fill("web_events", sessions(np.full(2_000, 5)))
    assert statuses(measured(*DEPTH)) == dict(zip(DEPTH, ("ok", "FAILED", "FAILED"), strict=True))


def courses(database: duckdb.DuckDBPyConnection, delay: int, placed: str) -> None:
    """Orders of one item that are shipped after so many days."""
    database.execute(
        f"CREATE TABLE orders AS SELECT i AS order_id, TIMESTAMP '{placed}' AS created_at FROM range(2000) t(i)"
    )
    database.execute("CREATE TABLE orders_items AS SELECT order_id, created_at, order_id AS order_item_id FROM orders")
    database.execute(
        "CREATE TABLE order_events AS SELECT order_id, 'shipped' AS event_type, "
        f"created_at + INTERVAL {delay} DAY AS occurred_at FROM orders"
    )
    for name in ("orders", "order_events"):
        database.execute("INSERT INTO lake_tables VALUES (?, ?, ?, false)", [name, FIRST, LAST])


SHIPPED = ("fulfilment.shipped", "fulfilment.shipped_late")


@pytest.mark.parametrize(
    ("placed", "delay", "wanted"),
    [
        ("2023-06-01", 2, ("ok", "skipped")),
        ("2023-06-01", 4, ("FAILED", "skipped")),
        ("2023-11-20", 4, ("skipped", "ok")),
        ("2023-12-24", 3, ("skipped", "FAILED")),
        ("2024-12-28", 2, ("skipped", "skipped")),
    ],
)
def test_parcels_take_longer_before_christmas(database, measured, placed, delay, wanted):
    courses(database, delay, placed)
    assert statuses(measured(*SHIPPED)) == dict(zip(SHIPPED, wanted, strict=True))


def of_numbers(database: duckdb.DuckDBPyConnection, rows: int, hits: int, least: int = 100) -> Outcome:
    database.execute(f"CREATE OR REPLACE TABLE numbers AS SELECT i < {hits} AS hit FROM range({rows}) t(i)")
    measure = share("a", "half", "(hit)", "numbers", (0.5, 0.5), (), least=least)
    return Checking(database, (), {}).outcome(measure)


@pytest.mark.parametrize(
    ("rows", "hits", "status"),
    [(100, 60, "ok"), (100, 75, "FAILED"), (10_000, 5_100, "ok"), (10_000, 5_300, "FAILED"), (99, 50, "skipped")],
)
def test_chance_is_granted_to_small_samples(database, rows, hits, status):
    assert of_numbers(database, rows, hits).status == status


def test_a_share_of_none_is_still_uncertain(database):
    outcome = of_numbers(database, 100, 0)
    assert 0 < outcome.tolerance < 0.1
    assert outcome.note == "expected 46.1% to 53.9%"


def test_a_measure_of_no_rows_says_what_it_takes(database):
    outcome = of_numbers(database, 0, 0)
    assert (outcome.status, outcome.note) == (Status.SKIPPED, "not enough data: takes rows")


@pytest.mark.parametrize("measure", verification.MEASURES, ids=lambda measure: measure.name)
def test_a_measure_names_all_that_it_reads_and_takes_more_than_four_days(rows, write, verified, measure):
    assert verified(write(rows), [measure])[measure.name].status is Status.SKIPPED


def test_measures_have_names_of_their_own_and_bounds():
    assert len(MEASURES) == len(verification.MEASURES)
    for measure in verification.MEASURES:
        assert isinstance(measure, Measure)
        assert measure.low <= measure.high, measure.name
        assert measure.target, measure.name

"""GoogleSQL's functions, those that DuckDB has under other names or not at all: what Google documents of each."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from google.cloud import bigquery
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines.local.bigquery.googlesql import duckdb_sql, parsed
from beam_pipelines.local.bigquery.googlesql_functions import with_googlesql_functions

DAY = dt.date(2008, 12, 25)
NUMBERS = "FROM UNNEST([STRUCT(1 AS x, 2 AS y), (2, 4), (3, 7)])"

# Where several columns are asked for, the answer is a tuple.
ANSWERS = [
    # Text.
    ("SELECT INITCAP('hello WORLD-wide o\\'neil 3d')", "Hello World-Wide O'neil 3d"),
    ("SELECT LPAD('7', 3), RPAD('7', 3, '-'), LPAD('abc', 2)", ("  7", "7--", "ab")),
    ("SELECT TRIM('  a '), LTRIM('xxa', 'x'), RTRIM('ab', 'b')", ("a", "a", "a")),
    ("SELECT LEFT('abc', 2), RIGHT('abc', 2), REVERSE('abc'), REPEAT('ab', 2)", ("ab", "bc", "cba", "abab")),
    (
        "SELECT SUBSTRING('apple', 2, 3), SUBSTR('apple', 0, 2), SUBSTR('apple', -9), LOWER('A')",
        ("ppl", "ap", "apple", "a"),
    ),
    ("SELECT INSTR('banana', 'an'), ENDS_WITH('bar', 'r'), CONTAINS_SUBSTR('Hello', 'ELL')", (2, True, True)),
    ("SELECT ASCII('a'), CHR(97), TRANSLATE('abc', 'ab', 'xy'), EDIT_DISTANCE('ab', 'ac')", (97, "a", "xyc", 1)),
    ("SELECT BYTE_LENGTH('é'), OCTET_LENGTH(b'ab'), CHAR_LENGTH('é'), CHARACTER_LENGTH('é')", (2, 2, 1, 1)),
    ("SELECT REGEXP_EXTRACT_ALL('a1b2', r'[a-z](\\d)'), REGEXP_SUBSTR('abc', 'b.')", (["1", "2"], "bc")),
    ("SELECT REGEXP_INSTR('abc', 'c'), REGEXP_EXTRACT('a1b2', r'[a-z]\\d', 2)", (3, "b2")),
    ("SELECT FORMAT('%5d|%-5d|%05d|%+d', 5, 5, 5, 5), FORMAT('%x', 255)", ("    5|5    |00005|+5", "ff")),
    ('SELECT FORMAT("%\'d", 1234567), FORMAT("$%\'.2f", 1234567.891)', ("1,234,567", "$1,234,567.89")),
    ("SELECT FORMAT('%.1f%% of %s', 12.34, 'all'), FORMAT('%t', DATE '2025-01-02')", ("12.3% of all", "2025-01-02")),
    ("SELECT FORMAT('%t', CAST(NULL AS STRING)), FORMAT('%d', NULL)", ("NULL", None)),
    ("SELECT FORMAT('%d', SUM(x)), FORMAT('%.2f', AVG(x)) FROM UNNEST([1000, 2500]) x", ("3500", "1750.00")),
    ("SELECT TO_HEX(SHA1('a')), FROM_HEX('616263')", ("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", b"abc")),
    ("SELECT SUBSTR(TO_HEX(SHA256('a')), 1, 8), TO_BASE64(b'abc'), FROM_BASE64('YWJj')", ("ca978112", "YWJj", b"abc")),
    ("SELECT JSON_QUERY('{\"a\":[1,2]}', '$.a'), JSON_EXTRACT('{\"a\":1}', '$.a')", ("[1,2]", "1")),
    ("SELECT JSON_EXTRACT_SCALAR('{\"a\":{\"b\":1}}', '$.a.b'), SESSION_USER()", ("1", "nobody@localhost")),
    (
        "SELECT STRING(TIMESTAMP '2008-12-25 15:30:00+00'), STRING(DATE '2025-01-02')",
        ("2008-12-25 15:30:00+00", "2025-01-02"),
    ),
    ("SELECT CAST(TIMESTAMP '2025-01-02 03:04:05.5' AS STRING)", "2025-01-02 03:04:05.500+00"),
    ("SELECT CAST(DATETIME '2025-01-02 03:04:05.000001' AS STRING)", "2025-01-02 03:04:05.000001"),
    # Numbers.
    ("SELECT SIGN(-2), ABS(-3), CEIL(1.2), CEILING(1.2), FLOOR(-1.2), TRUNC(1.789, 2)", (-1, 3, 2.0, 2.0, -2.0, 1.78)),
    ("SELECT POW(2, 3), POWER(2, 0.5), SQRT(4), CBRT(8)", (8.0, math.sqrt(2), 2.0, 2.0)),
    ("SELECT EXP(0), LN(1), LOG(8, 2), LOG10(100)", (1.0, 0.0, 3.0, 2.0)),
    ("SELECT SIN(0), COS(0), TAN(0), ASIN(0), ACOS(1), ATAN(0), ATAN2(0, 1)", (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    ("SELECT SINH(0), COSH(0), TANH(0), ASINH(0), ACOSH(1), ATANH(0)", (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)),
    ("SELECT SAFE_ADD(9223372036854775807, 1), SAFE_SUBTRACT(1, 2), SAFE_MULTIPLY(3, 4)", (None, -1, 12)),
    ("SELECT SAFE_NEGATE(5), SAFE.DIV(1, 0), SAFE.LN(0), IEEE_DIVIDE(1, 0)", (-5, None, None, math.inf)),
    ("SELECT IS_NAN(IEEE_DIVIDE(0, 0)), IS_INF(1.0), RAND() < 1, BIT_COUNT(7)", (True, False, True, 3)),
    ("SELECT RANGE_BUCKET(20, [0, 10, 20, 30]), RANGE_BUCKET(-1, [0])", (3, 0)),
    ("SELECT MOD(NUMERIC '7.25', 2), SAFE.MOD(1, 0)", (Decimal("1.25"), None)),
    ("SELECT 5 & 3, 5 | 3, 5 ^ 3, ~5, 1 << 3, 8 >> 1", (1, 7, 6, -6, 8, 4)),
    # Dates and times.
    ("SELECT DATE_DIFF(TIMESTAMP '2025-10-01 01:00:00', TIMESTAMP '2025-09-30 23:00:00', DAY)", 0),
    ("SELECT DATE_DIFF(DATE '2025-10-01', DATE '2025-09-30', QUARTER)", 1),
    ("SELECT DATE_DIFF(DATE '2017-12-30', DATE '2014-12-30', ISOYEAR)", 2),
    ("SELECT DATETIME_DIFF(DATETIME '2017-10-15 00:00:00', DATETIME '2017-10-14 00:00:00', WEEK)", 1),
    ("SELECT DATETIME_DIFF('2010-07-07 10:20:00', '2008-12-25 15:30:00', DAY)", 559),
    ("SELECT TIMESTAMP_DIFF(TIMESTAMP '2018-07-09 20:00:00', TIMESTAMP '2018-07-10 00:30:00', HOUR)", -4),
    ("SELECT TIMESTAMP_TRUNC('2015-06-15 10:20:00', HOUR)", dt.datetime(2015, 6, 15, 10, tzinfo=dt.UTC)),
    ("SELECT TIMESTAMP_ADD('2025-01-01 10:00:00', INTERVAL 1 DAY)", dt.datetime(2025, 1, 2, 10, tzinfo=dt.UTC)),
    ("SELECT TIMESTAMP_SUB(TIMESTAMP '2025-01-01', INTERVAL 2 HOUR)", dt.datetime(2024, 12, 31, 22, tzinfo=dt.UTC)),
    ("SELECT DATETIME_ADD(DATETIME '2025-01-01 00:00:00', INTERVAL 1 MONTH)", dt.datetime(2025, 2, 1)),  # noqa: DTZ001
    ("SELECT DATETIME_SUB(DATETIME '2025-01-01 00:00:00', INTERVAL 1 DAY)", dt.datetime(2024, 12, 31)),  # noqa: DTZ001
    ("SELECT EXTRACT(DAY FROM DATE '2025-03-01' - d) FROM UNNEST([DATE '2025-02-01']) d", 28),
    ("SELECT EXTRACT(HOUR FROM a - b) FROM (SELECT TIMESTAMP '2025-01-31 01:00:00' a, TIMESTAMP '2025-01-30' b)", 25),
    ("SELECT DATE '2025-01-31' + 1, DATE '2025-01-31' - 1", (dt.date(2025, 2, 1), dt.date(2025, 1, 30))),
    ("SELECT a - b, (a - b) * 2, (a - b) / b FROM (SELECT 5 a, 2 b)", (3, 6, 1.5)),
    ("SELECT EXTRACT(YEAR FROM MAKE_INTERVAL(1, 2, 3)), EXTRACT(DAY FROM MAKE_INTERVAL(1, 2, 3))", (1, 3)),
    ("SELECT DATE(2008, 12, 25), DATE(DATETIME '2008-12-25 23:59:59')", (DAY, DAY)),
    (
        "SELECT TIMESTAMP('2008-12-25 15:30:00', 'America/Los_Angeles')",
        dt.datetime(2008, 12, 25, 23, 30, tzinfo=dt.UTC),
    ),
    (
        "SELECT DATETIME(DATE(t), TIME '10:20:00'), DATETIME(t, zone), DATETIME(t) "
        "FROM (SELECT TIMESTAMP '2008-12-25 20:00:00' AS t, 'Asia/Tokyo' AS zone)",
        (dt.datetime(2008, 12, 25, 10, 20), dt.datetime(2008, 12, 26, 5), dt.datetime(2008, 12, 25, 20)),  # noqa: DTZ001
    ),
    ("SELECT TIME(15, 30, 0), TIME(TIMESTAMP '2008-12-25 15:30:00+00')", (dt.time(15, 30), dt.time(15, 30))),
    ("SELECT EXTRACT(HOUR FROM TIME '15:30:00'), FORMAT_TIME('%R', TIME '15:30:00')", (15, "15:30")),
    ("SELECT CURRENT_DATETIME() > DATETIME '2020-01-01', CURRENT_TIME() IS NULL", (True, False)),
    (
        "SELECT LAST_DAY(DATE '2008-11-25', WEEK), LAST_DAY(DATE '2008-11-25', YEAR)",
        (dt.date(2008, 11, 29), dt.date(2008, 12, 31)),
    ),
    ("SELECT FORMAT_DATE('%Y-%m', TIMESTAMP '2025-10-17 01:00:00')", "2025-10"),
    ("SELECT FORMAT_TIMESTAMP('%I %p %l %P %k %C', TIMESTAMP '2025-01-02 13:04:05')", "01 PM  1 pm 13 20"),
    ("SELECT FORMAT_DATETIME('%B %E3S', DATETIME '2025-01-02 03:04:05.25')", "January 05.250"),
    ("SELECT PARSE_DATE('%A %b %e %Y', 'Thursday Dec 25 2008'), PARSE_DATE('%x', '12/25/08')", (DAY, DAY)),
    (
        "SELECT PARSE_TIMESTAMP('%F %T', '1998-10-18 13:45:55', 'Asia/Tokyo')",
        dt.datetime(1998, 10, 18, 4, 45, 55, tzinfo=dt.UTC),
    ),
    ("SELECT PARSE_DATETIME('%d/%m/%Y', '18/10/1998')", dt.datetime(1998, 10, 18)),  # noqa: DTZ001
    (
        "SELECT UNIX_DATE(DATE '1970-01-02'), UNIX_MILLIS(TIMESTAMP_MICROS(2000)), UNIX_MICROS(TIMESTAMP_MILLIS(2))",
        (1, 2, 2000),
    ),
    ("SELECT ARRAY_LENGTH(GENERATE_TIMESTAMP_ARRAY('2016-10-05 00:00:00', '2016-10-07 00:00:00', INTERVAL 1 DAY))", 3),
    # Arrays, structs and aggregates.
    (
        "SELECT ARRAY_CONCAT([1], [2, 3]), ARRAY_REVERSE([1, 2]), ARRAY_FIRST([1, 2]), ARRAY_LAST([1, 2])",
        ([1, 2, 3], [2, 1], 1, 2),
    ),
    ("SELECT GENERATE_ARRAY(0, 1, 0.5), GENERATE_ARRAY(10, 0, -3)", ([0.0, 0.5, 1.0], [10, 7, 4, 1])),
    (
        "SELECT APPROX_QUANTILES(DISTINCT x, 2), APPROX_QUANTILES(x, 1 IGNORE NULLS) FROM UNNEST([1, 1, 1, 5, 9]) x",
        ([1, 5, 9], [1, 9]),
    ),
    ("SELECT ARRAY_CONCAT_AGG(x) FROM (SELECT [1, 2] AS x)", [1, 2]),
    (
        "SELECT APPROX_TOP_COUNT(x, 2) FROM UNNEST(['a', 'a', 'b', 'b', 'b', 'c']) x",
        [{"value": "b", "count": 3}, {"value": "a", "count": 2}],
    ),
    ("SELECT APPROX_TOP_COUNT(x, 1) FROM UNNEST([5, 5, NULL, NULL, NULL]) x", [{"value": None, "count": 3}]),
    ("SELECT ARRAY_AGG(DISTINCT x IGNORE NULLS ORDER BY x LIMIT 2) FROM UNNEST([3, NULL, 1, 2, 1]) x", [1, 2]),
    ("SELECT STRING_AGG(x ORDER BY x DESC) FROM UNNEST(['a', NULL, 'b']) x", "b,a"),
    ("SELECT MIN_BY(x, -x), ANY_VALUE(x HAVING MIN x), LOGICAL_AND(x > 1) FROM UNNEST([1, 2, 3]) x", (3, 1, False)),
    ("SELECT BIT_AND(x), BIT_OR(x), BIT_XOR(x) FROM UNNEST([1, 3, 5]) x", (1, 7, 7)),
    (f"SELECT STDDEV_POP(x), STDDEV_SAMP(x), VAR_POP(x), VAR_SAMP(x) {NUMBERS}", (math.sqrt(2 / 3), 1.0, 2 / 3, 1.0)),
    (f"SELECT COVAR_POP(x, y), COVAR_SAMP(x, y) {NUMBERS}", (5 / 3, 2.5)),
    (f"SELECT PERCENTILE_CONT(x, 0.5 IGNORE NULLS) OVER (PARTITION BY MOD(x, 2)) {NUMBERS} LIMIT 1", 2.0),
    (f"SELECT PERCENTILE_DISC(x, 0.5) OVER () {NUMBERS} LIMIT 1", 2),
    (f"SELECT LEAD(x, 2, -1) OVER (ORDER BY x), NTH_VALUE(x, 1) OVER (ORDER BY x) {NUMBERS} LIMIT 1", (3, 1)),
    (
        f"SELECT DENSE_RANK() OVER (ORDER BY y / x, x), CUME_DIST() OVER (ORDER BY x) {NUMBERS} ORDER BY x LIMIT 1",
        (1, 1 / 3),
    ),
    (
        "SELECT latest.* FROM (SELECT ARRAY_AGG(o LIMIT 1)[OFFSET(0)] AS latest FROM (SELECT 7 AS z, 'k' AS k) o)",
        (7, "k"),
    ),
    ("SELECT ANY_VALUE(o).* FROM (SELECT 7 AS z, 'k' AS k) o", (7, "k")),
    ("SELECT COUNT(o), COUNT(u) FROM (SELECT 1 AS id) u LEFT JOIN (SELECT 2 AS id) o ON u.id = o.id", (0, 1)),
    ("SELECT COUNT(o), COUNT(*) FROM (SELECT 1 AS id) u LEFT JOIN (SELECT 1 AS id) o USING (id)", (1, 1)),
    ("SELECT COUNT(o) FROM (SELECT 1 AS id, NULL AS x) o", 1),
    # What SELECT lists name comes before what tables name.
    ("SELECT UPPER(x) AS x, COUNT(*) AS n FROM UNNEST(['a', 'A']) x GROUP BY x", ("A", 2)),
    ("SELECT x AS y, y AS x, COUNT(*) FROM (SELECT 1 AS x, 2 AS y) GROUP BY x, y", (1, 2, 1)),
    ("SELECT SUM(x) AS x FROM UNNEST([1, 2]) x HAVING x > 2", 3),
]


@pytest.mark.parametrize(("sql", "answer"), ANSWERS, ids=[sql for sql, _ in ANSWERS])
def test_answer(served: bigquery.Client, sql: str, answer: object) -> None:
    (row,) = served.query_and_wait(sql)
    expected = answer if isinstance(answer, tuple) else (answer,)
    assert row.values() == tuple(pytest.approx(part) if isinstance(part, float) else part for part in expected)
    assert [type(part) for part in row.values()] == [type(part) for part in expected]


def test_deep_expressions_stay_small(served: bigquery.Client) -> None:
    """What an operator is told of the types of its sides does not double with every level."""
    (row,) = served.query_and_wait(f"SELECT {'/'.join(['1'] * 9)}, {'ROUND(' * 4}1{' / 2, 9)' * 4}")
    assert row.values() == (1.0, 0.0625)

    def translated(levels: int) -> int:
        return len(duckdb_sql(with_googlesql_functions(parsed(f"SELECT {'/'.join(['a'] * levels)} FROM t"))))

    assert translated(40) < 5 * translated(20)


def test_every_function_is_asked_for() -> None:
    """A function is called supported only if some query here asks for it."""
    package = files("beam_pipelines.local.bigquery")
    functions = json.loads(package.joinpath("functions.json").read_text(encoding="utf-8"))
    folder = Path(__file__).parent
    asked = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted([*folder.rglob("*.sql"), *folder.glob("*.py")])
    )
    missing = [name for name in functions["supported"] if not re.search(rf"\b{name}\s*\(", asked, re.IGNORECASE)]
    assert missing == []
    assert not set(functions["supported"]) & set(functions["unsupported"])


@given(
    earlier=st.dates(dt.date(1990, 1, 1), dt.date(2040, 1, 1)),
    days=st.integers(-3000, 3000),
    first=st.sampled_from(range(7)),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_weeks(served: bigquery.Client, earlier: dt.date, days: int, first: int) -> None:
    """A week begins on the day that is named; DATE_DIFF counts how many begin between two dates."""
    name = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")[first]
    later = earlier + dt.timedelta(days=days)
    part = f"WEEK({name})"
    (row,) = served.query_and_wait(
        f"SELECT DATE_TRUNC(DATE '{later}', {part}), DATE_DIFF(DATE '{later}', DATE '{earlier}', {part})"
    )
    start, steps = row.values()
    assert start.weekday() == first
    assert 0 <= (later - start).days < 7
    between = (min(earlier, later) + dt.timedelta(days=n + 1) for n in range(abs(days)))
    assert abs(steps) == sum(day.weekday() == first for day in between)
    assert steps * days >= 0

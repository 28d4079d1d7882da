"""GoogleSQL's documented answers, value by value."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


ORDERS = "(SELECT 1 AS id, [STRUCT(5 AS price, 'a' AS sku), (7, 'b')] AS items)"

# Where several columns are asked for, the answer is a tuple.
ANSWERS = [
    # Arithmetic: FLOAT64 for integers, NUMERIC for NUMERIC.
    ("SELECT 1/4", 0.25),
    ("SELECT NUMERIC '1'/3", Decimal("0.333333333")),
    ("SELECT NUMERIC '-2'/3", Decimal("-0.666666667")),
    ("SELECT NUMERIC '1.5' * NUMERIC '1.5'", Decimal("2.25")),
    ("SELECT NUMERIC '2' * 0.5", Decimal(1)),
    ("SELECT 3 * 0.5", 1.5),
    ("SELECT AVG(x) FROM UNNEST([NUMERIC '1', NUMERIC '2', NUMERIC '2']) x", Decimal("1.666666667")),
    ("SELECT AVG(x) FROM UNNEST([1, 2]) x", 1.5),
    ("SELECT SUM(x) FROM UNNEST([NUMERIC '1.10', NUMERIC '2.2']) x", Decimal("3.3")),
    ("SELECT SUM(x) / COUNT(*) FROM UNNEST([NUMERIC '1', NUMERIC '2']) x", Decimal("1.5")),
    ("SELECT SUM(x) FROM UNNEST([1, 2]) x", 3),
    ("SELECT 3000000000 * 2, 2000000 * 2000000", (6_000_000_000, 4_000_000_000_000)),
    ("SELECT SAFE_DIVIDE(1, 0), SAFE_DIVIDE(1, 2)", (None, 0.5)),
    ("SELECT DIV(7, 2), DIV(-7, 2), MOD(-7, 3)", (3, -3, -1)),
    ("SELECT ROUND(2.5), ROUND(-2.5), ROUND(NUMERIC '2.345', 2), ROUND(7)", (3.0, -3.0, Decimal("2.35"), 7.0)),
    ("SELECT CAST(2.5 AS INT64), CAST('12' AS INT64), SAFE_CAST('x' AS INT64)", (3, 12, None)),
    ("SELECT CAST(1.0 AS STRING), CAST(NUMERIC '1.50' AS STRING), CAST(true AS STRING)", ("1", "1.5", "true")),
    ("SELECT CAST(1.5 AS NUMERIC), IF(true, 1.0, 0), COALESCE(NULL, 0.5)", (Decimal("1.5"), 1.0, 0.5)),
    ("SELECT IFNULL(NULL, 3), NULLIF(1, 1), GREATEST(1, NULL), LEAST(2, 1)", (3, None, None, 1)),
    # Dates and times.
    ("SELECT DATE(TIMESTAMP '2025-01-01 02:00:00+00')", dt.date(2025, 1, 1)),
    ("SELECT DATE(TIMESTAMP '2025-01-01 02:00:00+00', 'America/New_York')", dt.date(2024, 12, 31)),
    ("SELECT DATE_TRUNC(DATE '2025-01-01', WEEK)", dt.date(2024, 12, 29)),
    ("SELECT DATE_TRUNC(DATE '2025-01-01', WEEK(MONDAY))", dt.date(2024, 12, 30)),
    ("SELECT DATE_TRUNC(DATE '2025-01-01', WEEK(THURSDAY))", dt.date(2024, 12, 26)),
    ("SELECT DATE_TRUNC(DATE '2025-01-01', ISOWEEK)", dt.date(2024, 12, 30)),
    ("SELECT DATE_TRUNC(DATE '2025-05-17', QUARTER)", dt.date(2025, 4, 1)),
    ("SELECT TIMESTAMP_TRUNC(TIMESTAMP '2025-01-05 10:30:00', WEEK(MONDAY))", utc(2024, 12, 30)),
    ("SELECT TIMESTAMP_TRUNC(TIMESTAMP '2025-01-01 03:30:00', DAY, 'America/New_York')", utc(2024, 12, 31, 5)),
    ("SELECT DATETIME_TRUNC(DATETIME '2008-12-25 15:30:00', DAY)", dt.datetime(2008, 12, 25)),  # noqa: DTZ001
    ("SELECT EXTRACT(DAYOFWEEK FROM DATE '2025-01-05')", 1),
    ("SELECT EXTRACT(ISOWEEK FROM DATE '2005-01-03'), EXTRACT(WEEK FROM DATE '2005-01-03')", (1, 1)),
    ("SELECT EXTRACT(ISOYEAR FROM DATE '2017-01-01'), EXTRACT(ISOWEEK FROM DATE '2017-01-01')", (2016, 52)),
    ("SELECT EXTRACT(WEEK FROM DATE '2017-11-05'), EXTRACT(WEEK(MONDAY) FROM DATE '2017-11-05')", (45, 44)),
    ("SELECT EXTRACT(DAY FROM TIMESTAMP '2008-12-25 05:30:00+00' AT TIME ZONE 'America/Los_Angeles')", 24),
    ("SELECT EXTRACT(DATE FROM TIMESTAMP '2008-12-25 05:30:00+00')", dt.date(2008, 12, 25)),
    ("SELECT TIMESTAMP_DIFF(TIMESTAMP '2010-07-07 10:20:00', TIMESTAMP '2008-12-25 15:30:00', HOUR)", 13410),
    ("SELECT TIMESTAMP_DIFF('2001-02-01 01:00:00', '2001-02-01 00:00:01', HOUR)", 0),
    ("SELECT DATE_DIFF(DATE '2010-07-07', DATE '2008-12-25', DAY)", 559),
    ("SELECT DATE_DIFF('2017-12-18', '2017-12-17', WEEK)", 0),
    ("SELECT DATE_DIFF('2017-12-18', '2017-12-17', WEEK(MONDAY))", 1),
    ("SELECT DATE_DIFF('2017-12-18', '2017-12-17', ISOWEEK)", 1),
    ("SELECT DATE_DIFF('2017-12-30', '2014-12-30', YEAR)", 3),
    ("SELECT DATE_ADD(DATE '2025-01-31', INTERVAL 1 MONTH)", dt.date(2025, 2, 28)),
    ("SELECT DATE_SUB(DATE '2008-12-25', INTERVAL 5 DAY)", dt.date(2008, 12, 20)),
    ("SELECT DATE_ADD(DATE '2025-01-01', INTERVAL 2 WEEK)", dt.date(2025, 1, 15)),
    ("SELECT TIMESTAMP_ADD(TIMESTAMP '2008-12-25 15:30:00+00', INTERVAL 10 MINUTE)", utc(2008, 12, 25, 15, 40)),
    ("SELECT DATE_ADD(MAX(d), INTERVAL 1 DAY) FROM UNNEST([DATE '2025-01-01']) d", dt.date(2025, 1, 2)),
    ("SELECT FORMAT_DATE('%b %e, %Y', DATE '2008-12-05')", "Dec  5, 2008"),
    ("SELECT FORMAT_DATE('%Y-Q%Q', DATE '2008-12-25')", "2008-Q4"),
    ("SELECT FORMAT_DATE('%A %F', DATE '2025-11-28')", "Friday 2025-11-28"),
    ("SELECT FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%S %Z', TIMESTAMP '2025-01-02 10:59:00')", "2025-01-02 10:59:00 UTC"),
    ("SELECT FORMAT_TIMESTAMP('%E4Y %T', TIMESTAMP '2025-01-02 10:59:00', 'Asia/Tokyo')", "2025 19:59:00"),
    ("SELECT PARSE_DATE('%Y%m%d', '20081225')", dt.date(2008, 12, 25)),
    ("SELECT PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2025-01-31 10:00:00')", utc(2025, 1, 31, 10)),
    ("SELECT UNIX_SECONDS(TIMESTAMP '1970-01-01 00:00:01.8+00')", 1),
    ("SELECT TIMESTAMP_SECONDS(1), TIMESTAMP_MILLIS(1)", (utc(1970, 1, 1, 0, 0, 1), utc(1970, 1, 1, 0, 0, 0, 1000))),
    ("SELECT LAST_DAY(DATE '2008-11-25'), DATE_FROM_UNIX_DATE(1)", (dt.date(2008, 11, 30), dt.date(1970, 1, 2))),
    ("SELECT CURRENT_TIMESTAMP() > TIMESTAMP '2020-01-01', CURRENT_DATE() > DATE '2020-01-01'", (True, True)),
    (
        "SELECT GENERATE_DATE_ARRAY('2016-10-05', '2016-10-09', INTERVAL 2 DAY)",
        [dt.date(2016, 10, d) for d in (5, 7, 9)],
    ),
    # Aggregates, arrays and structs.
    ("SELECT COUNTIF(x < 0), COUNT(DISTINCT x) FROM UNNEST([5, -2, 3, 6, -10, -7, 4, 0]) x", (3, 8)),
    ("SELECT APPROX_COUNT_DISTINCT(x) FROM UNNEST([0, 1, 1, 2, 3, 5]) x", 5),
    ("SELECT APPROX_QUANTILES(x, 2) FROM UNNEST([1, 1, 1, 4, 5, 6, 7, 8, 9, 10]) x", [1, 5, 10]),
    ("SELECT APPROX_QUANTILES(x, 100)[OFFSET(50)] FROM UNNEST([1, 2, 3]) x", 2),
    ("SELECT ARRAY_AGG(x ORDER BY x DESC LIMIT 2) FROM UNNEST([1, 3, 2]) x", [3, 2]),
    ("SELECT ARRAY_AGG(x IGNORE NULLS ORDER BY x LIMIT 1) FROM UNNEST([NULL, 3, 2]) x", [2]),
    ("SELECT STRING_AGG(x, '-' ORDER BY x DESC LIMIT 2) FROM UNNEST(['a', 'c', 'b']) x", "c-b"),
    ("SELECT ANY_VALUE(f HAVING MAX n) FROM UNNEST([STRUCT('pear' AS f, 3 AS n), ('fig', 9)])", "fig"),
    ("SELECT STRUCT(1 AS a, 'x' AS b)", {"a": 1, "b": "x"}),
    ("SELECT ARRAY(SELECT AS STRUCT y, y * 2 AS z FROM UNNEST([1]) y)", [{"y": 1, "z": 2}]),
    ("SELECT GENERATE_ARRAY(0, 10, 3), ARRAY_LENGTH([1, 2])", ([0, 3, 6, 9], 2)),
    ("SELECT [1, 2, 3][OFFSET(1)], [1, 2][SAFE_OFFSET(9)], [1, 2][ORDINAL(1)]", (2, None, 1)),
    (
        "SELECT SUM([1, 20][OFFSET(n)]), SUM([1, 20][SAFE_OFFSET(n - 1)]), SUM([1, 20][ORDINAL(n + 1)]), "
        "SUM([1, 20][SAFE_ORDINAL(n)]), SUM([1, 20][n]) FROM UNNEST([0, 1]) n",
        (21, 1, 21, 1, 21),
    ),
    ("SELECT 5 IN UNNEST([1, 5]), ARRAY_TO_STRING(['a', 'b'], ','), SPLIT('a,b')", (True, "a,b", ["a", "b"])),
    # UNNEST: by value, by field, with offset, implied by a path.
    (f"SELECT SUM(item.price) FROM {ORDERS} AS o, UNNEST(o.items) AS item", 12),
    (f"SELECT SUM(price) FROM {ORDERS} AS o CROSS JOIN UNNEST(items)", 12),
    (
        f"SELECT STRING_AGG(item.sku, '' ORDER BY n DESC) FROM {ORDERS} o, UNNEST(o.items) item WITH OFFSET AS n",
        "ba",
    ),
    (f"SELECT MIN(place), SUM(price) FROM {ORDERS} o LEFT JOIN UNNEST(o.items) WITH OFFSET AS place", (0, 12)),
    (f"SELECT SUM(i.price) FROM {ORDERS} AS o, o.items AS i", 12),
    (f"SELECT (SELECT MAX(price) FROM UNNEST(o.items)) FROM {ORDERS} AS o", 7),
    ("SELECT * FROM UNNEST([STRUCT(1 AS a, 2 AS b)])", (1, 2)),
    # Windows and clauses.
    ("SELECT x FROM UNNEST([3, 1, 2]) x QUALIFY ROW_NUMBER() OVER (ORDER BY x DESC) = 1", 3),
    ("SELECT x / SUM(x) OVER () FROM UNNEST([1, 3]) x ORDER BY x LIMIT 1", 0.25),
    (
        "SELECT ROUND(100 * SUM(x) / SUM(SUM(x)) OVER (), 1) FROM UNNEST([NUMERIC '1', NUMERIC '2']) x GROUP BY x "
        "ORDER BY x LIMIT 1",
        Decimal("33.3"),
    ),
    (
        "SELECT AVG(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM UNNEST([1, 2]) x "
        "ORDER BY x DESC LIMIT 1",
        1.5,
    ),
    ("SELECT PERCENTILE_CONT(x, 0.5) OVER () FROM UNNEST([0, 3]) x LIMIT 1", 1.5),
    ("SELECT * EXCEPT (b) REPLACE (a + 1 AS a) FROM (SELECT 1 AS a, 2 AS b, 3 AS c)", (2, 3)),
    ("SELECT * FROM (SELECT 'x' AS k, 1 AS v UNION ALL SELECT 'y', 2) PIVOT(SUM(v) FOR k IN ('x', 'y'))", (1, 2)),
    ("SELECT x FROM UNNEST([1, NULL]) x ORDER BY x LIMIT 1", None),
    ("WITH t AS (SELECT 1 AS a) SELECT a FROM t", 1),
    # Text.
    ("SELECT REGEXP_CONTAINS('abc', r'^a'), REGEXP_EXTRACT('abc-123', r'-(\\d+)')", (True, "123")),
    ("SELECT REGEXP_REPLACE('abc', r'(b)', r'[\\1]'), REGEXP_EXTRACT('abc', r'x')", ("a[b]c", None)),
    ("SELECT LENGTH(GENERATE_UUID()), FORMAT('%d-%s', 5, 'x'), 'a' || 'b'", (36, "5-x", "ab")),
    ("SELECT SUBSTR('apple', -2), STRPOS('foo@x', '@'), STARTS_WITH('bar', 'b')", ("le", 4, True)),
    ("SELECT TO_HEX(MD5('x')), JSON_VALUE('{\"a\":\"b\"}', '$.a')", ("9dd4e461268c8034f5c8564e155c67a6", "b")),
]

ERRORS = [
    ("SELECT 1/0", "division by zero"),
    ("SELECT DIV(1, 0)", "division by zero"),
    ("SELECT CAST('1.5' AS INT64)", "Bad int64 value: 1.5"),
    ("SELECT nope", r"Unrecognized name: nope at \[1:8\]"),
    ("SELECT\n  x.nope FROM UNNEST([STRUCT(1 AS a)]) x", "nope"),
    ("SELECT FROM WHERE", r"Syntax error: .*\[1:\d+\]"),
    ("SELECT * FROM nodataset", "must be qualified with a dataset"),
    ("SELECT * FROM a.b", "Not found: Dataset local:a"),
    ("SELECT FARM_FINGERPRINT('x')", r"Function FARM_FINGERPRINT at \[1:8\] is not supported"),
    ("SELECT @@project_id", "not supported by the local BigQuery"),
    ("CREATE FUNCTION f(x INT64) AS (x)", "CREATE FUNCTION is not supported"),
    ("SELECT * FROM `a.b_*`", "Wildcard table"),
    ("SELECT CAST(1 AS BIGNUMERIC)", "BIGNUMERIC is not supported"),
    ("SELECT @missing", "Query parameter 'missing' not found"),
]


@pytest.mark.parametrize(("sql", "answer"), ANSWERS, ids=[sql for sql, _ in ANSWERS])
def test_answer(served: bigquery.Client, sql: str, answer: object) -> None:
    (row,) = served.query_and_wait(sql)
    found = row.values() if isinstance(answer, tuple) else row[0]
    assert found == answer
    assert [type(part) for part in row.values()] == [
        type(part) for part in (answer if isinstance(answer, tuple) else [answer])
    ]


@pytest.mark.parametrize(("sql", "message"), ERRORS, ids=[sql for sql, _ in ERRORS])
def test_error(served: bigquery.Client, sql: str, message: str) -> None:
    with pytest.raises(GoogleAPICallError, match=message):
        served.query_and_wait(sql)

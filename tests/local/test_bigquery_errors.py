"""What is wrong with a query is said as BigQuery says it: with its reason, the place, and no word of DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from beam_pipelines.local.bigquery.explanations import explained, googlesql_types

ORDERS = "FROM shop.orders"

# Query, reason, message.
ERRORS = [
    # Names.
    (f"SELECT nope {ORDERS}", "invalidQuery", r"Unrecognized name: nope at \[1:8\]"),
    (f"SELECT o.nope {ORDERS} AS o", "invalidQuery", r"Name nope not found inside o at \[1:8\]"),
    (
        f"SELECT id {ORDERS} AS a JOIN shop.orders AS b ON TRUE",
        "invalidQuery",
        r"Column name id is ambiguous at \[1:8\]",
    ),
    ("SELECT\n  foo(1)", "invalidQuery", r"Function not found: foo at \[2:3\]"),
    ("SELECT list_sum([1])", "invalidQuery", r"Function not found: list_sum at \[1:8\]"),
    ("SELECT NET.HOST('x')", "notImplemented", r"Function NET\.HOST at \[1:12\] is not supported"),
    ("SELECT 1, HLL_COUNT.INIT(2)", "notImplemented", r"Function HLL_COUNT\.INIT at .* is not supported"),
    ("SELECT SOUNDEX('x')", "notImplemented", r"Function SOUNDEX at \[1:8\] is not supported"),
    ("SELECT * FROM shop.nothing", "notFound", r"Not found: Table local:shop\.nothing"),
    ("SELECT * FROM nowhere.orders", "notFound", r"Not found: Dataset local:nowhere"),
    ("SELECT * FROM `someone-else.shop.orders`", "notFound", r"Not found: Project someone-else"),
    ("SELECT * FROM bigquery-public-data.nowhere.x", "notFound", r"Not found: Dataset bigquery-public-data:nowhere"),
    ("SELECT * FROM `bigquery-public-data.shop.nothing`", "notFound", r"Table bigquery-public-data:shop\.nothing"),
    ("DELETE FROM `bigquery-public-data.shop.orders` WHERE TRUE", "accessDenied", r"bigquery-public-data is read only"),
    ("CREATE TABLE `bigquery-public-data.shop.mine` AS SELECT 1 AS x", "accessDenied", r"is read only"),
    (
        "SELECT * FROM `region-us`.INFORMATION_SCHEMA.TABLES",
        "notImplemented",
        r"INFORMATION_SCHEMA\.TABLES of a region",
    ),
    ("SELECT * FROM shop.INFORMATION_SCHEMA.ROUTINES", "notImplemented", r"INFORMATION_SCHEMA\.ROUTINES is not"),
    # Types and values.
    (
        "SELECT SUM('a')",
        "invalidQuery",
        r"No matching signature for function SUM for argument types: STRING at \[1:8\]",
    ),
    ("SELECT 'a' + 1", "invalidQuery", r"No matching signature for operator \+ for argument types: STRING, INT64"),
    ("SELECT 'a' / 2", "invalidQuery", r"No matching signature for operator /"),
    ("SELECT UPPER(5)", "invalidQuery", r"No matching signature for function UPPER for argument types: INT64"),
    ("SELECT DATE_TRUNC(5, MONTH)", "invalidQuery", r"No matching signature for a function of the query"),
    ("SELECT CAST('x' AS INT64)", "invalidQuery", r"Bad int64 value: x"),
    ("SELECT CAST('x' AS FLOAT64)", "invalidQuery", r"Bad double value: x"),
    ("SELECT CAST('x' AS NUMERIC)", "invalidQuery", r"Invalid NUMERIC value: x"),
    ("SELECT DATE 'x'", "invalidQuery", r"Invalid date: 'x'"),
    ("SELECT TIMESTAMP 'x'", "invalidQuery", r"Invalid timestamp: 'x'"),
    (f"SELECT id / 0 {ORDERS}", "invalidQuery", r"division by zero$"),
    (f"SELECT NUMERIC '1' / (id - id) {ORDERS}", "invalidQuery", r"division by zero$"),
    ("SELECT LN(0)", "invalidQuery", r"Floating point error: logarithm of a number that is not positive"),
    ("SELECT ERROR('this went wrong')", "invalidQuery", r"this went wrong"),
    ("SELECT 9223372036854775807 + 1", "invalidQuery", r"int64 overflow"),
    ("SELECT FORMAT('%d', 1.5)", "invalidQuery", r"FORMAT: %d does not take a value of type"),
    ("SELECT FORMAT('%d and %d', 1)", "invalidQuery", r"Too few arguments to FORMAT"),
    ("SELECT FORMAT('%d', 1, 2)", "invalidQuery", r"Too many arguments to FORMAT"),
    ("SELECT FORMAT('%T', 'x')", "notImplemented", r"Format specifier %T"),
    (
        "SELECT TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 MONTH)",
        "invalidQuery",
        r"TIMESTAMP_SUB .* MONTH date part",
    ),
    (
        "SELECT DATE_DIFF(TIMESTAMP '2025-03-01', TIMESTAMP '2025-01-01', MONTH)",
        "invalidQuery",
        r"DATE_DIFF does not support the MONTH date part when the argument is TIMESTAMP type",
    ),
    (
        f"SELECT DATE_DIFF(CURRENT_DATE(), at, DAY) {ORDERS}",
        "invalidQuery",
        r"No matching signature for function DATE_DIFF for argument types: DATE, TIMESTAMP",
    ),
    (f"SELECT id {ORDERS} WHERE at >= DATE '2025-01-01'", "invalidQuery", r"operator >= .* types: TIMESTAMP, DATE$"),
    (f"SELECT o.id {ORDERS} o WHERE o.at < CURRENT_DATE()", "invalidQuery", r"operator < .* types: TIMESTAMP, DATE$"),
    (
        f"SELECT id {ORDERS} WHERE DATE(at) BETWEEN TIMESTAMP '2025-01-01' AND CURRENT_TIMESTAMP()",
        "invalidQuery",
        r"operator BETWEEN for argument types: DATE, TIMESTAMP, TIMESTAMP$",
    ),
    (f"SELECT id {ORDERS} WHERE id = '1'", "invalidQuery", r"operator = for argument types: INT64, STRING$"),
    (f"SELECT id {ORDERS} WHERE status = 1", "invalidQuery", r"operator = for argument types: STRING, INT64$"),
    ("SELECT (SELECT x FROM UNNEST([1, 2]) x)", "invalidQuery", r"Scalar subquery produced more than one element"),
    # Clauses.
    ("SELECT 1 AS x, 2 AS y, 3 AS X", "invalidQuery", r"Duplicate column names .* Found duplicate\(s\): x$"),
    ("CREATE TABLE shop.copied COPY shop.orders", "notImplemented", r"CREATE TABLE with LIKE, COPY or CLONE"),
    ("CREATE TABLE shop.copied LIKE shop.orders", "notImplemented", r"CREATE TABLE with LIKE, COPY or CLONE"),
    ("CREATE MATERIALIZED VIEW shop.v AS SELECT 1 AS x", "notImplemented", r"Statement CREATE MATERIALIZED VIEW"),
    ("ASSERT (SELECT COUNT(*) FROM shop.orders) > 0", "notImplemented", r"Statement ASSERT of a script at \[1:1\]"),
    ("SELECT 1 +", "invalidQuery", r"Syntax error: .* at \[1:\d+\]"),
    (f"SELECT id, status {ORDERS} GROUP BY id", "invalidQuery", r"references column status which is neither grouped"),
    (f"SELECT SUM(SUM(id)) {ORDERS}", "invalidQuery", r"Aggregations of aggregations are not allowed"),
    (f"SELECT id {ORDERS} WHERE SUM(id) > 1", "invalidQuery", r"Aggregate function not allowed in WHERE clause"),
    (f"SELECT id {ORDERS} GROUP BY 4", "invalidQuery", r"GROUP BY is out of SELECT column number range"),
    ("SELECT 1 UNION ALL SELECT 1, 2", "invalidQuery", r"set operation have mismatched column count"),
    (f"SELECT * {ORDERS} PIVOT(SUM(id) FOR status IN (SELECT 'a'))", "invalidQuery", r"PIVOT expects constants"),
    (f"SELECT * {ORDERS} TABLESAMPLE SYSTEM (10 PERCENT)", "notImplemented", r"TABLESAMPLE is not supported"),
    (f"SELECT * {ORDERS} FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()", "notImplemented", r"FOR SYSTEM_TIME AS OF"),
    ("SELECT CAST(CURRENT_DATE() AS STRING FORMAT 'YYYY')", "notImplemented", r"CAST with FORMAT"),
    ("SELECT ROUND(2.5, 0, 'ROUND_HALF_EVEN')", "notImplemented", r"ROUND with a rounding mode"),
    ("SELECT TO_JSON_STRING(1, TRUE)", "notImplemented", r"TO_JSON_STRING with pretty_print"),
    ("SELECT INSTR('banana', 'an', 1, 2)", "notImplemented", r"INSTR with a position or an occurrence"),
    ("SELECT INITCAP('a b', '()[]')", "notImplemented", r"INITCAP with delimiters of one's own"),
    ("CREATE FUNCTION shop.f(x INT64) AS (x)", "notImplemented", r"CREATE FUNCTION is not supported"),
    ("SELECT shop.f(1)", "notImplemented", r"Function shop\.F at \[1:13\] is not supported"),
]


@pytest.fixture(scope="module")
def shop(served: bigquery.Client) -> Iterator[bigquery.Client]:
    served.create_dataset("shop")
    served.query_and_wait("CREATE TABLE shop.orders AS SELECT 1 AS id, 'a' AS status, CURRENT_TIMESTAMP() AS at")
    yield served
    served.delete_dataset("shop", delete_contents=True)


@pytest.mark.parametrize(("sql", "reason", "message"), ERRORS, ids=[sql for sql, _, _ in ERRORS])
def test_error(shop: bigquery.Client, sql: str, reason: str, message: str) -> None:
    job = shop.query(sql, job_retry=None)
    with pytest.raises(GoogleAPICallError):
        job.result(retry=None, job_retry=None)
    (error,) = job.errors
    assert error["reason"] == reason
    assert re.search(message, error["message"])
    assert "duckdb" not in error["message"].lower()
    assert "HUGEINT" not in error["message"]


COMPARED = [
    "at >= '2025-01-01' AND at < TIMESTAMP '2999-01-01'",
    "DATE(at) >= '2025-01-01' AND DATE(at) <= CURRENT_DATE()",
    "DATE(at) < DATETIME '2999-01-01 00:00:00'",
    "at BETWEEN '2025-01-01' AND CURRENT_TIMESTAMP()",
    "id = 1.0 AND id < NUMERIC '2' AND status = 'a'",
    "id IN (SELECT status FROM (SELECT id AS status FROM shop.orders) WHERE status = 1)",
    "1 = (SELECT COUNT(*) FROM UNNEST([STRUCT('1' AS id)]) WHERE id = '1')",
]


@pytest.mark.parametrize("condition", COMPARED)
def test_what_may_be_compared(shop: bigquery.Client, condition: str) -> None:
    assert [row[0] for row in shop.query_and_wait(f"SELECT id {ORDERS} WHERE {condition}")] == [1]


def test_types_are_googles() -> None:
    duckdbs = "+(VARCHAR, DECIMAL(12,2), TIMESTAMP WITH TIME ZONE, TIMESTAMP, BIGINT[], DOUBLE, BOOLEAN)"
    assert googlesql_types(duckdbs) == "+(STRING, NUMERIC, TIMESTAMP, DATETIME, ARRAY<INT64>, FLOAT64, BOOL)"
    assert googlesql_types("column my_integer of MY_DOUBLE") == "column my_integer of MY_DOUBLE"


def test_what_duckdb_cannot_parse_is_not_supported() -> None:
    error = explained(duckdb.ParserException('Parser Error: syntax error at or near "x"'), "SELECT x")
    assert error.reason == "notImplemented"

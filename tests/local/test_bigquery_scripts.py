"""Scripts: several statements in one job, with variables and temporary tables, through the official client."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.local.bigquery.scripts import is_script, texts_of

DAY = dt.date(2025, 1, 2)

# Script, and the rows of its last SELECT.
SCRIPTS = [
    ("SELECT 1; SELECT 2 AS x; SELECT 3 AS x, 'a' AS y;", [(3, "a")]),
    ("SELECT 1 -- one; two\n; /* ; */ SELECT ';' AS x # ;", [(";",)]),
    ("DECLARE x INT64 DEFAULT 5; SET x = x + 1; SELECT x AS x, x / 4", [(6, 1.5)]),
    ("DECLARE x, y INT64; SET (x, y) = (1, 2); SET (x, y) = (SELECT AS STRUCT y, x); SELECT x, y", [(2, 1)]),
    ("DECLARE d DATE DEFAULT DATE '2025-01-01'; SELECT DATE_ADD(d, INTERVAL 1 DAY)", [(DAY,)]),
    ("DECLARE d DEFAULT DATE '2025-01-02'; SELECT d", [(DAY,)]),
    ("DECLARE d DATE DEFAULT '2025-01-02'; SELECT FORMAT_DATE('%A', d)", [("Thursday",)]),
    ("DECLARE n NUMERIC DEFAULT 2.5; SELECT n * 2, n / 3", [(Decimal(5), Decimal("0.833333333"))]),
    ("DECLARE t TIMESTAMP DEFAULT '2025-01-01'; SELECT TIMESTAMP_DIFF('2025-01-02', t, HOUR)", [(24,)]),
    ("DECLARE l ARRAY<STRING> DEFAULT ['a', 'b']; SELECT x FROM UNNEST(l) x ORDER BY x DESC", [("b",), ("a",)]),
    ("DECLARE l ARRAY<INT64>; SET l = [4, 5]; SELECT 5 IN UNNEST(l), ARRAY_LENGTH(l)", [(True, 2)]),
    ("DECLARE s STRUCT<a INT64, b STRING> DEFAULT (1, 'x'); SELECT s.a, s.b", [(1, "x")]),
    ("DECLARE m INT64 DEFAULT (SELECT MAX(k) FROM shop.t); SELECT v FROM shop.t WHERE k = m", [("two",)]),
    ("DECLARE x STRING; SELECT x IS NULL", [(True,)]),
    # A column comes before a variable of its name, unless only the variable can be meant.
    ("DECLARE k INT64 DEFAULT 2; SELECT COUNT(*) FROM shop.t WHERE k = 1", [(1,)]),
    ("DECLARE v STRING DEFAULT 'here'; SELECT v AS v FROM UNNEST([1])", [("here",)]),
    # Temporary tables.
    (
        "CREATE TEMP TABLE big AS SELECT * FROM shop.t; INSERT INTO big VALUES (3, 'three'); "
        "UPDATE big SET v = UPPER(v) WHERE k = 3; DELETE FROM big WHERE k = 1; "
        "MERGE big USING (SELECT 2 AS k) s ON big.k = s.k WHEN MATCHED THEN UPDATE SET v = 'merged'; "
        "SELECT k, v FROM big ORDER BY k",
        [(2, "merged"), (3, "THREE")],
    ),
    (
        "CREATE TEMP TABLE typed (k INT64, at TIMESTAMP, price NUMERIC); INSERT typed VALUES (1, '2025-01-01', 1.5); "
        "CREATE OR REPLACE TEMP TABLE typed AS SELECT k, price FROM typed; SELECT * FROM _SESSION.typed",
        [(1, Decimal("1.5"))],
    ),
    ("CREATE TEMP TABLE t AS SELECT 9 AS k; SELECT t.k, u.v FROM t JOIN shop.t AS u ON u.k = 1", [(9, "one")]),
    # Functions of one's own.
    (
        "CREATE TEMP FUNCTION margin(price FLOAT64, cost FLOAT64) RETURNS FLOAT64 AS ((price - cost) / price); "
        "CREATE TEMP FUNCTION share(x ANY TYPE) AS (CONCAT(CAST(ROUND(100 * margin(x, 3)) AS STRING), '%')); "
        "SELECT margin(4, 1), Share(x), margin(margin(2, 1), x - 3.5) FROM UNNEST([4]) x",
        [(0.75, "25%", 0.0)],
    ),
    (
        "CREATE TEMP FUNCTION next(x INT64) AS (x + 1); CREATE TEMP FUNCTION after(x INT64) AS (next(x)); "
        "SELECT after(1) * 2",
        [(4,)],
    ),
    # EXECUTE IMMEDIATE.
    ("EXECUTE IMMEDIATE 'SELECT 7 AS n'", [(7,)]),
    ("EXECUTE IMMEDIATE 'SELECT 7; SELECT 8'; SELECT 9", [(9,)]),
    ("SELECT 9; -- a comment before\nEXECUTE IMMEDIATE 'SELECT 7; SELECT 8'", [(8,)]),
    ("EXECUTE IMMEDIATE FORMAT('SELECT %d + 1', (SELECT MAX(k) FROM shop.t))", [(3,)]),
    ("DECLARE name STRING DEFAULT 't'; EXECUTE IMMEDIATE CONCAT('SELECT COUNT(*) FROM shop.', name)", [(2,)]),
]

ERRORS = [
    ("SELECT 1;\nSELECT nope", r"Unrecognized name: nope at \[2:8\]"),
    ("SELECT 1; DECLARE x INT64", "Variable declarations are allowed only at the start"),
    ("DECLARE x INT64; DECLARE x STRING", "Variable 'x' redeclaration is not allowed"),
    ("SET x = 1", "Undeclared variable: x"),
    ("DECLARE x INT64 DEFAULT 'a'", "Bad int64 value: a"),
    ("DECLARE x, y INT64; SET (x, y) = 5", "Cannot assign to 2 variables"),
    ("SET @@time_zone = 'UTC'", "not supported by the local BigQuery"),
    ("IF TRUE THEN SELECT 1; END IF", r"Statement IF of a script at \[1:1\] is not supported"),
    ("SELECT 1;\n  WHILE TRUE DO SELECT 1; END WHILE", r"Statement WHILE of a script at \[2:3\] is not supported"),
    ("LOOP SELECT 1; END LOOP", "Statement LOOP of a script"),
    ("BEGIN SELECT 1; EXCEPTION WHEN ERROR THEN SELECT 2; END", "Statement BEGIN of a script"),
    ("CALL shop.p()", "Statement CALL of a script"),
    ("CREATE TEMP TABLE x AS SELECT 1 AS a", "requires a script or session"),
    ("CREATE TEMP TABLE shop.x AS SELECT 1 AS a; SELECT 1", "Temporary table names may not be qualified"),
    ("CREATE TEMP TABLE x AS SELECT 1 AS a; CREATE TEMP TABLE x AS SELECT 2 AS a", "Already Exists: Table"),
    ("CREATE TEMP TABLE x AS SELECT 1 AS a; DROP TABLE x; SELECT * FROM x", "must be qualified with a dataset"),
    ("CREATE TEMP VIEW x AS SELECT 1 AS a; SELECT 1", "CREATE TEMP VIEW is not supported"),
    ("CREATE TEMP FUNCTION f(x INT64) AS (x); SELECT f(1, 2)", "Function f expects 1 arguments, got 2"),
    ("CREATE TEMP FUNCTION f() RETURNS INT64 LANGUAGE js AS 'return 1'; SELECT f()", "another language than SQL"),
    ("EXECUTE IMMEDIATE 5", "EXECUTE IMMEDIATE expects a string, got 5"),
    ("EXECUTE IMMEDIATE ERROR('this went wrong')", "400 this went wrong"),
    ("EXECUTE IMMEDIATE 'SELECT ?' USING 1", "not supported"),
]


@pytest.fixture(scope="module")
def shop(served: bigquery.Client) -> Iterator[bigquery.Client]:
    served.create_dataset("shop")
    served.query_and_wait("CREATE TABLE shop.t AS SELECT 1 AS k, 'one' AS v UNION ALL SELECT 2, 'two'")
    yield served
    served.delete_dataset("shop", delete_contents=True)


def rows(client: bigquery.Client, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in client.query(sql).result()]


@pytest.mark.parametrize(("script", "answer"), SCRIPTS, ids=[script for script, _ in SCRIPTS])
def test_script(shop: bigquery.Client, script: str, answer: list[tuple[object, ...]]) -> None:
    assert rows(shop, script) == answer
    assert [tuple(row.values()) for row in shop.query_and_wait(script)] == answer


@pytest.mark.parametrize(("script", "message"), ERRORS, ids=[script for script, _ in ERRORS])
def test_error(shop: bigquery.Client, script: str, message: str) -> None:
    with pytest.raises(GoogleAPICallError, match=message):
        rows(shop, script)


def test_a_job_for_every_statement(shop: bigquery.Client) -> None:
    job = shop.query(
        "DECLARE x INT64 DEFAULT 1; CREATE OR REPLACE TABLE shop.made AS SELECT x AS a; "
        "UPDATE shop.made SET a = 2 WHERE TRUE; SELECT a FROM shop.made; DROP TABLE shop.made"
    )
    assert [tuple(row.values()) for row in job.result()] == [(2,)]
    assert (job.statement_type, job.num_child_jobs) == ("SCRIPT", 4)
    children = list(shop.list_jobs(parent_job=job.job_id))
    kinds = [child.statement_type for child in reversed(children)]
    assert kinds == ["CREATE_TABLE_AS_SELECT", "UPDATE", "SELECT", "DROP_TABLE"]
    assert {child.parent_job_id for child in children} == {job.job_id}
    assert {child.script_statistics.evaluation_kind for child in children} == {"STATEMENT"}
    assert [tuple(row.values()) for row in children[1].result()] == [(2,)]
    top = [listed.job_id for listed in shop.list_jobs()]
    assert job.job_id in top
    assert not {child.job_id for child in children} & set(top)


def test_what_was_done_before_an_error_stays(shop: bigquery.Client) -> None:
    script = "CREATE TABLE shop.kept AS SELECT 1 AS a; SELECT a / 0 FROM shop.kept; DROP TABLE shop.kept"
    job = shop.query(script, job_retry=None)
    with pytest.raises(GoogleAPICallError, match="division by zero"):
        job.result(job_retry=None)
    assert rows(shop, "SELECT a FROM shop.kept") == [(1,)]
    states = [(child.state, child.error_result is None) for child in shop.list_jobs(parent_job=job.job_id)]
    assert states == [("DONE", False), ("DONE", True)]
    shop.delete_table("shop.kept")


def test_a_script_is_cancelled(shop: bigquery.Client) -> None:
    numbers = "UNNEST(GENERATE_ARRAY(1, 300000))"
    script = (
        f"SELECT 1; SELECT SUM(MOD(a * b, 7)) FROM {numbers} a, {numbers} b; CREATE TABLE shop.never AS SELECT 1 AS a"
    )
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(lambda: shop.query(script, job_id="endless", job_retry=None))
        while len(list(shop.list_jobs(parent_job="endless"))) < 1:  # the first statement is done
            time.sleep(0.02)
        shop.cancel_job("endless")
        with pytest.raises(GoogleAPICallError, match="cancelled"):
            started.result().result()
    errors = [child.error_result and child.error_result["reason"] for child in shop.list_jobs(parent_job="endless")]
    assert errors == ["stopped", None]
    assert [table.table_id for table in shop.list_tables("shop")] == ["t"]


def test_temporary_tables_end_with_the_script(shop: bigquery.Client) -> None:
    rows(shop, "CREATE TEMP TABLE gone AS SELECT 1 AS a; SELECT * FROM gone")
    with pytest.raises(NotFound):
        rows(shop, "SELECT * FROM temp.gone")
    assert [table.table_id for table in shop.list_tables("shop")] == ["t"]


def test_parameters_and_default_dataset(shop: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter("least", "INT64", 2)],
        default_dataset=bigquery.DatasetReference("local", "shop"),
    )
    script = "DECLARE n INT64 DEFAULT (SELECT COUNT(*) FROM t WHERE k >= @least); SELECT n, v FROM t WHERE k = @least"
    assert [tuple(row.values()) for row in shop.query(script, job_config=config).result()] == [(1, "two")]


def test_scripts_have_no_destination_and_dry_runs_do_nothing(shop: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(destination="local.shop.result")
    with pytest.raises(GoogleAPICallError, match="destinationTable cannot be set for scripts"):
        shop.query("SELECT 1; SELECT 2", job_config=config).result()
    dry = shop.query("DELETE FROM shop.t WHERE TRUE; SELECT 1", job_config=bigquery.QueryJobConfig(dry_run=True))
    assert (dry.statement_type, dry.total_bytes_processed) == ("SCRIPT", 0)
    assert rows(shop, "SELECT COUNT(*) FROM shop.t") == [(2,)]
    with pytest.raises(GoogleAPICallError, match="Syntax error"):
        shop.query("SELECT 1; SELECT 2 +", job_config=bigquery.QueryJobConfig(dry_run=True))


@given(
    st.lists(st.sampled_from(["SELECT 1", "SELECT ';'", "\n-- ; not here\nSELECT 2", 'SELECT """;\n;"""', "SET x = 1"]))
)
def test_statements_are_found_where_they_stand(statements: list[str]) -> None:
    """What is cut out of a script stands at its own place: only blanks are before it."""
    script = ";".join(statements)
    texts = texts_of(script)
    assert len(texts) == len(statements)
    assert is_script(texts) == (len(statements) > 1 or statements == ["SET x = 1"])
    start = 0
    for text, statement in zip(texts, statements, strict=True):
        assert text.sql[start:] == statement
        assert text.sql[:start].strip() == ""
        assert text.sql[:start].count("\n") == script[:start].count("\n")
        start += len(statement) + 1

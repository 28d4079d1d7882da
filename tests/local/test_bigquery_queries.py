"""Query jobs and what they give, through the official client."""

from __future__ import annotations

import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound
from google.cloud import bigquery

from beam_pipelines.local.bigquery import serve

from .conftest import Load, client_of

DAY = dt.date(2025, 11, 28)
ALL_TYPES = """
SELECT
  1 AS i, 1.5 AS f, NUMERIC '12.50' AS n, true AS b, TIMESTAMP '2025-01-02 03:04:05.000006' AS ts,
  DATE '2025-01-02' AS d, DATETIME '2025-01-02 03:04:05' AS dtm, TIME '03:04:05' AS t, 'text' AS s, b'bytes' AS y,
  STRUCT(1 AS a, STRUCT('x' AS c) AS b) AS r, [1, 2] AS l, [STRUCT(NUMERIC '1.5' AS p)] AS rl,
  CAST(NULL AS STRING) AS nothing, ARRAY<INT64>[] AS none
"""


def rows(client: bigquery.Client, sql: str, **options: object) -> list[tuple[object, ...]]:
    config = bigquery.QueryJobConfig(**options)
    return [tuple(row.values()) for row in client.query_and_wait(sql, job_config=config)]


def test_every_type(client: bigquery.Client) -> None:
    result = client.query(ALL_TYPES).result()
    (row,) = result
    assert row.values() == (
        *(1, 1.5, Decimal("12.5"), True, dt.datetime(2025, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC)),
        *(dt.date(2025, 1, 2), dt.datetime(2025, 1, 2, 3, 4, 5), dt.time(3, 4, 5), "text", b"bytes"),  # noqa: DTZ001
        *({"a": 1, "b": {"c": "x"}}, [1, 2], [{"p": Decimal("1.5")}], None, []),
    )
    types = [(field.name, field.field_type, field.mode) for field in result.schema]
    assert types[:5] == [
        (name, kind, "NULLABLE") for name, kind in zip("ifnb", ("INTEGER", "FLOAT", "NUMERIC", "BOOLEAN"), strict=True)
    ] + [("ts", "TIMESTAMP", "NULLABLE")]
    assert types[10:13] == [("r", "RECORD", "NULLABLE"), ("l", "INTEGER", "REPEATED"), ("rl", "RECORD", "REPEATED")]


def test_unnamed_columns(client: bigquery.Client) -> None:
    query = (
        "SELECT 1, 2 AS b, 3, UPPER('x'), [STRUCT(4 AS c)][OFFSET(0)].c, (SELECT AS STRUCT 5 AS d).d, [6][OFFSET(0)]"
    )
    names = [field.name for field in client.query_and_wait(query).schema]
    assert names == ["f0_", "b", "f1_", "f2_", "c", "d", "f3_"]


def test_arrow_and_destination(client: bigquery.Client, load: Load) -> None:
    load(DAY, 10)
    job = client.query("SELECT order_id, items FROM retail.orders ORDER BY order_id")
    table = job.to_arrow(create_bqstorage_client=False)
    assert table.column("order_id").to_pylist() == list(range(10))
    assert table.column("items").to_pylist()[2] == [{"sku": "s2", "price": Decimal("1.25")}] * 2
    assert job.destination is not None
    assert (
        len(list(client.list_rows(job.destination, selected_fields=[bigquery.SchemaField("order_id", "INTEGER")])))
        == 10
    )


def test_three_pages(client: bigquery.Client, load: Load) -> None:
    load(DAY, 25)
    pages = list(client.query("SELECT order_id FROM retail.orders ORDER BY 1").result(page_size=10).pages)
    assert [page.num_items for page in pages] == [10, 10, 5]
    listed = client.list_rows(
        "retail.orders", page_size=10, selected_fields=[bigquery.SchemaField("order_id", "INTEGER")]
    )
    assert sorted(row[0] for row in listed) == list(range(25))
    assert [row[0] for row in client.list_rows("retail.orders", start_index=23)] == [23, 24]
    partition = client.list_rows(bigquery.TableReference.from_string("local.retail.orders$20251128"), max_results=3)
    assert len(list(partition)) == 3


def test_dry_run(client: bigquery.Client, load: Load) -> None:
    load(DAY, 10)
    config = bigquery.QueryJobConfig(dry_run=True)
    job = client.query("SELECT order_id, total FROM retail.orders", job_config=config)
    assert job.total_bytes_processed > 0
    assert [field.name for field in job.schema] == ["order_id", "total"]
    assert job.statement_type == "SELECT"
    client.query("DELETE FROM retail.orders WHERE true", job_config=config)
    assert rows(client, "SELECT COUNT(*) FROM retail.orders") == [(10,)]
    with pytest.raises(BadRequest, match=r"Unrecognized name: nope"):
        client.query("SELECT nope FROM retail.orders", job_config=config)


def test_parameters(client: bigquery.Client) -> None:
    named = [
        bigquery.ScalarQueryParameter("day", "DATE", dt.date(2025, 1, 2)),
        bigquery.ScalarQueryParameter("at", "TIMESTAMP", dt.datetime(2025, 1, 2, tzinfo=dt.UTC)),
        bigquery.ScalarQueryParameter("amount", "NUMERIC", Decimal("1.5")),
        bigquery.ArrayQueryParameter("keys", "INT64", [1, 2]),
        bigquery.ScalarQueryParameter("text", "STRING", "it's"),
        bigquery.StructQueryParameter("s", bigquery.ScalarQueryParameter("a", "INT64", 7)),
        bigquery.ScalarQueryParameter("nothing", "STRING", None),
    ]
    sql = "SELECT @day, @at, @amount / 2, 2 IN UNNEST(@keys), @text, @s.a, @nothing"
    answer = (dt.date(2025, 1, 2), dt.datetime(2025, 1, 2, tzinfo=dt.UTC), Decimal("0.75"), True, "it's", 7, None)
    assert rows(client, sql, query_parameters=named) == [answer]
    positional = [bigquery.ScalarQueryParameter(None, "INT64", i) for i in range(3)]
    assert rows(client, "SELECT ? + 10, '?', ?, ?", query_parameters=positional) == [(10, "?", 1, 2)]


def test_names(client: bigquery.Client, load: Load) -> None:
    load(DAY, 4)
    client.create_dataset("thelook_ecommerce")
    client.query_and_wait("CREATE VIEW thelook_ecommerce.orders AS SELECT order_id FROM `local.retail.orders`")
    for name in (
        "`bigquery-public-data.thelook_ecommerce.orders`",
        "`local`.thelook_ecommerce.orders",
        "thelook_ecommerce.orders",
    ):
        assert rows(client, f"SELECT COUNT(orders.order_id) FROM {name}") == [(4,)]
    dataset = bigquery.DatasetReference("local", "retail")
    assert rows(client, "SELECT COUNT(*) FROM orders", default_dataset=dataset) == [(4,)]
    with pytest.raises(NotFound, match=r"Not found: Table local:retail.nope"):
        client.query("SELECT * FROM retail.nope").result()


def test_views(client: bigquery.Client, load: Load) -> None:
    load(DAY, 4)
    view = bigquery.Table("local.retail.totals")
    view.view_query = (
        "SELECT DATE(created_at) AS day, SUM(total) AS total, COUNT(*) AS orders FROM retail.orders GROUP BY 1"
    )
    created = client.create_table(view)
    assert (created.table_type, created.view_query) == ("VIEW", view.view_query)
    assert [(f.name, f.field_type) for f in created.schema] == [
        ("day", "DATE"),
        ("total", "NUMERIC"),
        ("orders", "INTEGER"),
    ]
    assert rows(client, "SELECT * FROM retail.totals") == [(DAY, Decimal("1.5"), 4)]
    created.view_query = "SELECT 1 AS one"
    client.update_table(created, ["view_query"])
    assert rows(client, "SELECT one FROM retail.totals") == [(1,)]
    client.delete_table("retail.totals")
    with pytest.raises(NotFound):
        client.get_table("retail.totals")


def test_views_of_an_older_version_are_translated_again(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(warehouse) as server, client_of(server.endpoint, monkeypatch) as client:
        client.create_dataset("retail")
        client.query_and_wait(
            "CREATE VIEW retail.z AS SELECT DATE_DIFF(DATE '2025-01-08', DATE '2025-01-01', WEEK) AS n"
        )
        client.query_and_wait("CREATE VIEW retail.a AS SELECT n + 1 AS n FROM retail.z")
    with duckdb.connect(str(warehouse)) as database:
        database.execute("UPDATE _bigquery.macros SET version = 'old'")
        database.execute("CREATE MACRO _googlesql.of_old(x) AS x")
        database.execute("CREATE OR REPLACE VIEW retail.z AS SELECT _googlesql.of_old(1) AS n")
        database.execute("DROP MACRO _googlesql.of_old")
    with serve(warehouse) as server, client_of(server.endpoint, monkeypatch) as client:
        assert rows(client, "SELECT a.n, z.n AS m FROM retail.a, retail.z") == [(2, 1)]


def test_definitions_and_changes(client: bigquery.Client) -> None:
    client.query_and_wait(
        "CREATE TABLE retail.t (k INT64 NOT NULL, day DATE, v NUMERIC(12, 2)) PARTITION BY day CLUSTER BY k"
    )
    table = client.get_table("retail.t")
    assert (table.time_partitioning.field, table.clustering_fields) == ("day", ["k"])
    inserted = client.query("INSERT INTO retail.t (k, day, v) VALUES (1, '2025-01-01', 1.5), (2, '2025-01-02', 2)")
    inserted.result()
    assert inserted.num_dml_affected_rows == 2
    updated = client.query("UPDATE retail.t SET v = v * 2 WHERE k = 1")
    updated.result()
    assert updated.num_dml_affected_rows == 1
    merge = """
        MERGE retail.t AS t USING (SELECT 2 AS k, NUMERIC '9' AS v UNION ALL SELECT 3, 7) AS s ON t.k = s.k
        WHEN MATCHED THEN UPDATE SET v = s.v
        WHEN NOT MATCHED THEN INSERT (k, day, v) VALUES (s.k, DATE '2025-01-03', s.v)
    """
    merged = client.query(merge)
    merged.result()
    assert merged.num_dml_affected_rows == 2
    assert rows(client, "SELECT k, v FROM retail.t ORDER BY k") == [(1, Decimal(3)), (2, Decimal(9)), (3, Decimal(7))]
    deleted = client.query("DELETE FROM retail.t WHERE k = 3")
    deleted.result()
    assert deleted.num_dml_affected_rows == 1
    partitions = (
        "SELECT partition_id, total_rows FROM retail.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = 't' ORDER BY 1"
    )
    assert rows(client, partitions) == [("20250101", 1), ("20250102", 1)]
    client.query_and_wait("CREATE TABLE retail.copy AS SELECT k, SUM(v) AS v, COUNT(*) AS n FROM retail.t GROUP BY k")
    assert [f.field_type for f in client.get_table("retail.copy").schema] == ["INTEGER", "NUMERIC", "INTEGER"]
    with pytest.raises(Conflict):
        client.query_and_wait("CREATE TABLE retail.copy AS SELECT 1 AS x")
    client.query_and_wait("CREATE OR REPLACE TABLE retail.copy AS SELECT 1 AS x")
    assert rows(client, "SELECT * FROM retail.copy") == [(1,)]
    client.query_and_wait("DROP TABLE IF EXISTS retail.copy")
    client.query_and_wait("TRUNCATE TABLE retail.t")
    assert client.get_table("retail.t").num_rows == 0


def test_destination_tables(client: bigquery.Client, load: Load) -> None:
    load(DAY, 4)
    target = bigquery.TableReference.from_string("local.retail.result")
    sql = "SELECT order_id, total FROM retail.orders"
    for disposition, expected in (("WRITE_EMPTY", 4), ("WRITE_APPEND", 8), ("WRITE_TRUNCATE", 4)):
        config = bigquery.QueryJobConfig(destination=target, write_disposition=disposition)
        client.query(sql, job_config=config).result()
        assert client.get_table(target).num_rows == expected
    with pytest.raises(Conflict):
        client.query(
            sql, job_config=bigquery.QueryJobConfig(destination=target, write_disposition="WRITE_EMPTY")
        ).result()


def test_information_schema(client: bigquery.Client, load: Load) -> None:
    load(DAY, 4)
    tables = "SELECT table_name, table_type FROM `local`.retail.INFORMATION_SCHEMA.TABLES"
    assert rows(client, tables) == [("orders", "BASE TABLE")]
    columns = """
        SELECT column_name, data_type, is_nullable, is_partitioning_column, clustering_ordinal_position
        FROM retail.INFORMATION_SCHEMA.COLUMNS ORDER BY ordinal_position
    """
    assert rows(client, columns)[4][1] == "ARRAY<STRUCT<sku STRING, price NUMERIC(12, 2)>>"
    assert rows(client, columns)[:3] == [
        ("order_id", "INT64", "NO", "NO", 1),
        ("created_at", "TIMESTAMP", "NO", "YES", None),
        ("total", "NUMERIC(12, 2)", "NO", "NO", None),
    ]
    with pytest.raises(NotFound, match=r"Dataset local:nowhere"):
        rows(client, "SELECT * FROM nowhere.INFORMATION_SCHEMA.TABLES")


def test_cancel(client: bigquery.Client) -> None:
    numbers = "UNNEST(GENERATE_ARRAY(1, 300000))"
    endless = f"SELECT SUM(MOD(a * b, 7)) FROM {numbers} a, {numbers} b"
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(lambda: client.query(endless, job_id="endless", job_retry=None))
        while True:
            with suppress(NotFound):
                client.cancel_job("endless")
                break
            time.sleep(0.02)
        with pytest.raises(GoogleAPICallError, match="cancelled"):
            started.result().result()


def test_results_of_a_job_that_failed(client: bigquery.Client) -> None:
    job = client.query("SELECT nope")
    with pytest.raises(BadRequest, match=r"Unrecognized name: nope"):
        job.result()
    assert client.get_job(job.job_id).error_result["reason"] == "invalidQuery"
    assert job.job_id in [listed.job_id for listed in client.list_jobs()]

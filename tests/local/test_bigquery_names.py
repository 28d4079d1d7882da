"""How queries name tables: with and without quotes and projects, and the views of INFORMATION_SCHEMA."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery

NAMES = [
    "`bigquery-public-data.thelook_ecommerce.orders`",
    "`bigquery-public-data`.`thelook_ecommerce`.`orders`",
    "`bigquery-public-data`.thelook_ecommerce.orders",
    "`bigquery-public-data.thelook_ecommerce`.orders",
    "`bigquery-public-data.thelook_ecommerce`.`orders`",
    "bigquery-public-data.thelook_ecommerce.orders",
    "bigquery-public-data.thelook_ecommerce.`orders`",
    "bigquery-public-data.`thelook_ecommerce`.orders",
    "thelook_ecommerce.orders",
    "`thelook_ecommerce.orders`",
    "`local.thelook_ecommerce.orders`",
    "local.thelook_ecommerce.orders",
]
# Each {} is a table's name.
QUERIES = [
    "SELECT order_id FROM {} WHERE status = 'a'",
    "SELECT orders.order_id FROM {} WHERE orders.status = 'a'",
    "SELECT o.order_id FROM {} AS o WHERE o.status = 'a'",
    "SELECT o.order_id FROM {} o JOIN {} AS p USING (order_id) WHERE p.status = 'a'",
    "SELECT o.order_id FROM {} o, {} p WHERE p.order_id = o.order_id AND p.status = 'a'",
    "WITH a AS (SELECT * FROM {}) SELECT a.order_id FROM a WHERE status = 'a'",
    "WITH orders AS (SELECT order_id + 0 AS order_id FROM {} WHERE status = 'a') SELECT order_id FROM orders",
    "SELECT order_id FROM (SELECT * FROM {} WHERE status = 'a')",
    "SELECT MIN(order_id) FROM {} WHERE order_id IN (SELECT order_id FROM {} WHERE status = 'a')",
    "SELECT (SELECT MIN(i.order_id) FROM {} AS i WHERE i.status = o.status) FROM {} AS o WHERE o.status = 'a'",
    "SELECT order_id FROM {} AS o, UNNEST([1, 2]) AS n WHERE n = 1 AND o.status = 'a'",
    "SELECT order_id FROM {} WHERE status = 'a' UNION DISTINCT SELECT order_id FROM {} WHERE status = 'a'",
    "DECLARE s STRING DEFAULT 'a'; SELECT order_id FROM {} WHERE status = s",
]


@pytest.fixture(scope="module")
def thelook(served: bigquery.Client) -> Iterator[bigquery.Client]:
    served.create_dataset("thelook_ecommerce")
    served.query_and_wait(
        "CREATE TABLE thelook_ecommerce.kept AS SELECT 1 AS order_id, 'a' AS status UNION ALL SELECT 2, 'b'"
    )
    served.query_and_wait("CREATE VIEW thelook_ecommerce.orders AS SELECT * FROM thelook_ecommerce.kept")
    yield served
    served.delete_dataset("thelook_ecommerce", delete_contents=True)


def rows(client: bigquery.Client, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in client.query(sql).result()]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("query", QUERIES)
def test_the_same_table(thelook: bigquery.Client, query: str, name: str) -> None:
    assert rows(thelook, query.replace("{}", name)) == [(1,)]


def test_the_job_says_what_it_read(thelook: bigquery.Client) -> None:
    job = thelook.query("SELECT * FROM `bigquery-public-data.thelook_ecommerce.orders`")
    job.result()
    assert [str(table) for table in job.referenced_tables] == ["bigquery-public-data.thelook_ecommerce.orders"]


def test_other_projects_are_not_there(thelook: bigquery.Client) -> None:
    for name in (
        "`another.thelook_ecommerce.orders`",
        "an-other.thelook_ecommerce.orders",
        "`a`.thelook_ecommerce.orders",
    ):
        with pytest.raises(NotFound, match="Not found: Project a"):
            rows(thelook, f"SELECT * FROM {name}")


def test_the_public_project_can_be_read_by_the_client_and_not_written(thelook: bigquery.Client) -> None:
    tables = [table.table_id for table in thelook.list_tables("bigquery-public-data.thelook_ecommerce")]
    assert tables == ["kept", "orders"]
    fields = thelook.get_table("bigquery-public-data.thelook_ecommerce.orders").schema
    assert [field.name for field in fields] == ["order_id", "status"]
    assert [row[0] for row in thelook.list_rows("bigquery-public-data.thelook_ecommerce.kept")] == [1, 2]
    with pytest.raises(NotFound, match="Project bigquery-public-data"):
        thelook.delete_table("bigquery-public-data.thelook_ecommerce.kept")
    for statement in (
        "INSERT INTO {} VALUES (3, 'c')",
        "TRUNCATE TABLE {}",
        "DROP TABLE {}",
        "CREATE OR REPLACE TABLE {} AS SELECT 1 AS a",
    ):
        with pytest.raises(GoogleAPICallError, match="is read only"):
            rows(thelook, statement.format("`bigquery-public-data.thelook_ecommerce.kept`"))
    with pytest.raises(GoogleAPICallError, match="is read only"):
        rows(thelook, "CREATE SCHEMA `bigquery-public-data`.mine")
    assert rows(thelook, "SELECT COUNT(*) FROM thelook_ecommerce.kept") == [(2,)]


@pytest.mark.parametrize(
    "name",
    [
        "`bigquery-public-data.thelook_ecommerce.INFORMATION_SCHEMA.{}`",
        "`bigquery-public-data`.thelook_ecommerce.INFORMATION_SCHEMA.{}",
        "`bigquery-public-data.thelook_ecommerce`.INFORMATION_SCHEMA.{}",
        "bigquery-public-data.thelook_ecommerce.INFORMATION_SCHEMA.{}",
        "thelook_ecommerce.INFORMATION_SCHEMA.{}",
        "thelook_ecommerce.information_schema.{}",
    ],
)
def test_information_schema(thelook: bigquery.Client, name: str) -> None:
    tables = f"SELECT t.table_name, table_type FROM {name.format('TABLES')} AS t ORDER BY 1"
    assert rows(thelook, tables) == [("kept", "BASE TABLE"), ("orders", "VIEW")]
    view = name.format("COLUMNS")
    columns = f"SELECT column_name, data_type FROM {view} WHERE table_name = 'orders' ORDER BY ordinal_position"
    assert rows(thelook, columns) == [("order_id", "INT64"), ("status", "STRING")]
    assert rows(thelook, f"SELECT view_definition FROM {name.format('VIEWS')}") == [
        ("SELECT * FROM thelook_ecommerce.kept",)
    ]
    assert rows(thelook, f"SELECT table_name, total_rows FROM {name.format('PARTITIONS')}") == [("kept", 2)]
    both = f"SELECT COUNT(*) FROM {name.format('COLUMNS')} c JOIN {name.format('TABLES')} t USING (table_name)"
    assert rows(thelook, both) == [(4,)]


def test_projects_in_information_schema(thelook: bigquery.Client) -> None:
    query = "SELECT DISTINCT table_catalog, table_schema FROM {}thelook_ecommerce.INFORMATION_SCHEMA.COLUMNS"
    assert rows(thelook, query.format("")) == [("local", "thelook_ecommerce")]
    assert rows(thelook, query.format("bigquery-public-data.")) == [("bigquery-public-data", "thelook_ecommerce")]


def test_the_list_of_tables_of_old(thelook: bigquery.Client) -> None:
    query = (
        "SELECT table_id, row_count, type FROM `bigquery-public-data.thelook_ecommerce.__TABLES__` ORDER BY table_id"
    )
    assert rows(thelook, query) == [("kept", 2, 1), ("orders", None, 2)]


@pytest.mark.parametrize(
    "name",
    ["`region-us`.INFORMATION_SCHEMA.TABLES", "`region-us.INFORMATION_SCHEMA.JOBS`", "INFORMATION_SCHEMA.SCHEMATA"],
)
def test_regions_are_refused_by_name(thelook: bigquery.Client, name: str) -> None:
    with pytest.raises(GoogleAPICallError, match=r"INFORMATION_SCHEMA\.\w+ .*is not supported"):
        rows(thelook, f"SELECT * FROM {name}")

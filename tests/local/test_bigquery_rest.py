"""Datasets, tables and the shape of requests and errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from google.api_core.exceptions import BadRequest, Conflict, MethodNotImplemented, NotFound
from google.cloud import bigquery

from beam_pipelines.local.bigquery import serve

from .conftest import orders, orders_table, write_avro
from .test_bigquery_loads import DAY


def send(url: str, body: object = None, method: str | None = None) -> tuple[int, dict[str, object]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.fixture
def root(client: bigquery.Client) -> str:
    return f"{os.environ['BIGQUERY_EMULATOR_HOST']}/bigquery/v2/projects/local"


def test_datasets(client: bigquery.Client) -> None:
    client.create_dataset("ops")
    assert sorted(dataset.dataset_id for dataset in client.list_datasets()) == ["ops", "retail"]
    with pytest.raises(Conflict, match=r"Already Exists: Dataset local:ops"):
        client.create_dataset("ops")
    dataset = client.get_dataset("ops")
    dataset.description, dataset.labels = "Operations.", {"team": "data"}
    assert client.update_dataset(dataset, ["description", "labels"]).labels == {"team": "data"}
    with pytest.raises(BadRequest, match=r"still in use"):
        client.delete_dataset("retail")
    client.delete_dataset("retail", delete_contents=True)
    with pytest.raises(NotFound, match=r"Not found: Dataset local:retail"):
        client.get_dataset("retail")
    with pytest.raises(BadRequest, match=r"keeps that name for itself"):
        client.create_dataset("main")


def test_tables(client: bigquery.Client) -> None:
    table = client.get_table("retail.orders")
    assert table.schema[0] == bigquery.SchemaField("order_id", "INTEGER", "REQUIRED", description="The order.")
    assert table.schema[4].fields[1].precision == 12
    assert (table.num_rows, table.table_type, table.clustering_fields) == (0, "TABLE", ["order_id"])
    table.schema = [*table.schema, bigquery.SchemaField("channel", "STRING")]
    assert [field.name for field in client.update_table(table, ["schema"]).schema][-1] == "channel"
    table = client.get_table("retail.orders")
    table.schema = table.schema[1:]
    with pytest.raises(BadRequest, match=r"order_id is missing in new schema"):
        client.update_table(table, ["schema"])
    table.description = "Orders."
    table.require_partition_filter = True
    assert client.update_table(table, ["description", "require_partition_filter"]).require_partition_filter
    with pytest.raises(Conflict, match=r"Already Exists: Table local:retail.orders"):
        client.create_table(orders_table())
    for number in range(5):
        client.create_table(bigquery.Table(f"local.retail.t{number}", schema=[bigquery.SchemaField("x", "INTEGER")]))
    assert len(list(client.list_tables("retail", page_size=2))) == 6
    client.delete_table("retail.orders")
    with pytest.raises(NotFound, match=r"Not found: Table local:retail.orders"):
        client.get_table("retail.orders")


@pytest.mark.parametrize(
    ("path", "body", "code", "message"),
    [
        ("/datasets", {"datasetReference": {"datasetId": "x"}, "colour": 1}, 400, "colour: unknown field"),
        ("/datasets", {"datasetReference": {"datasetId": 7}}, 400, "datasetReference.datasetId: expected string"),
        ("/datasets", {}, 400, "datasetReference.datasetId"),
        ("/jobs", {"configuration": {"load": {"sourceFormat": "CSV"}}}, 501, "sourceFormat CSV"),
        ("/jobs", {"configuration": {"copy": {"sourceTable": {}}}}, 501, "configuration.copy"),
        ("/jobs", {"configuration": {"query": {"query": "SELECT 1"}}}, 501, "legacy SQL"),
        ("/jobs", {"configuration": {}}, 400, "Required parameter is missing"),
        ("/queries", {"query": "SELECT nope", "useLegacySql": False}, 400, "Unrecognized name: nope"),
        ("/datasets/retail/tables/orders/insertAll", {"rows": []}, 501, "streaming inserts"),
        (
            "/datasets/retail/tables",
            {"tableReference": {"tableId": "x"}, "rangePartitioning": {"field": "x"}},
            501,
            "rangePartitioning",
        ),
        (
            "/datasets/retail/tables",
            {"tableReference": {"tableId": "x"}, "schema": {"fields": [{"name": "g", "type": "BIGNUMERIC"}]}},
            400,
            "field g: unsupported BigQuery type BIGNUMERIC",
        ),
        (
            "/datasets/retail/tables",
            {
                "tableReference": {"tableId": "x"},
                "schema": {"fields": [{"name": "d", "type": "DATE"}]},
                "timePartitioning": {"type": "HOUR", "field": "d"},
            },
            501,
            "timePartitioning.type HOUR",
        ),
        (
            "/datasets/retail/tables",
            {
                "tableReference": {"tableId": "x"},
                "schema": {"fields": [{"name": "d", "type": "DATE"}]},
                "clustering": {"fields": ["e"]},
            },
            400,
            "Invalid field: e",
        ),
        ("/nothing", {}, 404, "has no method POST"),
    ],
)
def test_honest_errors(root: str, path: str, body: object, code: int, message: str) -> None:
    status, answer = send(root + path, body)
    error = answer["error"]
    assert isinstance(error, dict)
    assert (status, error["code"]) == (code, code)
    assert message in error["message"]
    assert set(error["errors"][0]) >= {"reason", "message", "domain"}


def test_a_table_of_another_project(client: bigquery.Client) -> None:
    with pytest.raises(NotFound, match=r"Not found: Project elsewhere"):
        client.get_table("elsewhere.retail.orders")


def test_streaming_inserts_are_not_there(client: bigquery.Client) -> None:
    with pytest.raises(MethodNotImplemented, match=r"not supported by the local BigQuery"):
        client.insert_rows_json("retail.orders", [{"order_id": 1}])


def test_discovery_and_both_prefixes(root: str) -> None:
    endpoint = root.partition("/bigquery/v2")[0]
    for path in ("/discovery/v1/apis/bigquery/v2/rest", "/$discovery/rest?version=v2"):
        status, document = send(endpoint + path)
        assert (status, document["rootUrl"]) == (200, f"{endpoint}/")
    assert send(f"{endpoint}/projects/local/datasets") == send(f"{root}/datasets")


def test_a_query_request_is_made_once(root: str, client: bigquery.Client) -> None:
    client.query_and_wait("CREATE TABLE retail.t (k INT64)")
    body = {"query": "INSERT INTO retail.t (k) VALUES (1)", "useLegacySql": False, "requestId": "r-1"}
    answers = [send(f"{root}/queries", body)[1] for _ in range(2)]
    assert answers[0]["jobReference"] == answers[1]["jobReference"]
    assert client.get_table("retail.t").num_rows == 1


def test_floats_of_seconds_unless_asked_otherwise(root: str) -> None:
    body = {"query": "SELECT TIMESTAMP '1970-01-01 00:00:01.5'", "useLegacySql": False}
    assert send(f"{root}/queries", body)[1]["rows"] == [{"f": [{"v": "1.5"}]}]
    body |= {"formatOptions": {"useInt64Timestamp": True}}
    assert send(f"{root}/queries", body)[1]["rows"] == [{"f": [{"v": "1500000"}]}]


@pytest.mark.skipif(shutil.which("bq") is None, reason="the bq command is not installed")
def test_bq(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("local")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "NO_GCE_CHECK": "True",
    }
    write_avro(tmp_path / "orders.avro", orders(DAY, 5))
    with serve(tmp_path / "warehouse.duckdb") as server:

        def bq(*arguments: str) -> str:
            command = ["bq", f"--api={server.endpoint}", f"--project_id={server.project}", "--quiet", *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        bq("mk", "--dataset", "retail")
        load = ["load", "--source_format=AVRO", "--use_avro_logical_types", "--replace"]
        bq(*load, "--time_partitioning_field=created_at", "retail.orders", str(tmp_path / "orders.avro"))
        assert "DAY (field: created_at)" in bq("ls", "retail")
        answer = bq("query", "--use_legacy_sql=false", "--format=json", "SELECT COUNT(*) AS n FROM retail.orders")
        assert json.loads(answer) == [{"n": "5"}]
        assert json.loads(bq("show", "--format=prettyjson", "retail.orders"))["numRows"] == "5"

"""A served warehouse, a client of it, and Avro files to load."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from beam_pipelines.avro import write_blocks
from beam_pipelines.local.bigquery import serve
from beam_pipelines.schema import Column, Type, avro_record

ITEM = (
    Column(name="sku", type=Type.STRING),
    Column(name="price", type=Type.NUMERIC, precision=12, scale=2),
)
ORDERS = (
    Column(name="order_id", type=Type.INT64, description="The order."),
    Column(name="created_at", type=Type.TIMESTAMP),
    Column(name="total", type=Type.NUMERIC, precision=12, scale=2),
    Column(name="note", type=Type.STRING, nullable=True),
    Column(name="items", type=Type.RECORD, repeated=True, fields=ITEM),
)


def orders(day: dt.date, rows: int, first: int = 0) -> pa.RecordBatch:
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    return pa.record_batch(
        {
            "order_id": list(range(first, first + rows)),
            "created_at": [midnight + dt.timedelta(minutes=i % 1440) for i in range(rows)],
            "total": [decimal.Decimal(i) / 4 for i in range(rows)],
            "note": [None if i % 2 else f"note {i}" for i in range(rows)],
            "items": [[{"sku": f"s{i}", "price": decimal.Decimal("1.25")}] * (i % 3) for i in range(rows)],
        },
        schema=pa.schema([column.arrow_field for column in ORDERS]),
    )


def write_avro(path: Path, batch: pa.RecordBatch, columns: tuple[Column, ...] = ORDERS) -> str:
    with path.open("wb") as file:
        write_blocks(file, avro_record("record", columns), [batch] if batch.num_rows else [])
    return f"file://{path}"


def client_of(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> bigquery.Client:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", endpoint)
    return bigquery.Client(project="local", credentials=AnonymousCredentials())


def orders_table(name: str = "local.retail.orders") -> bigquery.Table:
    fields = [bigquery.SchemaField.from_api_repr(column.bigquery_field) for column in ORDERS]
    table = bigquery.Table(name, schema=fields)
    table.time_partitioning = bigquery.TimePartitioning(field="created_at")
    table.clustering_fields = ["order_id"]
    return table


def load_config(disposition: str = "WRITE_TRUNCATE", **options: object) -> bigquery.LoadJobConfig:
    return bigquery.LoadJobConfig(
        source_format="AVRO", write_disposition=disposition, use_avro_logical_types=True, **options
    )


Load = Callable[..., bigquery.LoadJob]


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def client(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[bigquery.Client]:
    with serve(warehouse) as server, client_of(server.endpoint, monkeypatch) as client:
        client.create_dataset("retail")
        client.create_table(orders_table())
        yield client


@pytest.fixture
def load(client: bigquery.Client, tmp_path: Path) -> Load:
    """Loads a number of orders of a day, by default into their own partition in place of what is there."""

    def load(
        day: dt.date, rows: int, target: str | None = None, disposition: str = "WRITE_TRUNCATE", **options: object
    ) -> bigquery.LoadJob:
        uri = write_avro(tmp_path / f"{day}.avro", orders(day, rows))
        job_id = options.pop("job_id", None)
        job = client.load_table_from_uri(
            uri,
            target or f"local.retail.orders${day:%Y%m%d}",
            job_id=job_id,  # type: ignore[arg-type]
            job_config=load_config(disposition, **options),
        )
        return job.result()

    return load


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bigquery.Client]:
    """A client of a warehouse that all tests of a module share."""
    path = tmp_path_factory.mktemp("served") / "warehouse.duckdb"
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        serve(path) as server,
        client_of(server.endpoint, monkeypatch) as client,
    ):
        yield client

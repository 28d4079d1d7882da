import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.cloud import bigquery

from beam_pipelines import avro, storage
from beam_pipelines.schema import Table
from beam_pipelines.warehouse.partition_loads import PartitionContent
from tests.prepared import prepared, prepared_file
from tests.warehouse import shop

__all__ = ["prepared", "prepared_file"]

Stage = Callable[..., PartitionContent]


@pytest.fixture
def stage(tmp_path) -> Stage:
    """Stages rows as the content of a partition; to be called again if the file is lost."""

    def stage(table: Table, partition: str, rows: list[dict[str, Any]], name: str = "staged.avro") -> PartitionContent:
        batch = pa.RecordBatch.from_pylist(rows, schema=table.arrow_schema)
        path = str(tmp_path / "staging" / table.name / (partition or "all") / name)
        schema = table.avro_schema
        written = storage.write(path, lambda file: avro.write_blocks(file, schema, [batch]))
        return PartitionContent(table, partition, (f"file://{path}",), (written.fingerprint,), len(rows))

    return stage


@pytest.fixture
def lose() -> Callable[[PartitionContent], None]:
    """Deletes what was staged."""

    def lose(content: PartitionContent) -> None:
        for file in content.files:
            Path(file.removeprefix("file://")).unlink()

    return lose


@pytest.fixture(scope="session")
def shop_warehouse(tmp_path_factory, connected, prepared_file) -> Iterator[bigquery.Client]:
    """A warehouse with the rows of the module shop, not to be changed."""
    folder = tmp_path_factory.mktemp("shop")
    with connected(Path(shutil.copy(prepared_file, folder))) as client:
        shop.fill(client, folder)
        yield client

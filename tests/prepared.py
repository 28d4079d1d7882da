"""A warehouse with every table and view, for the packages whose tests fill one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import bigquery

from beam_pipelines.warehouse import provisioning


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory, connected) -> Path:
    """The file of a warehouse with every table and view, to be copied: making them takes a second."""
    path = tmp_path_factory.mktemp("prepared") / "warehouse.duckdb"
    with connected(path) as client:
        provisioning.prepare(client)
    return path


@pytest.fixture
def prepared(tmp_path, connected, prepared_file) -> Iterator[bigquery.Client]:
    """A warehouse with every table and view, all of them empty."""
    with connected(Path(shutil.copy(prepared_file, tmp_path))) as client:
        yield client

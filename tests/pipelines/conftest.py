import argparse
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud import bigquery

from beam_pipelines import tables
from beam_pipelines.local.bigquery import serve
from beam_pipelines.options import GenerateSettings
from tests.conftest import Load, as_warehouse
from tests.pipelines.load_lakes import ALL_DAYS, DEFECTS, SIZE

Settings = Callable[..., GenerateSettings]


@pytest.fixture(scope="session")
def generate_settings() -> Settings:
    """The settings of a small generate run, changed by name."""

    def settings(**changed: str) -> GenerateSettings:
        given = {
            "output": "lake",
            "start_date": "2019-01-30",
            "end_date": "2019-02-01",
            "scale": "0.01",
            "seed": "42",
            "tables": ",".join(table.name for table in tables.LAKE),
            "dimension_history": "complete",
            "format": "avro",
            "codec": "snappy",
            "defect_rate": "0",
            "defects": "none",
        }
        return GenerateSettings.of(argparse.Namespace(**given | changed))

    return settings


@pytest.fixture(scope="session")
def clean_lake(tmp_path_factory, generate) -> Path:
    """The shop's first four days, not to be changed."""
    root = tmp_path_factory.mktemp("clean_lake")
    generate(root, *ALL_DAYS, SIZE)
    return root


@pytest.fixture
def own_lake(clean_lake, tmp_path) -> Path:
    """A copy of the clean lake, to be changed."""
    return Path(shutil.copytree(clean_lake, tmp_path / "lake"))


@pytest.fixture(scope="session")
def dirty_lake(tmp_path_factory, generate) -> Path:
    """The same days with defects of every kind, not to be changed."""
    root = tmp_path_factory.mktemp("dirty_lake")
    generate(root, *ALL_DAYS, SIZE, *DEFECTS)
    return root


@pytest.fixture(scope="session")
def clean_loaded(tmp_path_factory, clean_lake, load) -> Iterator[bigquery.Client]:
    """A warehouse with the clean lake loaded, not to be changed; ``bigquery://local`` is another."""
    yield from _loaded(tmp_path_factory.mktemp("clean_loaded"), clean_lake, load)


@pytest.fixture(scope="session")
def dirty_loaded(tmp_path_factory, dirty_lake, load) -> Iterator[bigquery.Client]:
    """A warehouse with the dirty lake loaded, not to be changed; ``bigquery://local`` is another."""
    yield from _loaded(tmp_path_factory.mktemp("dirty_loaded"), dirty_lake, load)


def _loaded(folder: Path, lake: Path, load: Load) -> Iterator[bigquery.Client]:
    with serve(folder / "warehouse.duckdb") as server:
        with as_warehouse(server.endpoint) as client:
            load(lake, *ALL_DAYS)
        yield client

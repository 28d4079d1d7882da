"""Fixtures that several packages' tests share: Cloud Storage, running pipelines, a small lake, a warehouse."""

import atexit
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import apache_beam as beam
import pytest
from apache_beam.internal.gcp import auth
from apache_beam.options.pipeline_options import PipelineOptions
from google.cloud import bigquery

from beam_pipelines import tables
from beam_pipelines.local import cloud, cloud_storage
from beam_pipelines.local.bigquery import serve
from beam_pipelines.local.cloud import Cloud
from beam_pipelines.options import GenerateSettings, LoadSettings
from beam_pipelines.pipelines import generate as generating
from beam_pipelines.pipelines import load as loading
from beam_pipelines.pipelines.beam_options import given
from beam_pipelines.warehouse import client

if "PYTEST_XDIST_WORKER" in os.environ:
    # A worker has told everything when it ends. Without its interpreter's last steps, in which DuckDB's bindings list
    # whatever pytest still holds of them as leaks.
    atexit.register(os._exit, 0)

LONGEST = ("test_load_kills.py", "test_retail_daily.py")

RUNNER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
PERIOD = ("--start_date=2019-01-30", "--end_date=2019-02-01")
"""Three days in two months."""

WORLD = ("--scale=0.01", "--seed=42")
Generate = Callable[..., None]
Load = Callable[..., None]
Connected = Callable[[Path], AbstractContextManager[bigquery.Client]]
Contents = Callable[[bigquery.Client], dict[str, list[str]]]
LoadJobs = Callable[[bigquery.Client], list[str]]
TreeHashes = Callable[[str | Path], dict[str, str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes goes first, so that no worker has to wait for another at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def _cloud_storage(tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("cloud_storage")
    with pytest.MonkeyPatch.context() as patch, cloud_storage.running(folder, buckets=("lake",)) as endpoint:
        patch.setenv("STORAGE_EMULATOR_HOST", endpoint)
        # None is Beam's word for anonymous; looking for credentials that are not there takes it half a minute.
        patch.setattr(auth, "get_service_credentials", lambda options: None)
        yield "gs://lake"


@pytest.fixture
def gs_folder(_cloud_storage) -> str:
    """An empty folder in Cloud Storage."""
    return f"{_cloud_storage}/{uuid4().hex}"


@pytest.fixture(params=["local", "gs"])
def folder(request, tmp_path) -> str:
    """An empty folder on the local disk, and one in Cloud Storage."""
    return request.getfixturevalue("gs_folder") if request.param == "gs" else str(tmp_path)


@pytest.fixture(scope="session")
def generate() -> Generate:
    """Runs the generate pipeline into a lake: three days of a small world, or what further flags say."""

    def run(output: str | Path, *flags: str) -> None:
        options = PipelineOptions([RUNNER, f"--output={output}", *PERIOD, *WORLD, *flags])
        with beam.Pipeline(options=options) as pipeline:
            generating.build(pipeline, GenerateSettings.of(given(options)))

    return run


@pytest.fixture(scope="session")
def load(tmp_path_factory) -> Load:
    """Runs the load pipeline from a lake into the warehouse that BIGQUERY_EMULATOR_HOST names."""

    def run(lake: str | Path, *flags: str) -> None:
        staging = tmp_path_factory.mktemp("staging")
        options = PipelineOptions([RUNNER, f"--input={lake}", *PERIOD, "--warehouse=bigquery://local", *flags])
        with beam.Pipeline(options=options) as pipeline:
            loading.build(pipeline, LoadSettings.of(given(options)), str(staging))
        left = [path for path in staging.rglob("*") if path.is_file()]
        assert left == [], "staged files are deleted once they are loaded"

    return run


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory, generate) -> Path:
    """A lake of three days and their history, not to be changed."""
    lake = tmp_path_factory.mktemp("small_lake")
    generate(lake)
    return lake


@contextmanager
def as_warehouse(endpoint: str) -> Iterator[bigquery.Client]:
    """Makes a server the warehouse ``bigquery://local`` of this process; its client works on afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(client.EMULATOR, endpoint)
        client.connect.cache_clear()
        yield client.connect("bigquery://local")
    client.connect.cache_clear()


@pytest.fixture(scope="session")
def connected() -> Connected:
    """Serves a DuckDB file as the warehouse ``bigquery://local`` of this process."""

    @contextmanager
    def served(path: Path) -> Iterator[bigquery.Client]:
        with serve(path) as server, as_warehouse(server.endpoint) as own:
            yield own

    return served


@pytest.fixture
def warehouse(tmp_path, connected) -> Iterator[bigquery.Client]:
    """An empty warehouse of this test."""
    with connected(tmp_path / "warehouse.duckdb") as client:
        yield client


@pytest.fixture(scope="session")
def loaded(tmp_path_factory, small_lake, load) -> Iterator[bigquery.Client]:
    """A warehouse with the small lake loaded, not to be changed."""
    with serve(tmp_path_factory.mktemp("loaded") / "warehouse.duckdb") as server:
        with as_warehouse(server.endpoint) as own:
            load(small_lake)
        yield own


@pytest.fixture(scope="session")
def contents() -> Contents:
    """All rows of every table of a warehouse as sorted JSON; the many products as one digest.

    Without what differs between two loads of the same: when it was, at which attempt it succeeded, and whether it took
    a job to empty a partition.
    """

    def rows(warehouse: bigquery.Client) -> dict[str, list[str]]:
        found = {}
        for table in tables.WAREHOUSE:
            row, source = "TO_JSON_STRING(row)", f"{table.dataset}.{table.name}"
            if table is tables.PRODUCTS:
                row = f"CONCAT(COUNT(*), ' ', TO_HEX(MD5(STRING_AGG({row}, '' ORDER BY product_id, version))))"
            elif table in tables.PARTITION_LOADS:
                job = "IF(rows_loaded > 0, REGEXP_REPLACE(job_id, r'_[0-9]+$', ''), NULL) AS job"
                source = f"(SELECT * EXCEPT (job_id, loaded_at), {job} FROM {source})"
            query = f"SELECT {row} FROM {source} AS row"
            found[f"{table.dataset}.{table.name}"] = sorted(row[0] for row in warehouse.query_and_wait(query))
        return found

    return rows


@pytest.fixture(scope="session")
def load_jobs() -> LoadJobs:
    """The ids of the load jobs that a warehouse has run, sorted."""

    def ids(warehouse: bigquery.Client) -> list[str]:
        return sorted(job.job_id for job in warehouse.list_jobs() if job.job_id.startswith("retail_load_"))

    return ids


@pytest.fixture(scope="session")
def tree_hashes() -> TreeHashes:
    """The content of every file below a folder, by relative path."""

    def hashes(folder: str | Path) -> dict[str, str]:
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return {
            path.relative_to(folder).as_posix(): hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
            for path in files
        }

    return hashes


@pytest.fixture(scope="session")
def load_again(load) -> Callable[[bigquery.Client, Path], None]:
    """Runs the load pipeline into the warehouse of a client that is connected already."""

    def run(own: bigquery.Client, lake: Path) -> None:
        with as_warehouse(own._connection.API_BASE_URL):
            load(lake)

    return run


@pytest.fixture(scope="session")
def _cloud(tmp_path_factory) -> Iterator[Cloud]:
    with cloud.running(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def local_cloud(_cloud, monkeypatch) -> Iterator[Cloud]:
    """The local cloud, one for all tests of a process, with its variables set; objects, tables and jobs stay."""
    for name, value in _cloud.environment.items():
        monkeypatch.setenv(name, value)
    client.connect.cache_clear()
    yield _cloud
    client.connect.cache_clear()


@pytest.fixture
def cloud_warehouse(local_cloud) -> bigquery.Client:
    """A client of the local cloud's warehouse, which is empty to begin with."""
    own = client.connect("bigquery://local")
    for dataset in own.list_datasets():
        own.delete_dataset(dataset.reference, delete_contents=True)
    return own


@pytest.fixture
def bucket_folder(local_cloud) -> str:
    """An empty folder in the local cloud's Cloud Storage."""
    return f"gs://local/{uuid4().hex}"

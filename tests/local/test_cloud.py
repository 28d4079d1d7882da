"""The local cloud as a whole: what clients find through its variables, and how it starts, stops and refuses."""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import stat
import threading
from contextlib import ExitStack
from pathlib import Path

import google.auth
import pytest
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage

from beam_pipelines.local import cloud
from beam_pipelines.local.bigquery import WarehouseError, serve
from beam_pipelines.local.cloud_storage import FolderTaken
from beam_pipelines.local.http_server import PortError, listening
from beam_pipelines.template_specs import TEMPLATES, container_spec
from tests.local.conftest import load_config, orders, write_avro


def test_google_auth_asks_nobody(local_cloud, monkeypatch):
    reached: list[object] = []
    connect = socket.socket.connect

    def only_here(self, address):
        reached.append(address)
        return connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", lambda *host, **options: pytest.fail(f"looked up {host}"))
    monkeypatch.setattr(socket.socket, "connect", only_here)
    credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    threads = set(threading.enumerate())
    headers: dict[str, str] = {}
    credentials.before_request(AuthorizedSession(credentials)._auth_request, "GET", local_cloud.dataflow, headers)
    assert (project, headers["authorization"]) == ("local", "Bearer local")
    assert set(threading.enumerate()) <= threads, "no look-up in the background either"
    assert reached == []


def test_credentials_are_their_owners(local_cloud):
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"):
        assert stat.S_IMODE(Path(local_cloud.environment[name]).stat().st_mode) == 0o600


def test_templates_are_there_to_be_launched(local_cloud):
    client = storage.Client()
    for pipeline in TEMPLATES:
        spec = client.bucket("local").blob(f"templates/{pipeline}.json").download_as_bytes()
        assert json.loads(spec) == container_spec(pipeline, cloud.image(pipeline))
        assert (cloud.TEMPLATES / f"{pipeline}.py").is_file()


def test_bigquery_reads_what_cloud_storage_holds(local_cloud, monkeypatch, cloud_warehouse, bucket_folder, tmp_path):
    client = storage.Client()
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")  # of this process, which is BigQuery's too
    write_avro(tmp_path / "a.avro", orders(dt.date(2025, 11, 28), 3))
    name = f"{bucket_folder.removeprefix('gs://local/')}/a.avro"
    client.bucket("local").blob(name).upload_from_filename(tmp_path / "a.avro")
    cloud_warehouse.create_dataset("retail")
    job = cloud_warehouse.load_table_from_uri(f"gs://local/{name}", "retail.orders", job_config=load_config())
    assert job.result().output_rows == 3


def test_a_folder_has_one_cloud(local_cloud):
    folder = Path(local_cloud.environment["GOOGLE_APPLICATION_CREDENTIALS"]).parent
    with (
        pytest.raises(FolderTaken, match=f"^{re.escape(str(folder))} is being served by another process$"),
        cloud.running(folder.parent),
    ):
        pass
    assert google.auth.default()[1] == "local", "the first one's files are still there"


def free_ports(count: int) -> int:
    """The first of so many ports in a row that are free."""
    for _ in range(100):
        with ExitStack() as stack:
            try:
                first = stack.enter_context(listening(0)).port
                for port in range(first + 1, first + count):
                    stack.enter_context(listening(port))
            except PortError:
                continue
            return first
    raise AssertionError("no free ports in a row")


@pytest.mark.parametrize("service", ["bigquery", "dataflow_grpc"])
def test_a_port_that_is_taken(tmp_path, service):
    first = free_ports(len(cloud.PORTS))
    port = first + cloud.PORTS.index(service)
    with (
        listening(port),
        pytest.raises(PortError, match=rf"^port {port} of 127\.0\.0\.1 is taken$"),
        cloud.running(tmp_path, first),
    ):
        pass
    with serve(tmp_path / "warehouse.duckdb"), listening(first), listening(first + 1):
        assert not list((tmp_path / "storage").glob(".credentials*")), "what had started has stopped"


def test_a_warehouse_that_is_none(tmp_path):
    (tmp_path / "warehouse.duckdb").write_text("no database")
    with pytest.raises(WarehouseError), cloud.running(tmp_path):
        pass

"""``retail serve``: other programs use it, and stopping it leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from google.cloud import bigquery, storage
from googleapiclient import discovery

from tests.cli.conftest import Ended, retail_process, tables

JOB = {
    "jobName": "interrupted",
    "containerSpecGcsPath": "gs://local/templates/generate.json",
    "parameters": {"output": "gs://local/lake", "start_date": "2019-01-01", "end_date": "2023-12-31"},
}

DEAD_PROXY = "http://127.0.0.1:9"
"""A proxy for elsewhere, which must not be asked."""


@pytest.fixture
def started() -> Iterator[Callable[..., tuple[subprocess.Popen[str], dict[str, str], str]]]:
    """Starts a server: its process, the variables that it says to export, and its other lines."""
    with ExitStack() as stack:

        def start(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, str], str]:
            own = {"PYTHONFAULTHANDLER": "1", "http_proxy": DEAD_PROXY}
            process = stack.enter_context(retail_process("serve", "--port=0", *arguments, env=os.environ | own))
            stack.callback(process.kill)
            return process, *told(process)

        yield start


def told(process: subprocess.Popen[str]) -> tuple[dict[str, str], str]:
    assert process.stdout
    lines: list[str] = []
    while not lines or "flex-template run" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], process.communicate()[1]
    exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if line.startswith("export "))
    return exported, "".join(line for line in lines if line.startswith("#"))


def stop(process: subprocess.Popen[str], number: signal.Signals) -> None:
    process.send_signal(number)
    try:
        _, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        pytest.fail(f"still running, here: {process.communicate()[1]}")
    assert process.returncode == 0, err
    assert err == ""


def test_googles_clients_ask_until_it_is_stopped(started, warehouse, tmp_path, monkeypatch):
    own = shutil.copy(warehouse, tmp_path / "own.duckdb")
    process, exported, said = started(f"--warehouse={own}", f"--storage={tmp_path / 'objects'}")
    for name, value in (exported | {"http_proxy": DEAD_PROXY}).items():
        monkeypatch.setenv(name, value)
    (row,) = bigquery.Client().query_and_wait("SELECT COUNT(*) AS orders FROM retail.orders")
    storage.Client().bucket("local").blob("a/b").upload_from_string("kept")
    stop(process, signal.SIGTERM)
    assert row.orders == len(tables(own)["retail.orders"]) > 0
    assert (tmp_path / "objects" / "local" / "a" / "b").read_text() == "kept"
    assert f"bq --api={exported['BIGQUERY_EMULATOR_HOST']} ls" in said
    assert not Path(exported["GOOGLE_APPLICATION_CREDENTIALS"]).exists()


def test_ctrl_c_ends_running_jobs(started, tmp_path, monkeypatch):
    process, exported, _ = started(f"--warehouse={tmp_path / 'own.duckdb'}")
    for name, value in exported.items():
        monkeypatch.setenv(name, value)
    endpoint = exported["DATAFLOW_EMULATOR_HOST"]
    jobs = discovery.build("dataflow", "v1b3", client_options={"api_endpoint": endpoint}).projects().locations()
    place = {"projectId": "local", "location": "europe-west1"}
    body = {"launchParameter": JOB}
    launched = jobs.flexTemplates().launch(**place, body=body).execute()["job"]
    deadline = time.monotonic() + 60
    while jobs.jobs().get(**place, jobId=launched["id"]).execute()["currentState"] != "JOB_STATE_RUNNING":
        assert time.monotonic() < deadline, "the job runs"
        threading.Event().wait(0.1)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    stop(process, signal.SIGINT)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive, [child.cmdline() for child in alive]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--port=65533", "--port: expected a port from 0 (any) to 65532, the first of 4, got '65533'"),
        ("--storage=gs://bucket/folder", "--storage: expected a folder on this machine, got 'gs://bucket/folder'"),
        ("--runner=DirectRunner", "--runner=DirectRunner: no option of this command"),
    ],
)
def test_wrong_options_are_one_line(retail: Callable[..., Ended], tmp_path, option, message):
    ended = retail("serve", f"--warehouse={tmp_path / 'own.duckdb'}", option)
    assert ended == (2, "", f"retail serve: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_one_line(retail: Callable[..., Ended], tmp_path, local_cloud):
    port = local_cloud.bigquery.rpartition(":")[2]
    ended = retail("serve", f"--warehouse={tmp_path / 'own.duckdb'}", f"--port={port}")
    assert ended == (1, "", f"retail serve: port {port} of 127.0.0.1 is taken\n")

"""Starting and stopping the server: ports, folders, and what it must not import."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from beam_pipelines.local.dataflow import serve
from beam_pipelines.local.http_server import PortError
from tests.local.dataflow.conftest import JOBS, job_body

HEAVY = ("apache_beam", "google.cloud.dataflow_v1beta3", "google.cloud.storage", "duckdb", "pyarrow", "numpy")


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


@pytest.mark.parametrize("which", ["port", "grpc_port"])
def test_a_taken_port_is_one_clear_line_and_leaves_the_other_free(tmp_path, which):
    with socket.socket() as taken, socket.socket() as free:
        for each in (taken, free):
            each.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {"port": free.getsockname()[1], "grpc_port": free.getsockname()[1]} | {which: taken.getsockname()[1]}
        free.close()
        with pytest.raises(PortError, match=rf"^port {ports[which]} of 127\.0\.0\.1 is taken$"):
            serve(tmp_path, {}, {}, **ports).__enter__()
    with serve(tmp_path, {}, {}, **ports) as server:
        assert server.endpoint == f"http://127.0.0.1:{ports['port']}"
        assert server.grpc_endpoint == f"127.0.0.1:{ports['grpc_port']}"


def test_a_server_that_finds_its_port_taken_leaves_the_jobs_of_the_other(served):
    folder = served.create().folder
    with pytest.raises(PortError):
        serve(served.folder, {}, {}, port=port_of(served.server.endpoint)).__enter__()
    assert folder.exists()


def test_two_servers_do_not_share_a_grpc_port(tmp_path):
    with serve(tmp_path / "one", {}, {}) as one, pytest.raises(PortError):
        serve(tmp_path / "two", {}, {}, grpc_port=port_of(one.grpc_endpoint)).__enter__()


def test_a_server_forgets_the_jobs_of_the_one_before_and_stops_listening(tmp_path):
    left = tmp_path / "2025-11-28_09_30_00-0123456789012345678"
    left.mkdir()
    (left / "job.json").write_text("{}")
    with serve(tmp_path, {}, {}) as server:
        assert not left.exists()
    for endpoint in (server.endpoint, server.grpc_endpoint):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port_of(endpoint))).close()


def test_the_server_starts_without_what_takes_long_to_import(tmp_path):
    program = (
        "import sys; from beam_pipelines.local.dataflow import serve\n"
        f"with serve({str(tmp_path)!r}, {{}}, {{}}): print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_of_many_requests_at_once_one_makes_the_job(served):
    body, before = job_body(), len(served.executor.run_)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: served.ask("POST", JOBS, body), range(24)))
    assert {(code, answer["id"]) for code, answer in answers} == {(200, answers[0][1]["id"])}
    assert len(served.executor.run_) == before + 1

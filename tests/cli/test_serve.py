"""``retail serve``: another program asks, and stopping it leaves the file free."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.cli.conftest import retail_process, tables


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_googles_client_asks_until_it_is_stopped(warehouse, tmp_path, monkeypatch, signal_number):
    own = shutil.copy(warehouse, tmp_path / "own.duckdb")
    process = retail_process("serve", f"--warehouse={own}", "--port=0", env=os.environ | {"PYTHONFAULTHANDLER": "1"})
    assert process.stdout
    exported = next(line for line in process.stdout if line.startswith("export "))
    name, _, endpoint = exported.removeprefix("export ").strip().partition("=")
    assert endpoint.startswith("http://127.0.0.1:")
    monkeypatch.setenv(name, endpoint)
    client = bigquery.Client(project="local", credentials=AnonymousCredentials())
    (row,) = client.query_and_wait("SELECT COUNT(*) AS orders FROM retail.orders")
    process.send_signal(signal_number)
    try:
        _, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        pytest.fail(f"still running, here: {process.communicate()[1]}")
    assert process.returncode == 0, err
    assert err == ""
    assert row.orders == len(tables(own)["retail.orders"]) > 0

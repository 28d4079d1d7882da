"""What is on record of load jobs that fail, or whose server is killed, and what of their rows."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery

from beam_pipelines.local.bigquery import loads, serve

from .conftest import client_of, load_config, orders, orders_table, write_avro

DAY = dt.date(2025, 11, 28)
NEXT_DAY = dt.date(2025, 11, 29)


def rows(client: bigquery.Client, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in client.query_and_wait(sql)]


@pytest.mark.parametrize("short_bytes", [0, 1 << 30], ids=["announced", "short"])
def test_a_failed_job_is_on_record_once(
    client: bigquery.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_bytes: int
) -> None:
    monkeypatch.setattr(loads, "_SHORT_BYTES", short_bytes)
    good, bad = (write_avro(tmp_path / f"{name}.avro", orders(day, 3)) for name, day in (("a", DAY), ("b", NEXT_DAY)))
    target, config = "local.retail.orders$20251128", load_config()
    client.load_table_from_uri(good, target, job_id="good", job_config=config).result()
    with pytest.raises(BadRequest, match=r"different partitions"):
        client.load_table_from_uri([good, bad], target, job_id="bad", job_config=config).result()
    found = [(job.job_id, job.state, bool(job.error_result)) for job in client.list_jobs() if job.job_type == "load"]
    assert sorted(found) == [("bad", "DONE", True), ("good", "DONE", False)]
    with pytest.raises(Conflict, match=r"Already Exists: Job"):
        client.load_table_from_uri(good, target, job_id="bad", job_config=config)


_LOADER = """
import os, sys, time
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from beam_pipelines.local.bigquery import loads, serve

path, uri, loads._SHORT_BYTES = *sys.argv[1:3], int(sys.argv[3])
config = bigquery.LoadJobConfig(source_format="AVRO", write_disposition="WRITE_TRUNCATE", use_avro_logical_types=True)
with serve(path) as server:
    os.environ["BIGQUERY_EMULATOR_HOST"] = server.endpoint
    client = bigquery.Client(project="local", credentials=AnonymousCredentials())
    print("loading", flush=True)
    client.load_table_from_uri(uri, "local.retail.orders$20251128", job_id="fatal", job_config=config).result()
    print("loaded", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("short_bytes", [0, 1 << 30], ids=["announced", "short"])
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.4, 0.8])
def test_killed_in_a_load(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delay: float, short_bytes: int
) -> None:
    old = write_avro(tmp_path / "old.avro", orders(DAY, 10))
    new = write_avro(tmp_path / "new.avro", orders(DAY, 60_000, first=1000))
    with serve(warehouse) as server, client_of(server.endpoint, monkeypatch) as client:
        client.create_dataset("retail")
        client.create_table(orders_table())
        client.load_table_from_uri(old, "local.retail.orders$20251128", job_config=load_config()).result()
    loader = [sys.executable, "-c", _LOADER, str(warehouse), new, str(short_bytes)]
    process = subprocess.Popen(loader, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with serve(warehouse) as server, client_of(server.endpoint, monkeypatch) as client:
        (found,) = rows(client, "SELECT COUNT(*), MIN(order_id) FROM retail.orders")
        try:
            job = client.get_job("fatal")
        except NotFound:  # killed before the job was taken, or was done
            assert found == (10, 0)
            return
        assert job.state == "DONE"
        if job.error_result is None:
            assert found == (60_000, 1000)
        else:
            assert not short_bytes
            assert job.error_result["reason"] == "backendError"
            assert found == (10, 0)

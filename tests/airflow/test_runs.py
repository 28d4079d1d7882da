"""The DAGs in a running Airflow: scheduler, triggerer, api-server and dag-processor for real, on the local cloud."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

import psutil
import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from beam_pipelines.local.airflow import Airflow
from beam_pipelines.local.airflow.component import COMPONENTS, processes
from beam_pipelines.local.airflow.configuration import SCALE
from beam_pipelines.world import World
from beam_pipelines.world.calendar import OPENING
from tests.airflow.conftest import SCHEDULED_DAY
from tests.airflow.rest import Api, until

RUN_SECONDS = 240
DAG = "retail_daily"


@pytest.fixture(scope="module")
def scheduled(api: Api) -> str:
    """The run that the schedule makes when the DAG is switched on, after its end."""
    api.ask("PATCH", f"/dags/{DAG}", {"is_paused": False})
    (run,) = until(lambda: api.ask("GET", f"/dags/{DAG}/dagRuns")["dag_runs"], 60, "the scheduled run")
    api.succeed(DAG, run["dag_run_id"], RUN_SECONDS)
    return str(run["run_type"])


def jobs(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The local Dataflow's jobs, the newest last."""
    address = f"{environment['DATAFLOW_EMULATOR_HOST']}/v1b3/projects/local/locations/europe-west1/jobs"
    listed = requests.get(address, timeout=30).json().get("jobs", [])
    return sorted(listed, key=lambda job: str(job["createTime"]))


def orders(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, day: str) -> tuple[int, int]:
    """A day's orders in the warehouse: rows and keys."""
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", environment["BIGQUERY_EMULATOR_HOST"])
    client = bigquery.Client(project="local", credentials=AnonymousCredentials())
    query = f"SELECT COUNT(*), COUNT(DISTINCT order_id) FROM retail.orders WHERE DATE(created_at) = '{day}'"
    (row,) = client.query_and_wait(query)
    return row[0], row[1]


def drawn(day: str) -> int:
    """How many orders the world has on a day."""
    return World(seed=42, scale=float(SCALE)).rows("orders", (date.fromisoformat(day) - OPENING).days)


def test_a_scheduled_run_fills_the_warehouse(scheduled, environment, monkeypatch):
    assert scheduled == "scheduled"
    assert orders(environment, monkeypatch, SCHEDULED_DAY) == (drawn(SCHEDULED_DAY), drawn(SCHEDULED_DAY))
    assert [job["currentState"] for job in jobs(environment)] == ["JOB_STATE_DONE"] * 2


@pytest.mark.usefixtures("scheduled")
def test_a_manual_run_fills_the_warehouse(api, environment, monkeypatch):
    day = "2019-01-30"
    api.succeed(DAG, api.trigger(DAG, day=day), RUN_SECONDS)
    assert orders(environment, monkeypatch, day) == (drawn(day), drawn(day))


@pytest.mark.usefixtures("scheduled")
def test_a_scheduler_killed_in_mid_run_leaves_one_job_a_task(airflow: Airflow, api, environment, monkeypatch):
    before = {job["id"] for job in jobs(environment)}

    def new() -> list[dict[str, Any]]:
        return [job for job in jobs(environment) if job["id"] not in before]

    run = api.trigger(DAG, day="2019-01-31")
    for launched in (1, 2):
        until(lambda launched=launched: len(new()) == launched, RUN_SECONDS, f"job {launched}")
        scheduler = airflow.components["scheduler"].process
        scheduler.send_signal(signal.SIGKILL)
        scheduler.wait()
        airflow.start("scheduler")
    assert airflow.wait(threading.Event())
    api.succeed(DAG, run, RUN_SECONDS)
    assert [job["currentState"] for job in new()] == ["JOB_STATE_DONE"] * 2
    assert orders(environment, monkeypatch, "2019-01-31") == (drawn("2019-01-31"), drawn("2019-01-31"))


@pytest.mark.usefixtures("scheduled")
def test_a_backfill_over_two_months_is_two_jobs_of_each_template(api, environment, monkeypatch):
    before = len(jobs(environment))
    api.ask("PATCH", "/dags/retail_backfill", {"is_paused": False})
    run = api.trigger("retail_backfill", start_date="2019-01-31", end_date="2019-02-02")
    api.succeed("retail_backfill", run, RUN_SECONDS)
    assert [job["currentState"] for job in jobs(environment)[before:]] == ["JOB_STATE_DONE"] * 4
    for day in ("2019-01-31", "2019-02-01", "2019-02-02"):
        assert orders(environment, monkeypatch, day) == (drawn(day), drawn(day))


def test_nothing_listens_elsewhere(airflow: Airflow, api):
    listening = set()
    for process in (*processes(airflow.home, set(COMPONENTS)), *psutil.Process().children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
            listening |= addresses(process)
    assert api.address in {f"http://{ip}:{port}" for ip, port in listening}
    assert {ip for ip, _ in listening | addresses(psutil.Process())} == {"127.0.0.1"}


def addresses(process: psutil.Process) -> set[tuple[str, int]]:
    """Where a process listens; gRPC binds an address of IPv4 by way of IPv6."""
    found = [connection for connection in process.net_connections() if connection.status == psutil.CONN_LISTEN]
    return {(connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port) for connection in found}

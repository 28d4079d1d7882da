"""A running Airflow with the repository's DAGs and the local cloud, once for all tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from beam_pipelines.commands.airflow import DAGS
from beam_pipelines.local import cloud
from beam_pipelines.local.airflow import Airflow, running
from beam_pipelines.local.airflow.home import SEAM
from tests.airflow.rest import Api, until

START_SECONDS = 180

SCHEDULED_DAY = "2019-01-29"
POLICY = f'''

__all__ = ["dag_policy"]


def dag_policy(dag):
    """Lets the schedule of retail_daily make one run, of the shop's first month, in place of yesterday's.

    A run of yesterday would first write eight years of customers.
    """
    from datetime import UTC, datetime

    if dag.dag_id == "retail_daily":
        dag.catchup = True
        for part in (dag, *dag.tasks):
            part.start_date = part.end_date = datetime.fromisoformat("{SCHEDULED_DAY}").replace(tzinfo=UTC)
'''


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture(scope="session")
def environment(home: Path) -> Iterator[Mapping[str, str]]:
    """The variables that lead to the local cloud."""
    with cloud.running(home / "cloud", port=0) as local:
        yield local.environment


@pytest.fixture(scope="session")
def airflow(home: Path, environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    settings = tmp_path_factory.mktemp("settings") / SEAM.name
    settings.write_text(SEAM.read_text(encoding="utf-8") + POLICY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("beam_pipelines.local.airflow.home.SEAM", settings)
        yield from _started(home, environment)


def _started(home: Path, environment: Mapping[str, str]) -> Iterator[Airflow]:
    with running(home, DAGS, 0, environment) as server:
        assert server.wait(threading.Event())
        yield server


@pytest.fixture(scope="session")
def api(airflow: Airflow) -> Api:
    signed_in = Api(airflow.address, airflow.username, airflow.password)
    until(lambda: signed_in.has("retail_daily"), START_SECONDS, "the DAG to be read")
    return signed_in

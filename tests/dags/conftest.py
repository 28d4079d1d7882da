"""Fixtures for DAGs and operators. Nothing here imports Airflow before a test needs it: that takes four seconds."""

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from beam_pipelines import storage
from beam_pipelines.local.airflow.home import SEAM
from beam_pipelines.local.dataflow import Server, execution, serve

DAGS = Path(__file__).parents[2] / "dags"
sys.path.append(str(DAGS))  # as Airflow does

from tests.dags.tries import LOCATION, HeldJobs, Tries  # noqa: E402

collect_ignore = ["dag_runs.py", "dag_facts.py"]
"""Programs: they are not to be imported here, where they would start Airflow."""

SPEC = {
    "image": "localhost/retail/day:latest",
    "sdkInfo": {"language": "PYTHON"},
    "metadata": {
        "name": "Day",
        "parameters": [{"name": "day", "label": "Day", "helpText": "A day.", "regexes": [r"^\d{4}-\d\d-\d\d$"]}],
    },
}


@pytest.fixture(scope="session")
def _held() -> HeldJobs:
    return HeldJobs()


@pytest.fixture(scope="session")
def _dataflow(_held, tmp_path_factory, _cloud_storage) -> Iterator[Server]:
    storage_host = {"STORAGE_EMULATOR_HOST": os.environ["STORAGE_EMULATOR_HOST"]}
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:  # for this server only, and not for the local cloud's
            patch.setattr(execution, "Executor", lambda *arguments: _held)
            server = stack.enter_context(serve(tmp_path_factory.mktemp("dataflow"), storage_host, {"day": Path()}))
        yield server


@pytest.fixture(scope="session")
def _operators(tmp_path_factory) -> SimpleNamespace:
    """The operator's modules, in an Airflow that is a library: it leaves logging alone and asks no database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("_AIRFLOW__AS_LIBRARY", "1")
        patch.setenv("DATAFLOW_EMULATOR_HOST", "any")  # without it the seam to the local cloud does nothing
        seam = importlib.util.spec_from_file_location("airflow_local_settings", SEAM)
        seam.loader.exec_module(importlib.util.module_from_spec(seam))
        from operators import dataflow_jobs, flex_template, flex_template_trigger
    return SimpleNamespace(operator=flex_template, jobs=dataflow_jobs, trigger=flex_template_trigger)


@pytest.fixture
def flex_template(_operators, _dataflow, monkeypatch) -> SimpleNamespace:
    """The operator's modules, whose hooks lead to a served Dataflow."""
    google = {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": _dataflow.project}}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(google))
    monkeypatch.setenv("DATAFLOW_EMULATOR_HOST", _dataflow.endpoint)
    monkeypatch.setenv("DATAFLOW_EMULATOR_GRPC_HOST", _dataflow.grpc_endpoint)
    return _operators


@pytest.fixture
def dataflow(_dataflow, _held) -> HeldJobs:
    """A served Dataflow whose jobs do what a test says."""
    return _held


@pytest.fixture
def tries(dataflow, flex_template, gs_folder) -> Tries:
    """A task that launches a template, to be tried."""
    template = f"{gs_folder}/day.json"
    storage.write(template, lambda file: file.write(json.dumps(SPEC).encode()))
    arguments = {"template": template, "location": LOCATION, "parameters": {"day": "2019-01-30"}}
    return Tries(flex_template.operator, dataflow, arguments)

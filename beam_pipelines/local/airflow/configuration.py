"""What Airflow is told: its settings, connections and variables, all of them environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from beam_pipelines.local.http_server import LOOPBACK

USERNAME = "admin"
PASSWORDS = "passwords.json"
PARALLELISM = 4
"""Tasks at a time. The scheduler forks a process for each at its start; deferred tasks need none."""

ORPHANS_SECONDS = 15
"""How soon a scheduler that was started again takes up the tasks of the one that died."""

SCALE = "0.1"
"""The size of the world, as in the demo: a day takes seconds."""

CHANGED_FILES_SECONDS = 60
"""How often DAGs are read again: each time costs some seconds of a core, most of them for the provider's imports."""

NEW_FILES_SECONDS = 20
"""How soon a new file in the folder of DAGs is seen."""


def environment(
    home: Path, dags: Path, port: int, cloud: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """The variables of every Airflow process: this process's, but for those of another Airflow, and the exports."""
    # No proxy leads to 127.0.0.1. NO_PROXY says so, but without PySocks httplib2 fails wherever there is HTTP_PROXY.
    left_out = re.compile("AIRFLOW_.*|HTTP_PROXY|http_proxy")
    kept = {name: value for name, value in given.items() if not left_out.fullmatch(name)}
    return kept | exports(home, dags, port, cloud, given)


def exports(home: Path, dags: Path, port: int, cloud: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The variables that make ``airflow`` mean this Airflow.

    Args:
        home: Airflow's home: database, logs, passwords.
        dags: The folder of DAGs.
        port: The port of 127.0.0.1 of user interface and API.
        cloud: The variables that lead to the local cloud.
        given: The variables of this process.
    """
    settings = {f"AIRFLOW__{name}": value for name, value in _settings(home, dags, port).items()}
    variables = {f"AIRFLOW_VAR_{name.upper()}": value for name, value in _variables(cloud).items()}
    return {
        **cloud,
        **settings,
        **variables,
        "AIRFLOW_HOME": str(home),
        # Without more it takes what google.auth.default() finds: the local cloud's credentials.
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": "google-cloud-platform://",
        # Airflow puts the folder of DAGs on the path of tasks, but not of triggers (apache/airflow#65455).
        "PYTHONPATH": os.pathsep.join(filter(None, [given.get("PYTHONPATH"), str(dags)])),
    }


def _settings(home: Path, dags: Path, port: int) -> dict[str, str]:
    """Airflow's settings by section and name."""
    address = f"http://{LOOPBACK}:{port}"
    return {
        "API__BASE_URL": address,
        "API__HOST": LOOPBACK,
        "API__PORT": str(port),
        "API__WORKERS": "1",
        "CORE__DAGS_FOLDER": str(dags),
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PARALLELISM": str(PARALLELISM),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / PASSWORDS),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USERNAME}:admin",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": str(CHANGED_FILES_SECONDS),
        "DAG_PROCESSOR__REFRESH_INTERVAL": str(NEW_FILES_SECONDS),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",  # would be one more server
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": str(ORPHANS_SECONDS),
    }


def _variables(cloud: Mapping[str, str]) -> dict[str, str]:
    """The variables that the DAGs read: dags/retail/variables.py lists them."""
    project = cloud["GOOGLE_CLOUD_PROJECT"]
    return {
        "retail_project": project,
        "retail_region": "europe-west1",
        "retail_lake": f"gs://{project}/lake",
        "retail_temp": f"gs://{project}/temp",
        "retail_templates": f"gs://{project}/templates",
        "retail_warehouse_project": project,
        "retail_poll_seconds": "1",
        "retail_scale": SCALE,
    }

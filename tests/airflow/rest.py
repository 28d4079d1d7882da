"""Airflow's REST API, as somebody outside uses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import requests

ENDED = {"success", "failed"}
Found = TypeVar("Found")


def until(condition: Callable[[], Found], seconds: float, what: str) -> Found:
    """What the condition returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} seconds: {what}"
        time.sleep(0.2)
    return found


class Api:
    """Answers of an Airflow, for a user who has signed in."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy leads to 127.0.0.1
        signed_in = self.session.post(f"{address}/auth/token", json={"username": username, "password": password})
        signed_in.raise_for_status()
        self.session.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.session.request(method, f"{self.address}/api/v2{path}", json=body)
        assert answer.ok, answer.text
        return answer.json()

    def has(self, dag: str) -> bool:
        return self.session.get(f"{self.address}/api/v2/dags/{dag}").ok

    def trigger(self, dag: str, **params: Any) -> str:
        """The id of a new run."""
        run: str = self.ask("POST", f"/dags/{dag}/dagRuns", {"logical_date": None, "conf": params})["dag_run_id"]
        return run

    def run(self, dag: str, run: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/dags/{dag}/dagRuns/{run}")
        return found

    def tasks(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """The run's task instances by task."""
        instances: Iterable[dict[str, Any]] = self.ask("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances")[
            "task_instances"
        ]
        return {instance["task_id"]: instance for instance in instances}

    def log(self, dag: str, run: str, task: str, attempt: int) -> str:
        return str(self.ask("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}")["content"])

    def succeed(self, dag: str, run: str, seconds: float) -> None:
        """Waits for the end of a run, which has to be a good one."""
        until(lambda: self.run(dag, run)["state"] in ENDED, seconds, f"the end of {run}")
        tasks = self.tasks(dag, run)
        logs = {
            name: self.log(dag, run, name, max(1, task["try_number"]))[-3000:]
            for name, task in tasks.items()
            if task["state"] == "failed"
        }
        assert self.run(dag, run)["state"] == "success", logs or {name: task["state"] for name, task in tasks.items()}

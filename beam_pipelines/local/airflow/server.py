"""Airflow on this machine: its components, one by one, on 127.0.0.1 only."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from beam_pipelines.local.airflow import component
from beam_pipelines.local.airflow.component import COMPONENTS, Component
from beam_pipelines.local.airflow.configuration import USERNAME, environment, exports
from beam_pipelines.local.airflow.home import AirflowError, password, prepare, write_exports
from beam_pipelines.local.http_server import LOOPBACK, listening

PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
POLL_SECONDS = 0.25
START_SECONDS = 180.0
"""Longer than it takes on a machine that has much else to do."""

EXPORTS = "environment.sh"


class Airflow:
    """An Airflow whose components have been started.

    Args:
        home: Its home, prepared.
        port: The port of 127.0.0.1 of its user interface.
        variables: The environment of its processes.
    """

    def __init__(self, home: Path, port: int, variables: Mapping[str, str]) -> None:
        self.home = home
        self.address = f"http://{LOOPBACK}:{port}"
        self.username = USERNAME
        self.password = password(home)
        self.exports = home / EXPORTS
        self.components: dict[str, Component] = {}
        self._variables = variables

    def start(self, name: str) -> None:
        """Starts a component; what is left of an earlier one of its name is killed first, as with a machine lost."""
        component.kill(self.home, {name})
        if name in self.components:
            self.components[name].process.wait()
        self.components[name] = Component(name, self._variables, self.home)

    def check(self) -> None:
        """AirflowError, with the end of its log, if a component has ended."""
        for name, started in self.components.items():
            if (status := started.process.poll()) is not None:
                how = f"was ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
                raise AirflowError(f"Airflow's {name} {how}; its log is {started.log}", started.last_lines())

    def wait(self, stopped: Event, seconds: float = START_SECONDS) -> bool:
        """Waits until all components work; False if it was stopped before. AirflowError if one ends, or time does."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            if self._is_healthy():
                return True
            if stopped.wait(POLL_SECONDS):
                return False
        raise AirflowError(f"Airflow did not get ready within {seconds:.0f} seconds; its logs are in {self.home}/logs")

    def watch(self, stopped: Event) -> None:
        """Waits until it is stopped. AirflowError if a component ends before."""
        while not stopped.wait(POLL_SECONDS):
            self.check()

    def stop(self) -> None:
        """Ends all components."""
        component.stop(list(self.components.values()), self.home)

    def _is_healthy(self) -> bool:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"{self.address}/api/v2/monitor/health", timeout=10) as answer:
                health = json.load(answer)
        except (OSError, ValueError):
            return False
        return all(health[part]["status"] == "healthy" for part in PARTS)


@contextmanager
def running(home: Path, dags: Path, port: int, cloud: Mapping[str, str]) -> Iterator[Airflow]:
    """Starts Airflow, and ends it with the context.

    Args:
        home: Airflow's home, absolute and claimed; made if it is not there.
        dags: The folder of DAGs, absolute.
        port: The port of 127.0.0.1 of user interface and API; 0 for any. PortError if it is taken.
        cloud: The variables that lead to the local cloud.
    """
    with listening(port) as listener:
        port = listener.port
    variables = environment(home, dags, port, cloud, os.environ)
    prepare(home, variables)
    airflow = Airflow(home, port, variables)
    write_exports(airflow.exports, exports(home, dags, port, cloud, os.environ))
    try:
        for name in COMPONENTS:
            airflow.start(name)
        yield airflow
    finally:
        airflow.stop()

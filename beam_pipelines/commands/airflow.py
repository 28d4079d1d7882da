"""``retail airflow``: Airflow with the repository's DAGs and the local cloud, for as long as it runs."""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import beam_pipelines
from beam_pipelines.commands.display import Display
from beam_pipelines.commands.errors import CommandError
from beam_pipelines.options import UsageError

if TYPE_CHECKING:
    from beam_pipelines.local.airflow import Airflow

FIRST_RUN = {"start_date": "2019-01-30", "end_date": "2019-01-31"}
"""Days of the shop's first month, with little to write before them."""

DAGS = Path(beam_pipelines.__file__).parents[1] / "dags"


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Starts everything, says how to use it, and waits until it is interrupted or a component ends."""
    if flags:
        raise UsageError(flags[0].lstrip("-"), "no option of this command", None)
    port, cloud_port = _port("port", given.port), _port("cloud_port", given.cloud_port)
    if importlib.util.find_spec("airflow") is None:
        raise CommandError("Airflow is not installed here; `make airflow` installs and starts it")
    from beam_pipelines.local.airflow import AirflowError  # psutil comes with Airflow

    dags = Path(given.dags or DAGS).resolve()
    if not dags.is_dir():
        raise UsageError("dags", "a folder of DAGs", str(dags))
    try:
        _run(Path(given.home).resolve(), dags, port, cloud_port, display)
    except AirflowError as error:
        if error.log:
            display.err.print(error.log.strip(), markup=False, soft_wrap=True)
        raise


def _run(home: Path, dags: Path, port: int, cloud_port: int, display: Display) -> None:
    from beam_pipelines.local import airflow, cloud

    started, stopped = time.monotonic(), _stopped()
    with (
        airflow.claimed(home),
        cloud.running(home / "cloud", port=cloud_port) as local,
        airflow.running(home, dags, port, local.environment) as server,
    ):
        display.say(f"Starting Airflow with {dags}; its logs go to {server.home / 'logs'}. Ctrl-C stops it.")
        if server.wait(stopped):
            display.say(f"Ready after {time.monotonic() - started:.0f} seconds.\n")
            _explain(server, display)
            server.watch(stopped)
        display.say("Stopping ...")


def _explain(server: Airflow, display: Display) -> None:
    display.say(f"  {server.address}   user {server.username}   password {server.password}\n")
    display.say("For a first run open retail_backfill there and press Trigger, or say in another terminal:\n")
    display.say(f"  source {server.exports}")
    display.say("  airflow dags unpause retail_backfill")
    display.say(f"  airflow dags trigger retail_backfill --conf '{json.dumps(FIRST_RUN)}'\n")


def _stopped() -> threading.Event:
    """An event that Ctrl-C, SIGTERM and a closed terminal set; asked twice, the components still end in order."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return stopped


def _port(name: str, text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise UsageError(name, "a port from 0 (any) to 65535", text)
    return int(text)

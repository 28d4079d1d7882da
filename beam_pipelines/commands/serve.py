"""``retail serve``: the local cloud, for as long as it runs."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from types import FrameType
from typing import TYPE_CHECKING

from beam_pipelines import storage
from beam_pipelines.commands.display import Display
from beam_pipelines.commands.warehouses import absolute, database_file
from beam_pipelines.options import UsageError

if TYPE_CHECKING:
    from beam_pipelines.local.cloud import Cloud

LAST_PORT = 65_535


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Serves a DuckDB file as BigQuery, a folder as Cloud Storage, and Dataflow, until it is interrupted."""
    if flags:
        raise UsageError(flags[0].lstrip("-"), "no option of this command", None)
    from beam_pipelines.local import cloud

    stopped = _stopped()
    warehouse, port = database_file(given.warehouse), _port(given.port, len(cloud.PORTS))
    folder = _folder(given.storage) if given.storage else warehouse.parent / "storage"
    with cloud.running(warehouse.parent, port, warehouse=warehouse, storage=folder) as local:
        for line in _instructions(local, given.warehouse, folder):
            display.say(line)
        stopped.wait()


def _stopped() -> threading.Event:
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)  # who asks twice does not want to wait

    # Ctrl-C too: a KeyboardInterrupt is raised wherever the interpreter just is, and may get lost there.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped


def _instructions(local: Cloud, warehouse: str, folder: Path) -> list[str]:
    """What is served and how to get there; may be pasted into a shell as a whole."""
    launch = "gcloud dataflow flex-template run daily --region=europe-west1"
    parameters = "output=gs://local/lake,start_date=2019-01-30,end_date=2019-01-30,scale=0.01"
    return [
        f"# BigQuery over {warehouse}, Cloud Storage over {folder}, and Dataflow; project local. Ctrl-C stops them.",
        *(f"export {name}={quote(value)}" for name, value in local.environment.items()),
        "# To try:",
        f"#   bq --api={local.bigquery} ls",
        "#   gcloud storage ls gs://local",
        f"#   {launch} --template-file-gcs-location=gs://local/templates/generate.json --parameters={parameters}",
    ]


def _folder(text: str) -> Path:
    if storage.is_remote(text) or Path(text).is_file():
        raise UsageError("storage", "a folder on this machine", text)
    return Path(absolute(text))


def _port(text: str, count: int) -> int:
    last = LAST_PORT - count + 1
    if not text.isdigit() or int(text) > last:
        raise UsageError("port", f"a port from 0 (any) to {last}, the first of {count}", text)
    return int(text)

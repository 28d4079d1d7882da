"""``retail serve``: Google's APIs on this machine, for as long as it runs."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence
from types import FrameType

from beam_pipelines.commands.display import Display
from beam_pipelines.commands.errors import CommandError
from beam_pipelines.commands.warehouses import database_file
from beam_pipelines.local.bigquery import WarehouseError, serve
from beam_pipelines.options import UsageError
from beam_pipelines.warehouse.client import EMULATOR


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Serves a DuckDB file as BigQuery until it is interrupted."""
    if flags:
        raise UsageError(flags[0].lstrip("-"), "no option of this command", None)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)  # who asks twice does not want to wait

    # Ctrl-C too: a KeyboardInterrupt is raised wherever the interpreter just is, and may get lost there.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        with serve(database_file(given.warehouse), port=_port(given.port)) as server:
            display.say(f"# BigQuery over {given.warehouse}, project local; Ctrl-C stops it")
            display.say(f"export {EMULATOR}={server.endpoint}")
            display.say(f"# bq --api {server.endpoint} --project_id local ls")
            stopped.wait()
    except WarehouseError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"port {given.port}: {error.strerror}") from error


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise UsageError("port", "a port from 0 (any) to 65535", text)
    return int(text)

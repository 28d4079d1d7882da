"""``retail serve``: Google's APIs on this machine, for as long as it runs."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence

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
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
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
    except KeyboardInterrupt:
        return


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise UsageError("port", "a port from 0 (any) to 65535", text)
    return int(text)

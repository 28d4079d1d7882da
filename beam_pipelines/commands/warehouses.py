"""Opening the warehouse that ``--warehouse`` names: BigQuery itself, or a DuckDB file that answers in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.api_core.exceptions import GoogleAPICallError

from beam_pipelines import storage
from beam_pipelines.commands.errors import CommandError
from beam_pipelines.local.bigquery import WarehouseError, serve
from beam_pipelines.options import UsageError
from beam_pipelines.tables import WAREHOUSE
from beam_pipelines.warehouse.client import EMULATOR, SCHEME, connect

LOCAL = f"{SCHEME}local"
"""How the pipelines address a DuckDB file that is served on this machine."""


def is_bigquery(warehouse: str) -> bool:
    """Whether ``--warehouse`` names BigQuery itself."""
    return warehouse.startswith(SCHEME)


def absolute(path: str) -> str:
    """A local path from the root; an address in Cloud Storage as it is."""
    return path if storage.is_remote(path) else str(Path(path).expanduser().absolute())


def database_file(warehouse: str) -> Path:
    """The path of a DuckDB file, its folder there; UsageError for what is no path on this machine."""
    if is_bigquery(warehouse) or storage.is_remote(warehouse):
        raise UsageError("warehouse", "the path of a DuckDB file on this machine", warehouse)
    path = Path(absolute(warehouse))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        expected = f"a file in a folder that can be written ({error.strerror})"
        raise UsageError("warehouse", expected, warehouse) from error
    return path


@contextmanager
def opened(warehouse: str) -> Iterator[str]:
    """The warehouse as the pipelines address it; a DuckDB file is served until the context ends."""
    if is_bigquery(warehouse):
        yield warehouse
        return
    path = database_file(warehouse)
    before = os.environ.get(EMULATOR)
    try:
        with serve(path) as server:
            os.environ[EMULATOR] = server.endpoint
            connect.cache_clear()
            yield LOCAL
    except WarehouseError as error:
        raise CommandError(str(error)) from error
    finally:
        connect.cache_clear()
        os.environ.pop(EMULATOR, None)
        if before is not None:
            os.environ[EMULATOR] = before


def refusal(error: GoogleAPICallError) -> CommandError:
    """The failure of a command whose query was refused, in the warehouse's own words."""
    return CommandError(error.errors[0]["message"] if error.errors else error.message)


def row_counts(warehouse: str) -> dict[str, int]:
    """Rows of every table of an opened warehouse, by ``dataset.table``."""
    client: Any = connect(warehouse)
    names = [f"{table.dataset}.{table.name}" for table in WAREHOUSE]
    return {name: int(client.get_table(name).num_rows) for name in names}

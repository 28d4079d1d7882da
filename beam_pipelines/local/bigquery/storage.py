"""The DuckDB file: opened once, read by many cursors, written by one transaction at a time."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from beam_pipelines.local.bigquery.errors import WarehouseError, WarehouseLocked, WarehouseUnreadable
from beam_pipelines.local.bigquery.macros import MACROS

RESERVED_SCHEMAS = frozenset({"main", "temp", "information_schema", "pg_catalog"})

_LOG_BYTES = "64MB"
"""Of the log before it is written into the file. Each time that writes the last rows of every table anew, so that
DuckDB's 16 MB make loads slower and files larger; after a kill the next start reads the log in less than a second."""

# One JSON document per resource: what BigQuery says about a table is not what DuckDB can say about it.
_METADATA = """
CREATE SCHEMA IF NOT EXISTS _bigquery;
CREATE TABLE IF NOT EXISTS _bigquery.datasets (dataset_id VARCHAR, document VARCHAR);
CREATE TABLE IF NOT EXISTS _bigquery.tables (dataset_id VARCHAR, table_id VARCHAR, document VARCHAR);
CREATE TABLE IF NOT EXISTS _bigquery.columns (
    dataset_id VARCHAR, table_id VARCHAR, ordinal_position BIGINT, column_name VARCHAR,
    data_type VARCHAR, is_nullable VARCHAR, is_partitioning_column VARCHAR, clustering_ordinal_position BIGINT
);
CREATE TABLE IF NOT EXISTS _bigquery.partitions (
    dataset_id VARCHAR, table_id VARCHAR, partition_id VARCHAR,
    total_rows BIGINT, total_logical_bytes BIGINT, last_modified_time TIMESTAMP WITH TIME ZONE
);
CREATE TABLE IF NOT EXISTS _bigquery.jobs (job_id VARCHAR, created BIGINT, state VARCHAR, document VARCHAR);
CREATE TABLE IF NOT EXISTS _bigquery.macros (version VARCHAR);
"""


class Storage:
    """One DuckDB file, open for as long as the object is."""

    _open_files: ClassVar[set[Path]] = set()
    """A file has one Storage: two would not wait for each other's transactions."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        if self.path in self._open_files:
            raise WarehouseLocked(f"{path} is locked: this process serves it already")
        self._connection = _open(path)
        self._open_files.add(self.path)
        self._write_lock = threading.RLock()
        with self.transaction() as cursor:
            cursor.execute(_METADATA)
            self.has_new_macros = _define_macros(cursor)
            """Whether the macros have changed since the file was last open: its views may call others."""

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own on the open file, for one request."""
        return self._connection.cursor()

    @contextmanager
    def transaction(self, given: duckdb.DuckDBPyConnection | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A write transaction: all of it or, after an exception, nothing. One at a time; readers never wait.

        Args:
            given: the connection to run it on, which stays open; without one it gets its own.
        """
        with self._write_lock, nullcontext(given) if given else self.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def close(self) -> None:
        """Writes everything into the file itself (no log is left beside it) and closes it."""
        with self._write_lock:
            self._connection.execute("CHECKPOINT")
            self._connection.close()
            self._open_files.discard(self.path)


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": False,  # queries come from clients: they may not read this machine's files
        "autoinstall_known_extensions": False,
        "python_enable_replacements": False,
        "TimeZone": "UTC",
        "checkpoint_threshold": _LOG_BYTES,
    }
    if not _may_be_database(path):  # DuckDB would open other files too, JSON for one, and show them as a table
        raise WarehouseUnreadable(f"{path} is not a DuckDB database")
    try:
        return duckdb.connect(str(path), config=config)
    except duckdb.IOException as error:
        raise _explained(path, error) from error
    except duckdb.ConnectionException as error:  # DuckDB would share the database, but not with other settings
        raise WarehouseLocked(f"{path} is locked: this process has it open already") from error


def _may_be_database(path: Path) -> bool:
    """Whether the file is new, empty or begins like a database; what cannot be read is for DuckDB to explain."""
    try:
        with path.open("rb") as file:
            beginning = file.read(12)
    except OSError:
        return True
    return beginning[8:] == b"DUCK" or not beginning


def _explained(path: Path, error: duckdb.IOException) -> WarehouseError:
    text = str(error)
    if "lock" in text:
        holder = re.search(r"PID (\d+)", text)
        held_by = f" by process {holder[1]}" if holder else " by another process"
        return WarehouseLocked(f"{path} is locked{held_by}: only one process at a time may open a DuckDB file")
    if "not a valid DuckDB" in text:
        return WarehouseUnreadable(f"{path} is not a DuckDB database")
    return WarehouseUnreadable(f"{path} cannot be opened: {text.removeprefix('IO Error: ')}")


def _define_macros(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Defines the macros, unless the file has these already; answers whether it did."""
    if first_row(cursor, "SELECT version FROM _bigquery.macros") == (MACROS.version,):
        return False
    cursor.execute(MACROS.script)
    cursor.execute("DELETE FROM _bigquery.macros")
    cursor.execute("INSERT INTO _bigquery.macros VALUES (?)", [MACROS.version])
    return True


def first_row(cursor: duckdb.DuckDBPyConnection, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
    """The first row of a query; read to its end, for DuckDB starts nothing on a connection with an open result."""
    rows = cursor.execute(query, list(values)).fetchall()
    return rows[0] if rows else None

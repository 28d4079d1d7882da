"""From the lake into a database: only the columns that checks read, by column and never by row.

Each table of the lake becomes one of the same name. Its timestamps are plain ones in UTC; ``row_number`` counts its
rows in the order in which they lie. A repeated column becomes a table of its own, ``orders_items``, of a row per item:
the ``row_number``, key and time of the row it lies in, and the item's fields (``value`` if it is no record).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines import avro, lake, storage, tables
from beam_pipelines.progress import NO_PROGRESS, Advance, ProgressLog
from beam_pipelines.schema import NAMESPACE, Column, Table, Type, avro_record, quoted, without_docs
from beam_pipelines.verification.manifests import Days, Faults
from beam_pipelines.world import OPENING

ROWS_PER_INSERT = 131_072
"""A lake has many small files: their rows are inserted together."""

ROW_NUMBER = "row_number"
_PLAIN = pa.timestamp("us")


@dataclass(frozen=True)
class _Target:
    """A table of the database: the columns that are read of a lake table, or of one of its repeated columns."""

    name: str
    columns: tuple[Column, ...]
    of: Column | None = None
    """The repeated column whose items its rows are."""

    @property
    def create(self) -> str:
        columns = ", ".join(f"{quoted(column.name)} {_duckdb_type(column)}" for column in self.columns)
        return f"CREATE TABLE {quoted(self.name)} ({ROW_NUMBER} BIGINT, {columns})"


def read(
    connection: duckdb.DuckDBPyConnection,
    days: Days,
    columns: Mapping[str, Collection[str]],
    faults: Faults,
    progress: ProgressLog = NO_PROGRESS,
) -> None:
    """Fills the database with these columns of the lake's tables, and notes where files are not what they should be.

    Args:
        connection: An empty database.
        days: The manifests of each table.
        columns: What to read of each table: ``created_at``, ``items.cost``.
        faults: Gets what is wrong with the files.
        progress: Where to say how far it is.
    """
    connection.execute("CREATE TABLE lake_tables (name VARCHAR, first_day DATE, last_day DATE, whole BOOLEAN)")
    for name, manifests in days.manifests.items():
        table = tables.BY_NAME[name]
        first, last = manifests[0].day, manifests[-1].day
        connection.execute("INSERT INTO lake_tables VALUES (?, ?, ?, ?)", [name, first, last, first == OPENING])
        own = [column for column in table.columns if column.name in _top_level(table, columns.get(name, ()))]
        filling = _Filling(connection, table, own)
        for manifest in manifests:
            for file in manifest.files:
                path = storage.join(lake.folder(days.root, name, manifest.day), file.name)
                for batch in _batches(table, filling.select, path, manifest.day, file, faults):
                    filling.add(batch)
                progress.add(Advance("read", name, rows=file.rows, files=1, bytes=file.bytes))
        filling.flush()


def _top_level(table: Table, columns: Collection[str]) -> set[str]:
    """Columns to read: those asked for, the key and the time, and all with money, whose sums are in the manifests."""
    named = {column.partition(".")[0] for column in (*columns, *table.numeric_paths)}
    return named | set(table.key) | ({table.partition.column} if table.partition else set())


class _Filling:
    """The tables of the database that one of the lake fills."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: Table, columns: list[Column]) -> None:
        self._connection = connection
        self.select = frozenset(column.name for column in columns)
        plain = tuple(column for column in columns if not column.repeated)
        parent = tuple(column for column in plain if column.name in _identifying(table))
        self._targets = [_Target(table.name, plain)]
        for column in columns:
            if column.repeated:
                items = column.fields or (Column(name="value", type=column.type),)
                self._targets.append(_Target(f"{table.name}_{column.name}", (*parent, *items), column))
        for target in self._targets:
            connection.execute(target.create)
        self._waiting: list[pa.RecordBatch] = []
        self._rows, self._inserted = 0, 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes a batch; whenever there are enough rows, they go into the database."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= ROWS_PER_INSERT:
            self.flush()

    def flush(self) -> None:
        """Puts what is waiting into the database."""
        for target in self._targets:
            first, arrived = self._inserted, []
            for batch in self._waiting:
                arrived.append(_flattened(target, batch, first))
                first += batch.num_rows
            if arrived:
                self._connection.register("arrived", pa.Table.from_batches(_alike(arrived)))
                self._connection.execute(f"INSERT INTO {quoted(target.name)} SELECT * FROM arrived")  # noqa: S608 - ours
                self._connection.unregister("arrived")
        self._inserted += self._rows
        self._waiting, self._rows = [], 0


def _identifying(table: Table) -> set[str]:
    return set(table.key) | ({table.partition.column} if table.partition else set())


def _flattened(target: _Target, batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
    """A batch of the lake as rows of a table of the database; ``first`` rows came before it."""
    numbers = np.arange(first, first + batch.num_rows)
    if target.of is None:
        arrays = [_utc(batch.column(column.name)) for column in target.columns]
        return pa.record_batch([pa.array(numbers), *arrays], names=_names(target))
    lists = batch.column(target.of.name)
    parents = pc.list_parent_indices(lists)
    items = lists.flatten()
    fields = [items] if not target.of.fields else [items.field(field.name) for field in target.of.fields]
    outer = [batch.column(column.name).take(parents) for column in target.columns[: -len(fields)]]
    arrays = [_utc(array) for array in (*outer, *fields)]
    return pa.record_batch([pa.array(numbers).take(parents), *arrays], names=_names(target))


def _alike(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """The batches with strings plain where not all have them as dictionaries of the same kind."""
    if all(batch.schema == batches[0].schema for batch in batches):
        return batches
    return [
        pa.record_batch(
            [array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array for array in batch.columns],
            names=batch.schema.names,
        )
        for batch in batches
    ]


def _names(target: _Target) -> list[str]:
    return [ROW_NUMBER, *(column.name for column in target.columns)]


def _utc(array: pa.Array[Any]) -> pa.Array[Any]:
    """Moments without their time zone, so that the database reckons in UTC whatever this machine's zone is."""
    return array.cast(_PLAIN) if pa.types.is_timestamp(array.type) else array


def _duckdb_type(column: Column) -> str:
    return "TIMESTAMP" if column.type is Type.TIMESTAMP else column.duckdb_type


class _Counted:
    """What has been read of a file, to be compared with what its manifest says."""

    def __init__(self, table: Table) -> None:
        self._table, self._rows = table, 0
        self._sums: dict[str, Decimal] = dict.fromkeys(table.numeric_paths, Decimal(0))
        self._dates: Counter[str] = Counter()

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts a batch."""
        self._rows += batch.num_rows
        self._dates.update(lake.rows_by_date(self._table, batch))
        for name, total in lake.sums(self._table, batch).items():
            self._sums[name] += total

    def compare(self, path: str, day: date, file: lake.LakeFile, faults: Faults) -> None:
        """Notes what is not as the manifest says, and rows of other days."""
        if self._rows != file.rows:
            faults.add("manifests.content", f"{path}: expected {file.rows:,} rows, found {self._rows:,}")
        for name, total in self._sums.items():
            stated = Decimal(file.sums.get(name, "0"))
            if total != stated:
                faults.add("manifests.content", f"{path}: expected a sum of {stated} in {name}, found {total}")
        if file.rows_by_date and dict(file.rows_by_date) != dict(self._dates):
            faults.add("manifests.content", f"{path}: the rows are of other days than its manifest says")
        if strangers := sum(self._dates.values()) - self._dates[day.isoformat()]:
            other = next(found for found in self._dates if found != day.isoformat())
            faults.add("rows.day", f"{path}: rows of {other}", strangers)


def _batches(
    table: Table, select: frozenset[str], path: str, day: date, file: lake.LakeFile, faults: Faults
) -> Iterator[pa.RecordBatch]:
    """The rows of a file up to the first damage; notes what is not as the manifest says."""
    counted = _Counted(table)
    fingerprint = file.fingerprint if file.fingerprint.startswith("xxh3:") else None
    try:
        with storage.open_for_reading(path) as opened:
            reader = None
            if without_docs(avro.read_header(opened, file_name=path).schema) != _stored_schema(table):
                faults.add("manifests.schema", f"{path}: a file with other columns than {table.name} has now")
                reader = _lenient_schema(table)
            for block in avro.read_blocks(
                opened, reader=reader, dictionaries=True, select=select, fingerprint=fingerprint, file_name=path
            ):
                counted.add(block.batch)
                yield block.batch
    except FileNotFoundError:
        return  # noted with the manifests already
    except avro.AvroError as error:
        faults.add("manifests.content", str(error))
        return
    counted.compare(path, day, file, faults)


@functools.lru_cache(maxsize=16)
def _stored_schema(table: Table) -> Any:
    return without_docs(table.avro_schema)


@functools.lru_cache(maxsize=16)
def _lenient_schema(table: Table) -> dict[str, Any]:
    """The table's Avro schema where no value is required: files of other versions may lack some."""
    return avro_record(table.name, map(_optional, table.columns), NAMESPACE)


def _optional(column: Column) -> Column:
    fields = tuple(map(_optional, column.fields))
    return replace(column, fields=fields, nullable=not column.repeated)

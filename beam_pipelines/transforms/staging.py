"""Staged files: what a load job reads, one Avro file for each table's partition and piece of work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa

from beam_pipelines import avro, storage
from beam_pipelines.schema import Column, Table
from beam_pipelines.transforms.accounting import NOTHING, Account
from beam_pipelines.transforms.partitions import Partition

BLOCK_ROWS = 16_384


class StagedFile(NamedTuple):
    """One staged file of a table's partition."""

    path: str
    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Contribution:
    """What a piece of work adds to a partition: to its account, and perhaps a file to be loaded."""

    account: Account = NOTHING
    file: StagedFile | None = None
    more_columns: tuple[Column, ...] = ()
    """Those that the partition's table gets beyond what ``tables`` says."""
    input: str = ""
    """Fingerprint of all that the partition is loaded from; empty if somebody else says it.

    A partition of which nobody says it is not loaded: others only need its rows.
    """


Contributed = tuple[Partition, Contribution]


class _Staging:
    """A staged file that is being written."""

    def __init__(self, table: Table, path: str, files: ExitStack) -> None:
        self.path = path
        self._writer = avro.BlockWriter(files.enter_context(storage.created(path)), table.avro_schema)
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds rows; batches are gathered until they make a block: a month of customers comes in thirty small ones."""
        differs = self._waiting and not batch.schema.equals(self._waiting[0].schema)
        if differs or self._rows + batch.num_rows > BLOCK_ROWS:
            self._flush()
        self._waiting.append(batch)
        self._rows += batch.num_rows

    def close(self) -> avro.Written:
        self._flush()
        return self._writer.close()

    def _flush(self) -> None:
        for batch in _joined(self._waiting):
            self._writer.write(batch)
        self._waiting, self._rows = [], 0


class StagedFiles:
    """Staged files that are written side by side; they are there when the context ends without an error.

    The same batches give the same bytes.
    """

    def __init__(self, folder: str, name: str, only_read: Collection[str] = ()) -> None:
        """Files below a folder, each ``<table>/<partition>/<name>.avro``.

        Of partitions that are only read, for others need their rows, nothing is staged.
        """
        self._folder, self._name, self._only_read = folder, name, frozenset(only_read)
        self._open = ExitStack()
        self._staging: dict[Partition, _Staging] = {}

    def __enter__(self) -> Self:
        self._open.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._open.__exit__(kind, error, traceback)

    def add(self, table: Table, partition: str, batch: pa.RecordBatch) -> None:
        """Adds rows to a partition's file."""
        if not batch.num_rows or partition in self._only_read:
            return
        key = (table.name, partition)
        if key not in self._staging:
            path = storage.join(self._folder, table.name, partition or "all", f"{self._name}.avro")
            self._staging[key] = _Staging(table, path, self._open)
        self._staging[key].add(batch)

    def close(self) -> dict[Partition, StagedFile]:
        """Ends the files: what there will be once the context has ended."""
        found = {}
        for key, staging in self._staging.items():
            written = staging.close()
            found[key] = StagedFile(staging.path, written.rows, written.fingerprint)
        return found


def stage(folder: str, table: Table, partition: str, name: str, batches: Iterable[pa.RecordBatch]) -> StagedFile | None:
    """Writes one staged file; None for no rows."""
    with StagedFiles(folder, name) as files:
        for batch in batches:
            files.add(table, partition, batch)
        staged = files.close()
    return staged.get((table.name, partition))


def stage_nothing(folder: str, table: Table, partition: str) -> str:
    """Writes a staged file without rows, by which a load job empties a partition: no job is without files."""
    path = storage.join(folder, table.name, partition or "all", "nothing.avro")
    storage.write(path, lambda file: avro.write_blocks(file, table.avro_schema, []))
    return path


def _joined(batches: Sequence[pa.RecordBatch]) -> Sequence[pa.RecordBatch]:
    if len(batches) < 2:
        return batches
    joined: Sequence[pa.RecordBatch] = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()
    return joined

"""Load jobs: Avro files into a table or one partition of it, in a single transaction with the job's own record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from beam_pipelines.local.bigquery import catalog, tables
from beam_pipelines.local.bigquery.errors import ApiError, duplicate, invalid, not_found, unsupported
from beam_pipelines.local.bigquery.jobs import Job, Jobs
from beam_pipelines.local.bigquery.load_rows import Arrangement
from beam_pipelines.local.bigquery.load_schema import file_columns, reconciled, table_fields
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.partitioning import UNPARTITIONED, Partitioning
from beam_pipelines.local.bigquery.sources import AvroSource, resolve
from beam_pipelines.local.bigquery.storage import Storage
from beam_pipelines.schema import Column, Type

Document = dict[str, Any]

_UNSUPPORTED = (
    "rangePartitioning",
    "destinationEncryptionConfiguration",
    "hivePartitioningOptions",
    "ignoreUnknownValues",
    "projectionFields",
    "createSession",
    "connectionProperties",
)
_DISPOSITIONS = ("WRITE_TRUNCATE", "WRITE_APPEND", "WRITE_EMPTY")
_OPTIONS = ("ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION")

_SHORT_BYTES = 8 << 20
"""Of files that are loaded while the insertion of their job waits, also behind other loads."""


@dataclass
class Loads:
    """Runs load jobs."""

    storage: Storage
    jobs: Jobs
    project: str
    translate_view: tables.TranslateView
    cloud_storage: str = ""
    """The endpoint that gs:// is read from; if empty, the one in STORAGE_EMULATOR_HOST."""

    def check(self, load: Mapping[str, Any]) -> None:
        """Raises an ApiError for a load configuration that this server cannot run."""
        if load.get("sourceFormat", "CSV") != "AVRO":
            raise unsupported(f"load.sourceFormat {load.get('sourceFormat', 'CSV')} (only AVRO is)")
        for name in _UNSUPPORTED:
            if load.get(name) not in (None, False, "false", {}, []):
                raise unsupported(f"load.{name}")
        if not load.get("sourceUris"):
            raise invalid("Required parameter is missing: load.sourceUris")
        destination = load.get("destinationTable") or {}
        if not destination.get("datasetId") or not destination.get("tableId"):
            raise invalid("Required parameter is missing: load.destinationTable")
        disposition = load.get("writeDisposition", "WRITE_APPEND")
        if disposition not in _DISPOSITIONS:
            raise unsupported(f"load.writeDisposition {disposition}")
        _check_options(load.get("schemaUpdateOptions") or (), disposition, partition="$" in destination["tableId"])

    def run(self, job: Job, sources: list[AvroSource] | None = None) -> None:
        """Does what the job's load configuration says."""
        load = job.configuration["load"]
        destination = load["destinationTable"]
        name = TableName.parse(self.project, destination["datasetId"], destination["tableId"])
        sources = resolve(load["sourceUris"], self.cloud_storage) if sources is None else sources
        columns, size = file_columns(sources, load), sum(source.size for source in sources)
        if size > _SHORT_BYTES:
            self.jobs.announce(job)
        with self.storage.transaction() as cursor:
            job.cursor = cursor
            document = self._prepared(cursor, name, load, columns)
            written = _Written(name, _partition_check(document, name))
            written.insert(cursor, sources, Arrangement.between(columns, document["schema"]["fields"]))
            written.count(cursor, document, append=load.get("writeDisposition") != "WRITE_TRUNCATE")
            job.statistics["load"] = {
                "inputFiles": str(len(sources)),
                "inputFileBytes": str(size),
                "outputRows": str(written.rows),
                "outputBytes": str(written.size),
                "badRecords": "0",
            }
            job.statistics["totalBytesProcessed"] = str(written.size)
            if job.cancelled:
                raise invalid("cancelled")
            self.jobs.complete(cursor, job)

    def _prepared(
        self, cursor: DuckDBPyConnection, name: TableName, load: Mapping[str, Any], columns: tuple[Column, ...]
    ) -> Document:
        """The destination, created, emptied and widened as the job says."""
        document = catalog.find_table(cursor, name)
        if document is None:
            return self._created(cursor, name, load, columns)
        if document["type"] != "TABLE":
            raise invalid(f"{name.whole} is not allowed for this operation because it is currently a VIEW")
        _check_partitioning(document, load)
        disposition = load.get("writeDisposition", "WRITE_APPEND")
        if disposition == "WRITE_EMPTY" and _row_count(cursor, name):
            raise duplicate("Table", str(name))
        if not document["schema"].get("fields") or (disposition == "WRITE_TRUNCATE" and not name.partition):
            return self._replaced(cursor, name, document, load, columns)
        fields = reconciled(name.whole, document, table_fields(columns, load), load)
        if fields != document["schema"]["fields"]:
            document = tables.change_schema(cursor, name.whole, document, fields, self.translate_view)
        if disposition == "WRITE_TRUNCATE":
            where = _partitioning(document, name).where_sql(name.partition)
            cursor.execute(f"DELETE FROM {name.sql} WHERE {where}")  # noqa: S608 - checked id
        return document

    def _created(
        self, cursor: DuckDBPyConnection, name: TableName, load: Mapping[str, Any], columns: tuple[Column, ...]
    ) -> Document:
        catalog.dataset(cursor, name.project, name.dataset)
        if load.get("createDisposition", "CREATE_IF_NEEDED") == "CREATE_NEVER":
            raise not_found("Table", str(name.whole))
        body: Document = {"schema": {"fields": table_fields(columns, load)}}
        for layout in ("timePartitioning", "clustering"):
            if load.get(layout):
                body[layout] = load[layout]
        if name.partition and "timePartitioning" not in body:
            raise unsupported(f"Loading into {name}, which is not there, without load.timePartitioning")
        return tables.create(cursor, name.whole, body, self.translate_view)

    def _replaced(
        self,
        cursor: DuckDBPyConnection,
        name: TableName,
        document: Document,
        load: Mapping[str, Any],
        columns: tuple[Column, ...],
    ) -> Document:
        fields = table_fields(columns, load, known=document["schema"].get("fields", ()))
        if fields == document["schema"].get("fields"):
            cursor.execute(f"DELETE FROM {name.sql}")  # noqa: S608 - quoted names
            return document
        replaced = document | {"schema": {"fields": fields}}
        tables.create_rows(cursor, name, replaced)
        catalog.save_table(cursor, name, replaced)
        tables.refresh_views(cursor, self.translate_view)
        return replaced


@dataclass
class _Written:
    """What a load has inserted, checked and counted while it flows by."""

    name: TableName
    bounds: tuple[Partitioning, dt.date, dt.date] | None
    rows: int = 0
    size: int = 0
    uri: str = ""
    """Of the file that was read last."""
    refused: list[ApiError] = field(default_factory=list)

    def insert(self, cursor: DuckDBPyConnection, sources: Sequence[AvroSource], arranged: Arrangement) -> None:
        """Inserts the files' rows, batch by batch, by one statement and without an object per row."""
        batches = self._checked(sources, arranged)
        first = next(batches, None)
        if first is None:
            return
        try:
            rows = cursor.from_arrow(pa.RecordBatchReader.from_batches(first.schema, _chained(first, batches)))
            rows.insert_into(self.name.sql)
        except duckdb.Error as error:
            if self.refused:  # DuckDB wraps what the stream raised
                raise self.refused[0] from None
            where = self.uri if len(sources) == 1 else f"{self.uri} or a file before it"
            raise invalid(f"Error while reading data, error message: {where}: {_first_line(error)}") from error

    def _checked(self, sources: Sequence[AvroSource], arranged: Arrangement) -> Iterator[pa.RecordBatch]:
        try:
            for source in sources:
                self.uri = source.uri
                for batch in source.batches():
                    if not batch.num_rows:
                        continue
                    rows = arranged.of(batch)
                    if self.bounds:
                        _check_partition(self.name, *self.bounds, rows)
                    self.rows += rows.num_rows
                    self.size += rows.nbytes
                    yield rows
        except ApiError as error:
            self.refused.append(error)
            raise

    def count(self, cursor: DuckDBPyConnection, document: Document, *, append: bool) -> None:
        """Records the rows of the partitions that were written."""
        if self.bounds or not document.get("timePartitioning"):
            partition, before = self.name.partition or UNPARTITIONED, (0, 0)
            if append:
                counts = catalog.partition_counts(cursor, self.name)
                before = next(((c.rows, c.logical_bytes) for c in counts if c.partition_id == partition), before)
            catalog.set_partition(cursor, self.name, partition, before[0] + self.rows, before[1] + self.size)
        else:
            catalog.recount(cursor, self.name, document, touched_all=not append)


def _chained(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def _row_count(cursor: DuckDBPyConnection, name: TableName) -> int:
    counts = catalog.partition_counts(cursor, name)
    return sum(count.rows for count in counts if name.partition in ("", count.partition_id))


def _partitioning(document: Mapping[str, Any], name: TableName) -> Partitioning:
    scheme = catalog.partitioning(document)
    if scheme is None:
        raise invalid(f"Table {name.whole} is not partitioned, so it has no partition ${name.partition}")
    return scheme


def _partition_check(document: Mapping[str, Any], name: TableName) -> tuple[Partitioning, dt.date, dt.date] | None:
    if not name.partition:
        return None
    scheme = _partitioning(document, name)
    return (scheme, *scheme.bounds(name.partition))


def _check_partition(
    name: TableName, scheme: Partitioning, first: dt.date, end: dt.date, batch: pa.RecordBatch
) -> None:
    """BigQuery refuses the whole job when one row is of another partition."""
    values = batch.column(scheme.column)
    if scheme.type is Type.TIMESTAMP:
        values = pc.floor_temporal(values, unit="day").cast(pa.timestamp("us")).cast(pa.date32())
    extremes = pc.min_max(values).as_py()
    outside = batch.num_rows and (values.null_count or extremes["min"] < first or extremes["max"] >= end)
    if outside:
        raise invalid(f"Some rows belong to different partitions rather than destination partition {name}")


def _check_partitioning(document: Mapping[str, Any], load: Mapping[str, Any]) -> None:
    asked, there = load.get("timePartitioning"), document.get("timePartitioning") or {}
    if asked and any(asked.get(key, there.get(key)) != there.get(key) for key in ("type", "field")):
        raise invalid("Incompatible table partitioning specification: it differs from the destination table's")


def _check_options(options: Sequence[str], disposition: str, *, partition: bool) -> None:
    for option in options:
        if option not in _OPTIONS:
            raise invalid(f"Invalid value for schemaUpdateOptions: expected {' or '.join(_OPTIONS)}, got {option!r}")
    if options and disposition != "WRITE_APPEND" and not (disposition == "WRITE_TRUNCATE" and partition):
        raise invalid(
            "Schema update options should only be specified with WRITE_APPEND disposition, "
            "or with WRITE_TRUNCATE disposition on a table partition."
        )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

"""Load jobs: Avro files into a table or one partition of it, in a single transaction with the job's own record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from beam_pipelines.local.bigquery import catalog, tables
from beam_pipelines.local.bigquery.errors import ApiError, duplicate, invalid, not_found, unsupported
from beam_pipelines.local.bigquery.jobs import Job, Jobs
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


@dataclass
class Loads:
    """Runs load jobs."""

    storage: Storage
    jobs: Jobs
    project: str
    translate_view: tables.TranslateView

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
        if load.get("writeDisposition", "WRITE_APPEND") not in _DISPOSITIONS:
            raise unsupported(f"load.writeDisposition {load['writeDisposition']}")

    def run(self, job: Job, sources: list[AvroSource] | None = None) -> None:
        """Does what the job's load configuration says."""
        load = job.configuration["load"]
        destination = load["destinationTable"]
        name = TableName.parse(self.project, destination["datasetId"], destination["tableId"])
        sources = resolve(load["sourceUris"]) if sources is None else sources
        columns = file_columns(sources, load)
        with self.storage.transaction() as cursor:
            job.cursor = cursor
            document = self._prepared(cursor, name, load, columns)
            written = _Written(name, _partition_check(document, name))
            for source in sources:
                written.insert(cursor, source, columns)
            written.count(cursor, document, append=load.get("writeDisposition") != "WRITE_TRUNCATE")
            job.statistics["load"] = {
                "inputFiles": str(len(sources)),
                "inputFileBytes": str(sum(source.size for source in sources)),
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
        fields = reconciled(name.whole, document, table_fields(columns, load), load.get("schemaUpdateOptions") or ())
        if fields != document["schema"]["fields"]:
            document = tables.add_columns(cursor, name, document, fields)
            catalog.save_table(cursor, name, document)
            tables.refresh_views(cursor, self.translate_view)
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
    refused: list[ApiError] = field(default_factory=list)

    def insert(self, cursor: DuckDBPyConnection, source: AvroSource, columns: tuple[Column, ...]) -> None:
        """Inserts a file's rows, batch by batch, without an object per row."""
        batches = self._checked(source, columns)
        first = next(batches, None)
        if first is None:
            return
        cursor.register("incoming", pa.RecordBatchReader.from_batches(first.schema, _chained(first, batches)))
        try:
            insert = f"INSERT INTO {self.name.sql} BY NAME SELECT * FROM incoming"  # noqa: S608 - quoted names
            cursor.execute(insert)
        except duckdb.Error as error:
            if self.refused:  # DuckDB wraps what the stream raised
                raise self.refused[0] from None
            raise invalid(f"Error while reading data, error message: {source.uri}: {_first_line(error)}") from error
        finally:
            cursor.unregister("incoming")

    def _checked(self, source: AvroSource, columns: tuple[Column, ...]) -> Iterator[pa.RecordBatch]:
        plain = pa.schema([column.arrow_field for column in columns])
        try:
            for batch in source.batches():
                cast = batch if batch.schema.equals(plain) else _cast(batch, plain)
                if self.bounds:
                    _check_partition(self.name, *self.bounds, cast)
                self.rows += cast.num_rows
                self.size += cast.nbytes
                if cast.num_rows:
                    yield cast
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


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        # Arrow casts a date to the number of its days only if that has the date's own 32 bits.
        column.cast(pa.int32()) if pa.types.is_date32(column.type) and pa.types.is_integer(field.type) else column
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.record_batch([column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema)


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


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

"""Loading staged files: one atomic load job per partition of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue
from google.cloud import bigquery

from beam_pipelines import storage, tables
from beam_pipelines.progress import Advance, ProgressLog
from beam_pipelines.transforms.lake_reading import Partition
from beam_pipelines.transforms.staging import StagedFile
from beam_pipelines.warehouse import partition_loads, provisioning
from beam_pipelines.warehouse.client import connect


class LoadedPartition(NamedTuple):
    """A partition that holds what was staged for it."""

    table: str
    partition: str
    rows: int
    job_id: str
    """Empty if there was nothing to do: an empty partition that was to be empty."""


def content_of(partition: Partition, staged: Iterable[StagedFile]) -> partition_loads.PartitionContent:
    """What a partition is to hold, from its staged files in any order."""
    table, partition_id = partition
    files = sorted(staged)
    return partition_loads.PartitionContent(
        table=tables.BY_NAME[table],
        partition=partition_id,
        files=tuple(file.path if storage.is_remote(file.path) else f"file://{file.path}" for file in files),
        fingerprints=tuple(file.fingerprint for file in files),
        rows=sum(file.rows for file in files),
    )


def prepare_warehouse(warehouse: str) -> str:
    """Makes sure that every dataset, table and view is there; returns the warehouse."""
    provisioning.prepare(connect(warehouse))
    return warehouse


class LoadPartitions(beam.DoFn):
    """(partition, staged files) -> the loaded partition.

    A bundle starts all its jobs before it waits for the first, so that BigQuery runs them side by side. A bundle that
    is run again finds the jobs of its first run by their ids. Most partitions of dead letters are to be empty and are:
    that takes a query for all of them together, and no job.
    """

    def __init__(self, progress: ProgressLog) -> None:
        self._progress = progress
        self._rows = Metrics.counter("load", "rows_loaded")
        self._partitions = Metrics.counter("load", "partitions_loaded")
        self._running: list[tuple[partition_loads.PartitionContent, bigquery.LoadJob]] = []
        self._with_rows: dict[str, frozenset[tuple[str, str]]] = {}

    def start_bundle(self) -> None:
        """Forgets the jobs of an earlier bundle, and what the warehouse held then."""
        self._running = []
        self._with_rows = {}

    def process(self, element: tuple[Partition, Iterable[StagedFile]], warehouse: str) -> Iterator[LoadedPartition]:
        """Starts the partition's job, or finds it; what has ended by now need not be waited for."""
        content, client = content_of(*element), connect(warehouse)
        if not content.rows and self._is_empty(client, content):
            yield self._loaded(content, "")
            return
        job = partition_loads.start(client, content)
        if job.state == "DONE":
            yield self._finished(content, job)
        else:
            self._running.append((content, job))

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Waits for the jobs that were still running."""
        window = GlobalWindow()
        for content, job in self._running:
            yield WindowedValue(self._finished(content, job), window.max_timestamp(), (window,))

    def _is_empty(self, client: bigquery.Client, content: partition_loads.PartitionContent) -> bool:
        """Whether the warehouse's partition has no rows."""
        dataset = content.table.dataset
        if dataset not in self._with_rows:
            self._with_rows[dataset] = partition_loads.partitions_with_rows(client, dataset)
        return (content.table.name, content.partition) not in self._with_rows[dataset]

    def _finished(self, content: partition_loads.PartitionContent, job: bigquery.LoadJob) -> LoadedPartition:
        """Waits for a job."""
        partition_loads.finish(job, content)
        return self._loaded(content, str(job.job_id))

    def _loaded(self, content: partition_loads.PartitionContent, job_id: str) -> LoadedPartition:
        """Deletes what was staged, and counts."""
        storage.delete([path.removeprefix("file://") for path in content.files])
        self._rows.inc(content.rows)
        self._partitions.inc()
        self._progress.add(Advance("load", content.table.name, rows=content.rows))
        return LoadedPartition(content.table.name, content.partition, content.rows, job_id)

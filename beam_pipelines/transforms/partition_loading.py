"""Loading staged files: one atomic load job per partition of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue
from google.cloud import bigquery

from beam_pipelines import storage
from beam_pipelines.lake import LakeError
from beam_pipelines.progress import Advance, ProgressLog
from beam_pipelines.transforms.accounting import NOTHING, Account
from beam_pipelines.transforms.lake_schemas import with_more
from beam_pipelines.transforms.partitions import Partition
from beam_pipelines.transforms.staging import Contribution, stage_nothing
from beam_pipelines.warehouse import partition_loads, provisioning
from beam_pipelines.warehouse.client import connect


class LoadedPartition(NamedTuple):
    """A partition that holds what was staged for it."""

    table: str
    partition: str
    account: Account
    job_id: str | None
    """None if there was nothing to do: an empty partition that was to be empty."""
    loaded_at: datetime | None
    """When the job ended."""
    input: str
    """Fingerprint of what it was loaded from; of lines of loads the word ``lines``."""


def account_of(partition: Partition, contributions: Iterable[Contribution]) -> Account:
    """The account of a partition; LakeError, with the difference, if it does not add up."""
    account = sum((contribution.account for contribution in contributions), NOTHING)
    table, partition_id = partition
    if differences := account.differences(table):
        raise LakeError(f"partition {partition_id or 'all'} of {table} does not add up: {'; '.join(differences)}")
    return account


def content_of(partition: Partition, contributions: Iterable[Contribution]) -> partition_loads.PartitionContent:
    """What a partition is to hold, from what contributes to it in any order."""
    table, partition_id = partition
    contributions = list(contributions)
    files = sorted(one.file for one in contributions if one.file)
    more = next((one.more_columns for one in contributions if one.more_columns), ())
    return partition_loads.PartitionContent(
        table=with_more(table, more),
        partition=partition_id,
        files=tuple(_address(file.path) for file in files),
        fingerprints=tuple(file.fingerprint for file in files),
        rows=sum(file.rows for file in files),
        adds_columns=bool(more),
    )


def _address(path: str) -> str:
    """A staged file as a load job names it."""
    return path if storage.is_remote(path) else f"file://{path}"


def prepare_warehouse(warehouse: str) -> str:
    """Makes sure that every dataset, table and view is there; returns the warehouse."""
    provisioning.prepare(connect(warehouse))
    return warehouse


class _Running(NamedTuple):
    """A partition whose job was started."""

    content: partition_loads.PartitionContent
    account: Account
    input: str
    job: bigquery.LoadJob


class LoadPartitions(beam.DoFn):
    """(partition, contributions) -> the loaded partition.

    A bundle starts all its jobs before it waits for the first, so that BigQuery runs them side by side. A bundle that
    is run again finds the jobs of its first run by their ids. Most partitions of dead letters are to be empty and are:
    that takes a query for all of them together, and no job.
    """

    def __init__(self, staging: str, progress: ProgressLog) -> None:
        self._staging, self._progress = staging, progress
        self._rows = Metrics.counter("load", "rows_loaded")
        self._partitions = Metrics.counter("load", "partitions_loaded")
        self._per_partition = Metrics.distribution("load", "rows_per_partition")
        self._running: list[_Running] = []
        self._with_rows: dict[str, frozenset[tuple[str, str]]] = {}

    def start_bundle(self) -> None:
        """Forgets the jobs of an earlier bundle, and what the warehouse held then."""
        self._running = []
        self._with_rows = {}

    def process(self, element: tuple[Partition, Iterable[Contribution]], warehouse: str) -> Iterator[LoadedPartition]:
        """Starts the partition's job, or finds it; what has ended by now need not be waited for."""
        partition, contributions = element[0], list(element[1])
        source = max(one.input for one in contributions)
        if not source:
            storage.delete([one.file.path for one in contributions if one.file])
            return
        account, content = account_of(partition, contributions), content_of(partition, contributions)
        client = connect(warehouse)
        if not content.rows:
            if self._is_empty(client, content):
                yield self._loaded(content, account, source, None)
                return
            content = replace(content, files=(_address(stage_nothing(self._staging, content.table, partition[1])),))
        running = _Running(content, account, source, partition_loads.start(client, content))
        if running.job.state == "DONE":
            yield self._finished(running)
        else:
            self._running.append(running)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Waits for the jobs that were still running."""
        window = GlobalWindow()
        for running in self._running:
            yield WindowedValue(self._finished(running), window.max_timestamp(), (window,))

    def _is_empty(self, client: bigquery.Client, content: partition_loads.PartitionContent) -> bool:
        """Whether the warehouse's partition has no rows."""
        dataset = content.table.dataset
        if dataset not in self._with_rows:
            self._with_rows[dataset] = partition_loads.partitions_with_rows(client, dataset)
        return (content.table.name, content.partition) not in self._with_rows[dataset]

    def _finished(self, running: _Running) -> LoadedPartition:
        """Waits for a job."""
        partition_loads.finish(running.job, running.content)
        return self._loaded(running.content, running.account, running.input, running.job)

    def _loaded(
        self, content: partition_loads.PartitionContent, account: Account, source: str, job: bigquery.LoadJob | None
    ) -> LoadedPartition:
        """Deletes what was staged, and counts."""
        storage.delete([path.removeprefix("file://") for path in content.files])
        self._rows.inc(content.rows)
        self._partitions.inc()
        self._per_partition.update(content.rows)
        self._progress.add(Advance("load", content.table.name, rows=content.rows))
        job_id, ended = (str(job.job_id), job.ended) if job else (None, None)
        return LoadedPartition(content.table.name, content.partition, account, job_id, ended, source)

"""Replacing one partition of one table, atomically and once, however often it is tried.

A load job's id is derived from table, partition and content, so whoever tries again finds the job that an earlier try
started and waits for that one. A job that has ended counts only while the partition still holds what it loaded; after
somebody has changed the partition, or when the job failed, the next attempt number is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from google.api_core.exceptions import Conflict, GoogleAPICallError
from google.cloud import bigquery

from beam_pipelines.schema import Table
from beam_pipelines.warehouse.client import WarehouseError

ATTEMPTS = 100
"""Attempts at the same content before giving up; each failed load or foreign change takes one."""


@dataclass(frozen=True)
class PartitionContent:
    """What a partition is to hold: staged Avro files, and what identifies their content."""

    table: Table
    partition: str
    """``20251128``, ``202511``, or empty for a table that is not partitioned."""
    files: tuple[str, ...]
    fingerprints: tuple[str, ...]
    rows: int
    adds_columns: bool = False
    """Whether the table may have to get columns that it has not."""

    @property
    def destination(self) -> str:
        """``dataset.table$partition``."""
        return f"{self.table.dataset}.{self.table.name}" + (f"${self.partition}" if self.partition else "")

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the content."""
        text = "\n".join((self.destination, self.table.fingerprint, *self.fingerprints))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def job_id(self, attempt: int) -> str:
        """The id of the job that loads this content."""
        return f"{_ids_begin(self.table, self.partition)}{self.fingerprint}_{attempt}"


def _ids_begin(table: Table, partition: str) -> str:
    """How the ids of all jobs begin that load a partition."""
    return f"retail_load_{table.name}_{partition or 'all'}_"


def start(client: bigquery.Client, content: PartitionContent) -> bigquery.LoadJob:
    """The job that loads the content: a new one, or the one that an earlier try has started or finished."""
    for attempt in range(ATTEMPTS):
        job_id = content.job_id(attempt)
        try:
            return client.load_table_from_uri(
                list(content.files),
                f"{client.project}.{content.destination}",
                job_id=job_id,
                job_config=_configuration(content),
            )
        except Conflict:
            job = cast(bigquery.LoadJob, client.get_job(job_id))
            if job.state != "DONE" or (not job.error_result and _still_holds(client, content, job)):
                return job
    raise WarehouseError(f"{content.destination}: {ATTEMPTS} load jobs of this content have failed or been undone")


def finish(job: bigquery.LoadJob, content: PartitionContent) -> None:
    """Waits for the job; WarehouseError if it fails or loads another number of rows than was staged."""
    try:
        job.result()
    except GoogleAPICallError as error:
        raise WarehouseError(f"{content.destination}: load job {job.job_id} failed: {error.message}") from error
    if job.output_rows != content.rows:
        raise WarehouseError(
            f"{content.destination}: load job {job.job_id}: expected {content.rows} rows, loaded {job.output_rows}"
        )


def partitions_with_rows(client: bigquery.Client, dataset: str) -> frozenset[tuple[str, str]]:
    """Names of a dataset's tables, each with the id of a partition that holds rows and with the empty string."""
    query = f"""
        SELECT table_name, partition_id
        FROM `{client.project}.{dataset}.INFORMATION_SCHEMA.PARTITIONS`
        WHERE total_rows > 0
    """  # noqa: S608 - project and dataset are ours, and names cannot be query parameters
    found = [(row["table_name"], row["partition_id"]) for row in client.query_and_wait(query)]
    return frozenset([*found, *((table, "") for table, _ in found)])


def _configuration(content: PartitionContent) -> bigquery.LoadJobConfig:
    configuration = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.AVRO,
        use_avro_logical_types=True,
        schema=[bigquery.SchemaField.from_api_repr(field) for field in content.table.bigquery_schema],
        create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
    )
    if content.adds_columns and content.partition:  # without a partition the schema is overwritten as it is
        configuration.schema_update_options = [bigquery.SchemaUpdateOption.ALLOW_FIELD_ADDITION]
    return configuration


def is_replaced(client: bigquery.Client, table: Table, partition: str, job_id: str | None) -> bool:
    """Whether another load has replaced a partition after a job had loaded it, or had found it empty and left it so.

    Of another load only jobs of the last day are seen. Who changes a partition in another way does not replace it.
    """
    since = datetime.now(UTC) - timedelta(days=1)
    ended = client.get_job(job_id).ended if job_id else since
    others = client.list_jobs(min_creation_time=since, state_filter="done")
    return any(
        job.job_id.startswith(_ids_begin(table, partition))
        and job.job_id != job_id
        and not job.error_result
        and job.ended >= ended
        for job in others
    )


def _still_holds(client: bigquery.Client, content: PartitionContent, job: bigquery.LoadJob) -> bool:
    """Whether nobody has changed the partition since the job wrote it."""
    rows, changed = _partition_state(client, content.table, content.partition)
    return rows == job.output_rows and (changed is None or changed <= job.ended)


def _partition_state(client: bigquery.Client, table: Table, partition: str) -> tuple[int, datetime | None]:
    if not partition:
        found = client.get_table(f"{client.project}.{table.dataset}.{table.name}")
        return found.num_rows, found.modified
    query = f"""
        SELECT total_rows, last_modified_time
        FROM `{client.project}.{table.dataset}.INFORMATION_SCHEMA.PARTITIONS`
        WHERE table_name = @table AND partition_id = @partition
    """  # noqa: S608 - project and dataset are ours, and names cannot be query parameters
    parameters: Sequence[bigquery.ScalarQueryParameter] = [
        bigquery.ScalarQueryParameter("table", "STRING", table.name),
        bigquery.ScalarQueryParameter("partition", "STRING", partition),
    ]
    rows = list(client.query_and_wait(query, job_config=bigquery.QueryJobConfig(query_parameters=parameters)))
    return (rows[0]["total_rows"], rows[0]["last_modified_time"]) if rows else (0, None)

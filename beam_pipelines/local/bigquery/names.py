"""How BigQuery names datasets, tables, partitions and moments."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from beam_pipelines.local.bigquery.errors import invalid
from beam_pipelines.local.bigquery.storage import RESERVED_SCHEMAS

_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_TABLE = re.compile(r"[\w\- ]{1,1024}")
_PARTITION = re.compile(r"\d{4}(\d{2}(\d{2}(\d{2})?)?)?|__NULL__")
_JOB = re.compile(r"[A-Za-z0-9_\-]{1,1024}")


@dataclass(frozen=True, order=True)
class TableName:
    """A table of the served project, with or without a partition decorator."""

    project: str
    dataset: str
    table: str
    partition: str = ""

    @classmethod
    def parse(cls, project: str, dataset: str, table: str) -> TableName:
        """The name in a path or a tableReference; ``table`` may end in ``$20251128``."""
        table, decorated, partition = table.partition("$")
        if decorated and not _PARTITION.fullmatch(partition):
            raise invalid(f"Invalid partition decorator: ${partition}")
        return cls(project, dataset, table, partition)

    @property
    def whole(self) -> TableName:
        """The table without the partition decorator."""
        return TableName(self.project, self.dataset, self.table)

    @property
    def sql(self) -> str:
        """The table in DuckDB's SQL."""
        return f'"{self.dataset}"."{self.table}"'

    @property
    def reference(self) -> dict[str, str]:
        """The table as a TableReference."""
        return {"projectId": self.project, "datasetId": self.dataset, "tableId": self.table}

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}" + (f"${self.partition}" if self.partition else "")


def check_dataset_id(dataset_id: str) -> None:
    """Raises an ApiError for an id that a dataset cannot have."""
    if not _DATASET.fullmatch(dataset_id):
        raise invalid(f'Invalid dataset ID "{dataset_id}". Dataset IDs must be alphanumeric (plus underscores)')
    if dataset_id.startswith("_") or dataset_id.lower() in RESERVED_SCHEMAS:
        raise invalid(f'Invalid dataset ID "{dataset_id}": the local BigQuery keeps that name for itself')


def check_table_id(table_id: str) -> None:
    """Raises an ApiError for an id that a table cannot have."""
    if not _TABLE.fullmatch(table_id):
        raise invalid(
            f'Invalid table ID "{table_id}". Table IDs must be letters, numbers, underscores, dashes or spaces'
        )


def check_job_id(job_id: str) -> None:
    """Raises an ApiError for an id that a job cannot have."""
    if not _JOB.fullmatch(job_id):
        raise invalid(f'Invalid job ID "{job_id}". Job IDs must be alphanumeric (plus underscores and dashes)')


def now_millis() -> int:
    """The present in the API's unit, milliseconds since 1970."""
    return time.time_ns() // 1_000_000

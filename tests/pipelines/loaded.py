"""What a load has left in the warehouse: rows of queries, and its jobs."""

from __future__ import annotations

from collections.abc import Iterable

from google.cloud import bigquery


def query(warehouse: bigquery.Client, text: str) -> list[tuple]:
    """The rows of a query's result."""
    return [row.values() for row in warehouse.query_and_wait(text)]


def without_lines(jobs: Iterable[str]) -> list[str]:
    """Jobs without those of ops.partition_loads, whose content is when the others ended."""
    return [job for job in jobs if not job.startswith("retail_load_partition_loads_")]

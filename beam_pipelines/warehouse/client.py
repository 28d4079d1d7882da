"""Connecting to BigQuery, or to what answers in its place."""

from __future__ import annotations

import functools
import os

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

SCHEME = "bigquery://"
EMULATOR = "BIGQUERY_EMULATOR_HOST"
"""Environment variable that points Google's client at another server."""


class WarehouseError(Exception):
    """The warehouse did not do what it was asked to; the message is one line."""


def project_of(warehouse: str) -> str:
    """The project of a ``bigquery://PROJECT`` address.

    >>> project_of("bigquery://my-project")
    'my-project'
    """
    project = warehouse.removeprefix(SCHEME)
    if not warehouse.startswith(SCHEME) or not project or "/" in project:
        raise WarehouseError(f"warehouse: expected {SCHEME}PROJECT, got {warehouse!r}")
    return project


@functools.lru_cache(maxsize=4)
def connect(warehouse: str) -> bigquery.Client:
    """A client of the warehouse, one per process; the emulator asks for no credentials."""
    project = project_of(warehouse)
    if os.environ.get(EMULATOR):
        return bigquery.Client(project=project, credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    return bigquery.Client(project=project)

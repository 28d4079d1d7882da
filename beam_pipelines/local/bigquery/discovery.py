"""BigQuery's requests, checked against Google's own description of them."""

from __future__ import annotations

from typing import Any

from beam_pipelines.local.bigquery.errors import invalid
from beam_pipelines.local.discovery import Discovery

API = "bigquery.v2"


def check(schema: str, body: Any) -> None:
    """Raises an ApiError that names every place where ``body`` departs from the named schema."""
    if problems := Discovery(API).check(schema, body):
        raise invalid("Invalid JSON payload received. " + "; ".join(problems))

"""The queries that people write for theLook, on what the load pipeline has loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud import bigquery

QUERIES = sorted((Path(__file__).parents[1] / "local" / "thelook_queries").glob("*.sql"))


@pytest.mark.parametrize("query", QUERIES, ids=[query.stem for query in QUERIES])
def test_every_query_runs_on_what_was_loaded(loaded: bigquery.Client, query: Path) -> None:
    """Three days of a small world: the names and types of the views are those that the queries ask for."""
    result = loaded.query(query.read_text(encoding="utf-8")).result()
    assert len(result.schema) > 0

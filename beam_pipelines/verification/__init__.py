"""Whether a lake is what it says it is, and whether its world looks real.

Checks are data (``integrity``, ``realism``): a name, what is wanted, and SQL. ``manifests`` finds the days, ``reading``
puts the columns that the checks read into a DuckDB database, ``checks`` runs them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from beam_pipelines.verification import integrity, realism
from beam_pipelines.verification.checks import Check, Checking, Measure, Outcome, Prepared, Rule, Status, lake_columns
from beam_pipelines.verification.manifests import TARGETS as FILE_TARGETS
from beam_pipelines.verification.manifests import Days, Faults, find
from beam_pipelines.verification.reading import read

__all__ = [
    "FILE_TARGETS",
    "MEASURES",
    "PREPARED",
    "RULES",
    "Check",
    "Checking",
    "Days",
    "Faults",
    "Measure",
    "Outcome",
    "Prepared",
    "Rule",
    "Status",
    "database",
    "find",
    "lake_columns",
    "read",
]

RULES = integrity.RULES
"""Every rule of integrity."""

MEASURES = realism.MEASURES
"""Every measure of realism."""

PREPARED = {table.name: table for table in (*integrity.PREPARED, *realism.PREPARED)}
"""Tables that checks read beside the lake's, by name."""

MEMORY = "1GB"
"""What the database may hold in memory; the rest lies in its file."""


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database, which is gone when the context ends."""
    with tempfile.TemporaryDirectory(prefix="retail-") as folder:
        # In a file even if it is small: there columns are compressed, in memory they are not.
        settings: dict[str, Any] = {
            "memory_limit": MEMORY,
            "threads": str(os.cpu_count() or 1),
            "preserve_insertion_order": "false",
            "temp_directory": folder,
        }
        with duckdb.connect(str(Path(folder) / "lake.duckdb"), config=settings) as connection:
            yield connection

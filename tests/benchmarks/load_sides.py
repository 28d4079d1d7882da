"""One side of the load as a process: ``python -m tests.benchmarks.load_sides SIDE LAKE FIRST LAST OUTPUT``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Side:
    """Who does the job, and on what."""

    module: str
    """In which ``load`` does it; imported by the process that runs it alone."""
    file_format: str = "avro"
    options: Mapping[str, Any] = field(default_factory=dict)


SIDES = {
    "ours": Side("load_ours"),
    "ours, two processes": Side("load_ours", options={"workers": 2}),
    "usual Beam": Side("load_beam"),
    "DuckDB": Side("load_duckdb", "parquet"),
    "DuckDB, rows in order": Side("load_duckdb", "parquet", {"in_order": True}),
    "polars": Side("load_polars", "parquet"),
}


def load(side: Side, lake: Path, first: date, last: date, output: Path) -> None:
    """Loads the orders of some days."""
    importlib.import_module(f"tests.benchmarks.{side.module}").load(lake, first, last, output, **side.options)


if __name__ == "__main__":
    name, source, start, end, target = sys.argv[1:]
    load(SIDES[name], Path(source), date.fromisoformat(start), date.fromisoformat(end), Path(target))

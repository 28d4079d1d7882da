"""Generating a year of orders, beside tpchgen-cli, the fastest data generator we know, writing snappy parquet."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from beam_pipelines import tables
from beam_pipelines.world import World, day_number
from tests.benchmarks.measured import median, run

YEAR = (date(2025, 1, 1), date(2025, 12, 31))
BIN = Path(sys.executable).parent
TPCH_SCALE = 1


def ours(first: date, last: date) -> Sequence[str]:
    """``retail generate`` of orders alone; the folder is added by :func:`in_folder`."""
    return [
        str(BIN / "retail"),
        "generate",
        f"--start_date={first}",
        f"--end_date={last}",
        "--tables=orders",
        "--scale=1",
    ]


def rows_and_values(first: date, last: date) -> tuple[int, int]:
    """Orders of the days, and the field values in them: one per column, and one per field of each item."""
    world = World(seed=42, scale=1)
    days = range(day_number(first), day_number(last) + 1)
    rows = sum(world.rows("orders", day) for day in days)
    # The share of items is the same every day: one day's is enough to know the year's to a per cent.
    day = [world.block("orders", days[0], block) for block in range(world.blocks("orders", days[0]))]
    items = sum(len(batch.column("items").flatten()) for batch in day) / sum(batch.num_rows for batch in day)
    scalars = len(tables.ORDERS.columns) - 1
    fields = len(tables.ORDERS.column("items").fields)
    return rows, round(rows * (scalars + items * fields))


def tpch_rows_and_values(folder: Path) -> tuple[int, int]:
    """Rows and values of parquet files."""
    found = [pq.read_metadata(path) for path in folder.rglob("*.parquet")]
    return sum(one.num_rows for one in found), sum(one.num_rows * one.num_columns for one in found)


def measure(repeats: int) -> dict[str, dict[str, Any]]:
    """Each side's figures, the two measured in turn."""
    counted: dict[str, tuple[int, int]] = {
        "retail": rows_and_values(*YEAR),
        "day": rows_and_values(YEAR[0], YEAR[0]),
    }

    def tpch(folder: str) -> Sequence[str]:
        # fmt: off
        return [str(BIN / "tpchgen-cli"), "parquet", f"--scale-factor={TPCH_SCALE}", "--tables=orders,lineitem",
                "--compression=SNAPPY", f"--output-dir={folder}"]
        # fmt: on

    runs: dict[str, list[Any]] = {"retail": [], "start-up": [], "tpchgen-cli": []}
    for _ in range(repeats):
        runs["retail"].append(run(lambda folder: [*ours(*YEAR), f"--output={folder}"]))
        runs["start-up"].append(run(lambda folder: [*ours(YEAR[0], YEAR[0]), f"--output={folder}"]))
        runs["tpchgen-cli"].append(run(tpch))
    counted["tpchgen-cli"] = _tpch_counts(tpch)
    medians = {name: median(found) for name, found in runs.items()}
    whole, start = medians["retail"], medians["start-up"]
    orders, values = counted["retail"]
    tpch_rows, tpch_values = counted["tpchgen-cli"]
    peer = medians["tpchgen-cli"]
    return {
        "retail generate, a year of orders": _figures(orders, values, whole, whole.cpu_seconds),
        "the same, a day only": _figures(*counted["day"], start, start.cpu_seconds),
        "the same, start-up excluded": _figures(orders, values, whole, whole.cpu_seconds - start.cpu_seconds),
        "tpchgen-cli parquet snappy": _figures(tpch_rows, tpch_values, peer, peer.cpu_seconds),
    }


def _tpch_counts(command: Any) -> tuple[int, int]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        subprocess.run(command(folder), check=True, capture_output=True)
        return tpch_rows_and_values(Path(folder))


def _figures(rows: int, values: int, measured: Any, cpu: float) -> dict[str, Any]:
    return {
        "rows": rows,
        "values": values,
        "wall_seconds": round(measured.wall_seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "rows_per_cpu_second": round(rows / cpu),
        "values_per_cpu_second": round(values / cpu),
        "peak_mb": round(measured.peak_bytes / 1e6),
        "written_mb": round(measured.written_bytes / 1e6),
    }

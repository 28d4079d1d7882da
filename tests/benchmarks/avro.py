"""The Avro codec and the generator beside their peers, each side in a process of its own, in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.benchmarks.measured import Comparison, run

TPCH_SCALE = 1
BIN = Path(sys.executable).parent


COMPARISONS = (
    Comparison("encode, null codec, beside fastavro.writer", "encode", "encode_with_fastavro", "rows", 110, 200),
    Comparison(
        "decode to Arrow, null codec, beside fastavro.reader + pyarrow",
        "decode",
        "decode_with_fastavro",
        "rows",
        60,
        150,
    ),
    Comparison("decode to Arrow, null codec, beside polars.read_avro", "decode", "decode_with_polars", "rows", 2, 4),
    Comparison(
        "draw, encode, snappy, write, beside tpchgen-cli parquet snappy",
        "write_snappy",
        "tpch_parquet",
        "values",
        2.5,
        5,
    ),
    Comparison("draw, encode, write, beside tpchgen-cli CSV", "write_null", "tpch_csv", "values", 5, 8),
    Comparison(
        "draw, encode, snappy, write through Beam, beside the same without Beam",
        "write_in_beam",
        "write_days",
        "rows",
        0.9,
        0.97,
    ),
)
"""With what each ratio has to be at least, and should be."""


def tpch(output_format: str) -> Callable[[], dict[str, Any]]:
    """tpchgen-cli, the fastest data generator we know, as a whole process."""

    def measure() -> dict[str, Any]:
        # fmt: off
        def command(folder: str) -> list[str]:
            return [str(BIN / "tpchgen-cli"), output_format, f"--scale-factor={TPCH_SCALE}", "--tables=orders,lineitem",
                    f"--output-dir={folder}", *(["--compression=SNAPPY"] if output_format == "parquet" else [])]
        # fmt: on
        found = run(command)
        rows, values = _tpch_counts(command)
        return {
            "rows": rows,
            "values": values,
            "cpu_seconds": found.cpu_seconds,
            "wall_seconds": found.wall_seconds,
            "peak_bytes": found.peak_bytes,
        }

    return measure


_counted: dict[str, tuple[int, int]] = {}


def _tpch_counts(command: Callable[[str], list[str]]) -> tuple[int, int]:
    """Rows and values that a command writes, counted once."""
    key = command("")[1]
    if key not in _counted:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            subprocess.run(command(folder), check=True, capture_output=True)
            _counted[key] = _counts(Path(folder))
    return _counted[key]


def _counts(folder: Path) -> tuple[int, int]:
    found = [(one.num_rows, one.num_columns) for one in map(pq.read_metadata, folder.rglob("*.parquet"))]
    for path in folder.rglob("*.csv"):
        with path.open("rb") as file:
            columns = file.readline().count(b",") + 1
            found.append((sum(1 for _ in file), columns))
    return sum(rows for rows, _ in found), sum(rows * columns for rows, columns in found)


def task(name: str) -> dict[str, Any]:
    """A task of avro_tasks in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.avro_tasks", name], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sides(comparisons: Sequence[Comparison]) -> dict[str, Callable[[], dict[str, Any]]]:
    """How each side is measured."""
    names = {name for line in comparisons for name in (line.ours, line.peer)}
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "tpch_parquet": tpch("parquet"),
        "tpch_csv": tpch("csv"),
    }
    tasks = {name: (lambda name=name: task(name)) for name in names - found.keys()}  # type: ignore[misc]
    return {name: (found | tasks)[name] for name in sorted(names)}


def measure(repeats: int, comparisons: Sequence[Comparison] = COMPARISONS) -> dict[str, dict[str, Any]]:
    """Each comparison's ratio: the median over rounds in which every side had its turn."""
    measured = sides(comparisons)
    rounds = [{name: side() for name, side in measured.items()} for _ in range(repeats)]
    return {line.title: _line(line, rounds) for line in comparisons}


def _line(line: Comparison, rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    def rate(found: dict[str, Any], seconds: str = "cpu_seconds") -> float:
        return float(found[line.unit] / found[seconds])

    def middle(of: Callable[[dict[str, dict[str, Any]]], float]) -> float:
        return statistics.median(map(of, rounds))

    return {
        "unit": line.unit,
        "ours_per_cpu_second": round(middle(lambda one: rate(one[line.ours]))),
        "peer_per_cpu_second": round(middle(lambda one: rate(one[line.peer]))),
        "ratio": round(middle(lambda one: rate(one[line.ours]) / rate(one[line.peer])), 2),
        "at_least": line.at_least,
        "aim": line.aim,
        "ours_per_second": round(middle(lambda one: rate(one[line.ours], "wall_seconds"))),
        "peer_per_second": round(middle(lambda one: rate(one[line.peer], "wall_seconds"))),
        "ours_peak_mb": round(middle(lambda one: one[line.ours]["peak_bytes"]) / 1e6),
        "peer_peak_mb": round(middle(lambda one: one[line.peer]["peak_bytes"]) / 1e6),
    }

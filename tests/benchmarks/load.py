"""The load from the lake to files, without the warehouse, beside what people use for it: each side a process, in turn.

Everybody does the same with the same rows: reads orders, checks all their rules, keeps the newest version of each,
joins every line with the version of its product that was valid at that moment, adds up the day's sales, and writes
orders, lines, sales and dead letters. What the sides have written is compared day by day.

Every task is also run on next to nothing: what that takes is its start-up, the reading of all products included.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from beam_pipelines.world import World, day_number
from tests.benchmarks import load_figures, load_lakes
from tests.benchmarks.load_figures import Figures
from tests.benchmarks.load_processes import Run, run
from tests.benchmarks.load_sides import SIDES
from tests.benchmarks.measured import Comparison

Days = tuple[date, date]
"""First and last, both included."""

DAYS = (date(2025, 11, 10), date(2025, 12, 9))
ONE_DAY = (DAYS[0], DAYS[0])
NEXT_TO_NOTHING, SCALE, LARGER = 0.05, 4.5, 36
"""Scales at which the thirty days have twenty thousand orders, two million, and sixteen million."""


@dataclass(frozen=True)
class Task:
    """A side, and what it gets to do."""

    side: str
    scale: float = SCALE
    days: Days = DAYS


TASKS = {
    "ours": Task("ours"),
    "usual Beam": Task("usual Beam", days=ONE_DAY),
    "DuckDB": Task("DuckDB"),
    "DuckDB, rows in order": Task("DuckDB, rows in order"),
    "polars": Task("polars"),
    "one process": Task("ours", LARGER),
    "DuckDB, sixteen million": Task("DuckDB", LARGER),
    "two processes": Task("ours, two processes", LARGER),
}

LARGE_DAY = date(2025, 12, 1)
LARGE_DAY_ORDERS = 5_000_000
LARGE_DAY_MB, LARGE_DAY_MB_AIM = 2500, 1500

COMPARISONS = (
    Comparison("beside the usual Beam job", "ours", "usual Beam", "cpu, start-up excluded", 40, 90),
    Comparison("beside DuckDB", "ours", "DuckDB", "cpu", 1, 1.67),
    Comparison("the same", "ours", "DuckDB", "cpu, start-up excluded", 1, 1.67),
    Comparison("the same with sixteen million orders", "one process", "DuckDB, sixteen million", "cpu", 1, 1.67),
    Comparison("beside DuckDB, rows in order", "ours", "DuckDB, rows in order", "cpu, start-up excluded", 1, 1.67),
    Comparison("beside polars", "ours", "polars", "cpu, start-up excluded", 1, 1.67),
    Comparison("two worker processes beside one", "two processes", "one process", "wall", 1.3, 1.7),
    Comparison("the same", "two processes", "one process", "wall, start-up excluded", 1.3, 1.7),
)
"""Sides are tasks; rates are per second of ``cpu`` or ``wall``, perhaps with ``start-up excluded``."""


@dataclass(frozen=True)
class Measured:
    """A task's run, and how many orders it read."""

    orders: int
    run: Run


Round = dict[str, Measured]


def rate(whole: Measured, idle: Measured, unit: str) -> float:
    """Orders per second of a comparison's unit; nan where other work on the machine has made the start-up longer.

    >>> rate(Measured(500, Run(3, 6, 0)), Measured(100, Run(1, 2, 0)), "cpu, start-up excluded")
    100.0
    """
    kind, _, without_start = unit.partition(", ")
    seconds, start = (one.run.cpu_seconds if kind == "cpu" else one.run.wall_seconds for one in (whole, idle))
    if not without_start:
        return whole.orders / seconds
    return (whole.orders - idle.orders) / (seconds - start) if seconds > start else math.nan


def measure(repeats: int) -> dict[str, dict[str, Any]]:
    """Each comparison's ratio: the median over rounds in which every task had its turn; and the memory of a large day.

    SystemExit if the sides have not written the same.
    """
    with tempfile.TemporaryDirectory(prefix="bench-load-") as name:
        lakes = Path(name)
        used = {(SIDES[task.side].file_format, task.scale) for task in TASKS.values()}
        for file_format, scale in sorted(used | {(file_format, NEXT_TO_NOTHING) for file_format, _ in used}):
            load_lakes.write(lake_of(lakes, file_format, scale), scale, *DAYS, file_format=file_format)
        idle = {
            name: measured(lakes, dataclasses.replace(task, scale=NEXT_TO_NOTHING))[0] for name, task in TASKS.items()
        }
        rounds = [one_round(lakes) for _ in range(repeats)]
    return {f"{line.title}: {line.unit}": _line(line, idle, rounds) for line in COMPARISONS} | large_day()


def one_round(lakes: Path) -> Round:
    """All tasks in turn; SystemExit if they have not written the same of the same."""
    found: Round = {}
    written: dict[float, dict[str, dict[date, Figures]]] = {}
    for name, task in TASKS.items():
        found[name], figures = measured(lakes, task)
        written.setdefault(task.scale, {})[name] = figures
    if lines := [line for alike in written.values() for line in load_figures.differences(alike)]:
        raise SystemExit("\n".join(["the sides of the load have not written the same:", *lines[:20]]))
    return found


def measured(lakes: Path, task: Task) -> tuple[Measured, dict[date, Figures]]:
    """A task's run, and what it has written."""
    lake = lake_of(lakes, SIDES[task.side].file_format, task.scale)
    with tempfile.TemporaryDirectory(prefix="bench-load-") as output:
        found = run(command(task.side, lake, task.days, Path(output)))
        return Measured(load_lakes.orders(lake, task.days), found), load_figures.figures(Path(output))


def lake_of(lakes: Path, file_format: str, scale: float) -> Path:
    """Where a lake is that tasks share."""
    return lakes / file_format / str(scale)


def command(side: str, lake: Path, days: Days, output: Path) -> list[str]:
    """How a side is run."""
    first, last = map(str, days)
    return [sys.executable, "-m", "tests.benchmarks.load_sides", side, str(lake), first, last, str(output)]


def _line(line: Comparison, idle: Round, rounds: list[Round]) -> dict[str, Any]:
    def per_second(one: Round, task: str) -> float:
        return rate(one[task], idle[task], line.unit)

    def figures(task: str) -> dict[str, float]:
        runs = [one[task].run for one in rounds]
        return {
            "per_second": round(statistics.median(per_second(one, task) for one in rounds), 1),
            "cpu_seconds": round(statistics.median(run.cpu_seconds for run in runs), 1),
            "wall_seconds": round(statistics.median(run.wall_seconds for run in runs), 1),
            "peak_mb": round(statistics.median(run.peak_bytes for run in runs) / 1e6),
        }

    ratio = statistics.median(per_second(one, line.ours) / per_second(one, line.peer) for one in rounds)
    return _row(ratio, line.at_least, line.aim, figures(line.ours), figures(line.peer))


def _row(
    ratio: float, at_least: float, aim: float, ours: Mapping[str, float], peer: Mapping[str, float | str]
) -> dict[str, Any]:
    row: dict[str, Any] = {"ratio": round(ratio, 2), "at_least": at_least, "aim": aim}
    for name in ours:
        row |= {f"ours_{name}": ours[name], f"peer_{name}": peer[name]}
    return row


def large_day() -> dict[str, dict[str, Any]]:
    """The memory that ours takes for a single large day in one process, beside what it may take."""
    at_scale_1 = World(seed=load_lakes.SEED, scale=1).rows("orders", day_number(LARGE_DAY))
    days = (LARGE_DAY, LARGE_DAY)
    with tempfile.TemporaryDirectory(prefix="bench-load-") as name:
        lake, output = Path(name) / "lake", Path(name) / "output"
        load_lakes.write(lake, math.ceil(LARGE_DAY_ORDERS / at_scale_1), *days)
        orders = load_lakes.orders(lake, days)
        found = run(command("ours", lake, days, output))
    ours = {
        "per_second": round(orders / found.cpu_seconds),
        "cpu_seconds": round(found.cpu_seconds, 1),
        "wall_seconds": round(found.wall_seconds, 1),
        "peak_mb": round(found.peak_bytes / 1e6),
    }
    allowed: dict[str, float | str] = {**dict.fromkeys(ours, "-"), "peak_mb": LARGE_DAY_MB}
    ratio, aim = LARGE_DAY_MB / ours["peak_mb"], round(LARGE_DAY_MB / LARGE_DAY_MB_AIM, 2)
    return {f"a day of {orders / 1e6:.1f} M orders, beside the memory allowed": _row(ratio, 1, aim, ours, allowed)}

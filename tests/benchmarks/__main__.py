"""``make bench``: prints each benchmark as a table and writes build/benchmarks.json and build/benchmarks.svg."""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import avro, chart, commands, generate, load, world

BENCHMARKS = {
    "avro": avro.measure,
    "world": world.measure,
    "generate": generate.measure,
    "load": load.measure,
    "commands": commands.measure,
}
RESULTS = Path("build/benchmarks.json")
CHART = Path("build/benchmarks.svg")


def main() -> None:
    """Runs the benchmarks that were asked for, all by default."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], default=[])
    parser.add_argument("--repeats", type=int, default=3, help="Runs of each command, of which the median counts.")
    given = parser.parse_args()
    document: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": processor(),
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "repeats": given.repeats,
    }
    for name in given.names or BENCHMARKS:
        document[name] = BENCHMARKS[name](given.repeats)
        show(name, document[name])
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    lines = document.get("avro", {}) | document.get("world", {})
    if lines:
        machine = document["machine"]
        where = f"{machine['cpus']} cores of {machine['processor']}, Python {machine['python']}"
        chart.draw(lines, f"{document['when'][:10]}, {where}", CHART)


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def show(title: str, figures: dict[str, dict[str, Any]]) -> None:
    """A benchmark's figures as a table."""
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("")
    for heading in next(iter(figures.values())):
        table.add_column(heading.replace("_", " "), justify="right")
    for name, row in figures.items():
        table.add_row(name, *(value if isinstance(value, str) else f"{value:,}" for value in row.values()))
    Console(width=220).print(table)


if __name__ == "__main__":
    main()

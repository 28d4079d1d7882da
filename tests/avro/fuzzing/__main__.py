"""``make fuzz``: broken Avro by the million. Says what came of it; the exit status is 1 if anything was found."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.avro.fuzzing.campaign import FOUND, MOST_DEATHS, Report, run, title

RUNS = 1_250_000
"""More than a million of them are blocks, files and headers; the others are batches, and schemas alone."""


def main() -> int:
    """Runs as many cases as were asked for, or for as long."""
    parser = argparse.ArgumentParser(prog="python -m tests.avro.fuzzing", description=__doc__)
    parser.add_argument("--runs", type=int, help=f"How many cases; {RUNS:,}, or as many as --minutes allows.")
    parser.add_argument("--seed", type=int, default=1, help="Decides, with its number, all about a case.")
    parser.add_argument("--minutes", type=float, help="When to end at the latest.")
    parser.add_argument("--first", type=int, default=0, help="The first case's number, to run one again.")
    given = parser.parse_args()
    runs = given.runs or (RUNS if given.minutes is None else 1 << 40)
    begun = time.monotonic()
    report = run(given.seed, runs, first=given.first, minutes=given.minutes)
    show(report, time.monotonic() - begun)
    return 1 if report.findings else 0


def show(report: Report, seconds: float) -> None:
    """Prints the outcomes as a table, then what was found."""
    console = Console(width=120, highlight=False, markup=False)
    table = Table(box=None)
    table.add_column("cases", justify="right")
    table.add_column("outcome")
    for outcome, count in sorted(report.outcomes.items(), key=lambda item: (item[0].partition(":")[0], -item[1])):
        table.add_row(f"{count:,}", outcome)
    console.print(table)
    console.print(
        f"{report.cases:,} cases of seed {report.seed} in {seconds:,.0f} s, {report.processor_seconds:,.0f} s of them "
        f"processor time. The slowest took {report.worst_seconds:.2f} s with its checks (case {report.worst_case}). "
        f"At most {report.peak_bytes >> 20:,} MiB of memory, {report.growth_bytes >> 20:,} MiB of them for one case "
        f"({report.growth_case})."
    )
    alike: dict[str, list[dict[str, Any]]] = {}
    for finding in report.findings:
        alike.setdefault(title(finding), []).append(finding)
    for findings in alike.values():
        first = findings[0]
        console.print(f"FOUND in {len(findings)} cases, {first['kind']} {first['case']}: {first['message'][:300]}")
    if report.given_up:
        console.print(f"Ended early: {MOST_DEATHS} processes died.")
    if report.findings:
        console.print(f"{len(report.findings)} cases went wrong; see {FOUND}.")


if __name__ == "__main__":
    sys.exit(main())

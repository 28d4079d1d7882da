"""Measuring a command as a whole process: CPU seconds and peak memory by the operating system's own accounting."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# ru_maxrss is in kilobytes on Linux and in bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024

ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
"""Modules are compiled once and not for every command, whatever this machine is set to."""


@dataclass(frozen=True)
class Run:
    """One finished command."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    written_bytes: int


@dataclass(frozen=True)
class Comparison:
    """One line of a table: ours beside a peer, and what the ratio of their rates is to be at least, and at best."""

    title: str
    ours: str
    """What is measured, by the benchmark's own name for it, as is the peer."""
    peer: str
    unit: str
    """What rates are of: ``rows`` or ``values`` per CPU second, or all per second of ``cpu`` or ``wall``."""
    at_least: float
    aim: float


def run(command: Callable[[str], Sequence[str]]) -> Run:
    """Runs ``command(folder)`` with a fresh folder to write to; fails loudly if it fails."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, tempfile.TemporaryFile() as said:
        started = time.monotonic()
        process = subprocess.Popen(command(folder), stdout=said, stderr=said, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        if status:
            said.seek(0)
            raise SystemExit(f"{' '.join(command(folder))} failed:\n{said.read().decode(errors='replace')}")
        written = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_UNIT, written)


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure, of its own."""
    return Run(
        wall_seconds=statistics.median(one.wall_seconds for one in runs),
        cpu_seconds=statistics.median(one.cpu_seconds for one in runs),
        peak_bytes=int(statistics.median(one.peak_bytes for one in runs)),
        written_bytes=runs[0].written_bytes,
    )

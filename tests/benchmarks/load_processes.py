"""Measuring a command with all processes that it starts: CPU seconds, wall seconds, and each process's peak memory."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.measured import ENVIRONMENT

INTERVAL = 0.05
"""Seconds between two looks at the processes; peaks are the system's own, so only the last interval's are missed."""


@dataclass(frozen=True)
class Run:
    """One finished command."""

    wall_seconds: float
    cpu_seconds: float
    """User and system, children included."""
    peak_bytes: int
    """The sum of the peaks of all its processes, whether or not they were at the same time."""


def run(command: Sequence[str]) -> Run:
    """Runs a command to its end; SystemExit with what it said if it fails."""
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=said, stderr=said, env=ENVIRONMENT)
        peaks: dict[int, int] = {}
        ended = threading.Event()
        watching = threading.Thread(target=_watch, args=(process.pid, peaks, ended))
        watching.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        ended.set()
        watching.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{said.read().decode(errors='replace')}")
    return Run(wall, usage.ru_utime + usage.ru_stime, sum(peaks.values()))


def _watch(pid: int, peaks: dict[int, int], ended: threading.Event) -> None:
    """Keeps the peak of a process and of all below it, until told to end."""
    while not ended.wait(INTERVAL):
        try:
            found = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in found:
            peaks[process.pid] = max(peaks.get(process.pid, 0), _peak(process))


def _peak(process: psutil.Process) -> int:
    """The most memory that a process has had; where the system does not tell, what it has. 0 once it has ended."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        status = ""
    _, _, peak = status.partition("VmHWM:")
    if peak:
        return int(peak.split()[0]) * 1024
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0

"""Runs cases in child processes, one at a time, and keeps what is found."""

from __future__ import annotations

import json
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.avro.fuzzing.black_box import BlackBox

MOST_DEATHS = 20
"""Of children, after which a campaign ends: each costs seconds, and by then there is enough to look into."""
MOST_ALIKE = 3
"""Findings of one message that are kept."""
SILENCE_SECONDS = 300
"""After which a child that uses no processor time is given up."""
WORKER = ("-m", "tests.avro.fuzzing.worker")
ROOT = Path(__file__).parents[3]
FOUND = ROOT / "build" / "fuzz"


@dataclass
class Report:
    """What came of a campaign."""

    seed: int
    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    worst_seconds: float = 0.0
    """Of processor time that a case took with all its checks."""
    worst_case: int = -1
    peak_bytes: int = 0
    """The most memory that a child had."""
    growth_bytes: int = 0
    """The most by which a case made its child grow."""
    growth_case: int = -1
    processor_seconds: float = 0.0
    given_up: bool = False
    """Whether so many children died that it ended early."""

    def add(self, lot: dict[str, Any]) -> None:
        """Adds what a child says of a lot."""
        self.cases += sum(lot["outcomes"].values())
        self.outcomes.update(lot["outcomes"])
        if lot["worst"][0] > self.worst_seconds:
            self.worst_seconds, self.worst_case = lot["worst"]
        if lot["growth"][0] > self.growth_bytes:
            self.growth_bytes, self.growth_case = lot["growth"]
        self.peak_bytes = max(self.peak_bytes, lot["peak"])


def run(seed: int, runs: int, *, first: int = 0, minutes: float | None = None, folder: Path = FOUND) -> Report:
    """Runs the cases of a seed.

    Args:
        seed: Decides, with its number, all about a case.
        runs: How many cases.
        first: The number of the first.
        minutes: When to end at the latest.
        folder: Where to put inputs that something was found with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    box = BlackBox(folder / "last-input", new=True)
    report, position, stop, deadly = Report(seed), first, first + runs, list[int]()
    until = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    while position < stop and time.monotonic() < until and len(deadly) < MOST_DEATHS:
        command = [*WORKER, f"--seed={seed}", f"--first={position}"]
        command += [f"--runs={stop - position}", f"--box={folder / 'last-input'}", "--skip", *map(str, deadly)]
        with (folder / "errors").open("wb") as errors:
            child = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, stderr=errors, cwd=ROOT)
            position, ended = _listen(child, report, position, until, folder)
        if ended:
            break
        if child.wait():
            last = box.read()
            if last.case in deadly or last.case < position:
                trace = (folder / "errors").read_text(errors="replace")[-3000:]
                raise RuntimeError(f"the worker cannot be run: {trace}")
            deadly.append(last.case)
            report.cases += 1
            report.outcomes["FOUND: death"] += 1
            _keep(report, _death(child.returncode, last.case, last.what, folder), last.data, folder)
    report.given_up = len(deadly) == MOST_DEATHS
    return report


def _listen(
    child: subprocess.Popen[bytes], report: Report, position: int, until: float, folder: Path
) -> tuple[int, bool]:
    """Adds what the child says; returns the first case it has not said anything of, and whether time is over."""
    assert child.stdout is not None
    before = report.processor_seconds
    while time.monotonic() < until:
        if not select.select([child.stdout], [], [], SILENCE_SECONDS)[0]:
            child.kill()
            return position, False
        line = child.stdout.readline()
        if not line:
            return position, False
        said = json.loads(line)
        if "finding" in said:
            _keep(report, said["finding"], None, folder)
            continue
        report.add(said)
        report.processor_seconds = before + said["processor"]
        position = said["next"]
    child.kill()
    child.wait()
    return position, True


def _death(status: int, case: int, what: str, folder: Path) -> dict[str, Any]:
    """The finding that a child's end is."""
    name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    meaning = {"SIGPROF": "too much time", "SIGSEGV": "memory that is not its own", "SIGKILL": "no answer"}
    trace = (folder / "errors").read_text(errors="replace")[-6000:]
    message = f"the process died: {name}, {meaning.get(name, 'a crash')}"
    return {"case": case, "kind": "death", "message": message, "trace": trace, "what": what}


def _keep(report: Report, finding: dict[str, Any], data: bytes | None, folder: Path) -> None:
    """Adds a finding, and saves it and its input, unless there are enough like it.

    One that is known already is told again: when a child dies, the others of its lot are run a second time.
    """
    if any(other["case"] == finding["case"] for other in report.findings):
        return
    alike = [title(other) for other in report.findings]
    report.findings.append(finding)
    if alike.count(title(finding)) >= MOST_ALIKE:
        return
    if data is None:
        data = BlackBox(folder / "last-input").read().data
    name = f"{report.seed}-{finding['case']}"
    (folder / f"{name}.bin").write_bytes(data)
    again = f"python -m tests.avro.fuzzing --seed {report.seed} --first {finding['case']} --runs 1"
    lines = [finding["message"], again, finding["kind"], finding["what"], finding["trace"]]
    (folder / f"{name}.txt").write_text("\n".join(lines), errors="backslashreplace")


def title(finding: dict[str, Any]) -> str:
    """What a finding has in common with others like it."""
    return f"{finding['kind']}: {re.sub('[0-9]+', '#', finding['message'])[:60]}"

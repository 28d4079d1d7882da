"""How far a run on this machine is: a log that its workers append to and its command reads.

Workers may be other processes, and Beam's counters arrive when a stage has ended, so each finished file is one short
line, appended in one write. On Dataflow there is no such log, and Beam's counters say the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Advance:
    """What a step has planned or finished for a table since it last said so."""

    step: str
    """``generate``, ``transform`` or ``load``."""
    table: str
    planned: int = 0
    """Rows that the step will work on."""
    rows: int = 0
    files: int = 0
    bytes: int = 0
    kept: bool = False
    """Whether the rows were there already and have been left alone."""


@dataclass(frozen=True)
class ProgressLog:
    """The log at a path on this machine; with no path, nothing is logged."""

    path: str | None = None

    def add(self, advance: Advance) -> None:
        """Appends a line; lines of several processes do not mix, being short and written at once."""
        if self.path is None:
            return
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (json.dumps(asdict(advance)) + "\n").encode())
        finally:
            os.close(descriptor)

    def read(self, offset: int) -> tuple[int, list[Advance]]:
        """What was added since an offset, and the offset to go on from."""
        if self.path is None or not Path(self.path).exists():
            return offset, []
        with Path(self.path).open("rb") as file:
            file.seek(offset)
            whole = file.read()
        whole = whole[: whole.rfind(b"\n") + 1]
        return offset + len(whole), list(_parsed(whole))


NO_PROGRESS = ProgressLog()
"""Logs nothing."""


def _parsed(lines: bytes) -> Iterator[Advance]:
    for line in lines.splitlines():
        yield Advance(**json.loads(line))

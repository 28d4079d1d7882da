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
class Done:
    """Something that is finished: so many rows and bytes of a table."""

    table: str
    rows: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class ProgressLog:
    """The log at a path on this machine; with no path, nothing is logged."""

    path: str | None = None

    def add(self, done: Done) -> None:
        """Appends a line; lines of several processes do not mix, being short and written at once."""
        if self.path is None:
            return
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (json.dumps(asdict(done)) + "\n").encode())
        finally:
            os.close(descriptor)

    def read(self, offset: int) -> tuple[int, list[Done]]:
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


def _parsed(lines: bytes) -> Iterator[Done]:
    for line in lines.splitlines():
        yield Done(**json.loads(line))

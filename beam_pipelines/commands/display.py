"""What a command shows: progress while it runs, tables when it is done.

On a terminal progress is a bar for each table; elsewhere a plain line now and then. With ``--json`` standard output
holds one JSON document and nothing else.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from beam_pipelines.progress import Advance, ProgressLog

POLL_SECONDS = 0.1
PLAIN_SECONDS = 5.0
"""How often a plain line says how far a run is."""


UNBOUNDED = 100_000


class _RowsPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} rows/s" if speed else "", style="progress.data.speed")


class _Rows(MofNCompleteColumn):
    def render(self, task: Task) -> Text:
        total = f"{int(task.total):,}" if task.total is not None else "?"
        return Text(f"{int(task.completed):>{len(total)},}/{total} rows", style="progress.download")


class Display:
    """Standard output for results, standard error for progress."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False)
        if not self.out.is_terminal:
            self.out.width = UNBOUNDED  # a file or a pipe takes whole rows
        self.err = Console(stderr=True, highlight=False)
        self.totals: dict[tuple[str, str], Advance] = {}
        """What each (step, table) has come to so far."""

    @contextmanager
    def following(self, log: ProgressLog) -> Iterator[None]:
        """Shows what is added to the log until the context ends."""
        stop = threading.Event()
        follow = self._follow_with_bars if self.err.is_terminal else self._follow_with_lines
        follower = threading.Thread(target=follow, args=(log, stop), daemon=True)
        follower.start()
        try:
            yield
        finally:
            stop.set()
            follower.join()

    def planned(self, step: str, table: str, rows: int) -> None:
        """Says how many rows a step will work on, where that is known before it starts."""
        self._add(Advance(step, table, planned=rows))

    def table(self, title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table on standard output; the first column to the left, the others to the right."""
        shown = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for index, header in enumerate(headers):
            shown.add_column(header, justify="right" if index else "left", overflow="fold")
        for row in rows:
            shown.add_row(*row)
        self.out.print(shown)

    def say(self, text: str = "") -> None:
        """A line for the reader; with ``--json`` it goes to standard error."""
        (self.err if self.as_json else self.out).print(text, markup=False, soft_wrap=True)

    def result(self, document: dict[str, Any]) -> None:
        """The JSON document, if that is what was asked for."""
        if self.as_json:
            print(json.dumps(document, indent=1, default=str))

    def _add(self, advance: Advance) -> None:
        key = advance.step, advance.table
        before = self.totals.get(key, Advance(*key))
        self.totals[key] = Advance(
            *key,
            planned=before.planned + advance.planned,
            rows=before.rows + advance.rows,
            files=before.files + advance.files,
            bytes=before.bytes + advance.bytes,
        )

    def _follow(self, log: ProgressLog, stop: threading.Event) -> Iterator[None]:
        offset, ending = 0, False
        while not ending:
            ending = stop.wait(POLL_SECONDS)
            offset, advances = log.read(offset)
            for advance in advances:
                self._add(advance)
            yield

    def _follow_with_bars(self, log: ProgressLog, stop: threading.Event) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            _Rows(),
            _RowsPerSecond(),
            TimeElapsedColumn(),
        )
        bars: dict[tuple[str, str], Any] = {}
        earlier = {key for key, total in self.totals.items() if total.rows}
        with Progress(*columns, console=self.err) as progress:
            for _ in self._follow(log, stop):
                for key, total in self.totals.items():
                    if key in earlier or not (total.planned or total.rows):
                        continue
                    if key not in bars:
                        bars[key] = progress.add_task(f"{key[0]:9} {key[1]:20}", total=None)
                    progress.update(bars[key], completed=total.rows, total=total.planned or None)
            for key, bar in bars.items():
                progress.update(bar, total=self.totals[key].rows)

    def _follow_with_lines(self, log: ProgressLog, stop: threading.Event) -> None:
        started = said = time.monotonic()
        for _ in self._follow(log, stop):
            if time.monotonic() - said >= PLAIN_SECONDS:
                said = time.monotonic()
                self._say_steps(said - started)
        self._say_steps(time.monotonic() - started)

    def _say_steps(self, seconds: float) -> None:
        steps: dict[str, int] = {}
        for (step, _), total in self.totals.items():
            steps[step] = steps.get(step, 0) + total.rows
        done = ", ".join(f"{step} {rows:,} rows" for step, rows in steps.items() if rows)
        if done:
            self.err.print(f"{seconds:6.1f} s  {done}", markup=False, soft_wrap=True)


def size(count: int) -> str:
    """Bytes as people read them.

    >>> size(1_536_000)
    '1.5 MB'
    """
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:,.0f} {unit}" if unit == "B" else f"{amount:,.1f} {unit}"

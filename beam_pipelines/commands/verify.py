"""``retail verify``: whether a lake holds together, and whether its world looks real."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beam_pipelines import storage, verification
from beam_pipelines.commands.display import Display
from beam_pipelines.commands.errors import CommandError
from beam_pipelines.options import UsageError, VerifySettings
from beam_pipelines.progress import ProgressLog
from beam_pipelines.verification import Check, Faults, Outcome, Status


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Runs the checks and prints a line for each; CommandError if one fails."""
    if flags:
        raise UsageError(flags[0].lstrip("-"), "no option of this command", None)
    started = time.monotonic()
    settings = VerifySettings.of(given)
    if not storage.is_remote(settings.input) and not Path(settings.input).is_dir():
        raise UsageError("input", "a folder that is there (retail generate creates one)", settings.input)
    if settings.warehouse:
        # Google's client takes half a second to import, which the checks of a lake need not.
        from beam_pipelines.commands import truth

        truth.run(settings, settings.warehouse, display)
        return
    checks = verification.MEASURES if settings.realism else verification.RULES
    found = list(_shown(_outcomes(settings, checks, display), checks, display))
    seconds = time.monotonic() - started
    failed, skipped = (sum(one.status is status for one in found) for status in (Status.FAILED, Status.SKIPPED))
    document = {"input": settings.input, "seconds": round(seconds, 3), "failed": failed, "skipped": skipped}
    display.result(document | {"checks": [_described(one) for one in found]})
    if not display.as_json:
        held = f"{len(found) - failed - skipped} of {len(found)} checks hold"
        display.say(f"\n{held}{f', {skipped} skipped' if skipped else ''}, {seconds:.1f} s")
    if failed:
        raise CommandError(f"{failed} of {len(found)} checks failed")


def _outcomes(settings: VerifySettings, checks: Sequence[Check], display: Display) -> Iterator[Outcome]:
    """Reads the lake and runs the checks, the files' own first; of those a look at realism shows only failures."""
    faults = Faults()
    days = verification.find(settings.input, settings.start, settings.end, faults)
    for name, manifests in days.manifests.items():
        display.planned("read", name, sum(manifest.rows for manifest in manifests))
    with verification.database() as connection:
        with tempfile.TemporaryDirectory(prefix="retail-") as folder:
            log = ProgressLog(str(Path(folder) / "progress"))
            with display.following(log):
                columns = verification.lake_columns(checks, verification.PREPARED)
                verification.read(connection, days, columns, faults, log)
        yield from (one for one in faults.outcomes() if not settings.realism or one.status is Status.FAILED)
        checking = verification.Checking(connection, days.manifests, verification.PREPARED)
        yield from map(checking.outcome, checks)


def _shown(outcomes: Iterable[Outcome], checks: Sequence[Check], display: Display) -> Iterator[Outcome]:
    """Prints a line for each outcome as it comes, aligned by the longest of all checks."""
    targets = {check.name: check.target for check in checks} | verification.FILE_TARGETS
    widths = max(map(len, targets)), max(map(len, targets.values()))
    for one in outcomes:
        if not display.as_json:
            display.say(_line(one, *widths))
            sys.stdout.flush()
        yield one


def _line(one: Outcome, name_width: int, target_width: int) -> str:
    line = f"{one.name:{name_width}}  {one.target:{target_width}}  {one.measured:>8}  {one.status:7}  {one.note}"
    return line.rstrip()


def _described(one: Outcome) -> dict[str, Any]:
    """An outcome for programs, without what it has not."""
    return {name: value for name, value in asdict(one).items() if value not in (None, "")}

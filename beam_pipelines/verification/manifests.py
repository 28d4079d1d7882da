"""The lake's manifests: which days are there, and what is wrong with them before any row is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from beam_pipelines import lake, storage, tables
from beam_pipelines.lake import LakeError, Manifest
from beam_pipelines.schema import Table
from beam_pipelines.verification.checks import Outcome, Status

TARGETS = {
    "manifests.readable": "every manifest can be read and belongs to its folder",
    "manifests.files": "every file is there, of its size, and no other is",
    "manifests.content": "rows, sums and content are as the manifests say",
    "manifests.schema": "every day has the tables' present columns",
    "manifests.world": "all days come from one world",
    "manifests.days": "no day is missing",
    "rows.day": "every row lies in the folder of its day",
}
"""What is wanted of manifests and files, by the check's name."""


@dataclass
class Faults:
    """What is wrong with manifests and files, by check."""

    first: dict[str, str] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)

    def add(self, check: str, message: str, count: int = 1) -> None:
        """Notes a fault, or as many as ``count`` at once."""
        self.first.setdefault(check, message)
        self.count[check] = self.count.get(check, 0) + count

    def outcomes(self) -> Iterator[Outcome]:
        """What came of every check of manifests and files."""
        for name, target in TARGETS.items():
            count = self.count.get(name, 0)
            yield Outcome(
                name=name,
                target=target,
                status=Status.FAILED if count else Status.OK,
                measured=f"{count:,}",
                note=f"first: {self.first[name]}" if count else "",
                value=count,
            )


@dataclass(frozen=True)
class Days:
    """The manifests of the days to verify, by table and in order of time; of each table at least one."""

    root: str
    manifests: Mapping[str, tuple[Manifest, ...]]


def find(root: str, start: date | None, end: date | None, faults: Faults) -> Days:
    """The manifests from one day to another, or all; notes in ``faults`` what is wrong with them.

    Of tables that facts refer to, those of earlier days too.

    Raises:
        LakeError: There are none at all.
    """
    found = {table.name: tuple(_of_table(root, table, start, end, faults)) for table in tables.LAKE}
    days = Days(root, {name: manifests for name, manifests in found.items() if manifests})
    if not days.manifests:
        between = f" from {start or 'the first day'} to {end or 'the last'}" if start or end else ""
        raise LakeError(f"{root}: expected manifests (TABLE/dt=YYYY-MM-DD/{lake.MANIFEST}){between}, found none")
    worlds = {(manifest.world, manifest.seed, manifest.scale) for own in days.manifests.values() for manifest in own}
    if len(worlds) > 1:
        listed = "; ".join(f"version {world}, seed {seed}, scale {scale:g}" for world, seed, scale in sorted(worlds))
        faults.add("manifests.world", listed, len(worlds) - 1)
    return days


def first_day(table: Table, start: date | None) -> date | None:
    """The first day of a table that facts from ``start`` on may refer to; None for its very first."""
    history = tables.HISTORY.get(table.name, 0)
    return None if start is None or history is None else start - timedelta(days=history)


def _of_table(root: str, table: Table, start: date | None, end: date | None, faults: Faults) -> Iterator[Manifest]:
    """The manifests of a table that can be read; notes the others, and days that are missing."""
    first = first_day(table, start)
    days = [day for day in _days(root, table, faults) if (not first or day >= first) and (not end or day <= end)]
    for day, after in pairwise(_bounded(table, days, start, end)):
        if (passed := (after - day).days) > 1:
            missing = lake.folder(root, table.name, day + timedelta(days=1))
            faults.add("manifests.days", f"{missing}: no manifest", passed - 1)
    for day in days:
        path = storage.join(lake.folder(root, table.name, day), lake.MANIFEST)
        try:
            manifest = Manifest.from_json(storage.read(path).decode(errors="replace"), path)
        except LakeError as error:
            faults.add("manifests.readable", str(error))
            continue
        if (manifest.table, manifest.day) != (table.name, day):
            faults.add("manifests.readable", f"{path}: it is the one of {manifest.table} on {manifest.day}")
            continue
        if manifest.file_format != "avro":
            raise LakeError(f"{path}: expected Avro, which is all that is verified, found {manifest.file_format}")
        _check(path, table, manifest, faults)
        yield manifest


def _days(root: str, table: Table, faults: Faults) -> list[date]:
    """The days of which a table has manifests, in order of time."""
    found = []
    for path in storage.find(root, f"{table.name}/dt=*/{lake.MANIFEST}"):
        try:
            found.append(date.fromisoformat(path.rsplit("/", 2)[-2].removeprefix("dt=")))
        except ValueError:
            faults.add("manifests.readable", f"{path}: expected a folder named dt=YYYY-MM-DD")
    return found


def _bounded(table: Table, days: list[date], start: date | None, end: date | None) -> list[date]:
    """The days of a table that is there, and those around the period if it has to have all of the period's days."""
    if not days or table.name in tables.HISTORY:
        return days
    before = [start - timedelta(days=1)] if start else []
    return [*before, *days, *([end + timedelta(days=1)] if end else [])]


def _check(path: str, table: Table, manifest: Manifest, faults: Faults) -> None:
    """Notes what is wrong with one day's manifest and files."""
    folder = path.rsplit("/", 1)[0]
    if manifest.schema != table.fingerprint:
        faults.add("manifests.schema", f"{path}: expected schema {table.fingerprint}, got {manifest.schema}")
    for file in manifest.files:
        where = storage.join(folder, file.name)
        size = storage.size(where)
        if size != file.bytes:
            got = "no such file" if size is None else f"{size:,} bytes"
            faults.add("manifests.files", f"{where}: expected {file.bytes:,} bytes, found {got}")
    known = {lake.MANIFEST, *(file.name for file in manifest.files)}
    for name in storage.names(folder):
        if name not in known and not name.startswith("."):
            faults.add("manifests.files", f"{storage.join(folder, name)}: a file that its manifest does not name")
    totals = (sum(file.rows for file in manifest.files), sum(file.bytes for file in manifest.files))
    if totals != (manifest.rows, manifest.bytes):
        faults.add("manifests.content", f"{path}: its files do not add up to its rows and bytes")

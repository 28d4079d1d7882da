"""Planning a load: from manifests to the partitions that are loaded, and to the splits that are read for them.

A row belongs to the partition of its own date, whichever day's files it landed in. Manifests count rows by date, so it
is known before anything is read which partitions the days of a load touch, and which files hold rows of those. What is
planned follows from the manifests alone, never from the workers, so what is staged is the same on any runner.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from beam_pipelines import lake, storage, tables
from beam_pipelines.lake import LakeError
from beam_pipelines.options import Period
from beam_pipelines.schema import Column, Table
from beam_pipelines.transforms.inputs import FOLLOWING, Source, input_of
from beam_pipelines.transforms.lake_schemas import merged, with_more
from beam_pipelines.transforms.partitions import (
    LONGEST_LATENESS,
    Held,
    Partition,
    held_by_partition,
    last_day,
    partition_of,
)
from beam_pipelines.transforms.references import LastKeys

ROWS_PER_SPLIT = 262_144
"""A split ends when it has so many rows; a file that has more is one split."""

ROWS_PER_BUCKET = 4_194_304
"""Rows of a partition whose keys are compared in one go: 32 MiB of hashes."""


@dataclass(frozen=True)
class PlannedManifest:
    """A manifest whose files are there, and the columns that they have beyond the table's."""

    manifest: lake.Manifest
    more_columns: tuple[Column, ...] = ()


class SplitFile(NamedTuple):
    """One lake file of a split, and what its manifest says of it."""

    path: str
    day: str
    rows: int
    fingerprint: str
    sums: tuple[tuple[str, str], ...]
    held: tuple[tuple[str, Held], ...]
    """What it holds of each partition."""

    @property
    def landed(self) -> date:
        """The day in whose folder it is."""
        return date.fromisoformat(self.day)


class Split(NamedTuple):
    """Files that landed in one partition and are read together."""

    table: str
    name: str
    """What is staged for it is called so; unique in its table."""
    files: tuple[SplitFile, ...]
    days: tuple[int, ...]
    """Days in the lake that its rows may be of, as proleptic ordinals, ascending."""
    buckets: tuple[tuple[str, int], ...]
    """The partitions that are read, of those its rows belong to, and into how many buckets their keys are divided."""
    more_columns: tuple[Column, ...] = ()
    only_read: tuple[str, ...] = ()
    """Of these partitions those that are not loaded: others need their rows."""

    @property
    def rows(self) -> int:
        """Rows of all its files."""
        return sum(file.rows for file in self.files)


class Target(NamedTuple):
    """A partition of a lake table that is to be loaded, whether or not it gets rows."""

    partition: Partition
    more_columns: tuple[Column, ...]
    input: str
    """A fingerprint of all that it is loaded from."""


class TablePlan(NamedTuple):
    """What is loaded and read of a table."""

    targets: tuple[Target, ...]
    splits: tuple[Split, ...]
    unchanged: int
    """Partitions that would be loaded, but hold already what they would then."""


@dataclass(frozen=True)
class Circumstances:
    """What the plan of a table depends on beyond its manifests."""

    last_keys: LastKeys
    products: str
    """A fingerprint of all products."""
    only: Collection[Partition] | None = None
    """The partitions to load of those of the period, and what they touch in turn; None for all."""
    loaded: Mapping[Partition, str] = field(default_factory=dict)
    """Fingerprints of what partitions were loaded from that still hold it: these are not loaded again."""
    is_only_read: bool = False
    """Whether none of the table's partitions is loaded, as others need its rows."""
    touched_since: date | None = None
    """The day from which on what other tables' days hold changes the table's partitions; None for none."""


def find_manifests(root: str, table_name: str, period: Period, *, is_loaded: bool = True) -> list[str]:
    """Paths of the manifests that the plan of a load needs to know; LakeError if a day is missing that is loaded.

    Of facts those of the period's days, each of which has to be there, and of the days around them whose rows may be
    late for these, or these for them, and of which these need units (see ``tables.HISTORY``). Of tables whose rows stay
    valid every day that is there up to the end of the period's last month, and the days whose rows may be late for it.
    """
    found = {_day_of(path): path for path in storage.find(root, f"{table_name}/dt=*/{lake.MANIFEST}")}
    table, history = tables.BY_NAME[table_name], tables.HISTORY.get(table_name, 0)
    if history is None:
        if is_loaded and not [day for day in found if day <= period.end]:
            folder = storage.join(root, table_name)
            raise LakeError(f"{folder}: expected manifests up to {period.end}, found none; generate them first")
        first = date.min
    else:
        if is_loaded and (missing := [day for day in _days(period) if day not in found]):
            more = f" (nor of {len(missing) - 1} more days)" if len(missing) > 1 else ""
            folder = lake.folder(root, table_name, missing[0])
            raise LakeError(f"{folder}: expected a manifest of {table_name}, found none{more}; generate it first")
        first = period.start - timedelta(history + 2 * LONGEST_LATENESS)
    last = _last_loaded(table, period)
    return [found[day] for day in sorted(found) if first <= day and (day - last).days <= LONGEST_LATENESS]


def plan_table(
    root: str, period: Period, planned: Collection[PlannedManifest], circumstances: Circumstances
) -> TablePlan:
    """What is loaded and read of the table whose manifests these are; LakeError if their columns do not fit.

    Products are read whole, even if none is loaded.
    """
    ordered = sorted(planned, key=lambda one: one.manifest.day)
    table, more = tables.BY_NAME[ordered[0].manifest.table], merged_columns(ordered)
    manifests = [one.manifest for one in ordered]
    days = frozenset(manifest.day for manifest in manifests)
    held = {one.day: held_by_partition(table, one.day, one.rows, one.rows_by_date, days) for one in manifests}
    whole = asked = _loaded(table, period, held, circumstances.touched_since)
    if circumstances.only is not None:
        asked = _replayed(table, whole, held, circumstances.only)
    needed = whole if table is tables.PRODUCTS else asked
    sources = _sources(table, manifests, days, needed)
    inputs = _inputs(with_more(table.name, more), days, sources, circumstances)
    targets = [
        Target((table.name, partition), more, inputs[partition])
        for partition in sorted(() if circumstances.is_only_read else asked)
        if not _is_unchanged(table, partition, inputs[partition], circumstances.loaded)
    ]
    loaded = frozenset(target.partition[1] for target in targets)
    read = needed if table is tables.PRODUCTS else loaded
    rows = {partition: sum(one.rows for _, _, one in sources[partition]) for partition in read}
    buckets = {partition: max(1, -(-count // ROWS_PER_BUCKET)) for partition, count in rows.items()}
    splits = tuple(
        split._replace(only_read=tuple(name for name, _ in split.buckets if name not in loaded))
        for split in _splits(root, table, manifests, days, buckets, more)
    )
    return TablePlan(tuple(targets), splits, 0 if circumstances.is_only_read else len(asked) - len(targets))


def _sources(
    table: Table, manifests: Iterable[lake.Manifest], days: frozenset[date], asked: frozenset[str]
) -> dict[str, list[Source]]:
    """The files that hold rows of each of some partitions."""
    found: dict[str, list[Source]] = {partition: [] for partition in asked}
    for manifest in manifests:
        for file in manifest.files:
            held = held_by_partition(table, manifest.day, file.rows, file.rows_by_date, days)
            for partition in held.keys() & asked:
                found[partition].append((manifest.day, file, held[partition]))
    return found


def _inputs(
    table: Table, days: Iterable[date], sources: dict[str, list[Source]], circumstances: Circumstances
) -> dict[str, str]:
    """Fingerprints of what partitions are loaded from."""
    own: dict[str, list[date]] = {}
    for day in days:
        own.setdefault(partition_of(table, day), []).append(day)
    return {
        partition: input_of(table, files, own.get(partition, ()), circumstances.last_keys, circumstances.products)
        for partition, files in sources.items()
    }


def _is_unchanged(table: Table, partition: str, wanted: str, loaded: Mapping[Partition, str]) -> bool:
    """Whether a partition and those that follow from it hold already what they would be loaded from."""
    names = (table.name, *(following.name for following in FOLLOWING.get(table.name, ())))
    return all(loaded.get((name, partition)) == wanted for name in names)


def merged_columns(planned: Iterable[PlannedManifest]) -> tuple[Column, ...]:
    """The columns that some days have beyond the table's, by name; LakeError if two days mean something else by one."""
    ordered = list(planned)
    return merged(ordered[0].manifest.table, [(f"on {one.manifest.day}", one.more_columns) for one in ordered])


def _loaded(
    table: Table, period: Period, held: dict[date, dict[str, Held]], touched_since: date | None
) -> frozenset[str]:
    """The partitions that a load replaces: those of its days and of what they need, and those that its days touch."""
    history, last = tables.HISTORY.get(table.name, 0), _last_loaded(table, period)
    first = date.min if history is None else period.start - timedelta(history)
    first = min(first, touched_since or first)
    found = {partition_of(table, day) for day in held if first <= day <= last}
    for day in held:
        if period.start <= day <= period.end:
            found |= held[day].keys()
    return frozenset(found)


def _replayed(
    table: Table, loaded: frozenset[str], held: dict[date, dict[str, Held]], only: Collection[Partition]
) -> frozenset[str]:
    """Of the partitions that would be loaded those asked for, and those of which their days' files hold rows.

    A block that could not be read has its letter in the partition of its day, but may hold rows of others.
    """
    wanted = {partition for partition in loaded if (table.name, partition) in only}
    touched: set[str] = set()
    for day, counts in held.items():
        if partition_of(table, day) in wanted:
            touched |= counts.keys()
    return frozenset(wanted | touched)


def _last_loaded(table: Table, period: Period) -> date:
    """The last day whose own partition is loaded: months are loaded whole."""
    return last_day(partition_of(table, period.end))


def _splits(
    root: str,
    table: Table,
    manifests: Iterable[lake.Manifest],
    days: frozenset[date],
    buckets: dict[str, int],
    more: tuple[Column, ...],
) -> Iterator[Split]:
    """The splits of all files that hold rows of the partitions that are read."""
    ordinals = sorted(day.toordinal() for day in days)
    landed: dict[str, list[SplitFile]] = {}
    for manifest in manifests:
        for file in manifest.files:
            counts = held_by_partition(table, manifest.day, file.rows, file.rows_by_date, days)
            if counts.keys() & buckets.keys():
                one = _split_file(root, manifest, file, counts)
                landed.setdefault(partition_of(table, manifest.day), []).append(one)
    for partition, files in landed.items():
        for number, group in enumerate(_up_to(ROWS_PER_SPLIT, files)):
            first = bisect_left(ordinals, group[0].landed.toordinal() - LONGEST_LATENESS)
            last = bisect_right(ordinals, group[-1].landed.toordinal())
            into = {name for file in group for name, _ in file.held} & buckets.keys()
            yield Split(
                table=table.name,
                name=f"{partition or 'all'}-{number:05}",
                files=group,
                days=tuple(ordinals[first:last]),
                buckets=tuple((name, buckets[name]) for name in sorted(into)),
                more_columns=more,
            )


def _split_file(root: str, manifest: lake.Manifest, file: lake.LakeFile, counts: dict[str, Held]) -> SplitFile:
    return SplitFile(
        path=storage.join(lake.folder(root, manifest.table, manifest.day), file.name),
        day=manifest.day.isoformat(),
        rows=file.rows,
        fingerprint=file.fingerprint,
        sums=tuple(sorted(file.sums.items())),
        held=tuple(sorted(counts.items())),
    )


def _up_to(rows: int, files: list[SplitFile]) -> Iterator[tuple[SplitFile, ...]]:
    group: list[SplitFile] = []
    total = 0
    for file in files:
        if group and total + file.rows > rows:
            yield tuple(group)
            group, total = [], 0
        group.append(file)
        total += file.rows
    if group:
        yield tuple(group)


def _days(period: Period) -> list[date]:
    return [date.fromordinal(day) for day in range(period.start.toordinal(), period.end.toordinal() + 1)]


def _day_of(manifest: str) -> date:
    folder = manifest.rsplit("/", 2)[-2]
    try:
        return date.fromisoformat(folder.removeprefix("dt="))
    except ValueError:
        raise LakeError(f"{manifest}: expected a folder named dt=YYYY-MM-DD, got {folder!r}") from None

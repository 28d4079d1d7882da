"""Reading the lake: from manifests to splits, the pieces of a partition that one worker transforms alone.

How a partition is split follows from its manifests' row counts, never from the workers, so the staged files are the
same on any runner.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics

from beam_pipelines import avro, lake, storage, tables
from beam_pipelines.lake import LakeError
from beam_pipelines.options import Period
from beam_pipelines.progress import Advance, ProgressLog
from beam_pipelines.schema import Column, Table, columns_from_arrow

ROWS_PER_SPLIT = 262_144
"""A split ends when it has so many rows, which give a file of tens of megabytes; a file that has more is one split.

Orders and their lines are held together, half a kilobyte an order; of other tables one block at a time.
"""

Partition = tuple[str, str]
"""A lake table's name and a partition of it: ``20251128``, ``202511``, or empty if the table has none."""


class SplitFile(NamedTuple):
    """One lake file of a split, and what its manifest says of it."""

    path: str
    day: str
    rows: int
    fingerprint: str
    sums: tuple[tuple[str, str], ...]


class Split(NamedTuple):
    """Files of one partition that are transformed together into one staged file per table."""

    table: str
    partition: str
    split: int
    splits: int
    content: str
    """Fingerprint of all the partition's input; what is staged for other input lies elsewhere."""
    files: tuple[SplitFile, ...]

    @property
    def rows(self) -> int:
        """Rows of all its files."""
        return sum(file.rows for file in self.files)


def find_manifests(root: str, table_name: str, period: Period) -> list[str]:
    """Paths of the manifests that a load of a period reads.

    Of facts those of the period's days, each of which has to be there, and of the days before that these need (see
    ``tables.HISTORY``) those that are there. Of tables whose rows stay valid every day that is there up to the end of
    the period's last month: partitions are reloaded whole.
    """
    found = {_day_of(path): path for path in storage.find(root, f"{table_name}/dt=*/{lake.MANIFEST}")}
    history = tables.HISTORY.get(table_name, 0)
    if history is None:
        wanted = {day: path for day, path in found.items() if (day.year, day.month) <= _month(period.end)}
        if not wanted:
            folder = storage.join(root, table_name)
            raise LakeError(f"{folder}: expected manifests up to {period.end}, found none; generate them first")
    else:
        days = [date.fromordinal(day) for day in range(period.start.toordinal(), period.end.toordinal() + 1)]
        wanted = {day: path for day, path in found.items() if -history <= (day - period.start).days < len(days)}
        if missing := [day for day in days if day not in found]:
            more = f" (nor of {len(missing) - 1} more days)" if len(missing) > 1 else ""
            folder = lake.folder(root, table_name, missing[0])
            raise LakeError(f"{folder}: expected a manifest of {table_name}, found none{more}; generate it first")
    return [wanted[day] for day in sorted(wanted)]


def read_manifest(path: str) -> lake.Manifest:
    """The manifest at a path, with every file that it names there and of the size that it says; else LakeError."""
    manifest = lake.Manifest.from_json(storage.read(path).decode(errors="replace"), path)
    table = tables.BY_NAME.get(manifest.table)
    if table is None or path != storage.join(lake.folder(_root_of(path), table.name, manifest.day), lake.MANIFEST):
        raise LakeError(f"{path}: expected the table and day of its folder, got {manifest.table} on {manifest.day}")
    if manifest.file_format != "avro":
        raise LakeError(f"{path}: expected files in avro, which is what load reads, got {manifest.file_format}")
    if manifest.schema != table.fingerprint:
        raise LakeError(
            f"{path}: expected schema {table.fingerprint} of {table.name}, got {manifest.schema}: "
            "the day was written by another version of the tables; generate it again"
        )
    for file in manifest.files:
        where = storage.join(path.rsplit("/", 1)[0], file.name)
        size = storage.size(where)
        if size != file.bytes:
            found = "no such file" if size is None else f"{size:,} bytes"
            raise LakeError(f"{where}: expected {file.bytes:,} bytes as its manifest says, found {found}")
    return manifest


WorldId = tuple[int, int, float]
"""Version, seed and scale of a world."""


def world_of(manifest: lake.Manifest) -> WorldId:
    """The world that a manifest's rows were drawn from."""
    return manifest.world, manifest.seed, manifest.scale


def one_world(worlds: Collection[WorldId]) -> WorldId | None:
    """The only world among these, None if there is none; LakeError if there are several, whose keys do not fit."""
    if len(worlds) > 1:
        described = "; ".join(f"version {world}, seed {seed}, scale {scale:g}" for world, seed, scale in sorted(worlds))
        raise LakeError(f"the lake's days come from different worlds ({described}): generate them again as one")
    return next(iter(worlds), None)


def partition_of(table: Table, day: date) -> str:
    """The id of the partition that a day of a table belongs to.

    >>> partition_of(tables.ORDERS, date(2025, 11, 28)), partition_of(tables.PRODUCTS, date(2025, 11, 28))
    ('20251128', '202511')
    """
    if not table.partition:
        return ""
    return day.strftime("%Y%m%d" if table.partition.granularity == "DAY" else "%Y%m")


def first_day(partition: str) -> date:
    """The first day of a partition; the epoch for a table that has none.

    >>> first_day("202511")
    datetime.date(2025, 11, 1)
    """
    if not partition:
        return date(1970, 1, 1)
    return date(int(partition[:4]), int(partition[4:6]), int(partition[6:] or 1))


def plan_splits(root: str, partition: Partition, manifests: Iterable[lake.Manifest]) -> Iterator[Split]:
    """The splits of a partition; one without files if it has no rows, so that it is loaded empty."""
    table_name, partition_id = partition
    ordered = sorted(manifests, key=lambda manifest: manifest.day)
    files = [_split_file(root, manifest, file) for manifest in ordered for file in manifest.files]
    described = (f"{file.fingerprint} {file.rows}" for manifest in ordered for file in manifest.files)
    content = hashlib.blake2b("\n".join(described).encode(), digest_size=8).hexdigest()
    groups = list(_up_to(ROWS_PER_SPLIT, files)) or [()]
    for number, group in enumerate(groups):
        yield Split(table_name, partition_id, number, len(groups), content, group)


class PlanSplits(beam.DoFn):
    """(partition, manifests) -> its splits."""

    def __init__(self, root: str, progress: ProgressLog) -> None:
        self._root, self._progress = root, progress
        self._planned = Metrics.counter("load", "rows_planned")

    def process(self, element: tuple[Partition, Iterable[lake.Manifest]], world: WorldId | None) -> Iterator[Split]:
        """Plans the splits of one partition, once it is known that all come from one world."""
        partition, manifests = element
        for split in plan_splits(self._root, partition, manifests):
            self._planned.inc(split.rows)
            self._progress.add(Advance("transform", split.table, planned=split.rows))
            yield split


class Block(NamedTuple):
    """One block of a lake file."""

    file: str
    """Path relative to the lake."""
    day: date
    offset: int
    batch: pa.RecordBatch


def read_split(root: str, split: Split) -> Iterator[Block]:
    """The blocks of a split's files, in order; LakeError if rows, sums or content are not what the manifest says."""
    table = tables.BY_NAME[split.table]
    for file in split.files:
        rows, sums = 0, {path: Decimal(0) for path, _ in file.sums}
        for block in _blocks_of(table, file):
            rows += block.rows
            for path, total in lake.sums(table, block.batch).items():
                sums[path] = sums.get(path, Decimal(0)) + total
            relative = file.path.removeprefix(root + "/")
            yield Block(relative, date.fromisoformat(file.day), block.offset, block.batch)
        if rows != file.rows:
            raise LakeError(f"{file.path}: expected {file.rows:,} rows as its manifest says, found {rows:,}")
        for path, expected in file.sums:
            if sums[path] != Decimal(expected):
                raise LakeError(f"{file.path}: expected a sum of {expected} in {path}, found {sums[path]}")


def _blocks_of(table: Table, file: SplitFile) -> Iterator[avro.Block]:
    """The blocks of a file of a table; LakeError, naming the file, if it is not one or not what was written."""
    path = file.path
    # Manifests of earlier versions have fingerprints of another kind.
    fingerprint = file.fingerprint if file.fingerprint.startswith("xxh3:") else None
    with storage.open_for_reading(path) as opened:
        try:
            for block in avro.read_blocks(opened, dictionaries=True, fingerprint=fingerprint):
                if differing := _differing(table.name, block.batch.schema):
                    raise LakeError(
                        f"{path}: expected the columns of {table.name}, found others: {', '.join(differing)}"
                    )
                yield block
        except avro.AvroError as error:
            raise LakeError(f"{path}: {error}") from error


@functools.lru_cache(maxsize=256)
def _differing(table: str, schema: pa.Schema) -> list[str]:
    """Paths of what is in a table or in a schema only, or of another type; remembered, for most blocks are alike."""
    expected, found = _types(tables.BY_NAME[table].columns), _types(columns_from_arrow(schema))
    return sorted({name for name, _ in expected.items() ^ found.items()})


def _types(columns: Iterable[Column], prefix: str = "") -> dict[str, tuple[object, ...]]:
    """What every column and field is by its path. Nulls are not compared: a row that has one is refused alone."""
    types: dict[str, tuple[object, ...]] = {}
    for column in columns:
        types[prefix + column.name] = (column.type, column.repeated, column.precision, column.scale)
        types |= _types(column.fields, f"{prefix}{column.name}.")
    return types


def _split_file(root: str, manifest: lake.Manifest, file: lake.LakeFile) -> SplitFile:
    path = storage.join(lake.folder(root, manifest.table, manifest.day), file.name)
    return SplitFile(path, manifest.day.isoformat(), file.rows, file.fingerprint, tuple(sorted(file.sums.items())))


def _up_to(rows: int, files: list[SplitFile]) -> Iterator[tuple[SplitFile, ...]]:
    group: list[SplitFile] = []
    for file in files:
        if group and sum(one.rows for one in group) + file.rows > rows:
            yield tuple(group)
            group = []
        group.append(file)
    if group:
        yield tuple(group)


def _day_of(manifest: str) -> date:
    folder = manifest.rsplit("/", 2)[-2]
    try:
        return date.fromisoformat(folder.removeprefix("dt="))
    except ValueError:
        raise LakeError(f"{manifest}: expected a folder named dt=YYYY-MM-DD, got {folder!r}") from None


def _root_of(manifest: str) -> str:
    return manifest.rsplit("/", 3)[0]


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month

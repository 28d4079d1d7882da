"""Writing the lake: from tables and days to files and manifests.

Only the plans of files cross a stage boundary, a few integers each. Whoever gets one draws, encodes and writes its file
alone. File names and contents follow from the plan, so a retried bundle overwrites its own file with the same bytes.
The same goes for the truth about a file's defects, if there are to be any.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from decimal import Decimal
from os.path import commonprefix
from typing import BinaryIO, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics

from beam_pipelines import avro, formats, lake, storage, tables
from beam_pipelines.defects import CLEAN, Rates, truth
from beam_pipelines.defects.files import DefectiveFile
from beam_pipelines.progress import Advance, ProgressLog
from beam_pipelines.world import VERSION, World, date_of

BLOCKS_PER_FILE = 64
"""A file holds up to a million rows: large enough to read in one go, small enough to spread over workers."""


class Target(NamedTuple):
    """What is written, and where to."""

    output: str
    world: World
    codec: str
    file_format: str = "avro"
    rates: Rates = CLEAN


class DaysPlan(NamedTuple):
    """Days of a table to write, first and last included."""

    table: str
    first_day: int
    last_day: int
    is_history: bool
    """Whether days that are already there, as they would be written, are left alone."""


class FilePlan(NamedTuple):
    """One file to write; a day without rows has one plan of a file without blocks."""

    table: str
    day: int
    part: int
    parts: int
    is_history: bool
    is_new: bool = False
    """Whether there was nothing of the day when the file was planned, so that nobody need look for what was."""


class Part(NamedTuple):
    """What has become of the plan of a file."""

    files: list[lake.LakeFile]
    """The file, or none for a day without rows."""
    is_new: bool


Day = tuple[str, int]
"""A table's name and a day number."""


def plan_files(world: World, days: DaysPlan, there: Container[str] | None = None) -> Iterator[FilePlan]:
    """The files of each day, by the day's rows alone.

    Args:
        world: What is drawn.
        days: The days of a table.
        there: The days, as YYYY-MM-DD, of which something is there already; None for any.
    """
    for day in range(days.first_day, days.last_day + 1):
        parts = max(1, -(-world.blocks(days.table, day) // BLOCKS_PER_FILE))
        is_new = there is not None and date_of(day).isoformat() not in there
        for part in range(parts):
            yield FilePlan(days.table, day, part, parts, days.is_history, is_new)


def days_there(output: str, days: DaysPlan) -> frozenset[str]:
    """Those of the days, as YYYY-MM-DD, of which there is any file in the lake or among the truth about it."""
    # A lake of years may have a million files, and most runs write a day: only what the dates begin with is listed.
    dates = [date_of(day).isoformat() for day in (days.first_day, days.last_day)]
    common = commonprefix(dates)  # noqa: RUF071 - of characters
    pattern = f"{days.table}/dt={common}*/*"
    paths = (path for root in (output, truth.root(output)) for path in storage.find(root, pattern))
    there = (path.rsplit("/", 2)[1].removeprefix("dt=") for path in paths)
    return frozenset(day for day in there if dates[0] <= day <= dates[1])


def read_manifest(output: str, table: str, day: int) -> lake.Manifest | None:
    """The manifest that a day has, or None for none or one that cannot be read."""
    path = storage.join(lake.folder(output, table, date_of(day)), lake.MANIFEST)
    try:
        return lake.Manifest.from_json(storage.read(path).decode(), path)
    except (FileNotFoundError, lake.LakeError, UnicodeDecodeError):
        return None


def is_same(manifest: lake.Manifest, target: Target, parts: int) -> bool:
    """Whether a manifest describes what would be written now, and says all that is said now."""
    if manifest.rows and not manifest.last_key and not target.rates:
        return False
    world, schema = target.world, tables.BY_NAME[manifest.table].fingerprint
    kind = (target.codec, target.file_format, target.rates.by_kind)
    return (VERSION, world.seed, world.scale, schema, *kind, parts) == (
        *(manifest.world, manifest.seed, manifest.scale, manifest.schema),
        *(manifest.codec, manifest.file_format, manifest.defects),
        max(1, len(manifest.files)),
    )


def is_whole(output: str, manifest: lake.Manifest) -> bool:
    """Whether every file that a manifest names is there, of the size that it says."""
    folder = lake.folder(output, manifest.table, manifest.day)
    return all(storage.size(storage.join(folder, file.name)) == file.bytes for file in manifest.files)


def write_file(target: Target, plan: FilePlan) -> lake.LakeFile | None:
    """Draws, encodes and writes one file; None for a day without rows."""
    blocks = range(plan.part * BLOCKS_PER_FILE, (plan.part + 1) * BLOCKS_PER_FILE)
    if target.rates:
        return _write_with_defects(target, plan, blocks)
    table, world = tables.BY_NAME[plan.table], target.world
    blocks = range(blocks.start, min(blocks.stop, world.blocks(plan.table, plan.day)))
    if not blocks:
        return None
    sums: dict[str, Decimal] = {}
    last_key = 0

    def drawn() -> Iterator[pa.RecordBatch]:
        nonlocal last_key
        for block in blocks:
            batch = world.block(plan.table, plan.day, block)
            last_key = max(last_key, lake.last_key(table, batch))
            for path, total in lake.sums(table, batch).items():
                sums[path] = sums.get(path, Decimal(0)) + total
            yield batch

    def write(file: BinaryIO) -> avro.Written:
        return formats.write_blocks(file, table, drawn(), file_format=target.file_format, codec=target.codec)

    written = storage.write(_path(target, plan), write)
    # Nothing is counted by date: all that is drawn for a day is of that day.
    dates = {date_of(plan.day).isoformat(): written.rows} if table.partition else {}
    return _lake_file(target, plan, written, sums, dates, last_key)


def _write_with_defects(target: Target, plan: FilePlan, blocks: range) -> lake.LakeFile | None:
    """Writes a file with defects, and beside the lake the truth about them."""
    defective = DefectiveFile(
        target.world, tables.BY_NAME[plan.table], target.rates, plan.day, plan.part, blocks, target.file_format
    )
    path = _path(target, plan)
    name = path.removeprefix(f"{target.output.rstrip('/')}/")
    written = None
    if not defective.is_empty():
        written = storage.write(path, lambda file: defective.write(file, name, target.codec))
    truth_path = storage.join(_truth_folder(target, (plan.table, plan.day)), truth.file_name(plan.part, plan.parts))
    if lines := defective.truth:
        storage.write(truth_path, lambda file: file.writelines(lines))
    else:
        storage.delete([truth_path])
    if not written:
        return None
    return _lake_file(target, plan, written, defective.sums, defective.rows_by_date, defective.last_key)


def _path(target: Target, plan: FilePlan) -> str:
    folder = lake.folder(target.output, plan.table, date_of(plan.day))
    return storage.join(folder, lake.file_name(plan.part, plan.parts, target.file_format))


def _truth_folder(target: Target, day: Day) -> str:
    table, number = day
    return lake.folder(truth.root(target.output), table, date_of(number))


def _lake_file(
    target: Target,
    plan: FilePlan,
    written: avro.Written,
    sums: dict[str, Decimal],
    dates: dict[str, int],
    last_key: int,
) -> lake.LakeFile:
    return lake.LakeFile(
        name=lake.file_name(plan.part, plan.parts, target.file_format),
        rows=written.rows,
        bytes=written.bytes,
        uncompressed_bytes=written.uncompressed_bytes,
        fingerprint=written.fingerprint,
        sums={path: str(total) for path, total in sums.items()},
        rows_by_date=dates,
        last_key=last_key,
    )


def write_manifest(target: Target, day: Day, files: Iterable[lake.LakeFile], *, is_new: bool = False) -> lake.Manifest:
    """Deletes what an earlier run with other files left of the day, unless it is new, then writes the manifest."""
    table, number = day
    manifest = lake.manifest_of(
        tables.BY_NAME[table],
        date_of(number),
        world=VERSION,
        seed=target.world.seed,
        scale=target.world.scale,
        codec=target.codec,
        files=files,
        file_format=target.file_format,
        defects=target.rates.by_kind,
    )
    folder = lake.folder(target.output, table, date_of(number))
    if not is_new:
        _delete_others(folder, {lake.MANIFEST, *(file.name for file in manifest.files)})
        parts = max(1, len(manifest.files))
        own = {truth.file_name(part, parts) for part in range(parts)} if target.rates else set()
        _delete_others(_truth_folder(target, day), own)
    storage.write(storage.join(folder, lake.MANIFEST), lambda file: file.write(manifest.to_json().encode()))
    return manifest


def _delete_others(folder: str, own: set[str]) -> None:
    storage.delete([storage.join(folder, name) for name in storage.names(folder) if name not in own])


class WriteFile(beam.DoFn):
    """FilePlan -> (day, what has become of it); nothing at all for days of history that are there already."""

    def __init__(self, target: Target, progress: ProgressLog) -> None:
        self._target, self._progress = target, progress
        self._rows = Metrics.counter("generate", "rows")
        self._files = Metrics.counter("generate", "files")
        self._bytes = Metrics.counter("generate", "bytes")
        self._kept = Metrics.counter("generate", "days_kept")

    def process(self, plan: FilePlan) -> Iterator[tuple[Day, Part]]:
        """Writes the file, unless it is history that is there."""
        output = self._target.output
        manifest = None if plan.is_new else read_manifest(output, plan.table, plan.day)
        if manifest is not None:
            same = is_same(manifest, self._target, plan.parts) and is_whole(output, manifest)
            if same and plan.is_history:
                if plan.part == 0:
                    self._kept.inc()
                    self._progress.add(_advance(plan, manifest.rows, len(manifest.files), manifest.bytes, kept=True))
                return
            if not same:
                # Until its new files are whole, the day is not there: a reader must not find them under the old names.
                storage.delete([storage.join(lake.folder(output, plan.table, date_of(plan.day)), lake.MANIFEST)])
        file = write_file(self._target, plan)
        if file:
            self._rows.inc(file.rows)
            self._files.inc()
            self._bytes.inc(file.bytes)
            self._progress.add(_advance(plan, file.rows, 1, file.bytes))
        yield (plan.table, plan.day), Part([file] if file else [], plan.is_new)


def _advance(plan: FilePlan, rows: int, files: int, size: int, *, kept: bool = False) -> Advance:
    return Advance("generate", plan.table, rows=rows, files=files, bytes=size, kept=kept)


class WriteManifest(beam.DoFn):
    """(day, its parts) -> the day's manifest, written last."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._days = Metrics.counter("generate", "days")

    def process(self, element: tuple[Day, Iterable[Part]]) -> Iterator[lake.Manifest]:
        """Writes the manifest of one day."""
        day, parts = element[0], list(element[1])
        self._days.inc()
        files = [file for part in parts for file in part.files]
        yield write_manifest(self._target, day, files, is_new=all(part.is_new for part in parts))

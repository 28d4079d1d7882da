"""Reading the lake: manifests, and the blocks of the files that they name."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from beam_pipelines import avro, lake, storage, tables
from beam_pipelines.lake import LakeError
from beam_pipelines.schema import Column, SchemaError, Table
from beam_pipelines.transforms import lake_schemas
from beam_pipelines.transforms.accounting import Amounts, added, amounts_of, dollars
from beam_pipelines.transforms.lake_planning import PlannedManifest, SplitFile


def read_manifest(path: str) -> PlannedManifest:
    """The manifest at a path, with every file that it names there and of the size that it says; else LakeError."""
    manifest = lake.Manifest.from_json(storage.read(path).decode(errors="replace"), path)
    table = tables.BY_NAME.get(manifest.table)
    if table is None or path != storage.join(lake.folder(_root_of(path), table.name, manifest.day), lake.MANIFEST):
        raise LakeError(f"{path}: expected the table and day of its folder, got {manifest.table} on {manifest.day}")
    if manifest.file_format != "avro":
        raise LakeError(f"{path}: expected files in avro, which is what load reads, got {manifest.file_format}")
    if manifest.rows and not manifest.last_key and not manifest.defects:
        raise LakeError(
            f"{path}: last_key: expected a number, got nothing: an earlier version wrote it; generate it again"
        )
    paths = [storage.join(path.rsplit("/", 1)[0], file.name) for file in manifest.files]
    for where, file in zip(paths, manifest.files, strict=True):
        size = storage.size(where)
        if size != file.bytes:
            found = "no such file" if size is None else f"{size:,} bytes"
            raise LakeError(f"{where}: expected {file.bytes:,} bytes as its manifest says, found {found}")
    if manifest.schema == table.fingerprint or not paths:
        return PlannedManifest(manifest)
    return PlannedManifest(
        manifest, lake_schemas.merged(table.name, [(f"in {where}", _more_columns(table, where)) for where in paths])
    )


def _more_columns(table: Table, path: str) -> tuple[Column, ...]:
    """The columns that a file has beyond its table's; LakeError if it cannot be read as the table's at all."""
    with _opened(path) as file:
        found = lake_schemas.columns_of(avro.read_header(file).schema)
        if differing := lake_schemas.differences(table, found):
            raise SchemaError(f"other columns than those of {table.name}: {'; '.join(differing)}")
    return lake_schemas.more_columns(table, found)


ROWS_WITH_DICTIONARIES = 2_048
"""From so many rows on the strings of a file are read as dictionaries and codes."""

WorldId = tuple[int, int, float]
"""Version, seed and scale of a world."""


def world_of(planned: PlannedManifest) -> WorldId:
    """The world that a manifest's rows were drawn from."""
    manifest = planned.manifest
    return manifest.world, manifest.seed, manifest.scale


def one_world(worlds: Collection[WorldId]) -> WorldId | None:
    """The only world among these, None if there is none; LakeError if there are several, whose keys do not fit."""
    if len(worlds) > 1:
        described = "; ".join(f"version {world}, seed {seed}, scale {scale:g}" for world, seed, scale in sorted(worlds))
        raise LakeError(f"the lake's days come from different worlds ({described}): generate them again as one")
    return next(iter(worlds), None)


class Block(NamedTuple):
    """One block of a lake file."""

    file: str
    """Path relative to the lake."""
    day: date
    """On which it landed."""
    offset: int
    batch: pa.RecordBatch
    amounts: Amounts
    """Sums of its rows."""


class CorruptBlock(NamedTuple):
    """A part of a lake file that cannot be read."""

    file: str
    day: date
    offset: int
    length: int
    """Bytes in the file."""
    expected: str
    actual: str


def read_file(root: str, table: Table, file: SplitFile) -> Iterator[Block | CorruptBlock]:
    """The blocks of a file of a lake, in order.

    LakeError if it is none of the table's, or if its rows, sums or content are not what its manifest says and no
    corrupt block explains it.
    """
    relative, day = file.path.removeprefix(root + "/"), date.fromisoformat(file.day)
    # Accounts are of the columns that are declared, whatever more a file has.
    declared = tables.BY_NAME[table.name]
    rows, amounts, damaged = 0, (0,) * len(declared.numeric_paths), False
    damages: list[avro.Damage] = []
    for block in _blocks(table, file, damages):
        while damages:
            damaged = True
            yield _corrupt(relative, day, damages.pop(0))
        if block is not None:
            sums = amounts_of(declared, block.batch)
            rows, amounts = rows + block.rows, added(amounts, sums)
            yield Block(relative, day, block.offset, block.batch, sums)
    if rows > file.rows or (rows != file.rows and not damaged):
        raise LakeError(f"{file.path}: expected {file.rows:,} rows as its manifest says, found {rows:,}")
    if not damaged:
        _check_sums(declared, file, amounts)


def _blocks(table: Table, file: SplitFile, damages: list[avro.Damage]) -> Iterator[avro.Block | None]:
    """A file's blocks, and None at its end; what cannot be read is added to the damages before the block behind it."""
    # Manifests of earlier versions have fingerprints of another kind.
    fingerprint = file.fingerprint if file.fingerprint.startswith("xxh3:") else None
    # Small blocks have hardly a string twice.
    dictionaries = file.rows >= ROWS_WITH_DICTIONARIES
    with _opened(file.path) as opened:
        yield from avro.read_blocks(
            opened,
            reader=functools.partial(lake_schemas.reader_schema, table),
            dictionaries=dictionaries,
            fingerprint=fingerprint,
            on_damage=damages.append,
        )
    yield None


def read_columns(table: Table, file: SplitFile, names: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of a file, block by block; what cannot be read is passed over here."""
    reader = functools.partial(lake_schemas.reader_schema, table)
    with _opened(file.path) as opened:
        for block in avro.read_blocks(opened, reader=reader, select=names, on_damage=_pass_over):
            yield block.batch


def _pass_over(damage: avro.Damage) -> None:
    """Whoever reads the file whole reports it."""


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """A file whose errors name it."""
    with storage.open_for_reading(path) as opened:
        try:
            yield opened
        except (avro.AvroError, SchemaError) as error:
            raise LakeError(f"{path}: {error}") from error


def _check_sums(table: Table, file: SplitFile, amounts: Amounts) -> None:
    expected: dict[str, Any] = dict(file.sums)
    for path, cents in zip(table.numeric_paths, amounts, strict=True):
        if path in expected and f"{dollars(cents)}" != expected[path]:
            raise LakeError(f"{file.path}: expected a sum of {expected[path]} in {path}, found {dollars(cents)}")


def _corrupt(file: str, day: date, damage: avro.Damage) -> CorruptBlock:
    error = damage.error
    what = error.problem if error.got is None else f"{error.problem}: {error.got}"
    return CorruptBlock(file, day, damage.offset, damage.length, str(error.expected or "a block"), what)


def _root_of(manifest: str) -> str:
    return manifest.rsplit("/", 3)[0]

"""Lakes to load: with every kind of defect, and days written by hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from beam_pipelines import avro, lake, storage
from beam_pipelines.defects import truth
from beam_pipelines.schema import Column, Table
from beam_pipelines.world import VERSION, World, day_number

FIRST, LAST = date(2019, 1, 1), date(2019, 1, 4)
"""The shop's first days, before which there is nothing."""

OPENING = World(seed=42, scale=0.02)
SIZE = f"--scale={OPENING.scale:g}"
DEFECTS = ("--defect_rate=0.05", "--defects=corrupt_block=0.15,older_schema=0.15")
"""Of every kind some, within four days."""


def days(first: date = FIRST, last: date | None = None) -> tuple[str, str]:
    """The flags of a period, by default of a single day."""
    return f"--start_date={first}", f"--end_date={last or first}"


ALL_DAYS = days(FIRST, LAST)


def data_file(root: Path, table: Table, day: date) -> Path:
    """The only file of a day."""
    return Path(lake.folder(str(root), table.name, day), lake.file_name(0, 1))


def read_day(root: Path, table: Table, day: date) -> list[dict[str, Any]]:
    """The rows of a day's only file."""
    with data_file(root, table, day).open("rb") as file:
        return [row for block in avro.read_blocks(file) for row in block.batch.to_pylist()]


def careless(table: Table) -> Table:
    """The table as somebody writes it who allows nulls everywhere."""
    return replace(table, columns=tuple(map(_careless, table.columns)))


def _careless(column: Column) -> Column:
    return replace(column, nullable=not column.repeated, fields=tuple(map(_careless, column.fields)))


def write_day(
    root: Path,
    table: Table,
    day: date,
    rows: Sequence[dict[str, Any]],
    world: World,
    *,
    written_as: Table | None = None,
) -> None:
    """Writes a day by hand, whatever its rows hold, into a lake of a world.

    ``written_as`` is the table with the columns of the file; without it the file allows nulls everywhere.
    """
    written_as = written_as or careless(table)
    batch = pa.RecordBatch.from_pylist(list(rows), schema=written_as.arrow_schema)
    last_key = max([_last_key(table, day, world), *(row[table.key[0]] or 0 for row in rows)])
    file = _write_file(data_file(root, table, day), written_as, [batch], last_key)
    manifest = lake.manifest_of(
        written_as, day, world=VERSION, seed=world.seed, scale=world.scale, codec="snappy", files=[file]
    )
    _write_manifest(root, manifest)


def divide(root: Path, table: Table, day: date, blocks: int) -> list[Path]:
    """Writes a day's only file again as several of so many blocks each, their paths in order."""
    path = data_file(root, table, day)
    manifest = lake.Manifest.from_json((path.parent / lake.MANIFEST).read_text(), str(path))
    with path.open("rb") as file:
        schema = avro.read_header(file).schema
        batches = [block.batch for block in avro.read_blocks(file, dictionaries=True)]
    path.unlink()
    groups = [batches[first : first + blocks] for first in range(0, len(batches), blocks)]
    paths = [path.parent / lake.file_name(part, len(groups)) for part in range(len(groups))]
    files = [
        _write_file(one, table, group, manifest.last_key, schema) for one, group in zip(paths, groups, strict=True)
    ]
    _write_manifest(root, replace(manifest, files=tuple(files), bytes=sum(one.bytes for one in files)))
    return paths


def _write_file(
    path: Path, table: Table, batches: Sequence[pa.RecordBatch], last_key: int, schema: Any = None
) -> lake.LakeFile:
    avro_schema = schema or table.avro_schema
    written = storage.write(str(path), lambda file: avro.write_blocks(file, avro_schema, batches))
    dates: Counter[str] = Counter()
    sums = dict.fromkeys(table.numeric_paths, Decimal("0.00"))
    for batch in batches:
        dates.update(lake.rows_by_date(table, batch))
        sums = {name: sums[name] + total for name, total in lake.sums(table, batch).items()}
    return lake.LakeFile(
        name=path.name,
        rows=written.rows,
        bytes=written.bytes,
        uncompressed_bytes=written.uncompressed_bytes,
        fingerprint=written.fingerprint,
        sums={name: str(total) for name, total in sums.items()},
        rows_by_date=dict(dates),
        last_key=last_key,
    )


def _write_manifest(root: Path, manifest: lake.Manifest) -> None:
    folder = Path(lake.folder(str(root), manifest.table, manifest.day))
    (folder / lake.MANIFEST).write_text(manifest.to_json())


def _last_key(table: Table, day: date, world: World) -> int:
    """The highest number that rows of the day have in the world, which others may refer to."""
    number = day_number(day)
    blocks = range(world.blocks(table.name, number))
    return max((lake.last_key(table, world.block(table.name, number, block)) for block in blocks), default=0)


def truths(root: Path, table: str = "*") -> list[dict[str, Any]]:
    """What is defective in a lake, by default in all tables."""
    paths = sorted(Path(truth.root(str(root))).glob(f"{table}/*/*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def spoil(path: Path) -> None:
    """Flips bits in the middle of a file, within a block."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)

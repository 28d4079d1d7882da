"""The lake: where a table's days lie, and the manifests that say what is there.

``<lake>/<table>/dt=YYYY-MM-DD/part-00000-of-00001.avro``, and beside it ``_MANIFEST.json``, written last. A day without
a manifest is not there. Files may have another format than Avro, and the name ends accordingly.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from beam_pipelines.columns import cents, integers
from beam_pipelines.schema import Column, Table, Type
from beam_pipelines.storage import join

MANIFEST = "_MANIFEST.json"
FORMAT = 1
"""Version of the manifest's own layout."""

NO_DEFECTS: Mapping[str, float] = {}

MICROSECONDS_PER_DAY = 86_400_000_000
EPOCH = date(1970, 1, 1).toordinal()
"""The day from which moments are counted."""


class LakeError(Exception):
    """The lake is not what its manifests say; the message is one line that names the file."""


@dataclass(frozen=True)
class LakeFile:
    """One file of a table's day."""

    name: str
    rows: int
    bytes: int
    uncompressed_bytes: int
    fingerprint: str
    """Of the uncompressed content, the same whatever the codec."""
    sums: Mapping[str, str] = field(default_factory=dict)
    """Sum of each NUMERIC column, as exact decimals; columns of items are written ``items.sale_price``."""
    rows_by_date: Mapping[str, int] = field(default_factory=dict)
    """How many rows are of each UTC date, by the partition column; see :attr:`Manifest.rows_by_date`."""
    last_key: int = 0
    """The highest number of the file's own rows; see :attr:`Manifest.last_key`."""


@dataclass(frozen=True)
class Manifest:
    """What is there of a table on a day: what its files hold, as they were written."""

    table: str
    day: date
    world: int
    """Version of the world that drew the rows."""
    seed: int
    scale: float
    schema: str
    """The table's fingerprint."""
    codec: str
    rows: int
    bytes: int
    sums: Mapping[str, str]
    files: tuple[LakeFile, ...]
    file_format: str = "avro"
    defects: Mapping[str, float] = field(default_factory=dict)
    """How often each kind of defect was asked for; kinds that were not are left out."""
    rows_by_date: Mapping[str, int] = field(default_factory=dict)
    """How many rows are of each UTC date (ISO), by the partition column.

    As the rows say, impossible dates included; a row without a time is of no date, so the rest of ``rows`` are those.
    Empty for a table without partitions, and in manifests of earlier versions, which had no rows of other days.
    """
    last_key: int = 0
    """The highest number, in the key's first column, that a row of the day has or will have once it lands.

    Whoever refers to a higher one refers to nothing. 0 for a day without rows, and in manifests of earlier versions.
    """

    def to_json(self) -> str:
        """The manifest as it lies in the lake."""
        # Not dataclasses.asdict, which copies everything deeply: there are thousands of manifests.
        files = [vars(file) for file in self.files]
        return (
            json.dumps({"format": FORMAT, **vars(self), "day": self.day.isoformat(), "files": files}, indent=1) + "\n"
        )

    @staticmethod
    def from_json(text: str, path: str) -> Manifest:
        """The manifest from its JSON; LakeError, naming ``path`` and the field, if it is not one."""
        try:
            known = json.loads(text)
        except ValueError as error:
            raise LakeError(f"{path}: expected a manifest in JSON, got {error}") from error
        if not isinstance(known, dict) or known.pop("format", None) != FORMAT:
            raise LakeError(f"{path}: expected a manifest of format {FORMAT}")
        _check_fields(known, _MANIFEST_FIELDS, _MANIFEST_DEFAULTS, path)
        for file in known["files"]:
            _check_fields(file, _FILE_FIELDS, _FILE_DEFAULTS, path)
        for counted in (known, *known["files"]):
            _check_dates(counted.get("rows_by_date", {}), path)
        try:
            day = date.fromisoformat(known["day"])
        except ValueError:
            raise LakeError(f"{path}: day: expected YYYY-MM-DD, got {known['day']!r}") from None
        return Manifest(**known | {"day": day, "files": tuple(LakeFile(**file) for file in known["files"])})


_MANIFEST_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "table": str,
    "day": str,
    "world": int,
    "seed": int,
    "scale": (int, float),
    "schema": str,
    "codec": str,
    "rows": int,
    "bytes": int,
    "sums": dict,
    "files": list,
    "file_format": str,
    "defects": dict,
    "rows_by_date": dict,
    "last_key": int,
}
_MANIFEST_DEFAULTS = ("file_format", "defects", "rows_by_date", "last_key")
"""Fields that manifests of earlier versions have not."""

_FILE_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "name": str,
    "rows": int,
    "bytes": int,
    "uncompressed_bytes": int,
    "fingerprint": str,
    "sums": dict,
    "rows_by_date": dict,
    "last_key": int,
}
_FILE_DEFAULTS = ("rows_by_date", "last_key")


def _check_fields(
    found: Any, fields: Mapping[str, type | tuple[type, ...]], optional: tuple[str, ...], path: str
) -> None:
    """LakeError, naming the field, if an object has not just these fields of these types."""
    if not isinstance(found, dict):
        raise LakeError(f"{path}: files: expected objects, got {found!r}")
    for name in sorted(found.keys() | (fields.keys() - set(optional))):
        types = fields.get(name)
        if types is None:
            raise LakeError(f"{path}: {name}: expected no such field, got {found[name]!r}")
        if name not in found or not isinstance(found[name], types) or isinstance(found[name], bool):
            wanted = types.__name__ if isinstance(types, type) else "number"
            got = repr(found[name]) if name in found else "nothing"
            raise LakeError(f"{path}: {name}: expected {wanted}, got {got}")


def _check_dates(rows_by_date: Mapping[Any, Any], path: str) -> None:
    """LakeError if these are not numbers of rows by date."""
    for text, rows in rows_by_date.items():
        try:
            date.fromisoformat(text)
        except ValueError:
            raise LakeError(f"{path}: rows_by_date: expected days as YYYY-MM-DD, got {text!r}") from None
        if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
            raise LakeError(f"{path}: rows_by_date: expected a number of rows on {text}, got {rows!r}")


def folder(lake: str, table: str, day: date) -> str:
    """Where a table's day lies.

    >>> folder("lake", "orders", date(2025, 11, 28))
    'lake/orders/dt=2025-11-28'
    """
    return join(lake, table, f"dt={day.isoformat()}")


def file_name(part: int, parts: int, file_format: str = "avro") -> str:
    """The name of a day's file.

    >>> file_name(0, 4)
    'part-00000-of-00004.avro'
    """
    return f"part-{part:05}-of-{parts:05}.{file_format}"


def manifest_of(
    table: Table,
    day: date,
    *,
    world: int,
    seed: int,
    scale: float,
    codec: str,
    files: Iterable[LakeFile],
    file_format: str = "avro",
    defects: Mapping[str, float] = NO_DEFECTS,
) -> Manifest:
    """The manifest of a day from its files, in any order."""
    ordered = tuple(sorted(files, key=lambda file: file.name))
    sums: dict[str, Decimal] = {path: Decimal("0.00") for path in table.numeric_paths}
    dates: Counter[str] = Counter()
    for file in ordered:
        dates.update(file.rows_by_date)
        for path, total in file.sums.items():
            sums[path] += Decimal(total)
    return Manifest(
        table=table.name,
        day=day,
        world=world,
        seed=seed,
        scale=scale,
        schema=table.fingerprint,
        codec=codec,
        rows=sum(file.rows for file in ordered),
        bytes=sum(file.bytes for file in ordered),
        sums={path: str(total) for path, total in sums.items()},
        files=ordered,
        file_format=file_format,
        defects=dict(defects),
        rows_by_date=dict(sorted(dates.items())),
        last_key=max((file.last_key for file in ordered), default=0),
    )


def sums(table: Table, batch: pa.RecordBatch) -> dict[str, Decimal]:
    """The sum of every NUMERIC column of a batch, exact for columns of up to 18 digits."""
    return {path: _sum(array) for path, array in _numerics(table.columns, batch.column, "")}


def rows_by_date(table: Table, batch: pa.RecordBatch) -> dict[str, int]:
    """How many rows of a batch are of each UTC date, by the partition column; empty for a table without one."""
    if not table.partition:
        return {}
    column = batch.column(table.partition.column)
    moments = integers(column.drop_null() if column.null_count else column)
    if not len(moments):
        return {}
    first = int(moments.min()) // MICROSECONDS_PER_DAY
    if first == int(moments.max()) // MICROSECONDS_PER_DAY:
        return {date.fromordinal(EPOCH + first).isoformat(): len(moments)}
    days, counts = np.unique(moments // MICROSECONDS_PER_DAY, return_counts=True)
    return {
        date.fromordinal(EPOCH + day).isoformat(): count
        for day, count in zip(days.tolist(), counts.tolist(), strict=True)
    }


def last_key(table: Table, batch: pa.RecordBatch) -> int:
    """The highest number in the key's first column; 0 for no rows."""
    return int(integers(batch.column(table.key[0])).max(initial=0))


def _numerics(
    columns: Iterable[Column], array_of: Callable[[str], pa.Array[Any]], prefix: str
) -> Iterator[tuple[str, pa.Array[Any]]]:
    """Paths and values of the NUMERIC columns; each repeated record is flattened once for all of its columns."""
    for column in columns:
        if column.type is Type.NUMERIC:
            array = array_of(column.name)
            yield prefix + column.name, array.flatten() if column.repeated else array
        elif column.fields:
            array = array_of(column.name)
            records = array.flatten() if column.repeated else array
            yield from _numerics(column.fields, records.field, f"{prefix}{column.name}.")


def _sum(array: pa.Array[Any]) -> Decimal:
    if array.null_count:
        array = array.drop_null()
    return Decimal(int(np.add.reduce(cents(array)))).scaleb(-array.type.scale)

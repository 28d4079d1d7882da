"""The lake's days and files, as tables of the database that the scoring works in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from beam_pipelines import lake
from beam_pipelines.lake import LakeError, Manifest
from beam_pipelines.verification.manifests import Days, Faults, find
from beam_pipelines.world import VERSION, World

CREATE = """
CREATE TABLE lake_days (table_name VARCHAR, day DATE, in_scope BOOLEAN);
CREATE TABLE lake_files (table_name VARCHAR, day DATE, part INTEGER, file VARCHAR, rows BIGINT, bytes BIGINT);
"""
"""Days that have a manifest, and their files with the numbers in their names."""

_FILES = pa.schema(
    [
        ("table_name", pa.string()),
        ("day", pa.date32()),
        ("part", pa.int32()),
        ("file", pa.string()),
        ("rows", pa.int64()),
        ("bytes", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Scope:
    """Which days are scored: by the days on which rows land, whose files hold them."""

    start: date | None = None
    """None for the lake's first day."""
    end: date | None = None
    """None for the lake's last day."""

    def has(self, day: date) -> bool:
        """Whether a day is scored."""
        return (self.start is None or day >= self.start) and (self.end is None or day <= self.end)


def manifests(root: str) -> Days:
    """The manifests of all days of a lake; LakeError if one cannot be read, or if they are of several worlds."""
    faults = Faults()
    days = find(root, None, None, faults)
    for name in ("manifests.readable", "manifests.world"):
        if name in faults.first:
            raise LakeError(faults.first[name])
    return days


def world_of(days: Days) -> World:
    """The world that a lake's rows were drawn from; LakeError if it is not one that can be drawn here."""
    manifest = next(iter(days.manifests.values()))[0]
    if manifest.world != VERSION:
        folder = lake.folder(days.root, manifest.table, manifest.day)
        raise LakeError(f"{folder}: expected rows of version {VERSION} of the world, got version {manifest.world}")
    return World(manifest.seed, manifest.scale)


def fill(connection: duckdb.DuckDBPyConnection, days: Days, scope: Scope) -> None:
    """Fills ``lake_days`` and ``lake_files``."""
    every = [manifest for own in days.manifests.values() for manifest in own]
    own = {
        "table_name": [manifest.table for manifest in every],
        "day": [manifest.day for manifest in every],
        "in_scope": [scope.has(manifest.day) for manifest in every],
    }
    _insert(connection, "lake_days", pa.table(own))
    _insert(connection, "lake_files", pa.Table.from_pylist(list(_files(every)), schema=_FILES))


def _files(found: Iterable[Manifest]) -> Iterable[dict[str, Any]]:
    for manifest in found:
        for file in manifest.files:
            yield {
                "table_name": manifest.table,
                "day": manifest.day,
                "part": part_of(file.name),
                "file": f"{manifest.table}/dt={manifest.day.isoformat()}/{file.name}",
                "rows": file.rows,
                "bytes": file.bytes,
            }


def part_of(name: str) -> int:
    """The number in a file's name.

    >>> part_of("part-00003-of-00004.avro")
    3
    """
    return int(name.split("-")[1])


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("arrived", rows)
    connection.execute(f"INSERT INTO {name} SELECT * FROM arrived")  # noqa: S608 - names of our own
    connection.unregister("arrived")

"""The truth about a lake's defects: one line of JSON for each, beside the lake.

``<lake>/_truth/<table>/dt=YYYY-MM-DD/part-00000-of-00001.jsonl`` is about the data file of that name and day, which is
the day on which a row lands. A day without defects has no such file. A line of ``withheld`` is about a row of the day
that is not there because it lands late: the file of the day on which it lands has a line of ``late``. So the truth of
any days accounts for every difference between their files and those of a clean run.

==================  ===================================================================================================
field               is
==================  ===================================================================================================
kind                one of KINDS, or withheld
table
key                 the row's key, by column; null for blocks and files
event_date          the day that the row is of
landed_date         the day in whose files it is, or will be
field, was, is      the column that was changed, its value before and after; null if none was
also                of a newer version the same of the time that makes it newer, else null
file                the data file, relative to the lake; null if the row is in none of this day's
block, offset       which block of the file, from 0, and where it begins in bytes (Avro only)
row_in_block, row   the number of the row in its block and in the file, from 0
rows, length        of a corrupt block how many rows and bytes it has, of a file of an older schema its rows, else null
unreadable          whether the row is in a corrupt block
==================  ===================================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from beam_pipelines import storage

FOLDER = "_truth"


class Truth(NamedTuple):
    """One defect, and where it is."""

    kind: str
    key: Mapping[str, Any] | None
    event_date: date
    landed_date: date
    field: str | None = None
    was: Any = None
    new: Any = None
    also: Mapping[str, Any] | None = None
    row: int | None = None
    """Number of the row in its block; None if it is not there, or if the defect is not a row's."""


class Place(NamedTuple):
    """Where a block is."""

    file: str
    """Relative to the lake."""
    block: int | None
    """Number in the file; None for the whole file."""
    offset: int | None
    """Where it begins, in bytes, if the format has such places."""
    first_row: int
    """Rows of the file before it."""
    unreadable: bool


def file_name(part: int, parts: int) -> str:
    """The name of the truth about a day's file.

    >>> file_name(0, 4)
    'part-00000-of-00004.jsonl'
    """
    return f"part-{part:05}-of-{parts:05}.jsonl"


def root(lake: str) -> str:
    """The folder that has the truth about a lake's tables."""
    return storage.join(lake, FOLDER)


def line(table: str, truth: Truth, place: Place | None, *, rows: int | None = None, length: int | None = None) -> bytes:
    """A line of the truth's file; ``place`` is None for what is in none of the day's files."""
    there = place is not None and truth.row is not None
    record = {
        "kind": truth.kind,
        "table": table,
        "key": truth.key,
        "event_date": truth.event_date,
        "landed_date": truth.landed_date,
        "field": truth.field,
        "was": truth.was,
        "is": truth.new,
        "also": truth.also,
        "file": place and place.file,
        "block": place and place.block,
        "offset": place and place.offset,
        "row_in_block": truth.row if place else None,
        "row": place.first_row + truth.row if place is not None and truth.row is not None else None,
        "rows": rows,
        "length": length,
        "unreadable": there and place is not None and place.unreadable,
    }
    return _encode(record).encode() + b"\n"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


_encode = json.JSONEncoder(default=_plain, ensure_ascii=False, allow_nan=False).encode
"""A line as ``records.record_json`` has it, in half the time: no value here is infinite."""

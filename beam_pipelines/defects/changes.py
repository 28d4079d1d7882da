"""What each kind of defect makes of a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines.columns import cents, integers, money
from beam_pipelines.defects import editing
from beam_pipelines.defects.candidates import column_at, paths
from beam_pipelines.defects.rates import MISSING, NEWER, RANGE, REFERENCE, TIME, UNBALANCED, VALUE
from beam_pipelines.schema import Column, Table, Type
from beam_pipelines.world import calendar, draw

UNKNOWN = "unknown"
"""What stands where only some values are valid; it is none of them."""

FAR_BEYOND = {"distribution_centers": 10**6}
"""Where numbers begin that no parent has, by table."""

FAR_BEYOND_ALL = 10**15
"""The same for other tables: above all keys of the largest world, below 2**53, so that JSON holds them exactly."""

YEARS_BEFORE = 10
"""Time travellers come from up to so many years before the opening."""

_SECOND = 1_000_000


class Change(NamedTuple):
    """One column's new values in some rows of a batch."""

    path: str
    rows: draw.I64
    was: list[Any]
    new: list[Any]


def changed(
    kind: str, table: Table, batch: pa.RecordBatch, rows: draw.I64, words: draw.U64, absent: str = ""
) -> tuple[pa.RecordBatch, list[Change]]:
    """The batch with a defect in each of these rows that a kind can change, and what was changed.

    Args:
        kind: One that changes a row in its place.
        table: The batch's.
        batch: The rows.
        rows: Numbers of those to change.
        words: For each of them, which column and how.
        absent: A column that the file will not have, and that is therefore left alone.
    """
    changes: list[Change] = []
    candidates = paths(kind, table.name)
    chosen = draw.below(words, len(candidates))
    for number, path in enumerate(candidates):
        mine = (chosen == number).nonzero()[0]
        mine = mine[editing.has_value(batch, path, rows[mine])]
        if path != absent and len(mine):
            was = editing.values(batch, path, rows[mine])
            new = _NEW[kind](column_at(table, path), was, words[mine] & np.uint64(0xFFFF_FFFF))
            batch = editing.with_values(batch, path, rows[mine], new)
            changes.append(_change(path, rows[mine], was, new))
    return batch, changes


def newer(
    table: Table, batch: pa.RecordBatch, words: draw.U64, day: int
) -> tuple[pa.RecordBatch, draw.I64, Change, Change]:
    """Newer versions of a day's rows.

    Returns:
        The newer rows, the numbers of those they are of, the change and that of the time that makes them newer.
    """
    assert table.partition, f"{table.name} has no time by which a version is newer"
    (path,) = paths(NEWER, table.name)
    time = table.partition.column
    rows = np.arange(batch.num_rows)
    last = calendar.midnight(day + 1) - 1
    moments = integers(batch.column(time))
    can = editing.has_value(batch, path, rows) & (moments < last)
    rows, batch, words = rows[can], batch.filter(pa.array(can)), words[can]
    numbers = np.arange(len(rows))
    low = words & np.uint64(0xFFFF_FFFF)
    was, was_time = editing.values(batch, path, numbers), editing.values(batch, time, numbers)
    new = _other_value(column_at(table, path), was, low)
    later = moments[can] + (1 + (low % np.uint64(3600)).astype(np.int64)) * _SECOND
    new_time = pa.array(np.minimum(later, last)).cast(was_time.type)
    batch = editing.with_values(batch, path, numbers, new)
    batch = editing.with_values(batch, time, numbers, new_time)
    return batch, rows, _change(path, numbers, was, new), _change(time, numbers, was_time, new_time)


def _change(path: str, rows: draw.I64, was: pa.Array[Any], new: pa.Array[Any] | None) -> Change:
    return Change(path, rows, was.to_pylist(), [None] * len(was) if new is None else new.to_pylist())


def _nothing(column: Column, was: pa.Array[Any], words: draw.U64) -> None:
    return None


def _out_of_range(column: Column, was: pa.Array[Any], words: draw.U64) -> pa.Array[Any]:
    """Beyond the bound by up to a thousand; of two bounds one by chance."""
    unit = 10**column.scale
    beyond = 1 + (words % np.uint64(1000 * unit)).astype(np.int64)
    above = words & np.uint64(1 << 31) != 0
    if column.minimum is None or column.maximum is None:
        above[:] = column.minimum is None
    low, high = (bound or 0 for bound in (column.minimum, column.maximum))
    numbers = np.where(above, high * unit + beyond, low * unit - beyond)
    return _numbers(column, numbers.astype(np.float64 if column.type is Type.FLOAT64 else np.int64))


def _numbers(column: Column, numbers: Any) -> pa.Array[Any]:
    return money(numbers).cast(column.arrow_value_type) if column.type is Type.NUMERIC else pa.array(numbers)


def _unknown_reference(column: Column, was: pa.Array[Any], words: draw.U64) -> pa.Array[Any]:
    parent = column.references.partition(".")[0]
    return pa.array(FAR_BEYOND.get(parent, FAR_BEYOND_ALL) + (words % np.uint64(10**6)).astype(np.int64))


def _unknown_value(column: Column, was: pa.Array[Any], words: draw.U64) -> pa.Array[Any]:
    return pa.array([UNKNOWN] * len(was))


def _off_by_some_cents(column: Column, was: pa.Array[Any], words: draw.U64) -> pa.Array[Any]:
    return _numbers(column, cents(was) + 1 + (words % np.uint64(10_000)).astype(np.int64))


def _before_opening(column: Column, was: pa.Array[Any], words: draw.U64) -> pa.Array[Any]:
    days = 1 + (words % np.uint64(YEARS_BEFORE * 365)).astype(np.int64)
    since_midnight = (integers(was) - calendar.OPENING_MICROSECONDS) % calendar.MICROSECONDS_PER_DAY
    moments = calendar.OPENING_MICROSECONDS - days * calendar.MICROSECONDS_PER_DAY + since_midnight
    return pa.array(moments).cast(was.type)


def _other_value(column: Column, was: pa.Array[Any], words: draw.U64) -> pa.Array[Any]:
    """Another valid value."""
    if not column.values:
        return _off_by_some_cents(column, was, words)
    count = len(column.values)
    known = np.array([column.values.index(value) for value in was.to_pylist()], np.int64)
    known += 1 + (words % np.uint64(count - 1)).astype(np.int64)
    return pa.array(column.values).take(pa.array(known % count))


_NEW: dict[str, Callable[[Column, pa.Array[Any], draw.U64], pa.Array[Any] | None]] = {
    MISSING: _nothing,
    RANGE: _out_of_range,
    REFERENCE: _unknown_reference,
    VALUE: _unknown_value,
    UNBALANCED: _off_by_some_cents,
    TIME: _before_opening,
}
"""What each kind that changes a row in its place makes of a column's values; None for nulls."""

IN_PLACE = tuple(_NEW)
"""Kinds that change a row in its place."""

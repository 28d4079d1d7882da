"""Rows with the same key: which there are, and which of them is the newest.

Only hashes of keys are exchanged to find out which keys a partition has more than once. Rows of such keys, and no
others, are then exchanged whole, so that it can be decided by what they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.columns import cents, integers
from beam_pipelines.records import record_json
from beam_pipelines.schema import Table

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def key_hashes(table: Table, batch: pa.RecordBatch) -> U64:
    """A hash of each row's key, shape (rows,): equal keys have equal hashes, and nearly all others do not."""
    hashes = np.zeros(batch.num_rows, np.uint64)
    for name in table.key:
        column = batch.column(name)
        hashes = _mixed(hashes + integers(column.fill_null(0) if column.null_count else column).view(np.uint64))
    return hashes


def _mixed(words: U64) -> U64:
    """Words whose every bit depends on every bit: the finalizer of splitmix64, which maps no two words to one."""
    words = (words ^ (words >> np.uint64(30))) * _MULTIPLIERS[0]
    words = (words ^ (words >> np.uint64(27))) * _MULTIPLIERS[1]
    return words ^ (words >> np.uint64(31))


def buckets_of(hashes: U64, buckets: int) -> I64:
    """The bucket of each hash, from 0: by its high bits, so that a bucket's hashes lie together when sorted."""
    return ((hashes >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32)).astype(np.int64)


def contested(parts: Sequence[U64]) -> list[U64]:
    """Of each part the hashes that are in all parts together more than once, ascending and each once.

    >>> [part.tolist() for part in contested([np.array([1, 2, 3], np.uint64), np.array([3, 4, 4], np.uint64)])]
    [[3], [3, 4]]
    """
    hashes = np.sort(np.concatenate(parts))
    repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    if not len(repeated):
        return [repeated] * len(parts)
    found = Hashes(repeated)
    return [np.unique(part[found.has(part)]) for part in parts]


class Hashes:
    """A set of hashes, to look others up in."""

    def __init__(self, ascending: U64) -> None:
        """A set of hashes in ascending order, at least one."""
        self._ascending = ascending
        # Most hashes looked up are none of these, which their first bits tell much faster than a search does.
        self._first_bits = np.zeros(1 << _FIRST_BITS, bool)
        self._first_bits[_first_bits(ascending)] = True

    def has(self, hashes: U64) -> npt.NDArray[np.bool_]:
        """Whether each hash is one of the set, shape (hashes,).

        >>> Hashes(np.array([3, 7], np.uint64)).has(np.array([7, 1, 7], np.uint64)).tolist()
        [True, False, True]
        """
        found: npt.NDArray[np.bool_] = self._first_bits.take(_first_bits(hashes))
        maybe = np.flatnonzero(found)
        sought = hashes[maybe]
        position = np.searchsorted(self._ascending, sought).clip(max=len(self._ascending) - 1)
        found[maybe] = self._ascending[position] == sought
        return found


_FIRST_BITS = 18


def _first_bits(hashes: U64) -> I64:
    return (hashes >> np.uint64(64 - _FIRST_BITS)).view(np.int64)


def newest(table: Table, batches: Iterable[pa.RecordBatch]) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Of each key the row that stands, in the order of keys; and the others.

    The row with the latest time in the partition column stands. Of several with that time their content decides, so
    that neither files nor workers do: the greatest, column by column.

    Args:
        table: The rows'.
        batches: Rows without nulls in keys, at least one batch.
    """
    rows = _together(plain(batch) for batch in batches)
    order: list[tuple[str, str, str]] = [(name, "ascending", "at_end") for name in table.key]
    columns = {name: rows[name].combine_chunks() for name in table.key}
    if table.partition:
        columns["time"] = rows[table.partition.column].combine_chunks()
        order.append(("time", "descending", "at_end"))
    for number, column in enumerate(rows.columns):
        columns[f"content{number}"] = _comparable(column.combine_chunks())
        order.append((f"content{number}", "descending", "at_end"))
    sorted_rows = pc.sort_indices(pa.table(columns), order)
    ordered = rows.take(sorted_rows)
    first = np.zeros(len(ordered), bool)
    first[:1] = True
    for name in table.key:
        keys = integers(ordered[name].combine_chunks())
        first[1:] |= keys[1:] != keys[:-1]
    return _one(ordered.filter(pa.array(first))), _one(ordered.filter(pa.array(~first)))


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch with strings as such and all columns nullable, so that those of several files agree."""
    arrays = [
        column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def one_batch(batches: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """The rows of several plain batches, at least one, as one."""
    return _one(_together(batches))


def _together(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Rows of several batches, whose records may have fields that are nullable in some files and not in others."""
    return pa.concat_tables([pa.Table.from_batches([batch]) for batch in batches], promote_options="default")


def _one(rows: pa.Table) -> pa.RecordBatch:
    whole = rows.combine_chunks().to_batches()
    return whole[0] if whole else pa.RecordBatch.from_pylist([], schema=rows.schema)


def _comparable(column: pa.Array[Any]) -> pa.Array[Any]:
    """A column that can be sorted: lists and records become bytes, which are equal where these are."""
    if pa.types.is_struct(column.type):
        return _as_json(column)
    if not pa.types.is_list(column.type):
        return column
    values = column.flatten()
    children = values.flatten() if pa.types.is_struct(values.type) else [values]
    if any(child.null_count or not _is_fixed(child.type) for child in children):
        return _as_json(column)
    numbers = [cents(child) if pa.types.is_decimal(child.type) else integers(child) for child in children]
    content = np.ascontiguousarray(np.stack(numbers, axis=1)) if len(values) else np.zeros((0, len(numbers)), np.int64)
    lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]) * (8 * len(numbers))
    buffers = [None, pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.large_binary(), len(column), buffers)


def _as_json(column: pa.Array[Any]) -> pa.Array[Any]:
    return pa.array([record_json(value) for value in column.to_pylist()], pa.large_binary())


def _is_fixed(kind: pa.DataType) -> bool:
    """Whether a type's values are whole numbers of 64 bits in all but name."""
    return bool(pa.types.is_int64(kind) or pa.types.is_timestamp(kind) or pa.types.is_decimal(kind))

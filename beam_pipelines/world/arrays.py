"""Arrow arrays around numpy ones.

Nothing is copied that lies as Arrow has it, and nothing is checked: what comes in was drawn by this package.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.columns import MONEY, TIMESTAMP
from beam_pipelines.schema import Table

FEW = pa.dictionary(pa.int8(), pa.string())
"""Strings of which there are fewer than 128."""

MANY = pa.dictionary(pa.int32(), pa.string())
"""Strings of which there are more."""

_INT64 = pa.int64()
_FLOAT64 = pa.float64()


def integers(values: npt.NDArray[np.int64], present: npt.NDArray[np.bool_] | None = None) -> pa.Array[Any]:
    """Whole numbers, null where not ``present``."""
    return pa.Array.from_buffers(_INT64, len(values), [_validity(present), pa.py_buffer(values)])


def floats(values: npt.NDArray[np.float64]) -> pa.Array[Any]:
    """Numbers."""
    return _fixed(_FLOAT64, values)


def timestamps(microseconds: npt.NDArray[np.int64]) -> pa.Array[Any]:
    """UTC microseconds since 1970 as timestamps."""
    return _fixed(TIMESTAMP, microseconds)


def money(cents: npt.NDArray[np.integer], present: npt.NDArray[np.bool_] | None = None) -> pa.Array[Any]:
    """Cents, 0 or more, as DECIMAL(12, 2), null where not ``present``.

    >>> money(np.array([1999, 5], np.uint32)).to_pylist()
    [Decimal('19.99'), Decimal('0.05')]
    """
    _keep_freed_memory()
    words = np.zeros((len(cents), 2), np.int64)
    words[:, 0] = cents
    return pa.Array.from_buffers(MONEY, len(words), [_validity(present), pa.py_buffer(words)])


@functools.lru_cache(maxsize=1)
def _keep_freed_memory() -> None:
    """Lets the C library keep up to 32 MiB that a batch leaves behind for the next one.

    glibc's malloc gives memory back to the system unless it has seen a larger piece come and go, and then every 4 KiB
    of the next batch cost a page fault: a tenth to a third of the time of drawing it. So it is shown a piece of 16 MiB,
    once and untouched. Other C libraries take no notice.
    """
    np.empty(16 << 20, np.uint8)


def strings(
    codes: npt.NDArray[Any], values: pa.Array[Any] | tuple[str, ...], present: npt.NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """Strings by their position in ``values``, null where not ``present``.

    >>> strings(np.array([1, 0]), ("a", "b"), present=np.array([True, False])).to_pylist()
    ['b', None]
    """
    known = values if isinstance(values, pa.Array) else _known(values)
    kind, width = (FEW, np.int8) if len(known) < 128 else (MANY, np.int32)
    positions = np.ascontiguousarray(codes, width)
    return pa.DictionaryArray.from_buffers(kind, len(positions), [_validity(present), pa.py_buffer(positions)], known)


def records(kind: pa.StructType, fields: list[pa.Array[Any]]) -> pa.StructArray:
    """Records of these fields, which all have a value for every record."""
    return pa.StructArray.from_buffers(kind, len(fields[0]), [None], 0, children=fields)


def lists(kind: pa.ListType, offsets: npt.NDArray[np.int32], values: pa.Array[Any]) -> pa.ListArray:
    """Lists of the values between each offset and the next: one fewer than there are offsets."""
    return pa.ListArray.from_buffers(kind, len(offsets) - 1, [None, pa.py_buffer(offsets)], 0, children=[values])


def schema(table: Table, encoded: Mapping[str, pa.DataType]) -> pa.Schema:
    """The table's schema, where these columns are dictionary-encoded."""
    return pa.schema(
        [pa.field(field.name, encoded.get(field.name, field.type), field.nullable) for field in table.arrow_schema]
    )


def _fixed(kind: pa.DataType, values: npt.NDArray[Any]) -> pa.Array[Any]:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)], 0)


def _validity(present: npt.NDArray[np.bool_] | None) -> pa.Buffer | None:
    return None if present is None else pa.py_buffer(np.packbits(present, bitorder="little"))


@functools.lru_cache(maxsize=256)
def _known(values: tuple[str, ...]) -> pa.Array[Any]:
    """The same array for every block, so that whoever gets many blocks may look at the strings once."""
    return pa.array(values, pa.string())

"""Arrow columns from numpy ones and back, without copying where that is possible."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.schema import Column, Table

MONEY = pa.decimal128(12, 2)
TIMESTAMP = pa.timestamp("us", tz="UTC")


def money(cents: npt.NDArray[np.int64]) -> pa.Array[Any]:
    """Cents as DECIMAL(12, 2).

    >>> money(np.array([1999, -5])).to_pylist()
    [Decimal('19.99'), Decimal('-0.05')]
    """
    words = np.empty((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    return pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(words)])


def cents(array: pa.Array[Any]) -> npt.NDArray[np.int64]:
    """The unscaled integers of a DECIMAL array whose values fit in 64 bits; those of nulls are arbitrary.

    >>> cents(money(np.array([1999, -5]))).tolist()
    [1999, -5]
    """
    if not len(array):
        return np.zeros(0, np.int64)
    words: npt.NDArray[np.int64] = np.frombuffer(array.buffers()[1], dtype=np.int64)[0::2]
    return words[array.offset : array.offset + len(array)]


def integers(array: pa.Array[Any]) -> npt.NDArray[np.int64]:
    """The values of an INT64, or the microseconds of a TIMESTAMP array, without nulls."""
    whole: npt.NDArray[np.int64] = array.cast(pa.int64()).to_numpy()
    return whole


def timestamps(microseconds: npt.NDArray[np.int64]) -> pa.Array[Any]:
    """UTC microseconds since 1970 as timestamps."""
    whole = np.ascontiguousarray(microseconds, dtype=np.int64)
    return pa.Array.from_buffers(TIMESTAMP, len(whole), [None, pa.py_buffer(whole)])


def dictionary(
    codes: npt.NDArray[Any], values: pa.Array[Any] | tuple[str, ...], null: npt.NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """Strings by their position in ``values``; int32 codes, or int8 where there are few values."""
    strings = values if isinstance(values, pa.Array) else _strings(values)
    narrow = np.int8 if len(strings) < 128 else np.int32
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(narrow, copy=False), mask=null), strings)


@functools.lru_cache(maxsize=256)
def _strings(values: tuple[str, ...]) -> pa.Array[Any]:
    return pa.array(values, pa.string())


def batch(table: Table, columns: dict[str, Any]) -> pa.RecordBatch:
    """A record batch of the table from its columns by name: Arrow arrays, or numpy ones of the column's own type."""
    return pa.RecordBatch.from_arrays(
        [_array(column, columns[column.name]) for column in table.columns],
        schema=pa.schema([_field(column, columns[column.name]) for column in table.columns]),
    )


def records(fields: tuple[Column, ...], columns: dict[str, Any]) -> pa.StructArray:
    """A struct array of the fields from its columns by name."""
    return pa.StructArray.from_arrays(
        [_array(field, columns[field.name]) for field in fields],
        fields=[_field(field, columns[field.name]) for field in fields],
    )


def _array(column: Column, values: Any) -> pa.Array[Any]:
    return values if isinstance(values, pa.Array) else pa.array(values, column.arrow_type)


def _field(column: Column, values: Any) -> pa.Field[Any]:
    return pa.field(column.name, values.type if isinstance(values, pa.Array) else column.arrow_type, column.nullable)

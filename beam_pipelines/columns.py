"""Money and moments as numbers and as Arrow columns, without copying where that is possible."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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

"""Which references lead nowhere.

Keys of lake tables are dense: numbers are given in the order of time, and a day's manifest says the highest that one of
its rows has or will have. So a number above what a table had on a row's day refers to nothing. One below refers to
something, even if that is late, refused or in a block that cannot be read: then it is the parent that is missing, and
the child is not to be blamed for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beam_pipelines import lake

I64 = npt.NDArray[np.int64]


class DayKey(NamedTuple):
    """The highest number that a table's rows of one day have."""

    table: str
    day: int
    """Proleptic ordinal."""
    last_key: int


def day_key(manifest: lake.Manifest) -> DayKey:
    """What a manifest says of its day's numbers."""
    return DayKey(manifest.table, manifest.day.toordinal(), manifest.last_key)


class LastKeys:
    """The highest number that each table had given by the end of each day.

    >>> keys = LastKeys([DayKey("orders", 10, 500), DayKey("orders", 12, 700), DayKey("orders", 11, 0)])
    >>> keys.by("orders", np.array([9, 10, 11, 12, 99])).tolist()
    [0, 500, 500, 700, 700]
    """

    def __init__(self, keys: Iterable[DayKey]) -> None:
        by_table: dict[str, list[tuple[int, int]]] = {}
        for key in keys:
            by_table.setdefault(key.table, []).append((key.day, key.last_key))
        self._by_table: dict[str, tuple[I64, I64]] = {}
        for table, found in by_table.items():
            days, last_keys = np.array(sorted(found), np.int64).T
            self._by_table[table] = (days, np.maximum.accumulate(last_keys))

    def by(self, table: str, days: I64) -> I64:
        """The table's highest number at the end of each of these days (proleptic ordinals); 0 before its first.

        Of a table that is not in the lake any number may be one.
        """
        if table not in self._by_table:
            return np.full(len(days), np.iinfo(np.int64).max)
        known, last_keys = self._by_table[table]
        return np.concatenate([[0], last_keys])[np.searchsorted(known, days, side="right")]

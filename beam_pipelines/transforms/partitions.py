"""Partitions, and which of them a row belongs to."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.lake import EPOCH, MICROSECONDS_PER_DAY
from beam_pipelines.schema import Table

Partition = tuple[str, str]
"""A table's name and a partition of it: ``20251128``, ``202511``, or empty if the table has none."""

I64 = npt.NDArray[np.int64]

LONGEST_LATENESS = 31
"""How many days after its own a row may land; one that lands later is refused."""


def partition_of(table: Table, day: date) -> str:
    """The id of the partition that a day of a table belongs to.

    >>> from beam_pipelines import tables
    >>> partition_of(tables.ORDERS, date(2025, 11, 28)), partition_of(tables.PRODUCTS, date(2025, 11, 28))
    ('20251128', '202511')
    """
    if not table.partition:
        return ""
    return day.strftime("%Y%m%d" if table.partition.granularity == "DAY" else "%Y%m")


def first_day(partition: str) -> date:
    """The first day of a partition; the epoch for a table that has none.

    >>> first_day("202511")
    datetime.date(2025, 11, 1)
    """
    if not partition:
        return date(1970, 1, 1)
    return date(int(partition[:4]), int(partition[4:6]), int(partition[6:] or 1))


def last_day(partition: str) -> date:
    """The last day of a partition; the end of time for a table that has none.

    >>> last_day("202511"), last_day("20251128")
    (datetime.date(2025, 11, 30), datetime.date(2025, 11, 28))
    """
    if not partition:
        return date.max
    first = first_day(partition)
    return first if len(partition) == 8 else first.replace(day=calendar.monthrange(first.year, first.month)[1])


class Held(NamedTuple):
    """What files hold of a partition."""

    rows: int = 0
    late: int = 0
    """How many of these rows landed after their own day."""

    def __add__(self, other: object) -> Held:
        assert isinstance(other, Held)
        return Held(self.rows + other.rows, self.late + other.late)


def is_possible(day: date, landed: date, days: Collection[date]) -> bool:
    """Whether a row that landed on a day may be of another: one in the lake, and not too long before."""
    return 0 <= (landed - day).days <= LONGEST_LATENESS and day in days


def held_by_partition(
    table: Table, landed: date, rows: int, rows_by_date: Mapping[str, int], days: Collection[date]
) -> dict[str, Held]:
    """What files that landed on a day hold of each partition, by what a manifest says of them.

    A row of no date, or of one that it cannot have, belongs to the partition of the day on which it landed. That one
    is there even if it gets no rows.
    """
    own = partition_of(table, landed)
    held = {own: Held(rows)}
    for text, count in rows_by_date.items() if table.partition else ():
        day = date.fromisoformat(text)
        if day != landed and is_possible(day, landed, days):
            partition = partition_of(table, day)
            held[own] += Held(-count)
            held[partition] = held.get(partition, Held()) + Held(count, count)
    return held


class Dates:
    """The dates of a batch's rows: which are possible, and which partition each row belongs to."""

    def __init__(self, table: Table, batch: pa.RecordBatch, landed: date, days: I64) -> None:
        """Looks at the partition column.

        Args:
            table: The batch's.
            batch: Rows that landed on one day.
            landed: That day.
            days: Days in the lake, as proleptic ordinals and ascending.
        """
        self._table, self._rows = table, batch.num_rows
        self.landed = landed.toordinal()
        """The day on which the rows landed, as a proleptic ordinal."""
        self.impossible: npt.NDArray[np.bool_] | None = None
        """Rows whose date is not possible, shape (rows,); None if there are none. Those of no date are possible."""
        self._days: I64 | None = None
        if table.partition and batch.num_rows:
            self._look(batch.column(table.partition.column), days)

    def _look(self, column: pa.Array[pa.Scalar[pa.DataType]], days: I64) -> None:
        own = self.landed
        moments = column.cast(pa.int64())
        if column.null_count:
            moments = moments.fill_null((own - EPOCH) * MICROSECONDS_PER_DAY)
        found: I64 = moments.to_numpy() // MICROSECONDS_PER_DAY + EPOCH
        if found.min() == found.max() == own:
            return
        position = np.searchsorted(days, found).clip(max=len(days) - 1)
        possible = (days[position] == found) & (found <= own) & (found >= own - LONGEST_LATENESS)
        if not possible.all():
            self.impossible = ~possible
        self._days = np.where(possible, found, own)

    @property
    def is_one_day(self) -> bool:
        """Whether all rows count as being of the day on which they landed."""
        return self._days is None

    @property
    def ordinals(self) -> I64:
        """The day that each row counts as being of, as a proleptic ordinal: shape (rows,)."""
        return np.full(self._rows, self.landed) if self._days is None else self._days

    def partitions(self) -> list[tuple[str, npt.NDArray[np.bool_] | None]]:
        """The partitions that the rows belong to, each with a mask of its rows; None for a single one's."""
        if self._days is None:
            return [(partition_of(self._table, date.fromordinal(self.landed)), None)]
        names: dict[str, list[int]] = {}
        for day in np.unique(self._days).tolist():
            names.setdefault(partition_of(self._table, date.fromordinal(day)), []).append(day)
        if len(names) == 1:
            return [(next(iter(names)), None)]
        return [(name, np.isin(self._days, days)) for name, days in names.items()]

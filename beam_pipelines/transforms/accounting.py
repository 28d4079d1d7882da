"""Accounts of partitions: what became of every row and every cent that the manifests name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from beam_pipelines import lake, tables
from beam_pipelines.schema import Table

Amounts = tuple[int, ...]
"""Sums of a table's NUMERIC columns, in cents and in the order of ``Table.numeric_paths``; empty for nothing."""


def amounts_of(table: Table, batch: pa.RecordBatch) -> Amounts:
    """The sums of a batch of a table."""
    return amounts(table, lake.sums(table, batch)) if batch.num_rows else ()


def amounts(table: Table, sums: Mapping[str, Decimal]) -> Amounts:
    """Sums by path as amounts; what is not there is 0."""
    return tuple(int(sums.get(path, Decimal(0)).scaleb(2)) for path in table.numeric_paths)


def added(*parts: Amounts) -> Amounts:
    """The sum of amounts of one table.

    >>> added((100, 5), (), (-1, 0))
    (99, 5)
    """
    return tuple(map(sum, zip(*filter(None, parts), strict=True)))


@dataclass(frozen=True)
class Account:
    """What became of the rows of a partition, or of some of them; accounts of one partition add up."""

    files: int = 0
    rows_in: int = 0
    """As the manifests say; of a derived table those that its source says it is to have."""
    rows_late: int = 0
    rows_loaded: int = 0
    rows_refused: int = 0
    rows_deduplicated: int = 0
    rows_unreadable: int = 0
    blocks_unreadable: int = 0
    amounts_in: Amounts = ()
    """Of all rows that were read."""
    amounts_loaded: Amounts = ()
    amounts_refused: Amounts = ()
    amounts_deduplicated: Amounts = ()

    def __add__(self, other: Account) -> Account:
        return Account(**{name: _sum(value, getattr(other, name)) for name, value in vars(self).items()})

    def differences(self, table_name: str) -> list[str]:
        """What does not add up, a line for each; none if all does."""
        found = []
        whole = self.rows_loaded + self.rows_refused + self.rows_deduplicated + self.rows_unreadable
        if self.rows_in != whole:
            found.append(
                f"expected {self.rows_in:,} rows, found {whole:,} ({self.rows_loaded:,} loaded, {self.rows_refused:,} "
                f"refused, {self.rows_deduplicated:,} deduplicated, {self.rows_unreadable:,} unreadable)"
            )
        paths = tables.BY_NAME[table_name].numeric_paths
        accounted = added(self.amounts_loaded, self.amounts_refused, self.amounts_deduplicated)
        for path, expected, got in _pairs(paths, self.amounts_in, accounted):
            found.append(f"expected a sum of {expected:,.2f} in {path}, found {got:,.2f}")
        return found

    def differences_from(self, table_name: str, rows: int, loaded: Amounts) -> list[str]:
        """How what the warehouse holds differs from what was loaded into it, a line for each."""
        found = []
        if rows != self.rows_loaded:
            found.append(f"expected {self.rows_loaded:,} rows in the warehouse, found {rows:,}")
        for path, expected, got in _pairs(tables.BY_NAME[table_name].numeric_paths, self.amounts_loaded, loaded):
            found.append(f"expected a sum of {expected:,.2f} in {path} in the warehouse, found {got:,.2f}")
        return found


NOTHING = Account()
"""The account of no rows."""


def _sum(one: Any, other: Any) -> Any:
    return added(one, other) if isinstance(one, tuple) else one + other


def dollars(cents: int) -> Decimal:
    """An amount as money.

    >>> dollars(-5)
    Decimal('-0.05')
    """
    return Decimal(cents).scaleb(-2)


def _pairs(paths: tuple[str, ...], expected: Amounts, found: Amounts) -> list[tuple[str, Decimal, Decimal]]:
    """Paths whose amounts differ, with both."""
    nothing = (0,) * len(paths)
    return [
        (path, dollars(one), dollars(other))
        for path, one, other in zip(paths, expected or nothing, found or nothing, strict=True)
        if one != other
    ]

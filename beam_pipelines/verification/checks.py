"""What a check is, and how it comes to an outcome.

A :class:`Rule` selects rows that must not be there. A :class:`Measure` is a number that must lie between two bounds,
give or take what chance does to so many rows. Both are data: a name, what is wanted in words, and DuckDB's SQL over the
tables that ``reading`` has filled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import duckdb

STANDARD_ERRORS = 4.0
"""How far chance may carry a measure beyond its bounds: once in 16,000 measures."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What rules and measures have in common."""

    name: str
    target: str
    """What is wanted, in words."""
    sql: str
    needs: tuple[str, ...]
    """What the SQL reads: columns of the lake as ``orders.created_at`` or ``orders.items.cost``, and prepared tables by
    their names."""


@dataclass(frozen=True, kw_only=True)
class Rule(Check):
    """No row may break it; the SQL selects those that do."""

    before: str = ""
    """SQL for the number of rows that cannot be judged, for they refer to what was before the lake's first day."""


@dataclass(frozen=True, kw_only=True)
class Measure(Check):
    """A number between two bounds.

    The SQL selects one row of the number, how many rows it was taken from, and its standard error. The number is null
    where the lake has none of the days that it takes.
    """

    low: float
    high: float
    least: int = 1_000
    """Rows below which the number says nothing."""
    takes: str = ""
    """Which days it takes, in words, for a lake that has none of them."""
    percent: bool = False
    """Whether the number is shown as per cent."""

    def shown(self, value: float) -> str:
        """A value of it as people read it."""
        return f"{value:.1%}" if self.percent else f"{value:.2f}"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A table of its own that several checks read, made when the first of them is run."""

    name: str
    sql: str
    needs: tuple[str, ...]


class Status(StrEnum):
    """How a check has ended."""

    OK = "ok"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a check."""

    name: str
    target: str
    status: Status
    measured: str = ""
    note: str = ""
    """Of a failure the first row, of a skipped check why."""
    value: float | None = None
    rows: int | None = None
    """Rows that a measure was taken from."""
    low: float | None = None
    high: float | None = None
    """A measure's bounds, without what chance adds."""
    tolerance: float | None = None
    """What chance adds to a measure's bounds."""


class Checking:
    """Runs checks over a database that ``reading`` has filled with the lake's tables.

    ``tables`` are the names of those that the lake has.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, tables: Collection[str], prepared: Mapping[str, Prepared]
    ) -> None:
        self._connection, self._tables = connection, frozenset(tables)
        self._prepared = prepared
        self._made: set[str] = set()

    def outcome(self, check: Check) -> Outcome:
        """Runs one check."""
        if missing := sorted(lake_tables((check,), self._prepared) - self._tables):
            return _skipped(check, f"the lake has no {' and no '.join(missing)}")
        for name in check.needs:
            self._make(name)
        if isinstance(check, Rule):
            return self._of_rule(check)
        assert isinstance(check, Measure)
        return self._of_measure(check)

    def _make(self, name: str) -> None:
        table = self._prepared.get(name)
        if table is None or name in self._made:
            return
        for other in table.needs:
            self._make(other)
        self._connection.execute(f"CREATE TABLE {name} AS {table.sql}")
        self._made.add(name)

    def _of_rule(self, rule: Rule) -> Outcome:
        broken = int(self._row(f"SELECT count(*) FROM ({rule.sql})")[0])  # noqa: S608 - our own query
        before = int(self._row(rule.before)[0]) if rule.before else 0
        notes = [f"first: {self._first(rule)}"] if broken else []
        if before:
            notes.append(f"{before:,} before the lake")
        status = Status.FAILED if broken else Status.OK
        return replace(_blank(rule), status=status, measured=f"{broken:,}", note="; ".join(notes), value=broken)

    def _first(self, rule: Rule) -> str:
        found = self._connection.execute(f"SELECT * FROM ({rule.sql}) ORDER BY ALL LIMIT 1")  # noqa: S608 - see above
        names = [column[0] for column in found.description or ()]
        row = found.fetchone() or ()
        return ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))

    def _of_measure(self, measure: Measure) -> Outcome:
        value, rows, error = self._connection.execute(measure.sql).fetchone() or (None, 0, None)
        if value is None or not rows:
            return _skipped(measure, f"not enough data: takes {measure.takes or 'rows'}")
        if rows < measure.least:
            return _skipped(measure, f"not enough data: {int(rows):,} rows, takes {measure.least:,}")
        value, tolerance = float(value), STANDARD_ERRORS * float(error or 0)
        holds = measure.low - tolerance <= value <= measure.high + tolerance
        return replace(
            _blank(measure), status=Status.OK if holds else Status.FAILED, measured=measure.shown(value),
            note="" if holds else _bounds(measure, tolerance), value=value, rows=int(rows), tolerance=tolerance,
        )  # fmt: skip

    def _row(self, sql: str) -> tuple[Any, ...]:
        row = self._connection.execute(sql).fetchone()
        assert row is not None
        return row


def lake_tables(checks: Collection[Check], prepared: Mapping[str, Prepared]) -> set[str]:
    """The lake's tables that checks read."""
    return set(lake_columns(checks, prepared))


def lake_columns(checks: Collection[Check], prepared: Mapping[str, Prepared]) -> dict[str, set[str]]:
    """The lake's columns that checks read, by table: ``created_at``, ``items.cost``."""
    columns: dict[str, set[str]] = {}
    for path in _paths(checks, prepared):
        table, _, column = path.partition(".")
        columns.setdefault(table, set()).add(column)
    return columns


def _paths(needing: Collection[Check | Prepared], prepared: Mapping[str, Prepared]) -> Iterator[str]:
    for one in needing:
        for name in one.needs:
            if name in prepared:
                yield from _paths((prepared[name],), prepared)
            else:
                yield name


def _skipped(check: Check, why: str) -> Outcome:
    return replace(_blank(check), note=why)


def _blank(check: Check) -> Outcome:
    """The outcome of a check before it is run."""
    low, high = (check.low, check.high) if isinstance(check, Measure) else (None, None)
    return Outcome(name=check.name, target=check.target, status=Status.SKIPPED, low=low, high=high)


def _bounds(measure: Measure, tolerance: float) -> str:
    low, high = (measure.shown(max(bound, 0.0)) for bound in (measure.low - tolerance, measure.high + tolerance))
    return f"expected {low} to {high}"

"""Which rows of a batch break a rule of their table, and which rule.

The rules are declared in beam_pipelines/tables: ranges, values and references beside the columns, equations and the
order of moments beside the table. A batch without a broken rule, which is nearly every batch, costs a few vector
operations a column.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.columns import cents, integers
from beam_pipelines.schema import Column, Equation, Table, TimeOrder, Type
from beam_pipelines.transforms.partitions import LONGEST_LATENESS, Dates
from beam_pipelines.transforms.references import LastKeys

Mask = npt.NDArray[np.bool_]

_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Of the years 1 to 9999, in microseconds since 1970."""


@dataclass(frozen=True)
class Finding:
    """Rows of a batch that break one rule."""

    reason: str
    field: str
    expected: str
    rows: Mask
    """True for a row that breaks it: shape (rows of the batch,)."""
    actual: Callable[[int], str]
    """What a row holds, for the report."""


def findings(table: Table, batch: pa.RecordBatch, dates: Dates, last_keys: LastKeys) -> list[Finding]:
    """The rules that some row breaks: those of the columns in their order, then references, sums, dates and times.

    Args:
        table: The batch's.
        batch: Rows that landed on one day.
        dates: Their dates.
        last_keys: The highest numbers that other tables' rows have.
    """
    found = [
        finding for column in table.columns for finding in _of_column(column, batch.column(column.name), column.name)
    ]
    found += _of_references(table.columns, batch, dates, last_keys)
    found += [finding for equation in table.equations if (finding := _of_equation(equation, batch))]
    found += _of_dates(table, batch, dates)
    found += [finding for order in table.time_orders if (finding := _of_time_order(order, batch))]
    return found


def _of_column(column: Column, array: pa.Array[Any], path: str) -> Iterator[Finding]:
    if not column.repeated:
        yield from _of_values(column, array, path)
        return
    for finding in _of_values(column, array.flatten(), path):
        yield _by_row(finding, pc.list_parent_indices(array).to_numpy(zero_copy_only=False), len(array))


def _of_values(column: Column, array: pa.Array[Any], path: str) -> Iterator[Finding]:
    # The fields of a record that may be null, and is, are nobody's.
    there = array.is_valid().to_numpy(zero_copy_only=False) if column.nullable and array.null_count else None
    for field in column.fields:
        for finding in _of_column(field, pc.struct_field(array, field.name), f"{path}.{field.name}"):
            rows = finding.rows if there is None else finding.rows & there
            if rows.any():
                yield replace(finding, rows=rows)
    for reason, expected, broken in _broken(column, array):
        if broken.any():
            yield Finding(reason, path, expected, broken, _values(array))


def _broken(column: Column, array: pa.Array[Any]) -> Iterator[tuple[str, str, Mask]]:
    if column.fields:
        return
    if not column.nullable and array.null_count:
        yield "required", "a value", pc.is_null(array).to_numpy(zero_copy_only=False)
    if column.minimum is not None or column.maximum is not None:
        expected = " and ".join(
            f"at {word} {bound:g}"
            for word, bound in (("least", column.minimum), ("most", column.maximum))
            if bound is not None
        )
        yield "range", expected, _out_of_range(column, array)
    if column.type is Type.TIMESTAMP:
        yield "range", "a time in the years 1 to 9999", _out_of_years(array)
    if column.values:
        yield "values", f"one of {', '.join(column.values)}", _unknown(array, column.values)


def _out_of_range(column: Column, array: pa.Array[Any]) -> Mask:
    numbers = _numbers(column, array)
    unit = 10**column.scale
    broken = np.zeros(len(array), dtype=bool)
    if column.minimum is not None:
        broken |= numbers < column.minimum * unit
    if column.maximum is not None:
        broken |= numbers > column.maximum * unit
    if column.type is Type.FLOAT64:
        broken |= np.isnan(numbers)
    if array.null_count and broken.any():
        broken &= array.is_valid().to_numpy(zero_copy_only=False)
    return broken


def _numbers(column: Column, array: pa.Array[Any]) -> npt.NDArray[Any]:
    """The values of a numeric column, money in cents; those of nulls are arbitrary."""
    if column.type is Type.NUMERIC:
        return cents(array)
    if array.null_count and column.type is Type.INT64:
        # Arrow would make floats of them, which do not hold every whole number.
        array = array.fill_null(0)
    numbers: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return numbers


def _out_of_years(array: pa.Array[Any]) -> Mask:
    """Moments that neither a calendar nor a warehouse knows; those of nulls count as known."""
    microseconds = integers(array.fill_null(0) if array.null_count else array)
    broken: Mask = (microseconds < _FIRST_MOMENT) | (microseconds > _LAST_MOMENT)
    return broken


def _unknown(array: pa.Array[Any], values: tuple[str, ...]) -> Mask:
    if isinstance(array, pa.DictionaryArray):
        known = pc.is_in(array.dictionary, value_set=_listed(values)).to_numpy(zero_copy_only=False)
        if known.all():
            return np.zeros(len(array), dtype=bool)
        valid = array.is_valid().to_numpy(zero_copy_only=False)
        codes = array.indices.fill_null(0).to_numpy()
        unknown: Mask = ~known.take(codes) & valid
        return unknown
    listed: Mask = pc.is_in(array, value_set=pa.array([*values, None], array.type)).to_numpy(zero_copy_only=False)
    return ~listed


@functools.lru_cache(maxsize=64)
def _listed(values: tuple[str, ...]) -> pa.Array[Any]:
    return pa.array(values)


def _of_equation(equation: Equation, batch: pa.RecordBatch) -> Finding | None:
    """The equation's finding, or None; nulls count as 0, being a finding of their own."""
    item = "." in equation.left
    left = _terms(batch, equation.left, item)
    right = sum((_terms(batch, path, item) for path in equation.plus), np.zeros_like(left))
    right = right - sum((_terms(batch, path, item) for path in equation.minus), np.zeros_like(left))
    if (broken := left != right).any():
        finding = Finding(
            "equation", equation.left, f"{equation}", broken, lambda i: f"{left[i] / 100:.2f}, not {right[i] / 100:.2f}"
        )
        if not item:
            return finding
        parents = pc.list_parent_indices(batch.column(equation.left.partition(".")[0])).to_numpy(zero_copy_only=False)
        return _by_row(finding, parents, batch.num_rows)
    return None


def _terms(batch: pa.RecordBatch, path: str, by_item: bool) -> npt.NDArray[np.int64]:
    name, _, field = path.partition(".")
    column = batch.column(name)
    if not field:
        return _filled(column)
    values = _filled(pc.struct_field(column.flatten(), field))
    if by_item:
        return values
    running = np.concatenate([[0], np.cumsum(values)])
    offsets = column.offsets.to_numpy() - column.offsets[0].as_py()
    sums: npt.NDArray[np.int64] = running[offsets[1:]] - running[offsets[:-1]]
    return sums


def _filled(array: pa.Array[Any]) -> npt.NDArray[np.int64]:
    values = cents(array)
    if array.null_count:
        values = np.where(array.is_valid().to_numpy(zero_copy_only=False), values, 0)
    return values


def _of_references(
    columns: tuple[Column, ...], batch: pa.RecordBatch, dates: Dates, last_keys: LastKeys
) -> Iterator[Finding]:
    for column in columns:
        array = batch.column(column.name)
        if column.references:
            yield from _beyond(column, column.name, array, None, dates, last_keys)
        elif column.repeated and any(field.references for field in column.fields):
            parents = pc.list_parent_indices(array).to_numpy(zero_copy_only=False)
            items = array.flatten()
            for field in column.fields:
                if field.references:
                    values = pc.struct_field(items, field.name)
                    path = f"{column.name}.{field.name}"
                    for finding in _beyond(field, path, values, parents, dates, last_keys):
                        yield _by_row(finding, parents, batch.num_rows)


def _beyond(
    column: Column,
    path: str,
    array: pa.Array[Any],
    parents: npt.NDArray[np.int64] | None,
    dates: Dates,
    last_keys: LastKeys,
) -> Iterator[Finding]:
    """The values above what the table referred to had on the row's day; ``parents`` are the rows that items are of."""
    table = column.references.partition(".")[0]
    numbers = _numbers(column, array)
    if dates.is_one_day:
        last = last_keys.by(table, np.array([dates.landed]))
    else:
        last = last_keys.by(table, dates.ordinals)
        last = last if parents is None else last.take(parents)
    broken = numbers > last
    if array.null_count and broken.any():
        broken &= array.is_valid().to_numpy(zero_copy_only=False)
    if broken.any():
        yield Finding("references", path, f"a number that {table} had by that day", broken, _values(array))


def _of_dates(table: Table, batch: pa.RecordBatch, dates: Dates) -> Iterator[Finding]:
    if dates.impossible is not None and table.partition:
        landed = date.fromordinal(dates.landed)
        expected = f"a time on a day of the lake from {landed - timedelta(LONGEST_LATENESS)} to {landed}"
        column = table.partition.column
        yield Finding("partition", column, expected, dates.impossible, _values(batch.column(column)))


def _of_time_order(order: TimeOrder, batch: pa.RecordBatch) -> Finding | None:
    """The order's finding, or None; a moment that is not there is a finding of its own, or needs none."""
    earlier, later = batch.column(order.earlier), batch.column(order.later)
    broken: Mask = pc.greater(earlier, later).fill_null(False).to_numpy(zero_copy_only=False)
    if not broken.any():
        return None
    return Finding("time_order", order.later, f"a time not before {order.earlier}", broken, _values(later))


def _by_row(finding: Finding, parents: npt.NDArray[np.int64], rows: int) -> Finding:
    """A finding about items as one about the rows that hold them; its actual value is that of the first such item."""
    items = np.flatnonzero(finding.rows)
    broken = np.zeros(rows, dtype=bool)
    broken[parents[items]] = True
    first = {int(row): int(item) for row, item in zip(parents[items][::-1], items[::-1], strict=True)}
    return Finding(finding.reason, finding.field, finding.expected, broken, lambda row: finding.actual(first[row]))


def _values(array: pa.Array[Any]) -> Callable[[int], str]:
    if pa.types.is_timestamp(array.type):
        return lambda row: _moment(array[row])
    return lambda row: str(array[row].as_py())


def _moment(value: pa.TimestampScalar) -> str:
    """A moment as text, as the number that it is if it is out of years."""
    microseconds = value.cast(pa.int64()).as_py()
    if microseconds is None or _FIRST_MOMENT <= microseconds <= _LAST_MOMENT:
        return str(value.as_py())
    return f"{microseconds} microseconds since 1970"

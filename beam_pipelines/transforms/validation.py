"""Which rows of a batch break a rule of their table, and which rule.

The rules are declared in tables.py: ranges and values beside the columns, equations beside the table. A batch without a
broken rule, which is nearly every batch, costs a few vector operations a column.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.columns import cents
from beam_pipelines.schema import Column, Equation, Table, Type

Mask = npt.NDArray[np.bool_]


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


def findings(table: Table, batch: pa.RecordBatch, first_day: date, last_day: date) -> list[Finding]:
    """The rules that some row breaks, in the order of the columns, then equations, then the partition.

    ``first_day`` and ``last_day`` bound the UTC dates that the table's partition column may hold.
    """
    found = [
        finding for column in table.columns for finding in _of_column(column, batch.column(column.name), column.name)
    ]
    found += [finding for equation in table.equations if (finding := _of_equation(equation, batch))]
    if table.partition and (finding := _of_partition(table.partition.column, batch, first_day, last_day)):
        found.append(finding)
    return found


def _of_column(column: Column, array: pa.Array[Any], path: str) -> Iterator[Finding]:
    if not column.repeated:
        yield from _of_values(column, array, path)
        return
    for finding in _of_values(column, array.flatten(), path):
        yield _by_row(finding, pc.list_parent_indices(array).to_numpy(zero_copy_only=False), len(array))


def _of_values(column: Column, array: pa.Array[Any], path: str) -> Iterator[Finding]:
    for field in column.fields:
        yield from _of_column(field, pc.struct_field(array, field.name), f"{path}.{field.name}")
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


def _of_partition(column: str, batch: pa.RecordBatch, first_day: date, last_day: date) -> Finding | None:
    array = batch.column(column)
    days = array.cast(pa.int64()).fill_null(0).to_numpy() // 86_400_000_000
    epoch = date(1970, 1, 1).toordinal()
    broken = (days < first_day.toordinal() - epoch) | (days > last_day.toordinal() - epoch)
    if not broken.any():
        return None
    expected = f"{first_day} to {last_day}" if first_day != last_day else str(first_day)
    return Finding("partition", column, f"a time on {expected}", broken, _values(array))


def _by_row(finding: Finding, parents: npt.NDArray[np.int64], rows: int) -> Finding:
    """A finding about items as one about the rows that hold them; its actual value is that of the first such item."""
    items = np.flatnonzero(finding.rows)
    broken = np.zeros(rows, dtype=bool)
    broken[parents[items]] = True
    first = {int(row): int(item) for row, item in zip(parents[items][::-1], items[::-1], strict=True)}
    return Finding(finding.reason, finding.field, finding.expected, broken, lambda row: finding.actual(first[row]))


def _values(array: pa.Array[Any]) -> Callable[[int], str]:
    return lambda row: str(array[row].as_py())

"""The rules of a table as DuckDB's SQL: whether a row keeps them all, and which it breaks first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from beam_pipelines.schema import Column, Equation, Table, quoted


@dataclass(frozen=True)
class Rule:
    """What a row, or each item of its list ``items``, has to be; a null breaks it."""

    condition: str
    reason: str
    field: str
    items: str = ""
    """The repeated column whose items the rule is about, called ``item`` in the condition; empty for a row's rule."""


def rules(table: Table) -> list[Rule]:
    """The rules of the columns in their order, then the equations."""
    return [*_of_columns(table.columns), *map(_of_equation, table.equations)]


def first_broken(kept: Iterable[Rule]) -> str:
    """The first rule that a row breaks, as a struct of reason and field; null for a row that keeps them all.

    Nearly all rows do: one condition says whether, and only of the others it is asked which.
    """
    ordered = list(kept)
    # A null breaks the other rules of its column too, so that it need not be asked for.
    asked = [
        rule for rule in ordered if rule.reason != "required" or sum(one.field == rule.field for one in ordered) < 2
    ]
    whole = [rule.condition for rule in asked if not rule.items]
    whole += [
        _all(items, " AND ".join(rule.condition for rule in asked if rule.items == items))
        for items in dict.fromkeys(rule.items for rule in asked if rule.items)
    ]
    cases = " ".join(
        f"WHEN ({_all(rule.items, rule.condition) if rule.items else rule.condition}) IS NOT TRUE "
        f"THEN {{'reason': '{rule.reason}', 'field': '{rule.field}'}}"
        for rule in ordered
    )
    return f"CASE WHEN {' AND '.join(whole)} THEN NULL {cases} END"


def _all(items: str, condition: str) -> str:
    """Whether a condition holds for every item: the filter drops an item where it is null, too."""
    return f"len(list_filter({quoted(items)}, lambda item: {condition})) = len({quoted(items)})"


def _of_columns(columns: Iterable[Column], items: str = "") -> Iterator[Rule]:
    for column in columns:
        path, value = (f"{items}.{column.name}", f"item.{quoted(column.name)}") if items else (column.name,) * 2
        if column.fields:
            yield from _of_columns(column.fields, column.name)
        elif not column.repeated:
            for reason, condition in _conditions(column, value):
                yield Rule(condition, reason, path, items)


def _conditions(column: Column, value: str) -> Iterator[tuple[str, str]]:
    """Reasons and conditions, in the order in which they are asked."""
    if not column.nullable:
        yield "required", f"{value} IS NOT NULL"
    bounds = [f"{value} >= {column.minimum:g}"] if column.minimum is not None else []
    bounds += [f"{value} <= {column.maximum:g}"] if column.maximum is not None else []
    or_null = f"{value} IS NULL OR " if column.nullable else ""
    if bounds:
        yield "range", f"({or_null}{' AND '.join(bounds)})"
    if column.values:
        values = ", ".join(f"'{one}'" for one in column.values)
        yield "values", f"({or_null}{value} IN ({values}))"


def _of_equation(equation: Equation) -> Rule:
    items = equation.left.partition(".")[0] if "." in equation.left else ""
    terms = [_term(path, bool(items)) for path in equation.plus] + [
        f"-{_term(path, bool(items))}" for path in equation.minus
    ]
    return Rule(f"{_term(equation.left, bool(items))} = {' + '.join(terms)}", "equation", equation.left, items)


def _term(path: str, of_item: bool) -> str:
    """A column's value; of a row the sum over its items, which is 0 if it has none."""
    name, _, field = path.partition(".")
    if not field:
        return quoted(name)
    if of_item:
        return f"item.{quoted(field)}"
    return f"COALESCE(list_sum(list_transform({quoted(name)}, lambda item: item.{quoted(field)})), 0)"

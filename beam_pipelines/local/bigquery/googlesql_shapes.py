"""UNNEST, whose items GoogleSQL lets be named as a value and as the fields of it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from sqlglot import exp


class Items(Enum):
    """What the columns of an UNNEST are."""

    VALUE = auto()
    """The item."""
    VALUE_AND_FIELDS = auto()
    """The item, and beside it the fields of the struct that it is."""
    FIELDS = auto()
    """The fields of the struct alone: what ``*`` gives."""


def readings(tree: exp.Expr) -> list[Items]:
    """In what ways the UNNESTs of the tree may be meant, to be tried in this order.

    Only the types tell whether an item is a struct, and DuckDB knows them: a reading that it cannot bind is not meant.
    """
    if not any(_in_from(tree)):
        return [Items.VALUE]
    star = any(projection.is_star for select in tree.find_all(exp.Select) for projection in select.expressions)
    return [*([Items.FIELDS] if star else []), Items.VALUE, Items.VALUE_AND_FIELDS]


def with_unnest(tree: exp.Expr, items: Items) -> exp.Expr:
    """The tree with the UNNESTs of its FROM clauses in DuckDB's words: offsets from 0, left joins with a condition."""
    for join in tree.find_all(exp.Join):
        if isinstance(join.this, exp.Unnest) and join.side and not join.args.get("on"):
            join.set("on", exp.true())
    for number, unnest in enumerate(list(_in_from(tree))):
        if items is not Items.VALUE or unnest.args.get("offset"):
            unnest.replace(_unnested(unnest, items, number))
    return tree


def _in_from(tree: exp.Expr) -> Iterator[exp.Unnest]:
    return (unnest for unnest in tree.find_all(exp.Unnest) if isinstance(unnest.parent, exp.From | exp.Join))


def _unnested(unnest: exp.Unnest, items: Items, number: int) -> exp.Expr:
    alias, array, offset = unnest.args.get("alias"), unnest.expressions[0], unnest.args.get("offset")
    name = alias.columns[0].name if alias and alias.columns else f"_item{number}"
    columns = [exp.alias_(_call("unnest", array), name, quoted=True)]
    if offset:
        offset_name = offset.name if isinstance(offset, exp.Identifier) else "offset"
        positions = _call("unnest", _call("range", _call("len", array.copy())))
        columns.append(exp.alias_(positions, offset_name, quoted=True))
    made = exp.select(*columns)
    if items is not Items.VALUE:
        item = exp.column(exp.to_identifier(name, quoted=True))
        kept: list[exp.Expr] = [item.copy()] if items is Items.VALUE_AND_FIELDS else []
        if offset:
            kept.append(exp.column(exp.to_identifier(columns[1].alias, quoted=True)))
        made = exp.select(_call("unnest", item), *kept).from_(made.subquery(f"_items{number}"))
    return made.subquery(f"_unnest{number}")


def _call(function: str, argument: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=function, expressions=[argument])

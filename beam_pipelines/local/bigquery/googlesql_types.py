"""Rules of translation, and calls of macros whose meaning depends on the types of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from beam_pipelines.local.bigquery.macros import MACROS

Rule = Callable[[exp.Expr], exp.Expr]
"""From an expression to the one that DuckDB is to get in its place."""

_WITNESS, _AGGREGATE = "witness", "aggregate"
_KINDS = {
    "quotient": "kind_of_quotient",
    "quotient_or_null": "kind_of_quotient",
    "product": "kind_of_product",
    "rounded": "kind_of_rounded",
}
"""By macro: the macro that gives a constant of the type of its results, given the witnesses."""


def call(name: str, *arguments: exp.Expr | str | int) -> exp.Expr:
    """A call of one of the file's macros."""
    converted = [_argument(argument) for argument in arguments]
    function = exp.Anonymous(this=name, expressions=converted)
    return exp.Dot(this=exp.to_identifier(MACROS.schema), expression=function)


def concatenated(parts: Sequence[exp.Expr]) -> exp.Expr:
    """The texts, of which there is at least one, put together by ``||``."""
    joined = parts[0]
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=part)
    return exp.paren(joined) if len(parts) > 1 else joined


def _argument(argument: exp.Expr | str | int) -> exp.Expr:
    if isinstance(argument, exp.Expr):
        return argument
    return exp.Literal.string(argument) if isinstance(argument, str) else exp.Literal.number(argument)


def typed_call(name: str, typed: list[exp.Expr], *others: exp.Expr | str | int) -> exp.Expr:
    """A call of a macro that has an overload for each combination of the types of ``typed``.

    DuckDB does not pick an overload by the type of an aggregate, so of each argument it also gets a *witness*: an
    expression of the same kind of type without aggregates. The macro looks at its type only.
    """
    witnesses = [witness(argument) for argument in typed]
    made = call(name, *(each.copy() for each in witnesses), *typed, *others)
    aggregates = any(has_aggregate(argument) for argument in typed)
    if name in _KINDS:  # of operators that are nested deeply each witness would have the others in it twice
        made.meta[_WITNESS] = call(_KINDS[name], *witnesses)
    elif aggregates:
        plain = [_copied(other) for other in others]
        made.meta[_WITNESS] = call(name, *(each.copy() for each in witnesses), *witnesses, *plain)
    if aggregates:
        made.meta[_AGGREGATE] = True
    return made


def _copied(argument: exp.Expr | str | int) -> exp.Expr | str | int:
    return argument.copy() if isinstance(argument, exp.Expr) else argument


def aggregate_call(name: str, typed: exp.Expr, *others: exp.Expr) -> exp.Expr:
    """A call of a macro whose other arguments are aggregates of ``typed``."""
    made = call(name, witness(typed), *others)
    made.meta[_WITNESS] = call("quotient", *(witness(typed) for _ in range(2)), *(witness(typed) for _ in range(2)))
    made.meta[_AGGREGATE] = True
    return made


def has_aggregate(node: exp.Expr) -> bool:
    """Whether the expression aggregates, other than in a subquery."""
    if isinstance(node, exp.Query | exp.Subquery):
        return False
    if isinstance(node, exp.AggFunc | exp.Window) or node.meta.get(_AGGREGATE):
        return True
    return any(has_aggregate(child) for child in node.iter_expressions())


def witness(node: exp.Expr) -> exp.Expr:
    """An expression without aggregates whose type is as the node's, at least up to INT64, FLOAT64 or NUMERIC."""
    if stored := node.meta.get(_WITNESS):
        witnessed: exp.Expr = stored.copy()
        return witnessed
    if not _is_to_be_replaced(node):
        return node.copy()
    if isinstance(node, exp.Window | exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
        return witness(node.this)
    if isinstance(node, exp.AggFunc | exp.RowNumber):
        return _argument_witness(node)
    copied = node.copy()
    for original, child in zip(list(node.iter_expressions()), list(copied.iter_expressions()), strict=True):
        if _is_to_be_replaced(original):
            child.replace(witness(original))
    return copied


def _is_to_be_replaced(node: exp.Expr) -> bool:
    """Whether there is something in the expression that has a witness of its own, or needs one."""
    if isinstance(node, exp.Query | exp.Subquery):
        return False
    if isinstance(node, exp.AggFunc | exp.Window) or _WITNESS in node.meta:
        return True
    return any(_is_to_be_replaced(child) for child in node.iter_expressions())


_COUNTS = (exp.Count, exp.CountIf, exp.ApproxDistinct, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile)


def _argument_witness(function: exp.Expr) -> exp.Expr:
    argument = function.this
    if isinstance(function, _COUNTS) or not isinstance(argument, exp.Expr):
        return exp.cast(exp.Literal.number(1), "bigint")
    while isinstance(argument, exp.Order | exp.Limit | exp.HavingMax | exp.Distinct):
        argument = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument.this
    if isinstance(function, exp.ArrayAgg):
        return exp.Array(expressions=[witness(argument)])
    if isinstance(function, exp.Stddev | exp.StddevPop | exp.StddevSamp | exp.Variance | exp.VariancePop | exp.Corr):
        return exp.cast(exp.Literal.number(1), "double")
    return witness(argument)

"""Functions and operators with GoogleSQL's meaning, where SQLGlot's translation has DuckDB's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import unsupported
from beam_pipelines.local.bigquery.googlesql_aggregates import AGGREGATE_RULES
from beam_pipelines.local.bigquery.googlesql_dates import DATE_RULES
from beam_pipelines.local.bigquery.googlesql_geography import GEOGRAPHY_RULES, geography_by_name, geometry_cast
from beam_pipelines.local.bigquery.googlesql_text import TEXT_RULES
from beam_pipelines.local.bigquery.googlesql_types import Rule, aggregate_call, call, typed_call, witness
from beam_pipelines.local.bigquery.macros import MACROS

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.SafeDivide, exp.Mod, exp.IntDiv)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Interval)
_CHOICES = (exp.Coalesce, exp.If, exp.Case, exp.Greatest, exp.Least, exp.Nullif)


def with_googlesql_functions(tree: exp.Expr) -> exp.Expr:
    """The tree with GoogleSQL's functions put in DuckDB's words, innermost first."""
    nodes = [node for node in tree.walk(bfs=True) if type(node) in _RULES]
    for node in reversed(nodes):
        replacement = _RULES[type(node)](node)
        if node is tree:
            tree = replacement
        elif replacement is not node:
            node.replace(replacement)
    return tree


def _is_float(node: object) -> bool:
    """Whether the node is a literal with a point or an exponent, perhaps with a sign."""
    if isinstance(node, exp.Neg | exp.Paren):
        return _is_float(node.this)
    return isinstance(node, exp.Literal) and not node.is_string and any(mark in node.name for mark in ".eE")


def _double(node: exp.Expr) -> exp.Expr:
    return exp.cast(node.copy(), "double", dialect="duckdb")


def _literal(node: exp.Expr) -> exp.Expr:
    """1.5 is a FLOAT64, and a NUMERIC beside a NUMERIC: which, the operator's own rule decides."""
    parent = node.parent
    while isinstance(parent, exp.Neg | exp.Paren):
        parent = parent.parent
    if not _is_float(node) or isinstance(parent, _ARITHMETIC + _COMPARISONS + _CHOICES):
        return node
    return _double(node)


def _settle_literals(values: Sequence[exp.Expr]) -> None:
    """Gives the float literals among the values the type that the others have."""
    others = [value for value in values if not _is_float(value) and not isinstance(value, exp.Null)]
    for value in values:
        if _is_float(value):
            value.replace(call("literal", witness(others[0]), value.copy()) if others else _double(value))


def _choice(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.If):
        if isinstance(node.parent, exp.Case):
            return node
        values = [node.args["true"], node.args.get("false")]
    elif isinstance(node, exp.Case):
        values = [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
    else:
        values = [node.this, *node.expressions, node.args.get("expression")]
    _settle_literals([value for value in values if isinstance(value, exp.Expr)])
    return node


def _arithmetic(node: exp.Expr) -> exp.Expr:
    _settle_literals([node.this, node.expression])
    left, right = node.this, node.expression
    if left.is_int and right.is_int:  # DuckDB's literals have 32 bits
        left.replace(exp.cast(left.copy(), "bigint", dialect="duckdb"))
    if isinstance(node, exp.Mul) and (_is_composed(left) or _is_composed(right)):
        return typed_call("product", [_grouped(node.this), _grouped(node.expression)])
    return node


def _difference(node: exp.Expr) -> exp.Expr:
    """Of two dates or two moments the difference is an INTERVAL."""
    if _may_be_time(node.this) and _may_be_time(node.expression):
        return typed_call("difference", [_grouped(node.this), _grouped(node.expression)])
    return _arithmetic(node)


def _may_be_time(node: exp.Expr) -> bool:
    """Whether the expression may have the type DATE, DATETIME or TIMESTAMP, as far as its form tells."""
    node = node.unnest()
    if isinstance(node, exp.Max | exp.Min | exp.AnyValue | exp.Window | exp.Lag | exp.Lead):
        return _may_be_time(node.this)
    if isinstance(node, exp.Cast):
        return node.is_type(*exp.DataType.TEMPORAL_TYPES)
    return isinstance(node, exp.Column | exp.CurrentDate | exp.CurrentTimestamp | exp.FirstValue | exp.LastValue)


def _is_composed(node: exp.Expr) -> bool:
    """Whether the value may have so many decimals that another product would lose its whole digits."""
    return isinstance(node.unnest(), exp.Mul) or any(
        isinstance(dot.this, exp.Identifier) and dot.this.name == MACROS.schema and dot.expression.name != "difference"
        for dot in node.find_all(exp.Dot)
    )


def _grouped(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Paren) else node


def _typed_binary(name: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        _settle_literals([node.this, node.expression])
        return typed_call(name, [_grouped(node.this), _grouped(node.expression)])

    return rule


def _binary(name: str) -> Rule:
    return lambda node: call(name, _grouped(node.this), _grouped(node.expression))


def _average(node: exp.Expr) -> exp.Expr:
    if isinstance(node.parent, exp.Window | exp.Filter):
        return node
    return _average_of(node, lambda function: function)


def _average_of(average: exp.Expr, wrapped: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """AVG is NUMERIC for NUMERIC, and exact; DuckDB's is DOUBLE."""
    argument = average.this
    typed = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument
    aggregates = [
        wrapped(function(this=argument.copy())) for function in (exp.Avg, exp.Sum, lambda this: exp.Count(this=this))
    ]
    return aggregate_call("average", typed, *aggregates)


def _window(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.Avg):
        return node

    def over(function: exp.Expr) -> exp.Expr:
        window = node.copy()
        window.set("this", function)
        return window

    return _average_of(node.this, over)


def _rounded(name: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        if node.args.get("truncate") is not None:
            raise unsupported("ROUND with a rounding mode")
        decimals = node.args.get("decimals")
        return typed_call(name, [node.this], decimals if decimals is not None else 0)

    return rule


def _cast(node: exp.Expr) -> exp.Expr:
    kind: exp.DataType = node.args["to"]
    if node.args.get("format") is not None:
        raise unsupported("CAST with FORMAT")
    if kind.this == exp.DType.GEOGRAPHY:
        return geometry_cast(node)
    for part in [kind, *kind.find_all(exp.DataType)]:
        if part.this == exp.DType.BIGDECIMAL:
            raise unsupported("BIGNUMERIC")
        if part.this == exp.DType.DECIMAL and not part.expressions:
            part.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(digits)) for digits in (38, 9)])
        elif part.this == exp.DType.DECIMAL and len(part.expressions) == 1:
            part.append("expressions", exp.DataTypeParam(this=exp.Literal.number(0)))
    if isinstance(node.this, exp.Null):
        return node
    if kind.this == exp.DType.DATE and not node.this.is_string and not isinstance(node, exp.TryCast):
        node.set("this", typed_call("in_utc", [node.this]))
        return node
    if kind.this == exp.DType.TEXT and not node.this.is_string:
        return typed_call("text", [node.this])
    if kind.this == exp.DType.BIGINT:
        return typed_call("integer_or_null" if isinstance(node, exp.TryCast) else "integer", [node.this])
    return node


def _safe(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="TRY", expressions=[node.this])


def _safe_operator(operator: type[exp.Binary]) -> Rule:
    return lambda node: exp.Anonymous(
        this="TRY", expressions=[operator(this=exp.paren(node.this), expression=exp.paren(node.expression))]
    )


def _element(node: exp.Expr) -> exp.Expr:
    """An element of an array. SQLGlot counts from 1 for DuckDB where the number is a literal, and only there."""
    (number,) = node.expressions
    if number.is_string:
        return node
    if node.args.get("offset") == 1:
        number = exp.Sub(this=exp.paren(number), expression=exp.Literal.number(1))
    return call("element_or_null" if node.args.get("safe") else "element", node.this, number)


def _by_name(node: exp.Expr) -> exp.Expr:
    """Functions that SQLGlot knows by their name only."""
    if node.name.upper() == "IEEE_DIVIDE" and len(node.expressions) == 2:
        dividend, divisor = (_double(argument) for argument in node.expressions)
        return exp.paren(exp.Div(this=dividend, expression=divisor))
    return geography_by_name(node)


_RULES: dict[type[exp.Expr], Rule] = {
    **DATE_RULES,
    **TEXT_RULES,
    **AGGREGATE_RULES,
    **GEOGRAPHY_RULES,
    exp.Anonymous: _by_name,
    exp.Literal: _literal,
    exp.Bracket: _element,
    exp.Add: _arithmetic,
    exp.Sub: _difference,
    exp.Mul: _arithmetic,
    exp.Div: _typed_binary("quotient"),
    exp.SafeDivide: _typed_binary("quotient_or_null"),
    exp.IntDiv: _binary("whole_quotient"),
    exp.Mod: _binary("remainder"),
    exp.Coalesce: _choice,
    exp.If: _choice,
    exp.Case: _choice,
    exp.Greatest: _choice,
    exp.Least: _choice,
    exp.Nullif: _choice,
    exp.Avg: _average,
    exp.Window: _window,
    exp.Round: _rounded("rounded"),
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.SafeFunc: _safe,
    exp.SafeNegate: lambda node: exp.Anonymous(this="TRY", expressions=[exp.Neg(this=exp.paren(node.this))]),
    exp.SafeAdd: _safe_operator(exp.Add),
    exp.SafeSubtract: _safe_operator(exp.Sub),
    exp.SafeMultiply: _safe_operator(exp.Mul),
}

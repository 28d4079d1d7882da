"""Aggregate functions and arrays with GoogleSQL's meaning."""

from __future__ import annotations

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import unsupported
from beam_pipelines.local.bigquery.googlesql_types import Rule, call


def _quantiles(node: exp.Expr) -> exp.Expr:
    """APPROX_QUANTILES gives values of the column itself; here they are the exact ones."""
    distinct = isinstance(node.this, exp.Distinct)
    value, count = node.this.expressions if distinct else (node.this, node.args["expression"])
    if not count.is_int:
        raise unsupported("APPROX_QUANTILES with a number of quantiles that is not a literal")
    steps = [exp.Literal.number(step / int(count.name)) for step in range(int(count.name) + 1)]
    given = exp.Distinct(expressions=[value]) if distinct else value
    return exp.Anonymous(this="quantile_disc", expressions=[given, exp.Array(expressions=steps)])


def _count_distinct(node: exp.Expr) -> exp.Expr:
    """APPROX_COUNT_DISTINCT; here it counts exactly, as BigQuery's does for small numbers and DuckDB's does not."""
    return exp.Count(this=exp.Distinct(expressions=[node.this]))


def _top_counts(node: exp.Expr) -> exp.Expr:
    """APPROX_TOP_COUNT; here the counts are exact, and of values as frequent the smaller ones come first."""
    value, number = node.this, node.args["expression"]
    absent = exp.CountIf(this=exp.Is(this=value.copy(), expression=exp.Null()))
    return call("top_counts", exp.Anonymous(this="histogram", expressions=[value]), absent, number)


def _limited(node: exp.Expr) -> exp.Expr:
    """ARRAY_AGG and STRING_AGG with a LIMIT: DuckDB has none, so the rest is cut off afterwards."""
    limit = node.this
    if not isinstance(limit, exp.Limit):
        return node
    values: exp.Expr = exp.ArrayAgg(this=limit.this.copy())
    if isinstance(node, exp.GroupConcat) or isinstance(node.parent, exp.IgnoreNulls):
        values = _filtered(values)
    cut = exp.Anonymous(this="list_slice", expressions=[values, exp.Literal.number(1), limit.expression])
    if not isinstance(node, exp.GroupConcat):
        return cut
    separator = node.args.get("separator") or exp.Literal.string(",")
    return exp.Anonymous(this="array_to_string", expressions=[cut, separator])


def _filtered(values: exp.Expr) -> exp.Expr:
    value = values.this
    while isinstance(value, exp.Order | exp.Distinct):
        value = value.this if isinstance(value, exp.Order) else value.expressions[0]
    present = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
    return exp.Filter(this=values, expression=exp.Where(this=present))


def _ignore_nulls(node: exp.Expr) -> exp.Expr:
    """The IGNORE NULLS of an ARRAY_AGG that is cut off is inside by now; percentiles ignore nulls anyway."""
    return node.this if isinstance(node.this, exp.Anonymous | exp.PercentileCont | exp.PercentileDisc) else node


def _respect_nulls(node: exp.Expr) -> exp.Expr:
    if isinstance(node.this, exp.PercentileCont | exp.PercentileDisc | exp.Anonymous):
        name = "APPROX_QUANTILES" if isinstance(node.this, exp.Anonymous) else node.this.sql_name()
        raise unsupported(f"{name} with RESPECT NULLS")
    return node


def _item(position: int) -> Rule:
    return lambda node: exp.Anonymous(this="list_extract", expressions=[node.this, exp.Literal.number(position)])


def _range_bucket(node: exp.Expr) -> exp.Expr:
    return call("range_bucket", node.this, node.expression)


def _series(node: exp.Expr) -> exp.Expr:
    """GENERATE_ARRAY with fractions, of which DuckDB makes no series."""
    given = [node.args["start"], node.args["end"], node.args.get("step") or exp.Literal.number(1)]
    if not any(isinstance(argument, exp.Cast) and argument.is_type("double") for argument in given):
        return node
    return call("series", *given)


def _all_fields(node: exp.Expr) -> exp.Expr:
    """``expression.*``: the fields of a struct that is no column."""
    star = node.expression
    if not isinstance(star, exp.Star):
        return node
    if any(star.args.values()):
        raise unsupported(f"{star.sql(dialect='bigquery')} of an expression that is not a column")
    return exp.Anonymous(this="unnest", expressions=[node.this])


AGGREGATE_RULES: dict[type[exp.Expr], Rule] = {
    exp.ApproxQuantiles: _quantiles,
    exp.ApproxTopK: _top_counts,
    exp.ApproxDistinct: _count_distinct,
    exp.ArrayAgg: _limited,
    exp.GroupConcat: _limited,
    exp.IgnoreNulls: _ignore_nulls,
    exp.RespectNulls: _respect_nulls,
    exp.ArrayFirst: _item(1),
    exp.ArrayLast: _item(-1),
    exp.RangeBucket: _range_bucket,
    exp.GenerateSeries: _series,
    exp.Dot: _all_fields,
}

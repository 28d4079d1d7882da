"""PIVOT and UNPIVOT with the columns that GoogleSQL gives them."""

from __future__ import annotations

import datetime as dt

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import invalid_query, unsupported

_NULLS_DO_NOT_COUNT = (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.AnyValue, exp.Count)


def with_pivots(tree: exp.Expr) -> exp.Expr:
    """The tree with aggregates of the rows of each value in place of PIVOT, and UNPIVOT's columns in their order.

    >>> import sqlglot
    >>> query = "SELECT * FROM t PIVOT(SUM(v) AS sales FOR y IN (2024, 2025 AS now))"
    >>> with_pivots(sqlglot.parse_one(query, read="bigquery")).sql(dialect="bigquery").partition(" FROM (")[2]
    'SELECT * EXCEPT (y, v), SUM(IF(y = 2024, v, NULL)) AS `sales_2024`, SUM(IF(y = 2025, v, NULL)) AS `sales_now` FROM t GROUP BY ALL)'
    """  # noqa: E501 - what comes out has no line ends
    for pivot in list(tree.find_all(exp.Pivot)):
        source = pivot.parent
        assert source is not None, "a pivot is part of a table expression"
        if len(source.args["pivots"]) > 1 or len(pivot.args["fields"]) > 1:
            raise unsupported("Several PIVOTs of one table expression")
        alias = pivot.args.get("alias") or (source.args.get("alias") or exp.TableAlias()).copy()
        made = (_unpivoted if pivot.args.get("unpivot") else _pivoted)(source.copy(), pivot)
        source.replace(exp.Subquery(this=made, alias=alias if alias.this else None))
    return tree


def _pivoted(source: exp.Expr, pivot: exp.Pivot) -> exp.Select:
    source.set("pivots", None)
    field = pivot.args["fields"][0]
    if not isinstance(field, exp.In) or any(value.find(exp.Query) for value in field.expressions):
        raise invalid_query("PIVOT expects constants after IN")
    aggregates = pivot.expressions
    used = [field.this, *(column for aggregate in aggregates for column in aggregate.find_all(exp.Column))]
    rest = exp.Star(except_=[exp.column(name) for name in dict.fromkeys(column.name for column in used)])
    columns: list[exp.Expr] = [rest]
    for value in field.expressions:
        constant = value.this if isinstance(value, exp.PivotAlias) else value
        named = value.args["alias"].name if isinstance(value, exp.PivotAlias) else _name(constant)
        for aggregate in aggregates:
            prefix = "" if constant.is_string or not named[0].isdigit() else "_"
            if isinstance(aggregate, exp.Alias):
                prefix = f"{aggregate.alias}_"
            column = _of_rows(aggregate.unalias(), _is(field.this, constant))
            columns.append(exp.alias_(column, f"{prefix}{named}", quoted=True))
    made = exp.select(*columns).from_(source)
    made.set("group", exp.Group(all=True))
    return made


def _is(column: exp.Expr, constant: exp.Expr) -> exp.Expr:
    if isinstance(constant, exp.Null):
        return exp.Is(this=column.copy(), expression=constant.copy())
    return exp.EQ(this=column.copy(), expression=constant.copy())


def _of_rows(aggregate: exp.Expr, condition: exp.Expr) -> exp.Expr:
    """The aggregate of those rows that meet the condition."""
    aggregate = aggregate.copy()
    if isinstance(aggregate, exp.Count) and isinstance(aggregate.this, exp.Star):
        return exp.CountIf(this=condition)
    argument = aggregate.this
    if isinstance(aggregate, _NULLS_DO_NOT_COUNT) and isinstance(argument, exp.Expr):
        value = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument
        value.replace(exp.If(this=condition, true=value.copy(), false=exp.null()))
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition))


def _name(constant: exp.Expr) -> str:
    """What BigQuery calls the column of a constant that has no alias."""
    if isinstance(constant, exp.Null):
        return "NULL"
    if isinstance(constant, exp.Boolean):
        return "TRUE" if constant.this else "FALSE"
    if isinstance(constant, exp.Neg):
        return f"minus_{_name(constant.this)}"
    if isinstance(constant, exp.Cast) and constant.is_type("date") and constant.this.is_string:
        return dt.date.fromisoformat(constant.this.name).strftime("%Y_%m_%d")
    if isinstance(constant, exp.Literal):
        return constant.name if constant.is_string else constant.name.replace(".", "_point_")
    raise unsupported(f"PIVOT of {constant.sql(dialect='bigquery')} without an alias")


def _unpivoted(source: exp.Expr, pivot: exp.Pivot) -> exp.Select:
    """BigQuery puts the column of the names last, DuckDB before the values."""
    name = exp.column(pivot.args["fields"][0].this.name)
    source.args["pivots"][0].set("alias", None)
    return exp.select(exp.Star(except_=[name]), name.copy()).from_(source)

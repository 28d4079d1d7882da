"""What names mean that may be a column's and something else's: an alias of the SELECT list, or a whole row."""

from __future__ import annotations

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import unsupported


def with_aliases_first(tree: exp.Expr) -> exp.Expr:
    """The tree with the expression itself in place of a GROUP BY's alias that has also a table's column's name.

    >>> import sqlglot
    >>> query = "SELECT DATE(moment) AS moment, COUNT(*) AS n FROM t GROUP BY moment"
    >>> with_aliases_first(sqlglot.parse_one(query, read="bigquery")).sql(dialect="bigquery")
    'SELECT DATE(moment) AS moment, COUNT(*) AS n FROM t GROUP BY DATE(moment)'
    """
    for group in list(tree.find_all(exp.Group)):
        select = group.parent
        named = _named(select) if isinstance(select, exp.Select) else {}
        for column in [column for column in group.find_all(exp.Column) if _is_alone(column)]:
            if column.name.lower() in named and not column.table:
                column.replace(named[column.name.lower()].copy())
    return tree


def _named(select: exp.Select) -> dict[str, exp.Expr]:
    """By alias: the expressions that a GROUP BY may mean by it."""
    return {
        projection.alias.lower(): projection.this
        for projection in select.expressions
        if isinstance(projection, exp.Alias) and projection.find(exp.AggFunc, exp.Window, exp.Query) is None
    }


def _is_alone(column: exp.Column) -> bool:
    """Whether the column is a whole term of the GROUP BY, and not a part of an expression."""
    parent = column.parent
    while isinstance(parent, exp.Paren | exp.Tuple | exp.Rollup | exp.Cube | exp.GroupingSets):
        parent = parent.parent
    return isinstance(parent, exp.Group)


def with_counted_rows(tree: exp.Expr) -> exp.Expr:
    """The tree with a column of the join in place of the table's name in COUNT(table), if the join is an outer one.

    The row of a table that has no partner is NULL in BigQuery; in DuckDB it is a struct of NULLs, which counts.

    >>> import sqlglot
    >>> query = "SELECT COUNT(o) FROM u LEFT JOIN o ON o.user_id = u.id"
    >>> with_counted_rows(sqlglot.parse_one(query, read="bigquery")).sql(dialect="bigquery")
    'SELECT COUNT(o.user_id) FROM u LEFT JOIN o ON o.user_id = u.id'
    """
    for count in tree.find_all(exp.Count):
        select, row = count.find_ancestor(exp.Select), count.this
        if select is None or not isinstance(row, exp.Column) or row.table:
            continue
        joins = select.args.get("joins") or []
        sources = [join.this for join in joins] + [select.args["from_"].this if select.args.get("from_") else None]
        is_row = any(source is not None and source.alias_or_name.lower() == row.name.lower() for source in sources)
        if is_row and any(join.side for join in joins):
            row.replace(_joined_column(joins, row.name))
    return tree


def _joined_column(joins: list[exp.Join], table: str) -> exp.Column:
    """A column of the table that is not NULL in a row that has a partner."""
    for join in joins:
        for shared in join.args.get("using") or ():
            return exp.column(shared.name, table=table)
        on = join.args.get("on")
        terms = list(on.flatten()) if isinstance(on, exp.And) else [on]
        for equality in (term for term in terms if isinstance(term, exp.EQ)):
            for side in (equality.this, equality.expression):
                if isinstance(side, exp.Column) and side.table.lower() == table.lower():
                    return side.copy()
    raise unsupported(f"COUNT({table}) of the rows of an outer join without an equality of a column of {table}")

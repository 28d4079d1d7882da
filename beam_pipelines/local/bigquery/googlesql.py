"""From GoogleSQL to DuckDB's SQL: one statement, its names resolved, its functions given GoogleSQL's meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError, UnsupportedError

from beam_pipelines.local.bigquery.errors import ApiError, invalid_query, unsupported
from beam_pipelines.local.bigquery.googlesql_aliases import with_aliases_first, with_counted_rows
from beam_pipelines.local.bigquery.googlesql_comparisons import refuse_comparisons, types_of
from beam_pipelines.local.bigquery.googlesql_functions import with_googlesql_functions
from beam_pipelines.local.bigquery.googlesql_known import refuse_unknown_functions
from beam_pipelines.local.bigquery.googlesql_names import Names, resolve_names
from beam_pipelines.local.bigquery.googlesql_pivots import with_pivots
from beam_pipelines.local.bigquery.googlesql_shapes import readings, with_unnest
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.scripts import names_given, with_variables

_STATEMENTS: dict[type[exp.Expr], str] = {
    exp.Insert: "INSERT",
    exp.Update: "UPDATE",
    exp.Delete: "DELETE",
    exp.Merge: "MERGE",
    exp.TruncateTable: "TRUNCATE_TABLE",
}


@dataclass(frozen=True)
class Statement:
    """A GoogleSQL statement, understood."""

    kind: str
    """BigQuery's statementType."""
    tree: exp.Expr
    """What DuckDB is to run: of a CREATE ... AS, the query."""
    tables: frozenset[TableName]
    """The tables and views that it reads."""
    target: TableName | None = None
    """The table that it writes."""
    definition: exp.Create | exp.Drop | None = None
    """The whole of a CREATE or DROP."""
    source: str = ""
    """The GoogleSQL of the query itself."""
    variables: frozenset[str] = frozenset()
    """The script's variables that are columns too: what is meant, DuckDB tells."""

    @property
    def readings(self) -> Iterator[str]:
        """The statement in DuckDB's SQL, in the ways that it may be meant: the first that DuckDB can bind is."""
        for variables in [frozenset[str](), *([self.variables] if self.variables else [])]:
            tree = with_variables(self.tree.copy(), variables)
            yield from (duckdb_sql(with_unnest(tree.copy(), items)) for items in readings(tree))


def duckdb_sql(tree: exp.Expr) -> str:
    """The tree in DuckDB's SQL; an ApiError for what DuckDB has no words for."""
    try:
        return tree.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise unsupported(f"A part of the query ({str(error).splitlines()[0]})") from None


def translate(tree: exp.Expr, names: Names) -> Statement:
    """The statement of a tree of GoogleSQL; an ApiError for what is not supported."""
    refuse_unknown_functions(tree)
    if isinstance(tree, exp.Create | exp.Drop):
        return _definition(tree, names)
    kind = "SELECT" if isinstance(tree, exp.Query) else _STATEMENTS.get(type(tree), "")
    if not kind:
        raise unsupported(f"Statement {tree.name.upper() or tree.key.upper()}")
    target = None
    if kind != "SELECT":
        table = tree.expressions[0] if kind == "TRUNCATE_TABLE" else tree.this
        target = names.written(names.table(table.this if isinstance(table, exp.Schema) else table))
        if kind == "TRUNCATE_TABLE":  # which DuckDB can run, but not explain
            tree = exp.Delete(this=table)
    return _understood(kind, tree, names, target=target)


def _understood(
    kind: str,
    tree: exp.Expr,
    names: Names,
    target: TableName | None = None,
    definition: exp.Create | exp.Drop | None = None,
) -> Statement:
    source = tree.sql(dialect="bigquery")
    if isinstance(tree, exp.Query):
        name_columns(tree)
    tables = resolve_names(with_counted_rows(with_aliases_first(tree)), names)
    given = {*names_given(tree), *names.session.variables}
    refuse_comparisons(tree, types_of(tree, [names.types(table) for table in tables], given))
    return Statement(kind, with_googlesql_functions(with_pivots(tree)), frozenset(tables), target, definition, source)


def parsed(sql: str) -> exp.Expr:
    """The tree of one statement of GoogleSQL; an ApiError for a syntax error."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="bigquery") if tree is not None]
    except SqlglotError as error:
        raise _syntax_error(error) from None
    if not trees:
        raise invalid_query("Syntax error: Unexpected end of statement at [1:1]")
    tree = trees[0]
    return tree.unnest() if isinstance(tree, exp.Subquery) and not tree.args.get("with_") else tree


def _syntax_error(error: SqlglotError) -> ApiError:
    details = getattr(error, "errors", None)
    if not details:
        return invalid_query(f"Syntax error: {str(error).splitlines()[0]}")
    first = details[0]
    where = f" at [{first['line']}:{max(first['col'] - len(first['highlight'] or '') + 1, 1)}]"
    near = f' near "{first["highlight"]}"' if first.get("highlight") else ""
    return invalid_query(f"Syntax error: {first['description'].rstrip('.')}{near}{where}")


def _definition(tree: exp.Create | exp.Drop, names: Names) -> Statement:
    kind = str(tree.args["kind"]).upper()
    if tree.args.get("materialized") or tree.find(exp.MaterializedProperty):
        kind = f"MATERIALIZED {kind}"
    if kind not in ("TABLE", "VIEW", "SCHEMA"):
        raise unsupported(f"Statement {'CREATE' if isinstance(tree, exp.Create) else 'DROP'} {kind}")
    if tree.args.get("clone") or tree.find(exp.LikeProperty):
        raise unsupported("CREATE TABLE with LIKE, COPY or CLONE")
    named = tree.this or tree.args["tables"][0]
    table = named.this if isinstance(named, exp.Schema) else named
    target = _defined(kind, table, names, temporary=tree.find(exp.TemporaryProperty) is not None)
    if isinstance(tree, exp.Drop):
        return Statement(f"DROP_{kind}", tree, frozenset(), target, tree)
    query = tree.expression
    if query is None:
        return Statement(f"CREATE_{kind}", tree, frozenset(), target, tree)
    statement_kind = "CREATE_VIEW" if kind == "VIEW" else "CREATE_TABLE_AS_SELECT"
    return _understood(statement_kind, query, names, target, tree)


def _defined(kind: str, table: exp.Expr, names: Names, *, temporary: bool) -> TableName:
    """What is created or dropped."""
    if temporary:
        if kind != "TABLE":
            raise unsupported(f"Statement CREATE TEMP {kind}")
        return names.temporary(table)
    return names.written(names.dataset(table) if kind == "SCHEMA" else names.table(table))


def name_columns(query: exp.Query) -> None:
    """Gives the columns that have no name the names that BigQuery gives them: f0_, f1_ and so on."""
    select: exp.Expr = query
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    if isinstance(select, exp.Select) and select.args.get("kind") == "STRUCT":
        select.set("kind", None)  # outside a subquery, SELECT AS STRUCT gives the struct's fields as columns
    unnamed = 0
    for projection in list(select.expressions) if isinstance(select, exp.Select) else []:
        if isinstance(projection, exp.Dot) and isinstance(projection.expression, exp.Identifier):
            projection.replace(exp.alias_(projection.copy(), projection.expression.name, quoted=True))
        elif not projection.alias_or_name or (
            not isinstance(projection, exp.Alias | exp.Column | exp.Dot | exp.Star) and not projection.is_star
        ):
            projection.replace(exp.alias_(projection.copy(), f"f{unnamed}_", quoted=False))
            unnamed += 1

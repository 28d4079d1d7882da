"""The tables that a GoogleSQL statement names: found, or missing with BigQuery's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import invalid_query, unsupported
from beam_pipelines.local.bigquery.information_schema import VIEWS
from beam_pipelines.local.bigquery.names import TableName

Check = Callable[[TableName], None]


@dataclass(frozen=True)
class Names:
    """How names in a query are understood."""

    project: str
    default_dataset: str
    check: Check
    """Raises an ApiError for a table that is not there."""

    def table(self, table: exp.Expr) -> TableName:
        """The table that the expression names.

        Any project will do: public queries name ``bigquery-public-data.thelook_ecommerce.orders``, and the dataset
        of that name is this project's.
        """
        if not isinstance(table, exp.Table):
            raise unsupported(f"Table expression {table.sql(dialect='bigquery')}")
        parts = [part.name for part in table.parts]
        if len(parts) == 1:
            if not self.default_dataset:
                raise invalid_query(f'Table "{parts[0]}" must be qualified with a dataset (e.g. dataset.table)')
            parts = [self.default_dataset, *parts]
        return TableName(self.project, parts[-2], parts[-1])

    def dataset(self, table: exp.Expr) -> TableName:
        """The dataset that the expression names."""
        if not isinstance(table, exp.Table):
            raise unsupported(f"Dataset expression {table.sql(dialect='bigquery')}")
        return TableName(self.project, table.parts[-1].name, "")


def resolve_names(tree: exp.Expr, names: Names) -> set[TableName]:
    """Puts the DuckDB name in place of every table's; answers with the tables.

    Raises:
        ApiError: a table is not there.
    """
    found: set[TableName] = set()
    for table in list(tree.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier):
            if isinstance(table.this, exp.Func | exp.Anonymous):
                raise unsupported(f"Table function {table.this.sql(dialect='bigquery')[:60]}")
            continue
        if table.args.get("system_time") or table.args.get("version"):
            raise unsupported("FOR SYSTEM_TIME AS OF")
        if table.args.get("sample") or table.args.get("changes"):
            raise unsupported("TABLESAMPLE")
        if not table.db and _is_common_table(table):
            continue
        if _information_schema(table, names):
            continue
        name = names.table(table)
        if "*" in name.table:
            raise unsupported(f"Wildcard table {name}")
        names.check(name)
        found.add(name)
        _replace(table, name)
    return found


def _is_common_table(table: exp.Table) -> bool:
    scope: exp.Expr | None = table.parent
    while scope is not None:
        with_ = scope.args.get("with_")
        if with_ and any(cte.alias.lower() == table.name.lower() for cte in with_.expressions):
            return True
        scope = scope.parent
    return False


def _replace(table: exp.Table, name: TableName) -> None:
    """Keeps the table's bare name as its alias, for the query's columns may be qualified by it."""
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(name.table, quoted=True)))
    table.set("this", exp.to_identifier(name.table, quoted=True))
    table.set("db", exp.to_identifier(name.dataset, quoted=True))
    table.set("catalog", None)


def _information_schema(table: exp.Table, names: Names) -> bool:
    """Puts the query of an INFORMATION_SCHEMA view in place of its name, if it is one."""
    parts = ".".join(part.name for part in table.parts).split(".")
    upper = [part.upper() for part in parts]
    if "INFORMATION_SCHEMA" not in upper:
        return False
    at = upper.index("INFORMATION_SCHEMA")
    view, dataset = ".".join(upper[at + 1 :]), parts[at - 1] if at else names.default_dataset
    query = VIEWS.get(view)
    if query is None:
        raise unsupported(f"INFORMATION_SCHEMA.{view}")
    if not dataset or dataset.startswith("region-"):
        raise unsupported(f"INFORMATION_SCHEMA.{view} of a region: a dataset before it")
    names.check(TableName(names.project, dataset, ""))
    tree = query(names.project, dataset)
    alias = table.alias or view
    table.replace(exp.Subquery(this=tree, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))))
    return True

"""The tables that a GoogleSQL statement names: found, or missing with BigQuery's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import ApiError, invalid_query, not_found, unsupported
from beam_pipelines.local.bigquery.information_schema import LEGACY_TABLES, VIEWS
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.sessions import TEMPORARY, Session

Check = Callable[[TableName], None]

PUBLIC_PROJECT = "bigquery-public-data"
"""Google's project of public datasets: its ``thelook_ecommerce`` is the served project's dataset of that name."""


@dataclass(frozen=True)
class Names:
    """How names in a query are understood."""

    project: str
    default_dataset: str
    check: Check
    """Raises an ApiError for a table that is not there."""
    session: Session
    """Knows the temporary tables."""
    types: Callable[[TableName], Mapping[str, str]]
    """The types of a table's columns in GoogleSQL, by name in small letters."""

    def table(self, table: exp.Expr) -> TableName:
        """The table that the expression names; an ApiError for one of another project, except Google's public one."""
        if not isinstance(table, exp.Table):
            raise unsupported(f"Table expression {table.sql(dialect='bigquery')}")
        parts = [part.name for part in table.parts]
        if parts[0] == "_SESSION" and len(parts) == 2:
            parts = [TEMPORARY, parts[1]]
        if len(parts) == 1:
            if temporary := self.session.temporary_table(self.project, parts[0]):
                return temporary
            if not self.default_dataset:
                raise invalid_query(f'Table "{parts[0]}" must be qualified with a dataset (e.g. dataset.table)')
            parts = [self.default_dataset, *parts]
        return TableName(self.project_of(parts[:-2]), parts[-2], parts[-1])

    def temporary(self, table: exp.Expr) -> TableName:
        """The temporary table that a CREATE names."""
        if not self.session.is_script:
            raise invalid_query("Use of CREATE TEMPORARY TABLE requires a script or session")
        if not isinstance(table, exp.Table) or len(table.parts) != 1:
            raise invalid_query(f"Temporary table names may not be qualified: {table.sql(dialect='bigquery')}")
        return TableName(self.project, TEMPORARY, table.name)

    def written(self, name: TableName) -> TableName:
        """The name again; an ApiError if nobody may write there."""
        if name.project != self.project:
            raise ApiError(403, "accessDenied", f"Access Denied: {name}: the project {name.project} is read only")
        return name

    def project_of(self, parts: list[str]) -> str:
        """The project that is named before a dataset; an ApiError for one that is not there."""
        project = ".".join(parts) or self.project
        if project not in (self.project, PUBLIC_PROJECT):
            raise not_found("Project", project)
        return project

    def dataset(self, table: exp.Expr) -> TableName:
        """The dataset that the expression names."""
        if not isinstance(table, exp.Table):
            raise unsupported(f"Dataset expression {table.sql(dialect='bigquery')}")
        parts = [part.name for part in table.parts]
        return TableName(self.project_of(parts[:-1]), parts[-1], "")


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
    """Puts the query of an INFORMATION_SCHEMA view in place of its name, if it is one; so also of ``__TABLES__``."""
    parts = ".".join(part.name for part in table.parts).split(".")
    upper = [part.upper() for part in parts]
    if upper[-1] == "__TABLES__" and len(parts) > 1:
        _put_query(table, names, TableName(names.project_of(parts[:-2]), parts[-2], ""), LEGACY_TABLES, parts[-1])
        return True
    if "INFORMATION_SCHEMA" not in upper:
        return False
    at = upper.index("INFORMATION_SCHEMA")
    view, dataset = ".".join(upper[at + 1 :]), parts[at - 1] if at else names.default_dataset
    query = VIEWS.get(view)
    if query is None:
        raise unsupported(f"INFORMATION_SCHEMA.{view}")
    if not dataset or dataset.startswith("region-"):
        raise unsupported(f"INFORMATION_SCHEMA.{view} of a region (name a dataset before it)")
    _put_query(table, names, TableName(names.project_of(parts[: max(at - 1, 0)]), dataset, ""), query, view)
    return True


def _put_query(
    table: exp.Table, names: Names, dataset: TableName, query: Callable[[str, str], exp.Expr], name: str
) -> None:
    names.check(dataset)
    alias = exp.TableAlias(this=exp.to_identifier(table.alias or name, quoted=True))
    table.replace(exp.Subquery(this=query(dataset.project, dataset.dataset), alias=alias))

"""Queries that define: CREATE and DROP, and a query's result as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection, DuckDBPyRelation
from sqlglot import exp

from beam_pipelines.local.bigquery import catalog, datasets, tables
from beam_pipelines.local.bigquery.errors import ApiError, duplicate, invalid, invalid_query, not_found, unsupported
from beam_pipelines.local.bigquery.googlesql import Statement
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.results import Field, fields_of
from beam_pipelines.local.bigquery.storage import first_row
from beam_pipelines.schema import SchemaError, quoted

Document = dict[str, Any]


@dataclass
class Definition:
    """A CREATE or DROP statement, about to be run."""

    cursor: DuckDBPyConnection
    statement: Statement
    translate_view: tables.TranslateView
    query: tuple[DuckDBPyRelation, str] | None = None
    """Of a CREATE TABLE ... AS: the query, and its SQL."""

    @property
    def target(self) -> TableName:
        """What is created or dropped."""
        assert self.statement.target is not None, "every definition has a target"
        return self.statement.target

    def run(self) -> str:
        """Runs the statement; answers with what BigQuery calls the ddlOperationPerformed."""
        tree = self.statement.definition
        if isinstance(tree, exp.Drop):
            return self._drop(tree)
        assert tree is not None, "the statement is a definition"
        if self.statement.kind == "CREATE_SCHEMA":
            return self._create_schema(tree)
        there = catalog.find_table(self.cursor, self.target)
        if there and tree.args.get("exists"):
            return "SKIP"
        if there and not tree.args.get("replace"):
            raise duplicate("Table", str(self.target))
        if there:
            tables.delete(self.cursor, self.target)
        tables.create(self.cursor, self.target, self.body(tree), self.translate_view)
        if self.query:
            insert(self.cursor, self.target, *self.query)
        return "REPLACE" if there else "CREATE"

    def body(self, tree: exp.Create) -> Document:
        """The Table resource that a CREATE describes."""
        if self.statement.kind == "CREATE_VIEW":
            return {"view": {"query": self.statement.source, "useLegacySql": False}}
        if isinstance(tree.this, exp.Schema):
            fields = [_field(column) for column in tree.this.expressions if isinstance(column, exp.ColumnDef)]
        else:
            assert self.query is not None, "a table has columns or a query"
            fields = fields_of(self.query[0])
        body: Document = {"schema": {"fields": fields}}
        for option in tree.args["properties"].expressions if tree.args.get("properties") else ():
            body |= _layout(option)
        return body

    def _create_schema(self, tree: exp.Create) -> str:
        if catalog.find_dataset(self.cursor, self.target.dataset) and tree.args.get("exists"):
            return "SKIP"
        reference = {"datasetReference": {"datasetId": self.target.dataset}}
        datasets.create(self.cursor, self.target.project, reference)
        return "CREATE"

    def _drop(self, tree: exp.Drop) -> str:
        name, kind = self.target, self.statement.kind
        if kind == "DROP_SCHEMA":
            if not catalog.find_dataset(self.cursor, name.dataset) and tree.args.get("exists"):
                return "SKIP"
            datasets.delete(self.cursor, name.project, name.dataset, contents=bool(tree.args.get("cascade")))
            return "DROP"
        there = catalog.find_table(self.cursor, name)
        if there is None:
            if tree.args.get("exists"):
                return "SKIP"
            raise not_found("Table", str(name))
        if (there["type"] == "VIEW") != (kind == "DROP_VIEW"):
            raise invalid(f"{name} is not allowed for this operation because it is currently a {there['type']}")
        tables.delete(self.cursor, name)
        return "DROP"


def _field(column: exp.ColumnDef) -> Field:
    kind, mode = column.args["kind"], "NULLABLE"
    for constraint in column.args.get("constraints") or ():
        if isinstance(constraint.kind, exp.NotNullColumnConstraint):
            mode = "REQUIRED"
        else:
            raise unsupported(f"Column option {constraint.sql(dialect='bigquery')}")
    return _typed_field(column.name, kind, mode)


def _typed_field(name: str, kind: exp.DataType, mode: str = "NULLABLE") -> Field:
    if kind.is_type("array"):
        return _typed_field(name, kind.expressions[0], "REPEATED")
    if kind.is_type("struct"):
        inner = [_typed_field(field.name, field.args["kind"]) for field in kind.expressions]
        return {"name": name, "type": "RECORD", "mode": mode, "fields": inner}
    field: Field = {"name": name, "type": exp.DataType(this=kind.this).sql(dialect="bigquery"), "mode": mode}
    if kind.expressions:
        field |= dict(zip(("precision", "scale"), (part.name for part in kind.expressions), strict=False))
    return field


def _layout(option: exp.Expr) -> Document:
    """The part of a Table resource that a clause of CREATE TABLE stands for."""
    if isinstance(option, exp.ClusterProperty):
        return {"clustering": {"fields": [column.name for column in option.expressions]}}
    if isinstance(option, exp.Property) and option.name.lower() == "description":
        return {"description": option.args["value"].name}
    if isinstance(option, exp.TemporaryProperty):  # which its name says already
        return {}
    if not isinstance(option, exp.PartitionedByProperty):
        raise unsupported(f"{option.sql(dialect='bigquery')[:60]} in CREATE")
    by = option.this
    if isinstance(by, exp.Identifier | exp.Column):
        return {"timePartitioning": {"type": "DAY", "field": by.name}}
    column, unit = by.find(exp.Column), by.args.get("unit")
    if column is None or not isinstance(by, exp.DateTrunc | exp.TimestampTrunc | exp.Date | exp.TsOrDsToDate):
        raise unsupported(f"PARTITION BY {by.sql(dialect='bigquery')}")
    return {"timePartitioning": {"type": unit.name.upper() if unit else "DAY", "field": column.name}}


def store(
    cursor: DuckDBPyConnection,
    name: TableName,
    relation: DuckDBPyRelation,
    sql: str,
    query: Mapping[str, Any],
    translate_view: tables.TranslateView,
) -> None:
    """Writes a query's rows into its destination table, as the query's dispositions say."""
    document, fields = catalog.find_table(cursor, name), fields_of(relation)
    disposition = query.get("writeDisposition", "WRITE_EMPTY")
    layout = {key: query[key] for key in ("timePartitioning", "clustering") if query.get(key)}
    if document is None:
        if query.get("createDisposition", "CREATE_IF_NEEDED") == "CREATE_NEVER":
            raise not_found("Table", str(name))
        tables.create(cursor, name.whole, {"schema": {"fields": fields}, **layout}, translate_view)
    elif disposition == "WRITE_EMPTY" and sum(count.rows for count in catalog.partition_counts(cursor, name)):
        raise duplicate("Table", str(name))
    elif disposition == "WRITE_TRUNCATE" and name.partition:
        scheme = catalog.partitioning(document)
        if scheme is None:
            raise invalid(f"Table {name.whole} is not partitioned, so it has no partition ${name.partition}")
        cursor.execute(f"DELETE FROM {name.sql} WHERE {scheme.where_sql(name.partition)}")  # noqa: S608 - checked id
    elif disposition == "WRITE_TRUNCATE":
        # The query may read the table that it replaces, so its rows are taken before.
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE replacement AS {sql}")
        replaced = document | {"schema": {"fields": fields}} | layout
        tables.create_rows(cursor, name, replaced)
        catalog.save_table(cursor, name, replaced)
        cursor.execute(f"INSERT INTO {name.sql} BY NAME SELECT * FROM temp.replacement")  # noqa: S608 - quoted names
        cursor.execute("DROP TABLE temp.replacement")
        catalog.recount(cursor, name, replaced, touched_all=True)
        tables.refresh_views(cursor, translate_view)
        return
    insert(cursor, name, relation, sql)


def insert(cursor: DuckDBPyConnection, name: TableName, relation: DuckDBPyRelation, sql: str) -> None:
    """Appends a query's rows to a table; those for a partition all have to be in it."""
    document = catalog.table(cursor, name)
    known = {column.name.lower() for column in catalog.columns_of(document)}
    if unknown := [column for column in relation.columns if column.lower() not in known]:
        raise invalid_query(f"Provided Schema does not match Table {name}. Cannot add fields (field: {unknown[0]})")
    scheme = catalog.partitioning(document) if name.partition else None
    if scheme:
        within = scheme.where_sql(name.partition)
        outside = f"SELECT count(*) FROM ({sql}) WHERE ({within}) IS NOT TRUE"  # noqa: S608 - the client's own query
        count = first_row(cursor, outside)
        if count and count[0]:
            raise invalid(f"Some rows belong to different partitions rather than destination partition {name}")
    cursor.execute(f"INSERT INTO {name.sql} BY NAME {sql}")
    catalog.recount(cursor, name, document)


def with_storable_types(relation: DuckDBPyRelation, sql: str) -> str:
    """The query with the types that tables have: DuckDB sums BIGINT into HUGEINT and counts 1 an INTEGER."""
    try:
        columns = catalog.columns_of({"schema": {"fields": fields_of(relation)}})
    except (ApiError, SchemaError):  # a type that tables do not have: storing it is refused with its name
        return sql
    if all(str(kind) == column.duckdb_type for kind, column in zip(relation.types, columns, strict=True)):
        return sql
    narrow = {"HUGEINT", "INTEGER", "UBIGINT", "UTINYINT", "TINYINT", "SMALLINT", "FLOAT", '"NULL"'}
    casts = [
        f"CAST({quoted(column.name)} AS {column.duckdb_type}) AS {quoted(column.name)}"
        if any(word in str(kind) for word in narrow)
        else quoted(column.name)
        for kind, column in zip(relation.types, columns, strict=True)
    ]
    return f"SELECT {', '.join(casts)} FROM ({sql})"  # noqa: S608 - quoted names

"""The temporary tables of a script, which DuckDB keeps for the script's connection."""

from __future__ import annotations

from duckdb import DuckDBPyConnection
from sqlglot import exp

from beam_pipelines.local.bigquery import catalog
from beam_pipelines.local.bigquery.definitions import Definition, with_storable_types
from beam_pipelines.local.bigquery.errors import duplicate
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.schema_evolution import definition as column_definition
from beam_pipelines.local.bigquery.sessions import TEMPORARY, Session


def run(session: Session, definition: Definition) -> str:
    """Creates or drops a temporary table; answers with what BigQuery calls the ddlOperationPerformed."""
    tree, target, cursor = definition.statement.definition, definition.target, session.cursor
    assert tree is not None, "the statement is a definition"
    if isinstance(tree, exp.Drop):
        cursor.execute(f"DROP TABLE {target.sql}")
        session.temporary.discard(target.table)
        return "DROP"
    there = target.table in session.temporary
    if there and tree.args.get("exists"):
        return "SKIP"
    if there and not tree.args.get("replace"):
        raise duplicate("Table", str(target))
    if definition.query:
        rows = f"AS {with_storable_types(*definition.query)}"
    else:
        columns = catalog.columns_of(definition.body(tree))
        rows = f"({', '.join(column_definition(column) for column in columns)})"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {target.sql} {rows}")
    session.temporary.add(target.table)
    return "REPLACE" if there else "CREATE"


def columns(cursor: DuckDBPyConnection, name: TableName) -> set[str]:
    """The names, in small letters, of a temporary table's columns."""
    query = "SELECT lower(column_name) FROM duckdb_columns() WHERE database_name = ? AND table_name = ?"
    return {row[0] for row in cursor.execute(query, [TEMPORARY, name.table]).fetchall()}

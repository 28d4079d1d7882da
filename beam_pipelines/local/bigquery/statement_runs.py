"""One GoogleSQL statement: understood, and run by DuckDB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from beam_pipelines.local.bigquery import catalog, definitions, temporary_tables
from beam_pipelines.local.bigquery.errors import invalid_query, not_found
from beam_pipelines.local.bigquery.explanations import explained
from beam_pipelines.local.bigquery.googlesql import Statement, parsed, translate
from beam_pipelines.local.bigquery.googlesql_names import Names
from beam_pipelines.local.bigquery.jobs import Job, Jobs
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.parameters import bind
from beam_pipelines.local.bigquery.results import ANONYMOUS_DATASET, Field, Result, Results, fields_of
from beam_pipelines.local.bigquery.scripts import names_given, with_variables
from beam_pipelines.local.bigquery.sessions import TEMPORARY, Session
from beam_pipelines.local.bigquery.storage import Storage, first_row
from beam_pipelines.local.bigquery.user_functions import with_user_functions

Document = dict[str, Any]

_DML = {"INSERT": "insertedRowCount", "UPDATE": "updatedRowCount", "DELETE": "deletedRowCount"}
_CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE_TABLE")


@dataclass
class StatementRuns:
    """Runs statements, each in a transaction of its own."""

    storage: Storage
    jobs: Jobs
    results: Results
    project: str

    def understood(self, session: Session, sql: str, query: Mapping[str, Any]) -> Statement:
        """The statement, with the parameters of the query configuration bound and the session's variables in place."""
        default = (query.get("defaultDataset") or {}).get("datasetId", "")
        names = Names(
            self.project,
            default,
            lambda name: self._check_table(session, name),
            session,
            lambda name: self._types(session, name),
        )
        statement = translate(with_user_functions(parsed(sql), session.functions), names)
        if statement.target and statement.kind in _CHANGES:
            self._check_table(session, statement.target)
        bind(statement.tree, query.get("queryParameters") or ())
        return self._with_variables(session, statement) if session.variables else statement

    def _with_variables(self, session: Session, statement: Statement) -> Statement:
        """Columns come before variables: what may be either is a column if DuckDB can bind it."""
        columns = set(names_given(statement.tree))
        for name in {*statement.tables, *([statement.target] if statement.target else [])}:
            found = temporary_tables.columns(session.cursor, name) if name.dataset == TEMPORARY else None
            document = catalog.find_table(session.cursor, name) or {}
            columns |= found or {column.name.lower() for column in catalog.columns_of(document)}
        names = session.variables.keys()
        tree = with_variables(statement.tree, names - columns)
        return replace(statement, tree=tree, variables=frozenset(names & columns))

    def _check_table(self, session: Session, name: TableName) -> None:
        if name.dataset == TEMPORARY:
            if name.table not in session.temporary:
                raise not_found("Table", str(name))
        elif name.table:
            catalog.table(session.cursor, name)
        else:
            catalog.dataset(session.cursor, name.project, name.dataset)

    def _types(self, session: Session, name: TableName) -> dict[str, str]:
        document = catalog.find_table(session.cursor, name) or {}  # of temporary tables nothing is known
        fields = (document.get("schema") or {}).get("fields", ())
        return {field["name"].lower(): catalog.googlesql_type(field).partition("(")[0] for field in fields}

    def translate_view(self, cursor: DuckDBPyConnection, sql: str) -> str:
        """The DuckDB SQL of a view; an ApiError for what a view's query cannot be."""
        statement = self.understood(Session(cursor), sql, {})
        if statement.kind != "SELECT":
            raise invalid_query(f"A view's query must be a SELECT, not {statement.kind}")
        return definitions.with_storable_types(*bound(cursor, statement, sql))

    def run(self, session: Session, job: Job, sql: str) -> None:
        """Runs a statement for a job, whose statistics and result are the statement's."""
        query, cursor = job.configuration["query"], session.cursor
        statement = self.understood(session, sql, query)
        job.statistics.update(self.statistics(cursor, statement))
        if statement.kind == "SELECT" and "destinationTable" not in query:
            self._select(cursor, job, statement, sql)
            return
        with self.storage.transaction(cursor):
            try:
                self._write(session, job, statement, sql)
            except duckdb.Error as error:
                raise explained(error, sql) from None
            self.jobs.complete(cursor, job)

    def _select(self, cursor: DuckDBPyConnection, job: Job, statement: Statement, sql: str) -> None:
        query = job.configuration["query"]
        relation, _ = bound(cursor, statement, sql)
        fields = fields_of(relation)
        _refuse_duplicates(fields)
        try:
            self.results.keep(job.id, Result(relation.to_arrow_table(), fields))
        except duckdb.Error as error:
            raise explained(error, sql) from None
        query["destinationTable"] = TableName(self.project, ANONYMOUS_DATASET, f"anon_{job.id}").reference
        query.setdefault("writeDisposition", "WRITE_TRUNCATE")
        job.statistics["query"]["schema"] = {"fields": fields}
        self.jobs.complete(cursor, job)

    def _write(self, session: Session, job: Job, statement: Statement, sql: str) -> None:
        query, statistics, cursor = job.configuration["query"], job.statistics["query"], session.cursor
        if statement.definition is not None:
            made_of = bound(cursor, statement, sql) if statement.kind == "CREATE_TABLE_AS_SELECT" else None
            definition = definitions.Definition(cursor, statement, self.translate_view, made_of)
            is_temporary = definition.target.dataset == TEMPORARY
            operation = temporary_tables.run(session, definition) if is_temporary else definition.run()
            statistics["ddlOperationPerformed"] = operation
            statistics["ddlTargetTable"] = definition.target.reference
            return
        if statement.kind == "SELECT":
            reference = query["destinationTable"]
            name = TableName.parse(self.project, reference["datasetId"], reference["tableId"])
            relation, duckdb_sql = bound(cursor, statement, sql)
            definitions.store(cursor, name, relation, duckdb_sql, query, self.translate_view)
            statistics["schema"] = {"fields": fields_of(relation)}
            return
        affected = self._change(cursor, statement, sql)
        if statement.kind != "TRUNCATE_TABLE":
            statistics["numDmlAffectedRows"] = str(affected)
        if statement.kind in _DML:
            statistics["dmlStats"] = {_DML[statement.kind]: str(affected)}

    def _change(self, cursor: DuckDBPyConnection, statement: Statement, sql: str) -> int:
        """Runs a statement that changes rows; answers with how many."""
        target = statement.target
        assert target is not None, "DML has a target"
        document = None if target.dataset == TEMPORARY else catalog.table(cursor, target)
        changed = first_row(cursor, explained_sql(cursor, statement, sql))
        if document is not None:
            catalog.recount(cursor, target, document, touched_all=statement.kind in ("UPDATE", "MERGE"))
        return changed[0] if changed else 0

    def statistics(self, cursor: DuckDBPyConnection, statement: Statement) -> Document:
        """What the statement would read."""
        size = sum(count.logical_bytes for name in statement.tables for count in catalog.partition_counts(cursor, name))
        query: Document = {
            "statementType": statement.kind,
            "totalBytesProcessed": str(size),
            "totalBytesBilled": "0",
            "cacheHit": False,
            "referencedTables": [name.reference for name in sorted(statement.tables)],
        }
        return {"query": query, "totalBytesProcessed": str(size)}


def _refuse_duplicates(fields: list[Field]) -> None:
    counts = Counter(field["name"].lower() for field in fields)
    if duplicates := [name for name, count in counts.items() if count > 1]:
        names = ", ".join(duplicates)
        raise invalid_query(f"Duplicate column names in the result are not supported. Found duplicate(s): {names}")


def bound(cursor: DuckDBPyConnection, statement: Statement, source: str) -> tuple[DuckDBPyRelation, str]:
    """The query, understood by DuckDB but not run, and its SQL."""
    problems = []
    for sql in statement.readings:
        try:
            return cursor.sql(sql), sql
        except duckdb.Error as error:
            problems.append(error)
    raise explained(_telling(problems), source)


def explained_sql(cursor: DuckDBPyConnection, statement: Statement, source: str) -> str:
    """The DuckDB SQL of a statement that changes something, known to be understood by DuckDB."""
    problems = []
    for sql in statement.readings:
        try:
            cursor.execute(f"EXPLAIN {sql}").fetchall()
            return sql
        except duckdb.Error as error:
            problems.append(error)
    raise explained(_telling(problems), source)


def _telling(problems: list[duckdb.Error]) -> duckdb.Error:
    """The problem of the last reading that is not merely a wrong guess."""
    telling = [problem for problem in problems if "UNNEST() can only be applied" not in str(problem)]
    return (telling or problems)[-1]

"""Query jobs: GoogleSQL run by DuckDB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from beam_pipelines.local.bigquery import catalog, definitions
from beam_pipelines.local.bigquery.errors import ApiError, invalid_query, unsupported
from beam_pipelines.local.bigquery.googlesql import Statement, position_of, translate
from beam_pipelines.local.bigquery.googlesql_names import Names
from beam_pipelines.local.bigquery.jobs import Job, Jobs
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.parameters import bind, named_placeholders
from beam_pipelines.local.bigquery.results import ANONYMOUS_DATASET, Result, Results, fields_of
from beam_pipelines.local.bigquery.storage import Storage, first_row

Document = dict[str, Any]

_UNSUPPORTED = (
    "tableDefinitions",
    "userDefinedFunctionResources",
    "rangePartitioning",
    "destinationEncryptionConfiguration",
    "createSession",
    "scriptOptions",
    "continuous",
)
_DML = {"INSERT": "insertedRowCount", "UPDATE": "updatedRowCount", "DELETE": "deletedRowCount"}


@dataclass
class Queries:
    """Runs query jobs."""

    storage: Storage
    jobs: Jobs
    results: Results
    project: str

    def check(self, query: Mapping[str, Any]) -> None:
        """Raises an ApiError for a query configuration that this server cannot run."""
        if query.get("useLegacySql", True) not in (False, "false"):
            raise unsupported("useLegacySql=true (legacy SQL is BigQuery's default; set it to false)")
        for name in _UNSUPPORTED:
            if query.get(name) not in (None, False, "false", {}, []):
                raise unsupported(f"query.{name}")
        if not query.get("query"):
            raise invalid_query("Required parameter is missing: query")

    def understood(self, cursor: DuckDBPyConnection, query: Mapping[str, Any]) -> Statement:
        """The statement of a query configuration, its parameters bound."""
        sql = named_placeholders(query["query"])
        default = (query.get("defaultDataset") or {}).get("datasetId", "")
        statement = translate(sql, Names(self.project, default, lambda name: self._check_table(cursor, name)))
        if statement.target and statement.kind in ("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE_TABLE"):
            self._check_table(cursor, statement.target)
        bind(statement.tree, query.get("queryParameters") or ())
        return statement

    def _check_table(self, cursor: DuckDBPyConnection, name: TableName) -> None:
        if name.table:
            catalog.table(cursor, name)
        else:
            catalog.dataset(cursor, name.project, name.dataset)

    def translate_view(self, cursor: DuckDBPyConnection, sql: str) -> str:
        """The DuckDB SQL of a view; an ApiError for what a view's query cannot be."""
        statement = self.understood(cursor, {"query": sql})
        if statement.kind != "SELECT":
            raise invalid_query(f"A view's query must be a SELECT, not {statement.kind}")
        return definitions.with_storable_types(*_bound(cursor, statement, sql))

    def dry_run(self, configuration: Mapping[str, Any]) -> Document:
        """The statistics of a query that is not run: what it would read, and the columns that it would give."""
        query = configuration["query"]
        with self.storage.cursor() as cursor:
            statement = self.understood(cursor, query)
            statistics = self._statistics(cursor, statement)
            if statement.kind == "SELECT":
                statistics["query"]["schema"] = {"fields": fields_of(_bound(cursor, statement, query["query"])[0])}
            elif statement.definition is None:
                _explained_sql(cursor, statement, query["query"])
        return statistics

    def run(self, job: Job) -> None:
        """Does what the job's query configuration says."""
        query = job.configuration["query"]
        with self.storage.cursor() as cursor:
            job.cursor = cursor
            statement = self.understood(cursor, query)
            job.statistics.update(self._statistics(cursor, statement))
            if statement.kind == "SELECT" and "destinationTable" not in query:
                self._select(cursor, job, statement)
                return
        with self.storage.transaction() as cursor:
            job.cursor = cursor
            try:
                self._write(cursor, job, statement)
            except duckdb.Error as error:
                raise explained(error, query["query"]) from None
            self.jobs.complete(cursor, job)

    def _select(self, cursor: DuckDBPyConnection, job: Job, statement: Statement) -> None:
        query = job.configuration["query"]
        relation, _ = _bound(cursor, statement, query["query"])
        fields = fields_of(relation)
        try:
            self.results.keep(job.id, Result(relation.to_arrow_table(), fields))
        except duckdb.Error as error:
            raise explained(error, query["query"]) from None
        query["destinationTable"] = TableName(self.project, ANONYMOUS_DATASET, f"anon_{job.id}").reference
        query.setdefault("writeDisposition", "WRITE_TRUNCATE")
        job.statistics["query"]["schema"] = {"fields": fields}
        self.jobs.complete(cursor, job)

    def _write(self, cursor: DuckDBPyConnection, job: Job, statement: Statement) -> None:
        query, statistics = job.configuration["query"], job.statistics["query"]
        if statement.definition is not None:
            bound = _bound(cursor, statement, query["query"]) if statement.kind == "CREATE_TABLE_AS_SELECT" else None
            definition = definitions.Definition(cursor, statement, self.translate_view, bound)
            statistics["ddlOperationPerformed"] = definition.run()
            statistics["ddlTargetTable"] = definition.target.reference
            return
        if statement.kind == "SELECT":
            reference = query["destinationTable"]
            name = TableName.parse(self.project, reference["datasetId"], reference["tableId"])
            relation, sql = _bound(cursor, statement, query["query"])
            definitions.store(cursor, name, relation, sql, query, self.translate_view)
            statistics["schema"] = {"fields": fields_of(relation)}
            return
        target = statement.target
        assert target is not None, "DML has a target"
        document = catalog.table(cursor, target)
        changed = first_row(cursor, _explained_sql(cursor, statement, query["query"]))
        affected = changed[0] if changed else 0
        catalog.recount(cursor, target, document, touched_all=statement.kind in ("UPDATE", "MERGE"))
        if statement.kind != "TRUNCATE_TABLE":
            statistics["numDmlAffectedRows"] = str(affected)
        if statement.kind in _DML:
            statistics["dmlStats"] = {_DML[statement.kind]: str(affected)}

    def _statistics(self, cursor: DuckDBPyConnection, statement: Statement) -> Document:
        size = sum(count.logical_bytes for name in statement.tables for count in catalog.partition_counts(cursor, name))
        query: Document = {
            "statementType": statement.kind,
            "totalBytesProcessed": str(size),
            "totalBytesBilled": "0",
            "cacheHit": False,
            "referencedTables": [name.reference for name in sorted(statement.tables)],
        }
        return {"query": query, "totalBytesProcessed": str(size)}


def _bound(cursor: DuckDBPyConnection, statement: Statement, source: str) -> tuple[DuckDBPyRelation, str]:
    """The query, understood by DuckDB but not run, and its SQL."""
    problems = []
    for sql in statement.readings:
        try:
            return cursor.sql(sql), sql
        except duckdb.Error as error:
            problems.append(error)
    raise explained(problems[-1], source)


def _explained_sql(cursor: DuckDBPyConnection, statement: Statement, source: str) -> str:
    """The DuckDB SQL of a statement that changes something, known to be understood by DuckDB."""
    problems = []
    for sql in statement.readings:
        try:
            cursor.execute(f"EXPLAIN {sql}").fetchall()
            return sql
        except duckdb.Error as error:
            problems.append(error)
    raise explained(problems[-1], source)


_UNRECOGNIZED = (
    re.compile(r'Referenced column "([^"]+)" (?:was )?not found'),
    re.compile(r'does not have a column named "([^"]+)"'),
    re.compile(r'Referenced table "([^"]+)" not found'),
)


def explained(error: duckdb.Error, sql: str) -> ApiError:
    """What DuckDB says of a query, as BigQuery would."""
    text = re.sub(r"^[A-Za-z ]+ Error: ", "", str(error).partition("\n")[0])
    for pattern in _UNRECOGNIZED:
        if found := pattern.search(text):
            return invalid_query(f"Unrecognized name: {found[1]}{position_of(found[1], sql)}")
    if found := re.search(r"Function with name (\S+) does not exist", text):
        return invalid_query(f"Function not found: {found[1]}{position_of(found[1], sql)} (in the local BigQuery)")
    return invalid_query(text)

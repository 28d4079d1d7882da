"""Query jobs: GoogleSQL run by DuckDB, one statement or a script of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from beam_pipelines.local.bigquery.errors import invalid_query, unsupported
from beam_pipelines.local.bigquery.googlesql import parsed
from beam_pipelines.local.bigquery.jobs import Job, Jobs
from beam_pipelines.local.bigquery.parameters import named_placeholders
from beam_pipelines.local.bigquery.results import Results, fields_of
from beam_pipelines.local.bigquery.script_runs import ScriptRun
from beam_pipelines.local.bigquery.scripts import is_script, texts_of
from beam_pipelines.local.bigquery.sessions import Session
from beam_pipelines.local.bigquery.statement_runs import StatementRuns, bound, explained_sql
from beam_pipelines.local.bigquery.storage import Storage

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


class Queries:
    """Runs query jobs."""

    def __init__(self, storage: Storage, jobs: Jobs, results: Results, project: str) -> None:
        self._storage = storage
        self._statements = StatementRuns(storage, jobs, results, project)

    def check(self, query: Mapping[str, Any]) -> None:
        """Raises an ApiError for a query configuration that this server cannot run."""
        if query.get("useLegacySql", True) not in (False, "false"):
            raise unsupported("useLegacySql=true (legacy SQL is BigQuery's default; set it to false)")
        for name in _UNSUPPORTED:
            if query.get(name) not in (None, False, "false", {}, []):
                raise unsupported(f"query.{name}")
        if not query.get("query"):
            raise invalid_query("Required parameter is missing: query")

    def translate_view(self, cursor: DuckDBPyConnection, sql: str) -> str:
        """The DuckDB SQL of a view; an ApiError for what a view's query cannot be."""
        return self._statements.translate_view(cursor, sql)

    def dry_run(self, configuration: Mapping[str, Any]) -> Document:
        """The statistics of a query that is not run: what it would read, and the columns that it would give."""
        query = configuration["query"]
        texts = texts_of(named_placeholders(query["query"]))
        if is_script(texts):  # whose later statements depend on what the earlier ones do: only the syntax is known
            for text in texts:
                if text.word != "EXECUTE":
                    parsed(text.sql)
            return {"query": {"statementType": "SCRIPT", "totalBytesProcessed": "0"}, "totalBytesProcessed": "0"}
        sql = texts[0].sql if texts else ""
        with self._storage.cursor() as cursor:
            statement = self._statements.understood(Session(cursor), sql, query)
            statistics = self._statements.statistics(cursor, statement)
            if statement.kind == "SELECT":
                statistics["query"]["schema"] = {"fields": fields_of(bound(cursor, statement, sql)[0])}
            elif statement.definition is None:
                explained_sql(cursor, statement, sql)
        return statistics

    def run(self, job: Job) -> None:
        """Does what the job's query configuration says."""
        texts = texts_of(named_placeholders(job.configuration["query"]["query"]))
        with self._storage.cursor() as cursor:
            job.cursor = cursor
            session = Session(cursor, is_script=is_script(texts))
            if session.is_script:
                ScriptRun(self._statements, session, job).run(texts)
            else:
                self._statements.run(session, job, texts[0].sql if texts else "")

"""Scripts, run statement by statement on one connection: a job for the script, and one for each statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb
from sqlglot import exp

from beam_pipelines.local.bigquery.definitions import with_storable_types
from beam_pipelines.local.bigquery.errors import ApiError, invalid_query, unsupported
from beam_pipelines.local.bigquery.explanations import explained
from beam_pipelines.local.bigquery.googlesql import parsed
from beam_pipelines.local.bigquery.jobs import Job
from beam_pipelines.local.bigquery.results import Result
from beam_pipelines.local.bigquery.scripts import Assignment, Text, assignment_of, dynamic_text, texts_of
from beam_pipelines.local.bigquery.sessions import Session
from beam_pipelines.local.bigquery.statement_runs import StatementRuns, bound
from beam_pipelines.local.bigquery.storage import first_row
from beam_pipelines.local.bigquery.user_functions import function_of, with_user_functions

Document = dict[str, Any]


@dataclass
class ScriptRun:
    """One script, about to be run."""

    statements: StatementRuns
    session: Session
    job: Job
    """The script's own."""
    children: list[Job] = field(default_factory=list)
    result: Result | None = None
    """That of the last statement that has one; it is the script's too."""

    def run(self, texts: list[Text]) -> None:
        """Runs the statements in order; an ApiError of one ends the script, and what was done before it stays."""
        query = self.job.configuration["query"]
        if "destinationTable" in query:
            raise invalid_query("configuration.query.destinationTable cannot be set for scripts")
        self.job.statistics["query"] = {"statementType": "SCRIPT"}
        self._run_all(texts)
        size = sum(int(child.statistics.get("totalBytesProcessed", 0)) for child in self.children)
        self.job.statistics.update(numChildJobs=str(len(self.children)), totalBytesProcessed=str(size))
        statistics = self.job.statistics["query"]
        statistics |= {"totalBytesProcessed": str(size), "totalBytesBilled": "0", "cacheHit": False}
        if self.result is not None:
            self.statements.results.keep(self.job.id, self.result)
            statistics["schema"] = {"fields": self.result.fields}
        self.statements.jobs.complete(self.session.cursor, self.job)

    def _run_all(self, texts: list[Text]) -> None:
        declaring = True
        for text in texts:
            if self.job.cancelled:
                raise ApiError(400, "stopped", "Job execution was cancelled: User requested cancellation")
            if text.word == "DECLARE" and not declaring:
                raise invalid_query("Variable declarations are allowed only at the start of a block or script")
            declaring = text.word == "DECLARE"
            if text.word in ("DECLARE", "SET"):
                self._assign(text)
            elif text.word == "EXECUTE":
                self._run_all(self._dynamic(text))
            elif not (text.word == "CREATE" and self._define(text)):
                self._run_one(text)

    def _define(self, text: Text) -> bool:
        """Defines the function, if the statement does that."""
        function = function_of(parsed(text.sql))
        if function is None:
            return False
        with_user_functions(function.body, self.session.functions)
        self.session.functions[function.name] = function
        return True

    def _run_one(self, text: Text) -> None:
        def work(child: Job) -> None:
            child.cursor = self.session.cursor
            try:
                self.statements.run(self.session, child, text.sql)
            finally:
                child.cancelled = self.job.cancelled

        query = {**self.job.configuration["query"], "query": text.sql.strip()}
        child = self.statements.jobs.child(self.job, query, work)
        self.children.append(child)
        if child.error:
            raise child.error
        self.result = self.statements.results.find(child.id) or self.result

    def _dynamic(self, text: Text) -> list[Text]:
        """The statements in the text that EXECUTE IMMEDIATE is given."""
        expression = dynamic_text(text)
        tree = parsed(f"SELECT {expression}") if expression else None
        if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
            raise unsupported("EXECUTE other than EXECUTE IMMEDIATE of one expression, without INTO and USING,")
        source = self._source(Assignment(("",), tree, declares=False))
        try:
            row = first_row(self.session.cursor, source)
        except duckdb.Error as error:
            raise explained(error, self.job.configuration["query"]["query"]) from None
        value = row[0] if row else None
        if not isinstance(value, str):
            raise invalid_query(f"EXECUTE IMMEDIATE expects a string, got {value!r}")
        return texts_of(value)

    def _source(self, assignment: Assignment) -> str:
        """The DuckDB SQL of the values that are assigned."""
        assert assignment.value is not None, "something is assigned"
        source = assignment.value.sql(dialect="bigquery")
        statement = self.statements.understood(self.session, source, self.job.configuration["query"])
        return with_storable_types(*bound(self.session.cursor, statement, self.job.configuration["query"]["query"]))

    def _assign(self, text: Text) -> None:
        assignment = assignment_of(parsed(text.sql))
        assert assignment is not None, "the statement is a DECLARE or SET"
        variables, cursor = self.session.variables, self.session.cursor
        for name in assignment.names:
            if assignment.declares and name in variables:
                raise invalid_query(f"Variable '{name}' redeclaration is not allowed")
            if not assignment.declares and name not in variables:
                raise invalid_query(f"Undeclared variable: {name}")
        if assignment.value is None:
            assert assignment.kind is not None, "a DECLARE without a default has a type"
            self._store(assignment.names, (_duckdb_type(assignment.kind),) * len(assignment.names), "")
            return
        source = self._source(assignment)
        given = [str(kind) for kind in cursor.sql(source).types]
        if assignment.kind is not None:
            given = [_duckdb_type(assignment.kind)] * len(assignment.names)
        elif not assignment.declares:
            given = [variables[name] for name in assignment.names]
        try:
            values = f"SELECT assigned FROM ({source}) AS assigned"  # noqa: S608 - the client's own query
            cursor.execute(f"SET VARIABLE _assigned = ({values})")
            self._store(assignment.names, tuple(given), "getvariable('_assigned')")
        except duckdb.Error as error:
            raise explained(error, self.job.configuration["query"]["query"]) from None

    def _store(self, names: tuple[str, ...], kinds: tuple[str, ...], values: str) -> None:
        """Sets the variables, to NULL or each to its field of ``values``."""
        for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            value = f"struct_extract({values}, '_{at}')" if values else "NULL"
            self.session.cursor.execute(f'SET VARIABLE "{name}" = CAST({value} AS {kind})')
            self.session.variables[name] = kind


def _duckdb_type(kind: exp.DataType) -> str:
    tree = parsed(f"SELECT CAST(NULL AS {kind.sql(dialect='bigquery')})")
    cast = tree.find(exp.Cast)
    assert cast is not None, "the query was made with a CAST"
    if cast.args["to"].is_type(exp.DType.DECIMAL) and not cast.args["to"].expressions:
        return "DECIMAL(38, 9)"
    return str(cast.args["to"].sql(dialect="duckdb"))

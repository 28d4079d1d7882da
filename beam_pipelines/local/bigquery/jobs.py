"""Jobs: what was asked for, how it went, and the one place where an id is used once."""

from __future__ import annotations

import copy
import json
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import duckdb

from beam_pipelines.local.bigquery.catalog import etag
from beam_pipelines.local.bigquery.errors import ApiError, duplicate, invalid, not_found
from beam_pipelines.local.bigquery.names import check_job_id, now_millis
from beam_pipelines.local.bigquery.storage import Storage, first_row

Document = dict[str, Any]

LOCATION = "US"
_INTERRUPTS = 50


@dataclass
class Job:
    """One job, from the moment its id is taken."""

    document: Document
    done: Future[None] = field(default_factory=Future)
    cursor: duckdb.DuckDBPyConnection | None = None
    """The connection that the job runs on, so that it can be interrupted."""
    recorded: bool = False
    """Whether the file holds a record of it already."""
    changes: bool = False
    """Whether it changes something, so that what became of it has to be known after a crash."""
    cancelled: bool = False

    @property
    def id(self) -> str:
        """The job's id in its project."""
        return str(self.document["jobReference"]["jobId"])

    @property
    def name(self) -> str:
        """The job as error messages call it: ``project:location.id``."""
        return str(self.document["id"])

    @property
    def configuration(self) -> Document:
        """What the job was asked to do."""
        configuration: Document = self.document["configuration"]
        return configuration

    @property
    def statistics(self) -> Document:
        """What the job did."""
        statistics: Document = self.document["statistics"]
        return statistics

    @property
    def error(self) -> ApiError | None:
        """The error that ended the job, as an HTTP answer would put it."""
        if found := self.document["status"].get("errorResult"):
            code = {"notFound": 404, "duplicate": 409, "notImplemented": 501, "accessDenied": 403}
            reason = found["reason"]
            return ApiError(code.get(reason, 400), reason, found["message"], found.get("location", ""))
        return None

    def interrupt(self) -> None:
        """Asks DuckDB to stop what the job runs; again and again, for it forgets that between two phases of a query."""
        self.cancelled = True
        for _ in range(_INTERRUPTS):
            if cursor := self.cursor:
                with suppress(duckdb.Error):  # it has ended in this moment
                    cursor.interrupt()
            with suppress(NotYet):
                self.done.result(timeout=0.1)
                return


Work = Callable[[Job], None]


class Jobs:
    """All jobs of the file: those that run in memory, those that are done on disk."""

    def __init__(self, storage: Storage, project: str) -> None:
        self._storage = storage
        self._project = project
        self._running: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(8, thread_name_prefix="bigquery-job")
        with storage.cursor() as cursor:
            self._taken = {row[0] for row in cursor.execute("SELECT job_id FROM _bigquery.jobs").fetchall()}
        self._bury_the_dead()

    def _bury_the_dead(self) -> None:
        """Ends the jobs of a process that is gone: nothing of what they did was committed."""
        with self._storage.transaction() as cursor:
            rows = cursor.execute("SELECT document FROM _bigquery.jobs WHERE state = 'RUNNING'").fetchall()
            for (text,) in rows:
                job = Job(json.loads(text), recorded=True)
                _end(job, ApiError(400, "backendError", "The server stopped while the job was running"))
                self.record(cursor, job)

    def start(self, body: Mapping[str, Any], work: Work, *, record: bool) -> Job:
        """Takes the job's id and runs the work in a thread of its own.

        Args:
            body: a Job resource with a configuration and perhaps a jobReference.
            work: does it; commits the job's record in the transaction of its effects by :meth:`complete`.
            record: it changes something, so it leaves a record before it ends, if it calls :meth:`announce`.
        """
        job = Job(_new_document(self._project, body), changes=record)
        with self._lock:
            if job.id in self._taken:
                raise duplicate("Job", job.name)
            self._taken.add(job.id)
            self._running[job.id] = job
        self._workers.submit(self._run, job, work)
        return job

    def announce(self, job: Job) -> None:
        """Records that a job runs which may last: to be called before its transaction begins.

        A job that has ended when its insertion is answered needs no record of its beginning, which costs a commit: if
        the server stops before, nothing has happened and nobody was told otherwise.
        """
        if job.changes and not job.recorded:
            with self._storage.cursor() as cursor:  # a row of its own: it conflicts with no other writer
                self.record(cursor, job)
            job.recorded = True

    def child(self, parent: Job, query: Mapping[str, Any], work: Work) -> Job:
        """Runs a query that is a part of another job, before this returns; how it ended is in the job."""
        reference = {"jobId": f"script_job_{uuid.uuid4().hex}", "location": parent.document["jobReference"]["location"]}
        body = {"jobReference": reference, "configuration": {"query": query, "jobType": "QUERY"}}
        job = Job(_new_document(self._project, body))
        job.statistics.update(parentJobId=parent.id, scriptStatistics={"evaluationKind": "STATEMENT"})
        with self._lock:
            self._taken.add(job.id)
            self._running[job.id] = job
        self._run(job, work)
        return job

    def _run(self, job: Job, work: Work) -> None:
        try:
            with self._storage.cursor() as job.cursor:
                work(job)
        except ApiError as error:
            self._fail(job, error)
        except Exception as error:  # whatever it was, the client waits for an answer
            self._fail(job, ApiError(500, "localError", f"{type(error).__name__}: {error}"))
        finally:
            with self._lock:
                self._running.pop(job.id, None)
            job.cursor = None
            job.done.set_result(None)

    def _fail(self, job: Job, error: ApiError) -> None:
        if job.cancelled:
            error = ApiError(400, "stopped", "Job execution was cancelled: User requested cancellation")
        _end(job, error)
        with self._storage.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("DELETE FROM _bigquery.jobs WHERE job_id = ?", [job.id])
            job.recorded = False
            self.record(cursor, job)
            cursor.execute("COMMIT")

    def complete(self, cursor: duckdb.DuckDBPyConnection, job: Job) -> None:
        """Records in the cursor's transaction that the job has succeeded."""
        _end(job, None)
        self.record(cursor, job)

    def record(self, cursor: duckdb.DuckDBPyConnection, job: Job) -> None:
        """Stores the job's document as it is now."""
        state, text = job.document["status"]["state"], json.dumps(job.document)
        if job.recorded:
            cursor.execute("UPDATE _bigquery.jobs SET state = ?, document = ? WHERE job_id = ?", [state, text, job.id])
        else:
            created = int(job.statistics["creationTime"])
            cursor.execute("INSERT INTO _bigquery.jobs VALUES (?, ?, ?, ?)", [job.id, created, state, text])

    def get(self, job_id: str) -> Job:
        """The job of that id; an ApiError if there is none."""
        with self._lock:
            if running := self._running.get(job_id):
                return running
        with self._storage.cursor() as cursor:
            row = first_row(cursor, "SELECT document FROM _bigquery.jobs WHERE job_id = ?", [job_id])
        if row is None:
            raise not_found("Job", f"{self._project}:{LOCATION}.{job_id}")
        job = Job(json.loads(row[0]), recorded=True)
        job.done.set_result(None)
        return job

    def list(self, states: set[str], earliest: int, latest: int, parent: str = "") -> list[Document]:
        """The jobs, newest first, whose state is one of ``states`` (all if none) and that were created in the range.

        Of scripts' statements there are those of the script ``parent``, and without it none.
        """
        query = "SELECT document FROM _bigquery.jobs WHERE created BETWEEN ? AND ? ORDER BY created DESC, rowid DESC"
        with self._storage.cursor() as cursor:
            documents = [json.loads(row[0]) for row in cursor.execute(query, [earliest, latest]).fetchall()]
        return [
            document
            for document in documents
            if document["statistics"].get("parentJobId", "") == parent
            and (not states or document["status"]["state"].lower() in states)
        ]

    def cancel(self, job_id: str) -> Job:
        """Asks a running job to stop; one that is done stays as it is."""
        job = self.get(job_id)
        if not job.done.done():
            job.interrupt()
        return job

    def delete(self, job_id: str) -> None:
        """Forgets a job that is done. Its id stays taken while the server runs."""
        if not self.get(job_id).done.done():
            raise invalid(f"Job {job_id} is still running")
        with self._storage.cursor() as cursor:
            cursor.execute("DELETE FROM _bigquery.jobs WHERE job_id = ?", [job_id])

    def close(self) -> None:
        """Cancels the queries that run and waits for the loads."""
        with self._lock:
            running = list(self._running.values())
        for job in running:
            if "query" in job.configuration:
                job.interrupt()
        self._workers.shutdown()


def resource(job: Job) -> Document:
    """The job as the API shows it."""
    document = copy.copy(job.document)
    return {"kind": "bigquery#job", "etag": etag(document), **document, "user_email": "nobody@localhost"}


def _new_document(project: str, body: Mapping[str, Any]) -> Document:
    reference = body.get("jobReference") or {}
    job_id = reference.get("jobId") or f"job_{uuid.uuid4().hex}"
    check_job_id(job_id)
    location = reference.get("location") or LOCATION
    now = str(now_millis())
    return {
        "id": f"{project}:{location}.{job_id}",
        "jobReference": {"projectId": project, "jobId": job_id, "location": location},
        "configuration": copy.deepcopy(dict(body["configuration"])),
        "status": {"state": "RUNNING"},
        "statistics": {"creationTime": now, "startTime": now},
    }


def _end(job: Job, error: ApiError | None) -> None:
    job.statistics["endTime"] = str(now_millis())
    job.document["status"] = {"state": "DONE"}
    if error:
        job.document["status"] |= {"errorResult": error.proto, "errors": [error.proto]}

"""The HTTP server: which method answers which request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from beam_pipelines.local.bigquery import api, job_api
from beam_pipelines.local.bigquery.api import Call, Warehouse
from beam_pipelines.local.bigquery.discovery import API
from beam_pipelines.local.bigquery.errors import ApiError, invalid, not_found
from beam_pipelines.local.bigquery.googlesql_names import PUBLIC_PROJECT
from beam_pipelines.local.bigquery.job_api import refuse
from beam_pipelines.local.bigquery.uploads import PATHS, Uploads
from beam_pipelines.local.discovery import Discovery
from beam_pipelines.local.http_server import listening, serving

Method = Callable[[Warehouse, Call], Any]

_DATASETS = "/projects/{project}/datasets"
_DATASET = _DATASETS + "/{dataset}"
_TABLES = _DATASET + "/tables"
_TABLE = _TABLES + "/{table}"
_JOBS = "/projects/{project}/jobs"
_JOB = _JOBS + "/{job}"

METHODS: tuple[tuple[str, str, Method], ...] = (
    ("GET", "/projects", api.list_projects),
    ("GET", "/projects/{project}/serviceAccount", api.service_account),
    ("GET", _DATASETS, api.list_datasets),
    ("POST", _DATASETS, api.insert_dataset),
    ("GET", _DATASET, api.get_dataset),
    ("PATCH", _DATASET, partial(api.change_dataset, replace=False)),
    ("PUT", _DATASET, partial(api.change_dataset, replace=True)),
    ("DELETE", _DATASET, api.delete_dataset),
    ("GET", _TABLES, api.list_tables),
    ("POST", _TABLES, api.insert_table),
    ("GET", _TABLE, api.get_table),
    ("PATCH", _TABLE, partial(api.change_table, replace=False)),
    ("PUT", _TABLE, partial(api.change_table, replace=True)),
    ("DELETE", _TABLE, api.delete_table),
    ("GET", _TABLE + "/data", job_api.list_rows),
    ("POST", _TABLE + "/insertAll", refuse("tabledata.insertAll (streaming inserts)")),
    ("GET", _DATASET + "/models", refuse("models.list")),
    ("GET", _DATASET + "/routines", refuse("routines.list")),
    ("GET", _JOBS, job_api.list_jobs),
    ("POST", _JOBS, job_api.insert_job),
    ("GET", _JOB, job_api.get_job),
    ("POST", _JOB + "/cancel", job_api.cancel_job),
    ("DELETE", _JOB + "/delete", job_api.delete_job),
    ("POST", "/projects/{project}/queries", job_api.query),
    ("GET", "/projects/{project}/queries/{job}", job_api.get_query_results),
)


@dataclass(frozen=True)
class Server:
    """A server that is running."""

    endpoint: str
    project: str


@contextmanager
def running(path: Path, port: int, project: str, cloud_storage: str) -> Iterator[Server]:
    """Opens the file and serves it until the context ends."""
    with (
        listening(port) as listener,
        closing(Warehouse(path, project, cloud_storage)) as warehouse,
        serving(_application(warehouse, listener.endpoint), listener),
    ):
        yield Server(listener.endpoint, project)


def _application(warehouse: Warehouse, endpoint: str) -> Starlette:
    routes = [
        Route(prefix + path, _endpoint(warehouse, method), methods=[verb])
        for prefix in ("/bigquery/v2", "")
        for verb, path, method in METHODS
    ]

    async def describe(request: Request) -> Response:
        return _json(200, Discovery(API).served_at(endpoint))

    uploads = Uploads(warehouse, endpoint)
    routes += [Route(path, uploads.answer, methods=["POST", "PUT"]) for path in PATHS]
    routes += [Route(path, describe) for path in ("/discovery/v1/apis/bigquery/v2/rest", "/$discovery/rest")]
    return Starlette(routes=routes, exception_handlers={HTTPException: _no_such_method})


def _endpoint(warehouse: Warehouse, method: Method) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            call = await _call(request)
            project = call.path.get("project", warehouse.project)
            is_public = project == PUBLIC_PROJECT and request.method == "GET" and "dataset" in call.path
            if project != warehouse.project and not is_public:
                raise not_found("Project", project)
            answered = await run_in_threadpool(method, warehouse, call)
        except ApiError as error:
            return _json(error.code, error.body)
        except Exception as error:  # whatever it was, the client is to see it and not a closed connection
            failure = ApiError(500, "localError", f"The local BigQuery failed: {type(error).__name__}: {error}")
            return _json(failure.code, failure.body)
        return Response(status_code=204) if answered is None else _json(200, answered)

    return answer


async def _call(request: Request) -> Call:
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as error:
        raise invalid(f"Parse Error: {error}") from None
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received: expected an object")
    return Call(request.path_params, request.query_params, body, request.headers.get("if-match", ""))


def _json(code: int, body: Any) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), code, media_type="application/json")


async def _no_such_method(request: Request, error: Exception) -> Response:
    message = f"The local BigQuery has no method {request.method} {request.url.path}"
    return _json(404, ApiError(404, "notFound", message).body)

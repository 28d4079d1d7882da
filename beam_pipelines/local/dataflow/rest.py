"""Dataflow over REST: every method of Google's discovery document has its address here, and some do something."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from beam_pipelines.local.dataflow import api, launches
from beam_pipelines.local.dataflow.api import Dataflow, Method
from beam_pipelines.local.dataflow.enums import canonical, name_of
from beam_pipelines.local.dataflow.errors import ApiError, invalid, no_such_method, not_found
from beam_pipelines.local.discovery import Discovery

Document = dict[str, Any]

_DISCOVERY = Discovery("dataflow.v1b3")
# By the method's id without "dataflow.projects." and "locations.": what does it.
METHODS: Mapping[str, Method] = {
    "flexTemplates.launch": launches.launch,
    "jobs.aggregated": api.list_all_jobs,
    "jobs.create": api.create_job,
    "jobs.get": api.get_job,
    "jobs.getMetrics": api.get_metrics,
    "jobs.list": api.list_jobs,
    "jobs.messages.list": api.list_messages,
    "jobs.update": api.update_job,
}
_BODY_IS_JOB = ("jobs.create", "jobs.update")
# Of every method; clients send the last two and the document keeps silent about them.
_COMMON = ("alt", "prettyPrint", "$alt", "$prettyPrint")


def application(dataflow: Dataflow, endpoint: str) -> Starlette:
    """The application that answers for a Dataflow at an address such as ``http://127.0.0.1:9052``."""
    described = json.dumps(_DISCOVERY.served_at(endpoint))

    async def describe(request: Request) -> Response:
        return Response(described, media_type="application/json")

    routes = [
        Route(f"/{method['flatPath']}", _endpoint(dataflow, method), methods=[method["httpMethod"]])
        for method in _methods(_DISCOVERY.document)
    ]
    routes += [Route(path, describe) for path in ("/discovery/v1/apis/dataflow/v1b3/rest", "/$discovery/rest")]
    return Starlette(routes=routes, exception_handlers={HTTPException: _no_such_address})


def _methods(resource: Mapping[str, Any]) -> Iterator[Document]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _endpoint(dataflow: Dataflow, method: Document) -> Callable[[Request], Awaitable[Response]]:
    name = method["id"].removeprefix("dataflow.projects.").removeprefix("locations.")

    async def answer(request: Request) -> Response:
        try:
            if name not in METHODS:
                raise no_such_method(method["id"])
            asked = {**request.path_params, **_query(method, request), **_body(method, name, await request.body())}
            return _json(200, await run_in_threadpool(METHODS[name], dataflow, asked))
        except ApiError as error:
            return _json(error.code, error.body)
        except Exception as error:  # whatever it was, the client is to see it and not a closed connection
            failure = ApiError("INTERNAL", f"The local Dataflow failed: {type(error).__name__}: {error}")
            return _json(failure.code, failure.body)

    return answer


def _query(method: Document, request: Request) -> Document:
    """The request's query parameters by name, of the types that the method's description gives them."""
    described, common = method["parameters"], _DISCOVERY.document["parameters"]
    asked = {}
    for name, text in request.query_params.multi_items():
        if name in described and described[name]["location"] == "query":
            asked[name] = _argument(name, described[name], text)
        elif name not in common and name not in _COMMON:
            raise invalid(f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.')
    return asked


def _argument(name: str, described: Document, text: str) -> Any:
    kind, enum = described["type"], described.get("enum")
    try:
        if enum:
            return name_of(enum, int(text)) if text.isdigit() else enum[enum.index(text)]
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        return int(text) if kind == "integer" else text
    except (ValueError, LookupError):
        expected = f"one of {', '.join(enum)}" if enum else f"of type {kind}"
        raise invalid(f"{name}: expected a value {expected}, got {text!r:.80}") from None


def _body(method: Document, name: str, raw: bytes) -> Document:
    """The request's body as fields of the gRPC message that says the same."""
    if "request" not in method:
        return {}
    schema = method["request"]
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from None
    if not isinstance(body, dict):
        raise invalid(f"Invalid JSON payload received. body: expected an object, got {body!r:.60}")
    if problems := _DISCOVERY.check(schema["$ref"], body, numbered_enums=True):
        raise invalid("Invalid JSON payload received. " + "; ".join(problems))
    body = canonical(_DISCOVERY.document["schemas"], schema, body)
    return {"job": body} if name in _BODY_IS_JOB else body


def _json(code: int, body: Document) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), code, media_type="application/json")


async def _no_such_address(request: Request, error: Exception) -> Response:
    missing = not_found(f"The local Dataflow has no method {request.method} {request.url.path}")
    return _json(missing.code, missing.body)

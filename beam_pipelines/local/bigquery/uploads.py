"""Load jobs whose Avro comes with the request: multipart and resumable uploads."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from beam_pipelines.local.bigquery import discovery, job_api
from beam_pipelines.local.bigquery.api import Warehouse
from beam_pipelines.local.bigquery.errors import ApiError, invalid, unsupported
from beam_pipelines.local.bigquery.sources import AvroSource

Document = dict[str, Any]

PATHS = ("/upload/bigquery/v2/projects/{project}/jobs", "/resumable/upload/bigquery/v2/projects/{project}/jobs")


class Uploads:
    """The uploads that have begun."""

    def __init__(self, warehouse: Warehouse, endpoint: str) -> None:
        self._warehouse = warehouse
        self._endpoint = endpoint
        self._begun: dict[str, tuple[Document, bytearray]] = {}
        self._lock = threading.Lock()

    async def answer(self, request: Request) -> Response:
        """One request of an upload."""
        content, kind = await request.body(), request.query_params.get("uploadType", "")
        try:
            if request.method == "PUT":
                return await self._continued(request, content)
            if kind == "resumable":
                return self._started(request, content)
            if kind == "multipart":
                body, media = _parts(request.headers.get("content-type", ""), content)
                return await self._loaded(body, media)
            raise unsupported(f"uploadType {kind!r}")
        except ApiError as error:
            return _json(error.code, error.body)

    def _started(self, request: Request, content: bytes) -> Response:
        upload_id = uuid.uuid4().hex
        with self._lock:
            self._begun[upload_id] = (_checked(content), bytearray())
        location = f"{self._endpoint}{request.url.path}?uploadType=resumable&upload_id={upload_id}"
        return Response(status_code=200, headers={"location": location, "x-goog-upload-status": "active"})

    async def _continued(self, request: Request, content: bytes) -> Response:
        upload_id = request.query_params.get("upload_id", "")
        with self._lock:
            begun = self._begun.get(upload_id)
            if begun is None:
                raise ApiError(404, "notFound", f"Not found: Upload {upload_id}")
            body, received = begun
            received += content
            total = re.search(r"/(\d+)$", request.headers.get("content-range", ""))
            if request.headers.get("content-range") and (not total or len(received) < int(total[1])):
                reached = {"range": f"bytes=0-{len(received) - 1}"} if received else {}
                return Response(status_code=308, headers=reached)
            del self._begun[upload_id]
        return await self._loaded(body, bytes(received))

    async def _loaded(self, body: Document, media: bytes) -> Response:
        loads = self._warehouse.loads
        work = partial(loads.run, sources=[AvroSource("the uploaded file", media)])
        load = body["configuration"]["load"]
        loads.check(load | {"sourceUris": ["upload"]})
        return _json(200, await run_in_threadpool(job_api.started_load, self._warehouse, body, work))


def _checked(content: bytes) -> Document:
    try:
        body = json.loads(content or b"{}")
    except ValueError as error:
        raise invalid(f"Parse Error: {error}") from None
    discovery.check("Job", body)
    if not (body.get("configuration") or {}).get("load"):
        raise invalid("Required parameter is missing: configuration.load")
    document: Document = body
    return document


def _parts(content_type: str, content: bytes) -> tuple[Document, bytes]:
    """The Job and the file of a multipart/related body."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    parts = content.split(b"--" + boundary[1].encode()) if boundary else []
    if len(parts) != 4:
        raise invalid("Expected a multipart/related body of a Job and a file")
    body, media = (re.split(rb"\r?\n\r?\n", part, maxsplit=1)[1] for part in parts[1:3])
    return _checked(body), re.sub(rb"\r?\n$", b"", media)


def _json(code: int, body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), code, media_type="application/json")

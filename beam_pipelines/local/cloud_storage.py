"""Cloud Storage's JSON API on 127.0.0.1 over a folder: gcp-storage-emulator behind our server and over our store.

On its own the emulator answers one connection at a time, each for one request, and lets nobody else in while a client
is slow. Here connections are kept, and requests are read to their end before they are answered one by one.
"""

from __future__ import annotations

import fcntl
import io
import json
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from gcp_storage_emulator.exceptions import Conflict
from gcp_storage_emulator.handlers.buckets import create_bucket
from gcp_storage_emulator.server import Router
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from beam_pipelines.local.http_server import listening, serving
from beam_pipelines.local.stored_objects import PreconditionFailed, StoredObjects

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LOGGERS = ("gcp_storage_emulator", "api")
"""The emulator's. What they say is no news: the client is told the same."""


class FolderTaken(RuntimeError):  # noqa: N818 - reads as what happened
    """Another server serves the folder; the message is one line."""


@contextmanager
def running(folder: Path, port: int = 0, buckets: Iterable[str] = ()) -> Iterator[str]:
    """Serves a folder as Cloud Storage until the context ends; gives the endpoint.

    Each bucket is a folder in it, each object a file in that, also those that were put there by hand before.

    Args:
        folder: made if it is not there.
        port: the port on 127.0.0.1; 0 takes any free one.
        buckets: buckets that are to be there.

    Raises:
        FolderTaken: another server serves the folder.
        PortError: the port is taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _quiet(), _locked(folder), listening(port) as listener:
        storage = StoredObjects(folder, listener.endpoint)
        for bucket in buckets:
            create_bucket(bucket, storage)
        service = _Service(storage)
        try:
            with serving(service.application, listener):
                yield listener.endpoint
        finally:
            service.close()


class _Service:
    """Answers requests one by one, until it is closed."""

    def __init__(self, storage: StoredObjects) -> None:
        self._storage: StoredObjects | None = storage
        self._lock = threading.Lock()
        self.application = Starlette(routes=[Route("/{path:path}", self._answered, methods=METHODS)])

    def close(self) -> None:
        with self._lock:
            if self._storage:
                self._storage.close()
            self._storage = None  # a thread may still hold a request whose client is gone

    async def _answered(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, _Exchange(request, await request.body()), request)

    def _answer(self, exchange: _Exchange, request: Request) -> Response:
        expected = request.query_params.get("ifGenerationMatch")
        with self._lock:
            if self._storage is None:
                return _error(503, "the local Cloud Storage is stopping")
            exchange.storage = self._storage
            try:
                self._storage.expected_generation = int(expected) if expected else None
                Router(exchange).handle(request.method)
            except PreconditionFailed as error:
                return _error(412, f"At least one of the pre-conditions you specified did not hold: {error}")
            except Conflict as error:
                return _error(400, str(error))
            except Exception as error:  # whatever it was, the client is to see it and not a closed connection
                # Not 500, at which clients try again for two minutes before they say what is wrong.
                return _error(501, f"The local Cloud Storage failed: {type(error).__name__}: {error}")
        return Response(exchange.wfile.getvalue(), exchange.status, exchange.answer_headers)


class _Exchange:
    """A request and its answer, in the shape of the ``http.server`` handler that the emulator's router expects."""

    def __init__(self, request: Request, body: bytes) -> None:
        # gcloud sends what it reads from a pipe to /resumable/upload, which Google takes for /upload.
        raw_path = request.scope["raw_path"].decode("ascii").removeprefix("/resumable")
        query = request.scope["query_string"].decode("ascii")
        self.path = f"{raw_path}?{query}" if query else raw_path
        changed = {"content-length": str(len(body)), "content-type": _content_type(request)}
        self.headers = Headers({**request.headers, **changed})
        self.rfile = io.BytesIO(body)
        self.wfile = io.BytesIO()
        self.server = SimpleNamespace(server_address=request.scope["server"])
        self.storage: StoredObjects | None = None
        self.status = 200
        self.answer_headers: dict[str, str] = {}

    def send_response(self, status: int, phrase: str) -> None:
        self.status = status

    def send_header(self, name: str, value: str) -> None:
        self.answer_headers[name] = value

    def end_headers(self) -> None:
        """Nothing: they are sent with the answer."""


def _content_type(request: Request) -> str:
    """The type of a request's body, spelt so that the emulator understands it."""
    given = request.headers.get("content-type", "application/octet-stream")
    if given.startswith("multipart/"):
        return given.replace("'", '"')  # gcloud puts the boundary in single quotes
    if request.query_params.get("uploadType") == "media":
        return given.replace("application/json", "application/JSON")  # in lower case it would not be left as it is
    return given


def _error(code: int, message: str) -> Response:
    error = {"code": code, "message": message, "errors": [{"message": message, "domain": "global"}]}
    return Response(json.dumps({"error": error}), code, media_type="application/json")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTaken(f"{folder} is being served by another process") from None
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = {logging.getLogger(name): logging.getLogger(name).level for name in LOGGERS}
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in loggers.items():
            logger.setLevel(level)

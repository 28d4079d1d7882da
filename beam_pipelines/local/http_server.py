"""Serving HTTP on 127.0.0.1: a socket, and an application that answers what comes through it."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = "127.0.0.1"


class PortError(RuntimeError):
    """A port of 127.0.0.1 cannot be listened on; the message is one line that names it."""


@dataclass(frozen=True)
class Listener:
    """A socket that listens on 127.0.0.1; requests wait in its queue until something serves it."""

    socket: socket.socket

    @property
    def port(self) -> int:
        """Its port."""
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def endpoint(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"


@contextmanager
def listening(port: int) -> Iterator[Listener]:
    """A listener, closed when the context ends; port 0 is any free one. PortError if the port is taken."""
    # With the protocol named, asyncio turns off Nagle's algorithm, which would cost every answer 40 ms.
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((LOOPBACK, port))
            opened.listen(128)
        except OSError as error:
            taken = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            raise PortError(f"port {port} of {LOOPBACK} {taken}") from error
        yield Listener(opened)


def past_proxies(given: Mapping[str, str]) -> dict[str, str]:
    """Variables by which clients come here directly, whatever proxy they have for elsewhere.

    >>> past_proxies({"no_proxy": "intranet"})["NO_PROXY"]
    'intranet,127.0.0.1,localhost'
    """
    hosts = [*(given.get("no_proxy") or given.get("NO_PROXY") or "").split(","), LOOPBACK, "localhost"]
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(dict.fromkeys(filter(None, hosts))))


@contextmanager
def serving(application: ASGIApp, listener: Listener) -> Iterator[None]:
    """Answers what comes through a listener, in a thread of its own, until the context ends.

    Answers that are under way at the end are cut off.
    """
    import uvicorn  # a tenth of a second, which who only asks for names need not pay

    config = uvicorn.Config(
        _to_programs(application), lifespan="off", access_log=False, log_level="error", timeout_keep_alive=75
    )
    server = uvicorn.Server(config)
    name = f"http-server-{listener.port}"
    thread = threading.Thread(target=server.run, args=([listener.socket],), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        server.force_exit = True  # clients keep their connections open: nothing comes through them any more
        thread.join()


def _to_programs(application: ASGIApp) -> ASGIApp:
    """Refuses what any page in a browser on this machine could send: browsers name the page's origin, clients none."""
    from starlette.responses import PlainTextResponse

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_from_page = any(name == b"origin" for name, _ in scope["headers"])
        refused = PlainTextResponse("pages in a browser are not answered\n", 403)
        await (refused if is_from_page else application)(scope, receive, send)

    return answer

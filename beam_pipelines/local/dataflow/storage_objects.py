"""Single objects of Cloud Storage, through its JSON API on this machine."""

from __future__ import annotations

import re
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

_SECONDS = 30


def read(path: str, storage: str) -> bytes:
    """The content of an object.

    Args:
        path: ``gs://BUCKET/OBJECT``.
        storage: Where Cloud Storage is: ``http://127.0.0.1:PORT``.

    Raises:
        OSError: There is no such object (an HTTPError with code 404), or no answer.
    """
    bucket, name = _parts(path)
    return _answer(Request(f"{storage}/storage/v1/b/{bucket}/o/{name}?alt=media"))  # noqa: S310 - loopback


def write(path: str, content: bytes, storage: str) -> None:
    """Writes an object, in place of what has its name; arguments and errors as of :func:`read`."""
    bucket, name = _parts(path)
    address = f"{storage}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
    _answer(Request(address, content, {"content-type": "application/octet-stream"}))  # noqa: S310 - loopback


def _parts(path: str) -> list[str]:
    matched = re.fullmatch(r"gs://([^/]+)/(.+)", path)
    if not matched:
        raise OSError(f"{path!r} is not gs://BUCKET/OBJECT")
    return [quote(part, safe="") for part in matched.groups()]


def _answer(request: Request) -> bytes:
    # Without a proxy, whatever the environment says: this is an address of this machine.
    with build_opener(ProxyHandler({})).open(request, timeout=_SECONDS) as answer:
        content: bytes = answer.read()
    return content

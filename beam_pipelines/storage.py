"""Files on a local disk or in Cloud Storage, named by path or by ``gs://`` address.

A local path needs nothing but the operating system; Google's client is imported for ``gs://`` only, and one serves all
of a process. (Beam's file systems make a client for every operation, and five requests of a small file.)
"""

from __future__ import annotations

import functools
import os
import re
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

T = TypeVar("T")

TEMPORARY = ".tmp"
"""How the name of a local file ends while it is written."""

IN_MEMORY = 16 << 20
"""Bytes of an object that are kept in memory until it is whole; of a larger one all are kept on the disk."""

READ_AT_ONCE = 16 << 20

EMULATOR = "STORAGE_EMULATOR_HOST"
"""Environment variable that points Google's client at another server."""


def is_remote(path: str) -> bool:
    """Whether a path names something in Cloud Storage."""
    return path.startswith("gs://")


def join(folder: str, *names: str) -> str:
    """A path below a folder.

    >>> join("gs://bucket/lake/", "orders", "a.avro")
    'gs://bucket/lake/orders/a.avro'
    """
    return "/".join((folder.rstrip("/"), *names))


def write(path: str, writer: Callable[[BinaryIO], T]) -> T:
    """Calls ``writer`` with a file and puts what it wrote under ``path``, as :func:`created` does.

    Returns what ``writer`` returned.
    """
    with created(path) as file:
        return writer(file)


@contextmanager
def created(path: str) -> Iterator[BinaryIO]:
    """A file whose content is under ``path`` when the context ends: all of it or, after an error, nothing.

    Two attempts at once do not disturb each other.
    """
    with _created_remotely(path) if is_remote(path) else _created_locally(path) as file:
        yield file


@contextmanager
def _created_locally(path: str) -> Iterator[BinaryIO]:
    folder, name = path.rsplit("/", 1)
    temporary = f"{folder}/.{name}.{uuid.uuid4().hex}{TEMPORARY}"
    try:
        with _opened(temporary) as file:
            yield file
        os.replace(temporary, path)  # noqa: PTH105 - see _opened
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _opened(path: str) -> BinaryIO:
    """A new file, with its folder if need be. Without pathlib, which for a small file costs more than the writing."""
    try:
        return open(path, "wb")  # noqa: PTH123 - see above
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return open(path, "wb")  # noqa: PTH123 - see above


@contextmanager
def _created_remotely(path: str) -> Iterator[BinaryIO]:
    """An object appears once its upload is complete, and so under its own name."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        yield file  # type: ignore[misc]  # it has all methods of one
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        with _in_bucket(path):
            # Twice the same content is as good as once.
            _blob(path).upload_from_file(file, size=size, content_type="application/octet-stream", retry=DEFAULT_RETRY)


@contextmanager
def open_for_reading(path: str) -> Iterator[BinaryIO]:
    """The file's bytes; FileNotFoundError if there is none."""
    if not is_remote(path):
        with open(path, "rb") as file:  # noqa: PTH123 - see _opened
            yield file
        return
    blob = _found(path)
    if blob is None:
        raise FileNotFoundError(path)
    with blob.open("rb", chunk_size=READ_AT_ONCE) as opened:
        yield opened


def read(path: str) -> bytes:
    """The whole file; FileNotFoundError if there is none."""
    if not is_remote(path):
        return Path(path).read_bytes()
    from google.api_core.exceptions import NotFound

    try:
        return bytes(_blob(path).download_as_bytes())
    except NotFound:
        raise FileNotFoundError(path) from None


def size(path: str) -> int | None:
    """The file's bytes, or None if there is no such file."""
    if is_remote(path):
        blob = _found(path)
        return None if blob is None else int(blob.size)
    try:
        found = os.stat(path)  # noqa: PTH116 - see _opened
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def find(folder: str, pattern: str) -> list[str]:
    """Paths of the files below a folder whose relative path matches a pattern, sorted; ``*`` stays within a level."""
    if is_remote(folder):
        return _find_remotely(join(folder, pattern))
    # Below the folder as it was given: pathlib would write ./lake as lake, and callers compare paths.
    paths = (path for path in Path(folder).glob(pattern) if path.is_file())
    return sorted(join(folder, path.relative_to(folder).as_posix()) for path in paths)


def names(folder: str) -> list[str]:
    """Names of the files that lie in a folder itself, sorted; none if there is no such folder."""
    if is_remote(folder):
        return [path.rsplit("/", 1)[1] for path in find(folder, "*")]
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []


def delete(paths: list[str]) -> None:
    """Deletes files; one that is not there is deleted already."""
    if paths and is_remote(paths[0]):
        _delete_remotely(paths)
        return
    for path in paths:
        Path(path).unlink(missing_ok=True)


def _find_remotely(pattern: str) -> list[str]:
    bucket, name = _parts(pattern)
    listed = _client(os.environ.get(EMULATOR)).list_blobs(
        bucket, prefix=name.partition("*")[0], fields="items(name),nextPageToken"
    )
    expression = re.compile("[^/]*".join(re.escape(part) for part in name.split("*")))
    with _in_bucket(pattern):
        return sorted(f"gs://{bucket}/{blob.name}" for blob in listed if expression.fullmatch(blob.name))


def _delete_remotely(paths: list[str]) -> None:
    from google.api_core.exceptions import NotFound
    from google.cloud.storage.retry import DEFAULT_RETRY

    for path in paths:
        try:
            _blob(path).delete(retry=DEFAULT_RETRY)
        except NotFound:
            continue


@contextmanager
def _in_bucket(path: str) -> Iterator[None]:
    """What is not found within is the path's bucket."""
    from google.api_core.exceptions import NotFound

    try:
        yield
    except NotFound:
        raise FileNotFoundError(f"gs://{_parts(path)[0]}: there is no such bucket") from None


def _found(path: str) -> Blob | None:
    """The object with its size, or None if there is none."""
    bucket, name = _parts(path)
    return _client(os.environ.get(EMULATOR)).bucket(bucket).get_blob(name)


def _blob(path: str) -> Blob:
    """The object, whether it is there or not."""
    bucket, name = _parts(path)
    return _client(os.environ.get(EMULATOR)).bucket(bucket).blob(name)


def _parts(path: str) -> tuple[str, str]:
    bucket, _, name = path.removeprefix("gs://").partition("/")
    return bucket, name


@functools.lru_cache(maxsize=4)
def _client(emulator: str | None) -> Client:
    """A client, one per process and server; an emulator asks for no credentials. Objects need no project."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    return Client(project=None, credentials=AnonymousCredentials() if emulator else None)  # type: ignore[no-untyped-call]

"""Files on a local disk or in Cloud Storage, named by path or by ``gs://`` address.

A local path needs nothing but the operating system; Beam's file systems are imported for ``gs://`` only.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")

TEMPORARY = ".tmp"
"""How the name of a file ends while it is written."""


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

    The file has a temporary name of its own until it is whole, so two attempts at once do not disturb each other.
    """
    folder, name = path.rsplit("/", 1)
    temporary = f"{folder}/.{name}.{uuid.uuid4().hex}{TEMPORARY}"
    with _created_remotely(path, temporary) if is_remote(path) else _created_locally(path, temporary) as file:
        yield file


@contextmanager
def _created_locally(path: str, temporary: str) -> Iterator[BinaryIO]:
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
def _created_remotely(path: str, temporary: str) -> Iterator[BinaryIO]:
    systems = _file_systems()
    try:
        with systems.create(temporary, mime_type="application/octet-stream") as file:
            yield file
        # Cloud Storage has no rename: a copy, which appears whole under the final name, and a delete.
        systems.rename([temporary], [path])
    except BaseException:
        if systems.exists(temporary):
            systems.delete([temporary])
        raise


@contextmanager
def open_for_reading(path: str) -> Iterator[BinaryIO]:
    """The file's bytes; FileNotFoundError if there is none."""
    if not is_remote(path):
        with open(path, "rb") as file:  # noqa: PTH123 - see _opened
            yield file
        return
    if not _file_systems().exists(path):
        raise FileNotFoundError(path)
    with _file_systems().open(path, mime_type="application/octet-stream") as file:
        yield file


def read(path: str) -> bytes:
    """The whole file; FileNotFoundError if there is none."""
    with open_for_reading(path) as file:
        return file.read()


def size(path: str) -> int | None:
    """The file's bytes, or None if there is no such file."""
    if is_remote(path):
        found = _file_systems().match([path])[0].metadata_list
        return int(found[0].size_in_bytes) if found else None
    try:
        found = os.stat(path)  # noqa: PTH116 - see _opened
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def find(folder: str, pattern: str) -> list[str]:
    """Paths of the files below a folder whose relative path matches a pattern, sorted; ``*`` stays within a level."""
    if is_remote(folder):
        found = _file_systems().match([join(folder, pattern)])[0].metadata_list
        return sorted(
            metadata.path for metadata in found if metadata.path.count("/") == join(folder, pattern).count("/")
        )
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
        _file_systems().delete([path for path in paths if _file_systems().exists(path)])
        return
    for path in paths:
        Path(path).unlink(missing_ok=True)


def _file_systems() -> Any:
    from apache_beam.io.filesystems import FileSystems

    return FileSystems

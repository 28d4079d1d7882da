"""Where a load job reads: Avro files on this machine, or in the Cloud Storage that is served on it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from beam_pipelines.avro import AvroError, arrow_schema, parse_schema, read_blocks, read_header
from beam_pipelines.local.bigquery.errors import ApiError, invalid, unsupported
from beam_pipelines.schema import Column, SchemaError, columns_from_arrow

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket


@dataclass(frozen=True)
class AvroSource:
    """One Avro file that a load job reads."""

    uri: str
    content: Path | bytes

    def open(self) -> BinaryIO:
        """The file, at its start."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    @property
    def size(self) -> int:
        """The file's bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @cached_property
    def avro_schema(self) -> Any:
        """The schema in the file's header."""
        with self.open() as file:
            try:
                return read_header(file).schema
            except AvroError as error:
                raise self._unreadable(error) from None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The file's columns, with Avro's logical types."""
        try:
            return columns_from_arrow(arrow_schema(parse_schema(self.avro_schema)))
        except (AvroError, SchemaError) as error:
            raise invalid(f"{self.uri}: {error}") from None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The file's rows."""
        with self.open() as file:
            try:
                for block in read_blocks(file):
                    yield block.batch
            except AvroError as error:
                raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> ApiError:
        return invalid(f"Error while reading data, error message: {self.uri}: not a readable Avro file: {error}")


def resolve(uris: Iterable[str], cloud_storage: str = "") -> list[AvroSource]:
    """The files that a load configuration's sourceUris name, ``*`` standing for any characters.

    Args:
        uris: ``file://`` and ``gs://`` addresses.
        cloud_storage: the endpoint for the latter; if empty, the one in STORAGE_EMULATOR_HOST.
    """
    found: list[AvroSource] = []
    for uri in uris:
        scheme = urlsplit(uri).scheme
        if scheme == "file":
            found += _local_files(uri)
        elif scheme == "gs":
            found += _objects(uri, cloud_storage or os.environ.get("STORAGE_EMULATOR_HOST", ""))
        else:
            raise unsupported(f"sourceUris {uri!r}: a source other than file:// and gs://")
    return found


def _local_files(uri: str) -> list[AvroSource]:
    pattern = unquote(uri.removeprefix("file://"))
    if not pattern.startswith("/"):
        raise invalid(f"Invalid source URI {uri!r}: expected file:// and an absolute path")
    path = Path(pattern)
    paths = sorted(Path("/").glob(pattern[1:])) if "*" in pattern else [path]
    files = [AvroSource(f"file://{path}", path) for path in paths if path.is_file()]
    if not files:
        raise ApiError(404, "notFound", f"Not found: URI {uri}")
    return files


def _objects(uri: str, endpoint: str) -> list[AvroSource]:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    if not endpoint:
        raise unsupported(f"{uri}: gs:// without STORAGE_EMULATOR_HOST in the server's environment")
    bucket_name, _, pattern = uri.removeprefix("gs://").partition("/")
    anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth has none
    client = Client(project="local", credentials=anonymous, client_options={"api_endpoint": endpoint})
    blobs = _matching(client.bucket(bucket_name), pattern)
    if not blobs:
        raise ApiError(404, "notFound", f"Not found: URI {uri}")
    return [AvroSource(f"gs://{bucket_name}/{blob.name}", blob.download_as_bytes()) for blob in blobs]


def _matching(bucket: Bucket, pattern: str) -> list[Blob]:
    from google.api_core.exceptions import NotFound

    try:
        if "*" not in pattern:
            blob = bucket.get_blob(pattern)
            return [blob] if blob else []
        listed = bucket.list_blobs(prefix=pattern.partition("*")[0])
        return sorted((blob for blob in listed if fnmatchcase(blob.name, pattern)), key=lambda blob: blob.name)
    except NotFound:
        return []

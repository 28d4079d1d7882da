"""The header of a container file: what its rows are, how its blocks are compressed, and the marker that ends each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from beam_pipelines.avro.codecs import Codec, codec_named
from beam_pipelines.avro.defaults import encoded_long
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import AvroType, parse_schema
from beam_pipelines.avro.source import Source

MAGIC = b"Obj\x01"
SYNC_BYTES = 16


@dataclass(frozen=True)
class Header:
    """The beginning of a container file."""

    schema: dict[str, Any]
    """The writer's Avro schema, as JSON decodes it."""
    codec: str
    sync: bytes
    """The 16 bytes that end each block."""
    metadata: Mapping[str, bytes]
    """What the file says about itself beyond schema and codec."""
    offset: int
    """Bytes from the header's first to the first block's."""


@dataclass(frozen=True)
class FileStart:
    """What all files of a schema, codec and metadata have in common."""

    header: bytes
    """The header without its sync marker."""
    schema: AvroType
    codec: Codec
    content: xxhash.xxh3_128
    """:func:`content_of` no blocks yet, to be copied."""

    def sync_marker(self, content: xxhash.xxh3_128) -> bytes:
        """The marker of a file that begins like this.

        It follows from the header and from the content of the first block, so equal files have equal markers and
        files of different content different ones: what is left of one file in another, after a torn write say, does
        not pass for blocks of that other file. No content can have its own file's marker in it either, short of a
        collision of 128 bits.

        Args:
            content: The digest of the schema and the first block's content; of the schema alone in a file without
                blocks.
        """
        return xxhash.xxh3_128_digest(content.digest() + self.header)


@lru_cache(256)
def file_start(schema: str, codec: str, metadata: tuple[tuple[str, bytes], ...]) -> FileStart:
    """The start of a file with this schema (JSON), codec and metadata.

    Raises:
        AvroError: The schema is not Avro's, the codec unknown or a name of the metadata reserved.
    """
    for name, _ in metadata:
        if name.startswith("avro."):
            raise AvroError("reserved metadata name", field=name, expected="a name that does not begin with avro.")
    known = codec_named(codec)
    entries = [("avro.schema", schema.encode()), ("avro.codec", codec.encode()), *metadata]
    header = MAGIC + encoded_long(len(entries))
    for name, value in entries:
        header += encoded_long(len(name.encode())) + name.encode() + encoded_long(len(value)) + value
    return FileStart(header + b"\0", parse_schema(schema), known, content_of(schema))


def content_of(schema: str) -> xxhash.xxh3_128:
    """A digest of a file's schema, for :func:`add_block` to go on with."""
    return xxhash.xxh3_128(schema.encode())


def add_block(content: xxhash.xxh3_128, rows: int, data: NDArray[np.uint8]) -> None:
    """Adds a block's uncompressed content to a digest."""
    content.update(rows.to_bytes(8, "little") + data.size.to_bytes(8, "little"))
    content.update(data.data)


def fingerprint_of(content: xxhash.xxh3_128) -> str:
    """What :class:`Written` calls the fingerprint."""
    return f"xxh3:{content.hexdigest()}"


def read_header_from(source: Source) -> tuple[Header, str]:
    """The header that comes next, and its schema as written.

    Raises:
        AvroError: It is no header, or ends early.
    """
    magic = source.take(len(MAGIC), "magic number")
    if magic != MAGIC:
        raise AvroError("not an Avro container file", offset=0, expected=MAGIC, got=bytes(magic))
    entries = source.byte_map("header")
    sync = bytes(source.take(SYNC_BYTES, "sync marker"))
    written, codec = entries.pop("avro.schema", None), entries.pop("avro.codec", b"null")
    if written is None:
        raise AvroError("the header has no schema", expected="avro.schema")
    try:
        text = written.decode()
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AvroError(f"the header's schema is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise AvroError("unusable Avro schema", expected="a record", got=repr(text[:40]))
    return Header(schema, codec.decode(errors="replace"), sync, entries, source.position), text

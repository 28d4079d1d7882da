"""Avro object container files: a header with the schema, then blocks of rows.

Equal input gives equal bytes: even the sync marker, which others draw at random, follows from the header.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import pyarrow as pa

from beam_pipelines.avro.codecs import MAX_BLOCK_BYTES, Codec, codec_named, too_large
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.plan import nested_path
from beam_pipelines.avro.source import Source
from beam_pipelines.schema import Column, columns_from_avro

MAGIC = b"Obj\x01"
SYNC_BYTES = 16
FINGERPRINT_DIGITS = 32
"""Of a file's content: half a SHA-256, which processors with instructions for it compute at twice blake2b's speed."""


@dataclass(frozen=True)
class Written:
    """What :func:`write_blocks` has written."""

    rows: int
    bytes: int
    """Of the file."""
    uncompressed_bytes: int
    """Of all blocks' content before compression."""
    fingerprint: str
    """32 hexadecimal digits of the schema and all blocks' uncompressed content: the same for every codec."""


@dataclass(frozen=True)
class Header:
    """The beginning of a container file."""

    schema: dict[str, Any]
    """The writer's Avro schema."""
    codec: str
    sync: bytes
    """The 16 bytes that end each block."""
    metadata: Mapping[str, bytes]
    """What the file says about itself beyond schema and codec."""
    offset: int
    """Bytes from the header's first to the first block's."""


@dataclass(frozen=True)
class Block:
    """One block of a container file."""

    offset: int
    """Bytes from the file's first to the block's."""
    length: int
    """Bytes in the file, from its row count to the end of its sync marker."""
    rows: int
    batch: pa.RecordBatch


def write_blocks(
    file: BinaryIO,
    schema: Mapping[str, Any],
    blocks: Iterable[pa.RecordBatch],
    *,
    codec: str = "snappy",
    metadata: Mapping[str, bytes] = {},
) -> Written:
    """Writes a container file, one block for each batch that is not empty.

    Args:
        file: Where to, from its current position on.
        schema: The Avro schema of the rows, a record.
        blocks: The rows, see :func:`encode` for what they may look like. Taken one by one.
        codec: One of CODECS.
        metadata: More for the header. Names that begin with ``avro.`` are reserved.

    Raises:
        AvroError: The schema is not one of columns, the codec unknown, a batch not of the schema or a block larger
            than 256 MiB. What was written so far is then of no use.
    """
    from beam_pipelines.avro.encoder import encode

    start = _file_start(json.dumps(schema, separators=(",", ":")), codec, tuple(sorted(metadata.items())))
    content = start.content.copy()
    rows, length, uncompressed = 0, len(start.header), 0
    file.write(start.header)
    for batch in blocks:
        if not batch.num_rows:
            continue
        data = encode(batch, start.columns)
        if data.size > MAX_BLOCK_BYTES:
            raise too_large(f"{data.size} bytes in {batch.num_rows} rows")
        content.update(batch.num_rows.to_bytes(8, "little") + data.size.to_bytes(8, "little"))
        content.update(data.data)
        packed = memoryview(start.codec.compress(data))
        head = _long(batch.num_rows) + _long(len(packed))
        for part in (head, packed, start.sync):
            file.write(part)
        rows, uncompressed = rows + batch.num_rows, uncompressed + data.size
        length += len(head) + len(packed) + SYNC_BYTES
    return Written(rows, length, uncompressed, content.hexdigest()[:FINGERPRINT_DIGITS])


def read_header(file: BinaryIO) -> Header:
    """The header of the file that begins at the current position, which is restored if the file can seek.

    Raises:
        AvroError: There is no header, or it ends early.
    """
    if not file.seekable():
        return _header(Source(file))[0]
    position = file.tell()
    try:
        return _header(Source(file))[0]
    finally:
        file.seek(position)


def read_blocks(
    file: BinaryIO,
    *,
    columns: tuple[Column, ...] | None = None,
    dictionaries: bool = False,
    select: Collection[str] | None = None,
) -> Iterator[Block]:
    """Reads the file that begins at the current position, block by block.

    Args:
        file: Where from. Need not be seekable; nothing is read twice.
        columns: The schema that the file has to have, as far as names and types go. Any if None.
        dictionaries: See :func:`decode`.
        select: See :func:`decode`.

    Raises:
        AvroError: The file is not a whole container file of known codec and schema. ``block`` is where the block with
            the problem begins.
    """
    from beam_pipelines.avro.decoder import decode

    source = Source(file)
    header, schema = _header(source)
    found = _columns(schema)
    if columns is not None:
        _check_columns(columns, found)
    codec = codec_named(header.codec)
    while not source.exhausted():
        offset = source.position
        try:
            rows, packed = _packed_block(source, header.sync)
            batch = decode(codec.decompress(packed), rows, found, dictionaries=dictionaries, select=select)
        except AvroError as error:
            error.block = offset
            raise
        yield Block(offset, source.position - offset, rows, batch)


def _packed_block(source: Source, sync: bytes) -> tuple[int, memoryview]:
    """The row count and the compressed content of the next block."""
    at = source.position
    rows = source.long("block's row count")
    if rows < 0:
        raise AvroError("negative row count", offset=at, got=rows)
    at = source.position
    size = source.long("block's length")
    if not 0 <= size <= MAX_BLOCK_BYTES:
        raise AvroError("bad block length", offset=at, expected=f"0 to {MAX_BLOCK_BYTES}", got=size)
    packed = source.take(size, "block")
    at = source.position
    marker = source.take(SYNC_BYTES, "sync marker")
    if marker != sync:
        raise AvroError("wrong sync marker", offset=at, expected=sync.hex(), got=marker.hex())
    return rows, packed


@dataclass(frozen=True)
class _FileStart:
    """What all files of a schema, codec and metadata have in common."""

    header: bytes
    sync: bytes
    columns: tuple[Column, ...]
    codec: Codec
    content: hashlib._Hash
    """The fingerprint so far, to be copied."""


@lru_cache(256)
def _file_start(schema: str, codec: str, metadata: tuple[tuple[str, bytes], ...]) -> _FileStart:
    for name, _ in metadata:
        if name.startswith("avro."):
            raise AvroError("reserved metadata name", field=name, expected="a name that does not begin with avro.")
    known = codec_named(codec)
    columns = _columns(schema)
    entries = [("avro.schema", schema.encode()), ("avro.codec", codec.encode()), *metadata]
    header = MAGIC + _long(len(entries))
    for name, value in entries:
        header += _long(len(name.encode())) + name.encode() + _long(len(value)) + value
    header += b"\0"
    sync = hashlib.blake2b(header, digest_size=SYNC_BYTES, person=b"avro.sync").digest()
    content = hashlib.sha256(b"avro.content" + schema.encode())
    return _FileStart(header + sync, sync, columns, known, content)


@lru_cache(256)
def _columns(schema: str) -> tuple[Column, ...]:
    """The columns of an Avro schema given as JSON."""
    try:
        return columns_from_avro(json.loads(schema))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problem = str(error) if isinstance(error, ValueError) else f"malformed: {error!r}"
        raise AvroError(f"unusable Avro schema: {problem}") from error


def _header(source: Source) -> tuple[Header, str]:
    """The header and its schema as written."""
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
        raise AvroError("unusable Avro schema", expected="a record", got=text[:40])
    return Header(schema, codec.decode(errors="replace"), sync, entries, source.position), text


def _check_columns(expected: tuple[Column, ...], found: tuple[Column, ...], parent: str = "") -> None:
    """Raises AvroError unless both have the same fields in the same order."""
    names, found_names = [column.name for column in expected], [column.name for column in found]
    if names != found_names:
        raise AvroError("the file has other fields", field=parent or None, expected=names, got=found_names)
    for column, other in zip(expected, found, strict=True):
        path = nested_path(parent, column)
        if column.fields and other.fields and column.repeated == other.repeated:
            _check_columns(column.fields, other.fields, path)
        if column.arrow_field != other.arrow_field:
            raise AvroError("the file has another type", field=path, expected=_shown(column), got=_shown(other))


def _shown(column: Column) -> str:
    return f"{column.arrow_type}{'' if column.nullable else ' not null'}"


def _long(value: int) -> bytes:
    """Avro's encoding of a number that is not negative."""
    zigzag = value << 1
    encoded = bytearray()
    while zigzag >= 128:
        encoded.append(zigzag & 127 | 128)
        zigzag >>= 7
    encoded.append(zigzag)
    return bytes(encoded)

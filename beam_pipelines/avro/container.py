"""Avro object container files: a header with the schema, then blocks of rows.

Equal input gives equal bytes: even the sync marker, which others draw at random, follows from the content. Files can be
read whole, in ranges of bytes by several readers, and past what is damaged in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.avro.codecs import MAX_BLOCK_BYTES, PADDING, codec_named, too_large
from beam_pipelines.avro.defaults import encoded_long
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.header import Header, add_block, content_of, file_start, fingerprint_of, read_header_from
from beam_pipelines.avro.schema import AvroType, parse_schema
from beam_pipelines.avro.source import Source
from beam_pipelines.avro.splitting import go_to_range, read_frame, skip_damage

__all__ = ["Block", "BlockWriter", "Damage", "Header", "Written", "read_blocks", "read_header", "write_blocks"]


Reader = Mapping[str, Any] | AvroType | Callable[[str], AvroType] | None
"""The schema that a file is read as; see :func:`read_blocks`."""


@dataclass(frozen=True)
class Written:
    """What a container file has in it, written by :class:`BlockWriter` or :func:`write_blocks`."""

    rows: int
    bytes: int
    """Of the file."""
    uncompressed_bytes: int
    """Of all blocks' content before compression."""
    fingerprint: str
    """32 hexadecimal digits of the schema and all blocks' uncompressed content: the same for every codec."""


@dataclass(frozen=True)
class Block:
    """One block of a container file."""

    offset: int
    """Bytes from the file's first to the block's."""
    length: int
    """Bytes in the file, from its row count to the end of its sync marker."""
    rows: int
    batch: pa.RecordBatch


@dataclass(frozen=True)
class Damage:
    """A part of a container file that is no block, or one whose content is wrong: none of its rows are returned."""

    offset: int
    """Bytes from the file's first to the first of these."""
    length: int
    """Bytes up to the end of the next sync marker, or of the file."""
    error: AvroError
    """Why. Its ``block`` and ``block_length`` are this offset and length."""


class BlockWriter:
    """Writes a container file block by block, as its rows come: for who has several files open at once.

    >>> import io
    >>> schema = {"type": "record", "name": "place", "fields": [{"name": "id", "type": "long"}]}
    >>> writer = BlockWriter(io.BytesIO(), schema)
    >>> writer.write(pa.record_batch({"id": [1, 2]}))
    >>> writer.write(pa.record_batch({"id": [3]}))
    >>> writer.close().rows
    3
    """

    def __init__(
        self,
        file: BinaryIO,
        schema: Mapping[str, Any],
        *,
        codec: str = "snappy",
        metadata: Mapping[str, bytes] = {},
    ) -> None:
        """Begins a file. Arguments and errors are those of :func:`write_blocks`."""
        from beam_pipelines.avro.encoder import encoder_for

        self._file = file
        self._start = file_start(json.dumps(schema, separators=(",", ":")), codec, tuple(sorted(metadata.items())))
        self._encoder, self._content = encoder_for(self._start.schema), self._start.content.copy()
        self._sync, self._rows, self._length, self._uncompressed = b"", 0, 0, 0
        self._written: Written | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Writes a batch as the file's next block; nothing if it is empty.

        Raises:
            AvroError: The batch is not of the schema, or the block larger than 256 MiB. Nothing of it is written.
            ValueError: The file is closed.
        """
        if self._written:
            raise ValueError("a block after the file was closed")
        if not batch.num_rows:
            return
        data = self._encoder.encode(batch)
        if data.size > MAX_BLOCK_BYTES:
            raise too_large(f"{data.size} bytes in {batch.num_rows} rows")
        add_block(self._content, batch.num_rows, data)
        packed = self._start.codec.compress(data)
        self._begin()
        frame = encoded_long(batch.num_rows) + encoded_long(len(packed))
        self._length += _write(self._file, frame, packed, self._sync)
        self._rows, self._uncompressed = self._rows + batch.num_rows, self._uncompressed + data.size

    def close(self) -> Written:
        """Ends the file, but leaves it open: what was written. Called again, it says the same."""
        if not self._written:
            self._begin()
            fingerprint = fingerprint_of(self._content)
            self._written = Written(self._rows, self._length, self._uncompressed, fingerprint)
        return self._written

    def _begin(self) -> None:
        """Writes the header, once: its sync marker follows from the first block's content."""
        if not self._sync:
            self._sync = self._start.sync_marker(self._content)
            self._length = _write(self._file, self._start.header, self._sync)


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
        file: Where to, from its current position on. Need not be seekable. Nothing is written before there is a block,
            for the header's sync marker follows from it.
        schema: The Avro schema of the rows, a record.
        blocks: The rows, see :func:`encode` for what they may look like. Taken one by one.
        codec: One of CODECS.
        metadata: More for the header. Names that begin with ``avro.`` are reserved.

    Raises:
        AvroError: The schema is not Avro's or has no Arrow types, the codec is unknown, a batch not of the schema or a
            block larger than 256 MiB. What was written so far is then of no use.
    """
    writer = BlockWriter(file, schema, codec=codec, metadata=metadata)
    for batch in blocks:
        writer.write(batch)
    return writer.close()


def read_header(file: BinaryIO, *, file_name: str | None = None) -> Header:
    """The header of the file that begins at the current position, which is restored if the file can seek.

    Args:
        file: Where from.
        file_name: What errors call the file.

    Raises:
        AvroError: There is no header, or it ends early.
    """
    position = file.tell() if file.seekable() else None
    try:
        with _naming(file_name):
            return read_header_from(Source(file))[0]
    finally:
        if position is not None:
            file.seek(position)


def read_blocks(
    file: BinaryIO,
    *,
    reader: Reader = None,
    dictionaries: bool = False,
    select: Collection[str] | None = None,
    start: int = 0,
    stop: int | None = None,
    on_damage: Callable[[Damage], None] | None = None,
    fingerprint: str | None = None,
    file_name: str | None = None,
) -> Iterator[Block]:
    """Reads the file that begins at the current position, block by block.

    With ``start`` and ``stop`` several readers share a file, whoever cuts it and wherever: a block is read by the one
    in whose range its first byte is, as in Beam. Ranges that tile the file have every block exactly once, and every
    damage too. A reader that starts in the middle, or behind damage, takes the 16 bytes of the sync marker, wherever it
    finds them, for the end of a block. It is assumed that they are nowhere else: by chance they are in one of 2**128
    places, and no writer of content can aim at them, for write_blocks derives them from it.

    Args:
        file: Where from. Need not be seekable unless ``start`` is given; nothing is read twice then.
        reader: The Avro schema of the batches, to which the file's is resolved, or a function that gives it for the
            file's own (as JSON); the file's own if None.
        dictionaries: See :func:`decode`.
        select: See :func:`decode`.
        start: Where the range begins, in bytes from the file's first.
        stop: Where it ends: that byte is in the next range. The file's end if None.
        on_damage: Gets what cannot be read, a whole block or more, as soon as it is found, and reading goes on behind
            the next sync marker. So every byte behind the header is in one block or one damage. With None, the first
            damage ends the reading with its error. A damaged header always does.
        fingerprint: What write_blocks said of the file's content. It is compared when the whole file has been read,
            and finds what codecs without a checksum let through; not in a range, nor in a file with damages.
        file_name: What errors call the file.

    Raises:
        AvroError: The file is not a whole container file of known codec and schema, cannot be read as ``reader``, or
            ``select`` has a column that is not there. ``block`` is where the block with the problem begins.
        ValueError: ``start`` is behind the header of a file that cannot seek.
    """
    source = Source(file)
    with _naming(file_name):
        header, schema = read_header_from(source)
        codec = codec_named(header.codec)
        to_batch = _to_batch(schema, reader, dictionaries, select)
    content = None if fingerprint is None or start or stop is not None else content_of(schema)
    go_to_range(source, header, start)
    while (stop is None or source.position < stop) and not source.exhausted():
        offset, length = source.position, None
        source.keep()
        try:
            rows, packed = read_frame(source, header.sync)
            length = source.position - offset
            padded = codec.decompress(packed)
            batch = to_batch(padded, rows)
        except AvroError as error:
            error.file, error.block, error.block_length = file_name, offset, length
            if on_damage is None:
                raise
            skip_damage(source, header.sync)
            content = None
            error.block_length = source.position - offset
            error.forget_frames()
            on_damage(Damage(offset, error.block_length, error))
        else:
            if content is not None:
                add_block(content, rows, padded[:-PADDING])
            yield Block(offset, length, rows, batch)
    if content is not None and fingerprint_of(content) != fingerprint:
        found = fingerprint_of(content)
        raise AvroError("the content is not what was written", expected=fingerprint, got=found, file=file_name)


def _to_batch(
    schema: str, reader: Reader, dictionaries: bool, select: Collection[str] | None
) -> Callable[[NDArray[np.uint8], int], pa.RecordBatch]:
    """What turns the content of a block, with PADDING behind it, and its row count into a batch."""
    from beam_pipelines.avro.decoder import decoder_for

    given = reader(schema) if callable(reader) else reader
    wanted = parse_schema(given) if isinstance(given, Mapping) else given
    names = None if select is None else frozenset(select)
    return decoder_for(parse_schema(schema), wanted, dictionaries, names).decode_padded


@contextmanager
def _naming(file_name: str | None) -> Iterator[None]:
    """Adds the file's name to errors."""
    try:
        yield
    except AvroError as error:
        error.file = file_name
        raise


def _write(file: BinaryIO, *parts: bytes | memoryview) -> int:
    """Writes the parts one behind the other; how many bytes they are."""
    for part in parts:
        file.write(part)
    return sum(len(part) for part in parts)

"""What is going to be broken: blocks of rows, batches and files, of every schema, option and codec."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

import pyarrow as pa
import zstandard

from beam_pipelines import avro
from beam_pipelines.avro.decoder import Decoder
from beam_pipelines.avro.defaults import encoded_long
from beam_pipelines.avro.schema import AvroType
from tests.avro.fuzzing.agreement import Peer
from tests.avro.fuzzing.schemas import READERS, SCHEMAS, RandomSchemas
from tests.avro.fuzzing.values import encoding

ROWS = 6
RANDOM_SCHEMAS = 24
FOREIGN: dict[str, Callable[[bytes], bytes]] = {
    "deflate": lambda content: zlib.compress(content)[2:-1],
    "zstandard": lambda content: zstandard.ZstdCompressor(write_checksum=False, write_content_size=False).compress(
        content
    ),
}
"""How others compress: what is cut out of zlib's format has bytes behind it; Java's frames say neither how much comes
of them nor have they a checksum."""


@dataclass(frozen=True)
class Variant:
    """A way to read a subject's rows."""

    name: str
    decoder: Decoder
    type: AvroType
    """Of the batches."""
    is_whole: bool
    """Whether all fields are returned."""
    equal: bytes = b""
    """The subject's rows as read, in our own encoding."""


@dataclass(frozen=True)
class Subject:
    """A schema and rows of it."""

    name: str
    schema: Any
    reader_schema: Any | None
    writer: AvroType
    reader: AvroType | None
    rows: tuple[bytes, ...]
    """The encoding of each."""
    variants: tuple[Variant, ...]
    """The first is plain, the second dictionary-encoded."""

    @cached_property
    def data(self) -> bytes:
        """All rows."""
        return b"".join(self.rows)

    @cached_property
    def type(self) -> AvroType:
        """What the rows are read as."""
        return self.reader or self.writer

    @cached_property
    def batch(self) -> pa.RecordBatch:
        """All rows, plain."""
        return self.variants[0].decoder.decode(self.data, len(self.rows))

    @cached_property
    def coded_batch(self) -> pa.RecordBatch:
        """All rows, with dictionaries."""
        return self.variants[1].decoder.decode(self.data, len(self.rows))

    @cached_property
    def encoded_rows(self) -> tuple[bytes, ...]:
        """Our own encoding of each row."""
        return tuple(avro.encode(self.batch.slice(i, 1), self.type).tobytes() for i in range(len(self.rows)))

    @cached_property
    def peer(self) -> Peer:
        """The other reader of these rows."""
        return Peer(self.schema, self.reader_schema)


@dataclass(frozen=True)
class FileBlock:
    """A block of a container file that is whole."""

    offset: int
    length: int
    rows: int
    encoded: bytes
    """Its rows in our own encoding."""


@dataclass(frozen=True)
class ContainerFile:
    """A container file that is whole."""

    name: str
    subject: Subject
    codec: str
    data: bytes
    header: avro.Header
    blocks: tuple[FileBlock, ...]
    fingerprint: str
    has_checksums: bool
    """Whether its codec lets no change of a block's content go by."""


@dataclass(frozen=True)
class Corpus:
    """All that a seed gives."""

    subjects: tuple[Subject, ...]
    files: tuple[ContainerFile, ...]
    pieces: tuple[bytes, ...]
    """Rows of all subjects, to splice from."""


def corpus_of(seed: int) -> Corpus:
    """The corpus of a seed."""
    random = Random(f"corpus {seed}")
    made = RandomSchemas(random)
    schemas: dict[str, tuple[Any, Any | None]] = {name: (schema, None) for name, schema in SCHEMAS.items()}
    schemas |= READERS
    schemas |= {f"random {i}": (made.record(3), None) for i in range(RANDOM_SCHEMAS)}
    subjects = tuple(_subject(random, name, *pair) for name, pair in schemas.items())
    written = [subject for subject in subjects if subject.reader is None]
    files = tuple(
        _file(subject, codec, blocks, {"made.by": name.encode()} if blocks > 1 else {})
        for name, subject in ((subject.name, subject) for subject in written[::2])
        for codec in sorted(avro.CODECS)
        for blocks in (1, 4)
    )
    files += tuple(_repacked(file) for file in files if file.codec in FOREIGN)
    return Corpus(subjects, files, tuple(subject.data for subject in subjects if subject.data))


def _subject(random: Random, name: str, schema: Any, reader_schema: Any | None) -> Subject:
    writer = avro.parse_schema(schema)
    reader = avro.parse_schema(reader_schema) if reader_schema is not None else None
    type_ = reader or writer
    rows = _readable_rows(random, writer, Decoder(writer, reader), always=reader is None)
    names = [field.name for field in type_.fields]
    few = frozenset(random.sample(names, len(names) // 2))
    variants = []
    for title, dictionaries, select in (
        ("plain", False, None),
        ("dictionaries", True, None),
        ("select", False, few),
        ("select dictionaries", True, few),
    ):
        decoder = Decoder(writer, reader, dictionaries=dictionaries, select=select)
        fields = tuple(field for field in type_.fields if select is None or field.name in select)
        read_as = type_ if select is None else replace(type_, fields=fields)
        equal = avro.encode(decoder.decode(b"".join(rows), len(rows)), read_as).tobytes()
        variants.append(Variant(title, decoder, read_as, select is None, equal))
    return Subject(name, schema, reader_schema, writer, reader, rows, tuple(variants))


def _readable_rows(random: Random, writer: AvroType, decoder: Decoder, *, always: bool) -> tuple[bytes, ...]:
    """Rows that the reader has room for: if it is not ``always``, not every branch of a union is."""
    rows: list[bytes] = []
    while len(rows) < ROWS:
        row = encoding(random, writer)
        try:
            decoder.decode(row, 1)
        except avro.AvroError:
            if always:
                raise
        else:
            rows.append(row)
    return tuple(rows)


def _file(subject: Subject, codec: str, blocks: int, metadata: dict[str, bytes]) -> ContainerFile:
    file = io.BytesIO()
    size = -(-ROWS // blocks)
    batches = [subject.batch.slice(at, size) for at in range(0, ROWS, size)]
    written = avro.write_blocks(file, subject.schema, batches, codec=codec, metadata=metadata)
    data = file.getvalue()
    found = tuple(
        FileBlock(block.offset, block.length, block.rows, avro.encode(block.batch, subject.writer).tobytes())
        for block in avro.read_blocks(io.BytesIO(data))
    )
    header = avro.read_header(io.BytesIO(data))
    assert [block.encoded for block in found] == [avro.encode(batch, subject.writer).tobytes() for batch in batches]
    name = f"{subject.name}, {codec}, {blocks} blocks"
    checksums = _has_checksums(codec, data, found)
    return ContainerFile(name, subject, codec, data, header, found, written.fingerprint, checksums)


def _repacked(file: ContainerFile) -> ContainerFile:
    """The same blocks as another writer compresses them."""
    data, blocks = file.data[: file.header.offset], []
    for block in file.blocks:
        packed = FOREIGN[file.codec](block.encoded)
        offset = len(data)
        data += encoded_long(block.rows) + encoded_long(len(packed)) + packed + file.header.sync
        blocks.append(replace(block, offset=offset, length=len(data) - offset))
    read = [(block.offset, block.length, block.rows) for block in avro.read_blocks(io.BytesIO(data))]
    assert read == [(block.offset, block.length, block.rows) for block in blocks]
    name = f"{file.name} of another writer"
    return replace(
        file, name=name, data=data, blocks=tuple(blocks), has_checksums=_has_checksums(file.codec, data, blocks)
    )


def _has_checksums(codec: str, data: bytes, blocks: Sequence[FileBlock]) -> bool:
    if codec == "zstandard":  # a flag in the frame's third bit says so
        frame = data.find(b"\x28\xb5\x2f\xfd", blocks[0].offset)
        return bool(data[frame + 4] & 4)
    return codec == "snappy"

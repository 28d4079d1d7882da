"""Headers and schemas that are broken."""

from __future__ import annotations

import io
import json
from random import Random

from beam_pipelines import avro
from beam_pipelines.avro import AvroError
from beam_pipelines.avro.decoder import Decoder
from beam_pipelines.avro.decoding_kernel import MAX_EMPTY
from beam_pipelines.avro.defaults import encoded_long
from tests.avro.fuzzing.blocks import broken_block
from tests.avro.fuzzing.broken_schemas import changed_schema, changed_text, hostile_schema, with_absent_columns
from tests.avro.fuzzing.context import Context, check_batch
from tests.avro.fuzzing.corpus import ContainerFile
from tests.avro.fuzzing.files import SYNC_BYTES, opened, read_all
from tests.avro.fuzzing.mutations import mutated, noise
from tests.avro.fuzzing.outcome import EQUAL, OTHER, attempt, kind_of, require

_CODECS = [
    b"null",
    b"deflate",
    b"snappy",
    b"zstandard",
    b"bzip2",
    b"",
    b"Snappy",
    b"snappy\0",
    b"\xff",
    b"x" * 99,
]
MOST_NULLS = 500_000


def header_case(random: Random, context: Context) -> str:
    """A broken header gives a clean error or valid rows; if it says the same as before, the same rows."""
    file = random.choice(context.corpus.files)
    header = file.data[: file.header.offset]
    match random.randrange(4):
        case 0 | 1:
            others = [other.data for other in random.sample(context.corpus.files, 2)]
            header = mutated(random, header, others)
        case 2:
            header = _written(random, file)
        case _:
            header = header[: random.randint(0, len(header))]
    data = header + file.data[file.header.offset :]
    context.note(file.name, data)
    found = attempt(lambda: avro.read_header(io.BytesIO(data)))
    read = attempt(lambda: read_all(opened(random, data)))
    if isinstance(found, AvroError):
        require(isinstance(read, AvroError), f"a header that is only sometimes broken: {found}")
        return kind_of(found)
    if isinstance(read, AvroError):
        return kind_of(read)
    ours = file.header
    rows = [block.encoded for block in read[0]] == [block.encoded for block in file.blocks]
    same = (found.schema, found.codec, found.sync) == (ours.schema, ours.codec, ours.sync)
    if same and data[found.offset :] == file.data[ours.offset :]:
        require(rows, "other rows with a header that says the same")
    return EQUAL if rows and not read[1] else OTHER


def _written(random: Random, file: ContainerFile) -> bytes:
    """A header of our own making, the marker of which is right."""
    text = json.dumps(file.subject.schema)
    match random.randrange(5):
        case 0:
            schema = changed_text(random, text).encode(errors="surrogatepass")
        case 1:
            schema = mutated(random, text.encode())
        case 2:
            schema = hostile_schema(random).encode(errors="surrogatepass")
        case 3:
            schema = json.dumps(changed_schema(random, file.subject.schema)).encode()
        case _:
            schema = text.encode()
    codec = random.choice([file.codec.encode()] * 8 + _CODECS)
    entries = [(b"avro.schema", schema), (b"avro.codec", codec)]
    entries += [(random.randbytes(random.choice([0, 3])), random.randbytes(random.choice([0, 9])))] * random.randrange(
        3
    )
    if random.randrange(4) == 0:
        random.shuffle(entries)
        entries = entries[random.randrange(2) :]
    content = b"".join(encoded_long(len(part)) + part for entry in entries for part in entry)
    count = encoded_long(len(entries))
    if random.randrange(4) == 0:
        size = random.choice([len(content), 0, -1, 2**40])
        count = encoded_long(-len(entries)) + encoded_long(size)
    return b"Obj\x01" + (count + content if entries else b"") + b"\0" + file.header.sync[:SYNC_BYTES]


def schema_case(random: Random, context: Context) -> str:
    """A hostile or broken schema is refused, or has an Arrow schema and a decoder that stands what comes."""
    text = hostile_schema(random)
    if random.randrange(2):
        subject = random.choice(context.corpus.subjects)
        text = json.dumps(changed_schema(random, subject.schema))
    elif random.randrange(4) == 0:
        text = changed_text(random, text)
    context.note("a schema", text.encode(errors="surrogatepass"))
    dictionaries = bool(random.randrange(2))
    found = attempt(lambda: Decoder(avro.parse_schema(text), dictionaries=dictionaries))
    if isinstance(found, AvroError):
        return kind_of(found)
    type_ = avro.parse_schema(text)
    require(
        found.schema.equals(avro.arrow_schema(type_, dictionaries=dictionaries)), "a decoder of another Arrow schema"
    )
    content, rows = _greedy_block(random, len(type_.fields))
    batch = attempt(lambda: found.decode(content, rows))
    if isinstance(batch, AvroError):
        return kind_of(batch)
    check_batch(batch, rows, type_)
    return OTHER


def _greedy_block(random: Random, fields: int) -> tuple[bytes, int]:
    """Content, and how many rows it is said to have, that makes much of little."""
    match random.randrange(4):
        case 0:  # arrays of as many items as there may be without a byte for each
            return (encoded_long(MAX_EMPTY) + b"\0") * fields, 1
        case 1:  # nulls
            rows = random.choice([1, 3, 15, min(4000, MOST_NULLS // (fields + 1))])
            return bytes(rows * fields), rows
        case 2:
            return b"", MAX_EMPTY
        case _:
            return noise(random, 200), random.choice([0, 1, 2, 1 << 31])


def reader_case(random: Random, context: Context) -> str:
    """Rows, broken or not, that are read with a broken reader's schema are valid, or refused, or the schema is."""
    subject = random.choice(context.corpus.subjects)
    schema = random.choice([subject.schema, subject.reader_schema or subject.schema])
    change = with_absent_columns if random.randrange(8) == 0 else changed_schema
    text = json.dumps(change(random, schema))
    content, rows = (
        broken_block(random, subject, context.corpus) if random.randrange(2) else (subject.data, len(subject.rows))
    )
    context.note(f"{subject.name}, read as {text}", content)
    reader = attempt(lambda: avro.parse_schema(text))
    if isinstance(reader, AvroError):
        return kind_of(reader)
    batch = attempt(lambda: avro.decode(content, rows, subject.writer, reader, dictionaries=bool(random.randrange(2))))
    if isinstance(batch, AvroError):
        return kind_of(batch)
    encoded = check_batch(batch, rows, reader)
    return EQUAL if encoded == subject.variants[0].equal else OTHER

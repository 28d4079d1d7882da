"""Blocks of rows that are broken."""

from __future__ import annotations

from random import Random

import numpy as np
import pyarrow as pa

from beam_pipelines import avro
from beam_pipelines.avro import AvroError
from beam_pipelines.avro.decoder import Decoder
from beam_pipelines.avro.words import SLACK
from tests.avro.fuzzing.context import Context, check_batch
from tests.avro.fuzzing.corpus import Corpus, Subject, Variant
from tests.avro.fuzzing.guard_pages import guarded_allocation
from tests.avro.fuzzing.mutations import mutated, noise
from tests.avro.fuzzing.outcome import EQUAL, OTHER, attempt, kind_of, require

MOST_COMPARED = 20_000
"""Bytes and items that fastavro, which makes an object of each, is asked to read."""


def block_case(random: Random, context: Context) -> str:
    """A broken block gives valid rows, those that fastavro reads, or a clean error."""
    subject = random.choice(context.corpus.subjects)
    variant = random.choice(subject.variants)
    content, rows = broken_block(random, subject, context.corpus)
    context.note(f"{subject.name}, {variant.name}, {rows} rows", content)
    found = attempt(lambda: _read(random, context, variant.decoder, content, rows))
    if random.randrange(3) == 0:
        _check_variants(subject, variant, content, rows, found)
    if isinstance(found, AvroError):
        return kind_of(found)
    require(found.schema.equals(variant.decoder.schema), "a batch of another schema")
    encoded = check_batch(found, rows, variant.type)
    if variant.is_whole and random.randrange(3) == 0:
        _check_with_peer(subject, content, rows, found, encoded)
    return EQUAL if encoded == variant.equal else OTHER


def broken_block(random: Random, subject: Subject, corpus: Corpus) -> tuple[bytes, int]:
    """The content of a block and the rows it is said to have."""
    rows = len(subject.rows)
    match random.randrange(16):
        case 0:
            return noise(random, 40), random.randint(0, 4)
        case 1:
            return random.choice(corpus.pieces), random.randint(0, 8)
        case 2:
            return subject.data, random.choice([rows - 1, rows + 1, 0, 1, -1, 1 << 24, 1 << 31, (1 << 63) - 1])
        case 3:
            return subject.data[: random.randint(0, len(subject.data))], rows
        case 4 | 5:
            return mutated(random, random.choice(subject.rows), corpus.pieces), 1
        case _:
            return mutated(random, subject.data, corpus.pieces), rows + random.choice([0] * 19 + [1])


def _read(random: Random, context: Context, decoder: Decoder, content: bytes, rows: int) -> pa.RecordBatch:
    """The block's rows, read next to pages that nobody may touch."""
    how = random.randrange(4)
    if how == 0:
        return decoder.decode(content, rows)
    take = context.memory.head if how == 1 else context.memory.tail
    padded = take(len(content) + SLACK)
    padded[: len(content)] = np.frombuffer(content, np.uint8)
    padded[len(content) :] = random.choice([0, 1, 0x80, 0xFF])
    if how == 2:
        return decoder.decode_padded(padded, rows)
    with guarded_allocation(context.memory):
        return decoder.decode_padded(padded, rows)


def _check_variants(
    subject: Subject, variant: Variant, content: bytes, rows: int, found: pa.RecordBatch | AvroError
) -> None:
    """Whoever asks for fewer fields, or for dictionaries, gets what is in all fields, and no error more."""
    plain = attempt(lambda: avro.decode(content, rows, subject.writer, subject.reader))
    if isinstance(plain, AvroError):
        require(isinstance(found, AvroError) or not variant.is_whole, f"an error only without {variant.name}: {plain}")
        return
    require(not isinstance(found, AvroError), f"an error only with {variant.name}: {found}")
    if not isinstance(found, AvroError) and found.num_columns:
        chosen = plain.select(found.schema.names)
        same = avro.encode(chosen, variant.type).tobytes() == avro.encode(found, variant.type).tobytes()
        require(same, f"other rows with {variant.name} than without")


def _check_with_peer(subject: Subject, content: bytes, rows: int, found: pa.RecordBatch, encoded: bytes) -> None:
    """Where fastavro reads the block, it reads the same."""
    if len(content) > MOST_COMPARED or rows > MOST_COMPARED or sum(map(_items, found.columns)) > MOST_COMPARED:
        return
    theirs = subject.peer.rows(content, rows)
    # Texts read as bytes need not be UTF-8 for us.
    require(theirs is not None or subject.reader is not None, "rows that fastavro refuses")
    if theirs is not None:
        ours = subject.peer.read_rows(encoded, rows)
        require(theirs[1] == len(content), f"rows of {len(content)} bytes, of which fastavro takes {theirs[1]}")
        require(ours is not None and ours[0] == theirs[0], "other rows than fastavro reads")


def _items(array: pa.Array) -> int:
    """Items of all lists and maps in an array."""
    if pa.types.is_struct(array.type):
        return sum(_items(array.field(i)) for i in range(array.type.num_fields))
    if pa.types.is_map(array.type):
        return len(array.keys) + _items(array.items)
    if pa.types.is_list(array.type):
        return len(array.values) + _items(array.values)
    return 0

"""Thousands of broken blocks and files: each gives rows or an AvroError, and nothing else."""

import io
import random

import pytest

from beam_pipelines.avro import CODECS, AvroError, decode, encode, read_blocks, write_blocks
from beam_pipelines.schema import Column, Type

TRICKS = [
    b"\xff" * 9 + b"\x01",
    b"\xfe" + b"\xff" * 8 + b"\x01",
    b"\xff" * 12,
    b"\x01",
    b"\0",
    b"\x80",
    b"\x03\x02",
    b"\xc3",
]


def mutated(random_: random.Random, data: bytes) -> bytes:
    """The data with one to three changes."""
    changed = bytearray(data)
    for _ in range(random_.randint(1, 3)):
        at = random_.randrange(len(changed) + 1)
        match random_.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([random_.randrange(256)])
            case 1:
                changed[at : at + random_.randint(1, 20)] = b""
            case 2:
                changed[at:at] = random_.choice(TRICKS)
            case 3:
                trick = random_.choice(TRICKS)
                changed[at : at + len(trick)] = trick
            case 4:
                changed[at:at] = changed[at : at + random_.randint(1, 30)]
            case _:
                changed[at : at + 1] = bytes([(changed[at] if at < len(changed) else 0) ^ 1 << random_.randrange(8)])
        if not changed:
            break
    return bytes(changed)


@pytest.mark.parametrize("options", [{}, {"dictionaries": True}, {"select": ["id", "lines"]}])
def test_a_mutated_block_gives_valid_rows_or_an_error(batch, columns, options):
    random_ = random.Random(7)
    data = encode(batch, columns).tobytes()
    read = 0
    for _ in range(8000):
        try:
            found = decode(mutated(random_, data), batch.num_rows, columns, **options)
        except AvroError:
            continue
        found.validate(full=True)
        assert found.num_rows == batch.num_rows
        read += 1
    assert 100 < read < 6000  # mutations are neither all harmless nor all fatal


def test_every_truncation_is_an_error(batch, columns):
    data = encode(batch, columns).tobytes()
    for size in range(len(data)):
        with pytest.raises(AvroError):
            decode(data[:size], batch.num_rows, columns)


def test_noise_is_an_error_or_rows():
    random_ = random.Random(8)
    leaf = Column(name="s", type=Type.STRING, nullable=True)
    inner = Column(
        name="r", type=Type.RECORD, repeated=True, fields=(leaf, Column(name="n", type=Type.INT64, repeated=True))
    )
    columns = (inner, Column(name="o", type=Type.RECORD, nullable=True, fields=(inner,)))
    for _ in range(8000):
        data = bytes(
            random_.choice([0, 0, 0, 1, 2, 2, 4, random_.randrange(256)]) for _ in range(random_.randrange(40))
        )
        try:
            decode(data, random_.randint(0, 4), columns).validate(full=True)
        except AvroError:
            continue


@pytest.mark.parametrize("codec", CODECS)
def test_a_mutated_file_gives_blocks_or_an_error(batch, schema, codec):
    random_ = random.Random(9)
    file = io.BytesIO()
    write_blocks(file, schema, [batch.slice(0, 5), batch.slice(5)], codec=codec)
    data = file.getvalue()
    for _ in range(4000):
        try:
            for block in read_blocks(io.BytesIO(mutated(random_, data))):
                block.batch.validate(full=True)
        except AvroError:
            continue


@pytest.mark.parametrize("codec", CODECS)
def test_every_truncated_file_is_an_error_or_ends_between_blocks(batch, schema, codec):
    file = io.BytesIO()
    write_blocks(file, schema, [batch.slice(0, 5), batch.slice(5)], codec=codec)
    data = file.getvalue()
    file.seek(0)
    whole = {block.offset for block in read_blocks(file)}
    for size in [size for size in range(0, len(data), 3) if size not in whole]:
        with pytest.raises(AvroError):
            list(read_blocks(io.BytesIO(data[:size])))

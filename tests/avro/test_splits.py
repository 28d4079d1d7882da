"""Ranges of a file: wherever it is cut, every block is read by one reader."""

import io
import json
import tracemalloc
from contextlib import contextmanager
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.avro import CODECS, read_blocks, read_header, write_blocks
from beam_pipelines.avro import source as source_module
from beam_pipelines.schema import Column, Type, avro_record

SCHEMA = avro_record("r", [Column(name="x", type=Type.INT64)])
MARKER = bytes(range(101, 117))
"""Each of its bytes is an Avro long of its own, so that rows can hold parts of it."""
HEADER = b"Obj\x01\x02\x16avro.schema"


def long(value: int) -> bytes:
    out, zigzag = b"", value << 1
    while zigzag >= 128:
        out, zigzag = out + bytes([zigzag & 127 | 128]), zigzag >> 7
    return out + bytes([zigzag])


def file_of(contents: list[bytes]) -> bytes:
    """Blocks of one-byte rows, stored as they are."""
    schema = json.dumps(SCHEMA).encode()
    header = HEADER + long(len(schema)) + schema + b"\0" + MARKER
    return header + b"".join(long(len(content)) * 2 + content + MARKER for content in contents)


near_markers = st.integers(1, 15).flatmap(lambda size: st.sampled_from([MARKER[:size], MARKER[size:]]))
contents = st.lists(near_markers | st.binary(max_size=30).map(lambda b: bytes(x & 127 for x in b)), max_size=6).map(
    b"".join
)
handmade = st.lists(contents.filter(lambda content: MARKER not in content), max_size=7).map(file_of)


@st.composite
def written(draw) -> bytes:
    """As write_blocks makes them."""
    file = io.BytesIO()
    sizes = draw(st.lists(st.integers(1, 40), max_size=6))
    batches = [pa.record_batch({"x": list(range(7 * size, 8 * size))}) for size in sizes]
    metadata = draw(st.dictionaries(st.sampled_from(["a", "b"]), st.binary(max_size=40)))
    write_blocks(file, SCHEMA, batches, codec=draw(st.sampled_from(sorted(CODECS))), metadata=metadata)
    return file.getvalue()


@contextmanager
def reading(size: int):
    """Files are asked for ``size`` bytes at a time."""
    before = source_module.READ_BYTES
    source_module.READ_BYTES = size
    try:
        yield
    finally:
        source_module.READ_BYTES = before


def found(data: bytes, **options) -> list[tuple[int, int, list[int]]]:
    return [
        (block.offset, block.length, block.batch.column("x").to_pylist())
        for block in read_blocks(io.BytesIO(data), **options)
    ]


def tiles(data: bytes, cuts: list[int]) -> list[tuple[int, int, list[int]]]:
    bounds = [0, *sorted(cuts), None]
    return [block for start, stop in pairwise(bounds) for block in found(data, start=start, stop=stop)]


@given(handmade | written(), st.data(), st.sampled_from([1, 2, 15, 16, 17, 40, 1 << 18]))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_ranges_that_tile_a_file_have_every_block_once(data, draws, read_bytes):
    whole = found(data)
    ends = [read_header(io.BytesIO(data)).offset] + [offset + length for offset, length, _ in whole]
    near = st.builds(lambda end, by: max(0, end + by), st.sampled_from(ends), st.integers(-20, 20))
    cuts = draws.draw(st.lists(near | st.integers(0, len(data) + 30), max_size=6))
    with reading(read_bytes):
        assert tiles(data, cuts) == whole


@pytest.mark.parametrize("read_bytes", [1, 7, 1 << 18])
def test_a_file_can_be_cut_at_every_byte(read_bytes):
    data = file_of([b"", MARKER[:15], MARKER[1:] + MARKER[:3], b"ab", MARKER[8:]])
    whole = found(data)
    assert [rows for _, _, rows in whole][3] == [-49, 49]
    with reading(read_bytes):
        assert tiles(data, list(range(len(data) + 1))) == whole
        for cut in range(len(data) + 1):
            assert tiles(data, [cut]) == whole


def test_a_block_is_in_the_range_of_its_first_byte():
    data = file_of([b"ab", b"cd", b"ef"])
    whole = found(data)
    for offset, length, _ in whole:
        assert [block for block in whole if block[0] == offset] == found(data, start=offset, stop=offset + 1)
        assert found(data, start=offset + 1, stop=offset + length) == []
    first = whole[0][0]
    assert found(data, start=0, stop=first) == found(data, start=first - 1, stop=first) == []
    assert found(data, start=0, stop=first + 1) == found(data, start=first - 16, stop=first + 1) == whole[:1]
    assert found(data, start=5, stop=5) == found(data, start=len(data)) == found(data, start=10**9) == []


def test_a_range_of_a_file_that_begins_in_the_middle_of_another():
    data = file_of([b"ab", b"cd", b"ef"])
    whole = found(data)
    file = io.BytesIO(b"before" + data)
    file.seek(6)
    assert [block.offset for block in read_blocks(file, start=whole[0][0] + 1)] == [whole[1][0], whole[2][0]]


def test_a_range_reads_no_more_than_its_blocks():
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    data = file_of([b"a" * 100_000] * 30)
    whole = found(data)
    file = Counted(data)
    with reading(1000):
        blocks = list(read_blocks(file, start=whole[19][0] + 1, stop=whole[21][0] + 1))
    assert [block.offset for block in blocks] == [whole[20][0], whole[21][0]]
    assert file.taken < 305_000


def test_a_marker_is_looked_for_in_little_memory():
    data = file_of([b"a" * (1 << 26)])
    file = io.BytesIO(data)
    tracemalloc.start()
    try:
        assert list(read_blocks(file, start=1000)) == []
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()


def test_a_file_that_cannot_seek_can_only_be_read_from_its_beginning():
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = file_of([b"ab", b"cd", b"a" * 1_000_000])
    second = found(data)[1][0]
    assert len(list(read_blocks(Pipe(data), stop=second + 1))) == 2
    assert len(list(read_blocks(Pipe(data), start=1, stop=second))) == 1
    with pytest.raises(ValueError, match="a file that cannot seek"):
        list(read_blocks(Pipe(data), start=600_000))

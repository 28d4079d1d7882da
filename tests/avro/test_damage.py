"""Damaged files: what is whole is read, what is not is reported to the byte, and nothing hangs or takes memory."""

import io
import random
import time
import tracemalloc
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.avro import CODECS, AvroError, read_blocks, read_header, write_blocks
from beam_pipelines.avro.container import Block, Damage
from beam_pipelines.schema import Column, Type, avro_record

SCHEMA = avro_record("r", [Column(name="x", type=Type.INT64), Column(name="s", type=Type.STRING)])


def written(sizes: list[int], codec: str = "snappy") -> bytes:
    """A file with so many rows in each block."""
    file = io.BytesIO()
    first, batches = 0, []
    for size in sizes:
        numbers = range(first, first + size)
        batches.append(pa.record_batch({"x": list(numbers), "s": [f"number {x % 7}" for x in numbers]}))
        first += size
    write_blocks(file, SCHEMA, batches, codec=codec)
    return file.getvalue()


class Pipe(io.BytesIO):
    """A file that cannot seek."""

    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 50) if size and size >= 0 else 50)


def pieces(data: bytes, file: type[io.BytesIO] = io.BytesIO, **options) -> list[Block | Damage]:
    """Blocks and damages in the order in which they are told."""
    told: list[Block | Damage] = []
    for block in read_blocks(file(data), on_damage=told.append, **options):
        block.batch.validate(full=True)
        told.append(block)
    return told


def comparable(told: list[Block | Damage]) -> list[tuple]:
    return [
        (each.offset, each.length, str(each.error) if isinstance(each, Damage) else each.batch.to_pydict())
        for each in told
    ]


def check_that_nothing_is_missing(data: bytes, told: list[Block | Damage]) -> None:
    """Every byte behind the header is in one piece."""
    ends = [read_header(io.BytesIO(data)).offset] + [each.offset + each.length for each in told]
    assert [each.offset for each in told] == ends[:-1]
    assert ends[-1] == len(data)
    assert all(each.length > 0 for each in told)
    for each in told:
        if isinstance(each, Damage):
            assert (each.error.block, each.error.block_length) == (each.offset, each.length)
            assert str(each.error).startswith(f"block at byte {each.offset} ({each.length} bytes)")


sizes = st.lists(st.integers(1, 30), min_size=1, max_size=6)
codecs = st.sampled_from(sorted(CODECS))
files = st.builds(written, sizes, codecs)


@st.composite
def damaged(draw) -> tuple[bytes, bytes]:
    """A file, and the same file with a few bytes behind its header changed, lost or added."""
    data = draw(files)
    header = read_header(io.BytesIO(data)).offset
    broken = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(header, len(broken)))
        size = draw(st.integers(0, 20))
        new = draw(st.binary(max_size=20) | st.sampled_from([b"\xff" * 11, b"\0", b"\x01", b"\xfe\xff\xff\x7f"]))
        broken[at : at + size] = new
    return data, bytes(broken)


@given(damaged())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_every_byte_is_in_one_block_or_one_damage(files):
    _, broken = files
    told = pieces(broken)
    check_that_nothing_is_missing(broken, told)
    assert comparable(pieces(broken, Pipe)) == comparable(told)


@given(files, st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_whole_blocks_behind_whole_markers_are_read(data, draws):
    blocks = pieces(data)
    at = draws.draw(st.integers(blocks[0].offset, len(data) - 1))
    new = draws.draw(st.binary(min_size=1, max_size=60))[: len(data) - at]
    broken = data[:at] + new + data[at + len(new) :]
    changed = [i for i in range(at, at + len(new)) if data[i] != broken[i]]
    if not changed:
        return
    told = comparable(pieces(broken))
    for block in blocks:
        touched = any(block.offset - 16 <= i < block.offset + block.length for i in changed)
        assert touched or comparable([block])[0] in told


@given(damaged(), st.data())
@settings(max_examples=250, deadline=None, derandomize=True)
def test_ranges_that_tile_a_damaged_file_tell_everything_once(files, draws):
    _, broken = files
    told = pieces(broken)
    bounds = [0, *sorted(draws.draw(st.lists(st.integers(0, len(broken) + 5), max_size=5))), None]
    tiled = [each for start, stop in pairwise(bounds) for each in pieces(broken, start=start, stop=stop)]
    assert comparable(tiled) == comparable(told)


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_can_be_cut_off_at_every_byte(codec):
    data = written([3, 5, 2], codec)
    whole = pieces(data)
    for size in range(whole[0].offset, len(data)):
        told = pieces(data[:size])
        check_that_nothing_is_missing(data[:size], told)
        complete = [block for block in whole if block.offset + block.length <= size]
        assert comparable(told[: len(complete)]) == comparable(complete)
        assert len(told) - len(complete) == (size not in {block.offset for block in whole})


@pytest.mark.parametrize("codec", ["snappy", "zstandard"])
def test_one_changed_byte_costs_one_block_or_two(codec):
    data = written([40, 40, 40], codec)
    first, second, third = pieces(data)
    for at in range(second.offset, third.offset):
        broken = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        told = pieces(broken)
        assert comparable(told[:1]) == comparable([first])
        assert isinstance(told[1], Damage)
        # Without its marker the block does not end before the next one does.
        lost_marker = at >= third.offset - 16
        assert told[1].offset + told[1].length == (len(data) if lost_marker else third.offset)
        assert comparable(told[2:]) == comparable([] if lost_marker else [third])


def test_damages_are_told_in_place_and_name_the_file():
    data = bytearray(written([5, 5, 5], "null"))
    blocks = pieces(bytes(data))
    data[blocks[1].offset + 4] ^= 0xFF
    told = []
    reading = read_blocks(io.BytesIO(data), on_damage=told.append, file_name="a.avro")
    offsets = [(block.offset, len(told)) for block in reading]
    assert offsets == [(blocks[0].offset, 0), (blocks[2].offset, 1)]
    assert (told[0].offset, told[0].length) == (blocks[1].offset, blocks[1].length)
    assert str(told[0].error).startswith(
        f"a.avro: block at byte {blocks[1].offset} ({blocks[1].length} bytes), at byte "
    )


def test_without_somebody_to_tell_the_first_damage_is_raised():
    data = bytearray(written([5, 5, 5]))
    blocks = pieces(bytes(data))
    data[blocks[1].offset + 10] ^= 0xFF
    reading = read_blocks(io.BytesIO(data))
    assert next(reading).offset == blocks[0].offset
    with pytest.raises(AvroError) as caught:
        next(reading)
    assert (caught.value.block, caught.value.block_length) == (blocks[1].offset, blocks[1].length)


def test_who_is_told_can_end_the_reading():
    def refuse(damage: Damage) -> None:
        raise damage.error

    data = written([5, 5])
    with pytest.raises(AvroError, match="the file ends within a block"):
        list(read_blocks(io.BytesIO(data[:-1]), on_damage=refuse))


def test_a_damaged_header_is_no_damage():
    data = written([5])
    header = read_header(io.BytesIO(data)).offset
    told = []
    for size in range(header):
        with pytest.raises(AvroError):
            list(read_blocks(io.BytesIO(data[:size]), on_damage=told.append))
    for broken in (data.replace(b"snappy", b"snoppy"), data.replace(b'"record"', b'"recoil"')):
        with pytest.raises(AvroError):
            list(read_blocks(io.BytesIO(broken), on_damage=told.append))
    with pytest.raises(AvroError, match="selected column is not in the schema"):
        list(read_blocks(io.BytesIO(data), on_damage=told.append, select=["y"]))
    assert told == []


def test_a_length_that_leads_over_whole_blocks_costs_its_own_only():
    data = written([10, 10, 10], "null")
    blocks = pieces(data)
    first = bytearray(data[blocks[0].offset : blocks[1].offset])
    assert first[1] & 128
    size = blocks[2].offset - blocks[0].offset - 3 - 16
    first[1:3] = [2 * size & 127 | 128, 2 * size >> 7]
    told = pieces(data[: blocks[0].offset] + bytes(first) + data[blocks[1].offset :])
    assert isinstance(told[0], Damage)
    assert told[0].length == blocks[0].length
    assert comparable(told[1:]) == comparable(blocks[1:])


def long(value: int) -> bytes:
    out, zigzag = b"", value << 1
    while zigzag >= 128:
        out, zigzag = out + bytes([zigzag & 127 | 128]), zigzag >> 7
    return out + bytes([zigzag])


@pytest.mark.parametrize("rows", [1 << 20, 1 << 40, (1 << 63) - 1])
def test_row_counts_are_not_trusted(rows):
    data = written([5, 5], "null")
    first, second = pieces(data)
    head = data[first.offset : first.offset + 1]
    assert head == long(5)
    broken = data[: first.offset] + long(rows) + data[first.offset + 1 :]
    tracemalloc.start()
    try:
        told = pieces(broken)
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()
    check_that_nothing_is_missing(broken, told)
    assert isinstance(told[0], Damage)
    assert told[1].batch.equals(second.batch)


@pytest.mark.parametrize("file", [io.BytesIO, Pipe])
def test_many_damages_take_time_and_memory_for_their_bytes_only(file):
    """Each of these blocks says that it is long: none may be looked through again for the next."""
    data = written([5])
    start = read_header(io.BytesIO(data))
    liar = long(1) + long(200_000) + start.sync
    liars = 20_000
    broken = data[: start.offset] + liars * liar
    began = time.process_time()
    tracemalloc.start()
    try:
        told = []
        assert list(read_blocks(file(broken), on_damage=lambda damage: told.append(damage.length))) == []
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    assert told == [len(liar)] * liars
    assert time.process_time() - began < 30


@pytest.mark.parametrize("codec", CODECS)
def test_damages_that_are_kept_keep_no_blocks(codec):
    """An error's traceback has the frames of the decoder, and they have the block's content and what was read of it."""
    batch = pa.record_batch({"x": [1], "s": ["a" * 1_000_000]})
    file = io.BytesIO()
    write_blocks(file, SCHEMA, [batch] * 20, codec=codec)
    start = read_header(io.BytesIO(file.getvalue()))
    first = pieces(file.getvalue())[0]
    frame = file.getvalue()[first.offset : first.offset + first.length]
    broken = file.getvalue()[: start.offset] + (long(2) + frame[1:]) * 20  # two rows are said to be there
    told: list[Damage] = []
    tracemalloc.start()
    try:
        assert list(read_blocks(io.BytesIO(broken), on_damage=told.append)) == []
        assert tracemalloc.get_traced_memory()[0] < 1 << 20
    finally:
        tracemalloc.stop()
    assert len(told) == 20
    assert all(str(damage.error).startswith("block at byte ") for damage in told)


@pytest.mark.parametrize(("size", "blocks_read"), [(1 << 28, 0), (1 << 19, 2000)])
def test_small_blocks_that_take_much_memory_take_time_for_their_bytes_only(size, blocks_read):
    """A null of a fixed is a byte, whatever its size: a file may have one every twenty bytes."""
    file = io.BytesIO()
    fields = [{"name": "x", "type": ["null", {"type": "fixed", "name": "f", "size": size}]}]
    write_blocks(file, {"type": "record", "name": "r", "fields": fields}, [], codec="null")
    block = long(1) + long(1) + b"\0" + read_header(io.BytesIO(file.getvalue())).sync
    told: list[Damage] = []
    began = time.process_time()
    read = sum(1 for _ in read_blocks(io.BytesIO(file.getvalue() + 2000 * block), on_damage=told.append))
    assert time.process_time() - began < 10
    assert (read, len(told)) == (blocks_read, 2000 - blocks_read)


def test_a_file_without_markers_is_one_damage_found_in_little_memory():
    data = written([5])
    begin = read_header(io.BytesIO(data)).offset
    for head in (long(1) + long(-1 & 0xFFFF), b"\xff" * 12, b"\x01", long(1) + long(1 << 27)):
        broken = data[:begin] + head + bytes(1 << 23)
        tracemalloc.start()
        try:
            (damage,) = pieces(broken)
            assert tracemalloc.get_traced_memory()[1] < 40 << 20
        finally:
            tracemalloc.stop()
        assert (damage.offset, damage.length) == (begin, len(broken) - begin)


@pytest.mark.parametrize("codec", CODECS)
def test_noise_behind_the_header_is_damage(codec):
    random_ = random.Random(11)
    data = written([3, 3], codec)
    start = read_header(io.BytesIO(data))
    for _ in range(300):
        noise = b"".join(
            random_.choice([random_.randbytes(random_.randrange(30)), start.sync, start.sync[:9], long(3)])
            for _ in range(random_.randrange(12))
        )
        broken = data[: start.offset] + noise
        check_that_nothing_is_missing(broken, pieces(broken))

"""Container files that are broken behind their header."""

from __future__ import annotations

import io
from functools import partial
from random import Random
from typing import Any

import numpy as np

from beam_pipelines import avro
from beam_pipelines.avro import AvroError
from beam_pipelines.avro.defaults import encoded_long
from tests.avro.fuzzing.blocks import broken_block
from tests.avro.fuzzing.context import Context, check_batch
from tests.avro.fuzzing.corpus import ContainerFile, FileBlock, Subject
from tests.avro.fuzzing.mutations import mutated, trick
from tests.avro.fuzzing.outcome import EQUAL, OTHER, attempt, check_error, kind_of, require

SYNC_BYTES = 16
DAMAGED = "damage, and the blocks around it"


class Trickle(io.BytesIO):
    """A file that cannot seek and gives a few bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self._most = most

    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))


def file_case(random: Random, context: Context) -> str:
    """A broken file gives the blocks that are whole, and of others valid rows or a clean error."""
    file = random.choice(context.corpus.files)
    data = _broken(random, context, file)
    context.note(file.name, data)
    match random.randrange(4):
        case 0:
            return _read_to_the_first_error(random, file, data)
        case 1:
            return _read_by_ranges(random, file, data)
        case _:
            return _read_past_damage(random, file, data)


def crafted_block_case(random: Random, context: Context) -> str:
    """A broken block in a file that is otherwise right, checksum and all, is what it is outside of the file."""
    file = random.choice(context.corpus.files)
    subject = file.subject
    content, rows = broken_block(random, subject, context.corpus)
    packed = bytes(avro.CODECS[file.codec].compress(np.frombuffer(content, np.uint8)))
    block = encoded_long(rows) + encoded_long(len(packed)) + packed + file.header.sync
    data = file.data + block + file.data[file.header.offset :]
    context.note(f"{file.name}, with a block of {rows} rows", data)
    alone = attempt(lambda: avro.decode(content, rows, subject.writer))
    found, damages = read_all(opened(random, data))
    others = [block.encoded for block in found if block.offset != len(file.data)]
    require(others == [block.encoded for block in file.blocks] * 2, "blocks lost that are whole")
    require(len(found) + len(damages) == 2 * len(file.blocks) + 1, "blocks beside those in the file")
    if isinstance(alone, AvroError):
        require([damage.offset for damage in damages] == [len(file.data)], f"no damage where there is: {alone}")
        return kind_of(damages[0].error)
    encoded = check_batch(alone, rows, subject.writer)
    require(not damages, "damage where there is none")
    require(found[len(file.blocks)].encoded == encoded, "other rows in a file than outside")
    return EQUAL if encoded == subject.variants[0].equal else OTHER


def bomb_case(random: Random, context: Context) -> str:
    """A block of up to 4 MiB of zeros, which take next to no bytes in the file, gives valid rows or a clean error."""
    file = random.choice([file for file in context.corpus.files if file.subject.data])
    row_bytes = _bytes_of_zeros(file.subject)
    rows = (1 << random.randrange(10, 23)) // row_bytes
    packed = bytes(avro.CODECS[file.codec].compress(np.zeros(rows * row_bytes, np.uint8)))
    if random.randrange(3) == 0:
        packed = mutated(random, packed)
    rows = random.choice([rows, rows, 1, 2 * rows, 1 << 28, random.randint(0, rows)])
    block = encoded_long(rows) + encoded_long(len(packed)) + packed + file.header.sync
    context.note(f"{file.name}, with a block of {rows} rows of zeros", file.data + block)
    found, damages = read_all(io.BytesIO(file.data + block))
    require(len(found) + len(damages) == len(file.blocks) + 1, "blocks beside those in the file")
    return kind_of(damages[0].error) if damages else OTHER


def _bytes_of_zeros(subject: Subject) -> int:
    """How many zeros are a row; a few if none are."""
    for size in range(1, 200):
        zeros = bytes(size)
        if not isinstance(attempt(partial(avro.decode, zeros, 1, subject.writer)), AvroError):
            return size
    return 7


def _broken(random: Random, context: Context, file: ContainerFile) -> bytes:
    """The file with something changed behind its header."""
    block = random.choice(file.blocks)
    others = [other.data for other in random.sample(context.corpus.files, 2)]
    end = block.offset + block.length
    match random.randrange(12):
        case 0 | 1:  # the row count and the length
            at = block.offset + random.randrange(3)
            return file.data[:at] + trick(random, len(file.data) - at) + file.data[at + random.randrange(3) :]
        case 2:  # the sync marker
            at = end - 1 - random.randrange(SYNC_BYTES)
            return file.data[:at] + random.choice([b"", b"\0", b"\0\0"]) + file.data[at + 1 :]
        case 3:  # a whole block more, or nothing changed
            return file.data[:end] + random.choice([file.data[block.offset : end], b""]) + file.data[end:]
        case 4:  # a whole block less
            return file.data[: block.offset] + file.data[end:]
        case 5:  # the end of another file
            other = random.choice(others)
            return file.data[:end] + other[random.randrange(len(other)) :]
        case 6:
            return file.data[: random.randint(file.header.offset, len(file.data))]
        case _:
            return mutated(random, file.data, others, file.header.offset)


def opened(random: Random, data: bytes) -> Any:
    """The data as a file, now and then one that is hard to read."""
    return Trickle(data, random.choice([1, 13, 1000])) if random.randrange(8) == 0 else io.BytesIO(data)


def read_all(file: Any, **options: Any) -> tuple[list[FileBlock], list[avro.Damage]]:
    """All blocks, the rows of each in our own encoding, and all damages."""
    damages: list[avro.Damage] = []
    found = checked(list(avro.read_blocks(file, on_damage=damages.append, **options)), file.getvalue())
    for damage in damages:
        check_error(damage.error)
        require(not _frames(damage.error), "a damage that keeps the frames, and so the block, of its error")
        where = (damage.error.block, damage.error.block_length)
        require(where == (damage.offset, damage.length), f"the error of a damage at {damage.offset} is at {where}")
    return found, damages


def _frames(error: BaseException | None) -> bool:
    """Whether an error, or a cause of it, has a traceback."""
    return error is not None and (error.__traceback__ is not None or _frames(error.__cause__ or error.__context__))


def checked(blocks: list[avro.Block], data: bytes) -> list[FileBlock]:
    """The blocks read from a file, the rows of each in our own encoding; raises Wrong if they are not valid."""
    if not blocks:
        return []
    type_ = avro.parse_schema(avro.read_header(io.BytesIO(data)).schema)
    return [
        FileBlock(block.offset, block.length, block.rows, check_batch(block.batch, block.rows, type_))
        for block in blocks
    ]


def _read_past_damage(random: Random, file: ContainerFile, data: bytes) -> str:
    """Blocks and damages tile the file, and blocks that are whole are read."""
    found, damages = read_all(opened(random, data), dictionaries=bool(random.randrange(2)))
    tiles = sorted([(block.offset, block.length) for block in found] + [(one.offset, one.length) for one in damages])
    at = file.header.offset
    for offset, length in tiles:
        require(offset == at and length > 0, f"nothing at byte {at}, but {length} bytes at {offset}")
        at += length
    require(at == len(data), f"blocks and damages end at byte {at} of {len(data)}")
    _check_whole_blocks(file, data, found)
    _check_no_other_rows(file, data, found)
    return _outcome(file, found, bool(damages))


def _read_to_the_first_error(random: Random, file: ContainerFile, data: bytes) -> str:
    """The error says where the block is that follows the last good one."""
    blocks: list[avro.Block] = []
    reading = avro.read_blocks(opened(random, data))
    while True:
        block = attempt(lambda: next(reading, None))
        if block is None:
            break
        if isinstance(block, AvroError):
            at = blocks[-1].offset + blocks[-1].length if blocks else file.header.offset
            require(block.block == at, f"the error is in the block at byte {at}, but says {block.block}")
            break
        blocks.append(block)
    found = checked(blocks, data)
    _check_no_other_rows(file, data, found)
    if isinstance(block, AvroError):
        return kind_of(block)
    _check_fingerprint(file, data)
    return _outcome(file, found, damaged=False)


def _read_by_ranges(random: Random, file: ContainerFile, data: bytes) -> str:
    """Ranges that tile the file have what the file has, once."""
    whole, whole_damages = read_all(io.BytesIO(data))
    edges = [piece.offset for piece in [*whole, *whole_damages]] + [file.header.offset, len(data)]
    cuts = sorted(_cut(random, edges, len(data)) for _ in range(random.randint(1, 4)))
    found: list[FileBlock] = []
    damages: list[avro.Damage] = []
    for start, stop in zip([0, *cuts], [*cuts, None], strict=True):
        blocks, others = read_all(io.BytesIO(data), start=start, stop=stop)
        found += blocks
        damages += others
    require(found == whole, f"other blocks when cut at {cuts}")
    require(_told(damages) == _told(whole_damages), f"other damages when cut at {cuts}")
    _check_no_other_rows(file, data, found)
    return _outcome(file, found, bool(damages))


def _cut(random: Random, edges: list[int], length: int) -> int:
    """Where to cut a file: anywhere, or at or near the first byte of a block or of a sync marker."""
    if random.randrange(2):
        return random.randint(0, length + 2)
    return max(0, random.choice(edges) - random.choice([0, SYNC_BYTES]) + random.randint(-1, 1))


def _told(damages: list[avro.Damage]) -> list[tuple[int, int, str]]:
    """Where damages are and what is said of them."""
    return [(damage.offset, damage.length, str(damage.error)) for damage in damages]


def _check_whole_blocks(file: ContainerFile, data: bytes, found: list[FileBlock]) -> None:
    """All blocks before the change, and behind it from the first sync marker on, are read."""
    there = {(block.offset, block.encoded) for block in found}
    before = _common(file.data, data)
    behind = min(_common(file.data[::-1], data[::-1]), len(data) - before, len(file.data) - before)
    for block in file.blocks:
        moved = 0
        if block.offset + block.length > before:
            moved = len(data) - len(file.data)
            if block.offset - SYNC_BYTES < len(file.data) - behind:
                continue
        require((block.offset + moved, block.encoded) in there, f"the whole block at byte {block.offset} is lost")


def _common(one: bytes, other: bytes) -> int:
    """Bytes that both begin with."""
    length = min(len(one), len(other))
    differ = np.frombuffer(one, np.uint8, length) != np.frombuffer(other, np.uint8, length)
    return int(differ.argmax()) if differ.any() else length


def _check_no_other_rows(file: ContainerFile, data: bytes, found: list[FileBlock]) -> None:
    """With a checksum, a block is as it was written or refused."""
    if file.has_checksums and file.subject.data:  # rows of no bytes are not in what the checksum is of
        written = {block.encoded for block in file.blocks}
        require(all(block.encoded in written for block in found), "other rows than were written, despite the checksum")


def _check_fingerprint(file: ContainerFile, data: bytes) -> None:
    """What has been read without an error has the fingerprint of the file if it is what was written, and else not."""
    batches = [block.batch for block in avro.read_blocks(io.BytesIO(data))]
    written = avro.write_blocks(io.BytesIO(), file.subject.schema, batches)
    encoded = [avro.encode(batch, file.subject.writer).tobytes() for batch in batches if batch.num_rows]
    same = encoded == [block.encoded for block in file.blocks]
    same = same and [batch.num_rows for batch in batches if batch.num_rows] == [block.rows for block in file.blocks]
    require(same == (written.fingerprint == file.fingerprint), "a fingerprint that does not tell the rows")


def _outcome(file: ContainerFile, found: list[FileBlock], damaged: bool) -> str:
    if damaged:
        return DAMAGED if found else "damage, and nothing else"
    return EQUAL if [block.encoded for block in found] == [block.encoded for block in file.blocks] else OTHER

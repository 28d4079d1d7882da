"""Container files: what is in them, that they are the same every time, and what is said of broken ones."""

# ruff: noqa: E501 - one case a line

import hashlib
import io
import json
import pickle
import re
import subprocess
import sys
import zlib

import cramjam
import fastavro
import polars
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.avro import (
    CODECS,
    AvroError,
    BlockWriter,
    encode,
    parse_schema,
    read_blocks,
    read_header,
    write_blocks,
)
from beam_pipelines.avro.codecs import MAX_BLOCK_BYTES
from beam_pipelines.schema import Column, Type, avro_record

LONG = avro_record("r", [Column(name="x", type=Type.INT64)])


def long(value: int) -> bytes:
    out, zigzag = b"", value << 1 if value >= 0 else (-value << 1) - 1
    while zigzag >= 128:
        out, zigzag = out + bytes([zigzag & 127 | 128]), zigzag >> 7
    return out + bytes([zigzag])


def header(entries: dict[bytes, bytes]) -> bytes:
    content = b"".join(long(len(k)) + k + long(len(v)) + v for k, v in entries.items())
    return b"Obj\x01" + long(len(entries)) + content + b"\0" + b"S" * 16


def file_of(rows: int, content: bytes, codec: str = "null") -> bytes:
    start = header({b"avro.schema": json.dumps(LONG).encode(), b"avro.codec": codec.encode()})
    return start + long(rows) + long(len(content)) + content + b"S" * 16


def written(schema, batches, **options) -> bytes:
    file = io.BytesIO()
    write_blocks(file, schema, batches, **options)
    return file.getvalue()


def refusal(data: bytes, **options) -> AvroError:
    with pytest.raises(AvroError) as caught:
        list(read_blocks(io.BytesIO(data), **options))
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("codec", CODECS)
def test_each_batch_is_one_block_and_empty_ones_are_none(codec, schema, batch):
    file = io.BytesIO()
    batches = [batch.slice(0, 4), batch.slice(0, 0), batch.slice(4)]
    result = write_blocks(file, schema, iter(batches), codec=codec, metadata={"seed": b"42"})
    assert result.rows == 10
    assert result.bytes == len(file.getvalue())
    assert result.uncompressed_bytes == encode(batch, parse_schema(schema)).size
    file.seek(0)
    start = read_header(file)
    assert (start.schema, start.codec, start.metadata) == (schema, codec, {"seed": b"42"})
    assert file.tell() == 0
    blocks = list(read_blocks(file, reader=schema))
    assert [block.rows for block in blocks] == [4, 6]
    assert [block.offset for block in blocks] == [start.offset, start.offset + blocks[0].length]
    assert blocks[1].offset + blocks[1].length == result.bytes
    assert all(file.getvalue()[block.offset + block.length - 16 :].startswith(start.sync) for block in blocks)
    assert pa.Table.from_batches([block.batch for block in blocks]).combine_chunks().to_batches()[0].equals(batch)


def test_a_file_without_rows_is_a_file(schema):
    data = written(schema, [])
    assert list(read_blocks(io.BytesIO(data))) == []
    assert list(fastavro.reader(io.BytesIO(data))) == []


@pytest.mark.parametrize("codec", CODECS)
def test_other_readers_find_the_same_rows(codec, schema, batch, rows):
    data = written(schema, [batch.slice(0, 3), batch.slice(3)], codec=codec)
    if codec == "zstandard":
        # What fastavro reads it with, until 3.14 brings the same. Polars cannot.
        pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
    else:
        assert polars.read_avro(io.BytesIO(data)).to_dicts() == rows
    assert list(fastavro.reader(io.BytesIO(data))) == rows


@pytest.mark.parametrize("codec", CODECS)
def test_equal_input_gives_equal_bytes(codec, schema, batch):
    once = written(schema, [batch], codec=codec, metadata={"b": b"1", "a": b"2"})
    assert written(json.loads(json.dumps(schema)), [batch], codec=codec, metadata={"a": b"2", "b": b"1"}) == once
    assert once != written(schema, [batch], codec=codec)


def test_the_bytes_are_what_they_always_were(schema, batch):
    """Files are told apart by their bytes: a change here makes every user's files new."""
    file = io.BytesIO()
    result = write_blocks(file, schema, [batch.slice(0, 5), batch.slice(5)], codec="null")
    assert result.fingerprint == "xxh3:ada1270d9071311376f806c04cc3a304"
    assert hashlib.sha256(file.getvalue()).hexdigest()[:16] == "baa9cdafef82849a"


def test_the_fingerprint_is_of_schema_blocks_and_content_not_of_codec_or_metadata(schema, batch):
    def fingerprint(schema, batches, **options) -> str:
        return write_blocks(io.BytesIO(), schema, batches, **options).fingerprint

    same = {fingerprint(schema, [batch], codec=codec) for codec in CODECS}
    same |= {fingerprint(schema, [batch], metadata={"a": b"1"}), fingerprint(schema, [batch, batch.slice(0, 0)])}
    assert len(same) == 1
    assert re.fullmatch(r"xxh3:[0-9a-f]{32}", same.pop())
    others = [
        (schema, [batch.slice(1)]),
        (schema, [batch.slice(0, 5), batch.slice(5)]),
        (schema | {"name": "q"}, [batch]),
    ]
    assert len({fingerprint(*other) for other in [*others, (schema, [batch])]}) == 4


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_that_is_not_what_was_written_is_told_by_its_fingerprint(codec, schema, batch):
    file = io.BytesIO()
    fingerprint = write_blocks(file, schema, [batch.slice(0, 4), batch.slice(4)], codec=codec).fingerprint
    assert [block.rows for block in read_blocks(io.BytesIO(file.getvalue()), fingerprint=fingerprint)] == [4, 6]
    other = written(schema, [batch.slice(0, 4), batch.slice(4, 5)], codec=codec)
    error = refusal(other, fingerprint=fingerprint, file_name="a.avro")
    assert str(error).startswith(f"a.avro: the content is not what was written: expected {fingerprint}, got xxh3:")


def test_a_changed_number_without_checksum_is_told_by_the_fingerprint(schema, batch):
    file = io.BytesIO()
    result = write_blocks(file, schema, [batch], codec="null")
    changed = bytearray(file.getvalue())
    at = changed.index(b"Mobile")
    changed[at : at + 1] = b"N"
    (block,) = read_blocks(io.BytesIO(changed))
    assert not block.batch.equals(batch)
    assert refusal(bytes(changed), fingerprint=result.fingerprint).problem == "the content is not what was written"


def test_the_marker_follows_from_header_and_first_block(schema, batch):
    def marker(schema, batches, **options) -> bytes:
        return read_header(io.BytesIO(written(schema, batches, **options))).sync

    same = [(schema, [batch]), (schema, [batch.slice(0, 0), batch]), (schema, [batch, batch.slice(3)])]
    assert len({marker(*each) for each in same}) == 1
    others = [
        marker(schema, []),
        marker(schema, [batch.slice(0, 5), batch.slice(5)]),
        marker(schema, [batch.slice(1)]),
        marker(schema, [batch], codec="null"),
        marker(schema, [batch], metadata={"a": b"1"}),
        marker(schema | {"name": "q"}, [batch]),
        marker(schema, [batch]),
    ]
    assert len(set(others)) == len(others)


def test_nothing_is_written_before_the_first_block_and_nothing_is_sought(schema, batch):
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_) -> int:
            raise io.UnsupportedOperation

        tell = seek

    pipe = Pipe()

    def batches():
        assert pipe.getvalue() == b""
        yield batch
        assert pipe.getvalue().startswith(b"Obj")
        yield batch

    write_blocks(pipe, schema, batches())
    assert pipe.getvalue() == written(schema, [batch, batch])


def test_blocks_are_written_and_read_one_by_one(schema, batch):
    file = io.BytesIO()
    sizes = []

    def batches():
        for _ in range(4):
            sizes.append(file.tell())
            yield batch

    write_blocks(file, schema, batches())
    assert sizes == sorted(set(sizes))
    file.seek(0)
    assert next(read_blocks(file)).batch.equals(batch)


@given(st.lists(st.integers(0, 5), max_size=5), st.sampled_from(sorted(CODECS)))
def test_files_written_side_by_side_are_those_written_one_after_the_other(sizes, codec):
    rows = [pa.record_batch({"x": list(range(size))}) for size in sizes]
    other = [pa.record_batch({"x": [-size]}) for size in sizes]
    files = [io.BytesIO(), io.BytesIO()]
    first, second = (BlockWriter(file, LONG, codec=codec, metadata={"a": b"1"}) for file in files)
    for batch, another in zip(rows, other, strict=True):
        first.write(batch)
        second.write(another)
    for writer, file, batches in zip((first, second), files, (rows, other), strict=True):
        pulled = io.BytesIO()
        assert writer.close() == write_blocks(pulled, LONG, batches, codec=codec, metadata={"a": b"1"})
        assert file.getvalue() == pulled.getvalue()


def test_a_writer_writes_nothing_before_its_first_block_and_a_header_without_any(schema, batch):
    file = io.BytesIO()
    writer = BlockWriter(file, schema)
    writer.write(batch.slice(0, 0))
    assert file.getvalue() == b""
    empty = writer.close()
    assert (empty.rows, empty.bytes, empty.uncompressed_bytes) == (0, len(file.getvalue()), 0)
    assert file.getvalue() == written(schema, [])


def test_a_writer_that_is_closed_takes_no_more_and_leaves_the_file_open(schema, batch):
    file = io.BytesIO()
    writer = BlockWriter(file, schema)
    writer.write(batch)
    closed = writer.close()
    with pytest.raises(ValueError, match=r"^a block after the file was closed$"):
        writer.write(batch)
    assert writer.close() == closed
    assert not file.closed
    assert file.getvalue() == written(schema, [batch])


def test_a_writer_goes_on_after_a_batch_that_it_refused(schema, batch):
    file = io.BytesIO()
    writer = BlockWriter(file, schema)
    with pytest.raises(AvroError, match=r"^field city: missing column"):
        writer.write(batch.drop_columns(["city"]))
    assert file.getvalue() == b""
    writer.write(batch)
    assert writer.close().rows == 10
    assert file.getvalue() == written(schema, [batch])


def test_a_file_may_begin_anywhere_and_need_not_seek(schema, batch):
    class Pipe(io.RawIOBase):
        """Gives a few bytes at a time, as a socket would."""

        def __init__(self, data: bytes) -> None:
            self.rest = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self.rest.read(min(size, 7) if size >= 0 else 7)

        def seekable(self) -> bool:
            return False

    data = written(schema, [batch, batch])
    blocks = list(read_blocks(Pipe(data)))
    assert [block.batch.equals(batch) for block in blocks] == [True, True]
    assert read_header(Pipe(data)) == read_header(io.BytesIO(data))
    file = io.BytesIO(b"prefix" + data)
    file.seek(6)
    assert [block.offset for block in read_blocks(file)] == [block.offset for block in blocks]


def test_columns_and_dictionaries_can_be_chosen(schema, batch):
    file = io.BytesIO(written(schema, [batch]))
    (block,) = read_blocks(file, select=["city", "day"], dictionaries=True)
    assert block.batch.schema.names == ["city", "day"]
    assert block.batch.column("city").dictionary.to_pylist()[0] == "Mobile"


def test_a_file_can_be_read_with_another_schema(schema, batch):
    fields = [field for field in schema["fields"] if field["name"] in ("city", "id")]
    reader = schema | {"fields": [*reversed(fields), {"name": "new", "type": ["null", "int"], "default": None}]}
    for form in (reader, parse_schema(reader)):
        (block,) = read_blocks(io.BytesIO(written(schema, [batch])), reader=form)
        assert block.batch.schema.names == ["city", "id", "new"]
        assert block.batch.column("id").equals(batch.column("id"))
        assert block.batch.column("new").null_count == 10


def test_a_file_that_another_schema_cannot_read_is_refused_at_once(schema, batch):
    reader = schema | {"fields": [{"name": "id", "type": "boolean"}]}
    damages = []
    error = refusal(written(schema, [batch]), reader=reader, on_damage=damages.append, file_name="a.avro")
    assert str(error) == "a.avro: field id: cannot be read as another type: expected boolean, got long"
    assert damages == []


SNAPPY = memoryview(cramjam.snappy.compress_raw(b"\x02")).tobytes()
CHECKSUM = zlib.crc32(b"\x02").to_bytes(4, "big")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "at byte 0: the file ends within a magic number: expected 4 bytes, got 0 left"),
        (b"PAR1...", "at byte 0: not an Avro container file: expected b'Obj\\x01', got b'PAR1'"),
        (b"Obj\x01\x02", "at byte 5: the file ends within a header: expected 1 bytes, got 0 left"),
        (b"Obj\x01" + b"\xff" * 11, "at byte 4: a header of more than 64 bits"),
        (b"Obj\x01\x02" + long(2**62), f"at byte 5: bad length in the header: expected at most 16777216 bytes in all, got {2**62}"),
        (b"Obj\x01\x02\x01", "at byte 5: bad length in the header: expected at most 16777216 bytes in all, got -1"),
        (b"Obj\x01\x02\x02\xff\0\0", "at byte 5: a name in the header is not UTF-8: got b'\\xff'"),
        (b"Obj\x01" + long(2**17), "too many names in the header: expected at most 65536, got 131072"),
        (header({}), "the header has no schema: expected avro.schema"),
        (header({b"avro.schema": b"{"}), "the header's schema is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (header({b"avro.schema": b"[" * 100_000}), None),
        (header({b"avro.schema": b'"long"'}), 'unusable Avro schema: expected a record, got \'"long"\''),
        (header({b"avro.schema": b'{"type": "record", "name": "r"}'}), "unusable Avro schema: expected a list of the fields of record r, got null"),
        (header({b"avro.schema": b'{"type": "record", "name": "r", "fields": [{"name": "m", "type": {"type": "map"}}]}'}), "field m: unusable Avro schema: expected values of the map, got none"),
        (file_of(1, b"\x02", "lzma"), "unknown codec: expected one of deflate, null, snappy, zstandard, got 'lzma'"),
        (file_of(1, b"\x02")[:-4], "block at byte 126, at byte 128: the file ends within a block: expected 17 bytes, got 13 left"),
        (file_of(1, b"\x02")[:-17], "block at byte 126, at byte 128: the file ends within a block: expected 17 bytes, got 0 left"),
        (file_of(1, b"\x02")[:-1] + b"T", "block at byte 126, at byte 129: wrong sync marker: expected 53535353535353535353535353535353, got 53535353535353535353535353535354"),
        (file_of(-1, b"\x02"), "block at byte 126, at byte 126: negative row count: got -1"),
        (file_of(2, b"\x02"), "block at byte 126 (19 bytes), at byte 0: 2 rows of 1 bytes or more are not in 1 bytes"),
        (file_of(1, b"\x80"), "block at byte 126 (19 bytes), at byte 0, field x: the data ends within a value"),
        (file_of(0, b"")[:-17] + long(2**40), f"block at byte 126, at byte 127: bad block length: expected 0 to {MAX_BLOCK_BYTES}, got {2**40}"),
        (file_of(0, b"")[:-17] + long(-1), f"block at byte 126, at byte 127: bad block length: expected 0 to {MAX_BLOCK_BYTES}, got -1"),
        (file_of(1, b"\0", "deflate"), None),
        (file_of(1, b"\x06\0", "deflate"), "block at byte 129 (20 bytes): corrupt deflate data: Error -3 while decompressing data: invalid block type"),
        (file_of(1, zlib.compress(b"\x02")[2:-5], "deflate"), "block at byte 129 (20 bytes): corrupt deflate data: it ends too early"),
        (file_of(1, b"\x02\0\0", "snappy"), "block at byte 128 (21 bytes): corrupt snappy data: expected 5 bytes or more, got 3"),
        (file_of(1, SNAPPY + b"\0\0\0\0", "snappy"), "block at byte 128 (25 bytes): wrong checksum of snappy data: expected 00000000, got 3c0c8ea1"),
        (file_of(1, b"\xff" * 6 + CHECKSUM, "snappy"), "block at byte 128 (28 bytes): corrupt snappy data: no length"),
        (file_of(1, b"\xff\xff\xff\xff\x0f\0" + CHECKSUM, "snappy"), f"block at byte 128 (28 bytes): block too large: expected at most {MAX_BLOCK_BYTES} bytes, got 4294967295 bytes"),
        (file_of(1, b"\xff\x7f\0\x02" + CHECKSUM, "snappy"), "block at byte 128 (26 bytes): corrupt snappy data: it is too short for what it says it holds: got 16383 bytes"),
        (file_of(1, b"\x02\0\x02" + CHECKSUM, "snappy"), None),
    ],
)  # fmt: skip
def test_a_broken_file_is_described(data, message):
    error = refusal(data)
    assert message is None or str(error) == message


def test_writing_says_what_is_wrong(schema, batch):
    with pytest.raises(
        AvroError, match=r"^unknown codec: expected one of deflate, null, snappy, zstandard, got 'zip'$"
    ):
        written(schema, [batch], codec="zip")
    with pytest.raises(AvroError, match=r"^field avro\.x: reserved metadata name: expected a name that does not begin"):
        written(schema, [batch], metadata={"avro.x": b""})
    with pytest.raises(AvroError, match=r"^field m: unusable Avro schema: expected a type, got "):
        written({"type": "record", "name": "r", "fields": [{"name": "m", "type": "enum"}]}, [batch])
    with pytest.raises(AvroError, match=r"^field city: missing column"):
        written(schema, [batch.drop_columns(["city"])])


def test_a_block_beyond_the_limit_is_not_written(monkeypatch, schema, batch):
    monkeypatch.setattr("beam_pipelines.avro.container.MAX_BLOCK_BYTES", 100)
    with pytest.raises(AvroError, match=r"^block too large: expected at most \d+ bytes, got \d+ bytes in 10 rows$"):
        written(schema, [batch])


def test_errors_survive_pickling():
    error = AvroError("odd", offset=1, field="a.b", expected=2, got=3, block=4, block_length=5, file="c.avro")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "c.avro: block at byte 4 (5 bytes), at byte 1, field a.b: odd: expected 2, got 3"
    assert vars(copy) == vars(error)


def test_errors_name_the_file(schema, batch):
    data = written(schema, [batch])
    for broken in (b"PAR1", data[:-1], data.replace(b"Mobile", b"M\xff\xffile")):
        assert str(refusal(broken, file_name="a/b.avro")).startswith("a/b.avro: ")
    with pytest.raises(AvroError, match=r"^a\.avro: at byte 0: the file ends"):
        read_header(io.BytesIO(), file_name="a.avro")
    assert str(refusal(data, select=["x"], file_name="c.avro")).startswith("c.avro: field x: selected column is not")


def test_importing_the_package_compiles_nothing():
    code = "import sys, beam_pipelines.avro; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Files that others read and write: fastavro, Apache's own library and polars."""

import io
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import avro.datafile
import avro.io
import avro.schema
import fastavro
import polars
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.avro import CODECS, arrow_schema, parse_schema, read_blocks, write_blocks
from tests.avro.generated import batch_of, rows_of_batch, tables, thoroughly, without_logical_types
from tests.avro.json_schemas import decimal, enum, fixed, record

FASTAVROS = [codec for codec in CODECS if codec != "zstandard"]
"""What fastavro can read without more: see below for zstandard."""
APACHES = sorted(set(CODECS) & avro.datafile.VALID_CODECS)
EVERYTHING = {
    "type": "record",
    "name": "everything",
    "namespace": "shop.v1",
    "fields": [
        {"name": "nothing", "type": "null"},
        {"name": "flag", "type": "boolean"},
        {"name": "small", "type": "int"},
        {"name": "large", "type": "long"},
        {"name": "single", "type": "float"},
        {"name": "double", "type": "double"},
        {"name": "raw", "type": "bytes"},
        {"name": "text", "type": "string"},
        {"name": "maybe", "type": ["null", "string"]},
        {"name": "or_null", "type": ["long", "null"]},
        {"name": "only", "type": ["int"]},
        {"name": "code", "type": fixed(3, "Code")},
        {"name": "size", "type": enum("S", "M", name="Size")},
        {"name": "other", "type": ["null", "Size"]},
        {"name": "codes", "type": {"type": "array", "items": "shop.v1.Code"}},
        {"name": "counts", "type": {"type": "map", "values": ["null", "long"]}},
        {"name": "inner", "type": record(("x", {"type": "array", "items": "Size"}), name="Inner")},
        {"name": "inners", "type": {"type": "array", "items": ["null", "Inner"]}},
        {"name": "empty", "type": record(name="Empty", namespace="")},
        {"name": "price", "type": decimal(9, 2)},
        {"name": "amount", "type": decimal(18, 4, fixed(8, "Amount"))},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "at_millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}


def everything(number: int) -> dict:
    """A row."""
    return {
        "nothing": None,
        "flag": number % 2 == 0,
        "small": -number,
        "large": 1 << number,
        "single": number / 2,
        "double": number / 3,
        "raw": bytes(range(number)),
        "text": "ü" * number,
        "maybe": None if number % 3 else "there",
        "or_null": None if number % 2 else number,
        "only": number,
        "code": b"%03d" % number,
        "size": "SM"[number % 2],
        "other": "S" if number % 4 else None,
        "codes": [b"abc"] * (number % 3),
        "counts": {"a": None, "b": number} if number % 2 else {},
        "inner": {"x": ["M", "S"][: number % 3]},
        "inners": [None, {"x": ["S"]}],
        "empty": {},
        "price": Decimal(-(2**number) if number < 24 else number).scaleb(-2),
        "amount": Decimal(-number).scaleb(-4),
        "day": date(2025, 11, 28),
        "at": datetime(2025, 11, 28, 1, 2, 3, 456_789, tzinfo=UTC),
        "at_millis": datetime(1925, 11, 28, 1, 2, 3, 456_000, tzinfo=UTC),
    }


ROWS = [everything(number) for number in range(40)]


def ours(schema: dict, batches: list[pa.RecordBatch], codec: str) -> io.BytesIO:
    file = io.BytesIO()
    write_blocks(file, schema, batches, codec=codec)
    file.seek(0)
    return file


def all_of(codec: str) -> io.BytesIO:
    batch = pa.RecordBatch.from_pylist(ROWS, arrow_schema(parse_schema(EVERYTHING)))
    return ours(EVERYTHING, [batch.slice(0, 30), batch.slice(30)], codec)


def rows_in(file: io.BytesIO, **options) -> list[dict]:
    file.seek(0)
    rows: list[dict] = []
    for block in read_blocks(file, **options):
        block.batch.validate(full=True)
        rows += block.batch.to_pylist(maps_as_pydicts="strict")
    return rows


@pytest.mark.parametrize("codec", CODECS)
def test_fastavro_reads_what_we_write(codec):
    if codec == "zstandard":  # fastavro reads it with this, until 3.14 brings the same
        pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
    assert list(fastavro.reader(all_of(codec))) == ROWS


@pytest.mark.parametrize("codec", APACHES)
def test_apache_avro_reads_what_we_write(codec):
    assert list(avro.datafile.DataFileReader(all_of(codec), avro.io.DatumReader())) == ROWS


@pytest.mark.parametrize("codec", CODECS)
def test_we_read_what_fastavro_writes(codec):
    if codec == "zstandard":
        pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(json.loads(json.dumps(EVERYTHING))), ROWS, codec, sync_interval=100)
    assert rows_in(file) == ROWS


@pytest.mark.parametrize("codec", APACHES)
def test_we_read_what_apache_avro_writes(codec):
    file, schema = io.BytesIO(), avro.schema.parse(json.dumps(EVERYTHING))
    writer = avro.datafile.DataFileWriter(file, avro.io.DatumWriter(), schema, codec=codec)
    for number, row in enumerate(ROWS):
        writer.append(row)
        if number % 13 == 0:
            writer.sync()
    writer.flush()
    assert rows_in(file) == ROWS


def test_apache_avro_knows_the_codecs_that_need_no_more():
    assert {"null", "deflate", "zstandard"} <= set(APACHES)


@given(tables(), st.sampled_from(FASTAVROS), st.integers(1, 3))
@thoroughly(150)
def test_any_file_opens_in_fastavro_and_fastavros_here(table, codec, size):
    schema, rows = without_logical_types(table[0]), table[1]
    type_ = parse_schema(schema)
    rows = rows_of_batch(type_, batch_of(type_, rows))  # with fields in order
    file = ours(schema, [batch_of(type_, rows[i : i + size]) for i in range(0, len(rows), size)], codec)
    assert repr(list(fastavro.reader(file))) == repr(rows)
    theirs = io.BytesIO()
    fastavro.writer(theirs, fastavro.parse_schema(json.loads(json.dumps(schema))), rows, codec, sync_interval=50)
    theirs.seek(0)
    found = [row for block in read_blocks(theirs) for row in rows_of_batch(type_, block.batch)]
    assert repr(found) == repr(rows)


@given(tables(), st.sampled_from(APACHES))
@thoroughly(150)
def test_any_file_opens_in_apache_avro_and_apaches_here(table, codec):
    schema, rows = without_logical_types(table[0]), table[1]
    type_ = parse_schema(schema)
    rows = rows_of_batch(type_, batch_of(type_, rows))  # with fields in order
    file = ours(schema, [batch_of(type_, rows)], codec)
    assert repr(list(avro.datafile.DataFileReader(file, avro.io.DatumReader()))) == repr(rows)
    theirs = io.BytesIO()
    parsed = avro.schema.parse(json.dumps(schema))
    writer = avro.datafile.DataFileWriter(theirs, avro.io.DatumWriter(), parsed, codec=codec)
    for row in rows:
        writer.append(row)
    writer.flush()
    theirs.seek(0)
    found = [row for block in read_blocks(theirs) for row in rows_of_batch(type_, block.batch)]
    assert repr(found) == repr(rows)


FRAME = polars.DataFrame(
    {
        "flag": [True, None, False],
        "small": polars.Series([1, -2, None], dtype=polars.Int32),
        "large": [2**62, None, -1],
        "single": polars.Series([0.5, None, 1.5], dtype=polars.Float32),
        "double": [0.1, 0.2, None],
        "text": ["a", None, "日本" * 50],
        "raw": [b"\xff", b"", None],
        "day": [date(2025, 11, 28), None, date(1, 1, 1)],
        "list": [[1, None], [], None],
        "record": [{"x": 1, "y": "a"}, {"x": None, "y": None}, {"x": 3, "y": "c"}],
        "records": [[{"x": 1}], [], [{"x": None}, {"x": 3}]],
    }
)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "deflate"])
@pytest.mark.parametrize("name", ["", "shop.parcel"])
def test_we_read_what_polars_writes(codec, name):
    file = io.BytesIO()
    FRAME.write_avro(file, compression=codec, name=name)
    assert rows_in(file) == FRAME.to_dicts()


@pytest.mark.parametrize("codec", FASTAVROS)
def test_polars_reads_what_we_write(codec):
    file = io.BytesIO()
    FRAME.write_avro(file, name="r")
    file.seek(0)
    blocks = list(read_blocks(file))
    file.seek(0)
    schema = fastavro.reader(file).writer_schema
    again = ours(schema, [block.batch for block in blocks], codec)
    assert polars.read_avro(again).to_dicts() == FRAME.to_dicts()

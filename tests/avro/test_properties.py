"""Whatever the schema and the rows: our Avro is fastavro's Avro, and comes back as it went."""

import io
import struct
from datetime import UTC, date, datetime
from decimal import Decimal

import fastavro
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines.avro import CODECS, AvroError, decode, encode, read_blocks, write_blocks
from beam_pipelines.schema import Column, Type, avro_record

SCALARS = [type_ for type_ in Type if type_ is not Type.RECORD]
LONGS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-200, 200))
TEXTS = st.one_of(st.sampled_from(["", "a", "web", "café", "日本", "💶", "x" * 70]), st.text(max_size=20))
MODES = st.sampled_from([{}, {"nullable": True}, {"repeated": True}])


@st.composite
def column(draw, name: str, depth: int) -> Column:
    mode = draw(MODES)
    if depth and draw(st.integers(0, 3)) == 0:
        return Column(name=name, type=Type.RECORD, fields=draw(columns(depth - 1, most=3)), **mode)
    type_ = draw(st.sampled_from(SCALARS))
    if type_ is Type.NUMERIC:
        precision = draw(st.sampled_from([1, 2, 9, 12, 18, 19, 38]))
        return Column(name=name, type=type_, precision=precision, scale=draw(st.integers(0, precision)), **mode)
    return Column(name=name, type=type_, **mode)


@st.composite
def columns(draw, depth: int = 2, most: int = 5) -> tuple[Column, ...]:
    return tuple(draw(column(f"{'abcdefgh'[i]}{depth}", depth)) for i in range(draw(st.integers(1, most))))


def shortest(unscaled: int) -> bool:
    """Whether fastavro's bytes are the shortest: it takes one more for -128, -32768 and so on."""
    return unscaled >= 0 or (-unscaled).bit_length() % 8 != 0 or -unscaled & (-unscaled - 1) != 0


def numeric(column: Column) -> st.SearchStrategy[Decimal]:
    limit = 10**column.precision - 1
    small = st.integers(-min(limit, 10**4), min(limit, 10**4))
    numbers = st.one_of(st.integers(-limit, limit), small, st.sampled_from([0, limit, -limit])).filter(shortest)
    return numbers.map(lambda number: Decimal((number < 0, tuple(map(int, str(abs(number)))), -column.scale)))


def value(column: Column) -> st.SearchStrategy:
    if column.type is Type.RECORD:
        return record(column.fields)
    if column.type is Type.NUMERIC:
        return numeric(column)
    return {
        Type.BOOLEAN: st.booleans(),
        Type.INT64: LONGS,
        Type.FLOAT64: st.floats(allow_nan=False),
        Type.STRING: TEXTS,
        Type.BYTES: st.binary(max_size=20),
        Type.DATE: st.dates(date(1, 1, 1), date(9999, 12, 31)),
        Type.TIMESTAMP: st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(  # noqa: DTZ001
            lambda moment: moment.replace(tzinfo=UTC)
        ),
    }[column.type]


def field(column: Column) -> st.SearchStrategy:
    if column.repeated:
        return st.lists(value(column), max_size=4)
    return st.none() | value(column) if column.nullable else value(column)


def record(columns: tuple[Column, ...]) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({column.name: field(column) for column in columns})


@st.composite
def tables(draw) -> tuple[tuple[Column, ...], list[dict]]:
    chosen = draw(columns())
    return chosen, draw(st.lists(record(chosen), max_size=8))


def arrow(columns: tuple[Column, ...], rows: list[dict]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema([column.arrow_field for column in columns]))


def fastavro_rows(columns: tuple[Column, ...], rows: list[dict]) -> bytes:
    schema, out = fastavro.parse_schema(avro_record("r", columns)), io.BytesIO()
    for row in rows:
        fastavro.schemaless_writer(out, schema, row)
    return out.getvalue()


def dictionary_encoded(array: pa.Array, index: pa.DataType) -> pa.Array:
    """The array with every string in it dictionary-encoded, at any depth."""
    if pa.types.is_string(array.type):
        return array.dictionary_encode().cast(pa.dictionary(index, pa.string()))
    if pa.types.is_list(array.type):
        return pa.ListArray.from_arrays(array.offsets, dictionary_encoded(array.values, index))
    if pa.types.is_struct(array.type):
        fields = [dictionary_encoded(array.field(i), index) for i in range(array.type.num_fields)]
        names = [array.type.field(i).name for i in range(array.type.num_fields)]
        return pa.StructArray.from_arrays(fields, names, mask=array.is_null())
    return array


def encoded_batch(batch: pa.RecordBatch, index: pa.DataType) -> pa.RecordBatch:
    arrays = [dictionary_encoded(array, index) for array in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def thoroughly(examples: int):
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@given(tables())
@thoroughly(250)
def test_rows_are_fastavros_bytes_and_come_back_equal(table):
    columns, rows = table
    batch = arrow(columns, rows)
    data = encode(batch, columns).tobytes()
    assert data == fastavro_rows(columns, rows)
    back = decode(data, len(rows), columns)
    back.validate(full=True)
    assert back.schema == batch.schema
    assert back.equals(batch)


@given(tables(), st.sampled_from([pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.int64(), pa.uint32()]))
@thoroughly(120)
def test_dictionaries_make_no_difference(table, index):
    columns, rows = table
    batch = arrow(columns, rows)
    data = encode(batch, columns)
    assert (encode(encoded_batch(batch, index), columns) == data).all()
    back = decode(data, len(rows), columns, dictionaries=True)
    back.validate(full=True)
    assert back.to_pylist() == rows
    assert (encode(back, columns) == data).all()


@given(tables(), st.data())
@thoroughly(120)
def test_slices_are_the_rows_they_are(table, data):
    columns, rows = table
    start = data.draw(st.integers(0, len(rows)))
    stop = data.draw(st.integers(start, len(rows)))
    for batch in (arrow(columns, rows), encoded_batch(arrow(columns, rows), pa.int16())):
        piece = batch.slice(start, stop - start)
        expected = encode(arrow(columns, rows[start:stop]), columns)
        assert (encode(piece, columns) == expected).all()


@given(tables(), st.data())
@thoroughly(100)
def test_selected_columns_are_the_same_columns(table, data):
    columns, rows = table
    names = data.draw(st.sets(st.sampled_from([column.name for column in columns])))
    batch = arrow(columns, rows)
    back = decode(encode(batch, columns), len(rows), columns, select=names)
    back.validate(full=True)
    kept = [column.name for column in columns if column.name in names]
    assert back.schema.names == kept
    assert back.num_rows == len(rows)
    if kept:
        assert back.equals(batch.select(kept))


@given(tables(), st.sampled_from(sorted(CODECS)))
@thoroughly(60)
def test_files_open_in_fastavro_and_fastavros_files_here(table, codec):
    columns, rows = table
    schema = avro_record("r", columns, doc="Rows.")
    ours, theirs = io.BytesIO(), io.BytesIO()
    written = write_blocks(ours, schema, [arrow(columns, rows), arrow(columns, rows[:2])], codec=codec)
    assert (written.rows, written.bytes) == (len(rows) + len(rows[:2]), len(ours.getvalue()))
    ours.seek(0)
    assert list(fastavro.reader(ours)) == rows + rows[:2]
    fastavro.writer(theirs, fastavro.parse_schema(schema), rows, codec=codec, sync_interval=50)
    theirs.seek(0)
    blocks = list(read_blocks(theirs, columns=columns))
    assert [row for block in blocks for row in block.batch.to_pylist()] == rows
    assert sum(block.rows for block in blocks) == len(rows)


@given(st.lists(st.floats(width=64), max_size=20), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
@thoroughly(50)
def test_every_bit_of_doubles_and_timestamps_survives(doubles, micros):
    columns = (Column(name="x", type=Type.FLOAT64, repeated=True), Column(name="t", type=Type.TIMESTAMP, repeated=True))
    rows = {"x": [doubles], "t": pa.array([micros], pa.list_(pa.int64())).cast(columns[1].arrow_type)}
    batch = pa.record_batch(rows, pa.schema([column.arrow_field for column in columns]))
    back = decode(encode(batch, columns), 1, columns)
    found = back.column("x").values.to_pylist()
    assert [struct.pack("<d", x) for x in found] == [struct.pack("<d", x) for x in doubles]
    assert back.column("t").values.cast(pa.int64()).to_pylist() == micros


@pytest.mark.parametrize("power", range(1, 127))
@pytest.mark.parametrize("sign", [1, -1])
def test_decimals_are_the_shortest_twos_complement(power, sign):
    numbers = [sign * 2**power + delta for delta in (-1, 0, 1)]
    numbers = [number for number in numbers if abs(number) < 10**38]
    column = Column(name="n", type=Type.NUMERIC, precision=38)
    batch = pa.record_batch({"n": pa.array([Decimal(number) for number in numbers], pa.decimal128(38, 0))})
    lengths = [next(n for n in range(1, 17) if -(2 ** (8 * n - 1)) <= x < 2 ** (8 * n - 1)) for x in numbers]
    expected = b"".join(
        bytes([2 * n]) + x.to_bytes(n, "big", signed=True) for x, n in zip(numbers, lengths, strict=True)
    )
    data = encode(batch, (column,)).tobytes()
    assert data == expected
    assert decode(data, len(numbers), (column,)).column("n").to_pylist() == numbers


@given(tables(), st.randoms(use_true_random=False), st.booleans())
@thoroughly(150)
def test_whatever_is_read_from_broken_data_is_valid_and_stays_what_it_is(table, random, dictionaries):
    columns, rows = table
    data = bytearray(encode(arrow(columns, rows), columns).tobytes())
    for _ in range(20 if data else 0):
        changed = data.copy()
        for _ in range(random.randint(1, 3)):
            changed[random.randrange(len(changed))] = random.choice([0, 1, 2, 3, 4, 127, 128, 254, 255])
        try:
            found = decode(changed, len(rows), columns, dictionaries=dictionaries)
        except AvroError:
            continue
        found.validate(full=True)
        again = encode(found, columns)
        assert (encode(decode(again, len(rows), columns), columns) == again).all()

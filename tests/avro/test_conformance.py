"""Whatever the schema and the rows: our Avro is fastavro's Avro, and comes back as it went."""

import io
import random
import struct
from datetime import UTC, datetime, time
from decimal import Context
from uuid import UUID

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.avro import AvroError, AvroType, arrow_schema, decode, encode, parse_schema
from beam_pipelines.avro.schema import Kind, Logical
from tests.avro.generated import (
    batch_of,
    fastavro_bytes,
    fastavro_rows,
    rows_of_batch,
    tables,
    thoroughly,
)


@given(tables())
@thoroughly(500)
def test_bytes_are_fastavros_and_values_too(table):
    schema, rows = table
    type_ = parse_schema(schema)
    batch = batch_of(type_, rows)
    data = encode(batch, type_).tobytes()
    assert data == fastavro_bytes(schema, rows)
    back = decode(data, len(rows), type_)
    back.validate(full=True)
    assert back.schema == batch.schema == arrow_schema(type_)
    assert repr(rows_of_batch(type_, back)) == repr(fastavro_rows(data, len(rows), schema))
    assert encode(back, type_).tobytes() == data  # every bit, NaN's too
    if "nan" not in repr(rows):  # which Arrow says is not equal to itself
        assert back.equals(batch)


@given(tables(), st.data())
@thoroughly(200)
def test_slices_are_the_rows_they_are_whatever_lies_around_them(table, data):
    schema, rows = table
    type_ = parse_schema(schema)
    start = data.draw(st.integers(0, len(rows)))
    stop = data.draw(st.integers(start, len(rows)))
    expected = encode(batch_of(type_, rows[start:stop]), type_)
    for junk in (0, 1, 3, 11):
        piece = batch_of(type_, rows, junk=junk).slice(start, stop - start)
        assert (encode(piece, type_) == expected).all()


INDICES = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]


def otherwise(array: pa.Array, index: pa.DataType, text: pa.DataType) -> pa.Array:
    """The same values as another array: strings and bytes dictionary-encoded or of other types, lists large."""
    type_ = array.type
    if pa.types.is_string(type_) or pa.types.is_binary(type_) or pa.types.is_dictionary(type_):
        if pa.types.is_dictionary(type_):
            array = array.dictionary_decode()
        if pa.types.is_binary(type_):
            text = {pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}.get(text, pa.binary())
        if pa.types.is_null(index):
            return array.cast(text)
        encoded = array.dictionary_encode()
        codes = encoded.indices.cast(index)
        return pa.DictionaryArray.from_arrays(codes, encoded.dictionary.cast(text))
    if pa.types.is_struct(type_):
        children = [otherwise(array.field(i), index, text) for i in range(type_.num_fields)]
        fields = [pa.field(type_.field(i).name, child.type) for i, child in enumerate(children)]
        return pa.Array.from_buffers(pa.struct(fields), len(array), [bitmap_of(array)], children=children)
    if pa.types.is_map(type_):
        entries = otherwise(array.values, index, text)
        made = pa.map_(pa.field("key", entries.type.field(0).type, nullable=False), entries.type.field(1).type)
        return pa.Array.from_buffers(
            made, len(array), [bitmap_of(array), array.buffers()[1].slice(4 * array.offset)], children=[entries]
        )
    if pa.types.is_list(type_):
        items = otherwise(array.values, index, text)
        offsets = array.offsets.cast(pa.int64()).buffers()[1]
        return pa.Array.from_buffers(
            pa.large_list(items.type), len(array), [bitmap_of(array), offsets], children=[items]
        )
    return array


def bitmap_of(array: pa.Array) -> pa.Buffer | None:
    return pa.array(array.is_valid(), pa.bool_()).buffers()[1] if array.null_count else None


@given(
    tables(),
    st.sampled_from([pa.null(), *INDICES]),
    st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]),
)
@thoroughly(250)
def test_the_same_values_as_other_arrow_types_are_the_same_bytes(table, index, text):
    schema, rows = table
    type_ = parse_schema(schema)
    batch = batch_of(type_, rows)
    arrays = [otherwise(array, index, text) for array in batch.columns]
    other = pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
    data = encode(batch, type_)
    assert (encode(other, type_) == data).all()
    if len(rows) > 2:
        assert encode(other.slice(1, 2), type_).tobytes() == encode(batch.slice(1, 2), type_).tobytes()


@given(tables())
@thoroughly(200)
def test_strings_are_read_as_dictionaries_where_asked(table):
    schema, rows = table
    type_ = parse_schema(schema)
    data = encode(batch_of(type_, rows), type_)
    back = decode(data, len(rows), type_, dictionaries=True)
    back.validate(full=True)
    assert back.schema == arrow_schema(type_, dictionaries=True)
    assert repr(rows_of_batch(type_, back)) == repr(rows_of_batch(type_, decode(data, len(rows), type_)))
    assert (encode(back, type_) == data).all()


@given(tables(most=6), st.data())
@thoroughly(200)
def test_selected_columns_are_the_same_columns(table, data):
    schema, rows = table
    type_ = parse_schema(schema)
    names = data.draw(st.sets(st.sampled_from([field.name for field in type_.fields])))
    encoded = encode(batch_of(type_, rows), type_)
    whole, back = decode(encoded, len(rows), type_), decode(encoded, len(rows), type_, select=names)
    back.validate(full=True)
    assert back.num_rows == len(rows)
    assert back.schema.names == [field.name for field in type_.fields if field.name in names]
    expected = rows_of_batch(type_, whole.select(back.schema.names))
    assert repr(rows_of_batch(type_, back)) == repr(expected)


def long_bytes(number: int, chance: random.Random) -> bytes:
    """Avro's encoding of a long, with up to ten bytes where fewer would do."""
    zigzag = (number << 1) ^ (number >> 63)
    groups = [zigzag >> shift & 127 for shift in range(0, 70, 7)]
    least = max((i + 1 for i, group in enumerate(groups) if group), default=1)
    length = chance.choice([least, least, chance.randint(least, 10)])
    return bytes([*(group | 128 for group in groups[: length - 1]), groups[length - 1]])


def written_otherwise(type_: AvroType, value: object, chance: random.Random) -> bytes:
    """A raw value as some other writer may have it: blocks of arrays split and with sizes, long numbers."""
    if type_.kind is Kind.UNION:
        number = next(i for i, one in enumerate(type_.branches) if (one.kind is Kind.NULL) == (value is None))
        return long_bytes(number, chance) + written_otherwise(type_.branches[number], value, chance)
    if type_.logical is Logical.DECIMAL:
        number = int(value.scaleb(type_.scale, _EXACT))
        size = type_.size or (number.bit_length() + 8) // 8 + chance.choice([0, 0, 1, 7, 20])
        content = number.to_bytes(size, "big", signed=True)
        return content if type_.size else long_bytes(size, chance) + content
    if type_.kind is Kind.RECORD:
        return b"".join(written_otherwise(field.type, value[field.name], chance) for field in type_.fields)
    if type_.items is not None:
        return blocks(type_, value, chance)
    if type_.kind in (Kind.STRING, Kind.BYTES):
        content = value.encode() if isinstance(value, str) else value
        return long_bytes(len(content), chance) + content
    if type_.kind in (Kind.INT, Kind.LONG):
        return long_bytes(value, chance)
    if type_.kind is Kind.ENUM:
        return long_bytes(type_.symbols.index(value), chance)
    fixed = {Kind.NULL: lambda _: b"", Kind.BOOLEAN: lambda ok: bytes([ok]), Kind.FIXED: bytes}
    fixed |= {Kind.FLOAT: struct.Struct("<f").pack, Kind.DOUBLE: struct.Struct("<d").pack}
    return fixed[type_.kind](value)


_EXACT = Context(prec=80)


def blocks(type_: AvroType, value: object, chance: random.Random) -> bytes:
    """An array or a map in several blocks, some of which say how long they are."""
    if type_.kind is Kind.MAP:
        items = [
            written_otherwise(_TEXT, key, chance) + written_otherwise(type_.items, item, chance)
            for key, item in value.items()
        ]
    else:
        items = [written_otherwise(type_.items, item, chance) for item in value]
    out = b""
    while items:
        count = chance.randint(1, len(items))
        block, items = b"".join(items[:count]), items[count:]
        if chance.random() < 0.5:
            out += long_bytes(-count, chance) + long_bytes(len(block), chance) + block
        else:
            out += long_bytes(count, chance) + block
    return out + long_bytes(0, chance)


_TEXT = parse_schema("string")


@given(tables(), st.randoms(use_true_random=False), st.data())
@thoroughly(250)
def test_other_writers_shapes_are_read(table, chance, data):
    schema, rows = table
    type_ = parse_schema(schema)
    encoded = b"".join(written_otherwise(type_, row, chance) for row in rows)
    back = decode(encoded, len(rows), type_)
    back.validate(full=True)
    assert repr(rows_of_batch(type_, back)) == repr(fastavro_rows(encoded, len(rows), schema))
    names = data.draw(st.sets(st.sampled_from([field.name for field in type_.fields])))
    some = decode(encoded, len(rows), type_, select=names)
    assert repr(rows_of_batch(type_, some)) == repr(rows_of_batch(type_, back.select(some.schema.names)))


@given(st.data())
@thoroughly(100)
def test_logical_values_are_what_fastavro_says(data):
    """Here fastavro has the logical types too: Python's dates, times and so on are the same."""
    moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001
    aware = moments.map(lambda moment: moment.replace(tzinfo=UTC))
    known = {
        "date": ("int", st.dates()),
        "time-millis": ("int", st.times().map(whole_millis)),
        "time-micros": ("long", st.times()),
        "timestamp-millis": ("long", aware.map(whole_millis)),
        "timestamp-micros": ("long", aware),
        "local-timestamp-millis": ("long", moments.map(whole_millis)),
        "local-timestamp-micros": ("long", moments),
    }
    fields = [
        {"name": f"f{i}", "type": {"type": kind, "logicalType": name}}
        for i, (name, (kind, _)) in enumerate(known.items())
    ]
    schema = {"type": "record", "name": "r", "fields": fields}
    row = st.fixed_dictionaries({f"f{i}": strategy for i, (_, strategy) in enumerate(known.values())})
    rows = data.draw(st.lists(row, max_size=4))
    out = io.BytesIO()
    for one in rows:
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema), one)
    type_ = parse_schema(schema)
    batch = pa.RecordBatch.from_pylist(rows, arrow_schema(type_))
    assert encode(batch, type_).tobytes() == out.getvalue()
    assert decode(out.getvalue(), len(rows), type_).to_pylist() == rows


def whole_millis(moment: datetime | time) -> datetime | time:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_timestamps_of_nanoseconds_and_uuids_and_durations():
    fields = [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-nanos"}},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-nanos"}},
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "packed", "type": {"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}},
        {"name": "span", "type": {"type": "fixed", "name": "d", "size": 12, "logicalType": "duration"}},
    ]
    schema = {"type": "record", "name": "r", "fields": fields}
    uuid, nanos = UUID(int=2**127 + 5), 1_764_000_000_123_456_789
    span = struct.pack("<III", 14, 3, 86_399_999)
    row = {"at": nanos, "local": -nanos, "id": str(uuid), "packed": uuid.bytes, "span": span}
    data = fastavro_bytes(schema, [row])
    type_ = parse_schema(schema)
    back = decode(data, 1, type_)
    assert back.schema.types == [
        pa.timestamp("ns", "UTC"),
        pa.timestamp("ns"),
        pa.string(),
        pa.binary(16),
        pa.binary(12),
    ]
    assert rows_of_batch(type_, back) == [row]
    assert encode(back, type_).tobytes() == data


BRANCHES = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "string": st.text(max_size=9),
    "bytes": st.text(max_size=9).map(str.encode),
}


@given(st.data())
@thoroughly(250)
def test_unions_of_several_types_are_read_where_the_reader_has_one(data):
    names = data.draw(st.lists(st.sampled_from(sorted(BRANCHES)), min_size=2, max_size=6, unique=True))
    wanted = data.draw(st.sampled_from([*BRANCHES]))
    reader_type = data.draw(
        st.sampled_from([wanted, ["null", wanted], [wanted, "null"], [wanted]][: 1 if wanted == "null" else 4])
    )
    nested = data.draw(st.booleans())

    def of(inner: object) -> dict:
        inner = {"type": "array", "items": inner} if nested else inner
        return {"type": "record", "name": "r", "fields": [{"name": "x", "type": inner}, {"name": "y", "type": "int"}]}

    branch = st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), BRANCHES[name]))
    items = st.lists(branch, max_size=3) if nested else branch
    rows = data.draw(st.lists(st.fixed_dictionaries({"x": items, "y": BRANCHES["int"]}), min_size=1, max_size=6))
    encoded = fastavro_bytes(of(names), rows)
    writer, reader = parse_schema(of(names)), parse_schema(of(reader_type))
    try:
        theirs = fastavro_rows(encoded, len(rows), of(names), of(reader_type))
    except fastavro.read.SchemaResolutionError:
        with pytest.raises(AvroError) as caught:
            decode(encoded, len(rows), writer, reader)
        assert caught.value.field == "x"
        return
    if not set(resolvable(wanted)) & set(names) - ({"null"} if "null" not in reader_type else set()):
        return  # fastavro reads on as long as there are no values; we say at once that there can be none
    found = decode(encoded, len(rows), writer, reader)
    found.validate(full=True)
    assert repr(rows_of_batch(reader, found)) == repr(as_read(theirs, wanted))
    assert decode(encoded, len(rows), writer, reader, select=["y"]).to_pylist() == [{"y": row["y"]} for row in rows]


def resolvable(reader: str) -> list[str]:
    """Primitive types that can be read as another, or are null."""
    wider = {"long": ["int"], "float": ["int", "long"], "double": ["int", "long", "float"]}
    return ["null", reader, *wider.get(reader, {"string": ["bytes"], "bytes": ["string"]}.get(reader, []))]


def as_read(rows: list[dict], reader: str) -> list[dict]:
    """fastavro's rows with floats of 32 bits: Python has none, so fastavro leaves integers exact when it promotes."""

    def rounded(value: object) -> object:
        if isinstance(value, list):
            return [rounded(one) for one in value]
        return struct.unpack("<f", struct.pack("<f", value))[0] if isinstance(value, float) else value

    return [{**row, "x": rounded(row["x"])} for row in rows] if reader == "float" else rows


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=20),
    st.lists(st.integers(0, 2**32 - 1), max_size=20),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20),
)
@thoroughly(100)
def test_every_bit_of_floats_and_timestamps_survives(doubles, floats, micros):
    doubles += [0x7FF0000000000001, 0xFFF8000000000000, 0x8000000000000000, 1]  # NaNs that signal and do not, -0.0
    floats += [0x7F800001, 0xFFC00000, 0x80000000, 1]
    bits = {"x": pa.array(doubles, pa.uint64()), "y": pa.array(floats, pa.uint32()), "t": pa.array(micros, pa.int64())}
    types = {"x": pa.float64(), "y": pa.float32(), "t": pa.timestamp("us", "UTC")}
    at = {"type": "long", "logicalType": "timestamp-micros"}
    kinds = {"x": "double", "y": "float", "t": at}
    fields = [{"name": name, "type": {"type": "array", "items": kind}} for name, kind in kinds.items()]
    type_ = parse_schema({"type": "record", "name": "r", "fields": fields})
    lists = [pa.ListArray.from_arrays([0, len(bits[name])], bits[name].view(types[name])) for name in kinds]
    back = decode(encode(pa.RecordBatch.from_arrays(lists, names=list(kinds)), type_), 1, type_)
    for name, given_ in bits.items():
        assert back.column(name).values.view(given_.type).equals(given_)

"""What a batch has to be, and what is said when it is not."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from numba import types

from beam_pipelines.avro import AvroError, AvroType, arrow_schema, decode, encode, parse_schema
from beam_pipelines.avro.encoder import Encoder
from beam_pipelines.avro.words import kernel


def record(**fields) -> AvroType:
    """A record of fields by name, whose types' names are those of the fields."""
    listed = [{"name": name, "type": type_} for name, type_ in fields.items()]
    return parse_schema({"type": "record", "name": "row", "fields": listed})


def inner(name: str, **fields) -> dict:
    return {"type": "record", "name": name, "fields": [{"name": one, "type": fields[one]} for one in fields]}


def array(items) -> dict:
    return {"type": "array", "items": items}


def decimal(precision: int, scale: int = 0) -> dict:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


SIZE = {"type": "enum", "name": "size", "symbols": ["S", "M", "L"]}
CITY = record(city="string")


def replaced(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    return batch.set_column(batch.schema.get_field_index(name), pa.field(name, values.type), values)


def refusal(batch: pa.RecordBatch, schema: AvroType) -> str:
    with pytest.raises(AvroError) as caught:
        encode(batch, schema)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_columns_may_come_in_any_order(batch, type_):
    shuffled = batch.select(list(reversed(batch.schema.names)))
    assert (encode(shuffled, type_) == encode(batch, type_)).all()
    lines = batch.column("lines")
    fields = [lines.values.field(i) for i in (2, 0, 1)]
    turned = pa.ListArray.from_arrays(lines.offsets, pa.StructArray.from_arrays(fields, ["tags", "sku", "price"]))
    assert (encode(replaced(batch, "lines", turned), type_) == encode(batch, type_)).all()


def test_an_empty_batch_is_no_bytes(batch, type_):
    assert encode(batch.slice(3, 0), type_).size == 0
    assert encode(pa.RecordBatch.from_pylist([], schema=batch.schema), type_).size == 0
    assert decode(b"", 0, type_).equals(batch.slice(0, 0))


@pytest.mark.parametrize(
    "text", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_an_empty_batch_has_arrays_without_buffers(text):
    schema = record(
        s="string", e=SIZE, a=array("string"), m={"type": "map", "values": array("string")}, n=["null", "int"]
    )
    types = [text, text, pa.list_(text), pa.map_(pa.string(), pa.large_list(text)), pa.null()]
    empty = pa.RecordBatch.from_arrays([pa.array([], one) for one in types], names=list("seamn"))
    assert encode(empty, schema).size == 0
    one = [pa.array([value], one) for value, one in zip(["x", "M", [], [], None], types, strict=True)]
    assert encode(pa.RecordBatch.from_arrays(one, names=list("seamn")), schema).tobytes() == b"\x02x\x02\0\0\0"


def test_large_strings_and_lists_and_views_are_the_same_strings_and_lists(type_, batch):
    lines, cities, origins = batch.column("lines"), batch.column("city"), batch.column("origin")
    for list_, text, raw in (
        (pa.large_list, pa.large_string(), pa.large_binary()),
        (pa.list_, pa.string_view(), pa.binary_view()),
    ):
        other = replaced(batch, "lines", lines.cast(list_(lines.type.value_field)))
        other = replaced(other, "city", cities.cast(text))
        addresses = [origins.field("ip").cast(raw)]
        other = replaced(other, "origin", pa.StructArray.from_arrays(addresses, ["ip"], mask=origins.is_null()))
        assert (encode(other, type_) == encode(batch, type_)).all()
        assert (encode(other.slice(4), type_) == encode(batch.slice(4), type_)).all()
        assert encode(other.slice(4, 0), type_).size == 0


def test_a_dictionary_may_hold_null_and_large_strings():
    codes = pa.array([2, 1, None, 0], pa.int8())
    cities = pa.DictionaryArray.from_arrays(codes, pa.array(["Mobile", None, "Memphis"], pa.large_string()))
    nullable = record(city=["null", "string"])
    data = encode(pa.record_batch({"city": cities}), nullable)
    assert decode(data, 4, nullable).column("city").to_pylist() == ["Memphis", None, None, "Mobile"]
    assert (encode(pa.record_batch({"city": cities.slice(1)}), nullable) == data[9:]).all()
    named = pa.DictionaryArray.from_arrays(pa.array([2, 1, 0]), cities.dictionary)
    expected = "field city: null in a required field: expected no null, got 1 of 3"
    assert refusal(pa.record_batch({"city": named}), CITY) == expected
    unused = pa.DictionaryArray.from_arrays(pa.array([2, 0]), cities.dictionary)
    assert encode(pa.record_batch({"city": unused}), CITY).tobytes() == b"\x0eMemphis\x0cMobile"


def test_the_size_of_a_dictionary_does_not_matter_to_its_codes():
    names = pa.array([f"city {i}" for i in range(70_000)])
    for index in (pa.int32(), pa.uint32(), pa.int64(), pa.uint64()):
        cities = pa.DictionaryArray.from_arrays(pa.array([69_999, 0], index), names)
        assert encode(pa.record_batch({"city": cities}), CITY).tobytes() == b"\x14city 69999\x0ccity 0"


@pytest.mark.parametrize(
    ("code", "index"),
    [
        (-1, pa.int8()),
        (2, pa.int8()),
        (127, pa.int8()),
        (255, pa.uint8()),
        (-(2**31), pa.int32()),
        (2**32 - 1, pa.uint32()),
        (2**32, pa.int64()),
        (-(2**63), pa.int64()),
        (2**64 - 1, pa.uint64()),
    ],
)
def test_a_code_outside_the_dictionary_is_named(code, index):
    indices = pa.array([0, code], index)
    for kind, values in (("string", ["a", "b"]), (SIZE, ["S", "M"])):
        cities = pa.DictionaryArray.from_arrays(indices, pa.array(values), safe=False)
        expected = f"field city: code at index 1 is outside the dictionary: expected 0 to 1, got {code}"
        assert refusal(pa.record_batch({"city": cities}), record(city=kind)) == expected


def test_a_code_outside_of_a_dictionary_with_nulls_is_named_too():
    cities = pa.DictionaryArray.from_arrays(pa.array([1, 7, 0], pa.int8()), pa.array(["a", None]), safe=False)
    expected = "field city: code at index 1 is outside the dictionary: expected 0 to 1, got 7"
    assert refusal(pa.record_batch({"city": cities}), record(city=["null", "string"])) == expected


def test_a_code_outside_the_dictionary_may_be_under_a_null():
    codes = pa.Array.from_buffers(pa.int8(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(b"\0\x63")])
    cities = pa.DictionaryArray.from_arrays(codes, pa.array(["a"]), safe=False)
    data = encode(pa.record_batch({"city": cities}), record(city=["string", "null"]))
    assert data.tobytes() == b"\0\x02a\x02"


@pytest.mark.parametrize(
    "given",
    [
        ["M", "L", "M"],
        pa.array(["M", "L", "M"], pa.large_string()),
        pa.array(["M", "L", "M"], pa.string_view()),
        pa.array(["M", "L", "M"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([2, 1, 0]), pa.array(["M", "L", "M", "not used"])),
    ],
)
def test_enums_come_as_strings_of_any_kind_in_any_order(given):
    assert encode(pa.record_batch({"size": given}), record(size=SIZE)).tobytes() == b"\x02\x04\x02"


def test_what_is_no_symbol_of_the_enum_is_named():
    for given in (["S", "XL", "M"], pa.array(["S", "XL", "M"]).dictionary_encode()):
        expected = "field size: value at index 1 is not a symbol of the enum: got 'XL'"
        assert refusal(pa.record_batch({"size": given}), record(size=SIZE)) == expected
    long = refusal(pa.record_batch({"size": ["\n" * 10_000]}), record(size=SIZE))
    assert len(long) < 1000


@pytest.mark.parametrize("digits", [1, 9, 18, 19, 38])
def test_decimals_of_more_digits_than_their_type_are_refused(digits):
    schema = record(x=decimal(digits))
    for sign in (1, -1):
        most = np.array([sign * (10**digits - 1) & (2**64 - 1), sign * (10**digits - 1) >> 64 & (2**64 - 1)], np.uint64)
        more = np.array([sign * 10**digits & (2**64 - 1), sign * 10**digits >> 64 & (2**64 - 1)], np.uint64)
        numbers = pa.py_buffer(np.concatenate([most, more]).tobytes())
        values = pa.Array.from_buffers(pa.decimal128(digits, 0), 2, [None, numbers])
        assert refusal(pa.record_batch({"x": values}), schema).startswith(
            f"field x: value at index 1 is out of range: expected decimal128({digits}, 0), got "
        )
        encode(pa.record_batch({"x": values.slice(0, 1)}), schema)


def test_unaligned_buffers_are_read():
    numbers = np.arange(5, dtype=np.int64)
    shifted = pa.py_buffer(b"\0" + numbers.tobytes()).slice(1)
    batch = pa.record_batch({"id": pa.Array.from_buffers(pa.int64(), 5, [None, shifted])})
    assert encode(batch, record(id="long")).tobytes() == bytes(range(0, 10, 2))


def test_what_is_under_a_null_record_is_not_looked_at():
    schema = record(r=["null", inner("i", n="long", s="string", e=SIZE, a=array("long"), d=decimal(3))])
    fields = [
        pa.array([1, None, 3]),
        pa.array(["a", None, "c"]).dictionary_encode(),
        pa.array(["S", "no symbol", "M"]),
        pa.array([[1], [None, None], []]),
        pa.Array.from_buffers(pa.decimal128(3, 0), 3, [None, pa.py_buffer(bytes(16) + b"\x7f" * 16 + bytes(16))]),
    ]
    records = pa.StructArray.from_arrays(fields, list("nsead"), mask=pa.array([False, True, False]))
    data = encode(pa.record_batch({"r": records}), schema)
    first = {"n": 1, "s": "a", "e": "S", "a": [1], "d": Decimal(0)}
    last = {"n": 3, "s": "c", "e": "M", "a": [], "d": Decimal(0)}
    assert decode(data, 3, schema).column("r").to_pylist() == [first, None, last]
    whole = pa.StructArray.from_arrays(fields, list("nsead"))
    assert refusal(pa.record_batch({"r": whole}), schema) == (
        "field r.n: null in a required field: expected no null, got 1 of 3"
    )


def test_a_null_under_a_null_record_in_another_is_not_looked_at():
    schema = record(o=["null", inner("o", i=["null", inner("i", x="int")], y="int")])
    xs, null = pa.array([1, None, None, 4], pa.int32()), pa.array([False, True, False, False])
    inside = pa.StructArray.from_arrays([xs], ["x"], mask=null)
    ys = pa.array([1, 2, None, 4], pa.int32())
    outside = pa.StructArray.from_arrays([inside, ys], ["i", "y"], mask=pa.array([False, False, True, False]))
    data = encode(pa.record_batch({"o": outside}), schema)
    expected = [{"i": {"x": 1}, "y": 1}, {"i": None, "y": 2}, None, {"i": {"x": 4}, "y": 4}]
    assert decode(data, 4, schema).column("o").to_pylist() == expected
    assert (encode(pa.record_batch({"o": outside.slice(1)}), schema) == data[4:]).all()


def test_a_null_list_may_have_items_of_any_kind():
    schema = record(a=["null", array(inner("i", x="string"))])
    items = pa.StructArray.from_arrays([pa.array(["a", None, None, "b"])], ["x"])
    offsets, bitmap = pa.py_buffer(np.array([0, 1, 3, 4], np.int32)), pa.py_buffer(b"\x05")
    lists = pa.Array.from_buffers(pa.list_(items.type), 3, [bitmap, offsets], children=[items])
    data = encode(pa.record_batch({"a": lists}), schema)
    assert decode(data, 3, schema).column("a").to_pylist() == [[{"x": "a"}], None, [{"x": "b"}]]


def test_nulls_in_lists_and_maps():
    schema = record(a=array(["null", "long"]), m={"type": "map", "values": [array(["string", "null"]), "null"]})
    rows = [{"a": [1, None], "m": {"k": ["x", None], "l": None}}, {"a": [], "m": {}}, {"a": [None], "m": {"": []}}]
    batch = pa.RecordBatch.from_pylist(rows, arrow_schema(schema))
    data = encode(batch, schema)
    assert decode(data, 3, schema).to_pylist(maps_as_pydicts="strict") == rows
    assert decode(encode(batch.slice(1), schema), 2, schema).to_pylist(maps_as_pydicts="strict") == rows[1:]


@pytest.mark.parametrize(
    "kind",
    ["boolean", "string", SIZE, decimal(5), array("int"), {"type": "map", "values": "int"}, inner("i", x="int")],
)
@pytest.mark.parametrize("null", [0, 1])
def test_a_column_of_nothing_but_nulls(kind, null):
    union = ["null", kind] if null == 0 else [kind, "null"]
    schema = record(x=union, a=array(["null", "int"]))
    for other in (None, pa.null()):
        inside = other or arrow_schema(schema).field("x").type
        batch = pa.record_batch(
            {"x": pa.nulls(3, inside), "a": pa.array([[None, None]] * 3, pa.list_(other or pa.int32()))}
        )
        branch = bytes([2 * null])
        data = encode(batch, schema).tobytes()
        assert data == (branch + b"\x04\0\0\0") * 3
        back = decode(data, 3, schema)
        back.validate(full=True)
        assert back.to_pylist() == batch.to_pylist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.drop_columns(["day"]), "field day: missing column: expected date32[day]"),
        (lambda b: b.append_column("x", b.column("id")), "field x: column is not in the schema"),
        (lambda b: b.append_column("a\nb", b.column("id")), "field a\\nb: column is not in the schema"),
        (
            lambda b: pa.RecordBatch.from_arrays([*b.columns, b.column("id")], names=[*b.schema.names, "id"]),
            "field id: two columns of one name",
        ),
        (
            lambda b: replaced(b, "id", b.column("id").cast(pa.int32())),
            "field id: type differs: expected int64, got int32",
        ),
        (
            lambda b: replaced(b, "at", b.column("at").cast(pa.timestamp("us"))),
            "field at: type differs: expected timestamp[us, tz=UTC], got timestamp[us]",
        ),
        (
            lambda b: replaced(b, "lines", b.column("id")),
            "field lines: type differs: expected list<item: struct<sku: string not null, price: decimal128(12, 2) not "
            "null, tags: list<item: string not null> not null> not null>, got int64",
        ),
        (
            lambda b: replaced(b, "origin", pa.array([{"ip": "text"}] * 10)),
            "field origin.ip: type differs: expected binary, got string",
        ),
        (
            lambda b: replaced(b, "origin", pa.array([{"ip": b"", "port": 1}] * 10)),
            "field origin.port: column is not in the schema",
        ),
        (lambda b: replaced(b, "id", pa.nulls(10)), "field id: type differs: expected int64, got null"),
        (
            lambda b: replaced(b, "city", b.column("id").dictionary_encode()),
            "field city: type differs: expected string, got dictionary<values=int64, indices=int32, ordered=0>",
        ),
        (
            lambda b: replaced(b, "id", pa.array([None, *range(9)])),
            "field id: null in a required field: expected no null, got 1 of 10",
        ),
        (
            lambda b: replaced(b, "lines", pa.array([None] * 10, b.column("lines").type)),
            "field lines: null in a required field: expected no null, got 10 of 10",
        ),
    ],
)
def test_a_batch_of_another_schema_is_refused(batch, type_, change, message):
    assert refusal(change(batch), type_) == message


def test_a_batch_that_is_refused_does_not_open_the_door(batch, type_):
    encoder = Encoder(type_)
    wrong = replaced(batch, "id", batch.column("id").cast(pa.int32()))
    for _ in range(2):
        with pytest.raises(AvroError, match="field id: type differs"):
            encoder.encode(wrong)
        assert encoder.encode(batch).size


@pytest.mark.parametrize(
    ("prices", "tags", "path", "expected", "got"),
    [
        (pa.array([Decimal("1.5")], pa.decimal128(12, 1)), [["a"]], "lines.price", "decimal128(12, 2)", None),
        (pa.array([None], pa.decimal128(12, 2)), [["a"]], "lines.price", "no null", "1 of 1"),
        (pa.array([Decimal("1.50")], pa.decimal128(12, 2)), [["a", None]], "lines.tags", "no null", "1 of 2"),
    ],
)
def test_nested_fields_are_named_by_their_path(prices, tags, path, expected, got):
    schema = record(lines=array(inner("i", sku="string", price=decimal(12, 2), tags=array("string"))))
    struct = pa.StructArray.from_arrays([pa.array(["a"]), prices, pa.array(tags)], ["sku", "price", "tags"])
    lines = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), struct)
    with pytest.raises(AvroError) as caught:
        encode(pa.record_batch({"lines": lines}), schema)
    assert caught.value.field == path
    assert str(caught.value.expected) == expected
    assert got is None or caught.value.got == got


@pytest.mark.parametrize("kind", [["int", "string"], ["null", "int", "string"], array(["int", "string"])])
def test_unions_of_several_types_cannot_be_written(kind):
    with pytest.raises(AvroError, match="field x: a union of several types has no Arrow type: expected null and one"):
        encode(pa.record_batch({"x": [1]}), record(x=kind))


def test_only_records_are_rows():
    with pytest.raises(AvroError, match="unusable Avro schema: expected a record, got array of int"):
        encode(pa.record_batch({"x": [1]}), parse_schema({"type": "array", "items": "int"}))


def test_rows_may_have_no_bytes():
    schema = record(n="null", r=inner("i", z="null", f={"type": "fixed", "name": "f", "size": 0}))
    records = pa.StructArray.from_arrays([pa.nulls(3), pa.array([b""] * 3, pa.binary(0))], ["z", "f"])
    assert encode(pa.record_batch({"n": pa.nulls(3), "r": records}), schema).size == 0


def test_room_grows_for_long_strings_after_short_ones_and_is_forgotten():
    encoder, short = Encoder(CITY), pa.record_batch({"city": ["ab"] * 1000})
    long = pa.record_batch({"city": ["x" * 5_000_000, "", "y" * 5_000_001]})
    for _ in range(3):
        assert encoder.encode(short).tobytes() == b"\x04ab" * 1000
        data = encoder.encode(long)
        assert data.size == 5_000_000 + 4 + 1 + 5_000_001 + 4
        assert decode(data, 3, CITY).column("city").equals(long.column("city"))
    many = pa.record_batch({"city": ["ab"] * 1_000_000})  # as long as those they would be terabytes
    assert encoder.encode(many).tobytes() == b"\x04ab" * 1_000_000


def test_more_rows_than_sixteen_bits_can_count():
    schema = record(id="long", a=array("int"), s=["null", "string"])
    ids = np.arange(70_000)
    lists = pa.ListArray.from_arrays(pa.array(np.arange(70_001), pa.int32()), pa.array(ids, pa.int32()))
    batch = pa.record_batch({"id": ids, "a": lists, "s": [None, "x"] * 35_000})
    back = decode(encode(batch, schema), 70_000, schema)
    assert back.column("id").equals(batch.column("id"))
    assert back.column("a").to_pylist() == batch.column("a").to_pylist()
    assert back.column("s").equals(batch.column("s"))


def test_kernels_compile_where_machine_code_cannot_be_kept():
    names: dict = {}
    exec("def twice(x): return 2 * x", names)  # numba keeps nothing for code that is in no file
    assert kernel(types.int64, result=types.int64)(names["twice"])(21) == 42


def test_blocks_can_be_encoded_and_decoded_by_threads(batch, type_):
    batches = [batch.slice(i % 10) for i in range(200)]
    with ThreadPoolExecutor(4) as threads:
        blocks = list(threads.map(lambda one: encode(one, type_), batches))
        found = list(threads.map(lambda block, one: decode(block, one.num_rows, type_), blocks, batches))
    assert all(other.equals(one) for other, one in zip(found, batches, strict=True))


@pytest.mark.parametrize("kind", [decimal(3), {**decimal(3), "type": "fixed", "name": "price", "size": 8}])
def test_decimals_are_not_dictionary_encoded(kind):
    prices = pa.array([Decimal(1)], pa.decimal128(3, 0)).dictionary_encode()
    found = refusal(pa.record_batch({"x": prices}), record(x=kind))
    assert found.startswith("field x: type differs: expected decimal128(3, 0), got dictionary<")

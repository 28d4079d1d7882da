"""Data that is wrong, and what is said about it."""

# ruff: noqa: E501 - one case a line

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.avro import AvroError, AvroType, decode, encode, parse_schema
from beam_pipelines.avro.decoder import Decoder
from beam_pipelines.avro.defaults import encoded_long as long
from beam_pipelines.avro.string_kernels import EMPTY, string_codes


def record(**fields) -> AvroType:
    listed = [{"name": name, "type": type_} for name, type_ in fields.items()]
    return parse_schema({"type": "record", "name": "row", "fields": listed})


def inner(**fields) -> dict:
    return {"type": "record", "name": "inner", "fields": [{"name": one, "type": fields[one]} for one in fields]}


def array(items) -> dict:
    return {"type": "array", "items": items}


def decimal(precision: int, **carrier) -> dict:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, **carrier}


def fixed(size: int) -> dict:
    return {"type": "fixed", "name": "code", "size": size}


LONG, TEXT, INT, MAYBE = record(x="long"), record(x="string"), record(x="int"), record(x=["null", "long"])
LONGS, MAP = record(x=array("long")), record(x={"type": "map", "values": "long"})
RECORDS = record(x=array(inner(a="double", x="string")))
ENUM = record(x={"type": "enum", "name": "size", "symbols": ["S", "M"]})
HUGE = b"\xff" * 9 + b"\x01"  # the lowest 64-bit number
MANY = b"\xfe" + b"\xff" * 8 + b"\x01"  # the highest


def refusal(data: bytes, schema: AvroType, rows: int = 1, **options) -> AvroError:
    with pytest.raises(AvroError) as caught:
        decode(data, rows, schema, **options)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("data", "schema", "message"),
    [
        (b"\x80", LONG, "at byte 0, field x: the data ends within a value"),
        (b"\xff" * 9 + b"\x02", LONG, "at byte 0, field x: a number of more than 64 bits"),
        (b"\x80" * 40, LONG, "at byte 0, field x: a number of more than 64 bits"),
        (b"\x80\x80\x80\x80\x10", INT, "at byte 0, field x: not an int: expected 32 bits, got 2147483648"),
        (b"\x81\x80\x80\x80\x10", INT, "at byte 0, field x: not an int: expected 32 bits, got -2147483649"),
        (b"\0\0\0", record(x="float"), "at byte 0: 1 rows of 4 bytes or more are not in 3 bytes"),
        (b"\0\0\0", record(x=["null", "float"]), "at byte 1: trailing bytes after the last row: expected the end, got 2 bytes more"),
        (b"\2\0\0\0", record(x=["null", "float"]), "at byte 1, field x: the data ends within a value"),
        (b"\2\0\0\0", record(x=["null", "double"]), "at byte 1, field x: the data ends within a value"),
        (b"\2\0\0\0", record(x=["null", fixed(4)]), "at byte 1, field x: the data ends within a value"),
        (b"\x06ab", TEXT, "at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got 3"),
        (b"\x01ab", TEXT, "at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got -1"),
        (MANY + b"a", TEXT, f"at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got {2**63 - 1}"),
        (b"\x02\xff", TEXT, "at byte 1, field x: invalid UTF-8: got b'\\xff'"),
        (b"\x06\xed\xa0\x80", TEXT, "at byte 1, field x: invalid UTF-8: got b'\\xed\\xa0\\x80'"),
        (b"\x02", record(x="boolean"), "at byte 0, field x: not a boolean: expected 0 or 1, got 2"),
        (b"\x04\0", MAYBE, "at byte 0, field x: not a branch of the union: expected the number of a branch, got 2"),
        (b"\x01\0", MAYBE, "at byte 0, field x: not a branch of the union: expected the number of a branch, got -1"),
        (b"\x02\0", record(x=["null"]), "at byte 0, field x: not a branch of the union: expected the number of a branch, got 1"),
        (b"\x04", ENUM, "at byte 0, field x: not a symbol of the enum: expected the number of a symbol, got 2"),
        (b"\x01", ENUM, "at byte 0, field x: not a symbol of the enum: expected the number of a symbol, got -1"),
        (b"\x08\0\0\0", LONGS, "at byte 0, field x: more array items than the bytes that are left can hold: got 4"),
        (MANY, LONGS, f"at byte 0, field x: more array items than the bytes that are left can hold: got {2**63 - 1}"),
        (HUGE + b"\0", LONGS, f"at byte 0, field x: more array items than the bytes that are left can hold: got {-(2**63)}"),
        (b"\x04\0\0\0", MAP, "at byte 0, field x: more array items than the bytes that are left can hold: got 2"),
        (b"\x02\x02\xff\0\0", MAP, "at byte 2, field x: invalid UTF-8: got b'\\xff'"),
        (b"\x04" + b"\0" * 17, RECORDS, "at byte 0, field x: more array items than the bytes that are left can hold: got 2"),
        (b"\x02\x02", LONGS, "at byte 2, field x: the data ends within a value"),
        (b"\x01\x08\x02\0", LONGS, "at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got 4"),
        (b"\x01\x01\x02\0", LONGS, "at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got -1"),
        (b"\x01\x04\x02\0\0", LONGS, "at byte 3, field x: an array block ends elsewhere than it says: expected its end here, got 4"),
        (b"\x02\x02", LONG, "at byte 1: trailing bytes after the last row: expected the end, got 1 bytes more"),
        (b"", LONG, "at byte 0: 1 rows of 1 bytes or more are not in 0 bytes"),
        (b"\x02\0", record(x=["null", decimal(9)]), "at byte 1, field x: decimal out of range: expected 1 byte or more, at most 9 digits, got 0 bytes"),
        (b"\x22\x01" + b"\0" * 16, record(x=decimal(9)), "at byte 0, field x: decimal out of range: expected 1 byte or more, at most 9 digits, got 17 bytes"),
        (b"\x04\x03\xe8", record(x=decimal(3)), "at byte 0, field x: decimal out of range: expected 1 byte or more, at most 3 digits, got 2 bytes"),
        (b"\x06\x03\xe8", record(x=decimal(3)), "at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got 3"),
        (b"\x27\x10", record(x=decimal(4, **fixed(2))), "at byte 0, field x: decimal out of range: expected 1 byte or more, at most 4 digits, got 2 bytes"),
        (long(86_400_000), record(x={"type": "int", "logicalType": "time-millis"}), None),
        (long(-1), record(x={"type": "long", "logicalType": "time-micros"}), None),
    ],
)  # fmt: skip
def test_the_message_says_where_and_what(data, schema, message):
    error = refusal(data, schema)
    assert error.field in ("x", None)
    assert message is None or str(error) == message


def test_errors_name_nested_fields():
    schema = record(x="long", r=array(inner(a="long", b=["null", "boolean"])))
    error = refusal(b"\x02\x02\x02\x05\0", schema)
    assert (error.field, error.offset, error.got) == ("r.b", 3, -3)
    schema = record(x="long", m={"type": "map", "values": ["null", inner(a="long", b="boolean")]})
    error = refusal(b"\x02\x02\x02k\x02\x02\x07\0", schema)
    assert (error.field, error.offset, error.got) == ("m.b", 6, 7)


@pytest.mark.parametrize("rows", [-1, 5, 2**40, 2**63, 2**80])
def test_a_wrong_number_of_rows_is_refused_before_memory_is_taken(rows):
    assert refusal(b"\0\0\0\0", LONG, rows).offset == 0


def test_no_rows_have_no_bytes():
    assert str(refusal(b"\0", LONG, 0)) == "at byte 0: trailing bytes after the last row: expected the end, got 1 more"


@pytest.mark.parametrize("precision", [1, 9, 18, 19, 27, 38])
@pytest.mark.parametrize("sign", [1, -1])
def test_decimals_reach_their_precision_and_no_further(precision, sign):
    limit = sign * (10**precision - 1)
    for length, carrier in ((b"\x20", {}), (b"", fixed(16))):
        schema = record(x=decimal(precision, **carrier))
        for number, fits in ((limit, True), (limit + sign, False)):
            data = length + number.to_bytes(16, "big", signed=True)
            if fits:
                assert decode(data, 1, schema).column("x").to_pylist() == [Decimal(number)]
            else:
                assert refusal(data, schema).problem == "decimal out of range"
        assert refusal(length + b"\x80" + b"\0" * 15, schema).problem == "decimal out of range"


@pytest.mark.parametrize("options", [{}, {"select": ["x"]}])
def test_arrays_may_come_in_several_blocks_with_and_without_sizes(options):
    data = b"\x02\x02" + b"\x03\x04\x04\x06" + b"\x04\x08\x0a" + b"\0" + b"\x01\x02\x0c\0" + b"\0"
    assert decode(data, 3, LONGS, **options).column("x").to_pylist() == [[1, 2, 3, 4, 5], [6], []]


def test_maps_may_too():
    data = b"\x02\x02a\x02" + b"\x03\x0c\x02b\x04\x02c\x06" + b"\0" + b"\0"
    found = decode(data, 2, MAP).to_pylist(maps_as_pydicts="strict")
    assert found == [{"x": {"a": 1, "b": 2, "c": 3}}, {"x": {}}]


def test_arrays_of_arrays_may_too():
    schema = record(r=array(inner(a=array("string"), b="long")), x="long")
    one = b"\x01\x04\x02p\x02\x02q\0\x02"  # a: ["p"] with its size, then ["q"]; b: 1
    two = b"\0\x04"  # a: []; b: 2
    blocks = b"\x03" + bytes([2 * (len(one) + len(two))]) + one + two + b"\x02" + two + b"\0"
    expected = [{"a": ["p", "q"], "b": 1}, {"a": [], "b": 2}, {"a": [], "b": 2}]
    data = (blocks + b"\x0e") * 2
    assert decode(data, 2, schema).to_pylist() == [{"r": expected, "x": 7}] * 2
    assert decode(data, 2, schema, select=["x"]).to_pylist() == [{"x": 7}] * 2
    assert decode(data, 2, schema, select=["r"]).to_pylist() == [{"r": expected}] * 2


@pytest.mark.parametrize("items", ["long", "string", ["null", "long"], array("int"), {"type": "map", "values": "int"}])
def test_a_passed_over_array_is_still_checked(items):
    schema = record(x=array(items), y="long")
    assert refusal(MANY + b"\0", schema, select=["y"]).field == "x"
    assert refusal(b"\x01\x7e\0\0", schema, select=["y"]).field == "x"
    assert refusal(b"\x04\0", schema, select=["y"]).field == "x"


def test_invalid_text_is_found_at_string_borders_and_in_dictionaries():
    data = b"\x02\xc3" + b"\x02\xa9"  # together they would be an é
    for options in ({}, {"dictionaries": True}):
        error = refusal(data, TEXT, 2, **options)
        assert (error.offset, error.field) == (1, "x")


def test_text_that_is_not_selected_is_not_looked_at():
    schema = record(x="string", y="long")
    assert decode(b"\x02\xff\x02", 1, schema, select=["y"]).to_pylist() == [{"y": 1}]


def test_dictionaries_are_in_order_of_first_appearance():
    words = [None, "b", "", "a", "b", None, "é" * 30, "a"]
    schema = record(x=["null", "string"])
    data = encode(pa.record_batch({"x": words}), schema)
    found = decode(data, 8, schema, dictionaries=True).column("x")
    assert found.type == pa.dictionary(pa.int32(), pa.string())
    assert found.to_pylist() == words
    assert [word for word in found.dictionary.to_pylist() if word] == ["b", "a", "é" * 30]


def test_many_distinct_strings_are_told_apart():
    words = [f"{i * 7919 % 30011:x}" for i in range(30_000)]
    data = encode(pa.record_batch({"x": words}), TEXT)
    assert decode(data, len(words), TEXT, dictionaries=True).column("x").to_pylist() == words


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 15, 16, 17, 24, 33])
def test_strings_that_differ_in_one_byte_only_are_told_apart(size):
    words = [b"\0" * at + b"\1" + b"\0" * (size - at - 1) for at in range(size)] + [b"\0" * size, b"\0" * (size + 1)]
    data = b"".join(long(len(word)) + word for word in words * 2)
    found = decode(data, 2 * len(words), TEXT, dictionaries=True).column("x")
    assert [word.encode() for word in found.to_pylist()] == words * 2
    assert [word.encode() for word in found.dictionary.to_pylist()] == words


def test_selecting_nothing_keeps_the_number_of_rows(batch, type_):
    found = decode(encode(batch, type_), 10, type_, select=[])
    assert (found.num_rows, found.num_columns) == (10, 0)


def test_selecting_what_is_not_there_is_refused(type_):
    error = refusal(b"\0", type_, select=["y"])
    assert str(error) == (
        "field y: selected column is not in the schema: expected one of id, city, gift, weight, day, at, lines, origin"
    )


def test_the_order_of_what_is_selected_is_the_schemas(batch, type_):
    assert decode(encode(batch, type_), 10, type_, select=["day", "id"]).schema.names == ["id", "day"]


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, pa.py_buffer])
def test_any_buffer_will_do(wrap, batch, type_):
    data = wrap(encode(batch, type_).tobytes())
    assert decode(data, 10, type_).equals(batch)


@pytest.mark.parametrize("schema", [record(), record(x="null"), record(x=fixed(0)), record(x=inner(y="null"))])
def test_rows_without_bytes_are_as_many_as_can_be_read_in_a_moment(schema):
    found = decode(b"", 2**16, schema)
    found.validate(full=True)
    assert found.num_rows == 2**16
    expected = f"too many rows of no bytes: expected at most {2**16}, got "
    assert str(refusal(b"", schema, 2**16 + 1)).startswith(expected)
    assert str(refusal(b"", schema, 2**63)).startswith(expected)
    assert str(refusal(b"", schema, -1)).startswith(expected)
    assert refusal(b"a", schema, 1).got == "1 bytes more"


@pytest.mark.parametrize("items", ["null", fixed(0), inner(), inner(y="null", z=fixed(0))])
@pytest.mark.parametrize("select", [None, ["y"]])
def test_so_are_items_without_bytes(items, select):
    schema = record(x=array(items), y="null", z=array("null"))
    most = long(2**16) + b"\0"
    assert decode(most + b"\0", 1, schema, select=select).num_rows == 1
    assert refusal(long(2**16 + 1) + b"\0\0", schema, select=select).field == "x"
    assert refusal(long(2**40) + b"\0\0", schema, select=select).field == "x"
    assert refusal(long(-(2**63)) + b"\0\0\0", schema, select=select).field == "x"
    assert refusal(most + most, schema, select=select).field == "z"  # in all arrays together
    assert refusal(most[:-1] + most + b"\0", schema, select=select).field == "x"


def test_items_of_many_fields_without_bytes_are_fewer():
    wide = inner(**{f"f{i}": {**fixed(0), "name": f"f{i}"} for i in range(1000)})
    assert decode(long(60) + b"\0", 1, record(x=array(wide))).column("x").value_lengths().to_pylist() == [60]
    assert refusal(long(2000) + b"\0", record(x=array(wide))).problem.startswith("more array items")
    assert refusal(b"", parse_schema(wide), 2000).expected == "at most 65"


def test_few_bytes_do_not_take_much_memory():
    for schema, data, rows in (
        (record(x=["null", fixed(2**30)]), b"\0\0\0", 3),
        (record(x=array(["null", fixed(2**28)])), long(3) + b"\0\0\0\0", 1),
    ):
        assert refusal(data, schema, rows).problem == "the rows take too much memory"
    absent = record(x=["null", fixed(2**30)])
    assert refusal(b"", record(x="null"), 9, reader=absent).problem == (
        "values that are not in the data take too much memory"
    )
    default = {"name": "y", "type": "string", "default": "d" * 10_000}
    reader = parse_schema({"type": "record", "name": "row", "fields": [default]})
    assert refusal(b"", record(), 2**16, reader=reader).field == "y"


def test_a_byte_may_stand_for_many_columns():
    """A record that is null is one byte, however many columns it has."""
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 38}
    wide = inner(**{f"f{i}": ["null", decimal] for i in range(500)})
    batch = decode(b"\0" * 50_000, 50_000, record(x=["null", wide]))
    assert batch.nbytes > 1 << 28
    assert batch.column("x").null_count == 50_000


def test_room_grows_for_many_items_after_few_and_is_forgotten():
    decoder = Decoder(record(x=array(array("int"))))
    few = (long(1) + long(1) + b"\x02\0\0") * 1000
    many = long(10_000) + (long(2) + b"\x02\x04\0") * 10_000 + b"\0"
    wide = long(1) + long(100_000) + b"\x02" * 100_000 + b"\0\0"
    for _ in range(3):
        assert decoder.decode(few, 1000).column("x").to_pylist() == [[[1]]] * 1000
        assert decoder.decode(many, 1).column("x").to_pylist() == [[[1, 2]] * 10_000]
        assert decoder.decode(wide, 1).column("x").to_pylist() == [[[1] * 100_000]]
        flat = decoder.decode(few * 100, 100_000).column("x")  # as many items a row as those would be too much
        assert flat.flatten().flatten().to_pylist() == [1] * 100_000


def test_a_long_string_after_short_ones():
    for text in ("short", "x" * 5_000_000, "short"):
        assert decode(long(len(text)) + text.encode(), 1, TEXT).to_pylist() == [{"x": text}]


def test_blocks_of_different_shapes_can_be_decoded_by_threads():
    decoder, rng = Decoder(LONGS), np.random.default_rng(1)
    rows = [[list(range(n)) for n in rng.integers(0, 10 ** rng.integers(1, 4), 20)] for _ in range(100)]
    blocks = [encode(pa.record_batch({"x": pa.array(one, pa.list_(pa.int64()))}), LONGS) for one in rows]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda block: decoder.decode(block, 20).column("x").to_pylist(), blocks))
    assert found == rows


@pytest.mark.parametrize("distinct", [127, 128, 129, 200, 255, 256, 511, 513, 2047, 2049])
def test_the_table_of_distinct_strings_does_not_grow_beyond_its_memory(distinct):
    """It grows in steps of four, and its memory is any power of two: the last step may have to be shorter."""
    words = [f"w{i}" for i in range(distinct)]
    data, size = encode(pa.record_batch({"x": words}), TEXT), 1 << (2 * distinct).bit_length()
    table = np.full(4 * size, EMPTY, np.int32)  # of which the last three quarters are not to be touched
    lengths = np.array([len(word) for word in words])
    positions = np.cumsum(lengths + 1) - lengths
    strings = (positions << 32 | lengths).astype(np.int64)
    codes, values = np.empty(distinct, np.int32), np.empty(distinct, np.int64)
    padded = np.concatenate([data, np.zeros(16, np.uint8)])
    addresses = [array.ctypes.data for array in (codes, values, strings, padded)]
    found = string_codes(addresses[0], addresses[1], table[:size], addresses[2], distinct, addresses[3])
    assert found == distinct
    assert codes.tolist() == list(range(distinct))
    assert set(table[size:].tolist()) == {EMPTY}

"""Data that is wrong, and what is said about it."""

# ruff: noqa: E501 - one case a line

from decimal import Decimal

import pyarrow as pa
import pytest

from beam_pipelines.avro import AvroError, decode, encode
from beam_pipelines.schema import Column, Type


def column(type_: Type, **options) -> tuple[Column, ...]:
    return (Column(name="x", type=type_, **options),)


LONG, TEXT, DATE = column(Type.INT64), column(Type.STRING), column(Type.DATE)
LONGS = column(Type.INT64, repeated=True)
RECORDS = column(Type.RECORD, repeated=True, fields=(Column(name="a", type=Type.FLOAT64), *column(Type.STRING)))
HUGE = b"\xff" * 9 + b"\x01"  # the lowest 64-bit number
MANY = b"\xfe" * 1 + b"\xff" * 8 + b"\x01"  # the highest


def refusal(data: bytes, columns: tuple[Column, ...], rows: int = 1, **options) -> AvroError:
    with pytest.raises(AvroError) as caught:
        decode(data, rows, columns, **options)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("data", "columns", "message"),
    [
        (b"\x80", LONG, "at byte 0, field x: the data ends within a value"),
        (b"\xff" * 9 + b"\x02", LONG, "at byte 0, field x: a number of more than 64 bits"),
        (b"\x80" * 40, LONG, "at byte 0, field x: a number of more than 64 bits"),
        (b"\x80\x80\x80\x80\x10", DATE, "at byte 0, field x: not a date: expected a 32-bit number of days, got 2147483648"),
        (b"\x06ab", TEXT, "at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got 3"),
        (b"\x01ab", TEXT, "at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got -1"),
        (MANY + b"a", TEXT, f"at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got {2**63 - 1}"),
        (b"\x02\xff", TEXT, "at byte 1, field x: invalid UTF-8: got b'\\xff'"),
        (b"\x02", column(Type.BOOLEAN), "at byte 0, field x: not a boolean: expected 0 or 1, got 2"),
        (b"\0" * 8, column(Type.RECORD, fields=(*DATE, Column(name="y", type=Type.FLOAT64))), None),
        (b"\x04\0", column(Type.INT64, nullable=True), "at byte 0, field x: not a branch of the union with null: expected 0 or 1, got 2"),
        (b"\x01\0", column(Type.INT64, nullable=True), "at byte 0, field x: not a branch of the union with null: expected 0 or 1, got -1"),
        (b"\x08\0\0\0", LONGS, "at byte 0, field x: more array items than the bytes that are left can hold: got 4"),
        (MANY, LONGS, f"at byte 0, field x: more array items than the bytes that are left can hold: got {2**63 - 1}"),
        (HUGE + b"\0", LONGS, f"at byte 0, field x: more array items than the bytes that are left can hold: got {-(2**63)}"),
        (b"\x04" + b"\0" * 17, RECORDS, "at byte 0, field x: more array items than the bytes that are left can hold: got 2"),
        (b"\x02\x02", LONGS, "at byte 2, field x: the data ends within a value"),
        (b"\x01\x08\x02\0", LONGS, "at byte 0, field x: a length beyond the end: expected 0 to the bytes that are left, got 4"),
        (b"\x01\x04\x02\0\0", LONGS, "at byte 3, field x: an array block ends elsewhere than it says: expected its end here, got 4"),
        (b"\x02\x02", LONG, "at byte 1: trailing bytes after the last row: expected the end, got 1"),
        (b"", LONG, "at byte 0: 1 rows, 1 bytes or more each, are not in 0 bytes"),
        (b"\x02\0", column(Type.NUMERIC, precision=9, nullable=True), "at byte 2, field x: decimal out of range: expected 1 to 16 bytes, at most 9 digits, got 0 bytes"),
        (b"\x22" + b"\0" * 17, column(Type.NUMERIC, precision=9), "at byte 1, field x: decimal out of range: expected 1 to 16 bytes, at most 9 digits, got 17 bytes"),
        (b"\x04\x03\xe8", column(Type.NUMERIC, precision=3), "at byte 1, field x: decimal out of range: expected 1 to 16 bytes, at most 3 digits, got unscaled 1000"),
    ],
)  # fmt: skip
def test_the_message_says_where_and_what(data, columns, message):
    error = refusal(data, columns)
    assert message is None or str(error) == message


def test_errors_name_nested_fields():
    fields = (Column(name="a", type=Type.INT64), Column(name="b", type=Type.BOOLEAN, nullable=True))
    columns = (*LONG, Column(name="r", type=Type.RECORD, repeated=True, fields=fields))
    error = refusal(b"\x02\x02\x02\x05\0", columns)
    assert (error.field, error.offset, error.got) == ("r.b", 3, -3)


@pytest.mark.parametrize("rows", [-1, 5, 2**40, 2**63, 2**80])
def test_a_wrong_number_of_rows_is_refused_before_memory_is_taken(rows):
    assert refusal(b"\0\0\0\0", LONG, rows).offset == 0


def test_no_rows_have_no_bytes():
    assert str(refusal(b"\0", LONG, 0)) == "at byte 0: trailing bytes after the last row: expected the end, got 1 more"


@pytest.mark.parametrize("precision", [1, 9, 18, 19, 27, 38])
@pytest.mark.parametrize("sign", [1, -1])
def test_decimals_reach_their_precision_and_no_further(precision, sign):
    columns, limit = column(Type.NUMERIC, precision=precision), sign * (10**precision - 1)
    for number, fits in ((limit, True), (limit + sign, False)):
        data = b"\x20" + number.to_bytes(16, "big", signed=True)
        if fits:
            assert decode(data, 1, columns).column("x").to_pylist() == [Decimal(number)]
        else:
            assert refusal(data, columns).got == f"unscaled {number}"
    assert refusal(b"\x20\x80" + b"\0" * 15, columns).got == f"unscaled {-(2**127)}"


def test_arrays_may_come_in_several_blocks_with_and_without_sizes():
    data = b"\x02\x02" + b"\x03\x04\x04\x06" + b"\x04\x08\x0a" + b"\0" + b"\x01\x02\x0c\0" + b"\0"
    for options in ({}, {"select": {"x"}}):
        assert decode(data, 3, LONGS, **options).column("x").to_pylist() == [[1, 2, 3, 4, 5], [6], []]


def test_arrays_of_arrays_may_too():
    inner = (Column(name="a", type=Type.STRING, repeated=True), Column(name="b", type=Type.INT64))
    columns = (Column(name="r", type=Type.RECORD, repeated=True, fields=inner), *LONG)
    one = b"\x01\x04\x02p\x02\x02q\0\x02"  # a: ["p"] with its size, then ["q"]; b: 1
    two = b"\0\x04"  # a: []; b: 2
    blocks = b"\x03" + bytes([2 * (len(one) + len(two))]) + one + two + b"\x02" + two + b"\0"
    expected = [{"a": ["p", "q"], "b": 1}, {"a": [], "b": 2}, {"a": [], "b": 2}]
    data = (blocks + b"\x0e") * 2
    assert decode(data, 2, columns).to_pylist() == [{"r": expected, "x": 7}] * 2
    assert decode(data, 2, columns, select=["x"]).to_pylist() == [{"x": 7}] * 2
    assert decode(data, 2, columns, select=["r"]).to_pylist() == [{"r": expected}] * 2


def test_a_passed_over_array_is_still_checked():
    columns = (*LONGS, Column(name="y", type=Type.INT64))
    assert refusal(MANY, columns, select=["y"]).field == "x"
    assert refusal(b"\x01\x7e\0\0", columns, select=["y"]).field == "x"
    assert refusal(b"\x04\0", columns, select=["y"]).field == "x"


def test_invalid_text_is_found_at_string_borders_and_in_dictionaries():
    data = b"\x02\xc3" + b"\x02\xa9"  # together they would be an é
    for options in ({}, {"dictionaries": True}):
        error = refusal(data, TEXT, 2, **options)
        assert (error.offset, error.field) == (1, "x")


def test_dictionaries_are_in_order_of_first_appearance():
    words = [None, "b", "", "a", "b", None, "é" * 30, "a"]
    columns = column(Type.STRING, nullable=True)
    data = encode(pa.record_batch({"x": words}), columns)
    found = decode(data, 8, columns, dictionaries=True).column("x")
    assert found.type == pa.dictionary(pa.int32(), pa.string())
    assert found.to_pylist() == words
    assert [word for word in found.dictionary.to_pylist() if word] == ["b", "a", "é" * 30]


def test_many_distinct_strings_are_told_apart():
    words = [f"{i * 7919 % 30011:x}" for i in range(30_000)]
    data = encode(pa.record_batch({"x": words}), TEXT)
    assert decode(data, len(words), TEXT, dictionaries=True).column("x").to_pylist() == words


def test_selecting_nothing_keeps_the_number_of_rows(batch, columns):
    found = decode(encode(batch, columns), 10, columns, select=[])
    assert (found.num_rows, found.num_columns) == (10, 0)


def test_selecting_what_is_not_there_is_refused():
    error = refusal(b"\0", LONG, select=["y"])
    assert str(error) == "field y: selected column is not in the schema: expected ['x'], got nothing of that name"


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, pa.py_buffer])
def test_any_buffer_will_do(wrap, batch, columns):
    data = wrap(encode(batch, columns).tobytes())
    assert decode(data, 10, columns).equals(batch)


def test_no_columns_are_any_number_of_rows():
    assert decode(b"", 2**40, ()).num_rows == 2**40
    assert refusal(b"", (), 2**63).offset == 0
    assert refusal(b"a", (), 1).got == "1 more"

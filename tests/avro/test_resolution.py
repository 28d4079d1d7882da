"""Data written with one schema and read with another: the rules of the specification, one by one."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from beam_pipelines.avro import AvroError, decode, parse_schema
from tests.avro.json_schemas import decimal, enum, fixed, record
from tests.avro.resolved import changed, refusal, resolved

# Records: "the ordering of fields may be different: fields are matched by name".


def test_fields_may_be_in_another_order():
    writer, reader = record(("a", "int"), ("b", "string")), record(("b", "string"), ("a", "int"))
    assert resolved(writer, reader, [{"a": 1, "b": "x"}]) == [{"b": "x", "a": 1}]


def test_fields_of_the_same_name_are_resolved_recursively():
    writer = record(("r", record(("a", "int"), ("b", "int"), name="inner")))
    reader = record(("r", record(("b", ["null", "double"]), name="inner")))
    assert resolved(writer, reader, [{"r": {"a": 1, "b": 2}}]) == [{"r": {"b": 2.0}}]


@pytest.mark.parametrize(
    ("gone", "value"),
    [
        ("null", None),
        ("boolean", True),
        ("long", -(2**63)),
        ("float", 1.5),
        ("double", 2.5),
        ("bytes", b"\xff" * 300),
        ("string", "gone" * 50),
        (enum("S", "M"), "M"),
        (fixed(5), b"12345"),
        ({"type": "array", "items": {"type": "array", "items": "string"}}, [["a"], [], ["b", "c"]]),
        ({"type": "map", "values": ["null", "long"]}, {"a": None, "b": 70}),
        (record(("p", "long"), ("q", ["string", "null"]), name="inner"), {"p": 300, "q": "x"}),
        (["int", "string", {"type": "array", "items": "int"}, "null"], [1, 2, 3]),
    ],
)
def test_a_field_that_the_reader_does_not_have_is_ignored(gone, value):
    writer = record(("a", "int"), ("gone", gone), ("b", "int"))
    rows = [{"a": 1, "gone": value, "b": 2}, {"a": 3, "gone": value, "b": 4}]
    assert resolved(writer, record(("a", "int"), ("b", "int")), rows) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        ("null", None, None),
        ("boolean", True, True),
        ("int", -(2**31), -(2**31)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("float", 1, 1.0),
        ("double", -2.5, -2.5),
        ("string", "Größe 💶", "Größe 💶"),
        ("bytes", "\u00ff\u0000a", b"\xff\0a"),
        (fixed(2), "\u00ff\u0001", b"\xff\x01"),
        (fixed(0), "", b""),
        (enum("S", "M", "L"), "L", "L"),
        ({"type": "array", "items": "long"}, [1, -300], [1, -300]),
        ({"type": "array", "items": {"type": "array", "items": "string"}}, [["a"], []], [["a"], []]),
        ({"type": "map", "values": ["null", "string"]}, {"a": None, "b": "c"}, {"a": None, "b": "c"}),
        (record(("p", "int"), {"name": "q", "type": "string", "default": "-"}, name="i"), {"p": 1}, {"p": 1, "q": "-"}),
        (record(name="none"), {}, {}),
        (["null", "string"], None, None),
        (["string", "null"], "text", "text"),
        (["null", "string"], "text", "text"),  # since 1.12 it may be of any branch
        (["string", "null"], None, None),
        (["null", record(("p", "int"), name="i")], {"p": 5}, {"p": 5}),
        (decimal(5, 2), "\u0001\u0000", Decimal("2.56")),
        (decimal(4, 1, fixed(2)), "\u00ff\u00ff", Decimal("-0.1")),
        ({"type": "int", "logicalType": "date"}, 1, date(1970, 1, 2)),
    ],
)
def test_a_field_that_the_writer_does_not_have_gets_its_default(kind, default, value):
    reader = record(("a", "int"), {"name": "x", "type": kind, "default": default})
    found = resolved(record(("a", "int")), reader, [{"a": 1}, {"a": 2}], as_fastavro=False)
    assert found == [{"a": 1, "x": value}, {"a": 2, "x": value}]
    assert type(found[0]["x"]) is type(value)


def test_a_default_is_used_in_arrays_maps_and_nullable_records_too():
    def inner(*more: Any) -> dict:
        item = record(("p", "int"), *more, name="item")
        pairs = record(("q", "int"), *more, name="pair")
        maybe = record(("r", "int"), *more, name="maybe")
        nested = [
            ("a", {"type": "array", "items": item}),
            ("m", {"type": "map", "values": pairs}),
            ("o", ["null", maybe]),
        ]
        return record(*nested)

    rows = [{"a": [{"p": 1}, {"p": 2}], "m": {"k": {"q": 3}}, "o": None}, {"a": [], "m": {}, "o": {"r": 4}}]
    reader = inner({"name": "x", "type": "string", "default": "d"})
    assert resolved(inner(), reader, rows) == [
        {"a": [{"p": 1, "x": "d"}, {"p": 2, "x": "d"}], "m": {"k": {"q": 3, "x": "d"}}, "o": None},
        {"a": [], "m": {}, "o": {"r": 4, "x": "d"}},
    ]


def test_a_default_is_dictionary_encoded_where_strings_are():
    writer, reader = record(("a", "int")), record({"name": "x", "type": "string", "default": "d"})
    found = decode(b"\0\0", 2, parse_schema(writer), parse_schema(reader), dictionaries=True)
    found.validate(full=True)
    assert found.schema.field("x").type == pa.dictionary(pa.int32(), pa.string())
    assert found.column("x").to_pylist() == ["d", "d"]


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("int", 2**31),
        ("long", 2**63),
        ("long", 1.5),
        ("long", True),
        ("boolean", 0),
        ("string", 5),
        ("bytes", "\u0100"),
        ("double", "1"),
        (fixed(2), "a"),
        (enum("S"), "M"),
        ({"type": "array", "items": "int"}, {"a": 1}),
        ({"type": "map", "values": "int"}, [1]),
        (record(("p", "int"), name="i"), {}),
        (record(("p", "int"), name="i"), {"p": 1, "q": 2}),
        ("null", 0),
        (["null", "int"], "x"),
        (decimal(1, 0), "\u0010"),
        (decimal(1, 0), ""),
    ],
)
def test_a_default_of_another_type_is_refused(kind, default):
    reader = record({"name": "x", "type": kind, "default": default})
    with pytest.raises(AvroError) as caught:
        decode(b"\0", 1, parse_schema(record(("a", "int"))), parse_schema(reader))
    assert (caught.value.problem, caught.value.field) == ("bad default", "x")
    assert "\n" not in str(caught.value)


def test_a_field_without_default_that_the_writer_does_not_have_is_an_error():
    writer, reader = record(("r", record(("a", "int"), name="i"))), record(("r", record(("b", "int"), name="i")))
    with pytest.raises(AvroError) as caught:
        decode(b"\0", 1, parse_schema(writer), parse_schema(reader))
    assert str(caught.value) == ("field r.b: field is not in the data and has no default: expected int, got fields a")


def test_a_field_that_is_not_selected_may_be_missing():
    writer, reader = parse_schema(record(("a", "int"))), parse_schema(record(("a", "int"), ("b", "int")))
    assert decode(b"\2", 1, writer, reader, select=["a"]).to_pylist() == [{"a": 1}]


# Aliases.


def test_a_field_is_found_under_an_earlier_name():
    reader = record({"name": "new", "type": "long", "aliases": ["older", "old"]})
    assert resolved(record(("old", "int")), reader, [{"old": 1}]) == [{"new": 1}]


def test_a_fields_own_name_goes_before_an_alias():
    reader = record({"name": "a", "type": "int", "aliases": ["b"], "default": 0}, ("b", "int"))
    assert resolved(record(("b", "int")), reader, [{"b": 1}]) == [{"a": 0, "b": 1}]
    writer = record(("b", "int"), ("a", "int"))
    only = record({"name": "a", "type": "int", "aliases": ["b"]})
    assert resolved(writer, only, [{"b": 1, "a": 2}], as_fastavro=False) == [{"a": 2}]


def test_selecting_a_field_does_not_give_it_anothers_data():
    reader = record({"name": "a", "type": "int", "aliases": ["b"], "default": 0}, ("b", "int"))
    found = decode(b"\2", 1, parse_schema(record(("b", "int"))), parse_schema(reader), select=["a"])
    assert found.to_pylist() == [{"a": 0}]


@pytest.mark.parametrize("alias", ["old", "there.old", "elsewhere.old"])
def test_named_types_are_found_under_an_earlier_name(alias):
    for writer, reader, value in (
        (record(("p", "int"), name="old"), record(("p", "int"), name="new", aliases=[alias]), {"p": 1}),
        (enum("S", name="old"), enum("S", name="new", aliases=[alias]), "S"),
        (fixed(1, name="old"), fixed(1, name="new", aliases=[alias]), b"a"),
    ):
        found = changed({**writer, "namespace": "there"}, reader, value, as_fastavro=alias == "there.old")
        assert found == [value]
        assert "cannot be read as another type" in refusal(writer, {**reader, "aliases": ["other"]}, value)


# "both schemas are enums / fixed / records whose (unqualified) names match".


def test_names_match_without_their_namespaces():
    assert changed(enum("S", name="a.size"), enum("S", name="b.size"), "S") == ["S"]
    assert changed(fixed(1, name="a.code"), fixed(1, name="code"), b"x") == [b"x"]
    inner = record(("p", "int"), name="i", namespace="a.b")
    assert changed(inner, record(("p", "int"), name="i"), {"p": 1}) == [{"p": 1}]


def test_types_of_other_names_do_not_match():
    assert refusal(enum("S"), enum("S", name="other"), "S") == (
        "field x: cannot be read as another type: expected enum other, got enum size"
    )
    writer, reader = parse_schema(record(("a", "int"))), parse_schema(record(("a", "int"), name="other"))
    with pytest.raises(AvroError, match=r"^cannot be read as another type: expected record other, got record row$"):
        decode(b"\0", 1, writer, reader)


def test_fixed_of_another_size_does_not_match():
    assert refusal(fixed(2), fixed(3), b"ab") == "field x: fixed of another size: expected 3, got 2"


# Enums.


def test_enums_are_matched_by_symbol():
    assert changed(enum("S", "M", "L"), enum("L", "S", "M"), "S", "L", "M") == ["S", "L", "M"]


def test_a_symbol_that_the_reader_does_not_have_becomes_its_default():
    assert changed(enum("S", "M", "L"), enum("S", "other", default="other"), "M", "S", "L") == ["other", "S", "other"]


def test_a_symbol_that_the_reader_does_not_have_is_an_error_where_it_comes():
    writer, reader = enum("S", "M"), enum("S")
    assert changed(writer, reader, "S", "S") == ["S", "S"]
    assert refusal(writer, reader, "S", "M") == (
        "at byte 1, field x: a symbol that the reader's enum does not have: "
        "expected a symbol of the reader's enum size, got M"
    )


# Arrays and maps.


def test_items_of_arrays_and_values_of_maps_are_resolved_recursively():
    def nested(leaf: Any) -> dict:
        return {"type": "array", "items": {"type": "map", "values": {"type": "array", "items": leaf}}}

    value = [{"a": [1, 2], "b": []}, {}]
    assert changed(nested("int"), nested("double"), value, []) == [value, []]
    assert refusal(nested("string"), nested("int")) == (
        "field x: cannot be read as another type: expected int, got string"
    )


# Promotions.

NUMBERS = [0, 1, -1, 2**24 - 1, -(2**31), 2**31 - 1]
PROMOTIONS = {
    ("int", "long"): NUMBERS,
    ("int", "float"): NUMBERS[:-1],
    ("int", "double"): NUMBERS,
    ("long", "float"): [*NUMBERS[:-1], 2**40, -(2**63)],
    ("long", "double"): [*NUMBERS, 2**53, -(2**63)],
    ("float", "double"): [0.5, -1.25, float("inf")],
    ("string", "bytes"): ["", "é", "x" * 70],
    ("bytes", "string"): [b"", "é".encode(), b"x" * 70],
}
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]


@pytest.mark.parametrize(("writer", "reader"), PROMOTIONS)
def test_promotions(writer, reader):
    numbers = PROMOTIONS[writer, reader]
    for wide in (reader, ["null", reader], [reader, "null"], [reader]):
        found = changed(writer, wide, *numbers)
        assert {type(value) for value in found} == {{"long": int, "bytes": bytes, "string": str}.get(reader, float)}
        assert changed(["null", writer], ["null", reader], None, *numbers) == [None, *found]
        assert changed({"type": "array", "items": writer}, {"type": "array", "items": reader}, numbers) == [found]


@pytest.mark.parametrize("writer", PRIMITIVES)
@pytest.mark.parametrize("reader", PRIMITIVES)
def test_nothing_else_is_promoted(writer, reader):
    if writer != reader and (writer, reader) not in PROMOTIONS:
        expected = f"field x: cannot be read as another type: expected {reader}, got {writer}"
        assert refusal(writer, reader) == expected
        if "null" not in (writer, reader):
            assert refusal(writer, ["null", reader]) == expected


KINDS = {
    "int": "int",
    "string": "string",
    "bytes": "bytes",
    "array": {"type": "array", "items": "int"},
    "map": {"type": "map", "values": "int"},
    "record": record(("p", "int"), name="one"),
    "enum": enum("S", name="one"),
    "fixed": fixed(4, name="one"),
}


@pytest.mark.parametrize("writer", KINDS)
@pytest.mark.parametrize("reader", KINDS)
def test_other_kinds_of_types_do_not_match_whatever_their_names(writer, reader):
    if writer != reader and {writer, reader} != {"string", "bytes"}:
        for wrapped in (lambda type_: type_, lambda type_: {"type": "array", "items": type_}):
            text = refusal(wrapped(KINDS[writer]), wrapped(KINDS[reader]))
            assert text.startswith("field x: cannot be read as another type: expected ")
            assert writer in text.partition(", got ")[2]


def test_promoted_bytes_have_to_be_text():
    assert refusal("bytes", "string", b"ok", b"\xff") == "at byte 4, field x: invalid UTF-8: got b'\\xff'"


def test_an_int_that_is_promoted_has_32_bits():
    writer, reader = parse_schema(record(("x", "int"))), parse_schema(record(("x", "double")))
    with pytest.raises(AvroError, match="field x: not an int: expected 32 bits, got 2147483648"):
        decode(b"\x80\x80\x80\x80\x10", 1, writer, reader)

"""Unions and logical types that are read with another schema than they were written with."""

from datetime import date
from decimal import Decimal

from tests.avro.json_schemas import decimal, fixed, record
from tests.avro.resolved import changed, refusal

# "If both are unions", "if reader's is a union, but writer's is not", "if writer's is a union, but reader's is not".


def test_both_are_unions_of_another_order():
    assert changed(["null", "int"], ["long", "null"], 1, None, -5) == [1, None, -5]
    assert changed(["int", "null"], ["null", "int"], 1, None) == [1, None]


def test_both_are_unions_and_a_branch_is_in_the_data_that_the_reader_does_not_have():
    writer = ["null", "string", "int"]
    assert changed(writer, ["null", "long"], 1, None) == [1, None]
    assert refusal(writer, ["null", "long"], 1, "text") == (
        "at byte 2, field x: a branch of the union that the reader has no room for: got string"
    )


def test_reader_is_a_union_and_writer_is_not():
    assert changed("int", ["null", "int"], 1) == [1]
    assert changed("null", ["null", "int"], None) == [None]
    assert changed("null", ["int", "null"], None, None) == [None, None]
    inner = record(("p", ["null", "string"]), ("q", {"type": "array", "items": "int"}), name="i")
    assert changed("null", ["null", inner], None, None) == [None, None]
    assert changed(inner, ["null", inner], {"p": "a", "q": [1]}) == [{"p": "a", "q": [1]}]


def test_writer_is_a_union_and_reader_is_not():
    assert changed(["null", "int"], "long", 1, 2) == [1, 2]
    assert changed(["string", "int", "bytes"], "string", "a", b"b") == ["a", "b"]
    assert changed(["int", "long", "float", "double"], "double", 5, 0.5) == [5.0, 0.5]


def test_null_for_a_required_field_is_an_error_at_that_row():
    assert refusal(["null", "int"], "int", 1, 2, None) == (
        "at byte 4, field x: a branch of the union that the reader has no room for: got null"
    )


def test_a_union_of_which_no_branch_fits_is_refused_at_once():
    assert refusal(["null", "int"], "string") == "field x: cannot be read as another type: expected string, got int"
    assert "got union of boolean, int" in refusal(["boolean", "int"], "string")


def test_branches_that_are_records_are_matched_by_name():
    first, second = record(("p", "int"), name="first"), record(("q", "string"), name="second")
    for reader, value in ((first, {"p": 1}), (second, {"q": "a"})):
        assert changed(["null", first, second], ["null", reader], value, None) == [value, None]


def test_only_one_branch_may_become_a_record():
    first, second = record(("p", "int"), name="first"), record(("p", "int"), name="second")
    text = refusal([first, second], record(("p", "int"), name="first", aliases=["second"]))
    assert text.startswith("field x: several branches become one record: expected at most one")


def test_several_types_have_no_arrow_type():
    assert refusal("int", ["int", "string"]) == (
        "field x: a union of several types has no Arrow type: expected null and one type, got union of int, string"
    )


def test_nullable_records_with_everything_in_them():
    inner = record(
        ("a", ["null", "string"]),
        ("b", {"type": "array", "items": ["null", "int"]}),
        ("c", ["null", record(("d", "double"), ("e", {"type": "map", "values": "long"}), name="deep")]),
        name="inner",
    )
    value = {"a": None, "b": [1, None], "c": {"d": 0.5, "e": {"k": 1}}}
    rows = [value, None, {**value, "c": None}, None, {"a": "x", "b": [], "c": {"d": 1.0, "e": {}}}]
    assert changed([inner, "null"], ["null", inner], *rows) == rows
    wider = ["null", "string", inner, "long"]
    assert changed(wider, ["null", inner], *rows) == rows


# Logical types.


def test_decimals_match_only_of_one_precision_and_scale():
    assert changed(decimal(9, 2), decimal(9, 2), Decimal("1.25")) == [Decimal("1.25")]
    for reader in (decimal(9, 3), decimal(10, 2)):
        assert refusal(decimal(9, 2), reader) == (
            f"field x: cannot be read as another type: expected bytes (decimal {reader['precision']}, "
            f"{reader['scale']}), got bytes (decimal 9, 2)"
        )
    assert "cannot be read" in refusal(decimal(9, 2), decimal(9, 2, fixed(4)))


def test_a_logical_type_of_one_side_only_leaves_the_underlying_value():
    day = {"type": "int", "logicalType": "date"}
    assert changed("int", day, 1, as_fastavro=False) == [date(1970, 1, 2)]
    assert changed(day, "int", 1, as_fastavro=False) == [1]
    assert changed(day, "long", 1, as_fastavro=False) == [1]
    assert changed("bytes", decimal(5, 1), b"\x01\x00", as_fastavro=False) == [Decimal("25.6")]
    assert changed(decimal(5, 1), "bytes", Decimal("25.6"), as_fastavro=False) == [b"\x01\x00"]
    uuid = {"type": "string", "logicalType": "uuid"}
    assert changed(uuid, "string", "a", as_fastavro=False) == ["a"]


def test_values_of_other_meaning_do_not_match():
    millis, micros = ({"type": "long", "logicalType": f"timestamp-{unit}"} for unit in ("millis", "micros"))
    assert refusal(millis, micros) == (
        "field x: cannot be read as another type: expected long (timestamp-micros), got long (timestamp-millis)"
    )
    assert "cannot be read" in refusal(millis, {"type": "long", "logicalType": "local-timestamp-millis"})
    assert "cannot be read" in refusal({"type": "int", "logicalType": "time-millis"}, micros)
    assert "cannot be read" in refusal("string", decimal(5, 1))
    assert "cannot be read" in refusal(decimal(5, 1), "string")

"""Schemas: what their names mean, and what is said of those that are not Avro's."""

# ruff: noqa: E501 - one case a line

import json
import time
from contextlib import suppress
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.avro import AvroError, arrow_schema, decode, parse_schema
from beam_pipelines.avro.schema import MAX_DEPTH, MAX_TYPES, Kind, Logical
from tests.avro.generated import schemas, thoroughly
from tests.avro.json_schemas import enum, fixed, record


def refusal(schema: Any) -> str:
    with pytest.raises(AvroError) as caught:
        parse_schema(schema)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    return str(caught.value)


UNUSABLE = "unusable Avro schema: expected "
FIELD = UNUSABLE + "a field with a name of letters, digits and underscores, got "
NAME = UNUSABLE + "letters, digits and underscores in names, with dots between, got "
DIFFERENT = UNUSABLE + "a union of different types that are not unions, got "


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        # Not JSON.
        ("", "the schema is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("{", "the schema is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("{'type': 'int'}", "the schema is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("int int", "the schema is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ({"type": b"int"}, "the schema is not JSON: Object of type bytes is not JSON serializable"),
        ({"type": "int", "doc": 10**5000}, "the schema is not JSON: Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"),
        # Not types.
        ("1", UNUSABLE + "a type, got 1"),
        ("null", UNUSABLE + "a type, got null"),
        ("true", UNUSABLE + "a type, got true"),
        ("integer", UNUSABLE + 'a type, got "integer"'),
        ({}, UNUSABLE + "a type, got {}"),
        ({"type": 5}, UNUSABLE + 'a type, got {"type": 5}'),
        ({"type": None}, UNUSABLE + 'a type, got {"type": null}'),
        ({"type": "Int"}, UNUSABLE + 'a type, got "Int"'),
        ({"type": "record"}, UNUSABLE + "a name of the record, got null"),
        (record(("x", "Unknown")), "field x: " + UNUSABLE + 'a type, got "Unknown"'),
        (record(("x", record(("y", {"type": "array", "items": ["null", "no.such"]}), name="i"))), "field x.y: " + UNUSABLE + 'a type, got "no.such"'),
        (record(("x", "record")), "field x: " + UNUSABLE + 'a type, got "record"'),
        (record(("x", "\n" * 1000)), "field x: " + UNUSABLE + 'a type, got "' + "\\n" * 38 + "..."),
        # Arrays, maps and unions.
        ({"type": "array"}, UNUSABLE + "items of the array, got none"),
        (record(("m", {"type": "map", "items": "int"})), "field m: " + UNUSABLE + "values of the map, got none"),
        (record(("m", {"type": "map", "values": {"type": "array"}})), "field m: " + UNUSABLE + "items of the array, got none"),
        ([], UNUSABLE + "a union of one type or more, got an empty one"),
        ({"type": "array", "items": []}, UNUSABLE + "a union of one type or more, got an empty one"),
        (["int", ["null", "string"]], DIFFERENT + '["int", ["null", "string"]]'),
        (record(("x", ["int", "int"])), "field x: " + DIFFERENT + '["int", "int"]'),
        (["null", "null"], DIFFERENT + '["null", "null"]'),
        (["int", {"type": "int", "logicalType": "date"}], DIFFERENT + '["int", {"type": "int", "logicalType": "date"}]'),
        ([{"type": "map", "values": "int"}, {"type": "map", "values": "long"}], DIFFERENT + '[{"type": "map", "values": "int"}, {"type": "map", "values": "long"}]'),
        ([fixed(1), "code"], DIFFERENT + '[{"type": "fixed", "name": "code", "size": 1}, "code"]'),
        # Records and their fields.
        ({"type": "record", "name": "r"}, UNUSABLE + "a list of the fields of record r, got null"),
        ({"type": "record", "name": "r", "fields": {"x": "int"}}, UNUSABLE + 'a list of the fields of record r, got {"x": "int"}'),
        ({"type": "record", "name": "r", "fields": ["x"]}, FIELD + '"x"'),
        (record({"type": "int"}), FIELD + '{"type": "int"}'),
        (record({"name": 5, "type": "int"}), FIELD + '{"name": 5, "type": "int"}'),
        (record(("", "int")), FIELD + '{"name": "", "type": "int"}'),
        (record(("1x", "int")), FIELD + '{"name": "1x", "type": "int"}'),
        (record(("a.b", "int")), FIELD + '{"name": "a.b", "type": "int"}'),
        (record(("x\n", "int")), FIELD + '{"name": "x\\n", "type": "int"}'),
        (record(("ä", "int")), FIELD + '{"name": "\\u00e4", "type": "int"}'),
        (record(("o", record(("a b", "int"), name="i"))), "field o: " + FIELD + '{"name": "a b", "type": "int"}'),
        (record({"name": "x"}), "field x: " + UNUSABLE + "a type, got none"),
        (record(("x", "int"), ("y", "int"), ("x", "long")), "field x: duplicate field"),
        (record(("o", record(("x", "int"), ("x", "int"), name="i"))), "field o.x: duplicate field"),
        (record({"name": "x", "type": "int", "aliases": "y"}), "field x: " + UNUSABLE + 'a list of names as aliases, got "y"'),
        (record({"name": "x", "type": "int", "aliases": [5]}), "field x: " + UNUSABLE + "a list of names as aliases, got [5]"),
        # Names of types.
        (record(("x", enum("A")), ("y", enum("B"))), "field y: " + UNUSABLE + "one type of the name size, got another one"),
        (record(("x", fixed(1, "row"))), "field x: " + UNUSABLE + "one type of the name row, got another one"),
        (record(("x", fixed(1, "a.f")), ("y", enum("B", name="f", namespace="a"))), "field y: " + UNUSABLE + "one type of the name a.f, got another one"),
        (record(("x", fixed(1, "long"))), "field x: " + UNUSABLE + "a name that is no primitive type's, got long"),
        (record(("x", fixed(1, "a.null"))), "field x: " + UNUSABLE + "a name that is no primitive type's, got a.null"),
        (fixed(1, 5), UNUSABLE + "a name of the fixed, got 5"),
        (fixed(1, ""), NAME + '""'),
        (fixed(1, "a-b"), NAME + '"a-b"'),
        (fixed(1, "a..b"), NAME + '"a..b"'),
        (fixed(1, ".b"), NAME + '".b"'),
        (fixed(1, "b."), NAME + '"b."'),
        (fixed(1, "b", namespace="1"), NAME + '"1.b"'),
        (fixed(1, "b", namespace=["a"]), UNUSABLE + 'a namespace of the fixed b, got ["a"]'),
        (record(name="", namespace="a"), NAME + '"a."'),
        (record(name="a\n"), NAME + '"a\\n"'),
        # Enums and fixed.
        ({"type": "enum", "name": "e"}, UNUSABLE + "different names as symbols of enum e, got null"),
        (enum("A", "A"), UNUSABLE + 'different names as symbols of enum size, got ["A", "A"]'),
        (enum("A", "not a name"), UNUSABLE + 'different names as symbols of enum size, got ["A", "not a name"]'),
        (enum("A", 5), UNUSABLE + 'different names as symbols of enum size, got ["A", 5]'),
        (enum("A", ["B"]), UNUSABLE + 'different names as symbols of enum size, got ["A", ["B"]]'),
        (enum("A", default="B"), UNUSABLE + 'one of the symbols of enum size as its default, got "B"'),
        (enum("A", default=["A"]), UNUSABLE + 'one of the symbols of enum size as its default, got ["A"]'),
        ({"type": "fixed", "name": "f"}, UNUSABLE + "the size of fixed f in bytes, got null"),
        (fixed(-1), UNUSABLE + "the size of fixed code in bytes, got -1"),
        (fixed(1.0), UNUSABLE + "the size of fixed code in bytes, got 1.0"),
        (fixed(True), UNUSABLE + "the size of fixed code in bytes, got true"),
        (fixed("8"), UNUSABLE + 'the size of fixed code in bytes, got "8"'),
        (fixed(2**31), UNUSABLE + "the size of fixed code in bytes, got 2147483648"),
        # What Arrow has no type for.
        (record(("next", ["null", "row"])), "field next: " + UNUSABLE + "a type that ends, got record row within itself, for which Arrow has no type"),
        (record(("o", record(("up", {"type": "array", "items": "row"}), name="i"))), "field o.up: " + UNUSABLE + "a type that ends, got record row within itself, for which Arrow has no type"),
    ],
)  # fmt: skip
def test_the_message_says_where_and_what(schema, message):
    assert refusal(schema) == message


def test_a_schema_that_holds_itself_is_no_json():
    schema: dict = {"type": "array"}
    schema["items"] = schema
    assert refusal(schema) == "the schema is not JSON: Circular reference detected"


@pytest.mark.parametrize("schema", ["long", '"long"', {"type": "long"}, {"type": {"type": "long"}}, '{"type": "long"}'])
def test_a_type_may_be_written_in_several_ways(schema):
    assert str(parse_schema(schema)) == "long"


def test_equal_schemas_are_parsed_once():
    assert parse_schema(record(("x", "int"))) is parse_schema(record(("x", "int")))
    assert parse_schema(json.dumps(record(("x", "int")))) is parse_schema(record(("x", "int")))


def test_a_record_may_be_called_an_error_and_its_attributes_may_be_anything():
    more = {"doc": 5, "order": "ascending", "x": {"y": [None]}, "namespace": None}
    found = parse_schema({**record({"name": "x", "type": "int", "doc": None, "order": 1}), **more, "type": "error"})
    assert (found.kind, found.name, [field.name for field in found.fields]) == (Kind.RECORD, "row", ["x"])


# Names and namespaces: examples of the specification.


def test_names_are_in_the_namespace_around_them():
    inside = record(
        ("a", fixed(1, "plain")),
        ("b", fixed(1, "named", namespace="other")),
        ("c", fixed(1, "full.name", namespace="ignored")),
        ("d", fixed(1, "none", namespace="")),
        name="Inside",
    )
    found = parse_schema(record(("x", inside), ("y", fixed(1, "last")), name="Row", namespace="shop.v1"))
    types = [field.type.name for field in found.fields[0].type.fields]
    assert types == ["shop.v1.plain", "other.named", "full.name", "none"]
    assert (found.name, found.fields[0].type.name, found.fields[1].type.name) == (
        "shop.v1.Row",
        "shop.v1.Inside",
        "shop.v1.last",
    )


def test_a_full_name_makes_the_namespace_for_what_is_in_it():
    inside = record(("b", fixed(1, "B")), name="deep.A")
    found = parse_schema(record(("a", inside), ("c", "deep.B"), ("d", fixed(2, "B")), ("e", "B"), name="shop.Row"))
    by_name = {field.name: field.type for field in found.fields}
    assert by_name["a"].fields[0].type is by_name["c"]
    assert (by_name["c"].name, by_name["e"].name) == ("deep.B", "shop.B")
    assert by_name["d"] is by_name["e"]


def test_a_name_without_namespace_is_not_looked_for_outside():
    none = record(("f", fixed(1, "F")), name="None", namespace="")
    assert refusal(record(("a", none), ("b", "F"), name="shop.Row")).endswith('expected a type, got "F"')
    assert refusal(record(("a", fixed(1, "F")), ("b", "other.F"), name="shop.Row")).endswith('got "other.F"')


def test_names_may_be_used_again_once_they_are_defined():
    schema = record(("a", enum("S", "M")), ("b", {"type": "array", "items": "size"}), ("c", ["null", {"type": "size"}]))
    first, second, third = (field.type for field in parse_schema(schema).fields)
    assert first is second.items is third.value_branch
    assert refusal(record(("b", "size"), ("a", enum("S")))).startswith("field b: ")


def test_aliases_are_in_the_types_namespace():
    found = parse_schema(fixed(1, "shop.F", aliases=["G", "old.H"]))
    assert found.aliases == ("shop.G", "old.H")
    assert parse_schema(fixed(1, "F", aliases=["G"])).aliases == ("G",)
    (field,) = parse_schema(record({"name": "x", "type": "int", "aliases": ["y", "z"]})).fields
    assert field.aliases == ("y", "z")


def test_an_alias_is_no_name_to_refer_to():
    assert refusal(record(("a", fixed(1, "F", aliases=["G"])), ("b", "G"))).startswith("field b: ")


def test_a_record_without_a_name_is_polars():
    assert decode(b"\2", 1, parse_schema(record(("x", "int"), name=""))).to_pylist() == [{"x": 1}]


# Logical types.

UTC_MICROS = {"type": "long", "logicalType": "timestamp-micros"}


@pytest.mark.parametrize(
    ("schema", "arrow"),
    [
        ({"type": "int", "logicalType": "date"}, pa.date32()),
        ({"type": "int", "logicalType": "time-millis"}, pa.time32("ms")),
        ({"type": "long", "logicalType": "time-micros"}, pa.time64("us")),
        ({"type": "long", "logicalType": "timestamp-millis"}, pa.timestamp("ms", "UTC")),
        (UTC_MICROS, pa.timestamp("us", "UTC")),
        ({"type": "long", "logicalType": "timestamp-nanos"}, pa.timestamp("ns", "UTC")),
        ({"type": "long", "logicalType": "local-timestamp-millis"}, pa.timestamp("ms")),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, pa.timestamp("us")),
        ({"type": "long", "logicalType": "local-timestamp-nanos"}, pa.timestamp("ns")),
        ({"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 38}, pa.decimal128(38, 38)),
        ({"type": "bytes", "logicalType": "decimal", "precision": 1}, pa.decimal128(1, 0)),
        (fixed(2, logicalType="decimal", precision=4), pa.decimal128(4, 0)),
        (fixed(16, logicalType="decimal", precision=38), pa.decimal128(38, 0)),
        (fixed(2**31 - 1, logicalType="decimal", precision=38), pa.decimal128(38, 0)),
    ],
)
def test_logical_types(schema, arrow):
    assert arrow_schema(parse_schema(record(("x", schema)))).field("x") == pa.field("x", arrow, nullable=False)
    assert arrow_schema(parse_schema(record(("x", ["null", {"type": schema}])))).field("x") == pa.field("x", arrow)


@pytest.mark.parametrize(
    ("schema", "arrow"),
    [
        # Unknown ones, and those that leave the value as it is.
        ({"type": "long", "logicalType": "age"}, pa.int64()),
        ({"type": "long", "logicalType": 5}, pa.int64()),
        ({"type": "long", "logicalType": None}, pa.int64()),
        ({"type": "long", "logicalType": ["date"]}, pa.int64()),
        ({"type": "long", "logicalType": ""}, pa.int64()),
        ({"type": "string", "logicalType": "uuid"}, pa.string()),
        (fixed(16, logicalType="uuid"), pa.binary(16)),
        (fixed(12, logicalType="duration"), pa.binary(12)),
        # On types that they are not for.
        ({"type": "long", "logicalType": "date"}, pa.int64()),
        ({"type": "int", "logicalType": "timestamp-micros"}, pa.int32()),
        ({"type": "string", "logicalType": "date"}, pa.string()),
        ({"type": "string", "logicalType": "decimal", "precision": 4}, pa.string()),
        ({"type": "int", "logicalType": "decimal", "precision": 4}, pa.int32()),
        (fixed(8, logicalType="timestamp-micros"), pa.binary(8)),
        # Decimals that are none, or none of Arrow's.
        ({"type": "bytes", "logicalType": "decimal"}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": 0}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": -1}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": "9"}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9.0}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": True}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 10}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": -1}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": None}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": 39}, pa.binary()),
        ({"type": "bytes", "logicalType": "decimal", "precision": 10**1000}, pa.binary()),
        (fixed(2, logicalType="decimal", precision=5), pa.binary(2)),
        (fixed(0, logicalType="decimal", precision=1), pa.binary(0)),
        (fixed(2**31 - 1, logicalType="decimal", precision=10**4000), pa.binary(2**31 - 1)),
    ],
)
def test_unknown_and_invalid_logical_types_are_left_out(schema, arrow):
    assert arrow_schema(parse_schema(record(("x", schema)))).field("x").type == arrow
    assert parse_schema(record(("x", schema))).fields[0].type.logical is Logical.NONE


@pytest.mark.parametrize(("size", "digits"), [(1, 2), (2, 4), (3, 6), (4, 9), (8, 18), (9, 21), (15, 35), (16, 38)])
def test_a_fixed_has_room_for_so_many_digits(size, digits):
    assert parse_schema(fixed(size, logicalType="decimal", precision=digits)).precision == digits
    assert parse_schema(fixed(size, logicalType="decimal", precision=digits + 1)).precision == 0


# Whatever the schema: it is refused quickly, or it is small enough to be used.


def seconds(schema: Any) -> float:
    begun = time.process_time()
    with suppress(AvroError):
        parse_schema(schema)
    return time.process_time() - begun


def nested(depth: int, inner: Any = "int") -> Any:
    for _ in range(depth):
        inner = {"type": "array", "items": inner}
    return inner


def test_types_are_nested_so_deep_and_no_deeper():
    assert parse_schema(nested(MAX_DEPTH)).kind is Kind.ARRAY
    deep = f"{UNUSABLE}types nested at most {MAX_DEPTH} deep, got more"
    assert refusal(nested(MAX_DEPTH + 1)) == deep
    assert refusal(record(("x", nested(MAX_DEPTH)))) == "field x: " + deep
    for opening in ("[", '{"type":', '{"type":"array","items":', '{"type":"map","values":["null",'):
        assert refusal(opening * 100_000).endswith(deep)


def test_names_do_not_make_types_deeper():
    records = [record(("x", nested(30)), name="R0")]
    records += [record(("x", nested(9, f"R{i}")), name=f"R{i + 1}") for i in range(9)]
    schema = record(*((f"f{i}", one) for i, one in enumerate(records)))
    assert f"types nested at most {MAX_DEPTH} deep, got more" in refusal(schema)


def test_names_that_stand_for_ever_more_are_refused():
    laughs = [record(*((f"x{k}", "long") for k in range(10)), name="R0")]
    laughs += [record(*((f"x{k}", f"R{i}") for k in range(10)), name=f"R{i + 1}") for i in range(50)]
    schema = record(*((f"f{i}", one) for i, one in enumerate(laughs)))
    assert f"at most {MAX_TYPES} types, got " in refusal(schema)
    assert seconds(json.dumps(schema) + " ") < 0.5


def test_a_schema_may_have_so_many_types_and_no_more():
    fields = [(f"f{i}", "long") for i in range(MAX_TYPES)]
    assert len(parse_schema(record(*fields[1:])).fields) == MAX_TYPES - 1
    assert refusal(record(*fields)) == f"{UNUSABLE}at most {MAX_TYPES} types, got {MAX_TYPES + 1}"


@pytest.mark.parametrize(
    "schema",
    [
        record(*((f"f{i}", "long") for i in range(40_000))),
        record(*((f"f{i}", fixed(i, f"F{i}")) for i in range(40_000))),
        [fixed(i, f"F{i}") for i in range(40_000)],
        enum(*(f"S{i}" for i in range(100_000)), default="S99999"),
        fixed(2**31 - 1, logicalType="decimal", precision=2**60),
        fixed(1, aliases=[f"A{i}" for i in range(100_000)]),
        {"type": "enum", "name": "e", "symbols": ["A"] * 100_000},
        fixed(1, "a" * 1_000_000),
        fixed(1, "a." * 500_000),
    ],
)
def test_large_schemas_are_parsed_or_refused_quickly(schema):
    assert seconds(schema) < 1.5


@given(schemas())
@thoroughly(100)
def test_full_names_are_fastavros(schema):
    def names(one: Any) -> list[str]:
        if isinstance(one, list):
            return [name for branch in one for name in names(branch)]
        if not isinstance(one, dict):
            return []
        parts = [one.get("items"), one.get("values"), *(field["type"] for field in one.get("fields", []))]
        return [one["name"] for _ in [0] if "name" in one] + [name for part in parts for name in names(part)]

    def ours(type_) -> list[str]:
        if id(type_) in seen:
            return []
        seen.add(id(type_))
        parts = [type_.items] if type_.items else [*type_.branches, *(field.type for field in type_.fields)]
        return [type_.name for _ in [0] if type_.name] + [name for part in parts for name in ours(part)]

    seen: set[int] = set()
    assert ours(parse_schema(schema)) == names(fastavro.parse_schema(json.loads(json.dumps(schema))))


WORDS = ["int", "long", "null", "record", "enum", "fixed", "array", "map", "a", "decimal", ""]
KEYS = [
    "type",
    "name",
    "fields",
    "items",
    "values",
    "symbols",
    "size",
    "default",
    "logicalType",
    "precision",
    "aliases",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
@thoroughly(500)
def test_any_json_is_a_schema_or_a_clean_error(schema):
    try:
        said = str(parse_schema(json.dumps(schema)))
    except AvroError as error:
        said = str(error)
    assert "\n" not in said

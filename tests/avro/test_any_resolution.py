"""Whatever is changed in a schema: what was written with it is read as fastavro reads it."""

from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.avro import AvroError, decode, encode, parse_schema
from tests.avro.generated import batch_of, fastavro_bytes, fastavro_rows, schemas, thoroughly, values

WIDER = {
    "int": ["int", "long", "float", "double"],
    "long": ["long", "float", "double"],
    "float": ["float", "double"],
    "string": ["string", "bytes"],
    "bytes": ["bytes", "string"],
}
ADDED = [
    ("long", 7),
    ("string", "added"),
    (["null", "boolean"], None),
    (["double", "null"], 0.5),
    ({"type": "array", "items": "int"}, [1, 2]),
    ({"type": "map", "values": "string"}, {"k": "v"}),
]


@st.composite
def evolved(draw, writer: Any) -> Any:
    """JSON of a type that values of another can be read as, if none is null that must not be."""
    if isinstance(writer, list):
        branches = [draw(evolved_value(branch)) for branch in writer]
        if len(branches) == 1:
            return draw(st.sampled_from([branches, branches[0]]))
        required = [branch for branch in branches if branch != "null"]
        return draw(st.sampled_from([branches, branches[::-1], branches, required[0]]))
    reader = draw(evolved_value(writer))
    if writer == "null":
        return draw(st.sampled_from(["null", ["null"], ["null", "string"], ["long", "null"]]))
    return draw(st.sampled_from([reader, reader, ["null", reader], [reader, "null"], [reader]]))


@st.composite
def evolved_value(draw, writer: Any) -> Any:
    if isinstance(writer, str):
        return draw(st.sampled_from(WIDER.get(writer, [writer])))
    if writer["type"] == "record":
        return draw(evolved_record(writer))
    if writer["type"] == "array":
        return {**writer, "items": draw(evolved(writer["items"]))}
    if writer["type"] == "map":
        return {**writer, "values": draw(evolved(writer["values"]))}
    if writer["type"] == "enum":
        symbols = draw(st.permutations([*writer["symbols"][: draw(st.integers(0, 2))], "OTHER"]))
        return {**writer, "symbols": symbols, "default": "OTHER"}
    return writer


@st.composite
def evolved_record(draw, writer: dict) -> dict:
    fields = []
    for field in writer["fields"]:
        match draw(st.sampled_from(["kept", "kept", "kept", "renamed", "removed"])):
            case "kept":
                fields.append({**field, "type": draw(evolved(field["type"]))})
            case "renamed":
                new = {"name": f"new_{field['name']}", "aliases": [field["name"]]}
                fields.append({**new, "type": draw(evolved(field["type"]))})
    for number, (kind, default) in enumerate(draw(st.lists(st.sampled_from(ADDED), max_size=2))):
        fields.append({"name": f"added_{number}", "type": kind, "default": default})
    return {**writer, "fields": draw(st.permutations(fields))}


@given(st.data())
@thoroughly(400)
def test_any_resolution_is_fastavros(data):
    writer = data.draw(schemas(reused=False))
    reader = data.draw(evolved_record(writer))
    rows = data.draw(st.lists(values(parse_schema(writer)), min_size=1, max_size=4))
    encoded = fastavro_bytes(writer, rows)
    try:
        theirs = fastavro_rows(encoded, len(rows), writer, reader)
    except (fastavro.read.SchemaResolutionError, UnicodeDecodeError):
        with pytest.raises(AvroError):
            decode(encoded, len(rows), parse_schema(writer), parse_schema(reader))
        return
    ours = decode(encoded, len(rows), parse_schema(writer), parse_schema(reader))
    ours.validate(full=True)
    expected = batch_of(parse_schema(reader), theirs)
    assert ours.schema == expected.schema
    assert encode(ours, parse_schema(reader)).tobytes() == encode(expected, parse_schema(reader)).tobytes()
    names = data.draw(st.sets(st.sampled_from(ours.schema.names))) if ours.schema.names else []
    some = decode(encoded, len(rows), parse_schema(writer), parse_schema(reader), select=names)
    some.validate(full=True)
    if "nan" not in repr(theirs):
        assert ours.equals(expected)
        assert not names or some.equals(ours.select(some.schema.names))

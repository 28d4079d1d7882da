"""Avro schemas and rows drawn by hypothesis, rows as Arrow batches, and batches as rows.

Rows here are *raw*: what fastavro takes and gives for a schema whose logical types, but for decimals, are left out. A
date is a number of days, a timestamp a number of its units, an enum its symbol, a map a dict.
"""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from beam_pipelines.avro import AvroType, arrow_schema, parse_schema
from beam_pipelines.avro.arrow_types import value_type
from beam_pipelines.avro.schema import Kind, Logical

PRIMITIVES = ["boolean", "int", "long", "float", "double", "bytes", "string"]
LOGICAL = {
    "int": ["date", "time-millis"],
    "long": ["time-micros"]
    + [f"{kind}-{unit}" for kind in ("timestamp", "local-timestamp") for unit in ("millis", "micros", "nanos")],
    "string": ["uuid"],
}
DIGITS = {1: 2, 2: 4, 3: 6, 5: 11, 8: 18, 9: 21, 12: 28, 16: 38, 20: 38}
"""Of decimals on fixed: bytes, and the most digits that they have room for."""
DAY = {"time-millis": 86_400_000, "time-micros": 86_400_000_000}


def thoroughly(examples: int):
    """Settings of a test that draws so many examples, the same ones each time."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


class Names:
    """The named types of a schema that is being drawn."""

    def __init__(self, *, reused: bool = True) -> None:
        self._known: list[str] = []
        self._reused = reused
        self._count = 0

    @property
    def known(self) -> list[str]:
        """Full names that can be referred to, if types are to be used more than once."""
        return self._known if self._reused else []

    def define(self, attributes: dict[str, str], namespace: str) -> None:
        """Makes a type known, unless its name could mean another one elsewhere."""
        if namespace:
            self._known.append(f"{namespace}.{attributes['name'].rpartition('.')[2]}")

    def fresh(self, draw: Any, prefix: str, namespace: str) -> tuple[dict[str, str], str]:
        """Attributes that name a new type in or outside of the surrounding namespace, and its own namespace."""
        self._count += 1
        name = f"{prefix}{self._count}"
        own = draw(st.sampled_from([namespace, namespace, "shop", "shop.v2"]))
        if own == namespace:
            return {"name": name}, own
        if draw(st.booleans()):
            return {"name": f"{own}.{name}"}, own
        return {"name": name, "namespace": own}, own


@st.composite
def schemas(draw, most: int = 4, *, reused: bool = True) -> dict[str, Any]:
    """JSON of a record with every type that Arrow has, nested; ``reused``: whether types refer to others by name."""
    return draw(record(Names(reused=reused), "", 3, most, at_least=1))


@st.composite
def record(draw, names: Names, namespace: str, depth: int, most: int, at_least: int = 0) -> dict[str, Any]:
    attributes, own = names.fresh(draw, "Record", namespace)
    count = draw(st.integers(at_least, most))
    fields = [{"name": f"f{i}", "type": draw(types(names, own, depth - 1))} for i in range(count)]
    names.define(attributes, own)
    return {"type": "record", **attributes, "fields": fields}


@st.composite
def types(draw, names: Names, namespace: str, depth: int) -> Any:
    """JSON of any type, nullable or not."""
    mode = draw(st.integers(0, 9))
    if mode == 0:
        return draw(st.sampled_from(["null", ["null"]]))
    value = draw(values_of_types(names, namespace, depth))
    if mode <= 2:
        return ["null", value]
    if mode <= 4:
        return [value, "null"]
    return [value] if mode == 5 else value


@st.composite
def values_of_types(draw, names: Names, namespace: str, depth: int) -> Any:
    """JSON of a type that is no union and not null."""
    kinds = ["primitive", "primitive", "logical", "decimal", "fixed", "enum", "known"]
    match draw(st.sampled_from(kinds + ["array", "array", "map", "record"] * (depth > 0))):
        case "primitive":
            return draw(st.sampled_from(PRIMITIVES))
        case "logical":
            kind = draw(st.sampled_from(sorted(LOGICAL)))
            return {"type": kind, "logicalType": draw(st.sampled_from(LOGICAL[kind]))}
        case "decimal":
            return draw(decimals(names, namespace))
        case "fixed":
            size = draw(st.sampled_from([0, 1, 7, 12, 16, 33]))
            attributes, own = names.fresh(draw, "Fixed", namespace)
            names.define(attributes, own)
            duration = {"logicalType": "duration"} if size == 12 else {}
            return {"type": "fixed", **attributes, "size": size, **duration}
        case "enum":
            attributes, own = names.fresh(draw, "Enum", namespace)
            names.define(attributes, own)
            count = draw(st.sampled_from([1, 3, 70]))
            return {"type": "enum", **attributes, "symbols": [f"S{i}" for i in range(count)]}
        case "known" if names.known:
            return draw(st.sampled_from(names.known))
        case "array":
            return {"type": "array", "items": draw(types(names, namespace, depth - 1))}
        case "map":
            return {"type": "map", "values": draw(types(names, namespace, depth - 1))}
        case "record":
            return draw(record(names, namespace, depth, 3))
    return "long"


@st.composite
def decimals(draw, names: Names, namespace: str) -> dict[str, Any]:
    if draw(st.booleans()):
        precision = draw(st.sampled_from([1, 2, 9, 12, 18, 19, 20, 38]))
        carrier = {"type": "bytes"}
    else:
        size = draw(st.sampled_from(sorted(DIGITS)))
        precision = draw(st.integers(1, DIGITS[size]))
        carrier = {"type": "fixed", **names.fresh(draw, "Amount", namespace)[0], "size": size}
    return {**carrier, "logicalType": "decimal", "precision": precision, "scale": draw(st.integers(0, precision))}


TEXTS = st.one_of(
    st.sampled_from(["", "a", "web", "café", "日本", "💶" * 20, "x" * 63, "y" * 64, "z" * 65, "ab" * 4096, "ü" * 4097]),
    st.text(max_size=20),
)


def integers(bits: int) -> st.SearchStrategy[int]:
    limit = 1 << (bits - 1)
    edges = [edge for power in range(0, bits - 1, 7) for edge in (1 << power, -(1 << power), (1 << power) - 1)]
    return st.one_of(
        st.sampled_from([-limit, limit - 1, 0, -1, *edges]), st.integers(-limit, limit - 1), st.integers(-200, 200)
    )


def unscaled(precision: int) -> st.SearchStrategy[int]:
    limit = 10**precision - 1
    edges = [sign * ((1 << power) + more) for power in range(7, 127, 8) for more in (-1, 0, 1) for sign in (-1, 1)]
    edges = [0, limit, -limit, *(edge for edge in edges if abs(edge) <= limit)]
    return st.one_of(st.sampled_from(edges), st.integers(-limit, limit))


def values(type_: AvroType) -> st.SearchStrategy[Any]:
    """Raw values of a type."""
    if type_.kind is Kind.UNION:
        return st.one_of(*map(values, type_.branches))
    if type_.logical is Logical.DECIMAL:
        return unscaled(type_.precision).map(lambda number: decimal(number, type_.scale))
    if type_.logical in DAY:
        return st.integers(0, DAY[type_.logical] - 1)
    if type_.kind is Kind.RECORD:
        return st.fixed_dictionaries({field.name: values(field.type) for field in type_.fields})
    if type_.kind is Kind.ARRAY:
        return st.lists(values(type_.items), max_size=4)
    if type_.kind is Kind.MAP:
        return st.dictionaries(TEXTS, values(type_.items), max_size=3)
    if type_.kind is Kind.ENUM:
        return st.sampled_from(type_.symbols)
    if type_.kind is Kind.FIXED:
        return st.binary(min_size=type_.size, max_size=type_.size)
    return {
        Kind.NULL: st.none(),
        Kind.BOOLEAN: st.booleans(),
        Kind.INT: integers(32),
        Kind.LONG: integers(64),
        Kind.FLOAT: st.floats(width=32),
        Kind.DOUBLE: st.floats(),
        Kind.BYTES: st.one_of(st.sampled_from([b"", b"\xff" * 70]), st.binary(max_size=20)),
        Kind.STRING: TEXTS,
    }[type_.kind]


def decimal(number: int, scale: int) -> Decimal:
    return Decimal((number < 0, tuple(map(int, str(abs(number)))), -scale))


@st.composite
def tables(draw, most: int = 4) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """JSON of a schema, and raw rows."""
    schema = draw(schemas(most))
    return schema, draw(
        st.lists(values(parse_schema(schema)), min_size=draw(st.sampled_from([0, 2, 2, 2, 4])), max_size=6)
    )


def batch_of(schema: AvroType, rows: list[dict[str, Any]], *, junk: int = 0) -> pa.RecordBatch:
    """Rows as Arrow.

    Args:
        schema: The rows' type.
        rows: The raw rows.
        junk: How many values that are not the rows' lie in front of each array and behind it, at every depth, and in
            lists that are null.
    """
    target = arrow_schema(schema)
    arrays = [
        array_of(field.type, target.field(field.name).type, [row[field.name] for row in rows], junk)
        for field in schema.fields
    ]
    if not arrays:  # only a struct keeps its length without columns
        return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), len(rows), [None]))
    return pa.RecordBatch.from_arrays(arrays, schema=target)


def array_of(type_: AvroType, target: pa.DataType, given: list[Any], junk: int) -> pa.Array:
    """Values as an array of an Arrow type; those that lie around them are null, whether they may be or not."""
    value, _ = value_type(type_, "")
    padded = [None] * junk + given + [None] * junk
    return _array(value, target, padded, junk).slice(junk, len(given))


def _array(type_: AvroType, target: pa.DataType, given: list[Any], junk: int) -> pa.Array:
    there = [value is not None for value in given]
    bitmap = None if all(there) else pa.py_buffer(np.packbits(there, bitorder="little"))
    if type_.kind is Kind.RECORD:
        children = [
            array_of(field.type, target.field(field.name).type, [value and value[field.name] for value in given], junk)
            for field in type_.fields
        ]
        return pa.Array.from_buffers(target, len(given), [bitmap], children=children)
    if type_.items is not None:
        lists = [[None] * junk if value is None else value for value in given]
        offsets = pa.py_buffer(np.cumsum([0, *map(len, lists)], dtype=np.int32))
        flat = [item for one in lists for item in (one.values() if isinstance(one, dict) else one)]
        if type_.kind is Kind.ARRAY:
            items = array_of(type_.items, target.value_type, flat, junk)
        else:
            keys = [key for one in lists for key in (one if isinstance(one, dict) else ["?"] * len(one))]
            entries = [
                pa.array(["junk"] * junk + keys, pa.string()).slice(junk),
                array_of(type_.items, target.item_type, flat, junk),
            ]
            struct = pa.struct([target.key_field, target.item_field])
            items = pa.Array.from_buffers(struct, len(flat), [None], children=entries)
        return pa.Array.from_buffers(target, len(given), [bitmap, offsets], children=[items])
    if type_.kind is Kind.ENUM:
        codes = [None if value is None else type_.symbols.index(value) for value in given]
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(type_.symbols, pa.string()))
    if type_.logical and type_.logical is not Logical.DECIMAL:
        return pa.array(given, pa.int32() if type_.kind is Kind.INT else pa.int64()).view(target)
    return pa.array(given, target)


def rows_of_batch(schema: AvroType, batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The raw rows of a batch that was decoded, with the columns that it has."""
    columns = {
        field.name: raw(field.type, batch.column(field.name))
        for field in schema.fields
        if field.name in batch.schema.names
    }
    return [{name: column[row] for name, column in columns.items()} for row in range(len(batch))]


def raw(type_: AvroType, array: pa.Array) -> list[Any]:
    """The raw values of an array."""
    value, _ = value_type(type_, "")
    there = array.is_valid().to_pylist()
    if value.kind is Kind.RECORD:
        fields = {field.name: raw(field.type, array.field(field.name)) for field in value.fields}
        return [{name: fields[name][i] for name in fields} if ok else None for i, ok in enumerate(there)]
    if value.items is not None:
        offsets = array.offsets.to_pylist()
        entries = raw(value.items, array.values if value.kind is Kind.ARRAY else array.items)
        if value.kind is Kind.MAP:
            entries = list(zip(array.keys.to_pylist(), entries, strict=True))
        pieces = [entries[offsets[i] : offsets[i + 1]] if ok else None for i, ok in enumerate(there)]
        return [piece if piece is None or value.kind is Kind.ARRAY else dict(piece) for piece in pieces]
    if value.logical and value.logical is not Logical.DECIMAL:
        return array.view(pa.int32() if value.kind is Kind.INT else pa.int64()).to_pylist()
    return array.to_pylist()


def without_logical_types(schema: Any) -> Any:
    """The JSON of a schema with no logical types but decimals: fastavro then takes and gives raw values."""
    if isinstance(schema, list):
        return [without_logical_types(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    drop = schema.get("logicalType", "decimal") != "decimal"
    return {
        name: without_logical_types(value) if name in ("type", "fields", "items", "values") else value
        for name, value in schema.items()
        if not (drop and name == "logicalType")
    }


def fastavro_bytes(schema: Any, rows: list[Any]) -> bytes:
    """Raw rows as fastavro writes them."""
    parsed, out = fastavro.parse_schema(json.loads(json.dumps(without_logical_types(schema)))), io.BytesIO()
    for row in rows:
        fastavro.schemaless_writer(out, parsed, row)
    return out.getvalue()


def fastavro_rows(data: bytes, count: int, writer: Any, reader: Any = None) -> list[Any]:
    """Rows as fastavro reads them, raw."""
    schemas = [
        schema and fastavro.parse_schema(json.loads(json.dumps(without_logical_types(schema))))
        for schema in (writer, reader)
    ]
    source = io.BytesIO(data)
    found = [fastavro.schemaless_reader(source, *schemas) for _ in range(count)]
    assert not source.read()
    return found

"""Schemas that are broken, and such as are made to break who reads them."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from beam_pipelines.avro.schema import Logical
from tests.avro.fuzzing.schemas import PRIMITIVES, Json, array, enum, fixed, record

_WORDS = [
    *PRIMITIVES,
    *(logical for logical in Logical if logical),
    *("record", "enum", "array", "map", "fixed", "type", "name", "items", "values", "fields", "symbols", "size"),
    *("precision", "scale", "logicalType", "default", "aliases", "namespace", "order", "doc"),
]
_ODD: list[Json] = [
    *(None, True, False, 0, -1, 1, 17, 2**31 - 1, 2**31, 2**63, 10**30, 1.5, float("nan"), float("inf"), "", [], {}),
    *("a.b", ".a", "a..b", "é", "\ud800", "line\nline", "x" * 5000, [None], ["null", "null"], [["int"]], {"type": {}}),
    *(["A", "A"], {"type": "array"}, {"type": "map", "values": []}, {"type": "r"}, {"type": {"type": "int"}}),
]


def changed_schema(random: Random, schema: Json) -> Json:
    """The schema with one to three of its parts changed."""
    schema = copy.deepcopy(schema)
    for _ in range(random.choice([1, 1, 2, 3])):
        holders = list(_holders(schema))
        if holders:
            holder = random.choice(holders)
            _change(random, holder, random.choice(list(holder) if isinstance(holder, dict) else range(len(holder))))
    return schema


def _holders(schema: Json) -> Any:
    """All objects and arrays in the JSON that are not empty."""
    if isinstance(schema, (dict, list)) and schema:
        yield schema
        for part in schema.values() if isinstance(schema, dict) else schema:
            yield from _holders(part)


def _change(random: Random, holder: Any, key: Any) -> None:
    value = holder[key]
    match random.randrange(9):
        case 0:
            del holder[key]
        case 1 | 2:
            holder[key] = random.choice(_WORDS)
        case 3:
            holder[key] = copy.deepcopy(random.choice(_ODD))
        case 4:
            holder[key] = ["null", value]
        case 5:
            holder[key] = {"type": "array", "items": value}
        case 6 if isinstance(holder, dict):
            holder[random.choice(_WORDS)] = copy.deepcopy(random.choice([value, *_ODD]))
        case 6:
            holder.insert(random.randint(0, len(holder)), copy.deepcopy(random.choice(holder)))
        case 7 if isinstance(holder, list):
            random.shuffle(holder)
        case 7 if isinstance(value, (int, float)):
            holder[key] = value + random.choice([-1, 1, 10, 10**9])
        case _ if isinstance(value, str):
            holder[key] = value + random.choice(["s", ".", "2", "\n", " "])
        case _:
            holder[key] = [value]


def with_absent_columns(random: Random, schema: Json) -> Json:
    """The schema with columns that data written with it do not have: large ones, out of nothing."""
    schema = copy.deepcopy(schema)
    many = int(2 ** random.uniform(0, 14))
    size = random.choice([many, 2**31 - 1])
    for number, holder in enumerate(list(_holders(schema))):
        if isinstance(holder, dict) and holder.get("type") == "null":
            holder["type"] = ["null", fixed(f"absent{number}", size)]
        elif isinstance(holder, dict) and isinstance(holder.get("fields"), list):
            default = random.choice(["x" * many, "", "é"])
            holder["fields"] += [
                {"name": f"absent{i}", "type": random.choice(["string", "bytes"]), "default": default}
                for i in range(random.choice([1, 2, 50]))
            ]
            holder["fields"].append({"name": "absent", "type": array("string"), "default": ["x"] * min(many, 99)})
    return schema


def changed_text(random: Random, text: str) -> str:
    """The JSON of a schema with a few characters changed."""
    for _ in range(random.choice([1, 1, 2, 4])):
        at = random.randint(0, len(text))
        match random.randrange(5):
            case 0:
                text = text[:at] + text[at + random.randint(1, 4) :]
            case 1:
                text = text[:at] + random.choice('"\\{}[],:0e-. \n\t\0é\ufeff') + text[at:]
            case 2:
                text = text.replace(random.choice(_WORDS), random.choice(_WORDS), random.choice([1, -1]))
            case 3:
                text = text[:at] + text[at : at + random.randint(1, 40)] + text[at:]
            case _:
                text = text[:at]
    return text


def hostile_schema(random: Random) -> str:
    """JSON that is a schema, or nearly, and large, deep or odd."""
    many = int(2 ** random.uniform(1, 14))
    kind = random.randrange(15)
    if kind < 4:
        return _deep(random, many)
    if kind == 4:
        return json.dumps(record("wide", **{f"f{i}": random.choice(["int", ["null", "string"]]) for i in range(many)}))
    if kind == 5:
        return json.dumps(record("e", a=enum("s", *(f"s{i}" for i in range(many)))))
    if kind == 6:
        return json.dumps(record("u", a=[fixed(f"x{i}", i) for i in range(many)]))
    if kind == 7:
        size = random.choice([2**31 - 1, 2**31, 2**28, 10**9, 2**63, 10**40, -1, 0])
        digits = random.choice([1, 38, 39, 10**9, 10**40, -1, 0])
        type_ = random.choice(
            [fixed("f", size), fixed("f", size, logicalType="decimal", precision=digits, scale=digits)]
        )
        return json.dumps(record("x", a=random.choice([type_, ["null", type_], array(["null", type_])])))
    if kind == 8:
        return json.dumps(record("n", **{f"f{i}": array("null") for i in range(min(many, 500))}))
    if kind == 9:
        inner = record("e", **{f"f{i}": fixed(f"x{i}", 0) for i in range(min(many, 2000))})
        return json.dumps(record("z", a=array(inner), b="e"))
    if kind == 10:
        return json.dumps(record("d", a="int")).replace(
            '"name": "a"', f'"default": {"[" * many}{"]" * many}, "name": "a"'
        )
    if kind == 11:
        return json.dumps(record("s", a=fixed("f", 1))).replace('"size": 1', f'"size": {"9" * many}')
    if kind == 12:
        return json.dumps(record("x" * many, a={"type": "y" * many}))
    if kind == 13:
        return json.dumps({**record("a", a="int"), "aliases": ["x"] * many, "doc": "y" * many})
    return json.dumps(record("r", a=array(["null", "r"]), b="r"))


def _deep(random: Random, many: int) -> str:
    """Types in types in types."""
    match random.randrange(4):
        case 0:
            return (
                '{"type":"record","name":"r","fields":[{"name":"a","type":'
                + '{"type":"array","items":' * many
                + '"int"'
            )
        case 1:
            return record_text('{"type":"array","items":' * many + '"int"' + "}" * many)
        case 2:
            return record_text('{"type":' * many + '"int"' + "}" * many)
        case _:
            return _laughs(random, many)


def record_text(type_: str) -> str:
    """A record with one field of a type given as JSON."""
    return '{"type":"record","name":"r","fields":[{"name":"a","type":' + type_ + "}]}"


def _laughs(random: Random, many: int) -> str:
    """Records of two of the record before: many levels of them."""
    levels = min(many, random.choice([5, 12, 40, 70, 1000]))
    first: Json = "int"
    for level in range(levels):
        again = first["name"] if isinstance(first, dict) else first
        first = record(f"r{level}", a=first, b=again)
        if level > 200:
            break
    return json.dumps(first)

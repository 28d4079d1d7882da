"""Schemas of every type, by hand and at random."""

from __future__ import annotations

from random import Random
from typing import Any

Json = Any
LONG_LOGICAL = [
    "time-micros",
    "timestamp-millis",
    "timestamp-micros",
    "timestamp-nanos",
    "local-timestamp-millis",
    "local-timestamp-micros",
    "local-timestamp-nanos",
]
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]


def record(name: str, **fields: Json) -> Json:
    """A record with fields of these types."""
    return {"type": "record", "name": name, "fields": [{"name": key, "type": type_} for key, type_ in fields.items()]}


def array(items: Json) -> Json:
    """An array of these."""
    return {"type": "array", "items": items}


def map_of(values: Json) -> Json:
    """A map to these."""
    return {"type": "map", "values": values}


def fixed(name: str, size: int, **more: Json) -> Json:
    """So many bytes."""
    return {"type": "fixed", "name": name, "size": size, **more}


def enum(name: str, *symbols: str, **more: Json) -> Json:
    """One of the symbols."""
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def logical(name: str, type_: str, **more: Json) -> Json:
    """A primitive type with a meaning."""
    return {"type": type_, "logicalType": name, **more}


def decimal(precision: int, scale: int = 0) -> Json:
    """A decimal stored in bytes."""
    return logical("decimal", "bytes", precision=precision, scale=scale)


def fixed_decimal(name: str, size: int, precision: int, scale: int = 0) -> Json:
    """A decimal stored in a fixed."""
    return fixed(name, size, logicalType="decimal", precision=precision, scale=scale)


LINE = record("line", sku="string", price=decimal(12, 2), tags=array("string"), gift=["null", "boolean"])
SCHEMAS: dict[str, Json] = {
    "primitives": record("primitives", **{f"f_{type_}": type_ for type_ in PRIMITIVES}),
    "nullable": record(
        "nullable",
        **{f"first_{type_}": ["null", type_] for type_ in PRIMITIVES[1:]},
        **{f"last_{type_}": [type_, "null"] for type_ in PRIMITIVES[1:]},
    ),
    "times": record(
        "times",
        day=logical("date", "int"),
        clock=logical("time-millis", "int"),
        **{name.replace("-", "_"): logical(name, "long") for name in LONG_LOGICAL},
    ),
    "nullable times": record("times", **{n.replace("-", "_"): ["null", logical(n, "long")] for n in LONG_LOGICAL}),
    "decimals": record(
        "decimals", **{f"p{digits}": decimal(digits, digits // 2) for digits in (1, 2, 9, 18, 19, 20, 37, 38)}
    ),
    "nullable decimals": record("decimals", a=["null", decimal(5)], b=[decimal(38, 38), "null"], c=array(decimal(20))),
    "fixed decimals": record(
        "decimals",
        a=fixed_decimal("one", 1, 2),
        b=["null", fixed_decimal("eight", 8, 18, 4)],
        c=[fixed_decimal("sixteen", 16, 38), "null"],
        d=array(fixed_decimal("twenty", 20, 30, 7)),
    ),
    "fixed": record(
        "fixed_sizes",
        none=fixed("none", 0),
        one=fixed("one", 1),
        many=array(fixed("seven", 7)),
        perhaps=["null", fixed("wide", 33)],
        uuid=logical("uuid", "string"),
        duration=fixed("twelve", 12, logicalType="duration"),
    ),
    "enums": record(
        "enums",
        size=enum("size", "S", "M", "L"),
        perhaps=["null", enum("colour", *(f"c{i}" for i in range(100)))],
        many=array("size"),
    ),
    "arrays": record(
        "arrays",
        longs=array("long"),
        texts=array("string"),
        perhaps=["null", array("int")],
        of_perhaps=array(["double", "null"]),
        doubles=array("double"),
        flags=array(["null", "boolean"]),
    ),
    "arrays of arrays": record("nested", a=array(array("long")), b=array(array(array(["null", "string"])))),
    "arrays of nothing": record("nothing", a=array("null"), b=array(record("empty")), c=array(fixed("none", 0))),
    "maps": record(
        "maps",
        a=map_of("long"),
        b=["null", map_of("string")],
        c=map_of(["null", "double"]),
        d=map_of(array("int")),
        e=array(map_of("bytes")),
    ),
    "maps of records": record("maps", a=map_of(record("point", x="double", y=["null", "float"])), b=map_of("null")),
    "order": record(
        "order", id="long", city=["null", "string"], lines=array(LINE), origin=["null", record("origin", ip="bytes")]
    ),
    "deep": record(
        "deep", a=record("b1", b=record("c1", c=["null", record("d1", d=array(record("e1", e=["string", "null"])))]))
    ),
    "records of nullable records": record(
        "outer", a=["null", record("inner", x="int", y=["null", record("innermost", z="string", w=array("string"))])]
    ),
    "empty": record("empty"),
    "nulls": record("nulls", a="null", b=["null"], c=record("none")),
    "single unions": record("single", a=["int"], b=[array("string")], c=array(["string"])),
    "wide": record("wide", **{f"c{i}": ["null", PRIMITIVES[1 + i % 7]] if i % 2 else "int" for i in range(120)}),
    "texts": record("texts", a="string", b=["null", "string"], c=["string", "null"], d="bytes"),
}

_UNION = ["null", "int", "string", "double", record("r1", x="long", y="string"), array("long")]
READERS: dict[str, tuple[Json, Json]] = {
    "promotions": (
        record("p", a="int", b="int", c="int", d="long", e="long", f="float", g="string", h="bytes"),
        record("p", a="long", b="float", c="double", d="float", e="double", f="double", g="bytes", h="string"),
    ),
    "fields left out, moved and added": (
        record("m", a="long", b=array(LINE), c=["null", "string"], d=map_of("int"), e=decimal(9), f="double"),
        {
            "type": "record",
            "name": "m",
            "fields": [
                {"name": "f", "type": "double"},
                {"name": "new", "type": ["null", "string"], "default": None},
                {"name": "texts", "type": array("string"), "default": ["x", "yz"]},
                {"name": "renamed", "type": ["null", "long"], "aliases": ["a"]},
            ],
        },
    ),
    "a union read as its texts": (record("u", a=_UNION, b="int"), record("u", a=["null", "string"], b="long")),
    "a union read as its numbers": (
        record("u", a=_UNION, b="int"),
        record("u", a=["null", "double"], b=["null", "int"]),
    ),
    "a union read as its records": (
        record("u", b="int", a=_UNION),
        record("u", a=["null", record("r1", y="string", x=["null", "long"])], b="int"),
    ),
    "a union read as its arrays": (record("u", a=array(_UNION)), record("u", a=array(["null", array("double")]))),
    "a union passed over": (
        record(
            "u", a=_UNION, b=array(["r1", "int"]), c=map_of(["null", "r1"]), d=fixed("f", 3), e=enum("e", "A"), z="long"
        ),
        record("u", z="long"),
    ),
    "enums with other symbols": (
        record("e", a=enum("s", "A", "B", "C"), b=array(["null", enum("t", "X", "Y")])),
        record("e", a=enum("s", "B", "A", "Z", default="Z"), b=array(["null", enum("t", "Y")])),
    ),
    "required becomes nullable": (
        record("n", a="long", b=array("string"), c=record("in", x="int"), d=["null", "float"]),
        record(
            "n", a=["null", "long"], b=["null", array(["null", "string"])], c=record("in", x=["int", "null"]), d="float"
        ),
    ),
}


class RandomSchemas:
    """Makes records at random; names are never used twice."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._names = 0

    def record(self, depth: int, most: int = 6) -> Json:
        """A record of up to ``most`` fields, nested up to ``depth`` deep."""
        count = self._random.randint(0 if depth < 2 else 1, most)
        return record(self._name("r"), **{self._name("f"): self.type(depth) for _ in range(count)})

    def type(self, depth: int) -> Json:
        """Any type but a union of several."""
        kind = self._random.randrange(10)
        if kind < 3:
            value = self._value(depth)
            if value == "null":
                return value
            return self._random.choice([["null", value], [value, "null"]])
        return self._value(depth)

    def _value(self, depth: int) -> Json:
        kind = self._random.randrange(14)
        if depth and kind < 2:
            return self.record(depth - 1, 4)
        if depth and kind < 4:
            return array(self.type(depth - 1))
        if depth and kind == 4:
            return map_of(self.type(depth - 1))
        if kind < 6:
            digits = self._random.randint(1, 38)
            return decimal(digits, self._random.randint(0, digits))
        if kind == 6:
            digits = self._random.randint(1, 38)
            least = next(size for size in range(1, 20) if 10**digits <= 1 << (8 * size - 1))
            return fixed_decimal(self._name("d"), least + self._random.choice([0, 0, 1, 5]), digits)
        if kind == 7:
            return fixed(self._name("x"), self._random.choice([0, 1, 2, 8, 15, 16, 17, 40]))
        if kind == 8:
            return enum(self._name("e"), *(f"s{i}" for i in range(self._random.choice([1, 2, 70]))))
        if kind == 9:
            return logical(self._random.choice(LONG_LOGICAL), "long")
        return self._random.choice(PRIMITIVES)

    def _name(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

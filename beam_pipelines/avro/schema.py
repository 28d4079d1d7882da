"""Avro schemas, parsed.

:func:`parse_schema` turns an Avro schema (its JSON, or what that decodes to) into a tree of :class:`AvroType` in which
names are resolved, logical types are known or left out, and what the specification forbids is refused. Two things that
Avro allows are refused as well, because no Arrow type has room for them: a record that contains itself, and a schema of
more than MAX_TYPES types once every name is replaced by what it stands for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NoReturn

from beam_pipelines.avro.errors import AvroError

MAX_TYPES = 10_000
MAX_DEPTH = 64
"""How deep types may be nested."""
MAX_DECIMAL_DIGITS = 38
"""Of Arrow's decimal128. A decimal of more is read and written as the bytes that it is stored in."""


class Kind(StrEnum):
    """What Avro calls the type of a schema."""

    NULL = "null"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    BYTES = "bytes"
    STRING = "string"
    FIXED = "fixed"
    ENUM = "enum"
    ARRAY = "array"
    MAP = "map"
    RECORD = "record"
    UNION = "union"


class Logical(StrEnum):
    """The logical types that change what a value is. Others, uuid and duration among them, leave it as it is."""

    NONE = ""
    DATE = "date"
    TIME_MILLIS = "time-millis"
    TIME_MICROS = "time-micros"
    TIMESTAMP_MILLIS = "timestamp-millis"
    TIMESTAMP_MICROS = "timestamp-micros"
    TIMESTAMP_NANOS = "timestamp-nanos"
    LOCAL_TIMESTAMP_MILLIS = "local-timestamp-millis"
    LOCAL_TIMESTAMP_MICROS = "local-timestamp-micros"
    LOCAL_TIMESTAMP_NANOS = "local-timestamp-nanos"
    DECIMAL = "decimal"


@dataclass(frozen=True, eq=False)
class AvroType:
    """A type in a schema, and all that is in it. Compared by identity: equal JSON is parsed once."""

    kind: Kind
    logical: Logical = Logical.NONE
    precision: int = 0
    """Digits of a decimal."""
    scale: int = 0
    name: str = ""
    """Full name of a record, an enum or a fixed."""
    aliases: tuple[str, ...] = ()
    """Full names that the type had before."""
    size: int = 0
    """Bytes of a fixed."""
    symbols: tuple[str, ...] = ()
    """Of an enum."""
    default: str | None = None
    """The symbol that an enum has in place of one it does not know."""
    items: AvroType | None = None
    """What an array has, or a map's values."""
    branches: tuple[AvroType, ...] = ()
    """Of a union."""
    fields: tuple[Field, ...] = ()
    """Of a record."""

    def __str__(self) -> str:
        if self.kind is Kind.UNION:
            return f"union of {', '.join(map(str, self.branches)) or 'nothing'}"
        if self.kind is Kind.ARRAY or self.kind is Kind.MAP:
            return f"{self.kind} of {self.items}"
        name = f" {self.name}" if self.name else ""
        logical = f" ({self.logical})" if self.logical else ""
        if self.logical is Logical.DECIMAL:
            logical = f" (decimal {self.precision}, {self.scale})"
        return f"{self.kind}{name}{logical}"

    @property
    def value_branch(self) -> AvroType | None:
        """The other type of a union with null, in either order; None of any other type."""
        if self.kind is Kind.UNION and len(self.branches) == 2 and self.null_branch is not None:
            return self.branches[1 - self.null_branch]
        return None

    @property
    def null_branch(self) -> int | None:
        """The number of a union's null branch."""
        return next((i for i, branch in enumerate(self.branches) if branch.kind is Kind.NULL), None)


@dataclass(frozen=True, eq=False)
class Field:
    """A field of a record."""

    name: str
    type: AvroType
    aliases: tuple[str, ...] = ()
    default: str | None = None
    """The JSON of the value it has where it was not written; None if there is none."""


def parse_schema(schema: Mapping[str, Any] | list[Any] | str) -> AvroType:
    """The schema, parsed; a string is its JSON.

    Raises AvroError, naming the field by its path, for a schema that is not Avro's.

    >>> print(parse_schema({"type": "array", "items": ["null", "long"]}))
    array of union of null, long
    """
    try:
        return _parsed(schema if isinstance(schema, str) else _json(schema))
    except RecursionError:
        _refuse("", f"types nested at most {MAX_DEPTH} deep", "more")


def nested_path(parent: str, name: str) -> str:
    """The path of a field, such as ``items.price``."""
    return f"{parent}.{name}" if parent else name


def _json(schema: Any) -> str:
    try:
        return json.dumps(schema)
    except (TypeError, ValueError) as error:  # no JSON has such a value
        raise AvroError(f"the schema is not JSON: {error}") from error


@lru_cache(256)
def _parsed(text: str) -> AvroType:
    try:
        schema = json.loads(text)
    except ValueError as error:
        if re.fullmatch(r"[a-z]+", text):  # the name of a type is a schema even without its quotes
            schema = text
        else:
            raise AvroError(f"the schema is not JSON: {error}") from error
    return _Parser().type(schema, "", "", 0)


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FULL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_PRIMITIVES = {
    kind: AvroType(kind)
    for kind in (Kind.NULL, Kind.BOOLEAN, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.DOUBLE, Kind.BYTES, Kind.STRING)
}
_LOGICAL = {
    Kind.INT: {Logical.DATE, Logical.TIME_MILLIS},
    Kind.LONG: {Logical.TIME_MICROS, *(logical for logical in Logical if "timestamp" in logical)},
}


class _Parser:
    """Knows the names defined so far."""

    def __init__(self) -> None:
        self._named: dict[str, AvroType | None] = {}
        self._extents: dict[int, tuple[int, int]] = {}
        """By id of a type: how many types it is made of, itself included, and how deep they are nested in it."""

    def type(self, schema: Any, namespace: str, path: str, depth: int) -> AvroType:
        """A type at ``path``, where names without a namespace are in ``namespace``."""
        if depth > MAX_DEPTH:
            _refuse(path, f"types nested at most {MAX_DEPTH} deep", "more")
        found = self._type(schema, namespace, path, depth)
        parts = [found.items] if found.items else [*found.branches, *(field.type for field in found.fields)]
        extents = [self._extents[id(part)] for part in parts]
        size = 1 + sum(size for size, _ in extents)
        height = max((height + 1 for _, height in extents), default=0)
        if size > MAX_TYPES:
            _refuse(path, f"at most {MAX_TYPES} types", size)
        if height > MAX_DEPTH:  # names make deep types of schemas that are not deep
            _refuse(path, f"types nested at most {MAX_DEPTH} deep", "more")
        self._extents[id(found)] = size, height
        return found

    def _type(self, schema: Any, namespace: str, path: str, depth: int) -> AvroType:
        if isinstance(schema, str):
            return self._reference(schema, namespace, path)
        if isinstance(schema, list):
            return self._union(schema, namespace, path, depth)
        if not isinstance(schema, dict):
            _refuse(path, "a type", _shown(schema))
        kind = schema.get("type")
        if isinstance(kind, (dict, list)):
            return self._type(kind, namespace, path, depth)
        if kind in ("array", "map"):
            key = "items" if kind == "array" else "values"
            if key not in schema:
                _refuse(path, f"{key} of the {kind}", "none")
            return AvroType(Kind(kind), items=self.type(schema[key], namespace, path, depth + 1))
        if kind in ("record", "error"):
            return self._record(schema, namespace, path, depth)
        if kind == "enum":
            return self._enum(schema, namespace, path)
        if kind == "fixed":
            return self._fixed(schema, namespace, path)
        if not isinstance(kind, str):
            _refuse(path, "a type", _shown(schema))
        return _with_logical(self._reference(kind, namespace, path), schema)

    def _reference(self, name: str, namespace: str, path: str) -> AvroType:
        if name in _PRIMITIVES:
            return _PRIMITIVES[Kind(name)]
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        if full not in self._named:
            _refuse(path, "a type", _shown(name))
        known = self._named[full]
        if known is None:
            _refuse(path, "a type that ends", f"record {full} within itself, for which Arrow has no type")
        return known

    def _union(self, schema: list[Any], namespace: str, path: str, depth: int) -> AvroType:
        branches = tuple(self.type(branch, namespace, path, depth + 1) for branch in schema)
        seen: set[str] = set()
        for branch in branches:
            identity = branch.name or branch.kind
            if branch.kind is Kind.UNION or identity in seen:
                _refuse(path, "a union of different types that are not unions", _shown(schema))
            seen.add(identity)
        if not branches:
            _refuse(path, "a union of one type or more", "an empty one")
        return AvroType(Kind.UNION, branches=branches)

    def _record(self, schema: dict[str, Any], namespace: str, path: str, depth: int) -> AvroType:
        name, aliases = self._define(schema, namespace, path)
        self._named[name] = None
        given = schema.get("fields")
        if not isinstance(given, list):
            _refuse(path, f"a list of the fields of record {name}", _shown(given))
        fields: dict[str, Field] = {}
        for one in given:
            field = self._field(one, _namespace(name), path, depth)
            if field.name in fields:
                raise AvroError("duplicate field", field=nested_path(path, field.name))
            fields[field.name] = field
        self._named[name] = record = AvroType(Kind.RECORD, name=name, aliases=aliases, fields=tuple(fields.values()))
        return record

    def _field(self, schema: Any, namespace: str, path: str, depth: int) -> Field:
        """A field of the record at ``path``."""
        if not isinstance(schema, dict) or not _is_name(schema.get("name")):
            _refuse(path, "a field with a name of letters, digits and underscores", _shown(schema))
        where = nested_path(path, schema["name"])
        if "type" not in schema:
            _refuse(where, "a type", "none")
        type_ = self.type(schema["type"], namespace, where, depth + 1)
        default = json.dumps(schema["default"]) if "default" in schema else None
        return Field(schema["name"], type_, _names(schema, where), default)

    def _enum(self, schema: dict[str, Any], namespace: str, path: str) -> AvroType:
        name, aliases = self._define(schema, namespace, path)
        symbols = schema.get("symbols")
        if not isinstance(symbols, list) or not all(map(_is_name, symbols)) or len(set(symbols)) != len(symbols):
            _refuse(path, f"different names as symbols of enum {name}", _shown(symbols))
        default = schema.get("default")
        if default is not None and default not in symbols:
            _refuse(path, f"one of the symbols of enum {name} as its default", _shown(default))
        found = AvroType(Kind.ENUM, name=name, aliases=aliases, symbols=tuple(symbols), default=default)
        self._named[name] = found
        return found

    def _fixed(self, schema: dict[str, Any], namespace: str, path: str) -> AvroType:
        name, aliases = self._define(schema, namespace, path)
        size = schema.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 31:
            _refuse(path, f"the size of fixed {name} in bytes", _shown(size))
        found = _with_logical(AvroType(Kind.FIXED, name=name, aliases=aliases, size=size), schema)
        self._named[name] = found
        return found

    def _define(self, schema: dict[str, Any], namespace: str, path: str) -> tuple[str, tuple[str, ...]]:
        """The full name and aliases of a type that is new."""
        name, own = schema.get("name"), schema.get("namespace")
        if not isinstance(name, str):
            _refuse(path, f"a name of the {schema['type']}", _shown(name))
        if own is not None and not isinstance(own, str):
            _refuse(path, f"a namespace of the {schema['type']} {name}", _shown(own))
        inherited = namespace if own is None else own
        full = name if "." in name or not inherited else f"{inherited}.{name}"
        nameless = not full and schema["type"] == "record"  # as polars has it unless told otherwise
        if not nameless and not _FULL_NAME.fullmatch(full):
            _refuse(path, "letters, digits and underscores in names, with dots between", _shown(full))
        if full.rpartition(".")[2] in _PRIMITIVES:
            _refuse(path, "a name that is no primitive type's", full)
        if full in self._named:
            _refuse(path, f"one type of the name {full}", "another one")
        space = _namespace(full)
        aliases = (alias if "." in alias or not space else f"{space}.{alias}" for alias in _names(schema, path))
        return full, tuple(aliases)


def _with_logical(type_: AvroType, schema: dict[str, Any]) -> AvroType:
    """The type with the logical type that the schema gives it; as it is if that is unknown or does not fit."""
    name = schema.get("logicalType")
    if name == Logical.DECIMAL and type_.kind in (Kind.BYTES, Kind.FIXED):
        precision, scale = schema.get("precision"), schema.get("scale", 0)
        if type(precision) is not int or type(scale) is not int:  # not bool, which is an int
            return type_
        if not 0 <= scale <= precision or not 1 <= precision <= MAX_DECIMAL_DIGITS:
            return type_
        if type_.kind is Kind.FIXED and precision > _digits(type_.size):
            return type_
        return AvroType(
            type_.kind, Logical.DECIMAL, precision, scale, name=type_.name, aliases=type_.aliases, size=type_.size
        )
    if isinstance(name, str) and name in _LOGICAL.get(type_.kind, ()):
        return AvroType(type_.kind, Logical(name))
    return type_


def _digits(size: int) -> int:
    """The most digits of decimals of which all fit into a fixed of so many bytes; MAX_DECIMAL_DIGITS if more do."""
    bits = 8 * min(size, 17) - 1
    return min(len(str(1 << bits)) - 1, MAX_DECIMAL_DIGITS) if bits > 0 else 0


def _names(schema: dict[str, Any], path: str) -> tuple[str, ...]:
    """The aliases of a field or a named type."""
    aliases = schema.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        _refuse(path, "a list of names as aliases", _shown(aliases))
    return tuple(aliases)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _namespace(full_name: str) -> str:
    return full_name.rpartition(".")[0]


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 80 else text[:77] + "..."


def _refuse(path: str, expected: object, got: object) -> NoReturn:
    raise AvroError("unusable Avro schema", field=path or None, expected=expected, got=got)

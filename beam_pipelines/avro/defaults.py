"""The values that fields have where they were not written, as Avro's binary encoding of them."""

from __future__ import annotations

import json
import struct
from typing import Any

from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import AvroType, Kind

_INTEGERS = {Kind.INT: 31, Kind.LONG: 63}
_FLOATS = {Kind.FLOAT: "<f", Kind.DOUBLE: "<d"}


def default_bytes(type_: AvroType, default: str, path: str) -> bytes:
    r"""The encoding of a default given as JSON; AvroError, naming the field, if it is no value of the type.

    >>> default_bytes(AvroType(Kind.LONG), "-2", "id")
    b'\x03'
    """
    try:
        return _encoded(type_, json.loads(default))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, struct.error) as error:
        raise AvroError("bad default", field=path, expected=type_, got=default) from error


def _encoded(type_: AvroType, value: Any) -> bytes:
    """Raises one of the errors above if the value is not of the type."""
    kind = type_.kind
    if kind is Kind.UNION:
        return _branch(type_, value)
    if kind is Kind.NULL and value is None:
        return b""
    if kind is Kind.BOOLEAN and isinstance(value, bool):
        return bytes([value])
    if kind in _INTEGERS and type(value) is int and -(1 << _INTEGERS[kind]) <= value < 1 << _INTEGERS[kind]:
        return encoded_long(value)
    if kind in _FLOATS and type(value) in (int, float):
        return struct.pack(_FLOATS[kind], value)
    if kind is Kind.STRING:
        return _with_length(value.encode())
    if kind is Kind.BYTES:
        return _with_length(value.encode("latin-1"))
    if kind is Kind.FIXED and len(value) == type_.size:
        return bytes(value.encode("latin-1"))
    if kind is Kind.ENUM:
        return encoded_long(type_.symbols.index(value))
    if kind is Kind.RECORD and not value.keys() - {field.name for field in type_.fields}:
        return b"".join(
            _encoded(field.type, value[field.name] if field.name in value else json.loads(field.default or ""))
            for field in type_.fields
        )
    if type_.items is not None:
        return _block(type_, type_.items, value)
    raise ValueError(value)


def _branch(type_: AvroType, value: Any) -> bytes:
    """The first branch that the value is of: Avro 1.12's rule; before, it had to be the union's first."""
    for number, branch in enumerate(type_.branches):
        try:
            return encoded_long(number) + _encoded(branch, value)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, struct.error):
            continue
    raise ValueError(value)


def _block(type_: AvroType, items: AvroType, value: Any) -> bytes:
    if type_.kind is Kind.MAP:
        entries = [_with_length(key.encode()) + _encoded(items, item) for key, item in value.items()]
    elif isinstance(value, list):
        entries = [_encoded(items, item) for item in value]
    else:
        raise TypeError(value)
    return (encoded_long(len(entries)) + b"".join(entries) if entries else b"") + b"\0"


def _with_length(data: bytes) -> bytes:
    return encoded_long(len(data)) + data


def encoded_long(value: int) -> bytes:
    r"""Avro's encoding of a long.

    >>> [encoded_long(value) for value in (0, -1, 64)]
    [b'\x00', b'\x01', b'\x80\x01']
    """
    zigzag = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while zigzag >= 128:
        encoded.append(zigzag & 127 | 128)
        zigzag >>= 7
    encoded.append(zigzag)
    return bytes(encoded)

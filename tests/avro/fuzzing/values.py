"""Random values of a type, as Avro's bytes: as any writer may write them, not only as ours does."""

from __future__ import annotations

import struct
from random import Random

from beam_pipelines.avro.defaults import encoded_long
from beam_pipelines.avro.schema import AvroType, Kind, Logical

_TEXTS = ["", "a", "web", "café", "日本", "💶", "x" * 7, "y" * 8, "z" * 17, "w" * 70]
_DAY = {Logical.TIME_MILLIS: 86_400_000, Logical.TIME_MICROS: 86_400_000_000}


def encoding(random: Random, type_: AvroType) -> bytes:
    """A value of the type."""
    match type_.kind:
        case Kind.NULL:
            return b""
        case Kind.BOOLEAN:
            return bytes([random.randrange(2)])
        case Kind.INT | Kind.LONG:
            return encoded_long(_integer(random, type_))
        case Kind.FLOAT:
            return random.choice([struct.pack("<f", random.uniform(-1e3, 1e3)), random.randbytes(4)])
        case Kind.DOUBLE:
            return random.choice([struct.pack("<d", random.uniform(-1e3, 1e3)), random.randbytes(8)])
        case Kind.STRING:
            return _with_length(random.choice(_TEXTS).encode())
        case Kind.BYTES:
            if type_.logical is Logical.DECIMAL:
                number = _decimal(random, type_)
                size = (number.bit_length() + 8) // 8 + random.choice([0, 0, 0, 1, 12])
                return _with_length(number.to_bytes(size, "big", signed=True))
            return _with_length(random.randbytes(random.choice([0, 1, 7, 8, 16, 40])))
        case Kind.FIXED:
            if type_.logical is Logical.DECIMAL:
                return _decimal(random, type_).to_bytes(type_.size, "big", signed=True)
            return random.randbytes(type_.size)
        case Kind.ENUM:
            return encoded_long(random.randrange(len(type_.symbols)))
        case Kind.UNION:
            number = random.randrange(len(type_.branches))
            return encoded_long(number) + encoding(random, type_.branches[number])
        case Kind.RECORD:
            return b"".join(encoding(random, field.type) for field in type_.fields)
        case _:
            return _blocks(random, type_)


def _blocks(random: Random, type_: AvroType) -> bytes:
    """An array or a map, in no, one or two blocks, which may say how long they are; now and then a long one."""
    assert type_.items is not None
    out = b""
    for _ in range(random.choice([0, 1, 1, 1, 2])):
        count = random.randint(1, 4) if random.randrange(16) else random.randint(30, 90)
        items = b"".join(
            (_with_length(f"key{random.randrange(9)}".encode()) if type_.kind is Kind.MAP else b"")
            + encoding(random, type_.items)
            for _ in range(count)
        )
        head = encoded_long(count) if random.randrange(4) else encoded_long(-count) + encoded_long(len(items))
        out += head + items
    return out + b"\0"


def _integer(random: Random, type_: AvroType) -> int:
    if type_.logical in _DAY:
        return random.randrange(_DAY[type_.logical])
    bits = 31 if type_.kind is Kind.INT else 63
    match random.randrange(4):
        case 0:
            return random.choice([-(1 << bits), (1 << bits) - 1, 0, -1])
        case 1:
            return random.getrandbits(random.randrange(1, bits + 1)) * random.choice([1, -1])
        case _:
            return random.randint(-100, 100)


def _decimal(random: Random, type_: AvroType) -> int:
    limit: int = 10**type_.precision - 1
    return random.choice([0, limit, -limit, random.randint(-limit, limit), random.randint(-9, 9), -min(limit, 128)])


def _with_length(data: bytes) -> bytes:
    return encoded_long(len(data)) + data

"""Changes that break Avro: blind ones, and some that know how its numbers, lengths and blocks look."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from beam_pipelines.avro.defaults import encoded_long

_EXTREMES = [0, 1, -1, 63, 64, -64, -65, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**63 - 1, -(2**63)]
_BYTES = [
    b"\xff" * 9 + b"\x01",  # the lowest number
    b"\xfe" + b"\xff" * 8 + b"\x01",  # the highest
    b"\xff" * 9 + b"\x02",  # 65 bits
    b"\xff" * 12,  # a number that does not end
    b"\x80" * 9 + b"\x00",  # zero, in ten bytes
    b"\x80" * 9,
    b"\x80\x00",
    b"\x01",
    b"\x00",
    b"\x02",
    b"\xc3",  # the beginning of two bytes of UTF-8
    b"\xc0\x80",  # overlong
    b"\xed\xa0\x80",  # half of a pair
    b"\xf4\x90\x80\x80",  # beyond Unicode
    b"\x00\x00\xc0\x7f",  # not a number
]


def trick(random: Random, left: int) -> bytes:
    """A few bytes of Avro that a careless reader trusts; ``left`` bytes follow."""
    match random.randrange(6):
        case 0:
            return random.choice(_BYTES)
        case 1:
            return encoded_long(random.choice(_EXTREMES))
        case 2:  # a length that ends at, just before or just behind the end
            return encoded_long(left + random.randint(-3, 3))
        case 3:  # a block that says how long it is
            return encoded_long(-random.randint(0, 5)) + encoded_long(random.choice([0, 1, 7, left, left - 1, 2**40]))
        case 4:  # a number in more bytes than it needs
            value = random.randint(-64, 63)
            zigzag = (value << 1) ^ (value >> 63)
            return bytes([zigzag | 128, *[128] * random.randrange(9), 0])
        case _:
            return encoded_long(random.getrandbits(random.randrange(1, 63)) * random.choice([1, -1]))


def mutated(random: Random, data: bytes, others: Sequence[bytes] = (), first: int = 0) -> bytes:
    """The data with one to three changes behind the byte ``first``, some of which take a piece of one of ``others``."""
    changed = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        _change(random, changed, others, min(first, len(changed)))
    return bytes(changed)


def _change(random: Random, data: bytearray, others: Sequence[bytes], first: int) -> None:
    at = random.randint(first, len(data))
    length = random.choice([1, 1, 2, 4, 8, 20, 100])
    match random.randrange(11):
        case 0 | 1 if at < len(data):
            data[at] ^= 1 << random.randrange(8)
        case 2 if at < len(data):
            data[at] = random.randrange(256)
        case 3 if at < len(data):
            data[at] = random.choice([0, 1, 2, 3, 127, 128, 254, 255])
        case 4:
            del data[at : at + length]
        case 5:
            data[at:at] = random.randbytes(length)
        case 6:
            data[at:at] = data[at : at + length]
        case 7:
            del data[at:]
        case 8:
            inserted = trick(random, len(data) - at)
            data[at:at] = inserted
        case 9:
            over = trick(random, len(data) - at)
            data[at : at + len(over)] = over
        case _ if others:
            piece = random.choice(others)
            start = random.randint(0, len(piece))
            data[at : at + random.choice([0, length])] = piece[start : start + length * random.choice([1, 1, 5])]
        case _:
            data[at:at] = b"\0" * length


def noise(random: Random, longest: int) -> bytes:
    """Bytes as Avro has most of them: small numbers, and a few large."""
    alphabet = [0, 0, 0, 1, 2, 2, 4, 6, 97, random.randrange(256)]
    return bytes(random.choices(alphabet, k=random.randrange(longest)))

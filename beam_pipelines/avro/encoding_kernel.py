"""The compiled loop that writes Avro: an interpreter whose program is the schema and whose data are Arrow's buffers.

:func:`write_rows` runs the program once per row. An operation takes the value at the current index of its column's
buffer and writes it at the current position, so the output is written once, from front to back, and every operation may
write whole words: what it writes too much is overwritten by the next.

An operation is eight numbers, ``code`` and up to seven operands (the unused are 0):

=============  =====================================================================================================
code           operands
=============  =====================================================================================================
LONG, INT      address of int64s, of int32s
FLOAT, DOUBLE  address of the values' bytes
BOOLEAN        address of a bitmap, its first bit
FIXED          address of the values' bytes, bytes of each
DECIMAL        address of 128-bit integers, low and high half of the largest magnitude
FIXED_DECIMAL  the same, then the bytes of each as Avro has them
STRING         0, address of int32 offsets, address of the bytes, the number of bytes
CODED_STRING   address of int32 codes, the same three of the dictionary, the number of its values
ENUM           address of int32 codes, address of an int32 symbol number for each code, the number of codes
BRANCH         0, the byte of a branch that every value takes
NULLABLE       address of a bitmap, its first bit, where to go on if null, the null branch's byte, the other's byte
ARRAY          address of int32 offsets, where to go on if there are no items, the nesting level
ITEM           0, the first operation of an item, the nesting level
END            none
=============  =====================================================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from beam_pipelines.avro.words import (
    SLACK,
    U64,
    beyond,
    copy_bytes,
    copy_exactly,
    kernel,
    leading_zeros,
    load_byte,
    load_int,
    load_long,
    load_word,
    magnitude,
    store_byte,
    store_int,
    store_long,
    store_word,
    swapped,
)

LONG, DECIMAL, CODED_STRING, STRING, NULLABLE, BRANCH, ARRAY, ITEM = 0, 1, 2, 3, 4, 5, 6, 7
INT, DOUBLE, BOOLEAN, ENUM, FLOAT, FIXED, FIXED_DECIMAL, END = 8, 9, 10, 11, 12, 13, 14, 15
OPERANDS = 8
RESERVE = 64
"""Bytes that must be free before an operation, which writes no more without looking."""

FINE, FULL, UNKNOWN_CODE, UNKNOWN_SYMBOL, TOO_WIDE = 0, 1, 2, 3, 4
RESULT = types.UniTuple(types.int64, 4)  # type: ignore[no-untyped-call]  # numba has no types


@njit
def put_long(position: Any, value: Any) -> Any:
    """Writes a long and returns the position after it."""
    zigzag = U64((value << 1) ^ (value >> 63))
    length = ((64 - leading_zeros(zigzag | U64(1))) * 9 + 64) >> 6
    if length <= 8:
        # Seven bits into each byte, in three steps of halves; all bytes but the last say that another follows.
        word = (zigzag & U64(0x0FFFFFFF)) | ((zigzag & U64(0x00FFFFFFF0000000)) << U64(4))
        word = (word & U64(0x00003FFF00003FFF)) | ((word & U64(0x0FFFC0000FFFC000)) << U64(2))
        word = (word & U64(0x007F007F007F007F)) | ((word & U64(0x3F803F803F803F80)) << U64(1))
        others = (U64(1) << U64(8 * (length - 1))) - U64(1)
        store_word(position, word | (U64(0x8080808080808080) & others))
        return position + length
    while zigzag >= U64(128):
        store_byte(position, np.uint8((zigzag & U64(127)) | U64(128)))
        position += 1
        zigzag >>= U64(7)
    store_byte(position, np.uint8(zigzag))
    return position + 1


@njit
def decimal_length(low: Any, high: Any) -> Any:
    """Bytes of a decimal's 128-bit integer: those of its magnitude and one bit for the sign, 1 to 16.

    That is one more than need be for -128, -32768 and so on, as fastavro and Avro's own library for Python have it.
    """
    below, above = magnitude(low, high)
    if above == U64(0):
        return (64 - leading_zeros(below) + 8) >> 3
    return (128 - leading_zeros(above) + 8) >> 3


@njit
def put_big_endian(position: Any, low: Any, high: Any, length: Any) -> Any:
    """Writes the last ``length`` bytes of a 128-bit integer, most significant first; its sign before those."""
    for k in range(length):
        shift = 8 * (length - 1 - k)
        byte = high >> min(shift - 64, 63) if shift >= 64 else low >> shift
        store_byte(position + k, np.uint8(byte & 255))
    return position + length


@njit
def bit_at(address: Any, index: Any) -> Any:
    """A bit of a bitmap."""
    return (np.int64(load_byte(address + (index >> 3))) >> (index & 7)) & 1


@kernel(types.int64, types.int64, types.int64, types.int64, types.int64, result=RESULT)
def write_rows(rows: Any, program: Any, levels: Any, start: Any, room: Any) -> Any:
    """Writes ``rows`` rows.

    Args:
        rows: How many, 1 or more.
        program: Address of int64[operations, OPERANDS].
        levels: Address of int64[nesting levels, 2], working space: the index outside of the level's array, and the one
            after the array's last item.
        start: Address to write to.
        room: Bytes that may be written there.

    Returns:
        FINE and the bytes written; or what is wrong, the bytes needed so far, the operation's place and the index.
    """
    at, index, position = np.int64(program), np.int64(0), np.int64(start)
    limit, problem, needed = start + room - RESERVE, FINE, np.int64(0)
    while True:
        code, address, a, b = load_long(at), load_long(at + 8), load_long(at + 16), load_long(at + 24)
        here = at
        at += 8 * OPERANDS
        if position > limit:
            problem = FULL
            break
        if code == LONG:
            position = put_long(position, load_long(address + 8 * index))
        elif code == DECIMAL:
            low, high = load_long(address + 16 * index), load_long(address + 16 * index + 8)
            if beyond(low, high, a, b):
                problem = TOO_WIDE
                break
            length = decimal_length(low, high)
            store_byte(position, np.uint8(length << 1))
            if length <= 8:
                store_word(position + 1, swapped(U64(low << (64 - 8 * length))))
            else:
                put_big_endian(position + 1, low, high, length)
            position += 1 + length
        elif code == CODED_STRING or code == STRING:  # noqa: SIM109 - numba compiles `in` to a call
            entry = index
            if code == CODED_STRING:
                entry = np.int64(load_int(address + 4 * index))
                if entry < 0 or entry >= load_long(here + 40):
                    problem = UNKNOWN_CODE
                    break
            first = np.int64(load_int(a + 4 * entry))
            length = np.int64(load_int(a + 4 * entry + 4)) - first
            position = put_long(position, length)
            if length > limit - position:
                problem, needed = FULL, length
                break
            if first + length + SLACK <= load_long(here + 32):
                copy_bytes(position, b + first, length)
            else:
                copy_exactly(position, b + first, length)
            position += length
        elif code == NULLABLE:
            if bit_at(address, a + index):
                store_byte(position, np.uint8(load_long(here + 40)))
            else:
                store_byte(position, np.uint8(load_long(here + 32)))
                at = program + 8 * b
            position += 1
        elif code == BRANCH:
            store_byte(position, np.uint8(a))
            position += 1
        elif code == ARRAY:
            first, last = np.int64(load_int(address + 4 * index)), np.int64(load_int(address + 4 * index + 4))
            if last > first:
                position = put_long(position, last - first)
                store_long(levels + 16 * b, index)
                store_long(levels + 16 * b + 8, last)
                index = first
            else:
                store_byte(position, np.uint8(0))
                position += 1
                at = program + 8 * a
        elif code == ITEM:
            index += 1
            if index < load_long(levels + 16 * b + 8):
                at = program + 8 * a
            else:
                store_byte(position, np.uint8(0))
                position += 1
                index = load_long(levels + 16 * b)
        elif code == INT:
            position = put_long(position, np.int64(load_int(address + 4 * index)))
        elif code == DOUBLE:
            store_word(position, load_word(address + 8 * index))
            position += 8
        elif code == BOOLEAN:
            store_byte(position, np.uint8(bit_at(address, a + index)))
            position += 1
        elif code == ENUM:
            entry = np.int64(load_int(address + 4 * index))
            if entry < 0 or entry >= b:
                problem = UNKNOWN_CODE
                break
            symbol = np.int64(load_int(a + 4 * entry))
            if symbol < 0:
                problem = UNKNOWN_SYMBOL
                break
            position = put_long(position, symbol)
        elif code == FLOAT:
            store_int(position, load_int(address + 4 * index))
            position += 4
        elif code == FIXED:
            if a > limit - position:
                problem, needed = FULL, a
                break
            copy_exactly(position, address + a * index, a)
            position += a
        elif code == FIXED_DECIMAL:
            low, high = load_long(address + 16 * index), load_long(address + 16 * index + 8)
            if beyond(low, high, a, b):
                problem = TOO_WIDE
                break
            width = load_long(here + 32)
            if width > limit - position:
                problem, needed = FULL, width
                break
            position = put_big_endian(position, low, high, width)
        else:  # END
            index += 1
            if index == rows:
                break
            at = np.int64(program)
    return problem, position + needed - start, (here - program) >> 3, index

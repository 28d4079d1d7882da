"""The compiled loops that read Avro: one walk over the bytes of a block, then loops over columns.

:func:`walk` runs the program of :mod:`program` once per row and sorts what it meets into *slots*, one per column and
purpose, int64 each: numbers as they are, doubles as their bits, strings as ``position << 32 | length``, whether a
nullable value is there, and for arrays how many items there were so far. Null values take no room in a slot.
Everything is checked against the end of the data before it is read, and nothing is allocated here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from beam_pipelines.avro.encoding_kernels import BYTES, CURSOR, LONGS, OUT, U64, Bytes, Int32s, Int64s, kernel

# Operations of a row's program; program.py says what `slot`, `a` and `b` mean for each. The first six read a value.
LONG, INT, BYTE_STRING, FIXED8, BOOLEAN, NULLABLE, ARRAY, ITEM_END, ROW_END = 0, 1, 2, 3, 4, 5, 6, 7, 8

# What can be wrong; decoder.py has the words. A reading function returns it, negative, in place of the position.
FINE, TRUNCATED, LONG_VARINT, OUT_OF_RANGE, BAD_LENGTH = 0, 1, 2, 3, 4
BAD_BOOLEAN, BAD_BRANCH, BAD_COUNT, BAD_SIZE, TRAILING = 5, 6, 7, 8, 9

SLAB = types.Array(types.int64, 1, "C")
CODES = types.Array(types.int32, 1, "C")
FOUR = types.UniTuple(types.int64, 4)  # type: ignore[no-untyped-call]  # numba has no types
INT32_LIMIT = 1 << 31


@njit(inline="always")
def read_long(data: Bytes, position: Any, end: Any) -> tuple[Any, Any]:
    """A varint and the position after it."""
    if position >= end:
        return np.int64(0), np.int64(-TRUNCATED)
    byte = U64(data[position])
    position += 1
    zigzag = byte & U64(127)
    shift = U64(7)
    while byte >= U64(128):
        if position >= end:
            return np.int64(0), np.int64(-TRUNCATED)
        byte = U64(data[position])
        position += 1
        if shift == U64(63) and byte > U64(1):
            return np.int64(0), np.int64(-LONG_VARINT)
        zigzag |= (byte & U64(127)) << shift
        shift += U64(7)
    return np.int64(zigzag >> U64(1)) ^ -np.int64(zigzag & U64(1)), position


@njit(inline="always")
def read_varint_value(code: Any, data: Bytes, position: Any, end: Any) -> tuple[Any, Any]:
    """What LONG, INT, BYTE_STRING and NULLABLE read: the value for the slot, and the position after it."""
    value, position = read_long(data, position, end)
    if position < 0 or code == LONG:
        return value, position
    if code == BYTE_STRING:
        if value < 0 or value > end - position:
            return value, np.int64(-BAD_LENGTH)
        return (position << 32) | value, position + value
    if code == INT:
        if value >= INT32_LIMIT or value < -INT32_LIMIT:
            return value, np.int64(-OUT_OF_RANGE)
    elif value < 0 or value > 1:
        return value, np.int64(-BAD_BRANCH)
    return value, position


@njit(inline="always")
def read_fixed_value(code: Any, data: Bytes, position: Any, end: Any) -> tuple[Any, Any]:
    """What FIXED8 and BOOLEAN read: the value for the slot, and the position after it."""
    width = 1 if code == BOOLEAN else 8
    if end - position < width:
        return np.int64(0), np.int64(-TRUNCATED)
    word = U64(0)
    for k in range(width):
        word |= U64(data[position + k]) << U64(8 * k)
    if code == BOOLEAN and word > U64(1):
        return np.int64(word), np.int64(-BAD_BOOLEAN)
    return np.int64(word), position + width


@njit(inline="always")
def read_array_block(data: Bytes, position: Any, end: Any, least: Any) -> tuple[Any, Any, Any]:
    """The items of an array's next block, where it says it ends (-1 if it doesn't), and the position of the first.

    Every item takes ``least`` bytes or more, so that the bytes that are left bound the count.
    """
    size_end = np.int64(-1)
    count, position = read_long(data, position, end)
    if position >= 0 and count < 0:
        size, position = read_long(data, position, end)
        if position >= 0 and (size < 0 or size > end - position):
            return size, size_end, np.int64(-BAD_LENGTH)
        size_end = position + size
        count = -count
    # The lowest number stays negative when negated.
    if position >= 0 and (count < 0 or count > (end - position) // least):
        return count, size_end, np.int64(-BAD_COUNT)
    return count, size_end, position


@kernel(BYTES, types.int64, LONGS, SLAB, CURSOR, CURSOR, SLAB, SLAB, result=FOUR)
def walk(
    data: Bytes, rows: Any, program: Int64s, slab: Int64s, cursor: Int64s, items: Int64s, left: Int64s, ends: Int64s
) -> tuple[Any, Any, Any, Any]:
    """Reads ``rows`` rows into the slots of ``slab``.

    Args:
        data: The rows' bytes.
        rows: How many there are, 1 or more.
        program: int64[4 p], operations of four numbers each: code, slot, a, b.
        slab: Room for all slots.
        cursor: int64[slots], where each slot begins in ``slab``; afterwards, where it ends.
        items: int64[slots], zeros: items so far of each slot's array.
        left: int64[depth], working space: items left in the array block being read, per nesting level.
        ends: The same: where that array block says it ends, -1 if it doesn't say.

    Returns:
        What is wrong (FINE if nothing), its position in the data, the operation it happened in, and the value found.
    """
    position, end, depth, at = np.int64(0), np.int64(data.size), np.int64(-1), np.int64(0)
    while True:
        code, slot, a, b = program[at], program[at + 1], program[at + 2], program[at + 3]
        start = position
        if code <= NULLABLE:
            if code == FIXED8 or code == BOOLEAN:  # noqa: SIM109 - numba compiles `in` to a call
                value, position = read_fixed_value(code, data, position, end)
            else:
                value, position = read_varint_value(code, data, position, end)
            if position < 0:
                return -position, start, at, value
            if slot >= 0:
                slab[cursor[slot]] = value
                cursor[slot] += 1
            at = a if code == NULLABLE and value == 0 else at + 4
        elif code == ARRAY:
            # Goes on at the array's ITEM_END as if after an item, to read the first block's count there.
            depth += 1
            left[depth], ends[depth], at = 1, -1, a
        elif code == ITEM_END:
            left[depth] -= 1
            if left[depth] > 0:
                at = a
                continue
            if ends[depth] >= 0 and ends[depth] != position:
                return BAD_SIZE, position, at, ends[depth]
            count, ends[depth], position = read_array_block(data, position, end, b)
            if position < 0:
                return -position, start, at, count
            if count > 0 and slot < 0 and ends[depth] >= 0:  # nobody asked, and it can be jumped
                left[depth], position, ends[depth] = 1, ends[depth], -1
            elif count > 0:
                left[depth], at = count, a
                if slot >= 0:
                    items[slot] += count
            else:
                if slot >= 0:
                    slab[cursor[slot]] = items[slot]
                    cursor[slot] += 1
                depth, at = depth - 1, at + 4
        else:  # ROW_END
            rows -= 1
            if rows == 0:
                break
            at = np.int64(0)
    return (TRAILING if position < end else FINE), position, at, end - position


@kernel(SLAB, LONGS, LONGS)
def spread(out: Int64s, present: Int64s, compact: Int64s) -> None:
    """Puts the next of ``compact`` where ``present`` is 1, and 0 elsewhere."""
    k = 0
    for i in range(present.size):
        if present[i] != 0:
            out[i] = compact[k]
            k += 1
        else:
            out[i] = 0


@kernel(CODES, LONGS, result=types.int64)
def string_offsets(offsets: Int32s, strings: Int64s) -> Any:
    """Turns n strings into their n + 1 offsets, and returns the bytes of all."""
    total = np.int64(0)
    offsets[0] = 0
    for i in range(strings.size):
        total += strings[i] & 0xFFFFFFFF
        offsets[i + 1] = total
    return total


@kernel(OUT, LONGS, BYTES)
def gather_strings(out: Bytes, strings: Int64s, data: Bytes) -> None:
    """Copies strings behind one another."""
    to = np.int64(0)
    for i in range(strings.size):
        first = strings[i] >> 32
        for k in range(first, first + (strings[i] & 0xFFFFFFFF)):
            out[to] = data[k]
            to += 1


@njit(inline="always")
def same_bytes(data: Bytes, first: Any, second: Any, length: Any) -> bool:
    """Whether two stretches of the data are equal."""
    for k in range(length):  # noqa: SIM110 - numba has no all()
        if data[first + k] != data[second + k]:
            return False
    return True


@kernel(CODES, SLAB, CODES, LONGS, BYTES, result=types.int64)
def string_codes(codes: Int32s, values: Int64s, table: Int32s, strings: Int64s, data: Bytes) -> Any:
    """Numbers strings in order of first appearance.

    Args:
        codes: int32[n], becomes each string's number.
        values: int64[n], becomes the distinct strings, of which there are as many as is returned.
        table: int32[a power of two, 2 n or more], all -1: hash table of numbers.
        strings: int64[n], position << 32 | length; a null one is 0, and all nulls share the number of the empty string.
        data: The block.
    """
    mask = U64(table.size - 1)
    distinct = np.int64(0)
    for i in range(strings.size):
        position, length = strings[i] >> 32, strings[i] & 0xFFFFFFFF
        mixed = U64(length) * U64(0x9E3779B97F4A7C15)
        for k in range(position, position + length):
            mixed = (mixed ^ U64(data[k])) * U64(0x100000001B3)
        mixed ^= mixed >> U64(29)
        at = mixed & mask
        while True:
            number = table[at]
            if number < 0:
                table[at] = distinct
                values[distinct] = strings[i]
                codes[i] = distinct
                distinct += 1
                break
            if (values[number] & 0xFFFFFFFF) == length and same_bytes(data, values[number] >> 32, position, length):
                codes[i] = number
                break
            at = (at + U64(1)) & mask
    return distinct


@kernel(SLAB, LONGS, LONGS, BYTES, types.uint64, types.uint64, result=types.int64)
def decimals(out: Int64s, strings: Int64s, present: Int64s, data: Bytes, limit_low: Any, limit_high: Any) -> Any:
    """Reads big-endian two's complement into Arrow's decimals: int64[2 n], low and high halves.

    ``present`` is 0 where the decimal is null, and empty if none is. ``limit_*`` are the halves of the largest
    magnitude the precision allows. Returns -1, or the first row whose decimal is empty, wider than 16 bytes or beyond
    that.
    """
    nulls = present.size > 0
    for i in range(strings.size):
        if nulls and present[i] == 0:
            out[2 * i] = out[2 * i + 1] = 0
            continue
        position, length = strings[i] >> 32, strings[i] & 0xFFFFFFFF
        if length < 1 or length > 16:
            return i
        sign = np.int64(np.int8(data[position]) >> 7)
        low, high = U64(sign), U64(sign)
        split = position + max(length - 8, 0)
        for k in range(position, split):
            high = (high << U64(8)) | U64(data[k])
        for k in range(split, position + length):
            low = (low << U64(8)) | U64(data[k])
        above, below = high, low
        if sign:
            above, below = ~high, ~low + U64(1)
            if below == U64(0):
                above += U64(1)
        if above > limit_high or (above == limit_high and below > limit_low):
            return i
        out[2 * i] = np.int64(low)
        out[2 * i + 1] = np.int64(high)
    return -1

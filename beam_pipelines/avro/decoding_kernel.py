"""The compiled loop that reads Avro: an interpreter whose program is the schema, and which fills Arrow's buffers.

:func:`read_rows` runs the program once per row. An operation reads the value at the current position and stores it at
the current index of its *slot*, the buffer of a column. Slots are dense: each has one value for every row, or for every
item of the array it is in, null or not, so one index serves all columns of a row. Everything is checked against the end
of the data, nothing is allocated here, and memory is touched for rows and items only once they have been reached.

An operation is eight numbers, ``code`` and up to seven operands (the unused are 0). *Slot* stands for its address:

==============  ====================================================================================================
code            operands
==============  ====================================================================================================
LONG, DOUBLE    slot of 8 bytes
INT, FLOAT      slot of 4 bytes
BOOLEAN         slot of bytes
STRING          slot of int64s, ``position << 32 | length``: strings and bytes
DECIMAL         slot of 128-bit integers, the largest that is also an int64, low and high half of the largest magnitude,
                the smallest integer that is also an int64
FIXED_DECIMAL   slot of 128-bit integers, bytes of each as Avro has them, low and high half of the largest magnitude
FIXED           slot, bytes of each
ENUM            slot of int32s, address of an int32 for each of the writer's symbols, the number of those
INT_AS_LONG     slot of 8 bytes
AS_FLOAT        slot of 4 bytes, 1 if the writer's type is int, 0 if it is long
AS_DOUBLE       slot of 8 bytes, the same
FLOAT_AS_DOUBLE slot of 8 bytes
NULLABLE        slot of bytes (1 if there is a value), where to go on if there is none, the number of the null branch
UNION           0, the index in the program of where each branch goes on (-1: it cannot be read), the number of branches
SET             slot of bytes, the byte
ZERO            slot, bytes of each
ZERO_LIST       slot of int32 offsets, the array's number
JUMP            0, where to go on
ARRAY           0, the array's ITEM, the array's number
ITEM            slot of int32 offsets (0: passed over), the first operation of an item, the array's number, its items'
                least bytes
SKIP_LONG       0, how many
SKIP_BYTES      none
SKIP_FIXED      0, bytes
END             none
==============  ====================================================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from beam_pipelines.avro.words import (
    U64,
    beyond,
    copy_exactly,
    kernel,
    load_byte,
    load_float,
    load_int,
    load_long,
    load_word,
    store_byte,
    store_double,
    store_float,
    store_int,
    store_long,
    store_word,
    swapped,
    trailing_zeros,
)

LONG, DECIMAL, STRING, NULLABLE, ITEM, ARRAY, INT, DOUBLE = 0, 1, 2, 3, 4, 5, 6, 7
BOOLEAN, ENUM, SKIP_LONG, SKIP_BYTES, SKIP_FIXED, FLOAT, FIXED, FIXED_DECIMAL = 8, 9, 10, 11, 12, 13, 14, 15
INT_AS_LONG, AS_FLOAT, AS_DOUBLE, FLOAT_AS_DOUBLE, UNION, SET, ZERO, ZERO_LIST = 16, 17, 18, 19, 20, 21, 22, 23
JUMP, END = 24, 25
OPERANDS = 8

# Where what is known of an array while it is read is in its part of the state, in bytes.
OUTSIDE, LEFT, BLOCK_END, ITEMS, CAPACITY = 0, 8, 16, 24, 32
ARRAY_STATE = 8
MAX_EMPTY = 1 << 16
"""The most operations in a block for rows or items that come without a byte for each: they cost time all the same."""

FINE, MORE_ROOM, TRUNCATED, LONG_VARINT, BAD_INT, BAD_LENGTH, BAD_BOOLEAN, BAD_BRANCH = 0, 1, 2, 3, 4, 5, 6, 7
BAD_COUNT, BAD_SIZE, BAD_SYMBOL, UNKNOWN_SYMBOL, BAD_DECIMAL, UNREADABLE, TRAILING = 8, 9, 10, 11, 12, 13, 14
RESULT = types.UniTuple(types.int64, 4)  # type: ignore[no-untyped-call]  # numba has no types

BEYOND = 1 << 62
"""A position that says that the number before it has more than 64 bits."""
INT_LIMIT = 1 << 31


@njit
def get_long(position: Any) -> tuple[Any, Any]:
    """A long and the position after it. Reads up to ten bytes."""
    word = load_word(position)
    stops = ~word & U64(0x8080808080808080)
    if stops != U64(0):
        # The bytes up to the first that ends, seven bits of each, closed up in three steps of halves.
        word &= (stops ^ (stops - U64(1))) & U64(0x7F7F7F7F7F7F7F7F)
        word = (word & U64(0x007F007F007F007F)) | ((word & U64(0x7F007F007F007F00)) >> U64(1))
        word = (word & U64(0x00003FFF00003FFF)) | ((word & U64(0x3FFF00003FFF0000)) >> U64(2))
        word = (word & U64(0x000000000FFFFFFF)) | ((word & U64(0x0FFFFFFF00000000)) >> U64(4))
        return np.int64(word >> U64(1)) ^ -np.int64(word & U64(1)), position + ((trailing_zeros(stops) + 1) >> 3)
    zigzag, shift = U64(0), U64(0)
    while True:
        byte = U64(load_byte(position))
        position += 1
        zigzag |= (byte & U64(127)) << shift
        if shift == U64(63) and byte > U64(1):
            return np.int64(0), np.int64(BEYOND)
        if byte < U64(128):
            return np.int64(zigzag >> U64(1)) ^ -np.int64(zigzag & U64(1)), position
        shift += U64(7)


@njit
def get_short(position: Any) -> tuple[Any, Any]:
    """A long that is mostly short, as lengths and branches are, and the position after it."""
    byte = np.int64(load_byte(position))
    if byte & 129 == 0:  # one byte, not negative
        return byte >> 1, position + 1
    return get_long(position)


@njit
def after_long(position: Any) -> Any:
    """The position after a long."""
    stops = ~load_word(position) & U64(0x8080808080808080)
    if stops != U64(0):
        return position + ((trailing_zeros(stops) + 1) >> 3)
    return get_long(position)[1]


@njit
def get_decimal(position: Any, length: Any) -> tuple[Any, Any, bool]:
    """The halves of a big-endian integer of 1 byte or more, and whether 128 bits hold it."""
    sign = np.int64(np.int8(load_byte(position)) >> 7)
    low, high, fits = U64(sign), U64(sign), True
    for k in range(length):
        byte = U64(load_byte(position + k))
        if length - k > 16:
            fits = fits and byte == (U64(sign) & U64(255))
        else:
            high = (high << U64(8)) | (low >> U64(56))
            low = (low << U64(8)) | byte
    return np.int64(low), np.int64(high), fits and (length <= 16 or (np.int64(high) < 0) == (sign < 0))


@kernel(types.int64, types.int64, types.int64, types.int64, types.int64, result=RESULT)
def read_rows(start: Any, size: Any, rows: Any, program: Any, state: Any) -> Any:
    """Reads ``rows`` rows.

    Args:
        start: Address of the data, behind which 16 more bytes can be read.
        size: Bytes of the data.
        rows: How many, 1 or more.
        program: Address of int64[operations, OPERANDS], and the branch tables of unions behind them.
        state: Address of int64[arrays, ARRAY_STATE]: of each array the index outside of it, the items left of its
            block, where that block ends (-1 if it does not say), its items so far, and how many items its slots have
            room for. Only the last two have to be set.

    Returns:
        FINE; or what is wrong, the position of the operation's data, the operation and the value found.
    """
    end, at, index, position = start + size, np.int64(program), np.int64(0), np.int64(start)
    here, began, value, problem, empty = at, position, np.int64(0), FINE, np.int64(0)
    while True:
        code, address, a, b = load_long(at), load_long(at + 8), load_long(at + 16), load_long(at + 24)
        here = at
        began = position
        at += 8 * OPERANDS
        if code == LONG:
            value, position = get_long(position)
            store_long(address + 8 * index, value)
        elif code == DECIMAL:
            length, position = get_short(position)
            if length < 1 or length > end - position:
                problem, value = BAD_DECIMAL if length == 0 else BAD_LENGTH, length
                break
            if length <= 8:
                value = np.int64(swapped(load_word(position))) >> (64 - 8 * length)
                if value > a or value < load_long(here + 40):
                    problem, value = BAD_DECIMAL, length
                    break
                store_long(address + 16 * index, value)
                store_long(address + 16 * index + 8, value >> 63)
            else:
                low, high, fits = get_decimal(position, length)
                if not fits or beyond(low, high, b, load_long(here + 32)):
                    problem, value = BAD_DECIMAL, length
                    break
                store_long(address + 16 * index, low)
                store_long(address + 16 * index + 8, high)
            position += length
        elif code == STRING:
            length, position = get_short(position)
            if length < 0 or length > end - position:
                problem, value = BAD_LENGTH, length
                break
            store_long(address + 8 * index, ((position - start) << 32) | length)
            position += length
        elif code == NULLABLE:
            branch, position = get_short(position)
            if branch < 0 or branch > 1:
                problem, value = BAD_BRANCH, branch
                break
            store_byte(address + index, np.uint8(branch != b))
            if branch == b:
                at = program + 8 * a
        elif code == ITEM:
            array = state + 8 * ARRAY_STATE * b
            left = load_long(array + LEFT)
            if left > 0:
                items = load_long(array + ITEMS)
                if items >= load_long(array + CAPACITY):
                    problem, value = MORE_ROOM, items
                    break
                store_long(array + LEFT, left - 1)
                store_long(array + ITEMS, items + 1)
                index, at = items, program + 8 * a
                continue
            if load_long(array + BLOCK_END) >= 0 and load_long(array + BLOCK_END) != position:
                problem, value = BAD_SIZE, load_long(array + BLOCK_END) - start
                break
            store_long(array + BLOCK_END, -1)
            count, position = get_short(position)
            if count < 0 and position <= end:
                length, position = get_long(position)
                if length < 0 or length > end - position:
                    problem, value = BAD_LENGTH, length
                    break
                store_long(array + BLOCK_END, position + length)
                count = -count
            least = load_long(here + 32)
            # The lowest number stays negative when negated. A product is no division, and cannot overflow here.
            left = end - position
            if least == 0:
                least, left = max(((here - program) >> 6) - (a >> 3), np.int64(1)), MAX_EMPTY - empty
            if count < 0 or count > left or count * least > left:
                problem, value = BAD_COUNT, count
                break
            if load_long(here + 32) == 0:
                empty += count * least
            if count == 0:
                index = load_long(array + OUTSIDE)
                if address != 0:
                    store_int(address + 4 * (index + 1), np.int32(load_long(array + ITEMS)))
            elif address == 0 and load_long(array + BLOCK_END) >= 0:  # nobody asked for it, and it says where it ends
                position = load_long(array + BLOCK_END)
                at = here
            else:
                store_long(array + LEFT, count)
                at = here
        elif code == ARRAY:
            array = state + 8 * ARRAY_STATE * b
            store_long(array + OUTSIDE, index)
            store_long(array + LEFT, 0)
            store_long(array + BLOCK_END, -1)
            at = program + 8 * a
        elif code == END:
            index += 1
            if index == rows:
                break
            at = np.int64(program)
        elif code == INT:
            value, position = get_long(position)
            if value >= INT_LIMIT or value < -INT_LIMIT:
                problem, value = BAD_INT, value
                break
            store_int(address + 4 * index, np.int32(value))
        elif code == DOUBLE:
            store_word(address + 8 * index, load_word(position))
            position += 8
        elif code == BOOLEAN:
            byte = load_byte(position)
            if byte > 1 and position < end:
                problem, value = BAD_BOOLEAN, np.int64(byte)
                break
            store_byte(address + index, byte)
            position += 1
        elif code == ENUM:
            value, position = get_short(position)
            if value < 0 or value >= b:
                problem, value = BAD_SYMBOL, value
                break
            symbol = load_int(a + 4 * value)
            if symbol < 0:
                problem, value = UNKNOWN_SYMBOL, value
                break
            store_int(address + 4 * index, symbol)
        elif code == SKIP_LONG:
            for _ in range(a):
                position = after_long(position)
                if position > end:
                    break
        elif code == SKIP_BYTES:
            length, position = get_short(position)
            if length < 0 or length > end - position:
                problem, value = BAD_LENGTH, length
                break
            position += length
        elif code == SKIP_FIXED:
            position += a
        elif code == FLOAT:
            store_int(address + 4 * index, load_int(position))
            position += 4
        elif code == FIXED:
            if a > end - position:
                problem, value = TRUNCATED, end - position
                break
            copy_exactly(address + a * index, position, a)
            position += a
        elif code == FIXED_DECIMAL:
            if a > end - position:
                problem, value = TRUNCATED, end - position
                break
            length = a
            low, high, fits = get_decimal(position, length)
            if not fits or beyond(low, high, b, load_long(here + 32)):
                problem, value = BAD_DECIMAL, length
                break
            store_long(address + 16 * index, low)
            store_long(address + 16 * index + 8, high)
            position += length
        elif code == INT_AS_LONG or code == AS_FLOAT or code == AS_DOUBLE:  # noqa: SIM109 - numba compiles `in` to a call
            value, position = get_long(position)
            if (code == INT_AS_LONG or a == 1) and (value >= INT_LIMIT or value < -INT_LIMIT):
                problem, value = BAD_INT, value
                break
            if code == INT_AS_LONG:
                store_long(address + 8 * index, value)
            elif code == AS_FLOAT:
                store_float(address + 4 * index, np.float32(value))
            else:
                store_double(address + 8 * index, np.float64(value))
        elif code == FLOAT_AS_DOUBLE:
            store_double(address + 8 * index, np.float64(load_float(position)))
            position += 4
        elif code == UNION:
            branch, position = get_short(position)
            if branch < 0 or branch >= b:
                problem, value = BAD_BRANCH, branch
                break
            target = load_long(program + 8 * (a + branch))
            if target < 0:
                problem, value = UNREADABLE, branch
                break
            at = program + 8 * target
        elif code == SET:
            store_byte(address + index, np.uint8(a))
        elif code == ZERO:
            for k in range(a):
                store_byte(address + a * index + k, np.uint8(0))
        elif code == ZERO_LIST:
            store_int(address + 4 * (index + 1), np.int32(load_long(state + 8 * ARRAY_STATE * a + ITEMS)))
        else:  # JUMP
            at = program + 8 * a
        if position > end:
            problem, value = TRUNCATED, end - began
            break
    if problem == FINE:
        return (TRAILING if position < end else FINE), position - start, (here - program) >> 3, end - position
    if position > end:  # what was found wrong was found behind the data
        problem = LONG_VARINT if position >= BEYOND else TRUNCATED
    return problem, began - start, (here - program) >> 3, value

"""The compiled loops that turn places in a block into Arrow's strings.

A string is an int64, ``position << 32 | length``, as :mod:`decoding_kernel` leaves it: of two adjacent ones neither has
to be looked at for the other to be found, so these loops run at the speed of memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from beam_pipelines.avro.words import U64, copy_bytes, kernel, load_long, load_word, store_int, store_long

LENGTH = 0xFFFFFFFF
EMPTY = -1


@kernel(types.int64, types.int64, types.int64, result=types.int64)
def string_offsets(offsets: Any, strings: Any, count: Any) -> Any:
    """Turns ``count`` strings into their int32 offsets, one more than there are, and returns the bytes of all."""
    total = np.int64(0)
    store_int(offsets, np.int32(0))
    for i in range(count):
        total += load_long(strings + 8 * i) & LENGTH
        store_int(offsets + 4 * (i + 1), np.int32(total))
    return total


@kernel(types.int64, types.int64, types.int64, types.int64)
def gather_strings(out: Any, strings: Any, count: Any, data: Any) -> None:
    """Copies strings behind one another, and up to 16 bytes of no meaning behind the last."""
    for i in range(count):
        string = load_long(strings + 8 * i)
        length = string & LENGTH
        copy_bytes(out, data + (string >> 32), length)
        out += length


@njit
def last_word(address: Any, length: Any) -> Any:
    """The first ``length`` bytes, 0 to 8, as a word."""
    shift = U64(8 * (8 - length))
    return (load_word(address) << shift) >> shift if length > 0 else U64(0)


@njit
def mixed(word: Any) -> Any:
    """The word with every bit depending on those below it."""
    word *= U64(0x9E3779B97F4A7C15)
    return word ^ (word >> U64(32))


@njit
def hash_of(address: Any, length: Any) -> Any:
    """A number that equal strings have in common."""
    found = U64(length)
    done = np.int64(0)
    while done + 8 < length:
        found = mixed(found ^ load_word(address + done))
        done += 8
    return mixed(found ^ last_word(address + done, length - done))


@njit
def same_string(first: Any, second: Any, length: Any) -> Any:
    """Whether two strings of one length are equal."""
    done = np.int64(0)
    while done + 8 < length:
        if load_word(first + done) != load_word(second + done):
            return False
        done += 8
    return last_word(first + done, length - done) == last_word(second + done, length - done)


INTS = types.Array(types.int32, 1, "C")


@kernel(types.int64, types.int64, INTS, types.int64, types.int64, types.int64, result=types.int64)
def string_codes(codes: Any, values: Any, table: Any, strings: Any, count: Any, data: Any) -> Any:
    """Numbers strings in order of first appearance.

    Args:
        codes: Address of int32s, which become each string's number.
        values: Address of int64s, which become the distinct strings: as many as is returned.
        table: int32[a power of two, 2 * count or more], a hash table of numbers, of which only the beginning is used as
            long as there are few: it then stays in the processor's cache.
        strings: Address of ``count`` strings.
        count: How many.
        data: Address of the block, behind which 16 more bytes can be read.
    """
    size = min(table.size, 256)
    table[:size] = EMPTY
    mask, distinct = U64(size - 1), np.int64(0)
    for i in range(count):
        string = load_long(strings + 8 * i)
        address, length = data + (string >> 32), string & LENGTH
        at = hash_of(address, length) & mask
        while True:
            number = table[at]
            if number == EMPTY:
                break
            known = load_long(values + 8 * number)
            if (known & LENGTH) == length and same_string(data + (known >> 32), address, length):
                break
            at = (at + U64(1)) & mask
        if number == EMPTY:
            number = np.int32(distinct)
            table[at] = number
            store_long(values + 8 * distinct, string)
            distinct += 1
            if 2 * distinct > size:
                size = min(4 * size, table.size)
                table[:size] = EMPTY
                mask = U64(size - 1)
                for k in range(distinct):
                    known = load_long(values + 8 * k)
                    at = hash_of(data + (known >> 32), known & LENGTH) & mask
                    while table[at] != EMPTY:
                        at = (at + U64(1)) & mask
                    table[at] = np.int32(k)
        store_int(codes + 4 * i, number)
    return distinct

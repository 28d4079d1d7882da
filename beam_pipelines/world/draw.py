"""Randomness that any worker can draw again: every number is a function of names and keys, never of a sequence.

Two ways to draw. :func:`bits` gives a block's rows their randomness for one column, from a Philox generator keyed by
(seed, table, column) and counted from (day, block). :func:`hashed` gives a key, a customer's number say, its own
randomness, so that whoever refers to the customer can recompute what it needs.

Only integers, IEEE arithmetic and raw generator words are used: numpy's distributions may change between versions and
its exp, log and power between processors, and a row must never depend on either.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BLOCK_ROWS = 16_384
"""Rows of a block: the unit of randomness, of an Avro block and of a record batch."""

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


def key(seed: int, *names: str) -> int:
    """128 bits that identify a stream of randomness by its names.

    >>> key(42, "orders", "created_at") == key(42, "orders", "created_at") != key(42, "orders", "channel")
    True
    """
    text = "/".join((str(seed), *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def bits(stream: int, day: int, block: int, rows: int) -> U64:
    """64 random bits for each of a block's first ``rows`` rows; ``stream`` comes from :func:`key`.

    A shorter block of the same day is a prefix of a longer one.

    >>> bool((bits(7, 0, 0, 3) == bits(7, 0, 0, 5)[:3]).all())
    True
    """
    words: U64 = np.random.Philox(key=stream, counter=(day << 192) | (block << 128)).random_raw(rows)
    return words


def hashed(stream: int, keys: npt.NDArray[np.integer]) -> U64:
    """64 random bits for each key (splitmix64's finalizer over the key and the stream).

    >>> bool(hashed(7, np.array([5]))[0] == hashed(7, np.array([4, 5]))[1])
    True
    """
    mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(stream & 0xFFFF_FFFF_FFFF_FFFF)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def halves(words: U64) -> npt.NDArray[np.uint16]:
    """Each word as four independent draws of 16 bits: shape (4, rows)."""
    return np.ascontiguousarray(words.view(np.uint16).reshape(-1, 4).T)


def unit(words: U64) -> npt.NDArray[np.float64]:
    """Each word as a number in [0, 1), from its upper 53 bits."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(words: U64, bound: int | npt.NDArray[np.integer]) -> I64:
    """Each word as an integer in [0, bound), from its upper 32 bits; ``bound`` at most 2**31, one or one per word.

    >>> below(np.array([0, 2**63, 2**64 - 1], np.uint64), 10).tolist()
    [0, 5, 9]
    """
    limit = np.asarray(bound).astype(np.uint64)
    return (((words >> np.uint64(32)) * limit) >> np.uint64(32)).astype(np.int64)


def inverse_cdf(weights: Sequence[float] | npt.NDArray[np.float64], slots_log2: int = 16) -> npt.NDArray[np.int64]:
    """A table of 2**slots_log2 entries: indexing it with that many random bits is one draw from the weights.

    >>> np.bincount(inverse_cdf([3, 1], 4)).tolist()
    [12, 4]
    """
    share = np.asarray(weights, dtype=np.float64)
    if share.ndim != 1 or not len(share) or (share < 0).any() or not math.isfinite(share.sum()) or not share.sum():
        raise ValueError(f"weights: expected finite numbers of 0 or more, not all 0, got {weights!r}")
    slots = 1 << slots_log2
    ends = np.ceil(np.cumsum(share) / share.sum() * slots - 0.5).astype(np.int64)
    ends[-1] = slots
    return np.repeat(np.arange(len(share)), np.diff(ends, prepend=0))

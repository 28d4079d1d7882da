"""Randomness that any worker can draw again: every number is a function of names and keys, never of a sequence.

Two ways to draw. :func:`bits` gives a block's rows their randomness for one column, from a Philox generator keyed by
(seed, table, column) and counted from (day, block). :func:`hashed` gives a key, a customer's number say, its own
randomness, so that whoever refers to the customer can recompute what it needs.

Only integers, IEEE arithmetic and raw generator words are used: numpy's distributions may change between versions and
its exp, log and power between processors, and a row must never depend on either.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISeedSequence

BLOCK_ROWS = 16_384
"""Rows of a block: the unit of randomness, of an Avro block and of a record batch."""

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_LOW = 0xFFFF_FFFF_FFFF_FFFF


class _Unseeded(ISeedSequence):
    """For generators whose key and counter are set anyway; without it each would ask the system for entropy."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> npt.NDArray[Any]:
        return np.zeros(n_words, dtype)


_UNSEEDED = _Unseeded()


@functools.lru_cache(maxsize=256)
def key(seed: int, *names: str) -> int:
    """128 bits that identify a stream of randomness by its names.

    >>> key(42, "orders", "created_at") == key(42, "orders", "created_at") != key(42, "orders", "channel")
    True
    """
    text = "/".join((str(seed), *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


class Words:
    """A block's random words, stream by stream, all from one generator: making one costs as much as a thousand words.

    >>> words = Words(0, 0)
    >>> bool((words.of(7, 3) == words.of(7, 5)[:3]).all() and (words.of(8, 3) != words.of(7, 3)).all())
    True
    """

    def __init__(self, day: int, block: int) -> None:
        self._generator = np.random.Philox(_UNSEEDED)  # type: ignore[arg-type]  # numpy takes any ISeedSequence
        self._counter = np.array((0, 0, block, day), np.uint64)

    def of(self, stream: int, rows: int) -> U64:
        """64 random bits for each of the block's first ``rows`` rows; ``stream`` comes from :func:`key`."""
        self._generator.state = {
            "bit_generator": "Philox",
            "state": {"counter": self._counter, "key": _key_words(stream)},
            "buffer": _NOTHING_LEFT,
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }
        words: U64 = self._generator.random_raw(rows)
        return words


_NOTHING_LEFT = np.zeros(4, np.uint64)
"""The generator's buffer of four words, of which none is left to hand out."""


@functools.lru_cache(maxsize=256)
def _key_words(stream: int) -> U64:
    return np.array((stream & _LOW, stream >> 64), np.uint64)


def bits(stream: int, day: int, block: int, rows: int) -> U64:
    """64 random bits for each of a block's first ``rows`` rows; ``stream`` comes from :func:`key`.

    A shorter block of the same day is a prefix of a longer one.

    >>> bool((bits(7, 0, 0, 3) == bits(7, 0, 0, 5)[:3]).all())
    True
    """
    return Words(day, block).of(stream, rows)


def hashed(stream: int, keys: npt.NDArray[np.integer]) -> U64:
    """64 random bits for each key (splitmix64's finalizer over the key and the stream).

    >>> bool(hashed(7, np.array([5]))[0] == hashed(7, np.array([4, 5]))[1])
    True
    """
    mixed = keys.astype(np.uint64)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(stream & _LOW)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def halves(words: U64) -> U16:
    """Each word as four independent draws of 16 bits: shape (4, rows)."""
    return np.ascontiguousarray(words.view(np.uint16).reshape(-1, 4).T)


def unit(words: U64) -> F64:
    """Each word as a number in [0, 1), from its upper 53 bits."""
    # As signed integers, of which processors make floats faster.
    share = (words >> np.uint64(11)).view(np.int64).astype(np.float64)
    share *= 2.0**-53
    return share


def below(words: U64, bound: int | npt.NDArray[np.integer]) -> I64:
    """Each word as an integer in [0, bound), from its upper 32 bits; ``bound`` at most 2**31, one or one per word.

    >>> below(np.array([0, 2**63, 2**64 - 1], np.uint64), 10).tolist()
    [0, 5, 9]
    """
    drawn = words >> np.uint64(32)
    drawn *= np.asarray(bound, np.uint64)
    drawn >>= np.uint64(32)
    return drawn.view(np.int64)


def inverse_cdf(
    weights: Sequence[float] | F64, slots_log2: int = 16, values: npt.NDArray[Any] | None = None
) -> npt.NDArray[Any]:
    """A table of 2**slots_log2 entries: indexing it with that many random bits is one draw from the weights.

    The draw is one of ``values``, of which each weight has one, or else the weight's position.

    >>> np.bincount(inverse_cdf([3, 1], 4)).tolist()
    [12, 4]
    """
    share = np.asarray(weights, dtype=np.float64)
    if share.ndim != 1 or not len(share) or (share < 0).any() or not math.isfinite(share.sum()) or not share.sum():
        raise ValueError(f"weights: expected finite numbers of 0 or more, not all 0, got {weights!r}")
    slots = 1 << slots_log2
    ends = np.ceil(np.cumsum(share) / share.sum() * slots - 0.5).astype(np.int64)
    ends[-1] = slots
    return np.repeat(np.arange(len(share)) if values is None else values, np.diff(ends, prepend=0))

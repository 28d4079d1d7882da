"""Randomness that any worker can draw again: every number is a function of names and keys, never of a sequence.

:func:`hashed` gives a key, an order's number say, its own randomness for one column: so a row is drawn alone, whoever
refers to it recomputes what it needs, and it costs half of what a block of a counter-based generator's words does.

Only integers and IEEE arithmetic are used: numpy's distributions may change between versions and its exp, log and power
between processors, and a row must never depend on either.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_ROWS = 16_384
"""Rows of a block: the unit of randomness, of an Avro block and of a record batch."""

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_LOW = 0xFFFF_FFFF_FFFF_FFFF


@functools.lru_cache(maxsize=256)
def key(seed: int, *names: str) -> int:
    """128 bits that identify a stream of randomness by its names.

    >>> key(42, "orders", "created_at") == key(42, "orders", "created_at") != key(42, "orders", "channel")
    True
    """
    text = "/".join((str(seed), *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


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

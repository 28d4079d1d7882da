"""What happens to a day's members on other days, found from either side without looking at anybody.

Members are numbered from 0 on each day (sign-ups, orders, units) and lie in blocks of ``width``. In each block they are
ranked by a scrambling that can be undone, and ranges of ranks are classes: "shipped after two days" is the range of
ranks between two shares of the block. So

- what happens to a member follows from its rank,
- how many members of day D are in a class is a difference of two rounded numbers,
- and the members of day D to whom something happens on day E are a range of ranks, of which any piece can be taken.

The events of a day are such ranges one behind the other: the ranges of the days before it, each for what happens after
just so many days. Nothing is drawn that does not happen that day, none is found twice, and none is lost.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beam_pipelines.world import draw

WIDEST = 65_536
"""The most members of a block."""


@functools.lru_cache(maxsize=1)
def _multipliers() -> draw.I64:
    """Primes above every block's width, so that multiplying by one and dividing by the width is a scrambling."""
    sieve = np.ones(2 * WIDEST, np.bool_)
    for number in range(2, 363):
        sieve[number * number :: number] = False
    return (np.flatnonzero(sieve[WIDEST:]) + WIDEST)[:4096].astype(np.int64)


@dataclass(frozen=True)
class Scrambling:
    """How the members of each block of each day are ranked; ``stream`` comes from :func:`draw.key`."""

    stream: int
    width: int
    """Members of a whole block, at most 65,536."""

    def ranks(self, day: int, block: int, size: int, members: draw.I64) -> draw.I64:
        """The ranks of members of one block.

        >>> Scrambling(draw.key(42, "doctest"), 16).ranks(3, 0, 10, np.arange(10)).tolist()
        [7, 4, 1, 8, 5, 2, 9, 6, 3, 0]
        """
        multiplier, shift = (int(part[0]) for part in self.parts(np.array([day]), np.array([block])))
        found = members - shift
        if size == self.width and size & (size - 1) == 0:
            found *= pow(multiplier, -1, size)
            found &= size - 1
            return found
        found %= size
        found *= pow(multiplier, -1, size)
        found %= size
        return found

    def parts(self, day: draw.I64, block: draw.I64) -> tuple[draw.I64, draw.I64]:
        """Multiplier and shift of each block: a member's number is rank * multiplier + shift, modulo the size."""
        words = draw.hashed(self.stream, day * (1 << 32) + block)
        shift = (words >> np.uint64(48)).view(np.int64)
        return _multipliers().take((words & np.uint64(4095)).view(np.int64)), shift


@dataclass(frozen=True)
class Rounding:
    """How shares of a block become whole ranks: alike in whole blocks, with its own offset in each day's last one."""

    stream: int

    def offsets(self, day: npt.NDArray[np.int64]) -> draw.F64:
        """What is added before rounding down in the last block of each day, in [0, 1).

        With it the smallest numbers are right on average: a day with ten members has one of a class of one per cent
        every tenth day.
        """
        return draw.unit(draw.hashed(self.stream, day))


def rank_of(share: draw.F64 | float, size: draw.I64 | int, offset: draw.F64 | float) -> draw.I64:
    """The first rank behind a share of a block of that size."""
    ranks: draw.I64 = np.floor(np.multiply(share, size) + offset).astype(np.int64)
    return np.minimum(ranks, size)


WHOLE = 0.5
"""The rounding offset of whole blocks."""


def class_sizes(width: int, members: draw.I64, offset: draw.F64, low: draw.F64, high: draw.F64) -> draw.I64:
    """Members between two shares of each block, of days that have so many members and these rounding offsets.

    The sizes of :class:`Ranges` without the ranges, for as many shares and days as broadcast.
    """
    rest = members % width
    sizes = rank_of(high, rest, offset) - rank_of(low, rest, offset)
    sizes += (rank_of(high, width, WHOLE) - rank_of(low, width, WHOLE)) * (members // width)
    return sizes


@dataclass(frozen=True)
class Ranges:
    """Ranges of ranks of several days, one behind the other: the members of each in every block of its day.

    Arrays of one entry per range.
    """

    scrambling: Scrambling
    day: draw.I64
    """The day of the members."""
    whole_blocks: draw.I64
    """Blocks of ``width`` members that the day has."""
    rest: draw.I64
    """Members of its last block."""
    whole_start: draw.I64
    """First rank of the range in a whole block."""
    whole_size: draw.I64
    rest_start: draw.I64
    """First rank of the range in the last block."""
    rest_size: draw.I64

    @staticmethod
    def of(
        scrambling: Scrambling, rounding: Rounding, day: draw.I64, members: draw.I64, low: draw.F64, high: draw.F64
    ) -> Ranges:
        """The ranges between two shares, of days that have so many members."""
        width, offset = scrambling.width, rounding.offsets(day)
        blocks, rest = members // width, members % width
        whole_start, rest_start = rank_of(low, width, WHOLE), rank_of(low, rest, offset)
        whole_size = rank_of(high, width, WHOLE) - whole_start
        rest_size = rank_of(high, rest, offset) - rest_start
        return Ranges(scrambling, day, blocks, rest, whole_start, whole_size, rest_start, rest_size)

    @functools.cached_property
    def sizes(self) -> draw.I64:
        """Members of each range."""
        return self.whole_blocks * self.whole_size + self.rest_size

    @functools.cached_property
    def first(self) -> draw.I64:
        """Members of all ranges before each, and in the end of all: one entry more than ranges."""
        return np.concatenate([[0], np.cumsum(self.sizes)])

    def piece(self, start: int, count: int) -> Piece:
        """Members number ``start`` and following, so many of them."""
        low = int(self.first.searchsorted(start, "right")) - 1
        high = int(self.first.searchsorted(start + count, "left"))
        begin = np.maximum(start - self.first[low:high], 0)
        end = np.minimum(start + count - self.first[low:high], self.sizes[low:high])
        return Piece(slice(low, high), end - begin, self._members(low, begin, end))

    def _members(self, low: int, begin: draw.I64, end: draw.I64) -> draw.I64:
        """Of the ranges from ``low`` on the members from ``begin`` to ``end``, by runs: what lies in one block."""
        which = (end > begin).nonzero()[0]
        begin, end = begin.take(which), end.take(which)
        which += low
        size, whole = self.whole_size.take(which), self.whole_blocks.take(which)
        divisor = np.maximum(size, 1)
        # A range that is empty in whole blocks has all its members in the last one.
        first_block = np.where(size > 0, np.minimum(begin // divisor, whole), whole)
        runs = np.where(size > 0, np.minimum((end - 1) // divisor, whole), whole) - first_block + 1
        block = np.arange(runs.sum()) - (runs.cumsum() - runs - first_block).repeat(runs)
        which, size, whole = which.repeat(runs), size.repeat(runs), whole.repeat(runs)
        is_rest = block == whole
        before = block * size
        begin = np.maximum(begin.repeat(runs), before)
        counts = np.where(is_rest, end.repeat(runs), np.minimum(end.repeat(runs), before + size)) - begin
        rank = begin - before + np.where(is_rest, self.rest_start.take(which), self.whole_start.take(which))
        day, width = self.day.take(which), self.scrambling.width
        multiplier, shift = self.scrambling.parts(day, block)
        member: draw.I64 = np.arange(counts.sum()) + (rank - counts.cumsum() + counts).repeat(counts)
        member *= multiplier.repeat(counts)
        member += shift.repeat(counts)
        member %= np.where(is_rest, self.rest.take(which), width).repeat(counts) if is_rest.any() else width
        member += (block * width).repeat(counts)
        return member


@dataclass(frozen=True)
class Piece:
    """Members of several ranges, one behind the other."""

    ranges: slice
    """The ranges that they are in."""
    counts: draw.I64
    """Members of each of those ranges."""
    member: draw.I64
    """The number of each member on its day."""

    def spread(self, of_ranges: npt.NDArray[np.int64]) -> draw.I64:
        """What is known of all ranges, for each member."""
        return of_ranges[self.ranges].repeat(self.counts)

"""When customers move and when they change their e-mail address: each at most once, in the three years after sign-up.

A day's sign-ups are ranked by a scrambling, one for moves and one for e-mails, and ranges of ranks change after so many
days (see schedule.py). So a day's changes are found without looking at anybody else, and whether some customer has
changed by a day follows from the customer's number.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from beam_pipelines.world import calendar, clock, draw, schedule

LONGEST = 1_096
"""The last change comes so many days after the sign-up, the first one the day after it."""

FIRST_YEAR = 365
HAZARD = (5, 4)
"""How likely a change is on a day of the first year, and on a later one: a quarter likelier at first."""

WIDTH = 16_384
"""Sign-ups that are ranked together."""

_MASK = np.uint16(WIDTH - 1)


@dataclass(frozen=True)
class Change:
    """What may change, once; ``share`` of the customers do."""

    name: str
    share: float
    parity: int
    """Of the microsecond in which it happens, so that a customer's two changes never happen at the same time."""


MOVE = Change("moves", 0.12, 0)
MAIL = Change("emails", 0.15, 1)


@dataclass(frozen=True)
class Signups:
    """Some customers, of any days, by when they signed up: arrays of one entry per customer."""

    customer_id: draw.I64
    day: draw.I64
    number: draw.I64
    """The customer's among the sign-ups of the day, from 0."""

    @staticmethod
    def of(seed: int, scale: float, customer_id: draw.I64) -> Signups:
        """These customers, in any order."""
        # A binary search takes four times as long: no processor foresees which way it turns.
        keys = calendar.first_keys(seed, scale, calendar.CUSTOMERS)
        shift, days = _days_by_number(seed, scale)
        number = customer_id - 1
        day = days.take(number >> shift).astype(np.int64)
        day += number >= keys.take(day + 1)
        number -= keys.take(day)
        return Signups(customer_id, day, number)


@functools.lru_cache(maxsize=8)
def _days_by_number(seed: int, scale: float) -> tuple[int, npt.NDArray[np.int16]]:
    """A shift, and the day of sign-up of every ``2**shift``-th customer: no day has fewer sign-ups than such a step."""
    keys = calendar.first_keys(seed, scale, calendar.CUSTOMERS)
    shift = int(np.diff(keys).min()).bit_length() - 1
    days = keys.searchsorted(np.arange(0, keys[-1], 1 << shift), "right") - 1
    return shift, days.astype(np.int16)


@dataclass(frozen=True)
class Changes:
    """Some changes of a day: arrays of one entry per change."""

    customers: Signups
    microseconds: draw.I64
    """When it happened, since 1970, UTC."""
    moved: npt.NDArray[np.bool_]
    """Whether the customer has moved by then."""
    changed_mail: npt.NDArray[np.bool_]
    """Whether the customer has changed the e-mail address by then."""


@functools.lru_cache(maxsize=4096)
def rows(seed: int, scale: float, day: int) -> int:
    """How many customers move or change their e-mail address on a day; who does both counts twice."""
    return _count(seed, scale, day, MOVE) + _count(seed, scale, day, MAIL)


def changes(seed: int, scale: float, day: int, start: int, count: int) -> Changes:
    """A day's changes number ``start`` (from 0) and following, moves before e-mails; ``count`` of them, at least 1."""
    moves = _count(seed, scale, day, MOVE)
    own = min(max(moves - start, 0), count)
    parts = []
    if own:
        parts.append(_changes(seed, scale, day, MOVE, start, own))
    if own < count:
        parts.append(_changes(seed, scale, day, MAIL, start + own - moves, count - own))
    customer_id, signed_up, number, *rest = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Changes(Signups(customer_id, signed_up, number), *rest)


def happened(
    seed: int, scale: float, change: Change, customers: Signups, day: npt.NDArray[np.integer] | int
) -> npt.NDArray[np.bool_]:
    """Whether these customers have changed before a day, one for all or one each."""
    return _Ranks.of(seed, scale, change, customers).are_before(change, day - customers.day)


@functools.lru_cache(maxsize=2)
def shares(change: Change) -> draw.F64:
    """The share of customers who have changed before each day from the sign-up's on: shape (1098,), first 0 and 0."""
    early, late = HAZARD
    hazard = np.where(np.arange(1, LONGEST + 1) <= FIRST_YEAR, early, late).astype(np.float64)
    # Sums of small whole numbers are exact, in any order.
    running = np.cumsum(hazard)
    return np.concatenate([[0.0, 0.0], change.share * (running / running[-1])])


@functools.lru_cache(maxsize=16)
def ranges(seed: int, scale: float, day: int, change: Change) -> schedule.Ranges:
    """Who changes on a day: a range of ranks of every day that is at most 1,096 earlier."""
    days = np.arange(max(0, day - LONGEST), day)
    keys = calendar.first_keys(seed, scale, calendar.CUSTOMERS)
    passed, before = day - days, shares(change)
    return schedule.Ranges.of(
        scrambling(seed, change),
        rounding(seed, change),
        days,
        keys.take(days + 1) - keys.take(days),
        before.take(passed),
        before.take(passed + 1),
    )


def scrambling(seed: int, change: Change) -> schedule.Scrambling:
    """How a day's sign-ups are ranked for a change."""
    return schedule.Scrambling(draw.key(seed, "customers", change.name), WIDTH)


def rounding(seed: int, change: Change) -> schedule.Rounding:
    """How shares of a day's sign-ups become whole ranks."""
    return schedule.Rounding(draw.key(seed, "customers", change.name, "rounding"))


def _count(seed: int, scale: float, day: int, change: Change) -> int:
    return int(ranges(seed, scale, day, change).first[-1])


def _changes(seed: int, scale: float, day: int, change: Change, start: int, count: int) -> tuple[npt.NDArray[Any], ...]:
    """The fields of the changes of one kind number ``start`` and following, those of the customers first."""
    happening = ranges(seed, scale, day, change)
    piece = happening.piece(start, count)
    number, signed_up = piece.member, piece.spread(happening.day)
    customer_id = calendar.first_keys(seed, scale, calendar.CUSTOMERS).take(signed_up)
    customer_id += number
    customer_id += 1
    moment = _moments(seed, day, change, customer_id)
    other = MAIL if change is MOVE else MOVE
    ranks = _Ranks.of(seed, scale, other, Signups(customer_id, signed_up, number))
    passed = day - signed_up
    both = ranks.are_before(other, passed)
    today = (ranks.are_before(other, passed + 1) & ~both).nonzero()[0]
    both[today] = _moments(seed, day, other, customer_id.take(today)) < moment.take(today)
    one = np.ones(count, np.bool_)
    return (customer_id, signed_up, number, moment, *((one, both) if change is MOVE else (both, one)))


def _moments(seed: int, day: int, change: Change, customer_id: draw.I64) -> draw.I64:
    """When customers who change on a day do so."""
    words = draw.hashed(draw.key(seed, "customers", change.name, "moment"), customer_id)
    # In no order, so that the clock for mixed days is faster than the one for a single day.
    moments = clock.times_of_days(seed, np.full(len(words), day), draw.unit(words))
    moments &= -2
    moments += calendar.midnight(day) + change.parity
    return moments


@dataclass(frozen=True)
class _Ranks:
    """Ranks of some customers for a change: arrays of one entry per customer."""

    rank: draw.I64
    size: draw.I64
    """Of the block that the customer is in."""
    offset: draw.F64
    """What is added before rounding down in that block."""

    @staticmethod
    def of(seed: int, scale: float, change: Change, customers: Signups) -> _Ranks:
        last, day, number = _last_blocks(seed, scale, change), customers.day, customers.number
        turned = last.turn.take(day)
        turned += number
        # Where the number is in the last block, a number below 2**15 and then one below 2**29.
        rank = turned.astype(np.uint32)
        rank *= last.inverse.take(day)
        size = last.size.take(day)
        rank %= size
        found = _Ranks(rank.astype(np.int64), size.astype(np.int64), last.offset.take(day))
        whole = (number < last.start.take(day)).nonzero()[0]
        if len(whole):
            scrambled = scrambling(seed, change)
            found.rank[whole] = _ranks_in_whole_blocks(scrambled, day.take(whole), number.take(whole))
            found.size[whole] = WIDTH
            found.offset[whole] = schedule.WHOLE
        return found

    def are_before(self, change: Change, passed: draw.I64) -> npt.NDArray[np.bool_]:
        """Whether each changes before so many days after the sign-up."""
        share = shares(change).take(passed, mode="clip")
        return self.rank < schedule.rank_of(share, self.size, self.offset)


def _ranks_in_whole_blocks(scrambled: schedule.Scrambling, day: draw.I64, number: draw.I64) -> draw.I64:
    """Ranks of sign-ups that are in blocks of 16,384, whose division is arithmetic in 16 bits."""
    multiplier, shift = scrambled.parts(day, number // WIDTH)
    factor = multiplier.astype(np.uint16)
    # Newton's iteration for the inverse: right in 3 bits, then 6, 12 and 24.
    inverse = factor.copy()
    for _ in range(3):
        inverse *= np.uint16(2) - factor * inverse
    rank = number.astype(np.uint16)
    rank -= shift.astype(np.uint16)
    rank *= inverse
    rank &= _MASK
    return rank.astype(np.int64)


@dataclass(frozen=True)
class _LastBlocks:
    """The last block of every day, and how its ranks are found: arrays of one entry per day."""

    start: draw.I64
    """Sign-ups of the day that are in the blocks before it."""
    size: draw.U32
    turn: draw.I64
    """Added to the number of a sign-up, then times ``inverse``, modulo ``size``: that is its rank."""
    inverse: draw.U32
    offset: draw.F64


@functools.lru_cache(maxsize=8)
def _last_blocks(seed: int, scale: float, change: Change) -> _LastBlocks:
    members = np.diff(calendar.first_keys(seed, scale, calendar.CUSTOMERS))
    day = np.arange(len(members))
    block = members // WIDTH
    start = block * WIDTH
    size = np.maximum(members - start, 1)
    multiplier, shift = scrambling(seed, change).parts(day, block)
    shift %= size
    inverse = [pow(factor, -1, width) for factor, width in zip(multiplier.tolist(), size.tolist(), strict=True)]
    return _LastBlocks(
        start,
        size.astype(np.uint32),
        size - shift - start,
        np.array(inverse, np.uint32),
        rounding(seed, change).offsets(day),
    )

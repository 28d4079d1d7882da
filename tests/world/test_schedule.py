"""Ranges of ranks: every member is in just one class, and is found from either side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.world import draw
from beam_pipelines.world.schedule import WHOLE, WIDEST, Ranges, Rounding, Scrambling, _multipliers, rank_of

WIDTH = 64
SCRAMBLING, ROUNDING = Scrambling(draw.key(42, "test"), WIDTH), Rounding(draw.key(42, "test rounding"))

members = st.lists(st.integers(0, 5 * WIDTH), min_size=1, max_size=6)
shares = st.lists(st.floats(0, 1), min_size=0, max_size=8).map(lambda inner: np.array([0.0, *sorted(inner), 1.0]))


def classes_of_all_days(counts: list[int], ends: np.ndarray) -> Ranges:
    """Every class of every day, day by day."""
    classes = len(ends) - 1
    day = np.repeat(np.arange(len(counts)), classes)
    low, high = np.tile(ends[:-1], len(counts)), np.tile(ends[1:], len(counts))
    return Ranges.of(SCRAMBLING, ROUNDING, day, np.array(counts)[day], low, high)


def members_and(ranges: Ranges, known: np.ndarray, start: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Members, and what is known of the range of each."""
    piece = ranges.piece(start, count)
    return piece.member, piece.spread(known)


@given(counts=members, ends=shares)
@settings(max_examples=200, deadline=None)
def test_every_member_of_every_day_is_in_one_class(counts, ends):
    ranges = classes_of_all_days(counts, ends)
    member, days = members_and(ranges, ranges.day, 0, int(ranges.first[-1]))
    assert ranges.first[-1] == sum(counts)
    for day, count in enumerate(counts):
        assert np.sort(member[days == day]).tolist() == list(range(count))


@given(counts=members, ends=shares, data=st.data())
@settings(max_examples=200, deadline=None)
def test_pieces_are_parts_of_the_whole(counts, ends, data):
    ranges = classes_of_all_days(counts, ends)
    total = int(ranges.first[-1])
    start = data.draw(st.integers(0, total))
    count = data.draw(st.integers(0, total - start))
    numbers = np.arange(len(ranges.day))
    whole, piece = members_and(ranges, numbers, 0, total), members_and(ranges, numbers, start, count)
    for part, all_of in zip(piece, whole, strict=True):
        assert part.tolist() == all_of[start : start + count].tolist()


@given(count=st.integers(1, 5 * WIDTH), ends=shares, day=st.integers(0, 8000))
@settings(max_examples=200, deadline=None)
def test_a_members_class_follows_from_its_rank(count, ends, day):
    classes = len(ends) - 1
    days = np.full(classes, day)
    ranges = Ranges.of(SCRAMBLING, ROUNDING, days, np.full(classes, count), ends[:-1], ends[1:])
    member, which = members_and(ranges, np.arange(classes), 0, count)
    found = np.empty(count, np.int64)
    for block in range(-(-count // WIDTH)):
        size = min(WIDTH, count - block * WIDTH)
        offset = WHOLE if size == WIDTH else float(ROUNDING.offsets(np.array([day]))[0])
        rank = SCRAMBLING.ranks(day, block, size, np.arange(size))
        found[block * WIDTH : block * WIDTH + size] = rank_of(ends[1:], size, offset).searchsorted(rank, "right")
    assert found[member].tolist() == which.tolist()


@given(size=st.integers(1, WIDEST), day=st.integers(0, 8000), block=st.integers(0, 1 << 20))
@settings(max_examples=60, deadline=None)
def test_a_scrambling_is_undone(size, day, block):
    scrambling = Scrambling(draw.key(7, "test"), WIDEST)
    rank = scrambling.ranks(day, block, size, np.arange(size))
    assert (np.sort(rank) == np.arange(size)).all()
    multiplier, shift = scrambling.parts(np.array([day]), np.array([block]))
    assert ((rank * multiplier + shift) % size == np.arange(size)).all()


def test_multipliers_are_primes_that_divide_no_block():
    primes = _multipliers()
    assert len(np.unique(primes)) == 4096
    assert WIDEST < primes.min() < primes.max() < 2 * WIDEST
    for divisor in range(2, 363):
        assert (primes % divisor).all()


def test_blocks_and_days_are_scrambled_each_in_its_own_way():
    scrambling = Scrambling(draw.key(42, "test"), WIDEST)
    orders = {tuple(scrambling.ranks(day, block, WIDEST, np.arange(8))) for day in range(30) for block in range(30)}
    assert len(orders) == 900


@pytest.mark.parametrize("members_a_day", [3, 20])
def test_small_days_have_their_share_of_rare_classes(members_a_day):
    """A class of one per cent has a member on every fifth day of twenty members."""
    days = np.arange(4000)
    one = Ranges.of(SCRAMBLING, ROUNDING, days, np.full(4000, members_a_day), np.full(4000, 0.4), np.full(4000, 0.41))
    assert one.first[-1] == pytest.approx(40 * members_a_day, rel=0.15)
    assert one.sizes.max() == 1

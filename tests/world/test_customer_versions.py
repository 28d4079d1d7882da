"""Customers move and change their e-mail address: found from either side, once each, and nothing else changes."""

import re
import tracemalloc
from datetime import date
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import columns
from beam_pipelines.world import BLOCK_ROWS, calendar, clock, cohorts, customers, day_number, draw, moves, schedule
from beam_pipelines.world.pools import places

SEED = 42
BLACK_FRIDAY = day_number(date(2025, 11, 28))
DAYS = 2_000
ADDRESS = ("street_address", "postal_code", "city", "state", "latitude", "longitude")
FOREVER = (
    *("customer_id", "created_at", "first_name", "last_name"),
    *("age", "gender", "country", "traffic_source"),
)


def drawn(scale: float, day: int) -> pa.Table:
    rows = customers.rows(SEED, scale, day)
    firsts = range(0, rows, BLOCK_ROWS)
    batches = [
        customers.draw_block(SEED, scale, day, first // BLOCK_ROWS, min(BLOCK_ROWS, rows - first)) for first in firsts
    ]
    return pa.Table.from_batches(batches)


@pytest.fixture(scope="module")
def history() -> SimpleNamespace:
    """All versions of the smallest world's first 2,000 days, by customer and in order of time: one array a column."""
    days = [drawn(0.01, day) for day in range(DAYS)]
    table = pa.concat_tables(days).unify_dictionaries().combine_chunks()
    valid_from = columns.integers(table["valid_from"].chunk(0))
    order = np.lexsort([valid_from, table["customer_id"].to_numpy()])
    names = [name for name in table.schema.names if name not in ("valid_from", "created_at")]
    found = {name: np.array(table[name].to_pylist())[order] for name in names}
    return SimpleNamespace(
        **found,
        valid_from=valid_from[order],
        created_at=columns.integers(table["created_at"].chunk(0))[order],
        day=np.repeat(np.arange(DAYS), [len(day) for day in days])[order],
    )


@pytest.fixture(scope="module")
def changes(history: SimpleNamespace) -> SimpleNamespace:
    """Of every row that is not a sign-up: its number, and whether the address, and the e-mail, differ from before."""
    row = np.flatnonzero(history.version > 1)
    differs = {name: getattr(history, name)[row] != getattr(history, name)[row - 1] for name in (*ADDRESS, "email")}
    moved = np.any([differs[name] for name in ADDRESS], axis=0)
    return SimpleNamespace(row=row, moved=moved, changed_mail=differs["email"], differs=differs)


def change_days(scale: float, day: int, change: moves.Change) -> np.ndarray:
    """When each sign-up of a day changes, block by block from its rank; 0 for never."""
    members = calendar.rows_of(SEED, scale, calendar.CUSTOMERS, day)
    scrambling, rounding = moves.scrambling(SEED, change), moves.rounding(SEED, change)
    found = []
    for block, first in enumerate(range(0, members, moves.WIDTH)):
        size = min(moves.WIDTH, members - first)
        offset = schedule.WHOLE if size == moves.WIDTH else rounding.offsets(np.array([day]))[0]
        bounds = schedule.rank_of(moves.shares(change), size, offset)
        ranks = scrambling.ranks(day, block, size, np.arange(size))
        passed = bounds.searchsorted(ranks, "right") - 1
        found.append(np.where(passed <= moves.LONGEST, day + passed, 0))
    return np.concatenate(found)


def changes_of_day(scale: float, signed_up: int, day: int, change: moves.Change) -> moves.Changes | None:
    """What changes on a day for the sign-ups of another."""
    ranges = moves.ranges(SEED, scale, day, change)
    which = int(np.flatnonzero(ranges.day == signed_up)[0])
    before = int(moves.ranges(SEED, scale, day, moves.MOVE).first[-1]) if change is moves.MAIL else 0
    count = int(ranges.sizes[which])
    return moves.changes(SEED, scale, day, before + int(ranges.first[which]), count) if count else None


@pytest.mark.parametrize("change", [moves.MOVE, moves.MAIL], ids=["moves", "e-mails"])
@pytest.mark.parametrize(("scale", "day"), [(0.01, 0), (0.01, 700), (0.01, 2_000), (1.0, BLACK_FRIDAY), (30.0, 1_000)])
def test_the_changes_of_all_days_are_those_that_ranks_tell(scale: float, day: int, change: moves.Change) -> None:
    wanted = change_days(scale, day, change)
    assert scale < 30 or len(wanted) > 2 * moves.WIDTH, "some blocks have to be whole"
    found = np.zeros_like(wanted)
    for later in range(day + 1, day + moves.LONGEST + 1):
        changed = changes_of_day(scale, day, later, change)
        if changed is not None:
            assert (changed.customers.day == day).all()
            assert (found[changed.customers.number] == 0).all(), f"somebody changes twice, again on day {later}"
            found[changed.customers.number] = later
            ids = customers.first_customer_id(SEED, scale, day) + changed.customers.number
            assert (changed.customers.customer_id == ids).all()
    assert (found == wanted).all(), f"{(found != wanted).sum()} of {len(wanted)} customers differ"
    assert (wanted > 0).mean() == pytest.approx(change.share, abs=0.5 / len(wanted) ** 0.5)


@pytest.mark.parametrize("change", [moves.MOVE, moves.MAIL], ids=["moves", "e-mails"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 15.0, 100.0])
def test_who_has_changed_is_known_of_scattered_customers(scale: float, change: moves.Change) -> None:
    signup_days = [3, 400, 401, 1_500, 2_400]
    wanted = np.concatenate([change_days(scale, day, change) for day in signup_days])
    ids = np.concatenate(
        [
            np.arange(*(customers.first_customer_id(SEED, scale, day + more) for more in (0, 1)), dtype=np.int64)
            for day in signup_days
        ]
    )
    order = np.random.default_rng(1).permutation(len(ids))
    who = moves.Signups.of(SEED, scale, ids[order])
    for day in (0, 4, 401, 1_099, 1_100, 1_800, 2_401, 3_600):
        happened = np.empty(len(ids), np.bool_)
        happened[order] = moves.happened(SEED, scale, change, who, day)
        assert (happened == ((wanted > 0) & (wanted < day))).all(), f"before day {day}"


@pytest.mark.parametrize("seed", [0, 42, 2**63 - 1])
@pytest.mark.parametrize("scale", [0.01, 0.3, 1.0, 10_000])
def test_the_day_of_sign_up_is_found(seed: int, scale: float) -> None:
    keys = calendar.first_keys(seed, scale, calendar.CUSTOMERS)
    ids = np.concatenate([keys[:-1] + 1, keys[1:], np.random.default_rng(2).integers(1, keys[-1] + 1, 50_000)])
    who = moves.Signups.of(seed, scale, ids)
    assert (who.day == np.searchsorted(keys, ids) - 1).all()
    assert (who.number == ids - 1 - keys[who.day]).all()


def test_versions_are_dense_and_in_order_of_time(history: SimpleNamespace) -> None:
    first = np.flatnonzero(np.diff(history.customer_id, prepend=0))
    assert (history.customer_id[first] == np.arange(1, len(first) + 1)).all()
    assert (
        history.version
        == np.arange(len(history.version)) - np.repeat(first, np.diff(first, append=len(history.day))) + 1
    ).all()
    assert set(history.version) == {1, 2, 3}
    later = np.flatnonzero(history.version > 1)
    assert (history.valid_from[later] > history.valid_from[later - 1]).all()


def test_versions_land_on_their_day_from_the_day_after_sign_up_to_three_years(history: SimpleNamespace) -> None:
    found = (history.valid_from - calendar.midnight(0)) // calendar.MICROSECONDS_PER_DAY
    assert (found == history.day).all()
    signed_up = (history.created_at - calendar.midnight(0)) // calendar.MICROSECONDS_PER_DAY
    passed = (history.day - signed_up)[history.version > 1]
    assert (passed.min(), passed.max()) == (1, 1_096)
    assert (history.valid_from == history.created_at)[history.version == 1].all()


def test_one_in_eight_moves_and_one_in_seven_changes_the_mail(
    history: SimpleNamespace, changes: SimpleNamespace
) -> None:
    # Of those whose three years are over.
    old = np.unique(history.customer_id[(history.version == 1) & (history.day < DAYS - moves.LONGEST)])
    movers = np.unique(history.customer_id[changes.row[changes.moved]])
    mailers = np.unique(history.customer_id[changes.row[changes.changed_mail]])
    assert np.isin(old, movers).mean() == pytest.approx(0.12, abs=0.01)
    assert np.isin(old, mailers).mean() == pytest.approx(0.15, abs=0.01)
    both = np.isin(old, movers) & np.isin(old, mailers)
    assert both.mean() == pytest.approx(0.12 * 0.15, abs=0.005), "moving and changing the mail depend on each other"


def test_every_change_is_one_change(changes: SimpleNamespace) -> None:
    assert (changes.moved ^ changes.changed_mail).all()
    # There are cities of one name in two states, but none in the same.
    assert ((changes.differs["city"] | changes.differs["state"]) == changes.moved).all()
    for name in ("city", "latitude", "longitude", "postal_code", "street_address"):
        assert changes.differs[name][changes.moved].mean() > 0.99, name
    assert changes.differs["state"][changes.moved].mean() > 0.5


@pytest.mark.parametrize("name", FOREVER)
def test_nothing_else_ever_changes(history: SimpleNamespace, changes: SimpleNamespace, name: str) -> None:
    column = getattr(history, name)
    assert (column[changes.row] == column[changes.row - 1]).all()


def test_who_moves_lives_in_a_city_of_the_same_country(history: SimpleNamespace, changes: SimpleNamespace) -> None:
    known = places()
    cities = set(zip(known.city.to_pylist(), known.state.to_pylist(), known.country.tolist(), strict=True))
    rows = changes.row[changes.moved]
    country = cohorts.country(SEED, history.customer_id[rows])
    assert set(zip(history.city[rows].tolist(), history.state[rows].tolist(), country.tolist(), strict=True)) <= cities
    assert len(set(history.city[rows])) > 300


def test_the_hazard_is_roughly_even() -> None:
    for change in (moves.MOVE, moves.MAIL):
        hazard = np.diff(moves.shares(change))
        assert hazard[0] == 0
        assert hazard[1:].sum() == pytest.approx(change.share)
        assert hazard[1:].max() / hazard[1:].min() == pytest.approx(1.25)
        assert (np.diff(hazard[1:]) < 1e-12).all()


def test_mail_addresses_are_unique_over_all_versions(history: SimpleNamespace, changes: SimpleNamespace) -> None:
    _, owners = np.unique(np.stack([history.email, history.customer_id.astype(str)]), axis=1, return_index=True)
    assert len(np.unique(history.email)) == len(owners)
    assert len(owners) == (history.version == 1).sum() + changes.changed_mail.sum()
    known = re.compile(r"[a-z]+([.-][a-z]+)*\.[a-z]+([.-][a-z]+)*\d+@example\.(com|net|org)")
    assert [address for address in history.email[changes.row].tolist() if not known.fullmatch(address)][:5] == []


@pytest.mark.parametrize("day", [1, 365, 1_200, DAYS - 1])
def test_home_is_where_the_rows_say(history: SimpleNamespace, changes: SimpleNamespace, day: int) -> None:
    known = np.flatnonzero(history.day < day)
    last = known[np.flatnonzero(np.diff(history.customer_id[known], append=0))]
    ids = history.customer_id[last]
    found = customers.home(SEED, 0.01, day, ids)
    where = places()
    assert (np.array(where.city.to_pylist())[found] == history.city[last]).all()
    assert (np.array(where.state.to_pylist())[found] == history.state[last]).all()
    moved = np.isin(ids, history.customer_id[changes.row[changes.moved & (history.day[changes.row] < day)]])
    assert ((found != customers.home(SEED, 0.01, 0, ids)) == moved).all()


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_who_moves_is_at_the_old_home_that_day_and_at_the_new_one_the_next(scale: float) -> None:
    count = int(moves.ranges(SEED, scale, BLACK_FRIDAY, moves.MOVE).first[-1])
    ids = moves.changes(SEED, scale, BLACK_FRIDAY, 0, count).customers.customer_id
    signed_up, old, new = (customers.home(SEED, scale, day, ids) for day in (0, BLACK_FRIDAY, BLACK_FRIDAY + 1))
    assert (old == signed_up).all()
    assert (new != old).all()
    assert (places().country[new] == places().country[old]).all()


def test_any_word_leads_from_any_city_to_another_of_the_country() -> None:
    city = np.arange(len(places().city))
    country = places().country
    for word in (0, 2**63, 2**64 - 1):
        found = customers._other_cities(np.full(len(city), word, np.uint64), country, city)
        assert (found != city).all()
        assert (country[found] == country).all()


def test_movers_choose_among_the_other_cities_by_population() -> None:
    known, index = places(), 5
    first, count = int(known.first[index]), int(known.count[index])
    words = draw.hashed(draw.key(1, "test"), np.arange(100_000))
    found = customers._other_cities(words, np.full(len(words), index, np.uint8), np.full(len(words), first))
    shares = np.bincount(found - first, minlength=count) / len(words)
    others = known.population[first : first + count].astype(float)
    others[0] = 0
    assert shares == pytest.approx(others / others.sum(), abs=0.004)


def test_who_moves_and_changes_the_mail_on_one_day_has_two_versions_in_order() -> None:
    scale = 1_000.0
    found = moves.changes(SEED, scale, BLACK_FRIDAY, 0, moves.rows(SEED, scale, BLACK_FRIDAY))
    ids = found.customers.customer_id
    order = np.lexsort([found.microseconds, ids])
    second = order[1:][ids[order][1:] == ids[order][:-1]]
    first = order[:-1][ids[order][1:] == ids[order][:-1]]
    signups = np.diff(calendar.first_keys(SEED, scale, calendar.CUSTOMERS))[BLACK_FRIDAY - moves.LONGEST : BLACK_FRIDAY]
    by_chance = 0.12 * 0.15 / moves.LONGEST**2 * signups.sum()
    assert len(second) == pytest.approx(by_chance, abs=3 * by_chance**0.5)
    assert (found.microseconds[first] < found.microseconds[second]).all()
    assert (found.moved[first] ^ found.changed_mail[first]).all()
    assert (found.moved[second] & found.changed_mail[second]).all()
    kinds = found.microseconds % 2
    is_move = np.arange(len(ids)) < int(moves.ranges(SEED, scale, BLACK_FRIDAY, moves.MOVE).first[-1])
    assert (kinds == np.where(is_move, 0, 1)).all(), "a move and a new address could happen at the same time"


def test_a_day_is_sign_ups_and_then_changes() -> None:
    scale = 10.0
    table = drawn(scale, BLACK_FRIDAY)
    signups = calendar.rows_of(SEED, scale, calendar.CUSTOMERS, BLACK_FRIDAY)
    first = customers.first_customer_id(SEED, scale, BLACK_FRIDAY)
    ids, version = table["customer_id"].to_numpy(), table["version"].to_numpy()
    assert signups % BLOCK_ROWS
    assert len(table) > -(-signups // BLOCK_ROWS) * BLOCK_ROWS - BLOCK_ROWS, "a block has to hold both"
    assert (ids[:signups] == np.arange(first, first + signups)).all()
    assert (version[:signups] == 1).all()
    assert (ids[signups:] < first).all()
    assert (version[signups:] > 1).all()
    moments = columns.integers(table["valid_from"].combine_chunks()) - calendar.midnight(BLACK_FRIDAY)
    assert 0 <= moments.min() < moments.max() < calendar.MICROSECONDS_PER_DAY


@pytest.fixture(scope="module")
def whole_day() -> moves.Changes:
    return moves.changes(SEED, 10.0, BLACK_FRIDAY, 0, moves.rows(SEED, 10.0, BLACK_FRIDAY))


@given(start=st.integers(0, 5_000), count=st.integers(1, 600))
@settings(max_examples=40, deadline=None)
def test_any_piece_of_a_days_changes_is_the_same(whole_day: moves.Changes, start: int, count: int) -> None:
    piece = moves.changes(SEED, 10.0, BLACK_FRIDAY, start, count)
    for name in ("microseconds", "moved", "changed_mail"):
        assert (getattr(piece, name) == getattr(whole_day, name)[start : start + count]).all(), name
    assert (piece.customers.customer_id == whole_day.customers.customer_id[start : start + count]).all()


@given(rows=st.integers(1, 14_000))
@settings(max_examples=10, deadline=None)
def test_a_row_does_not_depend_on_those_after_it_in_a_block_of_both(rows: int) -> None:
    block = calendar.rows_of(SEED, 10.0, calendar.CUSTOMERS, BLACK_FRIDAY) // BLOCK_ROWS
    whole = customers.draw_block(SEED, 10.0, BLACK_FRIDAY, block, 14_000)
    part = customers.draw_block(SEED, 10.0, BLACK_FRIDAY, block, rows)
    assert part.equals(whole.slice(0, rows))


def test_a_block_of_changes_only_goes_on_where_the_one_before_ended() -> None:
    scale = 100.0
    signups = calendar.rows_of(SEED, scale, calendar.CUSTOMERS, BLACK_FRIDAY)
    block = -(-signups // BLOCK_ROWS)
    both, only = (customers.draw_block(SEED, scale, BLACK_FRIDAY, at, BLOCK_ROWS) for at in (block - 1, block))
    changed = moves.changes(SEED, scale, BLACK_FRIDAY, 0, 2 * BLOCK_ROWS).customers.customer_id
    own = both["customer_id"].to_numpy()[both["version"].to_numpy() > 1]
    found = np.concatenate([own, only["customer_id"].to_numpy()])
    assert len(own) == block * BLOCK_ROWS - signups
    assert (found == changed[: len(found)]).all()


@pytest.mark.parametrize("scale", [0.01, 1.0, 10_000])
def test_sign_ups_of_mixed_days_are_timed_as_on_their_own_day(scale: float) -> None:
    ids, wanted = [], []
    for day in (0, 1, 500, BLACK_FRIDAY, calendar.DAYS - 1):
        first = customers.first_customer_id(SEED, scale, day)
        count = min(3_000, calendar.rows_of(SEED, scale, calendar.CUSTOMERS, day))
        ids.append(np.arange(first, first + count))
        wanted.append(customers.signed_up_at(SEED, scale, day, ids[-1]))
    order = np.random.default_rng(3).permutation(sum(map(len, ids)))
    found = customers.signed_up(SEED, scale, np.concatenate(ids)[order])
    assert (found == np.concatenate(wanted)[order]).all()


@given(
    days=st.lists(st.integers(0, calendar.DAYS - 1), min_size=1, max_size=5),
    shares=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=20),
    seed=st.sampled_from([0, 42, 2**63 - 1]),
)
@settings(max_examples=60, deadline=None)
def test_the_clock_for_mixed_days_is_that_of_each_day(days: list[int], shares: list[float], seed: int) -> None:
    for day in days:
        # With the edges of the slots themselves, where the two searches could differ.
        quantiles = np.concatenate([shares, clock.distribution(seed, day)[:-1]])
        found = clock.times_of_days(seed, np.full(len(quantiles), day), quantiles)
        assert (found == clock.times(seed, day, quantiles)).all()


def test_nothing_changes_on_the_first_day() -> None:
    assert moves.rows(SEED, 10_000, 0) == 0
    assert customers.rows(SEED, 10_000, 0) == calendar.rows_of(SEED, 10_000, calendar.CUSTOMERS, 0)


@pytest.mark.parametrize("scale", [0.1, 10_000])
def test_changes_are_linear_in_scale(scale: float) -> None:
    days = range(1_500, 1_900)
    one = sum(moves.rows(SEED, 1.0, day) for day in days)
    assert sum(moves.rows(SEED, scale, day) for day in days) == pytest.approx(scale * one, rel=0.02)


def test_the_largest_worlds_changes_take_the_memory_of_their_block_only() -> None:
    scale, day = 10_000, calendar.DAYS - 1
    rows = customers.rows(SEED, scale, day)
    block = rows // BLOCK_ROWS
    customers.draw_block(SEED, scale, day, block - 1, 1)
    tracemalloc.start()
    customers.draw_block(SEED, scale, day, block - 1, BLOCK_ROWS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows > 150_000_000
    assert peak < 32 << 20, f"{peak >> 20} MiB for 16,384 rows"

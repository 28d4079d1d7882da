"""Randomness: even, independent by name, exact where it can be."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.world import World, buyers, draw

TABLES = ("distribution_centers", "products", "customers", "inventory_items", "orders", "order_events")
KEY_OF_CREATED_AT = 280_946_552_929_125_292_968_656_151_847_135_295_740
"""``draw.key(42, "orders", "created_at")``, for ever."""

WORDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50)


def chi_square(values: np.ndarray, cells: int) -> float:
    """How far counts are from even, in standard deviations of the chi-square distribution."""
    counts = np.bincount(values.astype(np.int64), minlength=cells)
    assert len(counts) == cells
    expected = len(values) / cells
    statistic = ((counts - expected) ** 2 / expected).sum()
    return (statistic - (cells - 1)) / np.sqrt(2 * (cells - 1))


@pytest.fixture(scope="module")
def streams() -> dict[tuple[str, ...], int]:
    """Every stream that a draw of all tables asks for, by names."""
    asked: dict[tuple[str, ...], int] = {}

    def key(seed: int, *names: str) -> int:
        return asked.setdefault(names, original(seed, *names))

    with pytest.MonkeyPatch.context() as patch:
        original = draw.key
        patch.setattr(draw, "key", key)
        unused = World(seed=987_654_321)  # nothing of this seed is cached
        for table in TABLES:
            unused.block(table, 0, 0)
        unused.block("orders", 1, 0)
    return asked


def test_every_stream_has_its_own_name_and_words(streams: dict[tuple[str, ...], int]) -> None:
    assert len(streams) > 20, f"only {sorted(streams)} were asked for"
    assert not [names for names in streams if any("/" in name or not name for name in names)]
    assert len(set(streams.values())) == len(streams)
    assert len({stream & (2**64 - 1) for stream in streams.values()}) == len(streams)


def test_streams_are_uncorrelated(streams: dict[tuple[str, ...], int]) -> None:
    keys = np.arange(8_192)
    drawn = np.stack([draw.unit(draw.hashed(stream, keys)) for stream in streams.values()])
    related = np.abs(np.corrcoef(drawn) - np.eye(len(streams)))
    worst = np.unravel_index(related.argmax(), related.shape)
    assert related.max() < 0.07, f"{[list(streams)[i] for i in worst]} correlate by {related.max():.3f}"


def test_keys_follow_from_names_alone() -> None:
    assert draw.key(42, "orders", "created_at") == KEY_OF_CREATED_AT, "every row of every world changed"
    names = ("orders", "customers", "created_at", "items", "orders.items", "")
    keys = {draw.key(seed, *pair) for seed in (0, 42, 2**63 - 1) for pair in combinations(names, 2)}
    assert len(keys) == 3 * 15


@pytest.mark.parametrize(
    ("stream", "changes"),
    [
        ("basket", {"channel", "payment_method", "promotion_code", "items"}),
        ("product", {"items", "subtotal", "discount", "shipping", "tax", "total"}),
        ("created_at", {"created_at"}),
        ("kind", {"customer_id", "country"}),
        ("customer", {"customer_id"}),
    ],
)
def test_a_column_drawn_otherwise_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, stream: str, changes: set[str]
) -> None:
    independent = {
        "basket": {"order_id", "customer_id", "created_at", "country"},
        "product": {"order_id", "customer_id", "created_at", "country", "channel", "payment_method", "promotion_code"},
        "created_at": {"order_id", "channel", "payment_method", "promotion_code", "items", "subtotal"},
        "kind": {"order_id", "created_at", "channel", "payment_method", "items", "subtotal"},
        "customer": {"order_id", "created_at", "channel", "payment_method", "items", "subtotal"},
    }[stream]
    before = World(42, 1.0).block("orders", 20, 0)  # no fraud yet: it goes by the sign-ups of its time
    original, own = draw.key, ("orders", stream)

    def key(seed: int, *names: str) -> int:
        return original(seed, *names, "drawn otherwise") if names == own else original(seed, *names)

    monkeypatch.setattr(draw, "key", key)
    buyers._stream.cache_clear()
    after = World(42, 1.0).block("orders", 20, 0)
    monkeypatch.undo()
    buyers._stream.cache_clear()
    changed = {name for name in before.schema.names if not before[name].equals(after[name])}
    assert changes <= changed
    assert not changed & independent


@pytest.mark.parametrize("shift", [0, 8, 16, 31, 32, 48, 56])
def test_hashed_words_are_even(shift: int) -> None:
    words = draw.hashed(draw.key(42, "evenness"), np.arange(200_000))
    assert abs(chi_square(words >> np.uint64(shift) & np.uint64(255), 256)) < 6


@given(keys=st.lists(st.integers(0, 2**62), min_size=1, max_size=50), index=st.integers(0, 49))
def test_a_keys_words_are_its_own(keys: list[int], index: int) -> None:
    stream, index = draw.key(42, "keys"), index % len(keys)
    together = draw.hashed(stream, np.array(keys))
    assert together[index] == draw.hashed(stream, np.array(keys[index : index + 1]))[0]


@given(words=WORDS, bound=st.integers(1, 2**31))
def test_below_stays_below(words: list[int], bound: int) -> None:
    drawn = draw.below(np.array(words, np.uint64), bound)
    assert drawn.min() >= 0
    assert drawn.max() < bound


@given(words=WORDS, data=st.data())
def test_below_takes_a_bound_for_each_word(words: list[int], data: st.DataObject) -> None:
    bounds = data.draw(st.lists(st.integers(1, 2**31), min_size=len(words), max_size=len(words)))
    drawn = draw.below(np.array(words, np.uint64), np.array(bounds))
    alone = [int(draw.below(np.array([word], np.uint64), bound)[0]) for word, bound in zip(words, bounds, strict=True)]
    assert drawn.tolist() == alone


def test_below_reaches_every_number_evenly() -> None:
    words = draw.hashed(draw.key(42, "below"), np.arange(100_000))
    assert abs(chi_square(draw.below(words, 59), 59)) < 6


@given(words=WORDS)
def test_units_lie_between_zero_and_one(words: list[int]) -> None:
    drawn = draw.unit(np.array([*words, 0, 2**64 - 1], np.uint64))
    assert drawn.min() == 0
    assert drawn.max() == 1 - 2.0**-53


@given(words=WORDS)
def test_halves_are_the_words_in_four_parts(words: list[int]) -> None:
    parts = draw.halves(np.array(words, np.uint64)).astype(object)
    assert parts.shape == (4, len(words))
    assert sum(part << 16 * place for place, part in enumerate(parts)).tolist() == words


weights = st.lists(st.floats(0, 1e9), min_size=1, max_size=200).filter(lambda shares: sum(shares) > 1e-3)


@given(shares=weights, slots_log2=st.integers(1, 14))
def test_inverse_cdf_is_exact_to_one_slot(shares: list[float], slots_log2: int) -> None:
    slots = 2**slots_log2
    counts = np.bincount(draw.inverse_cdf(shares, slots_log2), minlength=len(shares))
    assert counts.sum() == slots
    assert np.abs(counts - np.array(shares) / np.sum(shares) * slots).max() <= 1 + 1e-6


@pytest.mark.parametrize("given_weights", [[], [0, 0], [-1, 2], [float("nan"), 1], [float("inf"), 1]])
def test_inverse_cdf_refuses_what_are_no_weights(given_weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"weights: expected finite numbers of 0 or more.*got \["):
        draw.inverse_cdf(given_weights)

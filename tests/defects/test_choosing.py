"""Which rows are defective: as many as asked for, whoever asks, and each of one kind."""

import numpy as np
import pytest

from beam_pipelines import tables
from beam_pipelines.defects import ROW_KINDS, Rates, choosing
from beam_pipelines.defects.choosing import NOTHING, kinds_of_rows

ORDERS = tables.ORDERS
ROWS = 16


def kinds(rates: dict[str, float], day: int = 700, block: int = 0, rows: int = ROWS, seed: int = 42) -> np.ndarray:
    return kinds_of_rows(seed, Rates.of(rates), ORDERS, day, block, rows)


@pytest.mark.parametrize("kind", ROW_KINDS)
@pytest.mark.parametrize("rate", [0.01, 0.2])
def test_as_many_rows_as_asked_for(kind, rate):
    found = np.concatenate([kinds({kind: rate}, day, rows=5000) for day in range(20)])
    assert set(found) == {ROW_KINDS.index(kind), NOTHING}
    share = (found != NOTHING).mean()
    assert abs(share - rate) < 5 * (rate * (1 - rate) / len(found)) ** 0.5


def test_none_and_all():
    assert (kinds({}) == NOTHING).all()
    assert (kinds({"unbalanced": 1}) == ROW_KINDS.index("unbalanced")).all()


def test_the_first_kind_counts_and_others_are_where_they_would_be():
    together = kinds({"late": 0.3, "duplicate": 0.3, "time_travel": 0.3}, rows=5000)
    alone = {kind: kinds({kind: 0.3}, rows=5000) != NOTHING for kind in ("late", "duplicate", "time_travel")}
    assert ((together == ROW_KINDS.index("late")) == alone["late"]).all()
    assert ((together == ROW_KINDS.index("duplicate")) == alone["duplicate"] & ~alone["late"]).all()
    expected = alone["time_travel"] & ~alone["duplicate"] & ~alone["late"]
    assert ((together == ROW_KINDS.index("time_travel")) == expected).all()


def test_kinds_strike_independently():
    hits = [kinds({kind: 0.5}, rows=20_000) != NOTHING for kind in ROW_KINDS]
    correlations = np.corrcoef(np.array(hits, float))[np.triu_indices(len(hits), 1)]
    assert np.abs(correlations).max() < 0.035


def test_blocks_are_cut_from_the_same_day():
    whole = kinds({"late": 0.3, "unknown_value": 0.3}, rows=3 * ROWS)
    blocks = [kinds({"late": 0.3, "unknown_value": 0.3}, block=block) for block in range(3)]
    assert (np.concatenate(blocks) == whole).all()


def test_seeds_tables_and_days_differ():
    rates = Rates.of({"late": 0.5})
    found = [
        kinds_of_rows(seed, rates, table, day, 0, 64).tobytes()
        for seed in (42, 43)
        for table in (tables.ORDERS, tables.CUSTOMERS)
        for day in (700, 701)
    ]
    assert len(set(found)) == 8


GOLDEN = [1, 0, 9, 9, 7, 9, 0, 9, 9, 9, 0, 9, 9, 9, 9, 0]
DELAYS = [2, 3, 1, 1, 2, 1, 1, 1]


def test_the_choice_is_the_same_for_ever():
    assert kinds({"late": 0.2, "duplicate": 0.2, "unbalanced": 0.2}).tolist() == GOLDEN
    assert [choosing.delay(42, ORDERS, day, 0) for day in range(700, 708)] == DELAYS


def test_a_kind_that_a_table_cannot_have_befalls_no_row():
    rates = Rates.of({"late": 1, "unbalanced": 1, "duplicate": 0.5})
    found = kinds_of_rows(42, rates, tables.DISTRIBUTION_CENTERS, 0, 0, 64)
    assert set(found) == {ROW_KINDS.index("duplicate"), NOTHING}


@pytest.mark.parametrize("wrong", [{"early": 0.1}, {"late": 1.5}, {"late": -0.1}, {"late": float("nan")}])
def test_rates_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="expected a kind of"):
        Rates.of(wrong)

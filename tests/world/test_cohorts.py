"""Cohorts: 1,024 customers in a row are an exact sample of the world, scrambled so that it can be undone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.tables import COUNTRIES
from beam_pipelines.world import cohorts
from beam_pipelines.world.cohorts import COHORT, POWER_EVERY, QUOTAS

SEEDS = st.integers(0, 2**63 - 1)
IDS = st.lists(st.integers(1, 2**40), min_size=1, max_size=50)
COHORTS = st.integers(0, 2**30)


def members(cohort: int) -> np.ndarray:
    return cohort * COHORT + np.arange(1, COHORT + 1)


@given(seed=SEEDS, ids=IDS)
def test_customers_are_found_again_at_their_place(seed: int, ids: list[int]) -> None:
    customer_ids = np.array(ids)
    places = cohorts.places(seed, customer_ids)
    assert ((places >= 0) & (places < COHORT)).all()
    assert (cohorts.customer_ids(seed, (customer_ids - 1) // COHORT, places) == customer_ids).all()


@given(seed=SEEDS, cohort=COHORTS, place=st.integers(0, COHORT - 1))
def test_places_are_found_again_at_their_customer(seed: int, cohort: int, place: int) -> None:
    found = cohorts.customer_ids(seed, np.array([cohort]), np.array([place]))
    assert (found[0] - 1) // COHORT == cohort
    assert cohorts.places(seed, found)[0] == place


@given(seed=SEEDS, cohort=COHORTS)
def test_a_cohort_is_an_exact_sample_of_the_world(seed: int, cohort: int) -> None:
    found = np.bincount(cohorts.country(seed, members(cohort)), minlength=len(COUNTRIES))
    assert dict(zip(COUNTRIES, found.tolist(), strict=True)) == QUOTAS


@given(seed=SEEDS, cohort=COHORTS)
def test_a_cohort_has_a_fixed_number_of_power_buyers(seed: int, cohort: int) -> None:
    power = cohorts.is_power_buyer(seed, members(cohort))
    assert power.sum() == sum((quota + POWER_EVERY // 2) // POWER_EVERY for quota in QUOTAS.values())
    assert 0.045 < power.mean() < 0.055


@given(seed=SEEDS, cohort=st.integers(0, 20_000), place=st.integers(0, COHORT - 1))
def test_others_asked_for_at_the_same_time_do_not_matter(seed: int, cohort: int, place: int) -> None:
    asked = np.array([cohort, 2**30]), np.array([place, 0])
    alone = cohorts.customer_ids(seed, *(part[:1] for part in asked))
    assert cohorts.customer_ids(seed, *asked)[0] == alone[0]


def test_cohorts_are_scrambled_differently() -> None:
    places = np.stack([cohorts.places(42, members(cohort)) for cohort in range(50)])
    same = (places[1:] == places[:-1]).mean()
    assert same < 0.02, f"{same:.1%} of customers have the place of the one 1,024 earlier"
    assert (cohorts.places(43, members(0)) != places[0]).mean() > 0.9


@pytest.mark.parametrize("apart", [1, 2, 3, 4, 7, 8, 16, 31, 32, 64, 128, 256, 512])
def test_neighbours_come_from_anywhere(apart: int) -> None:
    countries = cohorts.country(42, np.arange(1, 400 * COHORT + 1))
    together = (countries[apart:] == countries[:-apart]).mean()
    by_chance = sum((quota / COHORT) ** 2 for quota in QUOTAS.values())
    assert together == pytest.approx(by_chance, abs=0.015), f"customers {apart} apart share a country"


def test_pairs_of_neighbours_may_share_a_country() -> None:
    pairs = cohorts.country(42, np.arange(1, 400 * COHORT + 1)).reshape(-1, 2)
    china = COUNTRIES.index("China")
    both = (pairs[pairs[:, 0] == china, 1] == china).mean()
    assert both == pytest.approx(QUOTAS["China"] / COHORT, abs=0.02)


@pytest.mark.parametrize("first", [1, 500, 123_456])
def test_any_run_of_customers_is_about_a_sample_of_the_world(first: int) -> None:
    found = np.bincount(cohorts.country(42, np.arange(first, first + 5_000)), minlength=len(COUNTRIES)) / 5_000
    wanted = np.array([QUOTAS[name] for name in COUNTRIES]) / COHORT
    assert np.abs(found - wanted).max() < 0.03


def test_china_america_and_brazil_are_most_of_the_customers() -> None:
    assert sum(QUOTAS.values()) == COHORT
    assert sorted(QUOTAS, key=QUOTAS.__getitem__, reverse=True)[:4] == [
        "China",
        "United States",
        "Brasil",
        "South Korea",
    ]
    assert QUOTAS["China"] / COHORT == pytest.approx(0.34, abs=0.01)
    assert QUOTAS["United States"] / COHORT == pytest.approx(0.225, abs=0.01)

"""Customers as they sign up: people of their country, at addresses that exist, reachable by nobody."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from beam_pipelines.tables import COUNTRIES, GENDERS
from beam_pipelines.world.cohorts import COHORT, QUOTAS
from beam_pipelines.world.customers import DEGREES_AROUND, MAIL_DOMAINS
from beam_pipelines.world.pools import names, places


def shares(column: pa.ChunkedArray) -> dict[str, float]:
    counted = pc.value_counts(column.cast(pa.string()).combine_chunks()).to_pylist()
    return {entry["values"]: entry["counts"] / len(column) for entry in counted}


def test_countries_come_up_like_their_quotas(signups: pa.Table) -> None:
    found = shares(signups["country"])
    wanted = {name: quota / COHORT for name, quota in QUOTAS.items()}
    assert found.keys() == set(COUNTRIES)
    assert max(abs(found[name] - wanted[name]) for name in COUNTRIES) < 0.01, found


def test_traffic_sources_come_up_like_thelooks(signups: pa.Table) -> None:
    wanted = {"Search": 0.70, "Organic": 0.15, "Facebook": 0.06, "Email": 0.05, "Display": 0.04}
    assert shares(signups["traffic_source"]) == pytest.approx(wanted, abs=0.01)


def test_half_of_the_customers_are_women(signups: pa.Table) -> None:
    found = shares(signups["gender"])
    assert found.keys() == set(GENDERS)
    assert found["F"] == pytest.approx(0.5, abs=0.01)


def test_ages_are_spread_from_12_to_70(signups: pa.Table) -> None:
    counts = np.bincount(signups["age"].to_numpy())
    assert counts.nonzero()[0].tolist() == list(range(12, 71))
    assert counts[12:].max() / counts[12:].min() < 1.4


def test_mail_addresses_are_unique(signups: pa.Table) -> None:
    numbers = pc.extract_regex(signups["email"], r"^[^@\d]*(?P<number>\d+)@").combine_chunks().field("number")
    assert (numbers.cast(pa.int64()).to_numpy() == signups["customer_id"].to_numpy()).all()
    assert len(pc.unique(signups["email"])) == len(signups)


def test_mail_addresses_are_well_formed_and_reach_nobody(signups: pa.Table) -> None:
    known = re.compile(r"[a-z]+([.-][a-z]+)*\.[a-z]+([.-][a-z]+)*\d+@example\.(com|net|org)")
    wrong = [address for address in signups["email"].to_pylist() if not known.fullmatch(address)]
    assert wrong[:5] == []
    domains = shares(pc.replace_substring_regex(signups["email"], r".*@", ""))
    assert domains.keys() == set(MAIL_DOMAINS) == {"example.com", "example.net", "example.org"}
    assert all(share == pytest.approx(1 / 3, abs=0.01) for share in domains.values())


@pytest.mark.parametrize("country", COUNTRIES)
def test_names_are_of_the_country_and_the_gender(signups: pa.Table, country: str) -> None:
    own = signups.filter(pc.equal(signups["country"].cast(pa.string()), country))
    pool = names()[COUNTRIES.index(country)]
    for gender, given_names in (("F", pool.female), ("M", pool.male)):
        found = own.filter(pc.equal(own["gender"].cast(pa.string()), gender))["first_name"]
        assert set(found.to_pylist()) <= set(given_names.to_pylist())
    assert set(own["last_name"].to_pylist()) <= set(pool.family.to_pylist())


def test_common_names_are_more_common(signups: pa.Table) -> None:
    own = signups.filter(pc.equal(signups["country"].cast(pa.string()), "China"))
    pool = names()[COUNTRIES.index("China")].family.to_pylist()
    rank = {name: index for index, name in enumerate(pool)}
    ranks = np.array([rank[name] for name in own["last_name"].to_pylist()]) / len(pool)
    assert (ranks < 0.25).mean() == pytest.approx(0.5, abs=0.03)


def test_addresses_exist(signups: pa.Table) -> None:
    known = places()
    codes = known.postal_codes.to_pylist()
    triples = zip(known.city.to_pylist(), known.state.to_pylist(), known.country.tolist(), strict=True)
    where = {
        (*triple[:2], COUNTRIES[triple[2]], code): index
        for index, triple in enumerate(triples)
        for code in codes[3 * index : 3 * index + 3]
    }
    columns = (signups[name].to_pylist() for name in ("city", "state", "country", "postal_code"))
    city = np.array([where[found] for found in zip(*columns, strict=True)])
    north = np.abs(signups["latitude"].to_numpy() - known.latitude[city])
    east = np.abs(signups["longitude"].to_numpy() - known.longitude[city])
    assert max(north.max(), east.max()) < 2 * DEGREES_AROUND
    assert np.quantile(np.concatenate([north, east]), 0.95) <= DEGREES_AROUND


def test_large_cities_have_more_customers(signups: pa.Table) -> None:
    own = signups.filter(pc.equal(signups["country"].cast(pa.string()), "United Kingdom"))
    known, index = places(), COUNTRIES.index("United Kingdom")
    first, count = int(known.first[index]), int(known.count[index])
    people = known.population[first : first + count]
    largest = known.city[first].as_py()
    found = shares(own["city"])[largest]
    assert found == pytest.approx(people[0] / people.sum(), abs=0.03), largest


@pytest.mark.parametrize(
    ("country", "form"),
    [
        ("United States", r"\d{1,3} \S.*"),
        ("Germany", r"\S.* \d{1,3}"),
        ("Brasil", r"\S.*, \d{1,3}"),
        ("Colombia", r"\S.* # \d{1,3}"),
        ("South Korea", r"\d{1,3}, \S.*"),
    ],
)
def test_streets_are_written_as_in_the_country(signups: pa.Table, country: str, form: str) -> None:
    own = signups.filter(pc.equal(signups["country"].cast(pa.string()), country))
    streets = own["street_address"].to_pylist()
    assert streets
    assert [street for street in streets if not re.fullmatch(form, street)][:3] == []


def test_nothing_is_missing(signups: pa.Table) -> None:
    assert {name: signups[name].null_count for name in signups.schema.names if signups[name].null_count} == {}
    assert signups["valid_from"].equals(signups["created_at"])
    assert set(signups["version"].to_pylist()) == {1}

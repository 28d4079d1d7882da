"""Columns as this domain has them: ids from 1, money in cents, moments in UTC."""

from __future__ import annotations

from beam_pipelines.schema import Column, Type


def integer(
    name: str, description: str, *, minimum: float | None = 1, references: str = "", nullable: bool = False
) -> Column:
    """An INT64, at least 1 unless said otherwise."""
    return Column(
        name=name,
        type=Type.INT64,
        description=description,
        minimum=minimum,
        references=references,
        nullable=nullable,
    )


def string(name: str, description: str, *, values: tuple[str, ...] = (), nullable: bool = False) -> Column:
    """A STRING."""
    return Column(name=name, type=Type.STRING, description=description, values=values, nullable=nullable)


def money(name: str, description: str, *, minimum: float | None = 0, nullable: bool = False) -> Column:
    """An amount in US dollars, at least 0 unless said otherwise."""
    return Column(
        name=name,
        type=Type.NUMERIC,
        precision=12,
        scale=2,
        description=description,
        minimum=minimum,
        nullable=nullable,
    )


def timestamp(name: str, description: str, *, nullable: bool = False) -> Column:
    """A moment in UTC, in microseconds."""
    return Column(name=name, type=Type.TIMESTAMP, description=description, nullable=nullable)


def degrees(name: str, description: str, bound: float) -> Column:
    """An angle in degrees, up to a bound on either side."""
    return Column(name=name, type=Type.FLOAT64, description=description, minimum=-bound, maximum=bound)

"""Measures that are shares of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beam_pipelines.verification.checks import Measure

SQL = """
    SELECT avg(CAST({condition} AS INTEGER)), count(*),
      -- Of a share that two more rows, one of them so, have: none is ever certain.
      sqrt((count_if({condition}) + 1) * (count(*) - count_if({condition}) + 1) / pow(count(*) + 2, 3))
    FROM {source}"""


def share(
    name: str,
    target: str,
    condition: str,
    source: str,
    bounds: tuple[float, float],
    needs: tuple[str, ...],
    *,
    least: int = 1_000,
    takes: str = "",
) -> Measure:
    """The share of a source's rows that meet a condition.

    Args:
        name: The measure's.
        target: What is wanted, in words.
        condition: SQL, never null.
        source: What is behind FROM.
        bounds: Lowest and highest share.
        needs: What the SQL reads.
        least: Rows below which the share says nothing.
        takes: Which days it takes, in words.
    """
    return Measure(
        name=name,
        target=target,
        sql=SQL.format(condition=condition, source=source),
        needs=needs,
        low=bounds[0],
        high=bounds[1],
        least=least,
        takes=takes,
        percent=True,
    )


def shares(
    name: str, column: str, source: str, wanted: Mapping[str, float], needs: tuple[str, ...]
) -> Iterator[Measure]:
    """A measure for each of a column's values, whose shares may be off by a tenth of what is wanted."""
    for value, part in wanted.items():
        yield share(
            f"{name}.{value}",
            f"{part:.0%}",
            f"({column} = '{value}')",
            source,
            (part * 0.9, part * 1.1),
            needs,
        )

"""What a pipeline's steps have counted, under the names that Dataflow shows too."""

from __future__ import annotations

from typing import Any, NamedTuple

from beam_pipelines.commands.display import Display


class Spread(NamedTuple):
    """A distribution: how many values there were, and how large."""

    values: int
    total: int
    least: int
    most: int

    @property
    def mean(self) -> float:
        """The average; 0 of no values."""
        return self.total / self.values if self.values else 0.0


class Counted(NamedTuple):
    """Counters and distributions by name, each over all steps that have it."""

    counters: dict[str, int]
    spreads: dict[str, Spread]


def counted(result: Any) -> Counted:
    """The metrics of a finished pipeline."""
    found = result.metrics().query()
    counters: dict[str, int] = {}
    for counter in found["counters"]:
        name = counter.key.metric.name
        counters[name] = counters.get(name, 0) + counter.result
    spreads: dict[str, Spread] = {}
    for one in found["distributions"]:
        name, value = one.key.metric.name, one.result
        before = spreads.get(name, Spread(0, 0, value.min, value.max))
        spreads[name] = Spread(
            before.values + value.count,
            before.total + value.sum,
            min(before.least, value.min),
            max(before.most, value.max),
        )
    return Counted(counters, spreads)


def as_document(metrics: Counted) -> dict[str, Any]:
    """The metrics for programs."""
    return {**metrics.counters, **{name: spread._asdict() for name, spread in metrics.spreads.items()}}


def show(metrics: Counted, title: str, display: Display) -> None:
    """Prints the metrics as a table."""
    rows = [(name, f"{value:,}", "", "", "") for name, value in sorted(metrics.counters.items())]
    rows += [
        (name, f"{spread.values:,}", f"{spread.least:,}", f"{spread.mean:,.0f}", f"{spread.most:,}")
        for name, spread in sorted(metrics.spreads.items())
    ]
    display.table(title, ("metric", "count", "least", "mean", "most"), rows)

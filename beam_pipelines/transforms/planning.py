"""Planning a load as Beam's steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_pipelines import tables
from beam_pipelines.options import Period
from beam_pipelines.progress import Advance, ProgressLog
from beam_pipelines.transforms.lake_planning import PlannedManifest, TablePlan, plan_table
from beam_pipelines.transforms.lake_reading import WorldId
from beam_pipelines.transforms.partitions import Partition
from beam_pipelines.transforms.staging import Contributed, Contribution
from beam_pipelines.warehouse import partition_loads
from beam_pipelines.warehouse.client import connect

FOLLOWING = {
    tables.ORDERS.name: (tables.ORDER_ITEMS.name, tables.DAILY_SALES.name),
    tables.WEB_EVENTS.name: (tables.SESSIONS.name,),
}
"""Tables that are derived from a lake table and have its partitions."""


class PlanTable(beam.DoFn):
    """(table, its manifests) -> the table's plan."""

    def __init__(self, root: str, period: Period, progress: ProgressLog, *, replays: bool = False) -> None:
        self._root, self._period, self._progress, self._replays = root, period, progress, replays
        self._planned = Metrics.counter("load", "rows_planned")
        self._manifests = Metrics.counter("load", "manifests_read")

    def process(
        self,
        element: tuple[str, Iterable[PlannedManifest]],
        world: WorldId | None,
        with_letters: Collection[Partition] = (),
    ) -> Iterator[TablePlan]:
        """Plans one table, once it is known that all tables' rows come from one world."""
        table, manifests = element[0], list(element[1])
        only = frozenset(with_letters) if self._replays else None
        plan = plan_table(self._root, self._period, manifests, only)
        rows = sum(split.rows for split in plan.splits)
        self._planned.inc(rows)
        self._manifests.inc(len(manifests))
        self._progress.add(Advance("transform", table, planned=rows))
        yield plan


def partitions_with_letters(warehouse: str) -> list[Partition]:
    """The partitions of lake tables that have dead letters."""
    found = partition_loads.partitions_with_rows(connect(warehouse), tables.DEAD_LETTERS[0].dataset)
    letters = {table.name: source.name for table, source in zip(tables.DEAD_LETTERS, tables.LAKE, strict=True)}
    return sorted((letters[name], partition) for name, partition in found if name in letters)


def contributions_of(plan: TablePlan) -> Iterator[Contributed]:
    """Nothing, for every partition of the warehouse that the plan has loaded."""
    for target in plan.targets:
        table, partition = target.partition
        yield target.partition, Contribution(more_columns=target.more_columns)
        for name in (f"dead_letters_{table}", *FOLLOWING.get(table, ())):
            yield (name, partition), Contribution()

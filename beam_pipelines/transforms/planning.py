"""Planning a load as Beam's steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_pipelines import tables
from beam_pipelines.options import LoadSettings, Period
from beam_pipelines.progress import Advance, ProgressLog
from beam_pipelines.transforms.inputs import FOLLOWING, content_of, hash_of
from beam_pipelines.transforms.lake_planning import Circumstances, PlannedManifest, TablePlan, plan_table
from beam_pipelines.transforms.lake_reading import WorldId, one_world, world_of
from beam_pipelines.transforms.partitions import Partition, is_possible
from beam_pipelines.transforms.references import DayKey, LastKeys, day_key
from beam_pipelines.transforms.staging import Contributed, Contribution
from beam_pipelines.warehouse import partition_loads
from beam_pipelines.warehouse.client import connect
from beam_pipelines.warehouse.loaded_inputs import loaded_inputs


class DayFact(NamedTuple):
    """What one manifest says that the plans of all tables depend on."""

    world: WorldId
    last_key: DayKey
    products: str
    """A fingerprint of the day's products; empty for another table."""
    products_since: int
    """The first day, as a proleptic ordinal, of the products that landed on the day."""


class LakeFacts(NamedTuple):
    """What all manifests say that the plans of all tables depend on."""

    world: WorldId | None
    last_keys: tuple[DayKey, ...]
    products: str
    """A fingerprint of all products."""
    late_products: tuple[tuple[int, int], ...]
    """Days, as proleptic ordinals, on which products of earlier days landed, and the first of these."""

    def lines_since(self, table: str, period: Period) -> date | None:
        """The day from which on a period's late products change what lines of orders say; None if they do not."""
        first, last = period.start.toordinal(), period.end.toordinal()
        found = [since for landed, since in self.late_products if first <= landed <= last]
        return date.fromordinal(min(found)) if found and table == tables.ORDERS.name else None


def day_fact(planned: PlannedManifest) -> DayFact:
    """What a manifest says that the plans of all tables depend on."""
    manifest = planned.manifest
    key = day_key(manifest)
    if manifest.table != tables.PRODUCTS.name:
        return DayFact(world_of(planned), key, "", key.day)
    days = {date.fromisoformat(text) for text in manifest.rows_by_date}
    since = min((day for day in days if is_possible(day, manifest.day, days)), default=manifest.day)
    return DayFact(world_of(planned), key, content_of(manifest), since.toordinal())


def lake_facts(days: Iterable[DayFact]) -> LakeFacts:
    """The facts of all manifests in any order; LakeError if they come from several worlds."""
    ordered = sorted(days, key=lambda one: one.last_key)
    world = one_world({one.world for one in ordered})
    products = hash_of(f"{one.last_key.day} {one.products}" for one in ordered if one.products)
    late = [(one.last_key.day, one.products_since) for one in ordered if one.products_since < one.last_key.day]
    return LakeFacts(world, tuple(one.last_key for one in ordered), products, tuple(late))


class PlanTable(beam.DoFn):
    """(table, its manifests) -> the table's plan."""

    def __init__(self, settings: LoadSettings, progress: ProgressLog) -> None:
        self._settings, self._progress = settings, progress
        self._planned = Metrics.counter("load", "rows_planned")
        self._unchanged = Metrics.counter("load", "partitions_unchanged")
        self._manifests = Metrics.counter("load", "manifests_read")

    def process(
        self,
        element: tuple[str, Iterable[PlannedManifest]],
        facts: LakeFacts,
        held: Mapping[Partition, str],
        with_letters: Collection[Partition],
    ) -> Iterator[TablePlan]:
        """Plans one table.

        Args:
            element: The table and its manifests.
            facts: Of all tables.
            held: What the warehouse's partitions were loaded from, and still hold.
            with_letters: Partitions that have dead letters.
        """
        table, manifests, settings = element[0], list(element[1]), self._settings
        circumstances = Circumstances(
            last_keys=LastKeys(facts.last_keys),
            products=facts.products,
            only=_replayed(table, with_letters) if settings.replays else None,
            loaded={} if settings.replays else held,
            is_only_read=table not in settings.tables,
            touched_since=facts.lines_since(table, settings.period),
        )
        plan = plan_table(settings.input, settings.period, manifests, circumstances)
        rows = sum(split.rows for split in plan.splits)
        self._planned.inc(rows)
        self._unchanged.inc(plan.unchanged)
        self._manifests.inc(len(manifests))
        self._progress.add(Advance("transform", table, planned=rows))
        yield plan


def _replayed(table: str, with_letters: Collection[Partition]) -> frozenset[Partition] | None:
    """The partitions that a load of dead letters loads; None for all: lines of orders say what their products are."""
    if table == tables.ORDERS.name and any(name == tables.PRODUCTS.name for name, _ in with_letters):
        return None
    return frozenset(with_letters)


def inputs_held(warehouse: str) -> list[tuple[Partition, str]]:
    """What the warehouse's partitions were loaded from, and still hold."""
    return sorted(loaded_inputs(connect(warehouse)).items())


def partitions_with_letters(warehouse: str) -> list[Partition]:
    """The partitions of lake tables that have dead letters."""
    found = partition_loads.partitions_with_rows(connect(warehouse), tables.DEAD_LETTERS[0].dataset)
    letters = {table.name: source.name for table, source in zip(tables.DEAD_LETTERS, tables.LAKE, strict=True)}
    return sorted((letters[name], partition) for name, partition in found if name in letters)


def contributions_of(plan: TablePlan) -> Iterator[Contributed]:
    """Nothing, for every partition of the warehouse that the plan has loaded."""
    for target in plan.targets:
        table, partition = target.partition
        yield target.partition, Contribution(more_columns=target.more_columns, input=target.input)
        yield (f"dead_letters_{table}", partition), Contribution(input=target.input)
        for following in FOLLOWING.get(table, ()):
            yield (following.name, partition), Contribution(input=target.input)

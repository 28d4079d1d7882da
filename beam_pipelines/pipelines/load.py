"""The load pipeline: reads the lake and replaces the warehouse's partitions with what follows from it."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import registry
from apache_beam.options.pipeline_options import GoogleCloudOptions
from apache_beam.pvalue import AsDict, AsList, AsSingleton, PCollection

from beam_pipelines import storage, tables
from beam_pipelines.options import LOAD, LoadSettings, UsageError, require_remote
from beam_pipelines.pipelines.beam_options import given, new_pipeline, pipeline_options, require_reachable
from beam_pipelines.progress import NO_PROGRESS, ProgressLog
from beam_pipelines.transforms.arrow_coder import RecordBatchCoder
from beam_pipelines.transforms.lake_planning import Split, find_manifests
from beam_pipelines.transforms.lake_reading import read_manifest
from beam_pipelines.transforms.partition_loading import LoadedPartition, LoadPartitions, prepare_warehouse
from beam_pipelines.transforms.planning import (
    PlanTable,
    contributions_of,
    day_fact,
    inputs_held,
    lake_facts,
    partitions_with_letters,
)
from beam_pipelines.transforms.reconciliation import Reconcile, StageLines
from beam_pipelines.transforms.references import DayKey
from beam_pipelines.transforms.staging import Contributed
from beam_pipelines.transforms.transforming import (
    PRODUCTS,
    SALES,
    SESSIONS,
    SET_ASIDE,
    Bucket,
    FindContested,
    HashKeys,
    Settle,
    StageDailySales,
    StageSessions,
    WorkOnSplits,
    key_of,
)

T = TypeVar("T")

registry.register_coder(pa.RecordBatch, RecordBatchCoder)


class Planned(NamedTuple):
    """What is known before any row is read."""

    splits: PCollection[Split]
    contributions: PCollection[Contributed]
    """Nothing, for every partition that is loaded: so that one is loaded that gets no rows."""
    last_keys: PCollection[tuple[DayKey, ...]]
    """One element."""


class Transformed(NamedTuple):
    """What splits become."""

    contributions: PCollection[Contributed]
    products: PCollection[pa.RecordBatch]
    sales: PCollection[Any]
    sessions: PCollection[Any]


def plan(
    pipeline: beam.Pipeline,
    settings: LoadSettings,
    progress: ProgressLog = NO_PROGRESS,
    held: PCollection[Any] | None = None,
    with_letters: PCollection[Any] | None = None,
) -> Planned:
    """Adds the first part of the pipeline, from the lake's manifests to what is loaded and read.

    Args:
        pipeline: What it is added to.
        settings: What is loaded.
        progress: Where it says how much there is to do.
        held: What partitions were loaded from, and still hold: they are not loaded again. None for nothing.
        with_letters: The partitions that have dead letters. None for none.
    """
    root, period = settings.input, settings.period
    # The lines of orders say what their products are, so these are read too.
    needed = {*settings.tables, *([tables.PRODUCTS.name] if tables.ORDERS.name in settings.tables else [])}
    nothing = pipeline | "Nothing" >> beam.Create([], reshuffle=False)
    manifests = (
        pipeline
        | "Tables" >> beam.Create([table.name for table in tables.LAKE])
        | "Find manifests" >> beam.FlatMap(lambda name: find_manifests(root, name, period, is_loaded=name in needed))
        | "Spread manifests" >> beam.Reshuffle()
        | "Read manifests" >> beam.Map(read_manifest)
    )
    facts = (
        manifests
        | "Facts of days" >> beam.Map(day_fact)
        | "Gather facts" >> beam.combiners.ToList()
        | "Facts of the lake" >> beam.Map(lake_facts)
    )
    plans = (
        manifests
        | "Needed" >> beam.Filter(lambda planned: planned.manifest.table in needed)
        | "By table" >> beam.Map(lambda planned: (planned.manifest.table, planned))
        | "Gather tables" >> beam.GroupByKey()
        | "Plan tables"
        >> beam.ParDo(
            PlanTable(settings, progress),
            AsSingleton(facts),
            AsDict(nothing if held is None else held),
            AsList(nothing if with_letters is None else with_letters),
        )
    )
    return Planned(
        plans | "Splits" >> beam.FlatMap(lambda plan: plan.splits) | "Spread splits" >> beam.Reshuffle(),
        plans | "Partitions" >> beam.FlatMap(contributions_of),
        facts | "Last keys" >> beam.Map(lambda facts: facts.last_keys),
    )


class TransformSplits(beam.PTransform[PCollection[Split], Any]):
    """Splits -> what they become: validated, each key once, enriched, staged.

    Only hashes of keys are exchanged to find the keys that a partition has more than once; rows of these are set aside
    and exchanged, all others go from their file into a staged one.
    """

    def __init__(
        self, root: str, staging: str, progress: ProgressLog, last_keys: AsSingleton, products: AsList | None = None
    ) -> None:
        super().__init__()
        self._root, self._staging, self._progress = root, staging, progress
        self._sides = [products] if products else []
        self._last_keys = last_keys

    def expand(self, splits: PCollection[Split]) -> Transformed:
        """Adds the steps."""
        contested = (
            splits
            | "Hash keys" >> beam.ParDo(HashKeys())
            | "Gather keys" >> beam.GroupByKey()
            | "Find contested keys" >> beam.ParDo(FindContested())
        )
        worked = (
            {"split": splits | "By name" >> beam.Map(key_of), "contested": contested}
            | "With contested keys" >> beam.CoGroupByKey()
            | "Transform splits"
            >> beam.ParDo(
                WorkOnSplits(self._root, self._staging, self._progress), self._last_keys, *self._sides
            ).with_outputs(SET_ASIDE, PRODUCTS, SALES, SESSIONS, main="contributions")
        )
        settled = (
            worked[SET_ASIDE]
            | "As batches" >> _of_type(tuple[Bucket, pa.RecordBatch])
            | "Gather what is set aside" >> beam.GroupByKey()
            | "Settle"
            >> beam.ParDo(Settle(self._staging, self._progress), *self._sides).with_outputs(
                PRODUCTS, SALES, SESSIONS, main="contributions"
            )
        )
        both = {
            tag: (worked[tag], settled[tag]) | f"All {tag}" >> beam.Flatten()
            for tag in ("contributions", PRODUCTS, SALES, SESSIONS)
        }
        return Transformed(
            both["contributions"],
            both[PRODUCTS] | "Versions as batches" >> _of_type(pa.RecordBatch),
            both[SALES],
            both[SESSIONS] | "Sessions as batches" >> _of_type(tuple[tuple[str, int], pa.RecordBatch]),
        )


def is_of_another_table(split: Split, _: int, table: str) -> int:
    """0 for a split of the table, 1 for one of another."""
    return int(split.table != table)


def _of_type(hint: Any) -> Any:
    """A step that does nothing but say of what type its elements are, and so which coder they have."""
    return beam.Map(_same).with_output_types(hint)


def _same(element: T) -> T:
    return element


def transform(
    planned: Planned, root: str, staging: str, progress: ProgressLog = NO_PROGRESS
) -> PCollection[Contributed]:
    """Adds what splits become: staged files and accounts of every partition of the warehouse."""
    # Products go first and alone: orders need all of them, and only they are held by every worker.
    # The declaration of Partition knows a PartitionFn only, and not a function as here.
    products, rest = planned.splits | "Products or not" >> beam.Partition(is_of_another_table, 2, tables.PRODUCTS.name)  # type: ignore[arg-type]
    last_keys = AsSingleton(planned.last_keys)
    first = products | "Products" >> TransformSplits(root, staging, progress, last_keys)
    then = rest | "Rest" >> TransformSplits(root, staging, progress, last_keys, AsList(first.products))
    daily_sales = (
        then.sales
        | "Gather sales" >> beam.GroupByKey()
        | "Stage daily sales" >> beam.ParDo(StageDailySales(staging, progress))
    )
    sessions = (
        then.sessions
        | "Gather sessions" >> beam.GroupByKey()
        | "Stage sessions" >> beam.ParDo(StageSessions(staging, progress))
    )
    staged = (planned.contributions, first.contributions, then.contributions, daily_sales, sessions)
    contributions: PCollection[Contributed] = staged | "Contributions" >> beam.Flatten()
    return contributions


def build(
    pipeline: beam.Pipeline, settings: LoadSettings, staging: str, progress: ProgressLog = NO_PROGRESS
) -> PCollection[LoadedPartition]:
    """Adds the whole pipeline; its result are the partitions loaded.

    ``staging`` is a folder of this run alone.
    """
    prepared = (
        pipeline
        | "Warehouse" >> beam.Create([settings.warehouse])
        | "Prepare tables and views" >> beam.Map(prepare_warehouse)
    )
    warehouse = AsSingleton(prepared)
    held = prepared | "What is loaded already" >> beam.FlatMap(inputs_held)
    with_letters = prepared | "What has dead letters" >> beam.FlatMap(partitions_with_letters)
    planned = plan(pipeline, settings, progress, held, with_letters)
    loaded: PCollection[LoadedPartition] = (
        transform(planned, settings.input, staging, progress)
        | "Gather contributions" >> beam.GroupByKey()
        | "Load partitions" >> beam.ParDo(LoadPartitions(staging, progress), warehouse)
    )
    (
        loaded
        | "Loaded by table" >> beam.Map(lambda partition: (partition.table, partition))
        | "Gather loaded" >> beam.GroupByKey()
        | "Reconcile" >> beam.ParDo(Reconcile(), warehouse)
        | "Gather reconciled" >> beam.GroupByKey()
        | "Stage lines" >> beam.ParDo(StageLines(staging))
        | "Gather lines" >> beam.GroupByKey()
        | "Load lines" >> beam.ParDo(LoadPartitions(staging, NO_PROGRESS), warehouse)
    )
    return loaded


def staging_folder(temporary: str) -> str:
    """A folder for what a run stages, below one that may hold those of others."""
    return storage.join(temporary, "retail-load", uuid.uuid4().hex)


def main(arguments: Sequence[str] | None = None) -> None:
    """Submits the pipeline and returns; what launches templates must not wait for their jobs.

    UsageError for an option that is unknown or wrong.
    """
    options = pipeline_options(sys.argv[1:] if arguments is None else arguments, LOAD)
    settings = LoadSettings.of(given(options))
    require_remote("warehouse", settings.warehouse)  # also here: nobody serves a DuckDB file to it
    require_reachable(options, input=settings.input)
    temporary = options.view_as(GoogleCloudOptions).temp_location
    if not temporary:
        raise UsageError("temp_location", "required: where staged files are kept until they are loaded", None)
    pipeline = new_pipeline(options)
    build(pipeline, settings, staging_folder(temporary))
    pipeline.run()

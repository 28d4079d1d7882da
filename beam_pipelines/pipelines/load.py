"""The load pipeline: reads the lake and replaces the warehouse's partitions with what follows from it."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.pvalue import AsList, AsSingleton, PCollection

from beam_pipelines import lake, storage, tables
from beam_pipelines.options import LoadSettings, UsageError
from beam_pipelines.pipelines.beam_options import given
from beam_pipelines.progress import NO_PROGRESS, ProgressLog
from beam_pipelines.transforms.lake_reading import (
    Partition,
    PlanSplits,
    Split,
    find_manifests,
    one_world,
    partition_of,
    read_manifest,
    world_of,
)
from beam_pipelines.transforms.partition_loading import LoadedPartition, LoadPartitions, prepare_warehouse
from beam_pipelines.transforms.staging import (
    PRODUCTS,
    SALES,
    Staged,
    StageDailySales,
    TransformOrders,
    TransformProducts,
    TransformRows,
)


def by_partition(manifest: lake.Manifest) -> tuple[Partition, lake.Manifest]:
    """A manifest under the partition that its day belongs to."""
    table = tables.BY_NAME[manifest.table]
    return (table.name, partition_of(table, manifest.day)), manifest


def is_other_than(split: Split, _: int, table: str) -> int:
    """0 for a split of the table, 1 for one of another."""
    return int(split.table != table)


def apart(splits: PCollection[Split], table: str) -> tuple[PCollection[Split], PCollection[Split]]:
    """The splits of a table, and those of all others."""
    own, others = splits | f"Of {table} or not" >> beam.Partition(is_other_than, 2, table)  # type: ignore[arg-type]
    return own, others


def plan(pipeline: beam.Pipeline, settings: LoadSettings, progress: ProgressLog) -> PCollection[Split]:
    """Adds the first part of the pipeline, from the lake's manifests to the splits of each partition."""
    root, period = settings.input, settings.period
    manifests = (
        pipeline
        | "Tables" >> beam.Create([table.name for table in tables.LAKE])
        | "Find manifests" >> beam.FlatMap(lambda table: find_manifests(root, table, period))
        | "Spread manifests" >> beam.Reshuffle()
        | "Read manifests" >> beam.Map(read_manifest)
    )
    world = (
        manifests
        | "World of each" >> beam.Map(world_of)
        | "Worlds" >> beam.combiners.ToSet()
        | "One world" >> beam.Map(one_world)
    )
    splits: PCollection[Split] = (
        manifests
        | "By partition" >> beam.Map(by_partition)
        | "Gather partitions" >> beam.GroupByKey()
        | "Plan splits" >> beam.ParDo(PlanSplits(root, progress), AsSingleton(world))
    )
    return splits


def transform(
    splits: PCollection[Split], root: str, staging: str, progress: ProgressLog
) -> tuple[PCollection[Staged], ...]:
    """Adds what splits become: staged files."""
    # Products go first and alone: orders need all of them, and are not to wait for anything else.
    products, rest = apart(splits, tables.PRODUCTS.name)
    products = (
        products
        | "Spread products" >> beam.Reshuffle()
        | "Transform products"
        >> beam.ParDo(TransformProducts(root, staging, progress)).with_outputs(PRODUCTS, main="staged")
    )
    orders, others = apart(rest | "Spread the rest" >> beam.Reshuffle(), tables.ORDERS.name)
    orders = orders | "Transform orders" >> beam.ParDo(
        TransformOrders(root, staging, progress), AsList(products[PRODUCTS])
    ).with_outputs(SALES, main="staged")
    others = others | "Transform rows" >> beam.ParDo(TransformRows(root, staging, progress))
    daily_sales = (
        orders[SALES]
        | "Gather sales" >> beam.GroupByKey()
        | "Stage daily sales" >> beam.ParDo(StageDailySales(staging, progress))
    )
    return products["staged"], orders["staged"], others, daily_sales


def build(
    pipeline: beam.Pipeline, settings: LoadSettings, staging: str, progress: ProgressLog = NO_PROGRESS
) -> PCollection[LoadedPartition]:
    """Adds the whole pipeline; its result are the partitions loaded."""
    warehouse = (
        pipeline
        | "Warehouse" >> beam.Create([settings.warehouse])
        | "Prepare tables and views" >> beam.Map(prepare_warehouse)
    )
    splits = plan(pipeline, settings, progress)
    loaded: PCollection[LoadedPartition] = (
        transform(splits, settings.input, staging, progress)
        | "Staged" >> beam.Flatten()
        | "Gather staged" >> beam.GroupByKey()
        | "Load partitions" >> beam.ParDo(LoadPartitions(progress), AsSingleton(warehouse))
    )
    return loaded


def main(arguments: Sequence[str] | None = None) -> None:
    """Submits the pipeline and returns; what launches templates must not wait for their jobs."""
    options = PipelineOptions(arguments)
    settings = LoadSettings.of(given(options))
    temporary = options.view_as(GoogleCloudOptions).temp_location
    if not temporary:
        raise UsageError("temp_location", "required: where staged files are kept until they are loaded", None)
    pipeline = beam.Pipeline(options=options)
    build(pipeline, settings, storage.join(temporary, "retail-load"))
    pipeline.run()


if __name__ == "__main__":
    main()

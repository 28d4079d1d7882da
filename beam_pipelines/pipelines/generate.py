"""The generate pipeline: draws days of the world and writes them to the lake."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam_pipelines import lake, tables
from beam_pipelines.options import GENERATE, GenerateSettings
from beam_pipelines.pipelines.beam_options import given, new_pipeline, pipeline_options, require_reachable
from beam_pipelines.progress import NO_PROGRESS, ProgressLog
from beam_pipelines.transforms.lake_writing import (
    DaysPlan,
    Target,
    WriteFile,
    WriteManifest,
    days_there,
    plan_files,
)
from beam_pipelines.world import day_number


def plan_days(settings: GenerateSettings) -> list[DaysPlan]:
    """The days to write: those asked for and, of tables that those refer to, the days before them."""
    first, last = day_number(settings.period.start), day_number(settings.period.end)
    asked = [DaysPlan(table, first, last, is_history=False) for table in settings.tables]
    earlier = [
        DaysPlan(table, max(0, first - days) if days else 0, first - 1, is_history=True)
        for table, days in tables.HISTORY.items()
        if settings.complete_history and first > 0 and table in settings.tables
    ]
    return earlier + asked


def build(
    pipeline: beam.Pipeline, settings: GenerateSettings, progress: ProgressLog = NO_PROGRESS
) -> PCollection[lake.Manifest]:
    """Adds the whole pipeline; its result are the manifests written."""
    world = settings.world
    target = Target(settings.output, world, settings.codec, settings.file_format, settings.rates)
    manifests: PCollection[lake.Manifest] = (
        pipeline
        | "Days" >> beam.Create(plan_days(settings))
        | "Plan files" >> beam.FlatMap(lambda days: plan_files(world, days, days_there(target.output, days)))
        | "Spread" >> beam.Reshuffle()
        | "Draw, encode, write" >> beam.ParDo(WriteFile(target, progress))
        | "Gather days" >> beam.GroupByKey()
        | "Write manifests" >> beam.ParDo(WriteManifest(target))
    )
    return manifests


def main(arguments: Sequence[str] | None = None) -> None:
    """Submits the pipeline and returns; what launches templates must not wait for their jobs.

    UsageError for an option that is unknown or wrong.
    """
    options = pipeline_options(sys.argv[1:] if arguments is None else arguments, GENERATE)
    settings = GenerateSettings.of(given(options))
    require_reachable(options, output=settings.output)
    pipeline = new_pipeline(options)
    build(pipeline, settings)
    pipeline.run()

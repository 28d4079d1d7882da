"""``retail load``: the load pipeline, into BigQuery or into a DuckDB file that answers in its place."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from beam_pipelines import storage
from beam_pipelines.commands import execution
from beam_pipelines.commands.display import Display
from beam_pipelines.commands.warehouses import absolute, is_bigquery, opened, row_counts
from beam_pipelines.options import LOAD, LoadSettings, UsageError
from beam_pipelines.pipelines import load
from beam_pipelines.progress import ProgressLog


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Runs the pipeline and shows what the warehouse holds."""
    started = time.monotonic()
    settings = LoadSettings.of(given)
    with opened(settings.warehouse) as warehouse:
        write(settings, warehouse, flags, display)
        rows = row_counts(warehouse)
    seconds = time.monotonic() - started
    display.result({"warehouse": settings.warehouse, "seconds": round(seconds, 3), "tables": rows})
    if not display.as_json:
        display.say()
        shown = [(name, f"{count:,}") for name, count in rows.items()]
        display.table(f"The warehouse {settings.warehouse}", ("table", "rows"), shown)
        display.say(f"\n{seconds:.1f} s")


def write(settings: LoadSettings, warehouse: str, flags: Sequence[str], display: Display) -> None:
    """Runs the pipeline into an opened warehouse; what was staged on this machine is gone afterwards."""
    options = execution.pipeline_options(flags, LOAD)
    staging = staging_folder(settings, options)
    settings = replace(settings, input=absolute(settings.input), warehouse=warehouse)

    def build(pipeline: beam.Pipeline, log: ProgressLog) -> object:
        return load.build(pipeline, settings, staging, log)

    try:
        execution.run(build, options, display)
    finally:
        if not storage.is_remote(staging):
            shutil.rmtree(staging, ignore_errors=True)


def staging_folder(settings: LoadSettings, options: PipelineOptions) -> str:
    """Where staged files are kept until they are loaded: below temp_location, or beside the warehouse's file."""
    temporary = options.view_as(GoogleCloudOptions).temp_location
    if temporary:
        return storage.join(absolute(temporary), "retail-load")
    if is_bigquery(settings.warehouse):
        raise UsageError("temp_location", "required with bigquery://: a gs:// folder for staged files", None)
    return f"{absolute(settings.warehouse)}.staging"

"""``retail load``: the load pipeline, into BigQuery or into a DuckDB file that answers in its place."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from beam_pipelines import storage
from beam_pipelines.commands import execution
from beam_pipelines.commands.display import Display
from beam_pipelines.commands.metrics import Counted, as_document, show
from beam_pipelines.commands.warehouses import absolute, is_bigquery, opened, row_counts
from beam_pipelines.options import LOAD, LoadSettings, UsageError
from beam_pipelines.pipelines import load
from beam_pipelines.pipelines.beam_options import pipeline_options, require_reachable
from beam_pipelines.progress import ProgressLog


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Runs the pipeline and shows what the warehouse holds."""
    started = time.monotonic()
    settings = LoadSettings.of(given)
    options = checked_options(settings, flags)
    with opened(settings.warehouse) as warehouse:
        metrics = write(settings, warehouse, options, display)
        rows = row_counts(warehouse)
    seconds = time.monotonic() - started
    counts = as_document(metrics)
    display.result({"warehouse": settings.warehouse, "seconds": round(seconds, 3), "tables": rows, "metrics": counts})
    if not display.as_json:
        display.say()
        shown = [(name, f"{count:,}") for name, count in rows.items() if count or not name.startswith("ops.")]
        display.table(f"The warehouse {settings.warehouse}", ("table", "rows"), shown)
        display.say()
        show(metrics, "What the pipeline counted", display)
        display.say(f"\n{seconds:.1f} s")


def checked_options(settings: LoadSettings, flags: Sequence[str]) -> PipelineOptions:
    """Beam's options; UsageError if the runner or BigQuery could not reach what the settings name."""
    options = pipeline_options(flags, LOAD)
    require_reachable(options, input=settings.input, warehouse=settings.warehouse)
    temporary = _temporary(options)
    if is_bigquery(settings.warehouse) and not storage.is_remote(temporary):
        raise UsageError("temp_location", "a gs:// folder for what BigQuery is to load", temporary)
    return options


def write(settings: LoadSettings, warehouse: str, options: PipelineOptions, display: Display) -> Counted:
    """Runs the pipeline into an opened warehouse; what was staged on this machine is gone afterwards.

    Returns what its steps have counted.
    """
    # Staged files are kept until they are loaded: below temp_location, or beside the warehouse's file.
    temporary = _temporary(options) or f"{settings.warehouse}.staging"
    staging = load.staging_folder(absolute(temporary))
    settings = replace(settings, input=absolute(settings.input), warehouse=warehouse)

    def build(pipeline: beam.Pipeline, log: ProgressLog) -> object:
        return load.build(pipeline, settings, staging, log)

    try:
        return execution.run(build, options, display)
    finally:
        if not _temporary(options):
            # Nobody else loads into the file meanwhile: all that is there, loads that were killed have left.
            shutil.rmtree(absolute(temporary), ignore_errors=True)
        elif not storage.is_remote(staging):
            shutil.rmtree(staging, ignore_errors=True)
            with contextlib.suppress(OSError):  # other runs, or somebody else, may have more there
                Path(staging).parent.rmdir()
                Path(temporary).rmdir()


def _temporary(options: PipelineOptions) -> str:
    return options.view_as(GoogleCloudOptions).temp_location or ""

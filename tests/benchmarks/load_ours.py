"""The load pipeline from the lake to staged files, without the warehouse."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines import tables
from beam_pipelines.options import LoadSettings, Period
from beam_pipelines.pipelines import load as loading
from beam_pipelines.pipelines.beam_options import LOCAL_RUNNER
from beam_pipelines.progress import NO_PROGRESS


def staged(pipeline: beam.Pipeline, settings: LoadSettings, staging: str) -> None:
    """Adds all of the load that comes before its first load job."""
    planned = loading.plan(pipeline, settings, NO_PROGRESS)
    loading.transform(planned, settings.input, staging)


def load(lake: Path, first: date, last: date, output: Path, *, workers: int = 1) -> None:
    """Loads the orders of some days, in this process or in worker processes of their own."""
    flags = [f"--runner={LOCAL_RUNNER}"]
    if workers > 1:
        flags += [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]
    with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
        staged(pipeline, LoadSettings(str(lake), Period(first, last), "none", (tables.ORDERS.name,)), str(output))

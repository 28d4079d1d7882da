"""``retail generate``: the generate pipeline."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines import lake, storage, tables
from beam_pipelines.commands import execution
from beam_pipelines.commands.display import Display, size
from beam_pipelines.commands.errors import CommandError
from beam_pipelines.commands.metrics import Counted, as_document, show
from beam_pipelines.commands.warehouses import absolute
from beam_pipelines.defects import truth
from beam_pipelines.options import GENERATE, GenerateSettings, UsageError
from beam_pipelines.pipelines import generate
from beam_pipelines.pipelines.beam_options import is_local, pipeline_options, require_reachable
from beam_pipelines.progress import ProgressLog
from beam_pipelines.world import OPENING


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Runs the pipeline and shows what it wrote."""
    started = time.monotonic()
    options = pipeline_options(flags, GENERATE)
    settings, metrics = write(GenerateSettings.of(given), options, display)
    seconds = time.monotonic() - started
    if is_local(options):
        show_lake(settings, display, seconds)
        return
    # How many rows of each table only a local run tells; workers elsewhere count all together.
    display.result({"output": settings.output, "seconds": round(seconds, 3), "metrics": as_document(metrics)})
    if not display.as_json:
        display.say(f"\nThe lake {settings.output}\n")
        show(metrics, "What the pipeline counted", display)
        display.say(f"\n{seconds:.1f} s")


def write(settings: GenerateSettings, options: PipelineOptions, display: Display) -> tuple[GenerateSettings, Counted]:
    """Checks the output and runs the pipeline.

    Returns the settings, with the output's whole path, and what the pipeline's steps have counted.
    """
    require_reachable(options, output=settings.output)
    settings = replace(settings, output=absolute(settings.output))
    check_output(settings)
    for days in generate.plan_days(settings):
        rows = sum(settings.world.rows(days.table, day) for day in range(days.first_day, days.last_day + 1))
        display.planned("generate", days.table, rows)

    def build(pipeline: beam.Pipeline, log: ProgressLog) -> object:
        return generate.build(pipeline, settings, log)

    return settings, execution.run(build, options, display)


def check_output(settings: GenerateSettings) -> None:
    """UsageError if the output cannot be written, CommandError if it holds another world."""
    if not storage.is_remote(settings.output):
        _check_writable(settings.output)
    centers = storage.join(lake.folder(settings.output, tables.DISTRIBUTION_CENTERS.name, OPENING), lake.MANIFEST)
    try:
        found = lake.Manifest.from_json(storage.read(centers).decode(errors="replace"), centers)
    except (FileNotFoundError, lake.LakeError):
        return
    if (found.seed, found.scale) != (settings.world.seed, settings.world.scale):
        raise CommandError(
            f"{settings.output} holds the world of seed {found.seed}, scale {found.scale:g}: "
            f"expected seed {settings.world.seed}, scale {settings.world.scale:g}, or another --output"
        )


def _check_writable(folder: str) -> None:
    probe = storage.join(folder, ".writable")
    try:
        storage.write(probe, lambda file: file.write(b""))
        storage.delete([probe])
    except OSError as error:
        raise UsageError("output", f"a folder that can be written ({error.strerror})", folder) from error


def lake_rows(display: Display) -> dict[str, dict[str, int]]:
    """Rows, files and bytes by table, as the run has counted them."""
    return {
        table.name: {"rows": total.rows, "files": total.files, "bytes": total.bytes}
        for table in tables.LAKE
        if (total := display.totals.get(("generate", table.name)))
    }


def show_lake(settings: GenerateSettings, display: Display, seconds: float) -> None:
    """The closing table: rows, files and bytes of each table."""
    counted = lake_rows(display)
    result = {"output": settings.output, "seconds": round(seconds, 3), "tables": counted}
    display.result(result | ({"truth": truth.root(settings.output)} if settings.rates else {}))
    if display.as_json:
        return
    rows = [
        (name, f"{found['rows']:,}", f"{found['files']:,}", size(found["bytes"])) for name, found in counted.items()
    ]
    display.say()
    display.table(f"The lake {settings.output}", ("table", "rows", "files", "size"), rows)
    display.say(f"\n{sum(found['rows'] for found in counted.values()):,} rows in {seconds:.1f} s")
    if settings.rates:
        display.say(f"What is defective, row by row: {truth.root(settings.output)}")

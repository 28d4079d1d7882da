"""The program of a job: ``python -m beam_pipelines.local.dataflow.worker FOLDER``.

Runs the pipeline that ``job.json`` in the folder names, as a worker's SDK harness would, but with the whole pipeline in
one process on Beam's own local runner. What it logs are structured lines of its output, what it ends with is
``result.json``: metrics, or the error that ended it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from apache_beam.internal import pickler
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import SetupOptions
from apache_beam.options.value_provider import RuntimeValueProvider
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.internal.names import PICKLED_MAIN_SESSION_FILE
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.worker import sdk_worker_main

from beam_pipelines.local.dataflow import packages, staged_pipeline
from beam_pipelines.local.dataflow.log_lines import RunnersErrors, StructuredFormatter
from beam_pipelines.local.dataflow.metrics import Update, metric_updates

RESULT = "result.json"


def run(folder: Path) -> list[Update]:
    """Runs a job to its end.

    Returns:
        What its steps have counted.
    """
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    submitted = staged_pipeline.submitted_options(job)
    options = staged_pipeline.pipeline_options(submitted)
    _set_log_levels(submitted)
    FileSystems.set_options(options)
    RuntimeValueProvider.set_runtime_options(submitted)
    setup = options.view_as(SetupOptions)
    pickler.set_library(setup.pickle_library)
    with FileSystems.open(submitted["pipelineUrl"]) as file:
        pipeline = staged_pipeline.parsed(file.read(), submitted.get("pipelineProtoHash"))
    _stage(pipeline, folder, is_cache_staged=setup.requirements_cache != "skip")
    sdk_worker_main._import_beam_plugins(setup.beam_plugins or [])
    staged_pipeline.embed(pipeline)
    submitted_components = beam_runner_api_pb2.Components()
    submitted_components.CopyFrom(pipeline.components)
    result = fn_runner.FnApiRunner().run_via_runner_api(pipeline, options)
    result.wait_until_finish()
    return metric_updates(result.metrics(), result.monitoring_infos(), submitted_components)


def cause(error: BaseException) -> str:
    r"""The line that says what has ended a job.

    Beam hands over what a step has raised as text, its traceback included.

    >>> cause(RuntimeError("Traceback ...\n  boom()\nValueError: 7 [while running 'Read']\n"))
    "ValueError: 7 [while running 'Read']"
    """
    if isinstance(error, staged_pipeline.PipelineRefused | packages.PackagesRefused):
        return str(error).strip()
    lines = traceback.format_exception_only(error)[-1].strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def details(error: BaseException) -> str:
    """The traceback of what has ended a job: of the step, without the runner's own, if it was a step."""
    text = str(error).strip()
    return text if text.startswith("Traceback") else "".join(traceback.format_exception(error)).strip()


def _stage(pipeline: beam_runner_api_pb2.Pipeline, folder: Path, *, is_cache_staged: bool) -> None:
    """Fetches what is staged; with packages among it, this program starts anew in an interpreter that has them."""
    found = packages.artifacts(pipeline)
    if not found:
        return
    staged, site = folder / "staged", folder / "site"
    if not staged.exists():
        packages.fetch(found, staged)
        if arguments := packages.to_install(staged, found, is_cache_staged=is_cache_staged):
            logging.info("Installing %s", ", ".join(name for name in found if name.endswith((".gz", ".whl", ".zip"))))
            packages.install(arguments, site)
            path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
            command = [sys.executable, "-m", "beam_pipelines.local.dataflow.worker", str(folder)]
            os.execve(sys.executable, command, os.environ | {"PYTHONPATH": path})  # noqa: S606 - this program
    sys.path.append(str(staged))
    if PICKLED_MAIN_SESSION_FILE in found:
        pickler.load_session(str(staged / PICKLED_MAIN_SESSION_FILE))


def _set_log_levels(submitted: dict[str, Any]) -> None:
    logging.getLogger().setLevel(sdk_worker_main._get_log_level_from_options_dict(submitted))
    sdk_worker_main._set_log_level_overrides(submitted)


def _main(folder: Path) -> int:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(StructuredFormatter())
    handler.addFilter(RunnersErrors())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    result: dict[str, Any]
    try:
        result = {"metrics": run(folder)}
    except Exception as error:
        result = {"error": {"cause": cause(error), "details": details(error)}}
    (folder / RESULT).write_text(json.dumps(result), encoding="utf-8")
    return 1 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))

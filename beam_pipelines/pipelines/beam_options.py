"""The pipelines' options as Beam sees them, and Beam's own."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from apache_beam import Pipeline
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions, _BeamArgumentParser

from beam_pipelines import options
from beam_pipelines.options import UsageError

LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""What DirectRunner ends in for these pipelines, after it has looked for another runner's program to download."""

LOCAL_NAMES = ("direct", "fnapi")
"""What Beam knows runners on this machine by, in any case, with and without ``Runner`` at the end."""


class RetailOptions(PipelineOptions):
    """Every option of ``options.OPTIONS``; the pipelines share names, and Beam allows each only once."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        options.add_to(parser, options.OPTIONS)


class _BeamFlags(_BeamArgumentParser):
    def error(self, message: str) -> NoReturn:
        option, _, what = message.removeprefix("argument ").partition(": ")
        raise UsageError(option.split("/")[0].removeprefix("--"), what or message, None)


def given(pipeline_options: PipelineOptions) -> argparse.Namespace:
    """The options' text, for the settings to check."""
    known: dict[str, Any] = pipeline_options.view_as(RetailOptions).get_all_options(current_only=True)
    return argparse.Namespace(**known)


def pipeline_options(flags: Sequence[str], own: Sequence[str]) -> PipelineOptions:
    """A pipeline's options from its flags; UsageError for one that neither the pipeline nor Beam has.

    ``own`` are the names of the pipeline's own options. In a launch by Dataflow, which has checked the parameters and
    adds flags of its own, an unknown one is left to Beam, which warns: they are Google's to choose.
    """
    parser = _BeamFlags(allow_abbrev=False, add_help=False)
    for beams in PipelineOptions.__subclasses__():
        if beams is not RetailOptions:
            beams._add_argparse_args(parser)
    options.add_to(parser, own)
    parsed, unknown = parser.parse_known_args(list(flags))
    if unknown and not parsed.template_location:
        names = [action.dest for action in parser._actions]
        close = difflib.get_close_matches(unknown[0].lstrip("-").partition("=")[0], names, 1)
        suggestion = f"; did you mean --{close[0]}?" if close else ""
        raise UsageError(unknown[0].lstrip("-"), f"no option of this command or of Beam{suggestion}", None)
    local = []
    if (parsed.runner or "direct").lower().removesuffix("runner") in LOCAL_NAMES:
        local.append(f"--runner={LOCAL_RUNNER}")
        if parsed.direct_num_workers != 1 and not any(flag.startswith("--direct_running_mode") for flag in flags):
            local.append("--direct_running_mode=multi_processing")
    return PipelineOptions([*flags, *local])


def is_local(pipeline_options: PipelineOptions) -> bool:
    """Whether the pipeline runs on this machine."""
    return bool(pipeline_options.view_as(StandardOptions).runner == LOCAL_RUNNER)


def require_reachable(pipeline_options: PipelineOptions, **places: str) -> None:
    """UsageError for the first place, by its option, that is on this machine only while the workers are on others."""
    if not is_local(pipeline_options):
        for option, place in places.items():
            options.require_remote(option, place)


def new_pipeline(pipeline_options: PipelineOptions) -> Pipeline:
    """A pipeline to be built; UsageError for the first option that Beam, or the runner, refuses."""
    try:
        return Pipeline(options=pipeline_options)
    except ValueError as error:
        problem = str(error).removeprefix("Pipeline has validations errors:").strip().splitlines()[0]
        option = re.search(r"(?i)option:? (\w+)", problem)
        raise UsageError(option[1] if option else "runner", problem, None) from error

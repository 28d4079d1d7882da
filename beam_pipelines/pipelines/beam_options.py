"""The pipelines' options as Beam sees them, and Beam's own."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

from beam_pipelines import options
from beam_pipelines.options import UsageError

LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""What DirectRunner ends in for these pipelines, after it has looked for another runner's program to download."""

LOCAL_NAMES = ("DirectRunner", "FnApiRunner", "direct")


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

    ``own`` are the names of the pipeline's own options.
    """
    parser = _BeamFlags(allow_abbrev=False, add_help=False)
    for beams in PipelineOptions.__subclasses__():
        if beams is not RetailOptions:
            beams._add_argparse_args(parser)
    options.add_to(parser, own)
    parsed, unknown = parser.parse_known_args(list(flags))
    if unknown:
        names = [action.dest for action in parser._actions]
        close = difflib.get_close_matches(unknown[0].lstrip("-").partition("=")[0], names, 1)
        suggestion = f"; did you mean --{close[0]}?" if close else ""
        raise UsageError(unknown[0].lstrip("-"), f"no option of this command or of Beam{suggestion}", None)
    local = []
    if parsed.runner in (None, *LOCAL_NAMES):
        local.append(f"--runner={LOCAL_RUNNER}")
        if parsed.direct_num_workers != 1 and not any(flag.startswith("--direct_running_mode") for flag in flags):
            local.append("--direct_running_mode=multi_processing")
    return PipelineOptions([*flags, *local])


def is_local(pipeline_options: PipelineOptions) -> bool:
    """Whether the pipeline runs on this machine."""
    return bool(pipeline_options.get_all_options()["runner"] == LOCAL_RUNNER)

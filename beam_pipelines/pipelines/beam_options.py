"""The pipelines' options as Beam sees them."""

from __future__ import annotations

import argparse
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines import options


class RetailOptions(PipelineOptions):
    """Every option of ``options.OPTIONS``; the pipelines share names, and Beam allows each only once."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        options.add_to(parser, options.OPTIONS)


def given(pipeline_options: PipelineOptions) -> argparse.Namespace:
    """The options' text, for the settings to check."""
    known: dict[str, Any] = pipeline_options.view_as(RetailOptions).get_all_options(current_only=True)
    return argparse.Namespace(**known)

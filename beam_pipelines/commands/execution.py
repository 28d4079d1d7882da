"""Running a pipeline from the command line: Beam's own flags, a local runner, progress, and one line for a failure."""

from __future__ import annotations

import difflib
import logging
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from apache_beam import Pipeline
from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

from beam_pipelines.commands.display import Display
from beam_pipelines.commands.errors import CommandError, explained
from beam_pipelines.commands.metrics import Counted, counted
from beam_pipelines.options import UsageError
from beam_pipelines.pipelines.beam_options import RetailOptions
from beam_pipelines.progress import NO_PROGRESS, ProgressLog

LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""What DirectRunner ends in for these pipelines, after it has looked for another runner's program to download."""

LOCAL_NAMES = ("DirectRunner", "FnApiRunner", "direct")


class _BeamFlags(_BeamArgumentParser):
    def error(self, message: str) -> NoReturn:
        option, _, what = message.removeprefix("argument ").partition(": ")
        raise UsageError(option.split("/")[0].removeprefix("--"), what or message, None)


def pipeline_options(flags: Sequence[str], known: Sequence[str]) -> PipelineOptions:
    """Beam's options from the flags that the command itself does not know; UsageError for one that Beam does not.

    ``known`` are the command's own options, for a suggestion.
    """
    parser = _BeamFlags(allow_abbrev=False, add_help=False)
    for options in PipelineOptions.__subclasses__():
        if options is not RetailOptions:
            options._add_argparse_args(parser)
    given, unknown = parser.parse_known_args(list(flags))
    if unknown:
        names = [*known, *(action.dest for action in parser._actions)]
        close = difflib.get_close_matches(unknown[0].lstrip("-").partition("=")[0], names, 1)
        suggestion = f"; did you mean --{close[0]}?" if close else ""
        raise UsageError(unknown[0].lstrip("-"), f"no option of this command or of Beam{suggestion}", None)
    local = []
    if given.runner in (None, *LOCAL_NAMES):
        local.append(f"--runner={LOCAL_RUNNER}")
        if given.direct_num_workers != 1 and not any(flag.startswith("--direct_running_mode") for flag in flags):
            local.append("--direct_running_mode=multi_processing")
    return PipelineOptions([*flags, *local])


def is_local(options: PipelineOptions) -> bool:
    """Whether the pipeline runs on this machine."""
    return bool(options.get_all_options()["runner"] == LOCAL_RUNNER)


def run(build: Callable[[Pipeline, ProgressLog], object], options: PipelineOptions, display: Display) -> Counted:
    """Runs a pipeline to its end and shows its progress; CommandError if it fails for a reason that was foreseen.

    Returns what its steps have counted.
    """
    if is_local(options):
        # A failure is reported once, in a line, and not by every layer that it passes through.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="retail-") as folder:
        log = ProgressLog(str(Path(folder) / "progress")) if is_local(options) else NO_PROGRESS
        pipeline = Pipeline(options=options)
        build(pipeline, log)
        with display.following(log), _remembering_interrupts() as interrupted:
            try:
                result = pipeline.run()
                result.wait_until_finish()
                return counted(result)
            except Exception as error:
                if interrupted.is_set():
                    raise KeyboardInterrupt from None
                if line := explained(error):
                    raise CommandError(line) from error
                raise


@contextmanager
def _remembering_interrupts() -> Iterator[threading.Event]:
    """Whether Ctrl-C was pressed: Beam turns a KeyboardInterrupt within a step into an error of that step."""
    interrupted = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        signal.default_int_handler(number, frame)

    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread can be interrupted
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)

"""Running a pipeline from the command line: progress, and one line for a failure."""

from __future__ import annotations

import logging
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from apache_beam import Pipeline
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.commands.display import Display
from beam_pipelines.commands.errors import CommandError, explained
from beam_pipelines.commands.metrics import Counted, counted
from beam_pipelines.pipelines.beam_options import is_local, new_pipeline
from beam_pipelines.progress import NO_PROGRESS, ProgressLog


def run(build: Callable[[Pipeline, ProgressLog], object], options: PipelineOptions, display: Display) -> Counted:
    """Runs a pipeline to its end and shows its progress; CommandError if it fails for a reason that was foreseen.

    Returns what its steps have counted.
    """
    if is_local(options):
        # A failure is reported once, in a line, and not by every layer that it passes through.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="retail-") as folder:
        log = ProgressLog(str(Path(folder) / "progress")) if is_local(options) else NO_PROGRESS
        pipeline = new_pipeline(options)
        build(pipeline, log)
        with display.following(log), _remembering_interrupts() as interrupted:
            try:
                result = pipeline.run()
                result.wait_until_finish()
                return counted(result)
            except Exception as error:  # steps fail with anything, which Beam wraps; what is not foreseen goes on
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

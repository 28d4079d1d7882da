"""Loads in processes that can be killed: forked from one that has imported everything and built the pipeline."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
import psutil
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines.local.bigquery import serve
from beam_pipelines.options import LoadSettings
from beam_pipelines.pipelines import load
from beam_pipelines.pipelines.beam_options import LOCAL_RUNNER, given
from beam_pipelines.warehouse import client, partition_loads

RUNNER = f"--runner={LOCAL_RUNNER}"


class Attempt(NamedTuple):
    """How an attempt at a load ended."""

    killed: bool
    """Whether it was alive when it was killed; else it has succeeded."""
    cpu_seconds: float
    """That it had used by then."""


def _built(lake: str, flags: tuple[str, ...], staging: str) -> beam.Pipeline:
    options = PipelineOptions([RUNNER, f"--input={lake}", "--warehouse=bigquery://local", *flags])
    pipeline = beam.Pipeline(options=options)
    load.build(pipeline, LoadSettings.of(given(options)), staging)
    return pipeline


class Order(NamedTuple):
    """What a process is to do."""

    warehouse: str
    dies_at_job: int
    """The load job with whose start the process kills itself, from 1; 0 for none."""


def _die_at(number: int) -> None:
    """Makes this process kill itself when it has started so many load jobs."""
    start, jobs = partition_loads.start, itertools.count(1)

    def starting(*given: Any) -> Any:
        job = start(*given)
        if next(jobs) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return job

    partition_loads.start = starting


def _run(pipeline: beam.Pipeline, order: Order) -> None:
    """Serves the DuckDB file within the process, so that whoever kills it kills the warehouse too."""
    if order.dies_at_job:
        _die_at(order.dies_at_job)
    with serve(Path(order.warehouse)) as server:
        os.environ[client.EMULATOR] = server.endpoint
        client.connect.cache_clear()
        pipeline.run().wait_until_finish()


def _forking(connection: Connection, lake: str, flags: tuple[str, ...], staging: str) -> None:
    """Starts a load into each warehouse that it is told, tells its process, and then how it ended."""
    pipeline = _built(lake, flags, staging)
    # What the first load in a process imports, compiles and reads, its children have then.
    _run(pipeline, Order(f"{staging}/first.duckdb", 0))
    # Forked and not spawned, to be quick; whatever the load has started has ended.
    context = multiprocessing.get_context("fork")
    for order in iter(connection.recv, None):
        process = context.Process(target=_run, args=(pipeline, order))
        process.start()
        connection.send(process.pid)
        process.join()
        connection.send(process.exitcode)


class Attempts:
    """Attempts at one load, into warehouses of choice."""

    def __init__(self, connection: Connection, staging: Path) -> None:
        self._connection, self.staging = connection, staging

    def run(self, warehouse: Path, cpu_seconds: float = float("inf"), dies_at_job: int = 0) -> Attempt:
        """Loads into a DuckDB file; the process is killed once it has used so many CPU seconds, or at a job."""
        self._connection.send(Order(str(warehouse), dies_at_job))
        process, used = psutil.Process(self._connection.recv()), 0.0
        while not self._connection.poll(0.002):
            # Not wall seconds: how many of those there are depends on what else this machine does.
            with process.oneshot():
                used = max(used, _cpu_seconds(process))
            if used >= cpu_seconds:
                process.kill()
                break
        code = self._connection.recv()
        assert code in (0, -signal.SIGKILL), f"the load failed with {code}"
        return Attempt(code == -signal.SIGKILL, used)


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times: Any = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


@contextmanager
def attempts(lake: Path, flags: tuple[str, ...], staging: Path) -> Iterator[Attempts]:
    """Attempts at a load of a lake."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_forking, args=(theirs, str(lake), flags, str(staging)))
    process.start()
    theirs.close()
    try:
        yield Attempts(ours, staging)
    finally:
        ours.send(None)
        process.join()

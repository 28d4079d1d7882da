"""Killed at any moment, and run again: the tables of an undisturbed load."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import duckdb
import pytest
from google.cloud import bigquery

from tests.pipelines.load_attempts import Attempts, attempts
from tests.pipelines.load_lakes import ALL_DAYS

WAREHOUSES, MOMENTS = 5, 4
"""Of each warehouse the load is killed once at a job and so many times at other moments, and then run to its end."""


@pytest.fixture(scope="module")
def loads(tmp_path_factory, dirty_lake) -> Iterator[Attempts]:
    """Attempts at loading the lake with all kinds of defects."""
    with attempts(dirty_lake, ALL_DAYS, tmp_path_factory.mktemp("attempts")) as found:
        yield found


def jobs_ended(warehouse: Path) -> list[str]:
    """The load jobs that had ended in a warehouse when its process was killed, by a copy of its file and log."""
    copy = Path(shutil.copy(warehouse, f"{warehouse}.copy"))
    if (log := Path(f"{warehouse}.wal")).exists():
        shutil.copy(log, f"{copy}.wal")
    with duckdb.connect(str(copy)) as connection:
        found = connection.execute("SELECT job_id FROM _bigquery.jobs WHERE state = 'DONE'").fetchall()
    return [job for (job,) in found if job.startswith("retail_load_")]


def test_a_load_killed_25_times_and_run_again_equals_an_undisturbed_one(
    loads, tmp_path, dirty_loaded, contents, connected, load_jobs
):
    first, again = (loads.run(tmp_path / "undisturbed.duckdb") for _ in range(2))
    assert not first.killed
    # One that goes on from where another was killed takes longer than one that has nothing to load.
    whole, cpu_seconds = len(load_jobs(dirty_loaded)), (first.cpu_seconds + again.cpu_seconds) / 2
    random, hits = Random("25 kills"), 0
    # Once at one of a fifth of the jobs, the last of which load the lines of loads; then at moments of the whole run.
    at_jobs = [1 + int((number + random.random()) * (whole - 1) / WAREHOUSES) for number in range(WAREHOUSES - 1)]
    lines = sum(job.startswith("retail_load_partition_loads_") for job in load_jobs(dirty_loaded))
    at_jobs.append(random.randint(whole - lines + 2, whole - 1))
    moments = [(number + random.random()) / (WAREHOUSES * MOMENTS) for number in range(WAREHOUSES * MOMENTS)]
    random.shuffle(moments)
    for number, at_job in enumerate(at_jobs):
        warehouse = tmp_path / f"{number}.duckdb"
        hits += loads.run(warehouse, dies_at_job=at_job).killed
        ended = jobs_ended(warehouse)
        assert len(ended) <= at_job
        assert at_job <= whole - lines or 0 < len(ended) - (whole - lines) < lines, "killed between lines"
        for moment in moments[number::WAREHOUSES]:
            hits += kill(loads, warehouse, moment * cpu_seconds)
        assert not loads.run(warehouse).killed
    assert hits == WAREHOUSES * (1 + MOMENTS) == 25
    expected = contents(dirty_loaded)
    for path in sorted(tmp_path.glob("*.duckdb")):
        with connected(path) as client:
            assert contents(client) == expected, path.name
            assert unfinished_jobs(client) == []
    # What a killed process was writing has a temporary name; all that was staged is loaded, and deleted.
    assert [path for path in loads.staging.rglob("*.avro") if not path.name.startswith(".")] == []


def kill(loads: Attempts, warehouse: Path, cpu_seconds: float) -> bool:
    """Kills a load; sooner, and of an empty warehouse, if it had ended by then: a kill has to hit."""
    while not loads.run(warehouse, cpu_seconds).killed:
        warehouse.unlink()
        cpu_seconds *= 0.8
    return True


def unfinished_jobs(client: bigquery.Client) -> list[str]:
    return [job.job_id for job in client.list_jobs() if job.state != "DONE"]

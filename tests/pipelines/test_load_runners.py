"""However the runner works, the same is staged, byte for byte, and the same is loaded."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines import tables
from beam_pipelines.options import LoadSettings
from beam_pipelines.pipelines import load as loading
from beam_pipelines.pipelines.beam_options import given
from beam_pipelines.transforms import lake_planning, partition_loading, planning, reconciliation, transforming
from tests.conftest import RUNNER
from tests.pipelines.load_lakes import ALL_DAYS, FIRST, days, divide, spoil
from tests.pipelines.loaded import without_lines

THREADS = ("--direct_running_mode=multi_threading", "--direct_num_workers=2")
PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
Stage = Callable[..., dict[str, str]]

STEPS = (
    planning.PlanTable,
    transforming.HashKeys,
    transforming.FindContested,
    transforming.WorkOnSplits,
    transforming.Settle,
    transforming.StageDailySales,
    transforming.StageSessions,
    partition_loading.LoadPartitions,
    reconciliation.Reconcile,
    reconciliation.StageLines,
)


@pytest.fixture
def stage(tmp_path, tree_hashes) -> Stage:
    """Does all of a load up to what is staged; the hashes of the staged files."""

    def run(name: str, lake: Path, *flags: str) -> dict[str, str]:
        options = PipelineOptions([RUNNER, f"--input={lake}", "--warehouse=bigquery://none", *flags])
        with beam.Pipeline(options=options) as pipeline:
            settings = LoadSettings.of(given(options))
            loading.transform(loading.plan(pipeline, settings), settings.input, str(tmp_path / name))
        return tree_hashes(tmp_path / name)

    return run


def test_workers_make_no_difference_to_what_is_staged(stage, dirty_lake, monkeypatch):
    # Small, so that there are many splits and buckets, and keys meet across them.
    monkeypatch.setattr(lake_planning, "ROWS_PER_SPLIT", 300)
    monkeypatch.setattr(lake_planning, "ROWS_PER_BUCKET", 100)
    one = stage("one", dirty_lake, *ALL_DAYS)
    assert len(one) > 100
    assert stage("two", dirty_lake, *ALL_DAYS, "--direct_num_workers=2") == one
    assert stage("threads", dirty_lake, *ALL_DAYS, *THREADS) == one


@pytest.fixture
def divided_lake(tmp_path, generate) -> Path:
    """A day of three hundred thousand web events with defects, in several files and splits, one block spoilt."""
    root = tmp_path / "lake"
    kinds = "--defects=duplicate=0.01,newer_version=0.01,out_of_range=0.001,time_travel=0.001"
    generate(
        root, *days(FIRST), "--scale=10", kinds, "--tables=distribution_centers,products,customers,orders,web_events"
    )
    files = divide(root, tables.WEB_EVENTS, FIRST, 5)
    spoil(files[1])
    return root


def test_processes_make_no_difference_to_what_is_staged(stage, divided_lake):
    flags = (*days(FIRST), "--tables=products,orders,web_events")
    one = stage("one", divided_lake, *flags)
    assert len([name for name in one if name.startswith("web_events/")]) > 2, "several splits, and what was set aside"
    assert stage("processes", divided_lake, *flags, *PROCESSES) == one


def test_worker_processes_load_the_same(warehouse, load, dirty_lake, dirty_loaded, contents, load_jobs):
    load(dirty_lake, *ALL_DAYS, *PROCESSES)
    assert contents(warehouse) == contents(dirty_loaded)
    assert without_lines(load_jobs(warehouse)) == without_lines(load_jobs(dirty_loaded))


def test_bundles_that_are_run_again_load_the_same(
    tmp_path, connected, load, dirty_lake, dirty_loaded, contents, load_jobs, monkeypatch
):
    calls: Counter[str] = Counter()
    for step in STEPS:
        monkeypatch.setattr(step, "process", counting(step.process, step.__name__, calls))
    counts = []
    for flags in ((), ("--direct_runner_bundle_repeat=1",)):
        with connected(tmp_path / f"{len(counts)}.duckdb") as client:
            load(dirty_lake, *ALL_DAYS, *flags)
            found, jobs = contents(client), load_jobs(client)
        counts.append(Counter(calls))
        calls.clear()
    once, twice = counts
    assert set(once) == {step.__name__ for step in STEPS}
    assert twice == {name: 2 * number for name, number in once.items()}
    assert found == contents(dirty_loaded)
    assert without_lines(jobs) == without_lines(load_jobs(dirty_loaded))


def counting(process: Any, name: str, calls: Counter[str]) -> Any:
    @functools.wraps(process)
    def counted(*given: Any) -> Any:
        calls[name] += 1
        return process(*given)

    return counted

"""Which job a try waits for, by properties, and by a task that is tried, killed and cleared at random."""

import doctest
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from operators import job_names, launches, lineage
from operators.launches import CANCELLING, DONE, ENDED, UPDATED, Step, next_step
from retail import months

ids = st.text(min_size=1, max_size=250)


@pytest.mark.parametrize("module", [job_names, launches, lineage, months], ids=lambda module: module.__name__)
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


@given(ids, ids, ids, st.integers(-1, 2000), st.none() | st.datetimes(timezones=st.just(UTC)))
def test_names_are_dataflows(dag, task, run, index, start):
    name = job_names.job_name(dag, task, run, index, start)
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name)
    assert name == job_names.job_name(dag, task, run, index, start)


@given(st.sets(st.tuples(ids, ids, ids, st.integers(-1, 2000)), min_size=2, max_size=2))
def test_no_two_tasks_have_the_same_name(tasks):
    assert len({job_names.job_name(*task) for task in tasks}) == 2


@given(st.dictionaries(st.just("airflow-run"), ids))
def test_labels_are_google_clouds(texts):
    assert all(re.fullmatch(r"[a-z0-9_-]{0,63}", value) for value in job_names.labels(texts).values())


@pytest.mark.parametrize("address", ["gs://", "s3://shop/lake", "bigquery://shop", "lake"])
def test_lineage_names_what_it_cannot_name(address):
    with pytest.raises(ValueError, match=rf"lineage: expected .*, got '{address}'"):
        lineage.dataset_name(address)


@given(st.dates(min_value=date(2019, 1, 1)), st.integers(0, 1200))
def test_months_are_whole_in_order_and_without_gaps(first, days):
    last = min(first + timedelta(days=days), first.max - timedelta(days=40))
    first = min(first, last)
    parts = months.months(str(first), str(last))
    bounds = [(datetime.fromisoformat(part["start_date"]), datetime.fromisoformat(part["end_date"])) for part in parts]
    assert (parts[0]["start_date"], parts[-1]["end_date"]) == (str(first), str(last))
    assert all((start.year, start.month) == (end.year, end.month) and start <= end for start, end in bounds)
    gaps = [after[0] - before[1] for before, after in pairwise(bounds)]
    assert all(gap == timedelta(days=1) for gap in gaps)
    assert all(start.day == 1 for start, _ in bounds[1:])


def test_months_end_where_they_begin_or_later():
    with pytest.raises(
        ValueError, match=r"end_date: expected a day on or after start_date \(2019-02-01\), got 2019-01"
    ):
        months.months("2019-02-01", "2019-01-31")


def test_the_newest_job_counts_whatever_the_form_of_its_time():
    times = {"1": "2025-11-28T09:00:01.25Z", "2": "2025-11-28T09:00:01Z", "3": "2025-11-28T09:00:00.999999Z"}
    jobs = [{"id": key, "createTime": time, "currentState": DONE} for key, time in times.items()]
    found = [next_step({"chain": 2, "earlier": earlier}, 2, jobs)[0].job for earlier in ([], ["1"], ["1", "2", "3"])]
    assert found == [jobs[0], jobs[1], None]


def test_a_job_that_was_replaced_leads_to_the_one_that_replaced_it():
    job = {"id": "1", "createTime": "2025-11-28T09:00:00Z", "currentState": UPDATED}
    assert next_step({"chain": 2, "earlier": []}, 2, [job])[0] == Step(job)


class TriedTask(RuleBasedStateMachine):
    """A task whose tries may die between any two of their steps; Dataflow refuses a second active job of a name."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[dict] = []
        self.stored = None
        self.chain = 0
        self.succeeded = False

    @precondition(lambda self: not self.succeeded)
    @rule(dies=st.sampled_from(["after looking", "after storing", "never"]))
    def try_(self, dies):
        step, kept = next_step(self.stored, self.chain, self.jobs)
        if dies == "after looking":
            return
        self.stored = kept
        if dies == "after storing":
            return
        if step.job is None:
            self.launch()
        elif not step.again:
            self.succeeded = step.job["currentState"] == DONE

    def launch(self):
        assert not [job for job in self.jobs if job["currentState"] not in ENDED]
        moment = datetime(2025, 11, 28, tzinfo=UTC) + timedelta(seconds=len(self.jobs))
        job = {"id": str(len(self.jobs)), "createTime": moment.isoformat(), "currentState": "JOB_STATE_RUNNING"}
        self.jobs.append(job | {"chain": self.chain})

    @rule(state=st.sampled_from([DONE, "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", CANCELLING]))
    def job_moves(self, state):
        for job in self.jobs:
            if job["currentState"] not in ENDED:
                job["currentState"] = state

    @rule()
    def clear(self):
        self.succeeded = False
        self.chain += 1

    @invariant()
    def a_chain_launches_nothing_after_a_success(self):
        for job in self.jobs[:-1]:
            assert job["currentState"] != DONE or self.jobs[int(job["id"]) + 1]["chain"] > job["chain"]

    @invariant()
    def a_task_that_was_cleared_after_a_success_is_not_done_by_that(self):
        if self.succeeded:
            own = [job["currentState"] for job in self.jobs if job["id"] not in self.stored["earlier"]]
            assert own[-1] == DONE


TestTriedTask = TriedTask.TestCase
TestTriedTask.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)

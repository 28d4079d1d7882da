"""Jobs by themselves: states, messages, metrics, names and listings, also under many threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.local.dataflow import jobs as states
from beam_pipelines.local.dataflow.clock import parsed
from beam_pipelines.local.dataflow.errors import ApiError
from beam_pipelines.local.dataflow.jobs import IMPORTANCES, TERMINAL, Job, Jobs, NameTaken

STATES = [states.QUEUED, states.PENDING, states.RUNNING, states.DRAINING, states.CANCELLING, *sorted(TERMINAL)]


def added(jobs: Jobs, name: str = "sales", location: str = "europe-west1", state: str = states.QUEUED, **more) -> Job:
    job = jobs.new(location, {"name": name, **more}, state)
    jobs.add(job)
    return job


@pytest.fixture
def jobs(tmp_path) -> Jobs:
    return Jobs(tmp_path, "local")


@given(st.lists(st.sampled_from(STATES)))
def test_states_only_lead_onwards_and_terminal_ones_are_final(moves):
    with TemporaryDirectory() as folder:
        job = added(Jobs(Path(folder), "local"))
    seen = [job.state]
    for wanted in moves:
        before, took_place = job.state, job.move(wanted)
        assert job.state == (wanted if took_place else before)
        assert not (took_place and before in TERMINAL)
        seen.append(job.state)
    ranks = [min(STATES.index(state), STATES.index(states.CANCELLING) + 1) for state in seen]
    assert ranks == sorted(ranks)
    shown = job.resource("JOB_VIEW_SUMMARY")
    assert shown["createTime"] <= shown.get("startTime", shown["currentStateTime"]) <= shown["currentStateTime"]
    assert ("startTime" in shown) == bool({states.PENDING, states.RUNNING} & set(seen))


@given(
    st.lists(st.tuples(st.text(max_size=5), st.sampled_from(IMPORTANCES)), max_size=30), st.sampled_from(IMPORTANCES)
)
def test_messages_are_in_order_and_at_times_of_their_own(said, minimum):
    with TemporaryDirectory() as folder:
        job = added(Jobs(Path(folder), "local"))
    for text, importance in said:
        job.say(text, importance)
    everything = job.messages(IMPORTANCES[0], None, None)
    assert [(each["messageText"], each["messageImportance"]) for each in everything] == said
    assert all(one["time"] < other["time"] for one, other in pairwise(everything))
    wanted = IMPORTANCES[IMPORTANCES.index(minimum) :]
    assert job.messages(minimum, None, None) == [each for each in everything if each["messageImportance"] in wanted]
    if everything:
        at = parsed("", everything[len(everything) // 2]["time"])
        assert job.messages(IMPORTANCES[0], None, at) + job.messages(IMPORTANCES[0], at, None) == everything


@pytest.mark.parametrize("text", ["today", "2025-11-28T09:30:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_without_a_zone_or_before_all_time_is_none(text):
    with pytest.raises(ApiError, match=r"^startTime: expected a time such as 2025-11-28T09:30:00Z, got "):
        parsed("startTime", text)


def test_a_message_of_no_importance_is_refused(jobs):
    with pytest.raises(ValueError, match=r"expected one of JOB_MESSAGE_DEBUG, .*, got 'INFO'"):
        added(jobs).say("hello", "INFO")


def test_metrics_show_when_they_last_changed(jobs):
    job = added(jobs)
    rows, bytes_ = ({"name": {"name": name, "context": {"step": "Write"}}, "scalar": 1} for name in ("rows", "bytes"))
    job.measure([rows, bytes_])
    between = jobs.now()
    job.measure([rows, bytes_ | {"scalar": 2}])
    everything = job.metrics(None)["metrics"]
    assert [(each["name"]["name"], each["scalar"]) for each in everything] == [("rows", 1), ("bytes", 2)]
    assert job.metrics(between)["metrics"] == [everything[1]]
    assert everything[0]["updateTime"] < everything[1]["updateTime"] < job.metrics(jobs.now())["metricTime"]


def test_a_job_is_on_disk_as_it_was_submitted_and_as_its_launcher_describes_it(jobs):
    job = added(jobs, labels={"team": "retail"})
    own = {"id": job.id, "projectId": "local", "location": "europe-west1", "name": "sales"}
    assert json.loads(job.file.read_text()) == {"labels": {"team": "retail"}, **own}
    job.describe({"name": "other", "id": "other", "environment": {"experiments": ["x"]}})
    described = {"labels": {"team": "retail"}, "environment": {"experiments": ["x"]}, **own}
    assert json.loads(job.file.read_text()) == described
    assert described.items() <= job.resource("JOB_VIEW_ALL").items()
    assert [path.name for path in job.folder.iterdir()] == ["job.json"]


def test_views_show_less_and_less(jobs):
    options = {"sdkPipelineOptions": {"options": {}}, "experiments": ["x"]}
    job = added(jobs, type="JOB_TYPE_BATCH", labels={"a": "b"}, environment=options, steps=[], clientRequestId="1")
    everything, described, summary = (job.resource(f"JOB_VIEW_{view}") for view in ("ALL", "DESCRIPTION", "SUMMARY"))
    assert everything["environment"] == options
    assert everything.keys() - described.keys() == {"steps"}
    assert described["environment"] == {"experiments": ["x"]}
    assert described.keys() - summary.keys() == {"labels", "environment"}
    assert summary.items() <= everything.items()


def test_a_name_belongs_to_one_active_job_of_a_region(jobs):
    first = added(jobs)
    added(jobs, location="us-east1")
    with pytest.raises(NameTaken) as taken:
        added(jobs)
    assert taken.value.job is first
    first.move(states.FAILED)
    assert added(jobs).id > first.id


def test_a_request_makes_one_job_also_when_that_has_ended(jobs):
    first = added(jobs, clientRequestId="7")
    first.move(states.DONE)
    with pytest.raises(NameTaken) as taken:
        added(jobs, clientRequestId="7")
    assert taken.value.job is first
    added(jobs, clientRequestId="8")


def test_a_job_that_was_not_added_leaves_nothing(jobs, tmp_path):
    job = jobs.new("europe-west1", {"name": "sales"}, states.QUEUED)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ApiError, match=job.id):
        jobs.get("europe-west1", job.id)


def test_folders_of_an_earlier_server_are_deleted_and_nothing_else(jobs, tmp_path):
    folder, other = added(jobs).folder, tmp_path / "2025-notes"
    other.mkdir()
    Jobs(tmp_path, "local").prune()
    assert not folder.exists()
    assert other.exists()


def test_of_many_threads_one_gets_the_name(jobs):
    def attempt(_: int) -> Job | None:
        try:
            return added(jobs)
        except NameTaken:
            return None

    with ThreadPoolExecutor(8) as threads:
        got = [job for job in threads.map(attempt, range(64)) if job]
    assert got == jobs.all()
    assert len(got) == 1


def test_ids_and_times_of_many_threads_are_all_different(jobs):
    def talk(number: int) -> Job:
        job = added(jobs, name=f"sales-{number}")
        for word in range(20):
            job.say(str(word))
        return job

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(talk, range(32)))
    assert sorted(job.id for job in jobs.all()) == sorted({job.id for job in found})
    times = [message["time"] for job in found for message in job.messages(IMPORTANCES[0], None, None)]
    assert len(set(times)) == 32 * 20


@given(
    before=st.lists(st.booleans(), min_size=1, max_size=12),
    meanwhile=st.lists(st.one_of(st.none(), st.integers(0, 11)), max_size=6),
    kind=st.sampled_from(["UNKNOWN", "ALL", "ACTIVE", "TERMINATED"]),
    cut=st.integers(0, 12),
)
def test_a_listing_in_pages_has_each_job_once_whatever_happens_meanwhile(before, meanwhile, kind, cut):
    with TemporaryDirectory() as folder:
        jobs = Jobs(Path(folder), "local")
        made = [added(jobs, name=f"sales-{number}") for number in range(len(before))]
        for job, is_over in zip(made, before, strict=True):
            if is_over:
                job.move(states.DONE)
        at = jobs.now()
        first = jobs.listed(at, kind)[:cut]
        for number, event in enumerate(meanwhile):
            if event is None:
                added(jobs, name=f"late-{number}")
            else:
                made[event % len(made)].move(states.FAILED)
        pages = first + jobs.listed(at, kind)[cut:]
    wanted = {"ACTIVE": {False}, "TERMINATED": {True}}.get(kind, {False, True})
    expected = [job for job, is_over in zip(made, before, strict=True) if is_over in wanted]
    assert sorted(pages, key=lambda job: job.id) == expected
    if kind != "ALL":
        assert pages == expected[::-1]

"""The operator against a served Dataflow whose jobs end as each test says."""

import asyncio
import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest

from beam_pipelines.local.dataflow.jobs import CANCELLED, CANCELLING, DONE, DRAINED, FAILED, RUNNING, UPDATED
from tests.dags.tries import LOCATION, Tries, ends, fired, made_again


def moved(tries: Tries) -> list[str]:
    """The states of all jobs that a task has launched."""
    return [job.state for job in tries.jobs]


@pytest.mark.parametrize("deferrable", [True, False])
def test_returns_what_a_job_has_counted(tries, deferrable, monkeypatch, flex_template):
    def end(job):
        name = {"name": "rows", "origin": "user", "context": {"step": "s1", "namespace": "load"}}
        job.measure([{"name": name, "scalar": 12, "kind": "Sum"}])
        job.move(DONE)

    monkeypatch.setattr(flex_template.operator.time, "sleep", lambda _: end(tries.jobs[-1]))
    assert tries.run(end, deferrable=deferrable) == {"rows": 12}
    (job,) = tries.jobs
    assert tries.xcom["job_id"] == job.id
    link = tries.operator.operator_extra_links[0]
    assert link._format_link(**tries.xcom[link.key]).endswith(f"/dataflow/jobs/{LOCATION}/{job.id}?project=local")


def test_launches_with_parameters_as_text_and_an_environment_without_what_is_empty(tries, dataflow):
    tries.start(
        more_parameters={"day": "2019-01-31", "left_out": None}, environment={"subnetwork": "", "maxWorkers": 3}
    )
    (job,) = tries.jobs
    assert {"--day=2019-01-31", "--max_num_workers=3", f"--labels=airflow-run={tries.run_id}"} <= set(
        dataflow.flags[job.id]
    )
    assert job.resource("JOB_VIEW_DESCRIPTION")["labels"]["airflow-dag"] == "retail_daily"
    assert not [flag for flag in dataflow.flags[job.id] if "subnetwork" in flag or "left_out" in flag]


@pytest.mark.parametrize("state", [FAILED, CANCELLED, DRAINED, UPDATED])
def test_fails_with_the_jobs_state_and_its_own_errors(tries, state):
    from airflow.sdk.exceptions import AirflowException

    with pytest.raises(AirflowException, match=rf"is in {state}: output: no such bucket; Workflow failed$"):
        tries.run(
            ends(
                state,
                "output: no\nsuch bucket\nTraceback (most recent call last)",
                "output: no\nsuch bucket\nTraceback (most recent call last)",
                "Workflow failed",
            )
        )


def test_says_how_a_long_log_begins_and_ends(tries):
    from airflow.sdk.exceptions import AirflowException

    with pytest.raises(AirflowException, match=r"FAILED: Launching\. xx.* … x.* end$") as raised:
        tries.run(ends(FAILED, "Launching. " + 5000 * "x" + " end"))
    assert len(str(raised.value)) < 1200


def test_draining_is_a_success_where_it_is_expected(tries):
    assert tries.run(ends(DRAINED), expected_state=DRAINED) == {}


def test_a_launch_that_is_refused_is_not_tried_again(tries):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="day"):
        tries.start(parameters={"day": "yesterday"})
    assert tries.jobs == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_retry_takes_up_the_job_that_is_running(tries, deferrable, monkeypatch, flex_template):
    tries.start()
    tries.jobs[-1].move(RUNNING)
    monkeypatch.setattr(flex_template.operator.time, "sleep", lambda _: tries.jobs[-1].move(DONE))
    assert tries.run(ends(DONE), deferrable=deferrable) == {}
    assert moved(tries) == [DONE]


def test_a_retry_after_success_launches_nothing(tries):
    begun = tries.start()
    tries.jobs[-1].move(DONE)  # and whoever waited for it is lost
    assert begun.method_name == "execute_complete"
    assert tries.start() == {}
    assert moved(tries) == [DONE]


def test_a_retry_after_a_lost_answer_finds_the_job(tries, flex_template, monkeypatch):
    launch = flex_template.jobs.DataflowJobs.launch

    def lost(self, parameter):
        launch(self, parameter)
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(flex_template.jobs.DataflowJobs, "launch", lost)
        with pytest.raises(ConnectionError):
            tries.start()
    assert tries.run(ends(DONE)) == {}
    assert moved(tries) == [DONE]


def test_a_job_whose_state_is_not_told_yet_is_waited_for(tries, flex_template, monkeypatch):
    call = flex_template.jobs.DataflowJobs._call

    def silent(self, request):
        answer = call(self, request)
        for job in (answer, answer.get("job", {}), *answer.get("jobs", [])):
            job.pop("currentState", None)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(flex_template.jobs.DataflowJobs, "_call", silent)
        begun = [tries.start(), tries.start()]
    assert [wait.trigger.job_id for wait in begun] == [job.id for job in tries.jobs] * 2


@pytest.mark.parametrize("state", [FAILED, CANCELLED])
def test_a_retry_after_failure_launches_again(tries, state):
    from airflow.sdk.exceptions import AirflowException

    with pytest.raises(AirflowException):
        tries.run(ends(state))
    assert tries.run(ends(DONE)) == {}
    assert tries.start() == {}, "the newest of the chain's jobs counts"
    assert moved(tries) == [state, DONE]


def test_whoever_clears_a_task_gets_another_job(tries):
    tries.run(ends(DONE))
    tries.clear()
    assert tries.run(ends(DONE)) == {}
    assert tries.start() == {}
    assert moved(tries) == [DONE, DONE]


def test_a_task_that_is_cleared_while_its_job_runs_waits_for_the_end_and_launches(tries):
    asyncio.run(made_again(tries.start().trigger).on_kill())  # as Airflow's triggerer does
    tries.clear()
    waiting = tries.start()
    assert waiting.method_name == "execute_again"
    tries.jobs[-1].move(CANCELLED)
    launched = tries.resume(waiting)
    assert launched.method_name == "execute_complete"
    tries.jobs[-1].move(DONE)
    assert tries.resume(launched) == {}
    assert moved(tries) == [CANCELLED, DONE]


def test_so_does_one_that_is_not_deferred(tries, flex_template, monkeypatch):
    tries.start()
    tries.operator.on_kill()
    tries.clear()
    ends_in = iter([CANCELLED, DONE])
    monkeypatch.setattr(flex_template.operator.time, "sleep", lambda _: tries.jobs[-1].move(next(ends_in)))
    assert tries.start(deferrable=False) == {}
    assert moved(tries) == [CANCELLED, DONE]


def test_a_task_that_is_cleared_takes_up_a_job_that_could_not_be_cancelled(tries):
    tries.start()
    tries.jobs[-1].move(RUNNING)
    tries.clear()
    assert tries.run(ends(DONE)) == {}
    assert tries.start() == {}, "it is the new chain's own now"
    assert moved(tries) == [DONE]


def test_of_two_tries_at_once_one_launches_and_both_wait_for_its_job(tries, flex_template, monkeypatch):
    named, first = flex_template.jobs.DataflowJobs.named, []

    def slow(self, name):
        jobs = named(self, name)
        if not first:
            first.append(None)
            first[0] = tries.start()  # the other try, between this one's look and its launch
        return jobs

    monkeypatch.setattr(flex_template.jobs.DataflowJobs, "named", slow)
    second = tries.start()
    assert [first[0].trigger.job_id, second.trigger.job_id] == [job.id for job in tries.jobs] * 2


def test_a_killed_task_cancels_its_job(tries):
    tries.start()
    tries.operator.on_kill()
    assert moved(tries) == [CANCELLING]
    tries.jobs[-1].move(CANCELLED)
    tries.operator.on_kill()
    assert moved(tries) == [CANCELLED]


def test_a_killed_task_leaves_its_job_alone_if_told_so(tries):
    tries.start(cancel_on_kill=False)
    tries.operator.on_kill()
    assert moved(tries) == ["JOB_STATE_QUEUED"]


@pytest.mark.parametrize(("cancels", "state"), [(True, CANCELLING), (False, "JOB_STATE_QUEUED")])
def test_whoever_acts_on_a_deferred_task_cancels_its_job(tries, cancels, state):
    asyncio.run(made_again(tries.start(cancel_on_kill=cancels).trigger).on_kill())
    assert moved(tries) == [state]


def test_a_deferred_task_that_takes_too_long_cancels_its_job(tries):
    from airflow.sdk.exceptions import AirflowException

    begun = tries.start(execution_timeout=timedelta(seconds=0))
    with pytest.raises(AirflowException, match=r"took longer than 0:00:00: cancelled"):
        tries.resume(begun)
    assert moved(tries) == [CANCELLING]


def test_a_look_that_fails_fails_the_try_and_leaves_the_job(tries, flex_template, monkeypatch):
    from airflow.sdk.exceptions import AirflowException

    begun = tries.start()
    begun.trigger.job_id = "2019-01-30_00_00_00-1234567890123456789"
    assert "could not be found" in fired(made_again(begun.trigger))["error"]
    with pytest.raises(AirflowException, match="could not be looked at"):
        tries.resume(begun)
    assert moved(tries) == ["JOB_STATE_QUEUED"]


def test_expects_a_state_that_is_a_success(flex_template):
    with pytest.raises(ValueError, match="expected_state: expected JOB_STATE_DONE or JOB_STATE_DRAINED, got 'FAILED'"):
        flex_template.operator.FlexTemplateOperator(task_id="a", template="", location="", expected_state="FAILED")


def test_tells_openlineage_what_is_read_and_written(flex_template, monkeypatch):
    """Airflow's OpenLineage provider, which calls this, need not be installed."""
    stands_for = SimpleNamespace(OperatorLineage=SimpleNamespace, Dataset=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage.extractors", stands_for)
    monkeypatch.setitem(sys.modules, "airflow.providers.common.compat.openlineage.facet", stands_for)
    operator = flex_template.operator.FlexTemplateOperator(
        task_id="a", template="", location="", reads=["gs://shop/lake"], writes=["bigquery://shop/retail.orders"]
    )
    found = operator.get_openlineage_facets_on_complete(None)
    assert found.inputs == [SimpleNamespace(namespace="gs://shop", name="lake")]
    assert found.outputs == [SimpleNamespace(namespace="bigquery", name="shop.retail.orders")]

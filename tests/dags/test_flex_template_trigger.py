"""What the trigger makes of answers that the local Dataflow does not give."""

from types import SimpleNamespace

import pytest

from tests.dags.tries import fired, made_again


@pytest.fixture
def answered(flex_template, monkeypatch):
    """Fires a trigger whose client gives these answers: states, jobs that replace another, or errors."""
    from google.cloud.dataflow_v1beta3 import Job, JobState

    def fire(*answers, **arguments):
        remaining, asked = list(answers), []

        async def get_job(request):
            asked.append(request.job_id)
            answer = remaining.pop(0)
            if isinstance(answer, Exception):
                raise answer
            state, _, replaced_by = answer.partition(" by ")
            return Job(current_state=JobState[f"JOB_STATE_{state}"], replaced_by_job_id=replaced_by)

        async def client(self, kind):
            async def close():
                remaining.append("closed")

            return SimpleNamespace(get_job=get_job, transport=SimpleNamespace(close=close))

        monkeypatch.setattr("airflow.providers.google.cloud.hooks.dataflow.AsyncDataflowHook.initialize_client", client)
        trigger = flex_template.trigger.FlexTemplateTrigger(
            job_id="1", project_id="p", location="l", gcp_conn_id="c", poll_sleep=0, **arguments
        )
        event = fired(made_again(trigger))
        assert remaining == ["closed"], "every answer was asked for, and the channel is closed"
        return event, asked

    return fire


@pytest.mark.parametrize("state", ["DONE", "FAILED", "CANCELLED", "DRAINED", "UPDATED"])
def test_fires_at_every_end(answered, state):
    event, _ = answered("UNKNOWN", "STOPPED", "QUEUED", "RUNNING", "DRAINING", "CANCELLING", state)
    assert event == {"job_id": "1", "state": f"JOB_STATE_{state}"}


def test_goes_on_with_the_job_that_replaces_one(answered):
    event, asked = answered("RUNNING", "UPDATED by 2", "RUNNING", "DONE")
    assert (event, asked) == ({"job_id": "2", "state": "JOB_STATE_DONE"}, ["1", "1", "2", "2"])


def test_asks_again_when_dataflow_does_not_answer(answered):
    from google.api_core import exceptions

    event, _ = answered(exceptions.ServiceUnavailable("later"), exceptions.TooManyRequests("slower"), "DONE")
    assert event == {"job_id": "1", "state": "JOB_STATE_DONE"}


def test_tells_of_errors_that_will_not_pass(answered):
    from google.api_core import exceptions

    event, _ = answered("RUNNING", exceptions.PermissionDenied("dataflow.jobs.get"))
    assert event == {"job_id": "1", "error": "PermissionDenied: 403 dataflow.jobs.get"}


def test_gives_up_in_time_but_not_on_a_job_that_has_ended(answered):
    assert answered("RUNNING", give_up_at=0)[0] == {"job_id": "1", "state": "JOB_STATE_RUNNING", "timed_out": True}
    assert answered("DONE", give_up_at=0)[0] == {"job_id": "1", "state": "JOB_STATE_DONE"}

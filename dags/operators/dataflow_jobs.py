"""Dataflow's jobs, through the connection of the provider's hook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from airflow.providers.google.cloud.hooks.dataflow import DataflowHook
from googleapiclient.errors import HttpError

from operators.launches import Job


class AlreadyActiveError(Exception):
    """There is an active job of that name."""


class RefusedError(Exception):
    """Dataflow does not accept a launch, and would not accept it later; the message is Dataflow's."""


class DataflowJobs:
    """The jobs of a project in a region.

    The hook's own methods poll without retrying what fails for a moment, and list all jobs to find one by its name.
    """

    def __init__(self, hook: DataflowHook, project_id: str, location: str) -> None:
        self._hook = hook
        self._place = {"projectId": project_id, "location": location}

    def named(self, name: str) -> list[Job]:
        """All jobs of a name, active or not."""
        pages = self._pages(self._jobs.list, name=name)
        return [with_state(job) for page in pages for job in page.get("jobs", []) if job["name"] == name]

    def get(self, job_id: str) -> Job:
        """A job, or the one that has replaced it."""
        job = with_state(self._call(self._jobs.get(jobId=job_id, **self._place)))
        return self.get(job["replacedByJobId"]) if job.get("replacedByJobId") else job

    def launch(self, parameter: dict[str, Any]) -> Job:
        """Launches a Flex Template.

        Args:
            parameter: The ``launchParameter``.

        Returns:
            The job, which has yet to start.

        Raises:
            AlreadyActiveError: There is an active job of that name.
            RefusedError: The template or a parameter is wrong.
        """
        templates = self._locations.flexTemplates()
        try:
            answer = self._call(templates.launch(body={"launchParameter": parameter}, **self._place))
        except HttpError as error:
            if error.status_code == 409:
                raise AlreadyActiveError(error.reason) from error
            if error.status_code == 400:
                raise RefusedError(error.reason) from error
            raise
        return with_state(answer["job"])

    def cancel(self, job_id: str) -> None:
        """Asks for a job to be cancelled and does not wait; a job that has ended stays as it is."""
        self._hook.cancel_job(job_id=job_id, project_id=self._place["projectId"], location=self._place["location"])

    def errors(self, job_id: str) -> list[str]:
        """The error messages of a job, in order, each once."""
        pages = self._pages(self._jobs.messages().list, jobId=job_id, minimumImportance="JOB_MESSAGE_ERROR")
        texts = (message.get("messageText", "") for page in pages for message in page.get("jobMessages", []))
        return list(dict.fromkeys(text for text in texts if text))

    def counters(self, job_id: str) -> dict[str, int]:
        """What the pipeline's own counters have counted."""
        return user_counters(self._call(self._jobs.getMetrics(jobId=job_id, **self._place)).get("metrics", []))

    def _pages(self, method: Any, **arguments: str) -> Iterator[dict[str, Any]]:
        token = None
        while True:
            page = self._call(method(**self._place, **arguments, **({"pageToken": token} if token else {})))
            yield page
            token = page.get("nextPageToken")
            if not token:
                return

    def _call(self, request: Any) -> dict[str, Any]:
        return request.execute(num_retries=self._hook.num_retries)

    @cached_property
    def _locations(self) -> Any:
        return self._hook.get_conn().projects().locations()

    @cached_property
    def _jobs(self) -> Any:
        return self._locations.jobs()


def with_state(job: Job) -> Job:
    """A job as it is, or, as Dataflow leaves the state out right after a launch, with an unknown state."""
    return {"currentState": "JOB_STATE_UNKNOWN", **job}


def user_counters(metrics: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The counters of the pipeline's own, by name and over all steps.

    Without distributions, and without what Dataflow counted for work that it has not committed yet.

    >>> step = {"name": "rows", "origin": "user", "context": {"step": "s1", "namespace": "load"}}
    >>> tentative = {**step, "context": {**step["context"], "tentative": "true"}}
    >>> user_counters([{"name": step, "scalar": 3}, {"name": {**step}, "scalar": 4}, {"name": tentative, "scalar": 9}])
    {'rows': 7}
    """
    counted: dict[str, int] = {}
    for metric in metrics:
        name, value = metric["name"], metric.get("scalar")
        if name.get("origin") == "user" and value is not None and "tentative" not in name.get("context", {}):
            counted[name["name"]] = counted.get(name["name"], 0) + int(value)
    return counted

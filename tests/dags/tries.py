"""A task's tries without Airflow: what it keeps between them, and a Dataflow whose jobs do as they are told."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from beam_pipelines.local.dataflow.jobs import Job
from operators.job_names import job_name

LOCATION = "europe-west1"
DAY = datetime(2019, 1, 30, tzinfo=UTC)
_runs = itertools.count()


class HeldJobs:
    """In the place of the local Dataflow's executor: runs nothing; a test moves the jobs."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.flags: dict[str, Sequence[str]] = {}

    def launch(self, job: Job, image: str, flags: Sequence[str]) -> None:
        self.jobs.append(job)
        self.flags[job.id] = flags

    def stop(self, job: Job) -> None:
        job.move("JOB_STATE_CANCELLING")

    def close(self) -> None:
        """Nothing runs."""


class Store(dict[str, Any]):
    """Airflow's task state store."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


class Tries:
    """One task of one run."""

    def __init__(self, module: Any, dataflow: HeldJobs, arguments: Mapping[str, Any]) -> None:
        self._module = module
        self._dataflow = dataflow
        self.arguments = {"poll_interval": 0.01, **arguments}
        self.run_id = f"scheduled__{next(_runs)}"
        self.max_tries = 2
        self.store = Store()
        self.xcom: dict[str, Any] = {}
        self.operator: Any = None

    @property
    def jobs(self) -> list[Job]:
        """What this task has launched, in order."""
        name = job_name("retail_daily", "load", self.run_id, -1, DAY)
        return [job for job in self._dataflow.jobs if job.name == name]

    def clear(self) -> None:
        """What Airflow does when somebody clears a task that was tried once."""
        self.max_tries += 1

    def context(self) -> dict[str, Any]:
        """What Airflow gives to a try."""
        task = SimpleNamespace(
            dag_id="retail_daily",
            task_id="load",
            run_id=self.run_id,
            map_index=-1,
            max_tries=self.max_tries,
            xcom_push=lambda key, value: self.xcom.update({key: value}),
        )
        return {
            "ti": task,
            "task": task,
            "run_id": self.run_id,
            "data_interval_start": DAY,
            "task_state_store": self.store,
        }

    def start(self, **arguments: Any) -> Any:
        """Begins a try: what it returns, or the trigger that it waits for."""
        from airflow.sdk.exceptions import TaskDeferred

        self.operator = self._module.FlexTemplateOperator(task_id="load", **{**self.arguments, **arguments})
        try:
            return self.operator.execute(self.context())
        except TaskDeferred as deferred:
            return deferred

    def resume(self, deferred: Any) -> Any:
        """Lets a trigger fire, as another process would, and goes on with its event."""
        from airflow.sdk.exceptions import TaskDeferred

        event = fired(made_again(deferred.trigger))
        try:
            return getattr(self.operator, deferred.method_name)(self.context(), event)
        except TaskDeferred as again:
            return again

    def run(self, end: Callable[[Job], None], **arguments: Any) -> Any:
        """A whole try, in which a job that is waited for ends so."""
        begun = self.start(**arguments)
        if not hasattr(begun, "trigger"):
            return begun
        end(self.jobs[-1])
        return self.resume(begun)


def made_again(trigger: Any) -> Any:
    """A trigger as the triggerer makes it, of a name and arguments in JSON."""
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))


def fired(trigger: Any) -> dict[str, Any]:
    """The payload of a trigger's event."""

    async def first() -> Any:
        return await asyncio.wait_for(anext(trigger.run()), timeout=30)

    return asyncio.run(first()).payload


def ends(state: str, *errors: str) -> Callable[[Job], None]:
    """What makes a job end in a state, with error messages."""

    def end(job: Job) -> None:
        for error in errors:
            job.say(error, "JOB_MESSAGE_ERROR")
        job.move(state)

    return end

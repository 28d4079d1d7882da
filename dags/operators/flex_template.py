"""Runs a Flex Template on Dataflow, once, however often the task is tried."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.google.cloud.hooks.dataflow import DataflowHook
from airflow.providers.google.cloud.links.dataflow import DataflowJobLink
from airflow.providers.google.cloud.operators.cloud_base import GoogleCloudBaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from googleapiclient.errors import HttpError

from operators.dataflow_jobs import AlreadyActiveError, DataflowJobs, RefusedError
from operators.flex_template_trigger import FlexTemplateTrigger
from operators.job_names import job_name, labels
from operators.launches import DONE, DRAINED, ENDED, Job, Step, next_step
from operators.lineage import dataset_name

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

STORED = "flex_template_chain"
"""Key in Airflow's task state store, which outlives the tries of a task."""

ERRORS_TOLD = 3
"""How many of a job's error messages an exception has; the log has all."""


class FlexTemplateOperator(GoogleCloudBaseOperator):
    """Launches a Flex Template and waits for its job to end, deferred unless told otherwise.

    The provider's operator launches a second job when a task is retried, and does not notice all ways in which a job
    ends. This one takes up the job that an earlier try has launched (:mod:`operators.launches` says when), fails with
    the job's own error messages, cancels the job when the task is killed or takes longer than its execution_timeout,
    also while it is deferred, and returns what the pipeline's counters have counted.

    Pushes to XCom: ``job_id`` as soon as there is a job, ``return_value`` with counters by name.

    Args:
        template: The container spec, ``gs://BUCKET/NAME.json``.
        parameters: The template's parameters; what is not text becomes text, None is left out.
        more_parameters: Further ones: what a mapped task is mapped over. Airflow does not render it then.
        environment: Dataflow's FlexTemplateRuntimeEnvironment; empty values are left out.
        project_id: Where the job runs; empty for the connection's project.
        location: The region.
        expected_state: The only state that is a success: JOB_STATE_DONE, or JOB_STATE_DRAINED of a streaming job.
        deferrable: Whether waiting is left to the triggerer.
        poll_interval: Seconds between two looks at the job; may be a template.
        cancel_on_kill: Whether the job is cancelled when the task is killed.
        gcp_conn_id: Airflow's connection.
        impersonation_chain: Service accounts to act as.
        reads: Data sets that the job reads, for OpenLineage: gs://BUCKET/FOLDER, bigquery://PROJECT/DATASET.TABLE.
        writes: Data sets that it writes.
    """

    template_fields: Sequence[str] = (
        *("template", "parameters", "more_parameters", "environment", "project_id", "location", "poll_interval"),
        *("gcp_conn_id", "impersonation_chain", "reads", "writes"),
    )
    template_fields_renderers = {"parameters": "json", "environment": "json"}  # noqa: RUF012 - as Airflow declares it
    operator_extra_links = (DataflowJobLink(),)

    def __init__(
        self,
        *,
        template: str,
        location: str,
        parameters: Mapping[str, Any] | None = None,
        more_parameters: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        project_id: str = "",
        expected_state: str = DONE,
        deferrable: bool = True,
        poll_interval: float | str = 20,
        cancel_on_kill: bool = True,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if expected_state not in (DONE, DRAINED):
            raise ValueError(f"expected_state: expected {DONE} or {DRAINED}, got {expected_state!r}")
        self.template = template
        self.location = location
        self.parameters = parameters or {}
        self.more_parameters = more_parameters or {}
        self.environment = environment or {}
        self.project_id = project_id
        self.expected_state = expected_state
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.cancel_on_kill = cancel_on_kill
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain
        self.reads = reads
        self.writes = writes
        self._job_id: str | None = None

    def execute(self, context: Context) -> dict[str, int]:
        """Launches the job, or finds it, and waits for it."""
        while True:
            step = self._step(context)
            if step.job is None:
                step = self._launch(context)
            job = step.job
            if job["currentState"] not in ENDED:
                if self.deferrable:
                    self._defer(job, "execute_again" if step.again else "execute_complete")
                job = self._wait(job)
            if not step.again:
                return self._result(job)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, int]:
        """Goes on once the triggerer has seen the job's end."""
        return self._result(self._ended(event))

    def execute_again(self, context: Context, event: dict[str, Any]) -> dict[str, int]:
        """Goes on once the job has ended in whose place another one is wanted."""
        self._ended(event)
        return self.execute(context)

    def on_kill(self) -> None:
        """Cancels the job; of a deferred task the trigger does."""
        if self.cancel_on_kill and self._job_id:
            self.log.info("Cancelling Dataflow job %s.", self._job_id)
            self._jobs.cancel(self._job_id)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage:
        """What was read and written; called by Airflow's OpenLineage provider, where it is installed."""
        from airflow.providers.common.compat.openlineage.facet import Dataset
        from airflow.providers.openlineage.extractors import OperatorLineage

        inputs, outputs = (
            [Dataset(namespace=found.namespace, name=found.name) for found in map(dataset_name, addresses)]
            for addresses in (self.reads, self.writes)
        )
        return OperatorLineage(inputs=inputs, outputs=outputs)

    @cached_property
    def _jobs(self) -> DataflowJobs:
        # Without a time-out the hook asks for a cancellation and does not wait: a killed task has no time for it.
        hook = DataflowHook(
            gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain, cancel_timeout=None
        )
        self.project_id = self.project_id or hook.project_id
        return DataflowJobs(hook, self.project_id, self.location)

    def _step(self, context: Context) -> Step:
        """What to do next, by the jobs that there are; keeps in mind which of them are this chain's own."""
        store, jobs = context["task_state_store"], self._jobs.named(self._name(context))
        stored = store.get(STORED)
        step, kept = next_step(stored, context["ti"].max_tries, jobs, self.expected_state)
        if kept != stored:
            store.set(STORED, kept)
        if step.job and not step.again:
            step = Step(self._jobs.get(step.job["id"]))
            self._found(context, step.job, "Found")
        return step

    def _launch(self, context: Context) -> Step:
        parameter = self._launch_parameter(context)
        self.log.info("Launching %s as %s.", self.template, parameter["jobName"])
        try:
            job = self._jobs.launch(parameter)
        except AlreadyActiveError:
            # Another try of this task was faster: as if its job had been there before.
            step = self._step(context)
            if step.job is None:
                raise
            return step
        except RefusedError as error:
            raise AirflowFailException(f"Dataflow does not launch {self.template}: {error}") from error
        self._found(context, job, "Launched")
        return Step(job)

    def _launch_parameter(self, context: Context) -> dict[str, Any]:
        task = context["ti"]
        ids = {"airflow-dag": task.dag_id, "airflow-task": task.task_id, "airflow-run": context["run_id"]}
        environment = {**self.environment, "additionalUserLabels": labels(ids)}
        given = {**self.parameters, **self.more_parameters}
        return {
            "jobName": self._name(context),
            "containerSpecGcsPath": self.template,
            "parameters": {name: as_text(value) for name, value in given.items() if value is not None},
            "environment": {name: value for name, value in environment.items() if value not in ("", None)},
        }

    def _name(self, context: Context) -> str:
        task = context["ti"]
        start = context.get("data_interval_start")
        return job_name(task.dag_id, task.task_id, context["run_id"], task.map_index, start)

    def _found(self, context: Context, job: Job, what: str) -> None:
        """Says which job it is and leads to it; from now on a kill cancels it."""
        self._job_id = job["id"]
        self.log.info("%s Dataflow job %s (%s).", what, job["id"], job["name"])
        context["ti"].xcom_push(key="job_id", value=job["id"])
        DataflowJobLink.persist(context=context, project_id=self.project_id, region=self.location, job_id=job["id"])

    def _defer(self, job: Job, method: str) -> NoReturn:
        # Airflow measures a task's execution_timeout while it runs, not while it is deferred.
        longest = self.execution_timeout
        self.defer(
            trigger=FlexTemplateTrigger(
                job_id=job["id"],
                project_id=self.project_id,
                location=self.location,
                gcp_conn_id=self.gcp_conn_id,
                poll_sleep=float(self.poll_interval),
                impersonation_chain=self.impersonation_chain,
                cancel_on_kill=self.cancel_on_kill,
                give_up_at=None if longest is None else time.time() + longest.total_seconds(),
            ),
            method_name=method,
        )

    def _wait(self, job: Job) -> Job:
        while job["currentState"] not in ENDED:
            time.sleep(float(self.poll_interval))
            before, job = job, self._jobs.get(job["id"])
            if job["currentState"] != before["currentState"]:
                self.log.info("Dataflow job %s: %s", job["id"], job["currentState"])
        return job

    def _ended(self, event: dict[str, Any]) -> Job:
        """The job that a trigger's event is about."""
        if "error" in event:
            raise AirflowException(f"Dataflow job {event['job_id']} could not be looked at: {event['error']}")
        if event.get("timed_out"):
            self._jobs.cancel(event["job_id"])
            raise AirflowException(
                f"Dataflow job {event['job_id']} took longer than {self.execution_timeout}: cancelled"
            )
        return self._jobs.get(event["job_id"])

    def _result(self, job: Job) -> dict[str, int]:
        """What the job has counted; AirflowException unless it has ended as expected."""
        if job["currentState"] != self.expected_state:
            errors = self._jobs.errors(job["id"])
            for error in errors:
                self.log.error("Dataflow job %s says: %s", job["id"], error)
            told = "; ".join(shortened(error) for error in errors[-ERRORS_TOLD:]) or "it has no error messages"
            raise AirflowException(f"Dataflow job {job['name']} ({job['id']}) is in {job['currentState']}: {told}")
        try:
            counters = self._jobs.counters(job["id"])
        except HttpError as error:
            self.log.warning("No metrics of Dataflow job %s: %s", job["id"], error)
            return {}
        self.log.info("Dataflow job %s has counted %s.", job["id"], counters)
        return counters


def shortened(message: str, longest: int = 1000) -> str:
    r"""A job's message as one line: without a worker's traceback, and without the middle of a launcher's long log.

    >>> shortened("Workflow failed. Causes: no such bucket\nTraceback (most recent call last):\n  ...")
    'Workflow failed. Causes: no such bucket'
    """
    line = " ".join(message.partition("\nTraceback (most recent call last)")[0].split())
    return line if len(line) <= longest else f"{line[: longest // 4]} … {line[-longest * 3 // 4 :]}"


def as_text(value: Any) -> str:
    """A parameter as Dataflow takes it.

    >>> as_text(True), as_text(0.01), as_text("orders")
    ('true', '0.01', 'orders')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)

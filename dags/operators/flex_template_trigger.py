"""Waits for a Dataflow job where waiting costs nothing, in Airflow's triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.providers.google.cloud.triggers.dataflow import TemplateJobStartTrigger
from airflow.triggers.base import TriggerEvent
from google.api_core.exceptions import ServerError, TooManyRequests
from google.cloud.dataflow_v1beta3 import GetJobRequest, JobsV1Beta3AsyncClient

from operators.launches import ENDED, UPDATED


class FlexTemplateTrigger(TemplateJobStartTrigger):
    """Fires once a job has ended, in whichever way, or when it has taken too long.

    The provider's trigger knows three ways of ending and polls for ever after any other; it also opens another channel
    for each look. Cancelling the job when somebody acts on the deferred task is the provider's.

    Args:
        job_id: The job.
        project_id: Its project.
        location: Its region.
        gcp_conn_id: Airflow's connection.
        poll_sleep: Seconds between two looks.
        impersonation_chain: Service accounts to act as.
        cancel_on_kill: Whether the job is cancelled when somebody acts on the task.
        give_up_at: When waiting ends, in seconds since the epoch; None for never.
    """

    def __init__(
        self,
        *,
        job_id: str,
        project_id: str,
        location: str,
        gcp_conn_id: str,
        poll_sleep: float,
        impersonation_chain: str | Sequence[str] | None = None,
        cancel_on_kill: bool = True,
        give_up_at: float | None = None,
    ) -> None:
        super().__init__(
            job_id=job_id,
            project_id=project_id,
            location=location,
            gcp_conn_id=gcp_conn_id,
            poll_sleep=poll_sleep,  # type: ignore[arg-type]
            impersonation_chain=impersonation_chain,
            cancel_on_kill=cancel_on_kill,
        )
        self.give_up_at = give_up_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and its arguments, for a triggerer to make it again."""
        names = (
            *("job_id", "project_id", "location", "gcp_conn_id", "poll_sleep", "impersonation_chain"),
            *("cancel_on_kill", "give_up_at"),
        )
        return f"{__name__}.{type(self).__name__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fires one event: ``job_id`` and ``state``, and ``timed_out`` if it is no end; or ``job_id`` and ``error``."""
        try:
            yield TriggerEvent(await self._ended())
        except Exception as error:
            self.log.exception("Looking at Dataflow job %s failed.", self.job_id)
            yield TriggerEvent({"job_id": self.job_id, "error": f"{type(error).__name__}: {error}"})

    async def _ended(self) -> dict[str, Any]:
        client = await self._get_async_hook().initialize_client(JobsV1Beta3AsyncClient)
        said = None
        try:
            while True:
                state = await self._state(client)
                if state not in (None, said):
                    self.log.info("Dataflow job %s: %s", self.job_id, state)
                    said = state
                if state in ENDED:
                    return {"job_id": self.job_id, "state": state}
                if self.give_up_at is not None and time.time() >= self.give_up_at:
                    return {"job_id": self.job_id, "state": state, "timed_out": True}
                await asyncio.sleep(self.poll_sleep)
        finally:
            await client.transport.close()

    async def _state(self, client: JobsV1Beta3AsyncClient) -> str | None:
        """The job's state, None if Dataflow cannot say for the moment; goes on with the job that has replaced it."""
        request = GetJobRequest(project_id=self.project_id, location=self.location, job_id=self.job_id)
        try:
            job = await client.get_job(request=request)
        except (ServerError, TooManyRequests) as error:
            self.log.warning("Dataflow does not answer, asking again in %s s: %s", self.poll_sleep, error)
            return None
        state = str(job.current_state.name)
        if state == UPDATED and job.replaced_by_job_id:
            self.log.info("Dataflow job %s was replaced by %s.", self.job_id, job.replaced_by_job_id)
            self.job_id = str(job.replaced_by_job_id)
            return await self._state(client)
        return state

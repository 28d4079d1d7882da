"""Which of the jobs of a task's name is the one to wait for, or whether another has to be launched.

A task's job has the same name in every try (:mod:`operators.job_names`), and Dataflow never runs two of a name at once.
What became of earlier jobs of that name does not tell alone what to do: after a success, a retry because the worker was
lost must not launch again, but somebody who clears the task asks for just that. So the first try of a chain of tries (a
task and its retries, until it is cleared) notes in Airflow's task state store which jobs were there already; all that
came later are the chain's own, also one whose id no worker lived to note.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Job = dict[str, Any]
"""A job as Dataflow's REST API gives it."""

DONE = "JOB_STATE_DONE"
DRAINED = "JOB_STATE_DRAINED"
UPDATED = "JOB_STATE_UPDATED"
CANCELLING = "JOB_STATE_CANCELLING"
ENDED = frozenset({DONE, DRAINED, UPDATED, "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"})
"""In these a job does nothing any more. JOB_STATE_STOPPED is not among them: a job in it has yet to start."""


@dataclass(frozen=True)
class Step:
    """What a try does next."""

    job: Job | None = None
    """The job to wait for; None to launch one."""
    again: bool = False
    """Whether, once the job has ended, another one is launched in its place."""


def next_step(stored: Any, chain: int, jobs: Sequence[Job], expected: str = DONE) -> tuple[Step, dict[str, Any]]:
    """What a try does, given all jobs of the task's name.

    - One that is being cancelled was given up, by a killed try or by whoever cleared the task: it has to end first.
    - Another one that is active is the task's, and from now on the chain's own, whoever launched it.
    - Of the chain's own, the newest counts if it has ended as expected.
    - In all other cases a job is launched.

    Args:
        stored: What the last try has stored, None for nothing.
        chain: The chain of tries: the task's ``max_tries``, which Airflow raises when the task is cleared, only then.
        jobs: All jobs of the task's name.
        expected: The state that is a success.

    Returns:
        The step, and what is to be stored before it is taken.
    """
    begins = not stored or stored["chain"] != chain
    earlier = [job["id"] for job in jobs] if begins else list(stored["earlier"])
    step = _step(jobs, earlier, expected)
    if step.job and not step.again:
        earlier = [job_id for job_id in earlier if job_id != step.job["id"]]
    return step, {"chain": chain, "earlier": earlier}


def _step(jobs: Sequence[Job], earlier: Collection[str], expected: str) -> Step:
    for job in jobs:
        if job["currentState"] not in ENDED:
            return Step(job, again=job["currentState"] == CANCELLING)
    own = [job for job in jobs if job["id"] not in earlier]
    newest = max(own, key=lambda job: datetime.fromisoformat(job["createTime"]), default=None)
    if newest is not None and newest["currentState"] in (expected, UPDATED):
        return Step(newest)
    return Step()

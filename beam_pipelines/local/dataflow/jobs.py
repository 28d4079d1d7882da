"""Jobs: what was submitted, how each one goes, and who has which name."""

from __future__ import annotations

import copy
import json
import re
import secrets
import shutil
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from beam_pipelines.local.dataflow.clock import Clock, rendered
from beam_pipelines.local.dataflow.errors import not_found

Document = dict[str, Any]

QUEUED, PENDING, RUNNING = "JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING"
DRAINING, CANCELLING = "JOB_STATE_DRAINING", "JOB_STATE_CANCELLING"
DONE, FAILED, CANCELLED = "JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"
DRAINED, UPDATED = "JOB_STATE_DRAINED", "JOB_STATE_UPDATED"
TERMINAL = frozenset({DONE, FAILED, CANCELLED, DRAINED, UPDATED})
"""States that a job never leaves."""

_RANKS = {QUEUED: 0, PENDING: 1, RUNNING: 2, DRAINING: 3, CANCELLING: 4} | dict.fromkeys(TERMINAL, 5)

IMPORTANCES = (
    "JOB_MESSAGE_DEBUG",
    "JOB_MESSAGE_DETAILED",
    "JOB_MESSAGE_BASIC",
    "JOB_MESSAGE_WARNING",
    "JOB_MESSAGE_ERROR",
)
"""Of messages, rising."""

_JOB_ID = re.compile(r"\d{4}(-\d\d){2}(_\d\d){3}-\d{19}")
_SUMMARY = ("type", "clientRequestId")
_DESCRIPTION = (*_SUMMARY, "labels", "environment")


class NameTaken(Exception):  # noqa: N818 - reads as what happened
    """Another job has the name, or the client's request id, that a job was to take."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"{job.name} is {job.id}")
        self.job = job


class Job:
    """One job, from the moment its id is known; any thread may call any method.

    Attributes:
        id: ``YYYY-MM-DD_HH_MM_SS-`` and 19 digits.
        name: what its submitter calls it; at most one active job of a region has it.
        project: the project that it belongs to.
        location: the region that it is said to run in.
        folder: on disk, of this job alone.
        body: the Job resource as submitted, enums by name; changed by :meth:`describe` only.
        state: ``JOB_STATE_...``; changed by :meth:`move` only.
    """

    def __init__(
        self, project: str, location: str, folder: Path, body: Mapping[str, Any], state: str, clock: Clock
    ) -> None:
        """Takes a folder named by the job's id, and a body that has the job's name."""
        self.id = folder.name
        self.name = str(body["name"])
        self.project = project
        self.location = location
        self.folder = folder
        self.body: Document = copy.deepcopy(dict(body))
        self.state = state
        self._clock = clock
        self.created = self._state_time = clock.tick()
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._messages: list[tuple[datetime, Document]] = []
        self._metrics: dict[str, tuple[datetime, Document]] = {}
        self._lock = threading.Lock()

    @property
    def file(self) -> Path:
        """The job as submitted: a Job resource with its id, project, location and name."""
        return self.folder / "job.json"

    @property
    def is_active(self) -> bool:
        """Whether the state may still change."""
        return self.state not in TERMINAL

    def open(self) -> None:
        """Makes this the moment of the job's creation, and its folder."""
        with self._lock:
            self.created = self._state_time = self._clock.tick()
            self._started = self.created if self.state != QUEUED else None
            self._write()

    def describe(self, body: Mapping[str, Any]) -> None:
        """Takes what a template's launcher has written as what was submitted; the name stays."""
        with self._lock:
            self.body = self.body | copy.deepcopy(dict(body)) | {"name": self.name}
            self._write()

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        own = {"id": self.id, "projectId": self.project, "location": self.location}
        written = self.file.with_suffix(".new")
        written.write_text(json.dumps(self.body | own, indent=1), encoding="utf-8")
        written.replace(self.file)

    def move(self, state: str) -> bool:
        """Changes the state if that leads onwards: out of a terminal state nothing does, and nothing leads back.

        Returns:
            Whether the job is in that state now and was not in a terminal one before.
        """
        with self._lock:
            if self.state in TERMINAL or _RANKS[state] < _RANKS[self.state]:
                return False
            if state != self.state:
                self.state, self._state_time = state, self._clock.tick()
                if self._started is None and state in (PENDING, RUNNING):
                    self._started = self._state_time
                if state in TERMINAL:
                    self._ended = self._state_time
            return True

    def ended_before(self, at: datetime) -> datetime | None:
        """When the job ended, if it had by then."""
        with self._lock:
            return self._ended if self._ended and self._ended < at else None

    def say(self, text: str, importance: str = "JOB_MESSAGE_DETAILED") -> None:
        """Adds a message, later than all before it.

        Args:
            text: what it says; may have several lines.
            importance: one of :data:`IMPORTANCES`.
        """
        if importance not in IMPORTANCES:
            raise ValueError(f"importance: expected one of {', '.join(IMPORTANCES)}, got {importance!r}")
        with self._lock:
            at = self._clock.tick()
            message = {"id": f"{self.id}-{len(self._messages)}", "time": rendered(at)}
            self._messages.append((at, message | {"messageText": text, "messageImportance": importance}))

    def messages(self, minimum: str, since: datetime | None, until: datetime | None) -> list[Document]:
        """The messages of at least an importance, from ``since`` until before ``until``, in order."""
        least = IMPORTANCES.index(minimum)
        with self._lock:
            return [
                message
                for at, message in self._messages
                if IMPORTANCES.index(message["messageImportance"]) >= least
                and (since is None or at >= since)
                and (until is None or at < until)
            ]

    def measure(self, metrics: Sequence[Mapping[str, Any]]) -> None:
        """Takes the job's metrics as they are now, in place of those before.

        Args:
            metrics: MetricUpdate resources; ``updateTime`` is set here, to when each last changed.
        """
        with self._lock:
            at, before = self._clock.tick(), self._metrics
            self._metrics = {}
            for metric in metrics:
                key = json.dumps(metric.get("name"), sort_keys=True)
                known = before.get(key)
                self._metrics[key] = known if known and known[1] == metric else (at, copy.deepcopy(dict(metric)))

    def metrics(self, since: datetime | None) -> Document:
        """A JobMetrics resource with the metrics that have changed at or after ``since``."""
        with self._lock:
            found = [
                metric | {"updateTime": rendered(at)}
                for at, metric in self._metrics.values()
                if since is None or at >= since
            ]
            return {"metricTime": rendered(self._clock.tick()), "metrics": found}

    def resource(self, view: str) -> Document:
        """The job as the API shows it.

        Args:
            view: ``JOB_VIEW_SUMMARY``, ``JOB_VIEW_DESCRIPTION`` (with labels, and the environment without the
                pipeline's options) or ``JOB_VIEW_ALL``.
        """
        with self._lock:
            times = {"createTime": self.created, "startTime": self._started, "currentStateTime": self._state_time}
            return {
                **_seen(self.body, view),
                "id": self.id,
                "projectId": self.project,
                "name": self.name,
                "location": self.location,
                "currentState": self.state,
                **{key: rendered(at) for key, at in times.items() if at},
            }


class Jobs:
    """The jobs of a server; it forgets them when it ends."""

    def __init__(self, folder: Path, project: str) -> None:
        """Takes the folder that jobs have theirs in."""
        self.project = project
        self._folder = folder
        self._clock = Clock()
        self._jobs: dict[str, Job] = {}
        self._latest_id = ""
        self._lock = threading.Lock()

    def prune(self) -> None:
        """Deletes the folders of the jobs that an earlier server has left."""
        for found in self._folder.glob("*"):
            if _JOB_ID.fullmatch(found.name):
                shutil.rmtree(found)

    def new(self, location: str, body: Mapping[str, Any], state: str) -> Job:
        """A job with an id, which nobody knows of yet.

        Args:
            location: the region.
            body: a Job resource as submitted, with a valid name.
            state: the job's first one.
        """
        with self._lock:
            self._latest_id = _next_id(self._latest_id)
            return Job(self.project, location, self._folder / self._latest_id, body, state, self._clock)

    def add(self, job: Job) -> None:
        """Creates the job: from now on it has its name, it is found, and its folder is there.

        Raises:
            NameTaken: an active job of the region has the name, or any job of it the name and the clientRequestId.
        """
        request = job.body.get("clientRequestId")
        with self._lock:
            for other in self._jobs.values():
                is_same = bool(request) and other.body.get("clientRequestId") == request
                if (other.name, other.location) == (job.name, job.location) and (other.is_active or is_same):
                    raise NameTaken(other)
            job.open()
            self._jobs[job.id] = job

    def get(self, location: str, job_id: str) -> Job:
        """The job of that id in a region; an ApiError if there is none."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None or job.location != location:
            raise not_found(
                f"Information about job {job_id} could not be found in our system (region {location}). "
                "Please double check the id is correct."
            )
        return job

    def all(self) -> list[Job]:
        """Every job, in the order of creation."""
        with self._lock:
            return list(self._jobs.values())

    def now(self) -> datetime:
        """A time between what has happened to the jobs and what will."""
        return self._clock.tick()

    def listed(self, at: datetime, kind: str, location: str | None = None, name: str = "") -> list[Job]:
        """The jobs as they were at a time, so that pages of one listing fit together whatever happens meanwhile.

        Args:
            at: what :meth:`now` gave when the listing began.
            kind: ``ACTIVE`` (latest created first), ``TERMINATED`` (latest ended first), ``ALL`` (these after those)
                or ``UNKNOWN`` (latest created first).
            location: of one region; None is all.
            name: of one name; empty is any.
        """
        found = [
            job
            for job in reversed(self.all())
            if job.created < at and location in (None, job.location) and name in ("", job.name)
        ]
        ended = {job.id: end for job in found if (end := job.ended_before(at))}
        active = [job for job in found if job.id not in ended]
        terminated = sorted((job for job in found if job.id in ended), key=lambda job: ended[job.id], reverse=True)
        return {"UNKNOWN": found, "ACTIVE": active, "TERMINATED": terminated, "ALL": active + terminated}[kind]


def _seen(body: Mapping[str, Any], view: str) -> Document:
    if view == "JOB_VIEW_ALL":
        return dict(body)
    kept = _DESCRIPTION if view == "JOB_VIEW_DESCRIPTION" else _SUMMARY
    seen = {key: body[key] for key in kept if key in body}
    if "environment" in seen:
        seen["environment"] = {key: item for key, item in seen["environment"].items() if key != "sdkPipelineOptions"}
    return seen


def _next_id(latest: str) -> str:
    """An id that sorts after the latest one; two of one second too."""
    second = f"{datetime.now(UTC):%Y-%m-%d_%H_%M_%S}"
    if latest[:19] < second:
        return f"{second}-{secrets.randbelow(9 * 10**18):019d}"
    return f"{latest[:20]}{int(latest[20:]) + 1 + secrets.randbelow(10**9):019d}"

"""The methods of the API: of a request, as JSON of its gRPC message, an answer, as JSON of its gRPC message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from beam_pipelines.local.dataflow import jobs as states
from beam_pipelines.local.dataflow.clock import parsed
from beam_pipelines.local.dataflow.errors import ApiError, invalid, not_found, refused, unsupported
from beam_pipelines.local.dataflow.jobs import Job, Jobs, NameTaken
from beam_pipelines.local.dataflow.names import check_job_name, check_labels

if TYPE_CHECKING:
    from beam_pipelines.local.dataflow.execution import Executor

Document = dict[str, Any]
Item = TypeVar("Item")

DEFAULT_LOCATION = "us-central1"
"""The region that Dataflow means where a request names none."""

_MOST_JOBS = 500
_MOST_MESSAGES = 1000
_UNSET_VIEW = "JOB_VIEW_UNKNOWN"
_STREAMING = "JOB_TYPE_STREAMING"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What the service says of a job: clients may send it back, as they do when they copy a job, and it means nothing.
_SERVICE_FIELDS = {
    "createTime",
    "currentState",
    "currentStateTime",
    "executionInfo",
    "id",
    "jobMetadata",
    "pausable",
    "replacedByJobId",
    "requestedState",
    "runtimeUpdatableParams",
    "satisfiesPzi",
    "satisfiesPzs",
    "serviceResources",
    "stageStates",
    "startTime",
}


@dataclass(frozen=True)
class Dataflow:
    """A running Dataflow, as its methods need it."""

    jobs: Jobs
    executor: Executor
    storage: str
    """Where Cloud Storage is: ``http://127.0.0.1:PORT``; empty if nobody has said so."""


Method = Callable[[Dataflow, Mapping[str, Any]], Document]


def create_job(dataflow: Dataflow, request: Mapping[str, Any]) -> Document:
    """jobs.create: runs a job; if an active one has its name, gives that one, as Dataflow's documentation says.

    Clients tell by the clientRequestId whether the job that they get is theirs.
    """
    location = served_location(dataflow, request)
    body = {key: item for key, item in (request.get("job") or {}).items() if item is not None}
    _check_new(body, request, location)
    kept = {key: item for key, item in body.items() if key not in _SERVICE_FIELDS}
    job = dataflow.jobs.new(location, {"type": "JOB_TYPE_BATCH"} | kept, states.PENDING)
    view = _view(request, "JOB_VIEW_SUMMARY")
    try:
        dataflow.jobs.add(job)
    except NameTaken as taken:
        request_id = body.get("clientRequestId")
        if request_id and request_id == taken.job.body.get("clientRequestId") and not taken.job.is_active:
            raise ApiError(
                "ALREADY_EXISTS",
                f"clientRequestId: {request_id} has been used already, by the job {taken.job.id} named {job.name}",
            ) from None
        return taken.job.resource(view)
    dataflow.executor.run(job)
    return job.resource(view)


def _check_new(body: Mapping[str, Any], request: Mapping[str, Any], location: str) -> None:
    if not body:
        raise invalid("job: expected a job, got none")
    check_job_name("name", body.get("name", ""))
    check_labels("labels", body.get("labels", {}))
    for field, value in (("location", location), ("projectId", request["projectId"])):
        if body.get(field, value) != value:
            raise invalid(f"{field}: expected {value} as in the request's address, got {body[field]!r}")
    if not (body.get("environment") or {}).get("sdkPipelineOptions"):
        raise invalid("environment.sdkPipelineOptions: expected the pipeline's options, got none")
    if body.get("type") == _STREAMING:
        raise unsupported(f"type: {_STREAMING} (a streaming job)")
    if body.get("replaceJobId") or request.get("replaceJobId"):
        raise unsupported("replaceJobId (the update of a job)")
    if body.get("createdFromSnapshotId"):
        raise unsupported("createdFromSnapshotId (a job from a snapshot)")


def get_job(dataflow: Dataflow, request: Mapping[str, Any]) -> Document:
    """jobs.get: everything of the job, if the view does not say less."""
    return _job(dataflow, request).resource(_view(request, "JOB_VIEW_ALL"))


def list_jobs(dataflow: Dataflow, request: Mapping[str, Any]) -> Document:
    """jobs.list: summaries of the jobs of one region, the latest first."""
    return _listing(dataflow, request, served_location(dataflow, request))


def list_all_jobs(dataflow: Dataflow, request: Mapping[str, Any]) -> Document:
    """jobs.aggregated: summaries of the jobs of all regions, the latest first."""
    served_location(dataflow, request)
    if request.get("name"):
        raise invalid("name: jobs.aggregated does not filter by name; jobs.list does")
    return _listing(dataflow, request, None)


def _listing(dataflow: Dataflow, request: Mapping[str, Any], location: str | None) -> Document:
    for field in request:
        if field.startswith(("createTimeRange", "terminationTimeRange")):
            raise unsupported(field)
    token = request.get("pageToken") or ""
    at, start = _listing_token(token) if token else (dataflow.jobs.now(), 0)
    kind = _choice(request, "filter", "UNKNOWN", ("ALL", "TERMINATED", "ACTIVE"))
    found = dataflow.jobs.listed(at, kind, location, request.get("name", ""))
    page, end = _page(found, start, request, _MOST_JOBS)
    answer: Document = {"jobs": [job.resource("JOB_VIEW_SUMMARY") for job in page]}
    if end < len(found):
        answer["nextPageToken"] = f"{(at - _EPOCH) // timedelta(microseconds=1)}-{end}"
    return answer


def _listing_token(token: str) -> tuple[datetime, int]:
    """The time as of which a listing shows the jobs, and how many of them were shown."""
    matched = re.fullmatch(r"(\d{1,17})-(\d{1,9})", token)
    if not matched:
        raise invalid(f"pageToken: expected a nextPageToken, got {token!r:.80}")
    return _EPOCH + timedelta(microseconds=int(matched[1])), int(matched[2])


def update_job(dataflow: Dataflow, request: Mapping[str, Any]) -> Document:
    """jobs.update: cancels a job.

    As on Dataflow the other fields of a job do not count beside a requestedState.
    """
    job = _job(dataflow, request)
    body = request.get("job") or {}
    wanted = body.get("requestedState") or "JOB_STATE_UNKNOWN"
    if request.get("updateMask"):
        raise unsupported(f"updateMask: {request['updateMask']} (changing a running job)")
    if wanted == "JOB_STATE_UNKNOWN":
        for field in ("labels", "runtimeUpdatableParams"):
            if field in body:
                raise unsupported(f"{field} (changing a running job)")
        raise invalid("requestedState: expected JOB_STATE_CANCELLED or JOB_STATE_DRAINED, got none")
    if wanted in (states.DRAINED, states.DRAINING):
        raise refused(
            f"Job {job.id} cannot be drained: only streaming jobs can, and it is a batch job. Cancel it instead"
        )
    if wanted != states.CANCELLED:
        raise refused(f"requestedState: expected JOB_STATE_CANCELLED or JOB_STATE_DRAINED, got {wanted}")
    if not job.is_active:
        raise refused(f"Job {job.id} cannot be cancelled: it has ended already, in {job.state}")
    if job.state != states.CANCELLING:
        dataflow.executor.stop(job)
    return job.resource("JOB_VIEW_SUMMARY") | {"requestedState": wanted}


def list_messages(dataflow: Dataflow, request: Mapping[str, Any]) -> Document:
    """jobs.messages.list: what the job has said, in the order of time."""
    job = _job(dataflow, request)
    minimum = _choice(request, "minimumImportance", "JOB_MESSAGE_IMPORTANCE_UNKNOWN", states.IMPORTANCES)
    found = job.messages(
        minimum if minimum in states.IMPORTANCES else states.IMPORTANCES[0],
        parsed("startTime", request.get("startTime", "")),
        parsed("endTime", request.get("endTime", "")),
    )
    token = request.get("pageToken") or "0"
    if not re.fullmatch(r"\d{1,9}", token):
        raise invalid(f"pageToken: expected a nextPageToken, got {token!r:.80}")
    page, end = _page(found, int(token), request, _MOST_MESSAGES)
    return {"jobMessages": list(page)} | ({"nextPageToken": str(end)} if end < len(found) else {})


def get_metrics(dataflow: Dataflow, request: Mapping[str, Any]) -> Document:
    """jobs.getMetrics: the job's metrics, or those that have changed since a time."""
    return _job(dataflow, request).metrics(parsed("startTime", request.get("startTime", "")))


def _job(dataflow: Dataflow, request: Mapping[str, Any]) -> Job:
    return dataflow.jobs.get(served_location(dataflow, request), request.get("jobId", ""))


def served_location(dataflow: Dataflow, request: Mapping[str, Any]) -> str:
    """The region that a request is about; an ApiError if its project is not the one served."""
    project = request.get("projectId", "")
    if project != dataflow.jobs.project:
        raise not_found(
            f"Project {project!r} could not be found: this server has the project {dataflow.jobs.project!r}"
        )
    location: str = request.get("location") or DEFAULT_LOCATION
    return location


def _view(request: Mapping[str, Any], default: str) -> str:
    view = _choice(request, "view", _UNSET_VIEW, ("JOB_VIEW_SUMMARY", "JOB_VIEW_ALL", "JOB_VIEW_DESCRIPTION"))
    return default if view == _UNSET_VIEW else view


def _choice(request: Mapping[str, Any], field: str, unset: str, known: Sequence[str]) -> str:
    """One of an enum's names. Over gRPC a client can send numbers that are none, which come as they are."""
    choice = request.get(field) or unset
    if choice not in (unset, *known):
        raise invalid(f"{field}: expected one of {', '.join(known)}, got {choice!r}")
    return str(choice)


def _page(found: Sequence[Item], start: int, request: Mapping[str, Any], most: int) -> tuple[Sequence[Item], int]:
    """The items of a page, and where the next one begins."""
    size = int(request.get("pageSize") or 0)
    if size < 0:
        raise invalid(f"pageSize: expected 0 or more, got {size}")
    end = start + min(size or most, most)
    return found[start:end], end

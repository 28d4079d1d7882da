"""Google's clients: the Dataflow library over REST and gRPC, and the discovery client that Airflow's hook builds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import dataflow_v1beta3 as dataflow
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from beam_pipelines.local.dataflow.enums import name_of
from beam_pipelines.local.discovery import Discovery
from tests.local.dataflow.conftest import LOCATION, SPEC, new_name

OURS = {"project_id": "local", "location": LOCATION}
GIVEN = {"day": "2025-11-28", "output": "gs://lake/sales"}
Client = Callable[[Any], Any]


@pytest.fixture(scope="module", params=["rest", "grpc"])
def client(request, served) -> Iterator[Client]:
    """Makes a client of a class, as Beam does (REST) or as Airflow's triggers do (gRPC)."""
    if request.param == "grpc":
        with grpc.insecure_channel(served.server.grpc_endpoint) as channel:
            yield lambda kind: kind(transport=kind.get_transport_class("grpc")(channel=channel))
        return
    options = ClientOptions(api_endpoint=served.server.endpoint.replace("127.0.0.1", "localhost"))
    yield lambda kind: kind(transport="rest", credentials=AnonymousCredentials(), client_options=options)


def job_of(**fields: Any) -> dataflow.Job:
    environment = dataflow.Environment(sdk_pipeline_options={"options": {"pipelineUrl": "gs://lake/pipeline.pb"}})
    return dataflow.Job(
        {"name": new_name(), "type_": dataflow.JobType.JOB_TYPE_BATCH, "environment": environment} | fields
    )


def test_a_job_from_its_creation_to_its_end(client, served):
    jobs, name = client(dataflow.JobsV1Beta3Client), new_name()
    made = jobs.create_job(dataflow.CreateJobRequest(job=job_of(name=name, client_request_id="1"), **OURS))
    assert (made.name, made.project_id, made.location, made.client_request_id) == (name, "local", LOCATION, "1")
    assert made.current_state == dataflow.JobState.JOB_STATE_PENDING
    ask = dataflow.GetJobRequest(job_id=made.id, **OURS)
    assert jobs.get_job(ask).environment.sdk_pipeline_options["options"]["pipelineUrl"] == "gs://lake/pipeline.pb"
    summary = jobs.get_job(dataflow.GetJobRequest(job_id=made.id, view=dataflow.JobView.JOB_VIEW_SUMMARY, **OURS))
    assert not summary.environment
    assert summary.type_ == dataflow.JobType.JOB_TYPE_BATCH

    job = served.executor.run_[made.id]
    job.move("JOB_STATE_RUNNING")
    assert jobs.get_job(ask).current_state == dataflow.JobState.JOB_STATE_RUNNING
    stop = dataflow.Job(requested_state=dataflow.JobState.JOB_STATE_CANCELLED)
    answer = jobs.update_job(dataflow.UpdateJobRequest(job_id=made.id, job=stop, **OURS))
    assert answer.current_state == dataflow.JobState.JOB_STATE_CANCELLING
    assert made.id in served.executor.stopped
    job.move("JOB_STATE_CANCELLED")
    seen = jobs.get_job(ask)
    assert seen.create_time <= seen.start_time < seen.current_state_time
    with pytest.raises(exceptions.GoogleAPICallError, match="it has ended already, in JOB_STATE_CANCELLED"):
        jobs.update_job(dataflow.UpdateJobRequest(job_id=made.id, job=stop, **OURS))


def test_a_second_job_of_a_name_is_answered_with_the_first(client):
    jobs, name = client(dataflow.JobsV1Beta3Client), new_name()
    asks = [dataflow.CreateJobRequest(job=job_of(name=name, client_request_id=id_), **OURS) for id_ in "112"]
    first, again, other = (jobs.create_job(ask) for ask in asks)
    assert first.id == again.id == other.id
    assert other.client_request_id == "1", "by which Beam tells that the job is not the one it asked for"


def test_a_request_that_has_had_its_job_is_refused(client, served):
    jobs = client(dataflow.JobsV1Beta3Client)
    ask = dataflow.CreateJobRequest(job=job_of(client_request_id="once"), **OURS)
    served.executor.run_[jobs.create_job(ask).id].move("JOB_STATE_DONE")
    with pytest.raises(exceptions.Conflict, match="clientRequestId: once has been used already"):
        jobs.create_job(ask)


def test_lists_are_in_pages_the_latest_first_and_filtered(client, served):
    jobs = client(dataflow.JobsV1Beta3Client)
    location = f"{new_name('region')}"
    ours = {"project_id": "local", "location": location}
    made = [jobs.create_job(dataflow.CreateJobRequest(job=job_of(), **ours)).id for _ in range(5)]
    for ended in (made[1], made[0]):
        served.executor.run_[ended].move("JOB_STATE_DONE")

    def listed(kind: str, **more: Any) -> list[str]:
        asked = dataflow.ListJobsRequest(filter=dataflow.ListJobsRequest.Filter[kind], page_size=2, **ours, **more)
        return [job.id for job in jobs.list_jobs(asked)]

    assert listed("UNKNOWN") == made[::-1]
    assert listed("ACTIVE") == [made[4], made[3], made[2]]
    assert listed("TERMINATED") == [made[0], made[1]]
    assert listed("ALL") == [made[4], made[3], made[2], made[0], made[1]]
    assert listed("UNKNOWN", name=served.executor.run_[made[3]].name) == [made[3]]
    everywhere = jobs.aggregated_list_jobs(dataflow.ListJobsRequest(project_id="local", page_size=500))
    assert [job.id for job in everywhere if job.location == location] == made[::-1]


def test_messages_of_an_importance_and_a_time_in_pages(client, served):
    messages, job = client(dataflow.MessagesV1Beta3Client), served.create()
    for text, importance in (("one", "DEBUG"), ("two\nlines", "BASIC"), ("three", "WARNING"), ("four", "ERROR")):
        job.say(text, f"JOB_MESSAGE_{importance}")

    def listed(**more: Any) -> list[dataflow.JobMessage]:
        asked = dataflow.ListJobMessagesRequest(job_id=job.id, page_size=1, **OURS, **more)
        return list(messages.list_job_messages(asked))

    everything = listed()
    assert [message.message_text for message in everything] == ["one", "two\nlines", "three", "four"]
    level = dataflow.JobMessageImportance
    assert everything[3].message_importance == level.JOB_MESSAGE_ERROR
    assert listed(minimum_importance=level.JOB_MESSAGE_BASIC) == everything[1:]
    assert listed(minimum_importance=level.JOB_MESSAGE_ERROR) == everything[3:]
    assert listed(start_time=everything[1].time, end_time=everything[3].time) == everything[1:3]


def test_metrics_as_the_worker_reported_them(client, served):
    metrics, job = client(dataflow.MetricsV1Beta3Client), served.create()
    name = {"origin": "user", "name": "rows", "context": {"step": "Write", "namespace": "retail"}}
    job.measure([{"name": name, "scalar": 12}, {"name": {"name": "sizes"}, "distribution": {"min": 1, "max": 3}}])
    asked = dataflow.GetJobMetricsRequest(job_id=job.id, **OURS)
    rows, sizes = metrics.get_job_metrics(asked).metrics
    assert (rows.name.origin, dict(rows.name.context)["step"], rows.scalar) == ("user", "Write", 12)
    assert dict(sizes.distribution) == {"min": 1, "max": 3}
    asked.start_time = metrics.get_job_metrics(asked).metric_time
    assert not metrics.get_job_metrics(asked).metrics


def test_a_template_is_launched_and_refused(client, served, spec_at):
    templates = client(dataflow.FlexTemplatesServiceClient)
    given = {"job_name": new_name(), "container_spec_gcs_path": spec_at(SPEC), "parameters": GIVEN}
    asked = dataflow.LaunchFlexTemplateRequest(launch_parameter=given, **OURS)
    job = templates.launch_flex_template(asked).job
    assert job.current_state == dataflow.JobState.JOB_STATE_QUEUED
    assert served.executor.launched[job.id][1] == SPEC["image"]
    with pytest.raises(exceptions.Conflict, match=f"There is already an active job named {job.name}"):
        templates.launch_flex_template(asked)
    asked.launch_parameter.parameters["days"] = "1"
    with pytest.raises(exceptions.BadRequest, match="days: Unrecognized parameter"):
        templates.launch_flex_template(asked)


def test_wrong_requests_raise_the_clients_own_exceptions(client):
    jobs = client(dataflow.JobsV1Beta3Client)
    with pytest.raises(exceptions.NotFound, match="Information about job 7 could not be found"):
        jobs.get_job(dataflow.GetJobRequest(job_id="7", **OURS))
    with pytest.raises(exceptions.NotFound, match="Project 'other' could not be found"):
        jobs.list_jobs(dataflow.ListJobsRequest(project_id="other"))
    streaming = job_of(type_=dataflow.JobType.JOB_TYPE_STREAMING)
    with pytest.raises(exceptions.BadRequest, match=r"a streaming job\) is not supported by the local Dataflow"):
        jobs.create_job(dataflow.CreateJobRequest(job=streaming, **OURS))
    with pytest.raises(exceptions.MethodNotImplemented, match="is not supported by the local Dataflow"):
        jobs.snapshot_job(dataflow.SnapshotJobRequest(job_id="7", **OURS))


def test_the_client_that_airflows_hook_builds(served, spec_at):
    options = ClientOptions(api_endpoint=served.server.endpoint)
    service = build(
        "dataflow", "v1b3", credentials=AnonymousCredentials(), cache_discovery=False, client_options=options
    )
    here = {"projectId": "local", "location": LOCATION}
    name = new_name()
    body = {"launchParameter": {"jobName": name, "containerSpecGcsPath": spec_at(SPEC), "parameters": GIVEN}}
    locations = service.projects().locations()
    launched = locations.flexTemplates().launch(body=body, **here).execute()["job"]
    jobs = locations.jobs()
    assert jobs.get(jobId=launched["id"], **here).execute()["currentState"] == "JOB_STATE_QUEUED"
    job = served.executor.launched[launched["id"]][0]
    for word in ("one", "two", "three"):
        job.say(word)
    request, texts = jobs.messages().list(jobId=job.id, pageSize=2, **here), []
    while request is not None:
        answer = request.execute()
        texts += [message["messageText"] for message in answer["jobMessages"]]
        request = jobs.messages().list_next(request, answer)
    assert texts == ["one", "two", "three"]
    assert jobs.getMetrics(jobId=job.id, **here).execute()["metrics"] == []
    assert [each["id"] for each in jobs.list(name=name, **here).execute()["jobs"]] == [job.id]
    jobs.update(jobId=job.id, body={"requestedState": "JOB_STATE_CANCELLED"}, **here).execute()
    assert job.id in served.executor.stopped
    with pytest.raises(HttpError, match="There is already an active job named") as refused:
        locations.flexTemplates().launch(body=body, **here).execute()
    assert refused.value.status_code == 409


def test_numbers_of_enums_are_those_of_the_client_library():
    schemas = Discovery("dataflow.v1b3").document["schemas"]
    checked = 0
    for message in (getattr(dataflow, name) for name in dir(dataflow)):
        described = schemas.get(getattr(message, "__name__", ""), {}).get("properties", {})
        if not described or not hasattr(message, "pb"):
            continue
        for field in message.pb().DESCRIPTOR.fields:
            enum = described.get(field.json_name, {}).get("enum")
            if field.enum_type and enum:
                numbers = {value.number: value.name for value in field.enum_type.values}
                assert {number: name_of(enum, number) for number in numbers} == numbers
                checked += 1
    assert checked > 10


def test_over_grpc_too_what_cannot_be_understood_is_refused(served):
    request = dataflow.CreateJobRequest.pb()(project_id="local")
    request.job.environment.internal_experiments.type_url = "example.com/of.Nobody"
    with grpc.insecure_channel(served.server.grpc_endpoint) as channel:

        def code_of(method: str, raw: bytes) -> tuple[grpc.StatusCode, str]:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(method)(raw)
            return refused.value.code(), refused.value.details()

        create = "/google.dataflow.v1beta3.JobsV1Beta3/CreateJob"
        code, details = code_of(create, request.SerializeToString())
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "of.Nobody" in details
        code, details = code_of(create, b"\xff\xff")
        assert (code, details.splitlines()) == (grpc.StatusCode.INVALID_ARGUMENT, ["CreateJobRequest: no such message"])
        listing = dataflow.ListJobsRequest(filter=9, **OURS)
        code, details = code_of(create.replace("CreateJob", "ListJobs"), dataflow.ListJobsRequest.serialize(listing))
        assert (code, details) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "filter: expected one of ALL, TERMINATED, ACTIVE, got 9",
        )
        assert code_of("/google.pubsub.v1.Publisher/Publish", b"")[0] is grpc.StatusCode.UNIMPLEMENTED

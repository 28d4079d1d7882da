"""Requests as they come over the wire: what is right, and the many ways of being wrong."""

from __future__ import annotations

import json

import pytest

from beam_pipelines.local.dataflow.rest import METHODS
from tests.local.dataflow.conftest import JOBS, LAUNCH, LOCATION, SPEC, job_body, new_name

OLD_JOBS = "/v1b3/projects/local/jobs"
GIVEN = {"day": "2025-11-28", "output": "gs://lake/sales"}
NAME_RULE = "[a-z]([-a-z0-9]{0,1022}[a-z0-9])?"


def launch_body(path: str | None = "gs://lake/nothing.json", **fields):
    return {
        "launchParameter": {"jobName": new_name(), "parameters": GIVEN}
        | ({"containerSpecGcsPath": path} if path else {})
        | fields
    }


def without(field: str, **fields):
    return {key: item for key, item in job_body(**fields).items() if key != field}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (without("name"), "name: expected a name, got none"),
        (job_body(name="Sales"), f"name: expected a name that matches {NAME_RULE}, got 'Sales'"),
        (job_body(name="sales-"), f"name: expected a name that matches {NAME_RULE}, got 'sales-'"),
        (job_body(name="a" * 1025), "name: expected a name that matches"),
        (without("environment"), "environment.sdkPipelineOptions: expected the pipeline's options, got none"),
        (job_body(environment={"experiments": []}), "environment.sdkPipelineOptions: expected the pipeline's options"),
        (job_body(stepz=[]), "Invalid JSON payload received. stepz: unknown field"),
        (job_body(environment={"workerPools": [{"numWorkers": "many"}]}), "environment.workerPools[0].numWorkers: exp"),
        (job_body(type="JOB_TYPE_BATSH"), "type: expected one of JOB_TYPE_UNKNOWN, JOB_TYPE_BATCH, JOB_TYPE_STREAMING"),
        (job_body(type=7), "type: expected a number from 0 to 2, got 7"),
        (job_body(type="JOB_TYPE_STREAMING"), "type: JOB_TYPE_STREAMING (a streaming job) is not supported by the loc"),
        (job_body(type=2), "type: JOB_TYPE_STREAMING (a streaming job) is not supported by the local Dataflow"),
        (job_body(replaceJobId="1"), "replaceJobId (the update of a job) is not supported by the local Dataflow"),
        (job_body(location="us-east1"), f"location: expected {LOCATION} as in the request's address, got 'us-east1'"),
        (job_body(projectId="other"), "projectId: expected local as in the request's address, got 'other'"),
        (job_body(labels={"Team": "x"}), "labels: expected keys of 1 to 63 of a-z 0-9 _ -, the first a letter, got 'T"),
        (job_body(labels={"team": "X"}), "labels.team: expected at most 63 of a-z 0-9 _ -, got 'X'"),
        (job_body(labels={f"l{i}": "" for i in range(65)}), "labels: expected at most 64 labels, got 65"),
        ({}, "job: expected a job, got none"),
        ([], "Invalid JSON payload received. body: expected an object, got []"),
    ],
)
def test_a_wrong_job_is_refused_and_named_and_never_runs(served, body, message):
    before = len(served.executor.run_)
    code, answer = served.ask("POST", JOBS, body)
    assert (code, answer["error"]["code"]) == (400, 400)
    assert message in answer["error"]["message"]
    assert "\n" not in answer["error"]["message"]
    assert len(served.executor.run_) == before


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, 400, "launchParameter: expected what to launch, got none"),
        (launch_body(jobName=""), 400, "launchParameter.jobName: expected a name, got none"),
        (launch_body(jobName="a_b"), 400, "launchParameter.jobName: expected a name that matches"),
        (launch_body(None), 400, "launchParameter.containerSpecGcsPath: expected this or containerSpec, got neither"),
        (launch_body(containerSpec=SPEC), 400, "got containerSpecGcsPath and containerSpec"),
        (launch_body(), 404, "Unable to open template file: gs://lake/nothing.json."),
        (launch_body(update=True), 400, "launchParameter.update (the update of a streaming job) is not supported"),
        (launch_body(parameters={"day": 1}), 400, "launchParameter.parameters.day: expected string, got 1"),
        (launch_body(environment={"maxWorker": 1}), 400, "launchParameter.environment.maxWorker: unknown field"),
        (launch_body(None, containerSpec={"image": "x"}), 400, "launchParameter.containerSpec: sdkInfo.language: exp"),
        (launch_body(None, containerSpec=SPEC, parameters={}), 400, "\nday: Missing required parameter"),
        (
            launch_body(None, containerSpec=SPEC | {"metadata": {"streaming": True}}),
            400,
            "launchParameter.containerSpec: metadata.streaming (a streaming template) is not supported",
        ),
        (
            launch_body(None, containerSpec=SPEC, environment={"additionalUserLabels": {"A": "b"}}),
            400,
            "launchParameter.environment.additionalUserLabels: expected keys of 1 to 63",
        ),
    ],
)
def test_a_wrong_launch_is_refused_and_named_and_never_runs(served, body, code, message):
    before = len(served.executor.launched)
    answered, answer = served.ask("POST", LAUNCH, body)
    assert (answered, answer["error"]["code"]) == (code, code)
    assert message in answer["error"]["message"]
    assert len(served.executor.launched) == before


@pytest.mark.parametrize(
    ("verb", "path", "code", "message"),
    [
        ("GET", "/v1b3/projects/local/nonsense", 404, "has no method GET /v1b3/projects/local/nonsense"),
        ("DELETE", JOBS, 404, f"has no method DELETE {JOBS}"),
        ("GET", JOBS.replace("local", "other", 1), 404, "Project 'other' could not be found: this server has the proj"),
        ("GET", f"{JOBS}/7", 404, f"Information about job 7 could not be found in our system (region {LOCATION})"),
        ("GET", f"{JOBS}?pageSize=-1", 400, "pageSize: expected 0 or more, got -1"),
        ("GET", f"{JOBS}?pageSize=ten", 400, "pageSize: expected a value of type integer, got 'ten'"),
        ("GET", f"{JOBS}?pageToken=next", 400, "pageToken: expected a nextPageToken, got 'next'"),
        ("GET", f"{JOBS}?filter=RUNNING", 400, "filter: expected a value one of UNKNOWN, ALL, TERMINATED, ACTIVE, got"),
        ("GET", f"{JOBS}?filter=9", 400, "filter: expected a value one of UNKNOWN, ALL, TERMINATED, ACTIVE, got '9'"),
        ("GET", f"{JOBS}?size=3", 400, 'Unknown name "size": Cannot bind query parameter.'),
        ("GET", f"{JOBS}?createTimeRange.startTime=2025-01-01T00:00:00Z", 400, "createTimeRange.startTime is not supp"),
        ("GET", f"{OLD_JOBS}:aggregated?name=sales", 400, "name: jobs.aggregated does not filter by name"),
        ("GET", f"{JOBS}/7/executionDetails", 501, "dataflow.projects.locations.jobs.getExecutionDetails is not supp"),
        ("POST", f"{JOBS}/7:snapshot", 501, "dataflow.projects.locations.jobs.snapshot is not supported"),
        ("POST", f"{JOBS}/7/debug/getConfig", 501, "dataflow.projects.locations.jobs.debug.getConfig is not supported"),
        ("POST", "/v1b3/projects/local/templates:launch", 501, "dataflow.projects.templates.launch is not supported"),
    ],
)
def test_a_wrong_address_or_query_is_answered_in_googles_shape(served, verb, path, code, message):
    answered, answer = served.ask(verb, path)
    error = answer["error"]
    assert (answered, error["code"]) == (code, code)
    assert message in error["message"]
    assert error["errors"][0]["message"] == error["message"]
    assert error["status"] in ("NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "UNIMPLEMENTED")


def test_what_is_no_json_is_refused(served):
    code, answer = served.ask("POST", JOBS, raw=b'{"name": ')
    assert code == 400
    assert answer["error"]["message"] == "Invalid JSON payload received. Expecting value: line 1 column 10 (char 9)"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "requestedState: expected JOB_STATE_CANCELLED or JOB_STATE_DRAINED, got none"),
        ({"requestedState": "JOB_STATE_DRAINED"}, "cannot be drained: only streaming jobs can, and it is a batch job"),
        ({"requestedState": 8}, "cannot be drained: only streaming jobs can, and it is a batch job"),
        ({"requestedState": "JOB_STATE_DRAINING"}, "cannot be drained"),
        ({"requestedState": "JOB_STATE_RUNNING"}, "requestedState: expected JOB_STATE_CANCELLED or JOB_STATE_DRAINED"),
        ({"requestedState": "CANCELLED"}, "requestedState: expected one of JOB_STATE_UNKNOWN, "),
        ({"labels": {"a": "b"}}, "labels (changing a running job) is not supported by the local Dataflow"),
        ({"runtimeUpdatableParams": {"maxNumWorkers": 3}}, "runtimeUpdatableParams (changing a running job) is not s"),
    ],
)
def test_an_update_that_cannot_be_is_refused_and_changes_nothing(served, body, message):
    job, before = served.create(), list(served.executor.stopped)
    code, answer = served.ask("PUT", f"{JOBS}/{job.id}", body)
    assert code == 400
    assert message in answer["error"]["message"]
    assert (job.state, served.executor.stopped) == ("JOB_STATE_PENDING", before)


@pytest.mark.parametrize("wanted", ["JOB_STATE_CANCELLED", 5])
def test_a_cancellation_stops_the_job_once_and_an_ended_job_not_at_all(served, wanted):
    job = served.create()
    for _ in range(2):
        code, answer = served.ask("PUT", f"{JOBS}/{job.id}", {"requestedState": wanted, "labels": {"force": "true"}})
        assert (code, answer["currentState"]) == (200, "JOB_STATE_CANCELLING")
        assert answer["requestedState"] == "JOB_STATE_CANCELLED"
    assert served.executor.stopped.count(job.id) == 1
    job.move("JOB_STATE_CANCELLED")
    code, answer = served.ask("PUT", f"{JOBS}/{job.id}", {"requestedState": wanted})
    assert (code, answer["error"]["status"]) == (400, "FAILED_PRECONDITION")
    assert (
        answer["error"]["message"] == f"Job {job.id} cannot be cancelled: it has ended already, in JOB_STATE_CANCELLED"
    )


def test_a_launch_takes_both_environments_and_answers_with_a_queued_job(served, spec_at):
    environment = {"maxWorkers": 5, "additionalUserLabels": {"team": "retail"}, "sdkContainerImage": None}
    environment |= {"enableStreamingEngine": "true", "enableLauncherVmSerialPortLogging": "false"}  # as some clients do
    body = launch_body(spec_at(SPEC), environment=environment)
    code, answer = served.ask("POST", LAUNCH, body)
    assert code == 200, answer
    shown = answer["job"]
    job, image, flags = served.executor.launched[shown["id"]]
    assert image == SPEC["image"]
    expected = {"--day=2025-11-28", "--max_num_workers=5", "--temp_location=gs://lake/temp", "--labels=team=retail"}
    assert expected | {"--enable_streaming_engine"} <= set(flags)
    assert shown["currentState"] == "JOB_STATE_QUEUED"
    assert "startTime" not in shown
    assert (job.name, job.location) == (body["launchParameter"]["jobName"], LOCATION)
    assert json.loads(job.file.read_text())["labels"] == {"team": "retail"}


def test_a_parameter_of_a_launch_counts_before_the_templates_environment(served, spec_at):
    code, answer = served.ask("POST", LAUNCH, launch_body(spec_at(SPEC), parameters=GIVEN | {"max_num_workers": "7"}))
    assert code == 200, answer
    _, _, flags = served.executor.launched[answer["job"]["id"]]
    assert [flag for flag in flags if flag.startswith("--max_num_workers")] == ["--max_num_workers=7"]


def test_a_name_is_launched_again_only_when_its_job_has_ended(served, spec_at):
    body = launch_body(spec_at(SPEC))
    name = body["launchParameter"]["jobName"]
    _, first = served.ask("POST", LAUNCH, body)
    code, answer = served.ask("POST", LAUNCH, body)
    assert (code, answer["error"]["status"]) == (409, "ALREADY_EXISTS")
    assert answer["error"]["errors"][0]["reason"] == "alreadyExists"
    assert answer["error"]["message"] == (
        f"There is already an active job named {name}. If you want to submit a second job, try again by setting a "
        "different name."
    )
    served.executor.launched[first["job"]["id"]][0].move("JOB_STATE_FAILED")
    code, second = served.ask("POST", LAUNCH, body)
    assert code == 200
    _, listed = served.ask("GET", f"{JOBS}?name={name}")
    assert [job["id"] for job in listed["jobs"]] == [second["job"]["id"], first["job"]["id"]]


@pytest.mark.parametrize("asked", [True, "true"])
def test_a_launch_that_is_only_checked_creates_nothing(served, spec_at, asked):
    body = launch_body(spec_at(SPEC)) | {"validateOnly": asked}
    assert served.ask("POST", LAUNCH, body) == (200, {})
    _, listed = served.ask("GET", f"{JOBS}?name={body['launchParameter']['jobName']}")
    assert listed["jobs"] == []


def test_a_job_without_a_region_is_in_us_central1(served):
    code, made = served.ask("POST", OLD_JOBS, job_body())
    assert (code, made["location"]) == (200, "us-central1")
    assert served.ask("GET", f"{OLD_JOBS}/{made['id']}")[0] == 200
    assert served.ask("GET", f"{OLD_JOBS}/{made['id']}?location=us-central1")[0] == 200
    assert served.ask("GET", f"{JOBS}/{made['id']}")[0] == 404
    for path in (OLD_JOBS, f"{OLD_JOBS}:aggregated"):
        assert served.ask("GET", path)[1]["jobs"][0]["id"] == made["id"]


def test_enums_by_number_are_stored_by_name_and_options_as_they_were(served):
    options = {"sdkPipelineOptions": {"options": {"num_workers": 2, "type": 1, "unset": None}}, "shuffleMode": 2}
    job = served.create(type=1, environment=options, steps=None, currentState="JOB_STATE_DONE", id="mine")
    stored = json.loads(job.file.read_text())
    assert stored["environment"] == options | {"shuffleMode": "SERVICE_BASED"}
    assert (stored["type"], stored["id"]) == ("JOB_TYPE_BATCH", job.id)
    assert not {"steps", "currentState"} & stored.keys()


def test_every_method_that_does_something_is_one_of_the_discovery_document(served):
    _, described = served.ask("GET", "/$discovery/rest?version=v1b3")
    assert described["baseUrl"] == f"{served.server.endpoint}/"
    text = json.dumps(described)
    for name in METHODS:
        assert f'"dataflow.projects.{name}"' in text or f'"dataflow.projects.locations.{name}"' in text

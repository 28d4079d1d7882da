"""Jobs that Beam's own, unpatched DataflowRunner submits to the local Dataflow, and jobs that are launched there."""

import os
import re
import time
import zipfile
from contextlib import closing
from itertools import count
from types import SimpleNamespace
from urllib.request import urlopen

import apache_beam as beam
import psutil
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dataflow import dataflow_runner
from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from google.api_core.exceptions import GoogleAPICallError
from googleapiclient.discovery import build

from beam_pipelines import storage
from beam_pipelines.commands.metrics import counted
from beam_pipelines.lake import Manifest
from beam_pipelines.local.dataflow.execution import Executor
from beam_pipelines.local.dataflow.jobs import IMPORTANCES, Jobs
from beam_pipelines.local.discovery import Discovery
from beam_pipelines.options import GenerateSettings, LoadSettings
from beam_pipelines.pipelines import generate, load
from beam_pipelines.pipelines.beam_options import given

REGION = "europe-west1"
DAY = ("--start_date=2019-01-01", "--end_date=2019-01-01", "--scale=0.01", "--seed=42")
SERVICE = (
    *("--sdk_container_image=localhost/retail/generate:latest", "--network=retail", "--no_use_public_ips"),
    *("--service_account_email=worker@local.iam.gserviceaccount.com", "--labels=team=retail", "--num_workers=2"),
)
_numbers = count()


class Client:
    """The local Dataflow as its clients see it."""

    def __init__(self, cloud, folder: str) -> None:
        endpoint = cloud.dataflow.replace("127.0.0.1", "localhost")
        self.flags = (
            *("--runner=DataflowRunner", f"--dataflow_endpoint={endpoint}", "--project=local", f"--region={REGION}"),
            *(f"--temp_location={folder}/temp", "--job_name=job-{}"),
        )
        self.api = build("dataflow", "v1b3", client_options={"api_endpoint": endpoint}).projects().locations()
        self.ours = {"projectId": "local", "location": REGION}

    def pipeline(self, *flags: str) -> beam.Pipeline:
        name = f"execution-{next(_numbers)}"
        return beam.Pipeline(options=PipelineOptions([*(flag.format(name) for flag in self.flags), *flags]))

    def launch(self, template: str, **parameters: str) -> str:
        launched = {
            "jobName": f"execution-{next(_numbers)}",
            "containerSpecGcsPath": f"gs://local/templates/{template}.json",
            "parameters": parameters,
        }
        answer = self.api.flexTemplates().launch(**self.ours, body={"launchParameter": launched}).execute()
        assert answer["job"]["currentState"] == "JOB_STATE_QUEUED"
        return answer["job"]["id"]

    def get(self, job: str) -> dict:
        return self.api.jobs().get(**self.ours, jobId=job, view="JOB_VIEW_ALL").execute()

    def end(self, job: str) -> str:
        """Waits for a job's end; its last state."""
        deadline = time.monotonic() + 120
        while (state := self.get(job)["currentState"]) in IN_PROGRESS:
            assert time.monotonic() < deadline, f"{job} does not end: {self.messages(job)}"
            time.sleep(0.05)
        return state

    def messages(self, job: str, minimum: str = "ERROR") -> list[str]:
        wanted = {"minimumImportance": f"JOB_MESSAGE_{minimum}"}
        found = self.api.jobs().messages().list(**self.ours, jobId=job, **wanted).execute()
        return [each["messageText"] for each in found.get("jobMessages", [])]


IN_PROGRESS = [f"JOB_STATE_{state}" for state in ("QUEUED", "PENDING", "RUNNING", "CANCELLING")]


@pytest.fixture
def jobs(local_cloud, bucket_folder, monkeypatch) -> Client:
    # The runner itself is as it is; that its polling sleeps for five seconds each time proves nothing.
    impatient = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(seconds / 50))
    monkeypatch.setattr(dataflow_runner, "time", impatient)
    return Client(local_cloud, bucket_folder)


def wheel(path, module: str, source: str) -> str:
    """A wheel of one module, as small as pip takes it."""
    information = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(path / f"{module}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{module}.py", source)
        file.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        file.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{information}/RECORD", "")
    return file.filename


def rows_of(lake: str) -> dict[str, int]:
    """How many rows each table of a lake has, by its manifests."""
    found = [Manifest.from_json(storage.read(path).decode(), path) for path in storage.find(lake, "*/*/_MANIFEST.json")]
    assert len({manifest.table for manifest in found}) == len(found), "one day each"
    return {manifest.table: manifest.rows for manifest in found}


def test_a_pipeline_with_a_package_of_its_own(jobs, bucket_folder, tmp_path):
    package = wheel(tmp_path, "staged_only", "def doubled(number):\n    return 2 * number\n")

    def work(number):
        import staged_only
        from apache_beam.metrics import Metrics

        Metrics.counter("retail", "seen").inc()
        Metrics.distribution("retail", "sizes").update(number)
        return staged_only.doubled(number)

    pipeline = jobs.pipeline(f"--extra_package={package}")
    pipeline | beam.Create([1, 2, 3]) | "Work" >> beam.Map(work) | beam.io.WriteToText(f"{bucket_folder}/out")
    result = pipeline.run()
    assert result.wait_until_finish() == "DONE", jobs.messages(result.job_id())
    assert counted(result).counters == {"seen": 3}
    assert counted(result).spreads["sizes"] == (3, 6, 1, 3)
    assert {metric.key.step for metric in result.metrics().query()["counters"]} == {"Work"}
    metrics = {
        (metric.key.metric.name, metric.key.labels.get("output_user_name")): metric.committed
        for metric in result.metrics().all_metrics()
    }
    assert metrics["ElementCount", "Work-out0"] == 3
    with beam.io.filesystems.FileSystems.open(f"{bucket_folder}/out-00000-of-00001") as file:
        assert sorted(file.read().split()) == [b"2", b"4", b"6"]


def test_generate_and_load_from_their_submission_to_their_rows(jobs, bucket_folder, cloud_warehouse):
    lake = f"{bucket_folder}/lake"
    pipeline = jobs.pipeline(*SERVICE, *DAY, f"--output={lake}")
    generate.build(pipeline, GenerateSettings.of(given(pipeline.options)))
    generated = pipeline.run()
    assert jobs.end(generated.job_id()) == "JOB_STATE_DONE", jobs.messages(generated.job_id())
    rows = rows_of(lake)
    assert counted(generated).counters["rows"] == sum(rows.values()) > 0

    job = jobs.get(generated.job_id())
    assert list(Discovery("dataflow.v1b3").check("Job", job)) == []
    (pool,) = job["environment"]["workerPools"]
    assert (pool["network"], pool["ipConfiguration"], pool["numWorkers"]) == ("retail", "WORKER_IP_PRIVATE", 2)
    assert pool["workerHarnessContainerImage"] == "localhost/retail/generate:latest"
    assert job["environment"]["serviceAccountEmail"] == "worker@local.iam.gserviceaccount.com"
    assert job["labels"]["team"] == "retail"

    pipeline = jobs.pipeline(*SERVICE, *DAY[:2], f"--input={lake}", "--warehouse=bigquery://local")
    load.build(pipeline, LoadSettings.of(given(pipeline.options)), f"{bucket_folder}/staged")
    loaded = pipeline.run()
    assert jobs.end(loaded.job_id()) == "JOB_STATE_DONE", jobs.messages(loaded.job_id())
    query = "SELECT COUNT(*) FROM retail.{}"
    for table in ("orders", "web_events"):
        ((loaded_rows,),) = (row.values() for row in cloud_warehouse.query_and_wait(query.format(table)))
        assert loaded_rows == rows[table]


def test_a_failing_step_shows_the_client_the_workers_own_error(jobs):
    def work(number):
        raise ValueError(f"no such day: {number}")

    pipeline = jobs.pipeline()
    pipeline | beam.Create([1]) | "Work" >> beam.Map(work)
    result = pipeline.run()
    with pytest.raises(DataflowRuntimeException, match=r"(?s)FAILED, Error:\nTraceback.*ValueError: no such day: 1"):
        result.wait_until_finish()
    cause, traceback = jobs.messages(result.job_id())
    assert cause == "Workflow failed. Causes: ValueError: no such day: 1 [while running 'Work']"
    assert traceback.startswith("Traceback (most recent call last):")
    assert traceback.count("Traceback") <= 2, "the worker's own, and what it was raised from"


def test_a_worker_that_dies_fails_its_job(jobs):
    def work(number):
        print("about to end")
        os.kill(os.getpid(), 9)

    pipeline = jobs.pipeline()
    pipeline | beam.Create([1]) | beam.Map(work)
    result = pipeline.run()
    assert jobs.end(result.job_id()) == "JOB_STATE_FAILED"
    (error,) = jobs.messages(result.job_id())
    assert error.startswith("Workflow failed. Causes: the worker")
    assert error.endswith("about to end\nwas killed by SIGKILL")


def test_an_unbounded_pipeline_is_refused(jobs):
    def submit(*flags: str):
        pipeline = jobs.pipeline(*flags)
        pipeline | PeriodicImpulse(fire_interval=1) | beam.Map(print)
        return pipeline.run()

    with pytest.raises(GoogleAPICallError, match=r"JOB_TYPE_STREAMING \(a streaming job\) is not supported"):
        submit()
    result = submit("--experiments=unsafely_attempt_to_process_unbounded_data_in_batch_mode")
    assert jobs.end(result.job_id()) == "JOB_STATE_FAILED"
    assert re.match(
        r"Workflow failed. Causes: step 'PeriodicImpulse/.*' has no end: the local Dataflow does not run streaming",
        jobs.messages(result.job_id())[0],
    )


def test_a_cancelled_job_leaves_no_process(jobs, tmp_path):
    started = str(tmp_path / "pid")

    def work(number):
        import os
        import time
        from pathlib import Path

        Path(started).write_text(str(os.getpid()))
        time.sleep(600)

    pipeline = jobs.pipeline()
    pipeline | beam.Create([1]) | beam.Map(work)
    result = pipeline.run()
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline, jobs.messages(result.job_id(), "DEBUG")
        time.sleep(0.05)
    result.cancel()
    assert jobs.end(result.job_id()) == "JOB_STATE_CANCELLED"
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
    assert jobs.messages(result.job_id()) == []


def test_a_job_that_is_cancelled_before_it_begins_never_runs(tmp_path):
    jobs = Jobs(tmp_path, "local")
    job = jobs.new(REGION, {"name": "sales"}, "JOB_STATE_PENDING")
    jobs.add(job)
    with closing(Executor({}, {})) as executor:
        executor.stop(job)
        executor.run(job)
    assert job.state == "JOB_STATE_CANCELLED"
    assert job.messages(IMPORTANCES[0], None, None) == []


def test_a_launch_runs_the_template(jobs, local_cloud, bucket_folder):
    parameters = {"output": f"{bucket_folder}/lake", "start_date": "2019-01-01", "end_date": "2019-01-01"}
    job = jobs.launch("generate", **parameters, tables="distribution_centers")
    assert jobs.end(job) == "JOB_STATE_DONE", jobs.messages(job)
    assert rows_of(f"{bucket_folder}/lake") == {"distribution_centers": 10}
    described = jobs.get(job)
    assert described["id"] == job
    assert described["environment"]["sdkPipelineOptions"]["options"]["output"] == f"{bucket_folder}/lake"
    executing, console, *_ = jobs.messages(job, "BASIC")
    assert executing.startswith("Executing: python ")
    assert "console_logs" in console


def test_a_launcher_that_fails_fails_its_job_with_its_own_words(jobs, local_cloud, bucket_folder):
    parameters = {"output": f"{bucket_folder}/lake", "start_date": "2019-01-02", "end_date": "2019-01-01"}
    job = jobs.launch("generate", **parameters)
    assert jobs.end(job) == "JOB_STATE_FAILED"
    (error,) = jobs.messages(job)
    first, line = error.splitlines()
    assert first == "Error occurred in the launcher container: Template launch failed."
    assert line.startswith("--end_date: expected ")
    (console,) = [each for each in jobs.messages(job, "BASIC") if each.startswith("Console log")]
    path = console.removesuffix(".").rpartition("gs://local/")[2].replace("/", "%2F")
    with urlopen(f"{local_cloud.cloud_storage}/storage/v1/b/local/o/{path}?alt=media") as answer:
        assert line.encode() in answer.read()


def test_a_launcher_is_cancelled_too(jobs, bucket_folder):
    parameters = {"output": f"{bucket_folder}/lake", "start_date": "2019-01-01", "end_date": "2019-01-01"}
    job = jobs.launch("generate", **parameters)
    body = {"requestedState": "JOB_STATE_CANCELLED"}
    jobs.api.jobs().update(**jobs.ours, jobId=job, body=body).execute()
    assert jobs.end(job) == "JOB_STATE_CANCELLED"
    assert "environment" not in jobs.get(job), "it was cancelled before it was described"

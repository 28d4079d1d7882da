"""The launcher's command line: what Beam makes of it, and that no field of the environment is silently lost."""

from types import SimpleNamespace

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

from beam_pipelines.local.dataflow.errors import ApiError
from beam_pipelines.local.dataflow.launcher_flags import flags, job_object
from beam_pipelines.local.discovery import Discovery

JOB = SimpleNamespace(
    id="2025-11-28_09_30_00-1", name="sales-2025-11-28", project="retail-1234", location="europe-west1"
)
PARAMETERS = {"output": "gs://lake/a b", "start_date": "2025-11-28"}
FULL = {
    "tempLocation": "gs://lake/temp",
    "stagingLocation": "gs://lake/staging/",
    "serviceAccountEmail": "worker@retail-1234.iam.gserviceaccount.com",
    "network": "retail",
    "subnetwork": "regions/europe-west1/subnetworks/retail",
    "ipConfiguration": "WORKER_IP_PRIVATE",
    "machineType": "n2-standard-4",
    "numWorkers": 2,
    "maxWorkers": 10,
    "diskSizeGb": 50,
    "workerZone": "europe-west1-b",
    "kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "sdkContainerImage": "europe-docker.pkg.dev/retail-1234/retail/generate:1",
    "additionalExperiments": ["enable_stackdriver_agent_metrics", "min_cpu_platform=Intel Skylake"],
    "additionalUserLabels": {"team": "retail", "env": ""},
    "additionalPipelineOptions": ["dataflow_service_options=enable_prime", "--default_sdk_harness_log_level=DEBUG"],
    "autoscalingAlgorithm": "AUTOSCALING_ALGORITHM_BASIC",
    "flexrsGoal": "FLEXRS_COST_OPTIMIZED",
    "enableStreamingEngine": True,
    "launcherMachineType": "n1-standard-1",
    "enableLauncherVmSerialPortLogging": True,
}
EXPECTED = {
    "runner": "DataflowRunner",
    "project": "retail-1234",
    "region": "europe-west1",
    "job_name": "sales-2025-11-28",
    "temp_location": "gs://lake/temp",
    "staging_location": "gs://lake/staging/",
    "template_location": "gs://lake/staging/template_launches/2025-11-28_09_30_00-1/job_object",
    "service_account_email": "worker@retail-1234.iam.gserviceaccount.com",
    "network": "retail",
    "subnetwork": "regions/europe-west1/subnetworks/retail",
    "use_public_ips": False,
    "machine_type": "n2-standard-4",
    "num_workers": 2,
    "max_num_workers": 10,
    "disk_size_gb": 50,
    "worker_zone": "europe-west1-b",
    "dataflow_kms_key": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "sdk_container_image": "europe-docker.pkg.dev/retail-1234/retail/generate:1",
    "experiments": ["enable_stackdriver_agent_metrics", "min_cpu_platform=Intel Skylake"],
    "labels": ["team=retail", "env="],
    "dataflow_service_options": ["enable_prime"],
    "default_sdk_harness_log_level": "DEBUG",
    "autoscaling_algorithm": "THROUGHPUT_BASED",
    "flexrs_goal": "COST_OPTIMIZED",
    "enable_streaming_engine": True,
}


def test_beam_reads_every_field_of_the_environment():
    options = PipelineOptions(flags(PARAMETERS, FULL, JOB)).get_all_options(
        drop_default=False, retain_unknown_options=True
    )
    assert {name: options[name] for name in (*EXPECTED, *PARAMETERS)} == EXPECTED | PARAMETERS


@pytest.mark.usefixtures("_cloud_storage")
@pytest.mark.parametrize("environment", [{"tempLocation": "gs://lake/temp"}, FULL], ids=["least", "full"])
def test_beams_own_validation_for_the_service_finds_nothing_wrong(environment):
    # Of a job that is submitted to localhost Beam does not check these options; of a launch's it does.
    options = PipelineOptions(flags(PARAMETERS, environment, JOB))
    validator = PipelineOptionsValidator(options, DataflowRunner())
    assert validator.is_service_runner()
    assert validator.validate() == []
    assert options.view_as(GoogleCloudOptions).dataflow_endpoint == GoogleCloudOptions.DATAFLOW_ENDPOINT


@pytest.mark.usefixtures("_cloud_storage")
def test_validation_does_find_what_is_wrong():
    wrong = {"numWorkers": 3, "maxWorkers": 2, "workerZone": "a", "workerRegion": "b", "tempLocation": "gs://lake/t"}
    options = PipelineOptions(flags(PARAMETERS, wrong, JOB))
    problems = " ".join(PipelineOptionsValidator(options, DataflowRunner()).validate())
    assert "num_workers (3) cannot exceed max_num_workers (2)" in problems
    assert "worker_region and worker_zone are mutually exclusive" in problems


def test_the_buckets_of_the_project_are_the_default():
    given = flags(PARAMETERS, {}, JOB)
    assert "--temp_location=gs://retail-1234/temp" in given
    assert "--staging_location=gs://retail-1234/temp/staging" in given
    assert job_object(given) == "gs://retail-1234/temp/staging/template_launches/2025-11-28_09_30_00-1/job_object"


def test_locations_may_be_parameters():
    given = flags({"temp_location": "gs://t", "staging_location": "gs://s"}, {}, JOB)
    assert [flag for flag in given if "_location" in flag] == [
        *("--temp_location=gs://t", "--staging_location=gs://s"),
        f"--template_location=gs://s/template_launches/{JOB.id}/job_object",
    ]


def test_no_field_is_lost():
    values = {"string": "x", "boolean": True, "integer": 1, "array": ["x"], "object": {"k": "v"}}
    schema = Discovery("dataflow.v1b3").document["schemas"]["FlexTemplateRuntimeEnvironment"]["properties"]
    carried, refused = [], []
    for field, kind in schema.items():
        value = kind["enum"][-1] if "enum" in kind else values[kind["type"]]
        try:
            given = flags({}, {field: value}, JOB)
        except ApiError as error:
            refused.append(error.message.partition(" ")[0])
        else:
            carried.append(field)
            assert given != flags({}, {}, JOB) or field in ("launcherMachineType", "enableLauncherVmSerialPortLogging")
    beyond = ("dumpHeapOnOom", "saveHeapDumpsToGcsPath", "streamingMode")
    assert sorted(refused) == [f"launchParameter.environment.{field}" for field in beyond]
    assert carried


@pytest.mark.parametrize(
    ("field", "value"),
    [("streamingMode", "STREAMING_MODE_UNSPECIFIED"), ("dumpHeapOnOom", False), ("maxWorkers", 0), ("network", "")],
)
def test_a_field_that_says_nothing_is_as_if_it_were_not_there(field, value):
    assert flags({}, {field: value}, JOB) == flags({}, {}, JOB)

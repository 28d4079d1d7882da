"""A launch's parameters and runtime environment as the command line of the template's launcher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beam_pipelines.local.dataflow.errors import unsupported

if TYPE_CHECKING:
    from beam_pipelines.local.dataflow.jobs import Job

_VALUES = {
    "autoscalingAlgorithm": "autoscaling_algorithm",
    "diskSizeGb": "disk_size_gb",
    "flexrsGoal": "flexrs_goal",
    "kmsKeyName": "dataflow_kms_key",
    "machineType": "machine_type",
    "maxWorkers": "max_num_workers",
    "network": "network",
    "numWorkers": "num_workers",
    "sdkContainerImage": "sdk_container_image",
    "serviceAccountEmail": "service_account_email",
    "subnetwork": "subnetwork",
    "workerRegion": "worker_region",
    "workerZone": "worker_zone",
    "zone": "zone",
}
"""Beam's options by the fields of a FlexTemplateRuntimeEnvironment that are just their values."""

_WORDS = {
    "AUTOSCALING_ALGORITHM_NONE": "NONE",
    "AUTOSCALING_ALGORITHM_BASIC": "THROUGHPUT_BASED",
    "FLEXRS_SPEED_OPTIMIZED": "SPEED_OPTIMIZED",
    "FLEXRS_COST_OPTIMIZED": "COST_OPTIMIZED",
}
"""The API's enums in the words of Beam's options."""

_SWITCHES = {
    ("ipConfiguration", "WORKER_IP_PUBLIC"): "--use_public_ips",
    ("ipConfiguration", "WORKER_IP_PRIVATE"): "--no_use_public_ips",
    ("enableStreamingEngine", True): "--enable_streaming_engine",
}
_UNSET: tuple[Any, ...] = (
    *("AUTOSCALING_ALGORITHM_UNKNOWN", "FLEXRS_UNSPECIFIED", "STREAMING_MODE_UNSPECIFIED", "WORKER_IP_UNSPECIFIED"),
    *("", None, False, 0, [], {}),
)
"""Values that say nothing, as if the field were not there."""

_ELSEWHERE = ("tempLocation", "stagingLocation", "launcherMachineType", "enableLauncherVmSerialPortLogging")
"""Locations have defaults; what is said of the launcher's own machine is not handed to it by Dataflow either."""

_TEMPLATE_LOCATION = "--template_location="


def flags(parameters: Mapping[str, str], environment: Mapping[str, Any], job: Job) -> list[str]:
    """The flags that Google's launcher would give to the template's program.

    Args:
        parameters: The template's, as text.
        environment: A FlexTemplateRuntimeEnvironment in JSON, of the template and the launch together.
        job: The job that is launched.

    Raises:
        ApiError: The environment has a field that no flag of Beam's Python SDK stands for.
    """
    # Dataflow makes a bucket for the project where none is given; here it is the one of that name.
    temporary = parameters.get("temp_location") or environment.get("tempLocation") or f"gs://{job.project}/temp"
    staging = parameters.get("staging_location") or environment.get("stagingLocation") or f"{temporary}/staging"
    locations = {"temp_location": temporary, "staging_location": staging}
    return [
        *(f"--{name}={value}" for name, value in parameters.items()),
        "--runner=DataflowRunner",
        f"--project={job.project}",
        f"--region={job.location}",
        f"--job_name={job.name}",
        *(f"--{name}={value}" for name, value in locations.items() if name not in parameters),
        *(flag for field, value in environment.items() if value not in _UNSET for flag in _flags(field, value)),
        f"{_TEMPLATE_LOCATION}{staging.rstrip('/')}/template_launches/{job.id}/job_object",
    ]


def _flags(field: str, value: Any) -> Iterator[str]:
    """The flags for one field of the environment that says something."""
    if field in _VALUES:
        yield f"--{_VALUES[field]}={_WORDS.get(value, value)}"
    elif field == "additionalExperiments":
        yield from (f"--experiments={one}" for one in value)
    elif field == "additionalPipelineOptions":
        yield from (f"--{one.removeprefix('--')}" for one in value)
    elif field == "additionalUserLabels":
        yield from (f"--labels={key}={text}" for key, text in value.items())
    elif switch := _SWITCHES.get((field, value)):
        yield switch
    elif field not in _ELSEWHERE:
        raise unsupported(f"launchParameter.environment.{field} (Beam's Python SDK has no option for it)")


def job_object(given: Sequence[str]) -> str:
    """Where the launcher writes the job's description to, by its flags."""
    return next(flag.removeprefix(_TEMPLATE_LOCATION) for flag in given if flag.startswith(_TEMPLATE_LOCATION))

"""flexTemplates.launch: a container spec, parameters and an environment become a job whose launcher runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beam_pipelines.local.dataflow import jobs as states
from beam_pipelines.local.dataflow import launcher_flags, template_specs
from beam_pipelines.local.dataflow.api import Dataflow, Document, served_location
from beam_pipelines.local.dataflow.errors import ApiError, invalid, unsupported
from beam_pipelines.local.dataflow.jobs import NameTaken
from beam_pipelines.local.dataflow.names import check_job_name, check_labels


def launch(dataflow: Dataflow, request: Mapping[str, Any]) -> Document:
    """Checks a launch and answers with a job that is queued; its launcher runs in the background.

    With ``validateOnly`` nothing is created, and the answer is empty.
    """
    location = served_location(dataflow, request)
    given = request.get("launchParameter") or {}
    _check_launch(given)
    spec = _spec(dataflow, given)
    parameters, environment = given.get("parameters") or {}, given.get("environment") or {}
    template_specs.check_parameters(spec, parameters, environment)
    own = {template_specs.RUNTIME_PARAMETERS.get(name) for name in parameters}
    defaults = {field: value for field, value in spec.get("defaultEnvironment", {}).items() if field not in own}
    environment = defaults | environment
    labels = environment.get("additionalUserLabels") or {}
    check_labels("launchParameter.environment.additionalUserLabels", labels)
    body = {"name": given["jobName"], "type": "JOB_TYPE_BATCH"} | ({"labels": labels} if labels else {})
    job = dataflow.jobs.new(location, body, states.QUEUED)
    flags = launcher_flags.flags(parameters, environment, job)
    if request.get("validateOnly"):
        return {}
    try:
        dataflow.jobs.add(job)
    except NameTaken:
        raise ApiError(
            "ALREADY_EXISTS",
            f"There is already an active job named {job.name}. If you want to submit a second job, try again by "
            "setting a different name.",
        ) from None
    dataflow.executor.launch(job, spec["image"], flags)
    return {"job": job.resource("JOB_VIEW_SUMMARY")}


def _check_launch(given: Mapping[str, Any]) -> None:
    if not given:
        raise invalid("launchParameter: expected what to launch, got none")
    check_job_name("launchParameter.jobName", given.get("jobName") or "")
    specs = [field for field in ("containerSpecGcsPath", "containerSpec") if given.get(field)]
    if len(specs) != 1:
        raise invalid(
            "launchParameter.containerSpecGcsPath: expected this or containerSpec, got "
            + (" and ".join(specs) or "neither")
        )
    if given.get("update") or given.get("transformNameMappings"):
        raise unsupported("launchParameter.update (the update of a streaming job)")
    if given.get("launchOptions"):
        raise unsupported("launchParameter.launchOptions")


def _spec(dataflow: Dataflow, given: Mapping[str, Any]) -> Document:
    if path := given.get("containerSpecGcsPath"):
        spec, name = template_specs.read(path, dataflow.storage), path
    else:
        name = "launchParameter.containerSpec"
        spec = template_specs.check(given["containerSpec"], name)
    if spec.get("metadata", {}).get("streaming"):
        raise unsupported(f"{name}: metadata.streaming (a streaming template)")
    return spec

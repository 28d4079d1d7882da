"""The pipeline that a job was submitted with: found, checked, and made to run in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.transforms.environments import DockerEnvironment, EmbeddedPythonEnvironment

_SUBMITTED_ONLY = ("pipelineUrl", "pipelineProtoHash", "runner", "dataflow_endpoint", "template_location")
"""Options that say how the job was submitted, and are nothing to what runs it."""

_SDK = "beam:version:sdk_base:"


class PipelineRefused(ValueError):  # noqa: N818 - reads as what happened
    """The pipeline is not one that can be run here; the message is one line that says why."""


def submitted_options(job: Mapping[str, Any]) -> dict[str, Any]:
    """The pipeline's options in a Job resource.

    >>> options = {"pipelineUrl": "gs://local/pipeline.pb", "num_workers": 2.0}
    >>> submitted_options({"environment": {"sdkPipelineOptions": {"options": options}}})
    {'pipelineUrl': 'gs://local/pipeline.pb', 'num_workers': 2}

    Raises:
        PipelineRefused: they do not say where the pipeline is.
    """
    options = _whole(job.get("environment", {}).get("sdkPipelineOptions", {}).get("options"))
    if not (isinstance(options, dict) and options.get("pipelineUrl")):
        raise PipelineRefused("environment.sdkPipelineOptions.options.pipelineUrl: expected gs://..., got none")
    return options


def pipeline_options(submitted: Mapping[str, Any]) -> PipelineOptions:
    """The options as the SDK's harness on a worker gets them."""
    kept = {name: value for name, value in submitted.items() if name not in _SUBMITTED_ONLY}
    options: PipelineOptions = PipelineOptions.from_dictionary(kept)
    return options


def parsed(serialized: bytes, expected_hash: str | None) -> beam_runner_api_pb2.Pipeline:
    """The pipeline from its staged bytes; PipelineRefused if they are not what was submitted, or it has no end.

    Args:
        serialized: What ``pipelineUrl`` names.
        expected_hash: ``pipelineProtoHash``, if it was given.
    """
    found_hash = hashlib.sha256(serialized).hexdigest()
    if expected_hash and found_hash != expected_hash:
        raise PipelineRefused(
            f"the staged pipeline was changed: pipelineProtoHash is {expected_hash}, not {found_hash}"
        )
    pipeline: beam_runner_api_pb2.Pipeline = beam_runner_api_pb2.Pipeline.FromString(serialized)
    if source := _unbounded_source(pipeline.components):
        raise PipelineRefused(f"step {source!r} has no end: the local Dataflow does not run streaming pipelines yet")
    return pipeline


def _unbounded_source(components: beam_runner_api_pb2.Components) -> str:
    """The step that makes a pipeline unbounded, the first by name; empty if it has an end."""
    unbounded = {
        name
        for name, collection in components.pcollections.items()
        if collection.is_bounded == beam_runner_api_pb2.IsBounded.UNBOUNDED
    }
    sources = (
        transform.unique_name
        for transform in components.transforms.values()
        if not transform.subtransforms
        and unbounded.intersection(transform.outputs.values())
        and not unbounded.intersection(transform.inputs.values())
    )
    return min(sources, default="")


def embed(pipeline: beam_runner_api_pb2.Pipeline) -> None:
    """Replaces the containers that steps run in by this process.

    Raises:
        PipelineRefused: a step needs another language, or another version of Python or Beam.
    """
    embedded = EmbeddedPythonEnvironment.default().to_runner_api(None)  # type: ignore[arg-type]
    own = DockerEnvironment.default_docker_image()
    for environment in pipeline.components.environments.values():
        if environment.urn != common_urns.environments.DOCKER.urn:
            raise PipelineRefused(f"environment {environment.urn}: Dataflow runs steps in containers only")
        for capability in environment.capabilities:
            if capability.startswith(_SDK) and (sdk := capability.removeprefix(_SDK)) != own:
                raise PipelineRefused(f"the pipeline was made with {sdk}, and this worker is {own}")
        environment.urn, environment.payload = embedded.urn, embedded.payload


def _whole(value: Any) -> Any:
    """JSON's numbers are doubles where they came through a Struct: the ints that options' parsers need."""
    if isinstance(value, dict):
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value

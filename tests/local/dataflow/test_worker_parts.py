"""What a worker does before and after the pipeline: checks, staged packages, errors, log lines."""

import hashlib
import logging

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.testing import test_stream
from apache_beam.transforms.environments import DockerEnvironment

from beam_pipelines.local.dataflow import packages, worker
from beam_pipelines.local.dataflow.log_lines import RunnersErrors, StructuredFormatter, message
from beam_pipelines.local.dataflow.staged_pipeline import PipelineRefused, embed, parsed, submitted_options


def submitted(source=None) -> beam_runner_api_pb2.Pipeline:
    """A pipeline as DataflowRunner describes it: steps in containers."""
    pipeline = beam.Pipeline()
    pipeline | (source or beam.Create([1])) | beam.Map(print)
    return pipeline.to_runner_api(default_environment=DockerEnvironment.from_container_image("image"))


def test_a_pipeline_that_is_not_the_one_submitted_is_refused():
    serialized = submitted().SerializeToString()
    right = hashlib.sha256(serialized).hexdigest()
    assert parsed(serialized, right) == parsed(serialized, None)
    with pytest.raises(PipelineRefused, match=f"the staged pipeline was changed: pipelineProtoHash is 0, not {right}"):
        parsed(serialized, "0")


def test_an_unbounded_pipeline_is_refused():
    with pytest.raises(
        PipelineRefused, match=r"step '.*TestStream.*' has no end: the local Dataflow does not run streaming"
    ):
        parsed(submitted(test_stream.TestStream()).SerializeToString(), None)


def test_steps_run_in_the_workers_process():
    pipeline = submitted()
    embed(pipeline)
    (environment,) = pipeline.components.environments.values()
    assert environment.urn == "beam:env:embedded_python:v1"
    assert common_urns.coders.KV.urn in environment.capabilities


@pytest.mark.parametrize("sdk", ["apache/beam_python3.9_sdk:2.77.0", "apache/beam_java17_sdk:2.77.0"])
def test_another_sdk_is_refused(sdk):
    pipeline = submitted()
    (environment,) = pipeline.components.environments.values()
    (index,) = [i for i, each in enumerate(environment.capabilities) if each.startswith("beam:version:sdk_base:")]
    environment.capabilities[index] = f"beam:version:sdk_base:{sdk}"
    with pytest.raises(PipelineRefused, match=f"made with {sdk}, and this worker is apache/beam_python"):
        embed(pipeline)


def test_options_are_what_they_were_before_they_became_json():
    options = {
        "pipelineUrl": "gs://p",
        "num_workers": 2.0,
        "scale": 0.5,
        "labels": ["a=b"],
        "nested": {"size": [1.0]},
        "streaming": False,
    }
    assert submitted_options({"environment": {"sdkPipelineOptions": {"options": options}}}) == {
        **options,
        "num_workers": 2,
        "nested": {"size": [1]},
    }
    with pytest.raises(PipelineRefused, match=r"options\.pipelineUrl: expected gs://\.\.\., got none"):
        submitted_options({"environment": {}})


def artifact(name: str, url: str) -> beam_runner_api_pb2.ArtifactInformation:
    return beam_runner_api_pb2.ArtifactInformation(
        type_urn=common_urns.artifact_types.URL.urn,
        type_payload=beam_runner_api_pb2.ArtifactUrlPayload(url=url).SerializeToString(),
        role_urn=common_urns.artifact_roles.STAGING_TO.urn,
        role_payload=beam_runner_api_pb2.ArtifactStagingToRolePayload(staged_name=name).SerializeToString(),
    )


def test_artifacts_are_fetched_under_their_names(tmp_path):
    (tmp_path / "there").write_bytes(b"\x1f\x8b is not unpacked")
    pipeline = submitted()
    (environment,) = pipeline.components.environments.values()
    environment.dependencies.append(artifact("workflow.tar.gz", str(tmp_path / "there")))
    found = packages.artifacts(pipeline)
    packages.fetch(found, tmp_path / "staged")
    assert (tmp_path / "staged" / "workflow.tar.gz").read_bytes() == b"\x1f\x8b is not unpacked"
    with pytest.raises(packages.PackagesRefused, match=r"artifact '\.\./evil' would be outside of its folder"):
        packages.fetch({"../evil": str(tmp_path / "there")}, tmp_path / "staged")


def test_what_is_staged_is_installed_in_the_order_of_a_containers_boot(tmp_path):
    (tmp_path / "extra_packages.txt").write_text("one.whl\ntwo.tar.gz\n")
    staged = ["workflow.tar.gz", "extra_packages.txt", "one.whl", "two.tar.gz", "requirements.txt", "data.csv"]
    found = packages.to_install(tmp_path, staged, is_cache_staged=True)
    assert [each.removeprefix(f"{tmp_path}/") for each in found] == [
        *("--find-links", str(tmp_path), "--requirement", "requirements.txt", "--no-index"),
        *("one.whl", "two.tar.gz", "workflow.tar.gz"),
    ]
    assert "--no-index" not in packages.to_install(tmp_path, staged, is_cache_staged=False)
    assert packages.to_install(tmp_path, ["data.csv"], is_cache_staged=True) == []


def test_a_package_that_cannot_be_installed_is_named(tmp_path):
    with pytest.raises(packages.PackagesRefused, match=r"cannot be installed: .*no_such\.whl"):
        packages.install([str(tmp_path / "no_such.whl")], tmp_path / "site")


def test_an_error_of_a_step_is_its_own_and_not_the_runners():
    text = "Traceback (most recent call last):\n  step()\nValueError: 7 [while running 'Read']\n"
    assert worker.cause(RuntimeError(text)) == "ValueError: 7 [while running 'Read']"
    assert worker.details(RuntimeError(text)) == text.strip()


def test_an_error_of_the_worker_is_told_with_its_traceback():
    with pytest.raises(OSError, match="disk full") as failed:
        raise OSError("disk full")
    assert worker.cause(failed.value) == "OSError: disk full"
    assert worker.details(failed.value).startswith("Traceback")
    assert worker.cause(PipelineRefused("it is unbounded")) == "it is unbounded"


def test_log_records_come_through_as_messages():
    def line(name: str, level: int, text: str, error: BaseException | None = None) -> str:
        info = (type(error), error, None) if error else None
        record = logging.LogRecord(name, level, "file.py", 1, text, (), info)
        RunnersErrors().filter(record)
        return StructuredFormatter().format(record)

    assert message(line("retail", logging.INFO, "one\ntwo")) == ("one\ntwo", "JOB_MESSAGE_DETAILED")
    assert message(line("retail", logging.ERROR, "bad", ValueError("7"))) == (
        "bad\nValueError: 7",
        "JOB_MESSAGE_ERROR",
    )
    # What Beam says of a step's exception at every layer is not an error more.
    assert message(line("apache_beam.runners.worker.sdk_worker", logging.ERROR, "x")).importance == "JOB_MESSAGE_DEBUG"
    assert message(line("apache_beam.io", logging.ERROR, "x")).importance == "JOB_MESSAGE_ERROR"
    for other in ("", "Killed", '{"severity": 1}', '{"severity": "LOUD", "message": ""}', '{"severity"'):
        assert message(other) == (other, "JOB_MESSAGE_DETAILED")

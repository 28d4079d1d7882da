"""gcloud, unmodified and without a network: launching a template, listing, describing and cancelling jobs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.dataflow.conftest import LOCATION, SPEC, new_name

GCLOUD = shutil.which("gcloud")
pytestmark = pytest.mark.skipif(GCLOUD is None, reason="gcloud is not installed")


@pytest.fixture
def gcloud(served, tmp_path) -> Callable[..., Any]:
    """Runs ``gcloud dataflow ...`` in an environment of its own, and gives what it prints as JSON, or its error."""
    (tmp_path / "token").write_text("any text")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "CLOUDSDK_CONFIG": str(tmp_path / "config"),
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(tmp_path / "token"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_DATAFLOW": f"{served.server.endpoint}/",
        "CLOUDSDK_CORE_PROJECT": served.server.project,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    }

    def run(*arguments: str) -> Any:
        command = [str(GCLOUD), "dataflow", *arguments, f"--region={LOCATION}", "--format=json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    return run


def test_gcloud_launches_lists_describes_and_cancels(served, gcloud, spec_at):
    name = new_name()
    run = ("flex-template", "run", name, f"--template-file-gcs-location={spec_at(SPEC)}", "--max-workers=3")
    launched = gcloud(*run, "--parameters=day=2025-11-28,output=gs://lake/sales")["job"]
    job, _, flags = served.executor.launched[launched["id"]]
    assert (job.name, launched["currentState"]) == (name, "JOB_STATE_QUEUED")
    assert "--day=2025-11-28" in flags
    assert "--max_num_workers=3" in flags

    (listed,) = gcloud("jobs", "list", f"--filter=name={name}", "--status=active")
    assert (listed["id"], listed["state"], listed["type"]) == (job.id, "Queued", "Batch")
    assert gcloud("jobs", "describe", job.id)["currentState"] == "JOB_STATE_QUEUED"

    gcloud("jobs", "cancel", job.id)
    assert job.id in served.executor.stopped


def test_gcloud_shows_what_is_wrong_with_a_launch(gcloud, spec_at):
    run = ("flex-template", "run", new_name(), f"--template-file-gcs-location={spec_at(SPEC)}", "--parameters=days=1")
    error = gcloud(*run)
    assert "INVALID_ARGUMENT: The template parameters are invalid." in error
    for line in ("day: Missing required parameter", "days: Unrecognized parameter"):
        assert line in error.splitlines()

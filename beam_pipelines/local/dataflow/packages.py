"""What is staged beside a pipeline: files, and packages to install for its job, as an SDK container does at boot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from apache_beam.io.filesystems import CompressionTypes, FileSystems
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

REQUIREMENTS, EXTRA_PACKAGES, WORKFLOW = "requirements.txt", "extra_packages.txt", "workflow.tar.gz"


class PackagesRefused(RuntimeError):  # noqa: N818 - reads as what happened
    """Staged packages cannot be installed; the message says which and why."""


def artifacts(pipeline: beam_runner_api_pb2.Pipeline) -> dict[str, str]:
    """The URL or path of everything staged, by the name that it has on a worker."""
    found = {}
    for environment in pipeline.components.environments.values():
        for artifact in environment.dependencies:
            if artifact.role_urn != common_urns.artifact_roles.STAGING_TO.urn:
                raise PackagesRefused(f"an artifact of role {artifact.role_urn} is not supported")
            name = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(artifact.role_payload).staged_name
            if artifact.type_urn == common_urns.artifact_types.URL.urn:
                found[name] = beam_runner_api_pb2.ArtifactUrlPayload.FromString(artifact.type_payload).url
            else:
                found[name] = beam_runner_api_pb2.ArtifactFilePayload.FromString(artifact.type_payload).path
    return found


def fetch(found: dict[str, str], folder: Path) -> None:
    """Copies artifacts into a folder, under their names."""
    for name, url in found.items():
        path = folder / name
        if folder.resolve() not in path.resolve().parents:
            raise PackagesRefused(f"artifact {name!r} would be outside of its folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileSystems.open(url, compression_type=CompressionTypes.UNCOMPRESSED) as source:
            path.write_bytes(source.read())


def to_install(folder: Path, staged: Collection[str], *, is_cache_staged: bool) -> list[str]:
    """The arguments of ``pip install`` for what is staged in a folder; empty if there is nothing to install.

    Args:
        folder: Where the staged files are.
        staged: Their names.
        is_cache_staged: Whether the packages that requirements name are among them; else pip has to find them.
    """
    arguments = []
    if REQUIREMENTS in staged:
        arguments += ["--find-links", str(folder), "--requirement", str(folder / REQUIREMENTS)]
        arguments += ["--no-index"] if is_cache_staged else []
    if EXTRA_PACKAGES in staged:
        arguments += [str(folder / name) for name in (folder / EXTRA_PACKAGES).read_text(encoding="utf-8").split()]
    if WORKFLOW in staged:
        arguments.append(str(folder / WORKFLOW))
    return arguments


def install(arguments: list[str], target: Path) -> None:
    """Installs packages into a folder; what they depend on is in the environment, as in an SDK container."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--target", str(target)]
    done = subprocess.run(  # noqa: S603 - a job may run any code anyway
        [sys.executable, "-m", "pip", "install", *options, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PackagesRefused(f"the staged packages cannot be installed: {done.stderr.strip()}")

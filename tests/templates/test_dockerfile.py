"""The image's recipe: of the lock's Beam, and of base images that are each named once."""

import re
from pathlib import Path

import pytest

from beam_pipelines.render import ROOT
from beam_pipelines.template_specs import TEMPLATES

DOCKERFILE = ROOT / "templates" / "Dockerfile"


@pytest.fixture(scope="module")
def images() -> dict[str, str]:
    """The base images by the names of their arguments."""
    return dict(re.findall(r"(?m)^ARG (\w+_IMAGE)=(\S+)$", DOCKERFILE.read_text()))


def test_every_stage_is_of_a_named_base_image(images):
    assert set(re.findall(r"(?m)^FROM \$\{(\w+)\}", DOCKERFILE.read_text())) == set(images)
    assert len(re.findall(r"(?m)^FROM ", DOCKERFILE.read_text())) == len(images) + 1


def test_base_images_have_a_version_and_no_half_digest(images):
    for image in images.values():
        assert re.fullmatch(r"[a-z0-9./-]+/[\w.-]+:(?!latest)[\w.-]+(@sha256:[0-9a-f]{64})?", image)


def test_beams_image_is_of_the_locks_beam(images):
    (version,) = re.findall(r"(?m)^apache-beam==(\S+)", (ROOT / "requirements.lock").read_text())
    python = re.search(r"python:(3\.\d+)-slim", images["PYTHON_IMAGE"])
    assert python
    assert images["BEAM_IMAGE"].partition("@")[0].endswith(f"/beam_python{python[1]}_sdk:{version}")
    assert f"/python{python[1].replace('.', '')}-template-launcher-base:" in images["LAUNCHER_IMAGE"]


def test_the_context_has_all_that_is_copied():
    kept = re.findall(r"(?m)^!(\S+)", (ROOT / "templates" / "Dockerfile.dockerignore").read_text())
    copied = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text())
    for name in " ".join(copied).replace("${PIPELINE}", next(iter(TEMPLATES))).split():
        assert (ROOT / name).exists(), name
        assert any(Path(name).match(pattern) for pattern in kept), name

"""The image of templates/Dockerfile, built from stand-ins of its base images, and run: `make image-test`.

It needs root, buildah, a Debian and a package index, and takes minutes, so `make test` leaves it out.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.templates import stand_ins

ROOT = Path(__file__).parents[2]
IMAGE = "localhost/retail/generate:latest"
FLAGS = ("--start_date=2019-01-30", "--end_date=2019-01-31", "--scale=0.01", "--seed=7", "--runner=DirectRunner")
MARKER = "# of this build alone"
Run = Callable[..., subprocess.CompletedProcess[str]]


def missing() -> str:
    """Why the image cannot be built here; nothing if it can."""
    if os.geteuid() != 0:
        return "only root can build an image without a daemon"
    absent = [name for name in ("buildah", "dpkg-query", "chroot", "ldconfig", "tar") if not shutil.which(name)]
    if absent:
        return f"{absent[0]} is not installed"
    return "the system's own Python cannot be moved" if sys.base_prefix == "/usr" else ""


@pytest.fixture(scope="session")
def buildah(tmp_path_factory) -> Iterator[Run]:
    """Runs buildah with a storage of its own."""
    if why := missing():
        pytest.exit(f"The image cannot be built here: {why}.", returncode=1)
    storage = tmp_path_factory.mktemp("storage")
    for driver in ("overlay", "vfs"):  # vfs copies whole layers, but works on every file system
        options = (f"--storage-driver={driver}", f"--root={storage}/{driver}", f"--runroot={storage}/run-{driver}")
        if subprocess.run(["buildah", *options, "info"], capture_output=True, check=False).returncode == 0:
            break

    def run(*arguments: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(["buildah", *options, *arguments], cwd=ROOT, capture_output=True, text=True)
        assert ended.returncode == status, f"{arguments}\n{ended.stdout[-5000:]}{ended.stderr[-5000:]}"
        return ended

    yield run
    run("rm", "--all")
    shutil.rmtree(storage)


@pytest.fixture(scope="session")
def stand_in(buildah, tmp_path_factory) -> Callable[[str, Callable[[Path], None]], str]:
    """Makes an image of what fills a folder, and returns its name."""

    def make(name: str, fill: Callable[[Path], None]) -> str:
        folder = tmp_path_factory.mktemp(name)
        fill(folder)
        settings = [
            f"--env={key}={stand_ins.CERTIFICATES}" for key in ("SSL_CERT_FILE", "PIP_CERT") if os.environ.get(key)
        ]
        buildah("from", f"--name={name}", "scratch")
        buildah("add", "--quiet", name, folder, "/")
        buildah("config", *settings, "--env=PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", name)
        buildah("commit", "--quiet", "--rm", name, f"localhost/{name}:latest")
        shutil.rmtree(folder)
        return f"localhost/{name}:latest"

    return make


@pytest.fixture(scope="session")
def image(buildah, stand_in, tmp_path_factory) -> str:
    """The image of the generate pipeline, built as deployments build it but for the base images."""
    launcher, boot = "/opt/google/dataflow/python_template_launcher", "/opt/apache/beam/boot"
    bases = {
        "PYTHON_IMAGE": stand_in("python", stand_ins.python_root),
        "BEAM_IMAGE": stand_in("beam", lambda root: stand_ins.scripts_root(root, boot, stand_ins.BOOT)),
        "LAUNCHER_IMAGE": stand_in("launcher", lambda root: stand_ins.scripts_root(root, launcher, stand_ins.LAUNCHER)),
    }
    secrets = tmp_path_factory.mktemp("secrets")
    for name, variable in (("pip", "PIP_CONFIG_FILE"), ("uv", "UV_CONFIG_FILE")):
        own = Path(os.environ[variable]).read_text() if variable in os.environ else ""
        (secrets / name).write_text(f"{MARKER}\n{own}")
    buildah(
        "build",
        "--isolation=chroot",
        "--file=templates/Dockerfile",
        "--ignorefile=templates/Dockerfile.dockerignore",
        *(f"--build-arg={name}={value}" for name, value in {"PIPELINE": "generate", **bases}.items()),
        *(f"--secret=id={name},src={secrets / name}" for name in ("pip", "uv")),
        f"--tag={IMAGE}",
        ".",
    )
    return IMAGE


@pytest.fixture(scope="session")
def run(buildah, image, tmp_path_factory) -> Run:
    """Runs a command in the image, as nobody, with the folder /out that this machine sees too."""
    buildah("from", "--name=container", image)

    def inside(*command: str, out: Path | None = None, status: int = 0) -> subprocess.CompletedProcess[str]:
        volume = (f"--volume={out}:/out",) if out else ()
        return buildah(
            "run", "--isolation=chroot", "--user=65534:65534", *volume, "container", "--", *command, status=status
        )

    return inside


@pytest.fixture(scope="session")
def configured(buildah, image) -> dict:
    return json.loads(buildah("inspect", "--type=image", image).stdout)["OCIv1"]["config"]


def test_its_launcher_writes_the_same_lake_as_outside(run, tmp_path, tree_hashes):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    inside.chmod(0o777)
    run("/opt/google/dataflow/python_template_launcher", "--output=/out/lake", *FLAGS, out=inside)
    command = [sys.executable, ROOT / "templates/generate.py", f"--output={outside}/lake", *FLAGS]
    subprocess.run(command, check=True, capture_output=True)
    written = tree_hashes(inside)
    assert len(written) > 100
    assert written == tree_hashes(outside)


def test_its_launcher_refuses_a_wrong_option_in_one_line(run):
    ended = run("/opt/google/dataflow/python_template_launcher", "--output=/out/lake", "--scael=1", status=2)
    assert "--scael=1: no option of this command or of Beam; did you mean --scale?\n" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_its_kernels_are_compiled_already(run):
    loaded = run("env", "NUMBA_DEBUG_CACHE=1", "python", "-m", "beam_pipelines.avro.warm_up").stdout
    assert "data loaded from '/opt/retail/numba" in loaded
    assert "data saved" not in loaded


def test_it_holds_what_the_lock_pins_and_nothing_else(run):
    lock = (ROOT / "requirements.lock").read_text()
    locked = {(canonicalize_name(name), version) for name, version in re.findall(r"(?m)^([\w.-]+)==([^ ;]+)", lock)}
    lines = run("python", "-m", "pip", "freeze", "--exclude=retail-data-pipeline").stdout.splitlines()
    found = {(canonicalize_name(name), version) for name, version in (line.split("==") for line in lines)}
    assert found <= locked
    names = {name for name, _ in found}
    assert {"apache-beam", "numba", "google-cloud-bigquery"} <= names
    assert not {"apache-airflow", "pytest", "uv", "ruff"} & names


@pytest.mark.parametrize("name", ["gcc", "cc", "c++", "g++", "clang", "make", "uv"])
def test_it_has_no_compiler_and_no_installer_of_the_build(run, name):
    run("sh", "-c", f"command -v {name}", status=127)


def test_nothing_of_the_build_stays(run):
    found = run("sh", "-c", "cat /etc/pip.conf /etc/uv/uv.toml; ls -A /build /uv /install; ls -A /template; true")
    assert MARKER not in found.stdout
    assert found.stdout.split() == ["generate.py"]


def test_it_says_what_it_is_and_starts_as_a_worker(configured):
    assert configured["Entrypoint"] == ["/opt/apache/beam/boot"]
    assert configured["Labels"]["org.opencontainers.image.title"] == "retail generate"
    variables = dict(variable.split("=", 1) for variable in configured["Env"])
    told = {name: value for name, value in variables.items() if name.startswith("FLEX_TEMPLATE_")}
    assert told == {"FLEX_TEMPLATE_PYTHON_PY_FILE": "/template/generate.py"}

"""What launches the pipelines: the programs that the image runs, and that a local launch runs."""

import runpy
import subprocess
import sys

import pytest

from beam_pipelines.render import ROOT
from tests.conftest import RUNNER, WORLD

DAYS = ("--start_date=2019-01-30", "--end_date=2019-01-31")
DATAFLOW = ("--runner=DataflowRunner", "--project=project", "--region=europe-west1")


@pytest.fixture
def launch(monkeypatch):
    """Runs a launcher in this process and returns its exit status."""

    def run(pipeline: str, *flags: str) -> int:
        launcher = str(ROOT / "templates" / f"{pipeline}.py")
        monkeypatch.setattr(sys, "argv", [launcher, *flags])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(launcher, run_name="__main__")
        return ended.value.code

    return run


@pytest.mark.parametrize(
    ("pipeline", "flags", "said"),
    [
        ("generate", DAYS, "--output: required: Folder of the lake to write: a local path or gs://BUCKET/FOLDER."),
        ("generate", ("--output=lake", "--start_date=x"), "--start_date: expected a day as YYYY-MM-DD, got 'x'"),
        (
            "generate",
            ("--output=lake", *DAYS, "--sclae=1"),
            "--sclae=1: no option of this command or of Beam; did you mean --scale?",
        ),
        (
            "generate",
            ("--output=lake", *DAYS, "--warehouse=bigquery://project"),
            "--warehouse=bigquery://project: no option of this command or of Beam",
        ),
        ("generate", ("--output=lake", *DAYS, "--num_workers=few"), "--num_workers: invalid int value: 'few'"),
        (
            "generate",
            ("--output=lake", *DAYS, "--environment_type=LOOPBACK", "--environment_config=x"),
            "--environment_config: Option environment_config is not compatible with environment type LOOPBACK.",
        ),
        (
            "generate",
            ("--output=lake", *DAYS, *DATAFLOW),
            "--output: expected a gs:// address, which the runner's workers can write, got 'lake'",
        ),
        (
            "load",
            ("--input=lake", *DAYS, "--warehouse=bigquery://project", *DATAFLOW),
            "--input: expected a gs:// address, which the runner's workers can read, got 'lake'",
        ),
        (
            "load",
            ("--input=lake", *DAYS, "--warehouse=warehouse.duckdb"),
            "--warehouse: expected bigquery://PROJECT, which the runner's workers can reach, got 'warehouse.duckdb'",
        ),
        (
            "load",
            ("--input=lake", *DAYS, "--warehouse=bigquery://project"),
            "--temp_location: required: where staged files are kept until they are loaded",
        ),
    ],
)
def test_a_wrong_option_ends_a_launch_in_one_line(launch, capsys, pipeline, flags, said):
    assert launch(pipeline, *flags) == 2
    assert capsys.readouterr().err == f"{said}\n"


def test_a_launch_runs_the_pipeline_whatever_dataflow_adds_to_its_flags(launch, generate, tmp_path, tree_hashes):
    flags = (*DAYS, *WORLD, "--tables=orders", "--dimension_history=none")
    dataflows = ("--template_location=gs://bucket/job_object", "--something_new=1")
    assert launch("generate", f"--output={tmp_path}/launched", *flags, RUNNER, *dataflows) == 0
    generate(tmp_path / "generated", *flags)
    written = tree_hashes(tmp_path / "launched")
    assert {path.partition("/")[0] for path in written} == {"orders"}
    assert written == tree_hashes(tmp_path / "generated")


def test_a_launcher_needs_nothing_but_the_package(tmp_path):
    launcher = ROOT / "templates" / "load.py"
    command = [sys.executable, "-I", launcher, "--nonsense=1"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "--nonsense=1: no option of this command or of Beam\n"

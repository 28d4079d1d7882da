"""Whatever is wrong with an option or a file: one line that names it, the right exit status, nothing half-written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from beam_pipelines.world import VERSION
from tests.cli.conftest import OPENING_DAYS, retail_process

DAYS = {"start_date": "2019-01-01", "end_date": "2019-01-02"}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"tables": "orders,ordres"}, ("--tables", "names of distribution_centers, products", "'ordres'")),
        ({"end_date": "2018-12-31"}, ("--end_date", "2019-01-01", "'2018-12-31'")),
        ({"start_date": "2019-01-05"}, ("--end_date", "on or after start_date (2019-01-05)", "'2019-01-02'")),
        ({"start_date": "2018-12-31"}, ("--start_date", "from 2019-01-01, when the shop opened", "'2018-12-31'")),
        ({"start_date": "yesterday"}, ("--start_date", "YYYY-MM-DD", "'yesterday'")),
        ({"scale": "-1"}, ("--scale", "from 0.01 to 10,000", "'-1'")),
        ({"scale": "nan"}, ("--scale", "from 0.01 to 10,000", "'nan'")),
        ({"scale": "big"}, ("--scale", "from 0.01 to 10,000", "'big'")),
        ({"seed": "1.5"}, ("--seed", "a whole number", "'1.5'")),
        ({"codec": "zip"}, ("--codec", "one of snappy, deflate, zstandard, null", "'zip'")),
        ({"dimension_history": "some"}, ("--dimension_history", "one of complete, none", "'some'")),
        ({"output": ""}, ("--output", "required", "")),
        ({"sclae": "2"}, ("--sclae", "did you mean --scale?", "")),
        ({"direct_running_mode": "fast"}, ("--direct_running_mode", "invalid choice", "'fast'")),
    ],
)
def test_a_wrong_option_of_generate_is_named(retail, tmp_path, changed, named):
    given = {"output": str(tmp_path / "lake"), **DAYS, **changed}
    ended = retail("generate", *(f"--{name}={value}" for name, value in given.items()))
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("retail generate: ")
    for part in named:
        assert part in ended.err
    assert not files(tmp_path)


def test_an_output_that_cannot_be_written_is_named(retail, tmp_path):
    (tmp_path / "file").write_text("in the way")
    ended = retail("generate", f"--output={tmp_path}/file/lake", *OPENING_DAYS)
    assert ended.status == 2
    assert ended.err == (
        f"retail generate: --output: expected a folder that can be written (Not a directory), "
        f"got '{tmp_path}/file/lake'\n"
    )
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_lake_of_another_world_is_not_mixed_with_this_one(retail, lake):
    before = {path: path.stat().st_mtime_ns for path in files(lake)}
    ended = retail("generate", f"--output={lake}", *OPENING_DAYS, "--scale=0.05", "--seed=7")
    assert ended.status == 1
    assert "holds the world of seed 42, scale 0.05: expected seed 7" in ended.err
    assert {path: path.stat().st_mtime_ns for path in files(lake)} == before


def load(retail, lake: Path, warehouse: Path, *more: str):
    return retail("load", f"--input={lake}", *OPENING_DAYS, f"--warehouse={warehouse}", *more)


def has_rows(warehouse: Path) -> bool:
    from tests.cli.conftest import tables

    return warehouse.exists() and any(tables(warehouse).values())


def test_a_lake_without_manifests_is_named(retail, tmp_path):
    ended = load(retail, tmp_path / "nothing", tmp_path / "warehouse.duckdb")
    assert ended.status == 1
    assert ended.err.splitlines()[-1].startswith(f"retail load: {tmp_path}/nothing/")
    assert "expected manifests up to 2019-01-03, found none" in ended.err
    assert "Traceback" not in ended.err
    assert not has_rows(tmp_path / "warehouse.duckdb")


@pytest.fixture
def broken(lake: Path, tmp_path: Path) -> Path:
    """A copy of the lake to break."""
    return Path(shutil.copytree(lake, tmp_path / "lake"))


def day(lake: Path) -> Path:
    return lake / "orders" / "dt=2019-01-02"


def part(lake: Path) -> Path:
    return day(lake) / "part-00000-of-00001.avro"


def remove(lake: Path) -> str:
    part(lake).unlink()
    return "as its manifest says, found no such file"


def corrupt_header(lake: Path) -> str:
    content = bytearray(part(lake).read_bytes())
    content[100] ^= 0xFF
    part(lake).write_bytes(content)
    return f"{part(lake)}: the header's schema is not JSON"


def remove_day(lake: Path) -> str:
    shutil.rmtree(day(lake))
    return "expected a manifest of orders, found none"


def change_manifest(lake: Path, **changed: object) -> Path:
    manifest = day(lake) / "_MANIFEST.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changed))
    return manifest


def other_sums(lake: Path) -> str:
    manifest = json.loads((day(lake) / "_MANIFEST.json").read_text())
    manifest["files"][0]["sums"]["total"] = "0.01"
    change_manifest(lake, files=manifest["files"])
    return "expected a sum of 0.01 in total"


def other_type(lake: Path) -> str:
    return f"{change_manifest(lake, rows='many')}: rows: expected int, got 'many'"


@pytest.mark.parametrize("breaking", [remove, corrupt_header, remove_day, other_sums, other_type])
def test_a_broken_lake_is_refused_before_anything_is_loaded(retail, broken, tmp_path, breaking):
    named = breaking(broken)
    ended = load(retail, broken, tmp_path / "warehouse.duckdb")
    assert ended.status == 1
    assert named in ended.err.splitlines()[-1]
    assert str(day(broken)) in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert not has_rows(tmp_path / "warehouse.duckdb")
    assert not files(tmp_path / "warehouse.duckdb.staging")


def test_days_of_different_worlds_are_refused_before_anything_is_loaded(retail, broken, tmp_path):
    change_manifest(broken, seed=7)
    ended = load(retail, broken, tmp_path / "warehouse.duckdb")
    assert ended.status == 1
    worlds = "; ".join(f"version {VERSION}, seed {seed}, scale 0.05" for seed in (7, 42))
    assert f"({worlds})" in ended.err
    assert not has_rows(tmp_path / "warehouse.duckdb")


def test_a_warehouse_held_by_another_process_is_named(retail, lake, tmp_path):
    warehouse = tmp_path / "warehouse.duckdb"
    holding = f"import duckdb; c = duckdb.connect({str(warehouse)!r}); print('held', flush=True); input()"
    command = [sys.executable, "-c", holding]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        ended = load(retail, lake, warehouse)
        asked = retail("query", "SELECT 1", f"--warehouse={warehouse}")
        holder.communicate("\n")
    for command_ended in (ended, asked):
        assert command_ended.status == 1
        assert str(warehouse) in command_ended.err
        assert str(holder.pid) in command_ended.err
        assert "Traceback" not in command_ended.err


@pytest.mark.parametrize("content", ["my notes, " * 1000, '{"a": 1}', "a,b\n1,2\n"])
def test_a_warehouse_that_is_something_else_is_named_and_left_alone(retail, lake, tmp_path, content):
    other = tmp_path / "notes.json"
    other.write_text(content)
    ended = load(retail, lake, other)
    assert ended.status == 1
    assert ended.err.splitlines()[-1] == f"retail load: {other} is not a DuckDB database"
    assert "Traceback" not in ended.err
    assert other.read_text() == content


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--warehouse=bigquery://somebody"], "--temp_location: expected a gs:// folder"),
        (["--warehouse=bigquery://somebody", "--temp_location=/tmp"], "--temp_location: expected a gs:// folder"),
        (["--warehouse=w.duckdb", "--runner=DataflowRunner"], "--input: expected a gs:// address"),
        (["--warehouse=w.duckdb", "--runner=DataflowRunner", "--input=gs://a/b"], "--warehouse: expected bigquery://"),
    ],
)
def test_what_a_runner_or_bigquery_cannot_reach_is_named(retail, lake, flags, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = retail("load", f"--input={lake}", *OPENING_DAYS, *flags)
    assert ended.status == 2
    assert named in ended.err
    assert ended.err.count("\n") == 1
    assert not files(tmp_path), "no warehouse is created for a command that cannot run"


def test_a_remote_runner_does_not_write_to_this_machine(retail, tmp_path):
    ended = retail("generate", f"--output={tmp_path}", *OPENING_DAYS, "--runner=DataflowRunner")
    assert ended.status == 2
    assert f"--output: expected a gs:// address, which the runner's workers can write, got '{tmp_path}'" in ended.err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["query", "SELECT nothing FROM retail.orders"], 1, "Unrecognized name: nothing"),
        (["query", "SELEC 1"], 1, "Syntax error"),
        (["query"], 2, "--file: either a query or --file"),
        (["query", "--file=/no/such/file.sql"], 2, "--file: expected a file that can be read"),
        (["query", "SELECT 1", "--format=xml"], 2, "xml"),
        (["query", "SELECT 1", "--fromat=csv"], 2, "--fromat"),
        (["serve", "--warehouse=bigquery://somebody"], 2, "--warehouse: expected the path of a DuckDB file"),
        (["serve", "--port=many"], 2, "--port: expected a port"),
        (["airflow", "--cloud_port=65536"], 2, "--cloud_port: expected a port from 0 (any) to 65535"),
        (["airflow", "--dags=nowhere"], 2, "--dags: expected a folder of DAGs"),
        (["nonsense"], 2, "nonsense"),
        (["demo", "--output=gs://bucket/demo"], 2, "--output: expected a folder on this machine"),
        (["serve", "--warehouse=gs://bucket/w.duckdb"], 2, "--warehouse: expected the path of a DuckDB file"),
    ],
)
def test_wrong_queries_and_commands_are_named(retail, warehouse, arguments, status, said):
    more = [f"--warehouse={warehouse}"] if arguments[0] == "query" else []
    ended = retail(*arguments, *more)
    assert ended.status == status
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_query_of_a_warehouse_that_is_not_there_creates_none(retail, tmp_path):
    ended = retail("query", "SELECT 1", f"--warehouse={tmp_path}/w.duckdb")
    assert ended.status == 2
    assert not files(tmp_path)


def test_missing_credentials_are_one_line(retail, monkeypatch, tmp_path):
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", f"{tmp_path}/none.json")
    ended = retail("query", "SELECT 1", "--warehouse=bigquery://somebody")
    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert f"{tmp_path}/none.json" in ended.err


def test_the_exit_status_is_that_of_the_process():
    process = retail_process("generate", "--output=x", "--start_date=2018-01-01", "--end_date=2018-01-01")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith("retail generate: --start_date: expected a day from 2019-01-01")

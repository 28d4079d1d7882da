"""``retail verify --truth`` from end to end: the load pipeline's own catch, and how the command is used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from beam_pipelines import cli
from beam_pipelines.commands.truth import share
from beam_pipelines.defects import KINDS

PERIOD = ("--start_date=2019-01-30", "--end_date=2019-02-02")
Verified = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verified(capsys: pytest.CaptureFixture[str]) -> Verified:
    """Runs ``retail verify`` and gives its exit status, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(["verify", *arguments])
        return status, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def loaded_defects(tmp_path_factory, generate, load, connected) -> tuple[Path, Path]:
    """A lake with defects of every kind, and a warehouse with what the load pipeline made of it."""
    folder = tmp_path_factory.mktemp("defects")
    lake, warehouse = folder / "lake", folder / "warehouse.duckdb"
    generate(lake, *PERIOD, "--defect_rate=0.05", "--scale=0.05")
    with connected(warehouse):
        load(lake, *PERIOD)
    return lake, warehouse


def test_the_load_catches_every_defect_and_takes_nothing_else_for_one(loaded_defects, verified):
    lake, warehouse = loaded_defects
    status, out, err = verified(f"--input={lake}", f"--warehouse={warehouse}", "--truth", "--json")
    document = json.loads(out)
    wrong = [one for one in document["kinds"] if one["missed"] or one["false_alarms"]]
    assert wrong == []
    assert (status, err) == (0, "")
    assert [one["kind"] for one in document["kinds"]] == [*KINDS, "delivered"]
    assert all(one["recall"] == one["precision"] == 1 for one in document["kinds"] if one["injected"])
    tables = [one for one in document["tables"] if one["kind"] == "late"]
    assert sum(one["injected"] for one in tables) == document["kinds"][0]["injected"] > 0


def test_a_clean_lake_has_nothing_but_rows_to_deliver(small_lake, load, connected, tmp_path, verified):
    warehouse = tmp_path / "warehouse.duckdb"
    with connected(warehouse):
        load(small_lake)
    status, out, err = verified(f"--input={small_lake}", f"--warehouse={warehouse}", "--truth")
    assert (status, err) == (0, "")
    header, line, *_ = out.splitlines()
    assert " ".join(header.split()) == "kind injected caught missed false alarms unreadable recall precision"
    kind, expected, caught, *others = line.split()
    assert (kind, caught, others) == ("delivered", expected, ["0", "0", "0", "1", "1"])


def test_what_is_missed_is_shown_and_ends_the_command_with_1(small_lake, load, connected, tmp_path, verified):
    warehouse = tmp_path / "warehouse.duckdb"
    with connected(warehouse) as client:
        load(small_lake)
        (order,) = client.query_and_wait("SELECT order_id, DATE(created_at) AS day FROM retail.orders LIMIT 1")
        client.query_and_wait(f"DELETE FROM retail.orders WHERE order_id = {order.order_id}")
    status, out, err = verified(f"--input={small_lake}", f"--warehouse={warehouse}", "--truth")
    assert status == 1
    assert err == "retail verify: 1 missed and 0 false alarms: delivered\n"
    assert f"delivered: first missed: {order.order_id} of {order.day}" in out
    assert "0.9999" in out, "not quite 1"


def test_a_warehouse_without_the_tables_is_said_in_its_own_words(small_lake, tmp_path, verified):
    warehouse = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(warehouse)).close()
    status, out, err = verified(f"--input={small_lake}", f"--warehouse={warehouse}", "--truth")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("retail verify: Not found: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--truth"], "--warehouse: required: "),
        (["--truth", "--warehouse={empty}/none.duckdb"], "--warehouse: expected a DuckDB file that is there"),
        (["--truth", "--warehouse=gs://lake/file.duckdb"], "--warehouse: expected a DuckDB file that is there"),
        (["--warehouse={empty}/none.duckdb"], "--warehouse: expected with --truth only"),
        (["--truth", "--realism", "--warehouse=x"], "--truth: expected not together with --realism"),
        (["--truth", "--warehouse=x", "--start_date=soon"], "--start_date: expected a day as YYYY-MM-DD"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_option(arguments, said, small_lake, tmp_path, verified):
    given = [argument.format(empty=tmp_path) for argument in arguments]
    status, out, err = verified(f"--input={small_lake}", *given)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_lake_without_its_truth_is_refused(loaded_defects, tmp_path, verified):
    lake, warehouse = loaded_defects
    copy = Path(shutil.copytree(lake, tmp_path / "lake"))
    shutil.rmtree(copy / "_truth")
    status, _, err = verified(f"--input={copy}", f"--warehouse={warehouse}", "--truth")
    assert status == 1
    assert f"{copy}/_truth: expected the truth about the defects that the manifests speak of" in err


def test_a_share_is_1_only_if_nothing_is_missing():
    assert (share(1.0), share(1 - 1e-9), share(0.0), share(None)) == ("1", "0.9999", "0.0000", "")

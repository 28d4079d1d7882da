"""``retail verify``: what it prints, and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from beam_pipelines import verification


@pytest.fixture
def broken(lake: Path, tmp_path: Path) -> Path:
    """A copy of the lake in which a manifest promises another row."""
    copy = Path(shutil.copytree(lake, tmp_path / "lake"))
    manifest = copy / "orders" / "dt=2019-01-02" / "_MANIFEST.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"rows": 1}))
    return copy


def test_a_lake_that_was_generated_holds_together(retail, lake):
    ended = retail("verify", f"--input={lake}")
    assert (ended.status, ended.err.count("verify")) == (0, 0), ended.out
    lines = ended.out.splitlines()
    checks = len(verification.FILE_TARGETS) + len(verification.RULES)
    assert lines[-1].startswith(f"{checks} of {checks} checks hold")
    shown = lines[: lines.index("")]
    assert len(shown) == checks
    assert {line.split()[-1] for line in shown} == {"ok"}
    assert len({line.rindex("ok") for line in shown}) == 1, "the lines are aligned"


def test_realism_shows_measures_and_what_they_would_take(retail, lake):
    ended = retail("verify", f"--input={lake}", "--realism", "--json")
    document = json.loads(ended.out)
    checks = {check["name"]: check for check in document["checks"]}
    assert set(checks) == {measure.name for measure in verification.MEASURES}
    assert checks["volume.growth"]["status"] == "skipped"
    assert "takes" in checks["volume.growth"]["note"]
    prices = checks["categories.prices"]
    assert (prices["status"], prices["low"], prices["high"], prices["tolerance"]) == ("ok", 3, 30, 0)
    assert prices["low"] < prices["value"] < prices["high"]
    assert prices["rows"] >= 20_000
    assert checks["volume.growth"]["low"] == 0.25
    assert document["skipped"] == sum(check["status"] == "skipped" for check in checks.values())


def test_a_failure_is_shown_counted_and_ends_the_command_with_1(retail, broken):
    ended = retail("verify", f"--input={broken}")
    assert ended.status == 1
    checks = len(verification.FILE_TARGETS) + len(verification.RULES)
    assert ended.err.splitlines()[-1] == f"retail verify: 1 of {checks} checks failed"
    (line,) = [line for line in ended.out.splitlines() if "FAILED" in line]
    assert line.startswith("manifests.content ")
    assert f"{broken}/orders/dt=2019-01-02/_MANIFEST.json" in line


def test_a_failure_in_the_files_is_shown_with_realism_too(retail, broken):
    ended = retail("verify", f"--input={broken}", "--realism", "--json")
    assert ended.status == 1
    names = [check["name"] for check in json.loads(ended.out)["checks"] if check["status"] == "FAILED"]
    assert names[0] == "manifests.content"


def test_days_that_are_not_asked_for_are_not_verified(retail, broken):
    ended = retail("verify", f"--input={broken}", "--start_date=2019-01-03", "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["failed"] == 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "--input: required"),
        (["--input={empty}/nothing"], 2, "--input: expected a folder that is there"),
        (["--input={empty}"], 1, "expected manifests (TABLE/dt=YYYY-MM-DD/_MANIFEST.json), found none"),
        (["--input={empty}", "--relism"], 2, "--relism: no option of this command"),
        (["--input={empty}", "--start_date=soon"], 2, "--start_date: expected a day as YYYY-MM-DD"),
        (["--input={empty}", "--end_date=2018-12-31"], 2, "--end_date: expected a day from 2019-01-01"),
        (
            ["--input={empty}", "--start_date=2019-01-02", "--end_date=2019-01-01"],
            2,
            "--end_date: expected a day on or after start_date (2019-01-02)",
        ),
    ],
)
def test_wrong_usage_and_no_lake_are_one_line_each(retail, tmp_path, arguments, status, said):
    ended = retail("verify", *(argument.format(empty=tmp_path) for argument in arguments))
    assert ended.status == status
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert ended.out == ""


def test_a_table_that_is_missing_is_said_where_it_is_needed(retail, lake, tmp_path):
    copy = Path(shutil.copytree(lake, tmp_path / "lake"))
    shutil.rmtree(copy / "inventory_items")
    ended = retail("verify", f"--input={copy}")
    assert ended.status == 0, ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("orders.units ")]
    assert line.endswith("skipped  the lake has no inventory_items")

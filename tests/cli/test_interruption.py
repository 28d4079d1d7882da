"""Killed at any moment, and run again: the same tables as if nothing had happened."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from tests.cli.conftest import OPENING_DAYS, retail_process, tables


def load(lake: Path, warehouse: Path):
    return retail_process("load", f"--input={lake}", *OPENING_DAYS, f"--warehouse={warehouse}")


def kill_a_load(lake: Path, warehouse: Path) -> None:
    """Kills a load as soon as it has staged something, which is before it loads any partition."""
    process = load(lake, warehouse)
    while process.poll() is None and not list(warehouse.parent.glob("*.staging/**/*.avro")):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it has ended before"


def without_moments(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Without when, and at which attempt, a partition was loaded: the last columns of its line."""
    return {name: [row[:-2] if "partition_loads" in name else row for row in rows] for name, rows in found.items()}


def test_a_load_killed_and_run_again_equals_an_undisturbed_one(lake, warehouse, tmp_path):
    """The command; tests/pipelines/test_load_kills.py kills the pipeline at 25 moments."""
    again = tmp_path / "warehouse.duckdb"
    kill_a_load(lake, again)
    process = load(lake, again)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert without_moments(tables(again)) == without_moments(tables(warehouse))
    assert not list(tmp_path.glob("*.staging"))


def test_ctrl_c_says_so_and_leaves_nothing_under_a_final_name(tmp_path):
    lake = tmp_path / "lake"
    arguments = (f"--output={lake}", "--start_date=2025-01-01", "--end_date=2025-12-31", "--tables=orders")
    process = retail_process("generate", *arguments)
    while process.poll() is None and not list(lake.glob("orders/*/*.avro")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert err.splitlines()[-1].startswith("retail generate: interrupted")
    assert "Traceback" not in out + err
    assert not list(lake.rglob("_MANIFEST.json")), "manifests come after the files, and no day was complete"


def test_generate_killed_and_run_again_equals_an_undisturbed_run(tmp_path):
    days = ("--start_date=2025-03-01", "--end_date=2025-03-31", "--tables=orders")
    disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
    process = retail_process("generate", f"--output={disturbed}", *days)
    while process.poll() is None and len(list(disturbed.glob("orders/*/*.avro"))) < 5:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    for lake in (disturbed, undisturbed):
        process = retail_process("generate", f"--output={lake}", *days)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert content(disturbed) == content(undisturbed)


def content(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*") if path.is_file()}

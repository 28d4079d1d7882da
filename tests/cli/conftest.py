from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from beam_pipelines import cli

OPENING_DAYS = ("--start_date=2019-01-01", "--end_date=2019-01-03")


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def retail(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs ``retail`` with these arguments in this process."""

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        try:
            status = cli.main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
        return Ended(status, *capsys.readouterr())

    return run


def retail_process(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """``retail`` with these arguments in a process of its own."""
    command = [sys.executable, "-m", "beam_pipelines.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def tables(warehouse: Path) -> dict[str, list[Any]]:
    """Every row of every table, sorted."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
            "WHERE schema_name IN ('retail', 'ops') ORDER BY 1"
        ).fetchall()
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for (name,) in names}


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's first three days; read it, do not change it."""
    path = tmp_path_factory.mktemp("opening") / "lake"
    status = cli.main(["generate", f"--output={path}", *OPENING_DAYS, "--scale=0.05"])
    assert status == 0
    return path


@pytest.fixture(scope="session")
def warehouse(lake: Path) -> Path:
    """A warehouse with these three days; read it, do not change it."""
    path = lake.parent / "warehouse.duckdb"
    status = cli.main(["load", f"--input={lake}", *OPENING_DAYS, f"--warehouse={path}"])
    assert status == 0
    return path

"""A year takes no more memory than a month: only blocks are held, whatever the range."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_bytes(output, first: str, last: str) -> int:
    arguments = [f"--output={output}", f"--start_date={first}", f"--end_date={last}", "--tables=orders", "--scale=1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "beam_pipelines.cli", "generate", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage.ru_maxrss * MAXRSS_UNIT


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="wait4 is how a child's own peak memory is known")
def test_a_year_takes_no_more_memory_than_a_month(tmp_path):
    month = peak_bytes(tmp_path / "month", "2024-01-01", "2024-01-31")
    year = peak_bytes(tmp_path / "year", "2024-01-01", "2024-12-31")
    assert year < 1_000_000_000
    # Busier days have larger blocks, up to 16,384 rows, and the catalogue's demand is tabulated by month.
    assert year < month * 1.3, (month, year)

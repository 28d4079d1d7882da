"""A year takes no more memory than a month: only blocks are held, whatever the range."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Not the parent's resource usage of its child: that counts what the parent held when it forked.
PROGRAM = """
import sys
from beam_pipelines import cli
assert cli.main(sys.argv[1:]) == 0
print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""


def peak_bytes(output: Path, first: str, last: str) -> int:
    arguments = [f"--output={output}", f"--start_date={first}", f"--end_date={last}", "--tables=orders", "--scale=1"]
    command = [sys.executable, "-c", PROGRAM, "generate", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(ended.stdout.splitlines()[-1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process its peak memory")
def test_a_year_takes_no_more_memory_than_a_month(tmp_path):
    month = peak_bytes(tmp_path / "month", "2024-01-01", "2024-01-31")
    year = peak_bytes(tmp_path / "year", "2024-01-01", "2024-12-31")
    assert year < 1_000_000_000
    # Busier days have larger blocks, up to 16,384 rows, and the catalogue's demand is tabulated by month.
    assert year < month * 1.3, (month, year)

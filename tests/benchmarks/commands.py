"""What a newcomer waits for: the help, the demo, the demo again."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measured import Run, median, run

RETAIL = str(Path(sys.executable).parent / "retail")


def measure(repeats: int) -> dict[str, dict[str, Any]]:
    """Wall and CPU seconds and peak memory of whole commands."""
    runs: dict[str, list[Run]] = {"retail --help": [], "retail demo": [], "retail demo, again": []}
    for _ in range(repeats):
        runs["retail --help"].append(run(lambda _: [RETAIL, "--help"]))
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for name in ("retail demo", "retail demo, again"):
                runs[name].append(run(lambda _, folder=folder: [RETAIL, "demo", f"--output={folder}"]))  # type: ignore[misc]
    return {
        name: {
            "wall_seconds": round(found.wall_seconds, 2),
            "cpu_seconds": round(found.cpu_seconds, 2),
            "peak_mb": round(found.peak_bytes / 1e6),
        }
        for name, found in ((name, median(some)) for name, some in runs.items())
    }

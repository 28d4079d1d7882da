"""The world as it is generated: a year without a fault, and every measure of realism within its tolerance."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from beam_pipelines import verification
from beam_pipelines.world import OPENING
from tests.cli.conftest import Ended

Retail = Callable[..., Ended]

ELSEWHERE = {"volume.growth", "fraud.bursts", "fulfilment.gifts_returned", "fulfilment.gifts_in_january"}
"""Measures that a year cannot tell; other lakes below do."""


def generated(retail: Retail, folder: Path, *arguments: str) -> str:
    assert retail("generate", f"--output={folder}", *arguments).status == 0
    return f"--input={folder}"


def checks(ended: Ended) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(ended.out)["checks"]}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the year lies that both tests of this module read."""
    return tmp_path_factory.mktemp("year") / "lake"


def test_a_year_has_no_orphans_no_time_travel_and_adds_up(retail: Retail, year: Path) -> None:
    period = (f"--start_date={OPENING}", f"--end_date={OPENING + timedelta(days=364)}")
    found = checks(retail("verify", generated(retail, year, *period, "--scale=0.1"), "--json"))
    assert len(found) == len(verification.FILE_TARGETS) + len(verification.RULES)
    assert {name for name, check in found.items() if check["status"] != "ok"} == set()
    assert not [name for name, check in found.items() if "before the lake" in check.get("note", "")]


def test_a_year_looks_real(retail: Retail, year: Path) -> None:
    found = checks(retail("verify", f"--input={year}", "--realism", "--json"))
    assert {name for name, check in found.items() if check["status"] == "FAILED"} == set()
    assert {name for name, check in found.items() if check["status"] == "skipped"} == ELSEWHERE


@pytest.mark.parametrize(
    ("names", "period", "scale", "tables"),
    [
        (("volume.growth",), ("2023-04-01", "2024-10-31"), "0.05", "orders"),
        (("fraud.bursts",), ("2024-03-01", "2024-03-20"), "0.5", "orders,customers"),
        (
            ("fulfilment.gifts_returned", "fulfilment.gifts_in_january"),
            ("2025-11-15", "2026-02-15"),
            "0.05",
            "orders,order_events",
        ),
    ],
    ids=["growth", "fraud", "gifts"],
)
def test_what_takes_other_days_looks_real_too(
    retail: Retail, tmp_path: Path, names: tuple[str, ...], period: tuple[str, str], scale: str, tables: str
) -> None:
    days = (f"--start_date={period[0]}", f"--end_date={period[1]}", "--dimension_history=none")
    lake = generated(retail, tmp_path / "lake", *days, f"--scale={scale}", f"--tables={tables}")
    found = checks(retail("verify", lake, "--realism", "--json"))
    assert {name: found[name]["status"] for name in names} == dict.fromkeys(names, "ok")
    assert {name for name, check in found.items() if check["status"] == "FAILED"} == set()

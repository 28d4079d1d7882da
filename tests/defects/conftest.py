"""Lakes of a small world with defects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beam_pipelines.defects import Rates, choosing
from beam_pipelines.schema import Table
from beam_pipelines.transforms import lake_writing as writing
from beam_pipelines.world import date_of
from tests.defects.lakes import Lake
from tests.defects.toy_world import BLOCK_ROWS, WORLD, ToyWorld

FIRST, LAST = 700, 705

Written = Callable[..., Lake]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch) -> None:
    """Blocks of 16 rows, two of them a file."""
    monkeypatch.setattr(writing, "BLOCKS_PER_FILE", 2)
    monkeypatch.setattr(choosing.draw, "BLOCK_ROWS", BLOCK_ROWS)


@pytest.fixture
def world() -> ToyWorld:
    """A world with every table."""
    return WORLD


@pytest.fixture
def write(tmp_path_factory) -> Written:
    """Writes days of a table with defects."""

    def written(table: Table, first: int = FIRST, last: int = LAST, root: Path | None = None, **rates: float) -> Lake:
        root = root or tmp_path_factory.mktemp("lake")
        target = writing.Target(str(root), WORLD, "snappy", "avro", Rates.of(rates))
        manifests = []
        for day in range(first, last + 1):
            plans = writing.plan_files(WORLD, writing.DaysPlan(table.name, day, day, is_history=False))
            files = [file for plan in plans if (file := writing.write_file(target, plan))]
            manifests.append(writing.write_manifest(target, (table.name, day), files))
        return Lake(root, table, manifests)

    return written


@pytest.fixture
def clean_rows() -> Callable[[Table, int, int], dict[str, list[dict[str, Any]]]]:
    """The rows of days as the world has them, by ISO date."""

    def rows(table: Table, first: int, last: int) -> dict[str, list[dict[str, Any]]]:
        return {
            date_of(day).isoformat(): [
                row
                for block in range(WORLD.blocks(table.name, day))
                for row in WORLD.block(table.name, day, block).to_pylist()
            ]
            for day in range(first, last + 1)
        }

    return rows

"""The world as it was committed: a change of any row is meant, or it is a bug.

Run this file (``python tests/world/test_golden.py``) to write the world as it is now.
"""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from beam_pipelines.world import World, day_number

GOLDEN = Path(__file__).parent / "golden"
SEED, SCALE = 42, 0.01
OPENING = date(2019, 1, 1)
AROUND_BLACK_FRIDAY = (date(2025, 11, 27), date(2025, 11, 28), date(2025, 11, 29))
BY_DAY = ("customers", "inventory_items", "orders", "order_events", "web_events")
KEPT = (
    ("distribution_centers", OPENING),
    ("products", OPENING),
    ("products", date(2025, 11, 1)),
    *((table, day) for table in BY_DAY for day in AROUND_BLACK_FRIDAY),
)
CHANGED = (
    "the world changed: if meant, run `python tests/world/test_golden.py`, raise VERSION in "
    "beam_pipelines/world/__init__.py and note it in the CHANGELOG"
)


def description(table: str, day: date) -> dict[str, Any]:
    """A day's rows: how many, a digest of every column, and the first three."""
    world, number = World(SEED, SCALE), day_number(day)
    blocks = [world.block(table, number, block) for block in range(world.blocks(table, number))]
    return {
        "rows": sum(block.num_rows for block in blocks),
        "columns": {name: digest([block[name].to_pylist() for block in blocks]) for name in blocks[0].schema.names},
        "first": json.loads(as_json(blocks[0].slice(0, 3).to_pylist())),
    }


def digest(values: list[list[Any]]) -> str:
    return hashlib.blake2b(as_json([value for block in values for value in block]).encode(), digest_size=8).hexdigest()


def as_json(values: Any) -> str:
    """Values as JSON; times and decimals as strings."""
    return json.dumps(values, default=str, ensure_ascii=False)


def path(table: str, day: date) -> Path:
    return GOLDEN / f"{table}-{day}.json"


@pytest.mark.parametrize(("table", "day"), KEPT, ids=str)
def test_the_world_is_as_committed(table: str, day: date) -> None:
    kept = json.loads(path(table, day).read_text(encoding="utf-8"))
    found = description(table, day)
    assert found["rows"] == kept["rows"], CHANGED
    assert found["first"] == kept["first"], CHANGED
    changed = [name for name, was in kept["columns"].items() if found["columns"].get(name) != was]
    assert changed == [], f"{table} of {day}: {CHANGED}"
    assert found.keys() == kept.keys()
    assert list(found["columns"]) == list(kept["columns"]), CHANGED


def test_nothing_else_is_kept() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {path(table, day).name for table, day in KEPT}


def write() -> None:
    """Keep the world as it is now."""
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.glob("*.json"):
        old.unlink()
    for table, day in KEPT:
        text = json.dumps(description(table, day), ensure_ascii=False, indent=1)
        path(table, day).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()

"""Two loads of the same days at once end as one of them, whole."""

from __future__ import annotations

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from beam_pipelines import tables
from tests.pipelines.load_lakes import ALL_DAYS, DEFECTS, SIZE
from tests.pipelines.loaded import without_lines


def load_at_once(load, lakes: list[Path], *flags: str) -> list[BaseException | None]:
    """Loads each lake in a thread of its own, starting together; how each ended."""
    ready = Barrier(len(lakes))

    def run(lake: Path) -> None:
        ready.wait()
        load(lake, *flags)

    with ThreadPoolExecutor(len(lakes)) as threads:
        return [future.exception() for future in [threads.submit(run, lake) for lake in lakes]]


def test_two_loads_of_the_same_are_as_one(warehouse, load, dirty_lake, dirty_loaded, contents, load_jobs):
    assert load_at_once(load, [dirty_lake, dirty_lake], *ALL_DAYS) == [None, None]
    assert contents(warehouse) == contents(dirty_loaded)
    found, expected = (without_lines(load_jobs(client)) for client in (warehouse, dirty_loaded))
    assert found == expected, "what one has started, the other waits for"


@pytest.fixture
def other_lake(tmp_path, generate) -> Path:
    """The same days of another world."""
    generate(tmp_path / "other", *ALL_DAYS, SIZE, "--seed=43", *DEFECTS)
    return tmp_path / "other"


def partitions(found: dict[str, list[str]]) -> dict[tuple[str, str], list[str]]:
    """The rows of each partition that has some; all products are one."""
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, texts in found.items():
        table = tables.BY_NAME[name.split(".")[1]]
        for text in texts:
            where = ""
            if table.partition and table is not tables.PRODUCTS:
                where = json.loads(text)[table.partition.column][: 10 if table.partition.granularity == "DAY" else 7]
            rows[name, where].append(text)
    return dict(rows)


def test_each_partition_is_of_one_of_two_loads_and_another_load_makes_all_of_one(
    tmp_path, connected, load, dirty_lake, dirty_loaded, other_lake, contents
):
    with connected(tmp_path / "alone.duckdb") as client:
        load(other_lake, *ALL_DAYS)
        other = partitions(contents(client))
    one = partitions(contents(dirty_loaded))
    with connected(tmp_path / "both.duckdb") as client:
        assert load_at_once(load, [dirty_lake, other_lake], *ALL_DAYS) == [None, None]
        both = partitions(contents(client))
        assert both.keys() <= one.keys() | other.keys()
        for partition in one.keys() | other.keys():
            if partition[0].startswith("retail."):
                assert both.get(partition) in (one.get(partition), other.get(partition)), partition
        load(dirty_lake, *ALL_DAYS)
        assert partitions(contents(client)) == one

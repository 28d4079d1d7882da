"""Days loaded one by one, in any order or as they come, equal the range loaded in one go."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from google.cloud import bigquery

from tests.pipelines.load_lakes import DEFECTS, FIRST, LAST, SIZE, days, truths

DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


def test_days_loaded_in_any_order_equal_the_range(warehouse, load, dirty_lake, dirty_loaded, contents):
    for number in (2, 0, 3, 1):
        load(dirty_lake, *days(DAYS[number]))
    assert contents(warehouse) == contents(dirty_loaded)


def test_days_loaded_as_they_come_equal_the_range(
    tmp_path, warehouse, load, generate, dirty_lake, dirty_loaded, contents
):
    lake = tmp_path / "lake"
    landing = Counter(line["landed_date"] for line in truths(dirty_lake, "web_events") if line["kind"] == "late")
    assert len(landing) > 1, "rows of one day land on several later ones"
    late_so_far = []
    for day in DAYS:
        generate(lake, *days(day), SIZE, *DEFECTS)
        load(lake, *days(day))
        late_so_far.append(rows_late(warehouse))
        assert late_so_far[-1] == expected_late(dirty_lake, day)
    assert late_so_far == sorted(late_so_far)
    assert without_inputs(contents(warehouse)) == without_inputs(contents(dirty_loaded))


def rows_late(warehouse: bigquery.Client) -> int:
    """Late rows of web events that partitions hold, or lost, by now."""
    query = "SELECT COALESCE(SUM(rows_late), 0) FROM ops.partition_loads WHERE table_name = 'web_events'"
    return next(iter(warehouse.query_and_wait(query)))[0]


def expected_late(lake: Path, day: date) -> int:
    """Late rows of web events that have landed by a day, as the truth says."""
    lines = truths(lake, "web_events")
    return sum(line["kind"] == "late" and line["landed_date"] <= day.isoformat() for line in lines)


def without_inputs(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the fingerprint of what partitions were loaded from, in which products count that nobody had ordered."""
    return {name: [re.sub(r'"input":"[0-9a-f]+",', "", row) for row in rows] for name, rows in found.items()}

"""Manifests without files, and what is planned by them."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import strategies as st

from beam_pipelines import lake, storage, tables
from beam_pipelines.lake import LakeFile
from beam_pipelines.options import Period
from beam_pipelines.schema import Table
from beam_pipelines.transforms.lake_planning import (
    Circumstances,
    PlannedManifest,
    TablePlan,
    find_manifests,
    plan_table,
)
from beam_pipelines.transforms.partitions import LONGEST_LATENESS, Held, partition_of
from tests.transforms.lakes import NOTHING_KNOWN, days_from


def file_of(part: int, parts: int, rows: int, rows_by_date: dict[date, int] | None = None, label: str = "") -> LakeFile:
    dates = {day.isoformat(): count for day, count in (rows_by_date or {}).items()}
    return LakeFile(lake.file_name(part, parts), rows, rows, rows, f"{label}-{part}-{rows}", {}, dates, 1)


def manifest_of(table: Table, day: date, files: list[dict[date, int]], without_date: int = 0) -> lake.Manifest:
    """A manifest of files that hold so many rows of each date, and some of none."""
    found = [
        file_of(part, len(files), sum(counts.values()) + without_date, counts, f"{day}")
        for part, counts in enumerate(files)
    ]
    return lake.manifest_of(table, day, world=1, seed=42, scale=1, codec="snappy", files=found)


def planned(manifests, period: Period, circumstances: Circumstances = NOTHING_KNOWN) -> TablePlan:
    return plan_table("lake", period, [PlannedManifest(manifest) for manifest in manifests], circumstances)


TABLES = st.sampled_from([tables.ORDERS, tables.INVENTORY_ITEMS, tables.CUSTOMERS, tables.DISTRIBUTION_CENTERS])
FIRST = date(2025, 9, 1)
HORIZON = 150


@st.composite
def lakes(draw) -> tuple[Table, dict[date, lake.Manifest], Period]:
    """A table's manifests, most of whose rows are of dates near the day on which they landed, and days to load."""
    table = draw(TABLES)
    start = draw(st.integers(0, HORIZON - 5))
    period = Period(FIRST + timedelta(start), FIRST + timedelta(start + draw(st.integers(0, 4))))
    some = draw(st.sets(st.integers(0, HORIZON), max_size=12))
    days = {FIRST + timedelta(number) for number in some} | set(
        days_from(period.start, (period.end - period.start).days + 1)
    )
    back = st.integers(-2, 40)
    counts = st.dictionaries(back, st.integers(1, 5), max_size=4)
    found = {}
    for day in sorted(days):
        files = draw(st.lists(counts, max_size=2))
        dated = [{day - timedelta(lag): count for lag, count in file.items()} for file in files]
        found[day] = manifest_of(table, day, dated, draw(st.integers(0, 1)))
    return table, found, period


def files_in(whole: dict[date, lake.Manifest], table: Table) -> dict[str, dict[str, int]]:
    """Of every file of a lake how many rows of each partition it holds, date by date."""
    found: dict[str, dict[str, int]] = {}
    for landed, manifest in whole.items():
        for file in manifest.files:
            own = partition_of(table, landed)
            counts = {own: file.rows}
            for text, count in file.rows_by_date.items() if table.partition else ():
                day = date.fromisoformat(text)
                if day in whole and 0 <= (landed - day).days <= LONGEST_LATENESS:
                    counts[own] -= count
                    counts[partition_of(table, day)] = counts.get(partition_of(table, day), 0) + count
            found[f"lake/{table.name}/dt={landed}/{file.name}"] = counts
    return found


def plan_of(
    table: Table,
    whole: Mapping[date, lake.Manifest],
    period: Period,
    circumstances: Circumstances = NOTHING_KNOWN,
    shuffled: Random | None = None,
) -> TablePlan:
    """The plan of a lake that has only manifests."""
    with pytest.MonkeyPatch.context() as patch:
        paths = [f"lake/{table.name}/dt={day}/{lake.MANIFEST}" for day in whole]
        patch.setattr(storage, "find", lambda root, pattern: paths)
        found = find_manifests("lake", table.name, period)
    manifests = [whole[date.fromisoformat(path.split("dt=")[1][:10])] for path in found]
    if shuffled:
        shuffled.shuffle(manifests)
    return planned(manifests, period, circumstances)


def partitions_of(plan: TablePlan) -> set[str]:
    return {target.partition[1] for target in plan.targets}


def read_for(plan: TablePlan, partition: str) -> dict[str, int]:
    """The files that a plan reads for a partition, and how many rows of it each holds."""
    found = {}
    for split in plan.splits:
        for file in split.files:
            if rows := dict(file.held).get(partition, Held()).rows:
                assert partition in dict(split.buckets)
                found[file.path] = rows
    return found

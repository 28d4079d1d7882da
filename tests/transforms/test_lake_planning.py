"""From manifests alone: which partitions are loaded, and which files are read for them."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines import lake, tables
from beam_pipelines.lake import LakeError
from beam_pipelines.options import Period
from beam_pipelines.schema import Column, Type
from beam_pipelines.transforms import lake_planning as planning
from beam_pipelines.transforms.lake_planning import (
    PlannedManifest,
    TablePlan,
    find_manifests,
    plan_table,
)
from beam_pipelines.transforms.partitions import LONGEST_LATENESS, Held, partition_of
from tests.transforms.lakes import DAY, NOTHING_KNOWN, days_from
from tests.transforms.manifests import files_in, lakes, manifest_of, partitions_of, plan_of, planned, read_for

FEE = Column(name="fee", type=Type.NUMERIC, precision=12, scale=2, nullable=True)
LIMIT = planning.ROWS_PER_SPLIT


def of_sizes(rows_by_day: list[list[int]]) -> list[lake.Manifest]:
    """Manifests of customers on days of one month, whose files have these numbers of rows."""
    days = days_from(date(2025, 11, 1), len(rows_by_day))
    return [
        manifest_of(tables.CUSTOMERS, day, [{day: count} for count in rows])
        for day, rows in zip(days, rows_by_day, strict=True)
    ]


def splits_of(rows_by_day: list[list[int]], seed: int = 0) -> tuple[planning.Split, ...]:
    manifests = of_sizes(rows_by_day)
    Random(seed).shuffle(manifests)
    return planned(manifests, Period(date(2025, 11, 1), date(2025, 11, 2))).splits


@pytest.mark.parametrize(
    ("rows", "splits"),
    [
        ([[LIMIT]], [LIMIT]),
        ([[LIMIT], [1]], [LIMIT, 1]),
        ([[LIMIT - 1], [1], [1]], [LIMIT, 1]),
        ([[LIMIT // 2, LIMIT // 2], [LIMIT // 2]], [LIMIT, LIMIT // 2]),
        ([[10 * LIMIT], [3]], [10 * LIMIT, 3]),
        ([[], [5], []], [5]),
        ([[], []], []),
    ],
)
def test_a_split_ends_at_its_limit_and_never_within_a_file(rows, splits):
    found = splits_of(rows)
    assert [split.rows for split in found] == splits
    assert [split.name for split in found] == [f"202511-{number:05}" for number in range(len(splits))]


def test_every_file_is_in_one_split_in_the_order_of_days():
    rows = [[Random(i).randrange(1, LIMIT) for _ in range(i % 4)] for i in range(20)]
    files = [file.path for split in splits_of(rows) for file in split.files]
    assert len(files) == len(set(files)) == sum(len(day) for day in rows)
    assert files == sorted(files)


def test_a_partition_without_rows_is_loaded_too():
    plan = planned(of_sizes([[], []]), Period(date(2025, 11, 1), date(2025, 11, 1)))
    assert [target.partition for target in plan.targets] == [("customers", "202511")]
    assert plan.splits == ()


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 70])
def test_buckets_follow_from_the_rows_of_the_partition(monkeypatch, rows):
    monkeypatch.setattr(planning, "ROWS_PER_BUCKET", 8)
    before = DAY - timedelta(1)
    own, late = manifest_of(tables.ORDERS, before, [{before: 1}]), manifest_of(tables.ORDERS, DAY, [{before: rows}])
    plan = planned([own, late], Period(before, before))
    expected = (("20251109", -(-(rows + 1) // 8)),)
    assert [(split.name, split.buckets) for split in plan.splits] == [
        ("20251109-00000", expected),
        ("20251110-00000", expected),
    ]


def test_rows_that_landed_later_are_read_for_the_day_that_is_loaded():
    first, later = DAY, DAY + timedelta(2)
    manifests = [
        manifest_of(tables.ORDERS, first, [{first: 5}]),
        manifest_of(tables.ORDERS, DAY + timedelta(1), [{DAY + timedelta(1): 5}]),
        manifest_of(tables.ORDERS, later, [{later: 5}, {later: 4, first: 1}]),
    ]
    plan = planned(manifests, Period(first, first))
    assert [target.partition for target in plan.targets] == [("orders", "20251110")]
    (own, late) = plan.splits
    assert [file.path.split("/", 2)[2] for file in late.files] == ["dt=2025-11-12/part-00001-of-00002.avro"]
    assert dict(late.files[0].held) == {"20251110": Held(1, 1), "20251112": Held(4)}
    assert late.buckets == own.buckets == (("20251110", 1),), "what else the file holds is not loaded"


def test_a_day_touches_the_partitions_that_its_late_rows_are_of():
    earlier = DAY - timedelta(3)
    manifests = [
        manifest_of(tables.ORDERS, earlier, [{earlier: 5}]),
        manifest_of(tables.ORDERS, DAY - timedelta(1), [{DAY - timedelta(1): 5}]),
        manifest_of(tables.ORDERS, DAY, [{DAY: 5, earlier: 1}]),
    ]
    plan = planned(manifests, Period(DAY, DAY))
    assert [target.partition[1] for target in plan.targets] == ["20251107", "20251110"]
    assert [split.name for split in plan.splits] == ["20251107-00000", "20251110-00000"]


def test_a_date_that_a_row_cannot_have_touches_nothing():
    absent, too_early = DAY - timedelta(2), DAY - timedelta(LONGEST_LATENESS + 1)
    counts = {DAY: 1, absent: 1, too_early: 1, DAY + timedelta(1): 1}
    manifests = [
        manifest_of(tables.ORDERS, too_early, [{too_early: 1}]),
        manifest_of(tables.ORDERS, DAY, [counts], without_date=1),
        manifest_of(tables.ORDERS, DAY + timedelta(1), [{}]),
    ]
    plan = planned(manifests, Period(DAY, DAY))
    assert [target.partition[1] for target in plan.targets] == ["20251110"]
    assert [split.files[0].held for split in plan.splits] == [(("20251110", Held(5)),)]


def test_some_partitions_alone_are_loaded_with_what_their_files_touch():
    days = days_from(DAY, 4)
    manifests = [manifest_of(tables.ORDERS, day, [{day: 5} | ({days[0]: 1} if day == days[2] else {})]) for day in days]
    only = [("orders", "20251112"), ("customers", "20251113")]
    plan = planned(manifests, Period(days[0], days[3]), replace(NOTHING_KNOWN, only=only))
    assert [target.partition[1] for target in plan.targets] == ["20251110", "20251112"]
    assert planned(manifests, Period(days[0], days[3]), replace(NOTHING_KNOWN, only=[])) == TablePlan((), (), 0)


def test_columns_beyond_the_tables_go_with_every_split_and_partition():
    days = days_from(date(2025, 11, 1), 2)
    one, other = (PlannedManifest(manifest_of(tables.CUSTOMERS, day, [{day: LIMIT}])) for day in days)
    both = [one, PlannedManifest(other.manifest, (FEE,))]
    plan = plan_table("lake", Period(days[0], days[0]), both, NOTHING_KNOWN)
    assert {split.more_columns for split in plan.splits} == {(FEE,)}
    assert {target.more_columns for target in plan.targets} == {(FEE,)}
    assert len(plan.splits) == 2


def test_a_column_that_means_something_else_on_another_day_is_refused():
    days = days_from(DAY, 2)
    one, other = (manifest_of(tables.ORDERS, day, [{day: 1}]) for day in days)
    text = Column(name="fee", type=Type.STRING, nullable=True)
    with pytest.raises(LakeError) as caught:
        planning.merged_columns([PlannedManifest(one, (FEE,)), PlannedManifest(other, (text,))])
    expected = "orders: column fee: expected decimal128(12, 2) as on 2025-11-10, found string on 2025-11-11"
    assert str(caught.value) == expected


def test_columns_of_several_days_are_in_the_order_of_their_names():
    one, other = (manifest_of(tables.ORDERS, day, [{day: 1}]) for day in days_from(DAY, 2))
    text = Column(name="colour", type=Type.STRING, nullable=True)
    found = planning.merged_columns([PlannedManifest(one, (FEE,)), PlannedManifest(other, (text, FEE))])
    assert found == (text, FEE)


def with_days(root: Path, table: str, days: list[date]) -> str:
    """A lake in which a table has these days."""
    for day in days:
        folder = Path(lake.folder(str(root), table, day))
        folder.mkdir(parents=True)
        (folder / lake.MANIFEST).touch()
    return str(root)


@pytest.mark.parametrize(
    ("table", "before", "after"),
    [("orders", 62, 31), ("web_events", 62, 31), ("inventory_items", 90, 31), ("customers", 100, 40)],
)
def test_the_days_whose_rows_may_meet_those_of_the_period_are_found(tmp_path, table, before, after):
    """A month is loaded whole: of April's customers, up to its end and 31 days on."""
    root = with_days(tmp_path, table, days_from(date(2025, 4, 1) - timedelta(100), 240))
    period = Period(date(2025, 4, 1), date(2025, 4, 21))
    days = [date.fromisoformat(path.split("dt=")[1][:10]) for path in find_manifests(root, table, period)]
    assert days == days_from(period.start - timedelta(before), before + 21 + after)


def test_a_missing_day_of_facts_is_named(tmp_path):
    root = with_days(tmp_path, "orders", days_from(date(2019, 1, 30), 3))
    asked = Period(date(2019, 1, 28), date(2019, 2, 3))
    expected = f"{root}/orders/dt=2019-01-28: expected a manifest of orders, found none (nor of 3 more days)"
    with pytest.raises(LakeError, match=re.escape(expected)):
        find_manifests(root, "orders", asked)
    assert len(find_manifests(root, "orders", asked, is_loaded=False)) == 3


def test_a_missing_day_of_units_is_named_in_the_period_only(tmp_path):
    root = with_days(tmp_path, "inventory_items", [date(2019, 3, 26), date(2019, 3, 28), date(2019, 3, 30)])
    expected = "dt=2019-03-29: expected a manifest of inventory_items, found none; generate"
    with pytest.raises(LakeError, match=expected):
        find_manifests(root, "inventory_items", Period(date(2019, 3, 28), date(2019, 3, 30)))
    assert len(find_manifests(root, "inventory_items", Period(date(2019, 3, 28), date(2019, 3, 28)))) == 3


@pytest.mark.parametrize("table", ["orders", "customers", "inventory_items"])
def test_an_empty_lake_is_refused(tmp_path, table):
    period = Period(date(2019, 1, 30), date(2019, 2, 1))
    with pytest.raises(LakeError, match=f"{table}.*: expected (a manifest|manifests).*, found none"):
        find_manifests(str(tmp_path), table, period)


def test_a_folder_that_is_no_day_is_named(tmp_path):
    folder = tmp_path / "orders" / "dt=someday"
    folder.mkdir(parents=True)
    (folder / lake.MANIFEST).touch()
    with pytest.raises(LakeError, match=r"orders/dt=someday/_MANIFEST\.json: expected a folder named dt=YYYY-MM-DD"):
        find_manifests(str(tmp_path), "orders", Period(DAY, DAY))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(lakes(), st.randoms(use_true_random=False))
def test_a_partition_that_is_loaded_gets_all_its_rows_and_nothing_else_is_read(some, random):
    table, whole, period = some
    plan, files = plan_of(table, whole, period), files_in(whole, table)
    loaded = partitions_of(plan)
    for partition in loaded:
        expected = {path: counts[partition] for path, counts in files.items() if counts.get(partition)}
        assert read_for(plan, partition) == expected
    needed = {path for path, counts in files.items() if counts.keys() & loaded}
    read = [file.path for split in plan.splits for file in split.files]
    assert set(read) == needed
    assert len(read) == len(needed), "no file is read twice"
    assert plan_of(table, whole, period, shuffled=random) == plan


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(lakes())
def test_the_partitions_of_a_period_are_those_of_its_days_and_all_that_these_touch(some):
    table, whole, period = some
    history = tables.HISTORY.get(table.name, 0)
    expected = set()
    for day in whole:
        is_history = day < period.start and (history is None or (period.start - day).days <= history)
        in_month = history is None and day > period.end and partition_of(table, day) == partition_of(table, period.end)
        if period.start <= day <= period.end or is_history or in_month:
            expected.add(partition_of(table, day))
        if period.start <= day <= period.end:
            for file in whole[day].files:
                for text in file.rows_by_date if table.partition else ():
                    own = date.fromisoformat(text)
                    if own in whole and 0 <= (day - own).days <= LONGEST_LATENESS:
                        expected.add(partition_of(table, own))
    assert partitions_of(plan_of(table, whole, period)) == expected


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(lakes())
def test_days_one_by_one_load_the_same_partitions_as_their_period(some):
    table, whole, period = some
    days = days_from(period.start, (period.end - period.start).days + 1)
    plan, singles = plan_of(table, whole, period), [plan_of(table, whole, Period(day, day)) for day in days]
    assert set.union(*map(partitions_of, singles)) >= partitions_of(plan)
    for single in singles:
        for partition in partitions_of(single) & partitions_of(plan):
            assert read_for(single, partition) == read_for(plan, partition)
            assert input_of(single, partition) == input_of(plan, partition)
            assert buckets_of(single, partition) == buckets_of(plan, partition)


def input_of(plan: TablePlan, partition: str) -> str:
    (found,) = [target.input for target in plan.targets if target.partition[1] == partition]
    return found


def buckets_of(plan: TablePlan, partition: str) -> set[int]:
    return {dict(split.buckets)[partition] for split in plan.splits if partition in dict(split.buckets)}


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(lakes())
def test_splits_know_the_days_that_their_rows_may_be_of(some):
    table, whole, period = some
    names = [split.name for split in plan_of(table, whole, period).splits]
    assert len(names) == len(set(names))
    for split in plan_of(table, whole, period).splits:
        assert list(split.days) == sorted(set(split.days))
        for file in split.files:
            possible = [day for day in whole if 0 <= (file.landed - day).days <= LONGEST_LATENESS]
            assert {day.toordinal() for day in possible} <= set(split.days) <= {day.toordinal() for day in whole}

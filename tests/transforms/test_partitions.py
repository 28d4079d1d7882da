"""Which partition a row belongs to: that of its own date, or of the day on which it landed."""

from collections import Counter
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import lake, tables
from beam_pipelines.transforms import partitions
from beam_pipelines.transforms.partitions import LONGEST_LATENESS, Dates, Held, held_by_partition, partition_of
from tests.transforms.lakes import DAY, moment

MICROSECOND = timedelta(microseconds=1)
DAYS = tuple(DAY + timedelta(days=number) for number in range(-LONGEST_LATENESS - 3, 4))


def batch_of(*moments: datetime | None) -> pa.RecordBatch:
    return pa.record_batch({"created_at": pa.array(moments, pa.timestamp("us", "UTC"))})


def dates_of(*moments: datetime | None, landed: date = DAY, days=DAYS, table=tables.ORDERS) -> Dates:
    column = table.partition.column if table.partition else "created_at"
    batch = batch_of(*moments).rename_columns([column])
    return Dates(table, batch, landed, np.array([day.toordinal() for day in days]))


@pytest.mark.parametrize(
    ("table", "day", "partition"),
    [
        (tables.ORDERS, date(2025, 1, 2), "20250102"),
        (tables.CUSTOMERS, date(2025, 1, 2), "202501"),
        (tables.DISTRIBUTION_CENTERS, date(2025, 1, 2), ""),
    ],
)
def test_a_day_belongs_to_one_partition(table, day, partition):
    assert partition_of(table, day) == partition


@pytest.mark.parametrize(
    ("partition", "first", "last"),
    [
        ("20240229", date(2024, 2, 29), date(2024, 2, 29)),
        ("202402", date(2024, 2, 1), date(2024, 2, 29)),
        ("202412", date(2024, 12, 1), date(2024, 12, 31)),
        ("", date(1970, 1, 1), date.max),
    ],
)
def test_a_partition_has_a_first_and_a_last_day(partition, first, last):
    assert (partitions.first_day(partition), partitions.last_day(partition)) == (first, last)


@given(st.dates(date(2019, 1, 1), date(2039, 12, 31)), st.sampled_from([tables.ORDERS, tables.CUSTOMERS]))
def test_a_day_lies_between_the_first_and_the_last_of_its_partition(day, table):
    partition = partition_of(table, day)
    first, last = partitions.first_day(partition), partitions.last_day(partition)
    assert first <= day <= last
    assert {partition_of(table, one) for one in (first, last)} == {partition}
    assert partition not in {partition_of(table, one) for one in (first - timedelta(1), last + timedelta(1))}


def test_rows_of_the_day_on_which_they_landed_are_one_partition():
    last = moment(DAY, 24) - MICROSECOND
    found = dates_of(moment(DAY, 0), moment(DAY), last)
    assert found.is_one_day
    assert found.impossible is None
    assert found.partitions() == [("20251110", None)]
    assert found.ordinals.tolist() == [DAY.toordinal()] * 3


def test_a_microsecond_before_midnight_is_the_day_before():
    found = dates_of(moment(DAY, 0), moment(DAY, 0) - MICROSECOND)
    assert [(name, rows.tolist()) for name, rows in found.partitions()] == [
        ("20251109", [False, True]),
        ("20251110", [True, False]),
    ]


@pytest.mark.parametrize(("days", "possible"), [(0, True), (1, True), (31, True), (32, False), (-1, False)])
def test_a_row_may_be_as_late_as_the_longest_lateness_and_never_early(days, possible):
    found = dates_of(moment(DAY - timedelta(days)), moment(DAY))
    assert (found.impossible is None) == possible
    assert found.ordinals[0] == (DAY - timedelta(days) if possible else DAY).toordinal()


def test_a_row_of_a_day_that_the_lake_has_not_stays_where_it_landed():
    earlier, there = DAY - timedelta(2), DAY - timedelta(1)
    found = dates_of(moment(earlier), moment(there), moment(DAY), days=(there, DAY))
    assert found.impossible.tolist() == [True, False, False]
    assert [(name, rows.tolist()) for name, rows in found.partitions()] == [
        ("20251109", [False, True, False]),
        ("20251110", [True, False, True]),
    ]


def test_rows_without_a_time_are_of_the_day_on_which_they_landed_and_possible():
    found = dates_of(None, moment(DAY), None)
    assert (found.is_one_day, found.impossible) == (True, None)
    found = dates_of(None, moment(DAY - timedelta(1)))
    assert found.impossible is None
    assert found.ordinals.tolist() == [DAY.toordinal(), DAY.toordinal() - 1]


@pytest.mark.parametrize("microseconds", [-(2**63), -1, 0, 2**63 - 1])
def test_any_number_of_microseconds_is_a_time_of_some_day_or_of_none(microseconds):
    batch = pa.record_batch({"created_at": pa.array([microseconds]).cast(pa.timestamp("us", "UTC"))})
    found = Dates(tables.ORDERS, batch, DAY, np.array([day.toordinal() for day in DAYS]))
    assert found.impossible.tolist() == [True]
    assert found.partitions() == [("20251110", None)]


def test_days_of_a_month_are_one_partition():
    october = date(2025, 10, 31)
    found = dates_of(moment(DAY), moment(DAY - timedelta(9)), moment(october), table=tables.CUSTOMERS)
    assert [(name, rows.tolist()) for name, rows in found.partitions()] == [
        ("202510", [False, False, True]),
        ("202511", [True, True, False]),
    ]
    assert dates_of(moment(DAY), moment(DAY - timedelta(9)), table=tables.CUSTOMERS).partitions() == [("202511", None)]


def test_a_table_without_partitions_has_one():
    found = dates_of(moment(DAY), None, moment(date(1999, 1, 1)), table=tables.DISTRIBUTION_CENTERS)
    assert found.partitions() == [("", None)]
    assert found.impossible is None


def test_no_rows_are_of_the_day_on_which_they_would_have_landed():
    found = dates_of()
    assert found.partitions() == [("20251110", None)]
    assert found.ordinals.tolist() == []


TABLES = st.sampled_from([tables.ORDERS, tables.CUSTOMERS, tables.DISTRIBUTION_CENTERS])
MOMENTS = st.one_of(
    st.none(),
    st.builds(moment, st.dates(date(2025, 9, 20), date(2025, 11, 20)), st.sampled_from([0, 12, 23.999])),
    st.builds(moment, st.dates(date.min, date.max)),
)


@given(st.lists(MOMENTS, max_size=30), st.sets(st.sampled_from(DAYS)), TABLES)
def test_a_manifest_counts_for_each_partition_the_rows_that_belong_to_it(moments, days, table):
    """What is planned by the counts of a manifest is what is found when the rows are read."""
    days = sorted(days | {DAY})
    column = table.partition.column if table.partition else "created_at"
    batch = batch_of(*moments).rename_columns([column])
    held = held_by_partition(table, DAY, len(moments), lake.rows_by_date(table, batch), days)
    found = dates_of(*moments, days=days, table=table).partitions()
    counts = {name: len(moments) if rows is None else int(rows.sum()) for name, rows in found}
    assert {name: one.rows for name, one in held.items() if one.rows} == {name: n for name, n in counts.items() if n}
    own_day = [one is not None and one.date() in days and one.date() != DAY for one in moments]
    late = [one for one, other in zip(moments, own_day, strict=True) if other and 0 <= (DAY - one.date()).days <= 31]
    assert sum(one.late for one in held.values()) == (len(late) if table.partition else 0)
    assert partition_of(table, DAY) in held, "even if it gets no rows"


@given(st.lists(MOMENTS, max_size=30), st.sets(st.sampled_from(DAYS)))
def test_dates_are_those_of_a_search_row_by_row(moments, days):
    days = sorted(days | {DAY})
    found = dates_of(*moments, days=days)
    expected, impossible = [], []
    for one in moments:
        own = DAY if one is None else one.date()
        fits = own in days and 0 <= (DAY - own).days <= LONGEST_LATENESS
        expected.append(own if fits else DAY)
        impossible.append(not fits)
    assert [date.fromordinal(day) for day in found.ordinals.tolist()] == expected
    assert (np.zeros(len(moments), bool) if found.impossible is None else found.impossible).tolist() == impossible
    masks = found.partitions()
    counts = Counter(partition_of(tables.ORDERS, day) for day in expected)
    if len(masks) > 1:
        assert {name: int(rows.sum()) for name, rows in masks} == counts
        assert np.sum([rows for _, rows in masks], axis=0).tolist() == [1] * len(moments)
    elif moments:
        assert [(name, len(moments)) for name, _ in masks] == list(counts.items())


@pytest.mark.parametrize(
    ("lag", "held"), [(31, {"20251010": Held(2, 2), "20251110": Held(3)}), (32, {"20251110": Held(5)})]
)
def test_a_manifest_counts_the_latest_rows_where_they_belong_to(lag, held):
    own = DAY - timedelta(lag)
    rows_by_date = {own.isoformat(): 2, DAY.isoformat(): 3}
    assert held_by_partition(tables.ORDERS, DAY, 5, rows_by_date, {own, DAY}) == held


def test_what_files_hold_adds_up():
    assert Held(3, 1) + Held(2, 2) == Held(5, 3)

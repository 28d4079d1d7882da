"""What becomes of every row of a lake, however its rows are divided, against rules in plain Python."""

import json
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.lake import LakeError
from beam_pipelines.options import Period
from beam_pipelines.transforms import deduplication, lake_planning
from beam_pipelines.transforms.accounting import Account
from beam_pipelines.transforms.partitions import LONGEST_LATENESS
from beam_pipelines.transforms.references import DayKey
from beam_pipelines.transforms.splits import keys_of
from beam_pipelines.transforms.transforming import key_of
from tests.transforms.expected import FOUR, KEYS, UNITS, Written, expected_accounts, expected_letters, expected_rows
from tests.transforms.lakes import DAY, Lake, Row, center, days_from, divided, moment, page, unit
from tests.transforms.loading import Loaded, load, sizes


def letters(loaded: Loaded, partition: str) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for letter in loaded.rows("dead_letters_inventory_items", partition):
        key = letter["record"] and json.loads(letter["record"])["inventory_item_id"]
        found[letter["reason"], letter["field"], key] += 1
    return found


@st.composite
def units(draw) -> tuple[date, Row]:
    """A unit and the day on which it landed: few keys, times and amounts, so that they meet."""
    landed = draw(st.integers(0, 3))
    lag = draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3, -1, LONGEST_LATENESS + 1]))
    row = unit(
        draw(st.integers(1, 4)),
        moment(FOUR[landed] - timedelta(lag), draw(st.sampled_from([0, 12, 12, 23.75]))),
        product_id=draw(st.sampled_from([7, 7, 8])),
        cost=Decimal(draw(st.sampled_from(["1.00", "2.50", "9999999999.99"]))),
    )
    wrong = draw(
        st.sampled_from([None] * 12 + ["inventory_item_id", "cost", "created_at", "product_id", "zero", "debt"])
    )
    if wrong == "zero":
        row["inventory_item_id"] = 0
    elif wrong == "debt":
        row["cost"] = Decimal("-0.01")
    elif wrong:
        row[wrong] = None
    return FOUR[landed], row


def write(root: str, placed: list[tuple[date, Row]], days: list[date], random: Random, corrupt: float = 0.0) -> Written:
    """Rows as a lake, divided among files and blocks at random."""
    found, blocks = Lake(root), []
    for day in days:
        files = divided([row for landed, row in placed if landed == day], random)
        found.write(UNITS, day, files)
        for part, file in enumerate(files):
            for number, rows in enumerate(file):
                is_corrupt = random.random() < corrupt
                blocks.append((day, rows, is_corrupt))
                if is_corrupt:
                    found.spoil(UNITS, day, number, part, len(files))
    return Written(found, days, blocks)


ROWS = st.lists(units(), max_size=24)
RANDOMS = st.integers(0, 2**32 - 1).map(Random)
PERIODS = (
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(sorted).map(lambda ends: Period(FOUR[ends[0]], FOUR[ends[1]]))
)
PROPERTY = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def check(loaded: Loaded, written: Written) -> None:
    """What was loaded, refused and accounted for is what plain Python says."""
    partitions = {target.partition[1] for target in loaded.plan.targets}
    for partition, expected in expected_accounts(written, partitions).items():
        account = loaded.accounts["inventory_items", partition]
        assert account.differences("inventory_items") == []
        assert counts(account) == counts(expected)
        rows = loaded.rows("inventory_items", partition)
        assert sorted(rows, key=lambda row: row["inventory_item_id"]) == expected_rows(written, partition)
        assert letters(loaded, partition) == expected_letters(written, partition)
    assert {partition for table, partition in loaded.accounts if table == "inventory_items"} == partitions


def counts(account: Account) -> dict[str, Any]:
    """An account without its files, in which no amount is an amount of 0."""
    found = {name: value or (0,) if name.startswith("amounts") else value for name, value in vars(account).items()}
    return {name: value for name, value in found.items() if name != "files"}


@PROPERTY
@given(ROWS, PERIODS, st.sampled_from([0, 0, 0.2]), RANDOMS)
def test_every_row_is_loaded_refused_deduplicated_or_unreadable(placed, period, corrupt, random):
    with tempfile.TemporaryDirectory() as folder, sizes(random):
        written = write(f"{folder}/lake", placed, FOUR, random, corrupt)
        loaded = load(written.lake, UNITS, period, f"{folder}/staging", KEYS)
        check(loaded, written)
        again = load(written.lake, UNITS, period, f"{folder}/again", KEYS, shuffle=random.shuffle)
        assert again.fingerprints() == loaded.fingerprints(), "the same files give the same bytes in any order"
        assert again.accounts == loaded.accounts


@settings(PROPERTY, max_examples=25)
@given(ROWS, RANDOMS)
def test_a_day_that_is_not_in_the_lake_gets_no_rows(placed, random):
    days = [FOUR[0], *FOUR[2:]]
    with tempfile.TemporaryDirectory() as folder, sizes(random):
        placed = [(landed if landed in days else FOUR[2], row) for landed, row in placed]
        written = write(f"{folder}/lake", placed, days, random)
        check(load(written.lake, UNITS, Period(FOUR[2], FOUR[3]), f"{folder}/staging", KEYS), written)


@settings(PROPERTY, max_examples=25)
@given(ROWS, RANDOMS)
def test_the_days_of_a_period_one_by_one_become_what_they_become_together(placed, random):
    with tempfile.TemporaryDirectory() as folder, sizes(random):
        written = write(f"{folder}/lake", placed, FOUR, random)
        together = load(written.lake, UNITS, Period(FOUR[0], FOUR[3]), f"{folder}/together", KEYS)
        for day in FOUR:
            alone = load(written.lake, UNITS, Period(day, day), f"{folder}/{day}", KEYS)
            partitions = {target.partition[1] for target in alone.plan.targets}
            for partition in partitions:
                assert by_key(alone.rows("inventory_items", partition)) == by_key(
                    together.rows("inventory_items", partition)
                )
                assert alone.accounts["inventory_items", partition] == together.accounts["inventory_items", partition]


def by_key(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["inventory_item_id"])


@settings(PROPERTY, max_examples=30)
@given(ROWS, st.sampled_from([0, 1]), RANDOMS)
def test_keys_whose_hashes_collide_are_false_alarms_only(placed, bits, random):
    def collide(table, batch):
        ids = batch.column("inventory_item_id").fill_null(0).to_numpy()
        return (ids & bits).astype(np.uint64) << np.uint64(63)

    with tempfile.TemporaryDirectory() as folder, sizes(random), pytest.MonkeyPatch.context() as patch:
        patch.setattr(deduplication, "key_hashes", collide)
        written = write(f"{folder}/lake", placed, FOUR, random)
        check(load(written.lake, UNITS, Period(FOUR[0], FOUR[3]), f"{folder}/staging", KEYS), written)


@pytest.fixture
def found(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def load_units(found, tmp_path):
    """Loads a day of the lake's units."""
    return lambda day=DAY: load(found, UNITS, Period(day, day), tmp_path / "staging", KEYS)


def test_clean_rows_go_on_in_their_order_without_being_set_aside(found, load_units):
    blocks = [[unit(number, moment(DAY)) for number in numbers] for numbers in ((5, 3), (9, 1))]
    found.write(UNITS, DAY, [blocks])
    loaded = load_units()
    assert loaded.rows("inventory_items", "20251110") == [row for block in blocks for row in block]
    assert list(loaded.files) == [("inventory_items", "20251110")]
    assert len(loaded.files["inventory_items", "20251110"]) == 1


@pytest.mark.parametrize("shuffle", [lambda some: None, list.reverse, lambda some: some.sort(key=repr)])
def test_doubled_keys_of_many_buckets_are_found_in_whatever_order_these_come(found, tmp_path, monkeypatch, shuffle):
    monkeypatch.setattr(lake_planning, "ROWS_PER_BUCKET", 4)
    rows = [unit(number, moment(DAY, hour)) for number in range(1, 41) for hour in (9, 10)]
    found.write(UNITS, DAY, [[rows[::2]], [rows[1::2]]])
    loaded = load(found, UNITS, Period(DAY, DAY), tmp_path / "staging", KEYS, shuffle=shuffle)
    assert by_key(loaded.rows("inventory_items", "20251110")) == rows[1::2]
    assert len(loaded.files["inventory_items", "20251110"]) > 10, "a file for each bucket"
    assert loaded.accounts["inventory_items", "20251110"].rows_deduplicated == 40


def test_an_invalid_newer_row_does_not_displace_a_valid_older_one(found, load_units):
    older, newer = unit(1, moment(DAY, 9)), unit(1, moment(DAY, 10), cost=None)
    found.write(UNITS, DAY, [[[older]], [[newer]]])
    loaded = load_units()
    assert loaded.rows("inventory_items", "20251110") == [older]
    account = loaded.accounts["inventory_items", "20251110"]
    assert (account.rows_loaded, account.rows_refused, account.rows_deduplicated) == (1, 1, 0)


def test_an_equal_key_of_another_day_is_another_row(found, load_units):
    rows = [unit(1, moment(day)) for day in FOUR[:2]]
    found.write(UNITS, FOUR[0], [[rows[:1]]])
    found.write(UNITS, FOUR[1], [[rows[1:]]])
    loaded = load_units(FOUR[1])
    assert [loaded.rows("inventory_items", f"{day:%Y%m%d}") for day in FOUR[:2]] == [rows[:1], rows[1:]]


def test_a_late_row_competes_with_those_of_its_own_day(found, tmp_path):
    older, newer = unit(1, moment(DAY, 9)), unit(1, moment(DAY, 10))
    found.write(UNITS, FOUR[0], [[[older]]])
    found.write(UNITS, FOUR[3], [[[newer, unit(2, moment(FOUR[3]))]]])
    for day in (FOUR[0], FOUR[3]):
        loaded = load(found, UNITS, Period(day, day), tmp_path / f"{day}", KEYS)
        assert loaded.rows("inventory_items", "20251110") == [newer]
        account = loaded.accounts["inventory_items", "20251110"]
        assert (account.files, account.rows_in, account.rows_late, account.rows_deduplicated) == (2, 2, 1, 1)


@pytest.mark.parametrize("lag", [LONGEST_LATENESS, LONGEST_LATENESS + 1])
def test_a_row_that_lands_too_late_is_refused_where_it_landed(found, tmp_path, lag):
    own = DAY - timedelta(lag)
    found.write(UNITS, own, [[[unit(1, moment(own))]]])
    found.write(UNITS, DAY, [[[unit(2, moment(own), product_id=7), unit(3, moment(DAY))]]])
    keys = [DayKey("distribution_centers", 1, 10), DayKey("products", 1, 7)]
    loaded = load(found, UNITS, Period(DAY, DAY), tmp_path / "staging", keys)
    assert [row["inventory_item_id"] for row in loaded.rows("inventory_items", f"{own:%Y%m%d}")] == (
        [1, 2] if lag == LONGEST_LATENESS else []
    )
    assert letters(loaded, "20251110") == (
        Counter() if lag == LONGEST_LATENESS else Counter({("partition", "created_at", 2): 1})
    )


def test_a_corrupt_block_that_held_rows_of_two_days_is_one_letter(found, load_units):
    rows = [unit(1, moment(FOUR[1])), unit(2, moment(FOUR[1])), unit(3, moment(FOUR[0]))]
    found.write(UNITS, FOUR[0], [[[unit(9, moment(FOUR[0]))]]])
    found.write(UNITS, FOUR[1], [[rows, [unit(4, moment(FOUR[1]))]]])
    spoilt = found.spoil(UNITS, FOUR[1], 0)
    loaded = load_units(FOUR[1])
    first, second = (loaded.accounts["inventory_items", f"{day:%Y%m%d}"] for day in FOUR[:2])
    assert (first.rows_in, first.rows_loaded, first.rows_unreadable) == (2, 1, 1)
    assert (second.rows_in, second.rows_loaded, second.rows_unreadable) == (3, 1, 2)
    assert ("dead_letters_inventory_items", "20251110") not in loaded.files
    (letter,) = loaded.rows("dead_letters_inventory_items", "20251111")
    assert (letter["reason"], letter["field"], letter["record"]) == ("corrupt_block", None, None)
    assert (letter["block_offset"], letter["block_length"]) == (spoilt.offset, spoilt.length)
    assert letter["file"] == "inventory_items/dt=2025-11-11/part-00000-of-00001.avro"


def test_a_manifest_that_counts_dates_wrongly_is_refused(found, load_units):
    found.write(UNITS, FOUR[0], [[[unit(1, moment(FOUR[0]))]]])
    manifest = found.write(UNITS, FOUR[1], [[[unit(2, moment(FOUR[1])), unit(3, moment(FOUR[1]))]]])
    dates = {f"{day}": 1 for day in FOUR[:2]}
    files = tuple(replace(file, rows_by_date=dates) for file in manifest.files)
    found.write_manifest(replace(manifest, files=files, rows_by_date=dates))
    expected = "expected 1 rows of partition 20251110 as its manifest says, found 0"
    with pytest.raises(LakeError, match=f"dt=2025-11-11/part-00000-of-00001.avro: {expected}$"):
        load_units(FOUR[1])


def test_a_table_without_partitions_is_deduplicated_whole(found, tmp_path):
    first, second = days_from(DAY, 2)
    found.write(tables.DISTRIBUTION_CENTERS, first, [[[center(1, "Memphis TN"), center(2)]]])
    found.write(tables.DISTRIBUTION_CENTERS, second, [[[center(1, "Chicago IL"), center(None)]]])
    loaded = load(found, tables.DISTRIBUTION_CENTERS, Period(second, second), tmp_path / "staging")
    assert loaded.rows("distribution_centers", "") == [center(2), center(1, "Memphis TN")]
    account = loaded.accounts["distribution_centers", ""]
    assert (account.rows_in, account.rows_refused, account.rows_deduplicated, account.rows_late) == (4, 1, 1, 0)
    (letter,) = loaded.rows("dead_letters_distribution_centers", "")
    assert (letter["partition_date"], letter["reason"]) == (date(1970, 1, 1), "required")


def test_sessions_are_of_the_events_that_are_loaded_whoever_read_them(found, tmp_path, monkeypatch):
    monkeypatch.setattr(lake_planning, "ROWS_PER_SPLIT", 1)
    monkeypatch.setattr(lake_planning, "ROWS_PER_BUCKET", 2)
    first, second = days_from(DAY, 2)
    own = [
        page(number, moment(first, number), sequence_number=number, session_id=f"s{number % 2}")
        for number in range(1, 6)
    ]
    late = page(6, moment(first, 6), sequence_number=6, session_id="s1", uri="/cart", event_type="cart")
    refused = page(7, moment(first, 7), session_id="s1", browser="Lynx")
    newer = own[2] | {"occurred_at": moment(first, 9), "uri": "/product/7", "event_type": "product"}
    found.write(tables.WEB_EVENTS, first, [[own[:2]], [own[2:], [refused]]])
    found.write(tables.WEB_EVENTS, second, [[[late, newer]]])
    loaded = load(found, tables.WEB_EVENTS, Period(second, second), tmp_path / "staging")
    rows = {row["session_id"]: row for row in loaded.rows("sessions", "20251110")}
    assert {name: (row["events"], row["exit_page"], row["carted"]) for name, row in rows.items()} == {
        "s0": (2, "/home", False),
        "s1": (4, "/product/7", True),
    }
    assert loaded.accounts["sessions", "20251110"].rows_loaded == len(rows)
    assert loaded.accounts["web_events", "20251110"].rows_deduplicated == 1


def test_versions_of_products_that_are_loaded_are_told(found, tmp_path, product_version):
    months = [date(2025, 10, 31), date(2025, 11, 1)]
    rows = [product_version(7, 1, moment(months[0])), product_version(7, 2, moment(months[1]))]
    rows += [rows[1] | {"brand": "Zzz"}, product_version(8, 1, moment(months[0]), category="Hats")]
    found.write(tables.PRODUCTS, months[0], [[[rows[0]]]])
    found.write(tables.PRODUCTS, months[1], [[rows[1:3]], [rows[3:]]])
    loaded = load(found, tables.PRODUCTS, Period(months[1], months[1]), tmp_path / "staging")
    versions = [row for batch in loaded.products for row in batch.to_pylist()]
    assert sorted(versions, key=lambda row: row["version"]) == [rows[0], rows[2]]
    assert {partition for _, partition in loaded.files} == {"202510", "202511"}


def test_keys_are_hashed_by_partition_and_bucket(found, monkeypatch):
    monkeypatch.setattr(lake_planning, "ROWS_PER_BUCKET", 2)
    rows = [unit(number, moment(FOUR[number % 2])) for number in range(1, 9)]
    found.write(UNITS, FOUR[0], [])
    found.write(UNITS, FOUR[1], [[rows]])
    (split,) = found.plan(UNITS, Period(FOUR[1], FOUR[1])).splits
    assert key_of(split) == (("inventory_items", "20251111-00000"), split)
    parts = list(keys_of(split))
    assert [(partition, bucket) for partition, bucket, _ in parts] == [
        (partition, bucket) for partition in ("20251110", "20251111") for bucket in range(2)
    ]
    assert sum(len(hashes) for _, _, hashes in parts) == len(rows)
    for _, bucket, hashes in parts:
        assert set(deduplication.buckets_of(hashes, 2).tolist()) <= {bucket}

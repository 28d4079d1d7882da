"""What every kind does to a row, by the rules that load checks; and that nothing else breaks a rule."""

import json
from collections import Counter, defaultdict
from datetime import date

import numpy as np
import pytest

from beam_pipelines import avro, tables
from beam_pipelines.defects import ROW_KINDS, candidates
from beam_pipelines.transforms.partitions import Dates
from beam_pipelines.transforms.references import DayKey, LastKeys
from beam_pipelines.transforms.validation import findings
from beam_pipelines.world import OPENING
from tests.defects.conftest import FIRST, LAST
from tests.defects.toy_world import WORLD

PARTITIONED = [table for table in tables.LAKE if table.partition]
BROKEN = {
    "missing_value": "required",
    "out_of_range": "range",
    "unknown_reference": "references",
    "unknown_value": "values",
    "unbalanced": "equation",
    "time_travel": "partition",
}
"""The rule that a row breaks of each kind."""

LAST_KEYS = LastKeys(
    DayKey(table.name, OPENING.toordinal(), 10**5 if table is tables.DISTRIBUTION_CENTERS else 10**14)
    for table in tables.LAKE
)
"""More rows than there are of any table, and fewer than defective rows refer to."""


@pytest.mark.parametrize("kind", ROW_KINDS)
@pytest.mark.parametrize("table", PARTITIONED, ids=lambda table: table.name)
def test_just_the_defective_rows_break_their_rule(table, kind, write):
    found = write(table, **{kind: 0.3})
    by_place = {(line["file"], line["offset"], line["row_in_block"]): line for line in found.truths()}
    for manifest in found.manifests:
        days = np.arange(manifest.day.toordinal() - 3, manifest.day.toordinal() + 1)
        for written in manifest.files:
            name = f"{table.name}/dt={manifest.day}/{written.name}"
            with (found.root / name).open("rb") as file:
                for block in avro.read_blocks(file):
                    broken = defaultdict(set)
                    dates = Dates(table, block.batch, manifest.day, days)
                    for finding in findings(table, block.batch, dates, LAST_KEYS):
                        for row in finding.rows.nonzero()[0].tolist():
                            broken[row].add((finding.reason, finding.field))
                    for row in range(block.rows):
                        line = by_place.get((name, block.offset, row))
                        reasons = {reason for reason, _ in broken[row]}
                        if line and (reason := BROKEN.get(kind)):
                            assert (reason, line["field"]) in broken[row]
                        else:
                            assert reasons == set()


@pytest.mark.parametrize("table", PARTITIONED, ids=lambda table: table.name)
def test_every_column_that_a_kind_can_change_is_changed_now_and_then(table, write):
    for kind in (*BROKEN, "unknown_reference"):
        columns = {line["field"] for line in write(table, **{kind: 1}).truths()}
        assert columns == set(candidates.paths(kind, table.name)), kind


def test_what_can_be_changed_follows_from_the_tables():
    assert candidates.paths("unknown_reference", "orders") == (
        *("customer_id", "items.product_id", "items.inventory_item_id"),
    )
    assert candidates.paths("unbalanced", "orders") == ("subtotal", "discount", "items.sale_price", "total")
    assert candidates.paths("missing_value", "customers")[:2] == ("valid_from", "created_at")
    assert "customer_id" not in candidates.paths("out_of_range", "customers")
    assert candidates.paths("unbalanced", "web_events") == ()
    for kind in ("late", "newer_version", "time_travel"):
        assert candidates.paths(kind, "distribution_centers") == ()


def test_what_a_newer_version_changes_is_a_column_of_its_table_and_no_part_of_a_rule():
    for table in PARTITIONED:
        (path,) = candidates.paths("newer_version", table.name)
        assert path not in (*table.key, table.partition.column)
        amounts = {term for rule in table.equations for term in (rule.left, *rule.plus, *rule.minus)}
        assert path not in amounts


def test_newer_versions_are_later_on_the_same_day_and_valid(write):
    for table in PARTITIONED:
        lines = write(table, newer_version=0.5).truths()
        assert lines
        for line in lines:
            also = line["also"]
            assert also["field"] == table.partition.column
            assert also["was"] < also["is"]
            assert also["was"][:10] == also["is"][:10] == line["event_date"]
            column = table.column(line["field"])
            assert line["is"] != line["was"]
            assert not column.values or line["is"] in column.values


def test_unknown_references_are_beyond_every_key(write):
    for table in PARTITIONED:
        for line in write(table, unknown_reference=0.5).truths():
            parent = candidates.column_at(table, line["field"]).references.partition(".")[0]
            assert line["is"] >= (10**6 if parent == "distribution_centers" else 10**15)
            assert line["is"] < 2**53


def test_time_travellers_come_from_before_the_opening(write):
    for table in PARTITIONED:
        for line in write(table, time_travel=0.5).truths():
            assert date(2008, 12, 1) < date.fromisoformat(line["is"][:10]) < OPENING
            assert line["is"][10:] == line["was"][10:], "the time of day stays"


def test_late_rows_land_within_three_days_those_of_a_block_together(write):
    found = write(tables.ORDERS, late=0.5)
    delays = defaultdict(set)
    for line in found.truths("withheld"):
        block = (int(line["key"]["order_id"]) - 1) % 1000 // 16
        delay = date.fromisoformat(line["landed_date"]) - date.fromisoformat(line["event_date"])
        delays[line["event_date"], block].add(delay.days)
    assert {len(days) for days in delays.values()} == {1}
    assert set.union(*delays.values()) == {1, 2, 3}


def test_what_is_withheld_is_late_elsewhere(write):
    found = write(tables.ORDERS, FIRST - 3, LAST, late=0.5)
    withheld, late = (
        Counter(json.dumps([line["key"], line["event_date"], line["landed_date"]]) for line in found.truths(kind))
        for kind in ("withheld", "late")
    )
    last = found.manifests[-1].day.isoformat()
    first = found.manifests[0].day.isoformat()
    assert {row for row in withheld if json.loads(row)[2] <= last} == {
        row for row in late if json.loads(row)[1] >= first
    }


def test_duplicates_lie_in_the_next_block_if_there_is_one(write):
    found = write(tables.ORDERS, duplicate=0.5)
    for line in found.truths():
        blocks = WORLD.blocks("orders", int(line["key"]["order_id"]) // 1000)
        own = (line["key"]["order_id"] - 1) % 1000 // 16
        part = int(line["file"].split("part-")[1][:5])
        assert part * 2 + line["block"] == (own + 1) % blocks
    assert len({line["file"] for line in found.truths()}) > len(found.manifests), "in several files of a day"


def test_a_day_without_rows_has_those_that_land_there(write):
    empty = [day for day in range(FIRST, FIRST + 60) if not WORLD.rows("orders", day)]
    assert empty
    found = [write(tables.ORDERS, day, day, late=0.5) for day in empty]
    for lake in found:
        (manifest,) = lake.manifests
        assert manifest.rows == len(lake.truths("late"))
        assert len(manifest.files) == bool(manifest.rows)
        assert date.fromisoformat(min(manifest.rows_by_date, default="2000-01-01")) < manifest.day
    assert any(lake.truths("late") for lake in found)


def test_days_and_neighbours_make_no_difference(write, tree_hashes):
    rates = dict.fromkeys(ROW_KINDS, 0.05) | {"corrupt_block": 0.1, "older_schema": 0.1}
    together, alone = write(tables.ORDERS, **rates), write(tables.ORDERS, FIRST, FIRST, **rates)
    for day in range(LAST, FIRST, -1):
        write(tables.ORDERS, day, day, alone.root, **rates)
    assert tree_hashes(alone.root) == tree_hashes(together.root)


def test_rates_of_nothing_leave_the_files_as_they_are(write):
    clean, tiny = write(tables.ORDERS), write(tables.ORDERS, late=1e-12, unbalanced=1e-12)
    assert [manifest.files for manifest in clean.manifests] == [manifest.files for manifest in tiny.manifests]
    for manifest in clean.manifests:
        for file in manifest.files:
            name = f"orders/dt={manifest.day}/{file.name}"
            assert (clean.root / name).read_bytes() == (tiny.root / name).read_bytes()

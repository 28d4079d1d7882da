"""The truth accounts for every difference between a defective lake and a clean one, and for no other."""

from collections import Counter, defaultdict

import pytest

from beam_pipelines import tables
from beam_pipelines.defects import ROW_KINDS, schemas
from beam_pipelines.defects.candidates import applies
from tests.defects.conftest import FIRST, LAST
from tests.defects.lakes import points_at_its_row, reconcile

PARTITIONED = [table for table in tables.LAKE if table.partition]
ALL = dict.fromkeys(ROW_KINDS, 0.04)


@pytest.mark.parametrize("kind", ROW_KINDS)
@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
def test_one_kind_alone(table, kind, write, clean_rows):
    found = write(table, **{kind: 0.2})
    reconcile(found, clean_rows(table, FIRST - 3, LAST))
    points_at_its_row(found)
    kinds = {line["kind"] for line in found.truths()} - ({"withheld"} if kind == "late" else set())
    assert kinds == ({kind} if applies(kind, table) and table in PARTITIONED else set())


def test_a_table_without_partitions_has_what_needs_no_time(write, clean_rows):
    found = write(tables.DISTRIBUTION_CENTERS, 0, 2, **dict.fromkeys(ROW_KINDS, 0.3))
    reconcile(found, clean_rows(tables.DISTRIBUTION_CENTERS, 0, 2))
    assert {line["kind"] for line in found.truths()} == {"duplicate", "missing_value", "out_of_range"}


@pytest.mark.parametrize("rate", [0.01, 0.04, 0.3])
@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
def test_all_kinds_together(table, rate, write, clean_rows):
    found = write(table, **dict.fromkeys(ROW_KINDS, rate))
    reconcile(found, clean_rows(table, FIRST - 3, LAST))
    points_at_its_row(found)


@pytest.mark.parametrize("kind", ROW_KINDS)
def test_every_kind_at_the_highest_rate(kind, write, clean_rows):
    found = write(tables.ORDERS, **{kind: 1})
    reconcile(found, clean_rows(tables.ORDERS, FIRST - 3, LAST))
    points_at_its_row(found)


@pytest.mark.parametrize("table", PARTITIONED, ids=lambda table: table.name)
def test_a_corrupt_block_is_a_damage_and_nothing_else_differs(table, write):
    whole, found = write(table, **ALL), write(table, corrupt_block=0.3, **ALL)
    damages = []
    readable = list(found.blocks(on_damage=lambda name, damage: damages.append((name, damage.offset, damage.length))))
    lines = found.truths("corrupt_block")
    assert sorted(damages) == sorted((line["file"], line["offset"], line["length"]) for line in lines) != []
    lost = {(name, offset) for name, offset, _ in damages}
    assert readable == [block for block in whole.blocks() if (block.file, block.offset) not in lost]
    rows = {(block.file, block.offset): len(block.rows) for block in whole.blocks()}
    assert all(rows[line["file"], line["offset"]] == line["rows"] for line in lines)
    assert [m.files for m in found.manifests] == [m.files for m in whole.manifests], "described as it was written"
    for line in found.truths(*ROW_KINDS):
        assert line["unreadable"] is ((line["file"], line["offset"]) in lost)
    without = [line | {"unreadable": False} for line in found.truths(*ROW_KINDS, "withheld")]
    assert without == whole.truths()


@pytest.mark.parametrize("table", PARTITIONED, ids=lambda table: table.name)
def test_an_older_schema_is_read_as_the_tables(table, write):
    clean, found = write(table), write(table, older_schema=0.5)
    files = {line["file"] for line in found.truths()}
    assert 0 < len(files) < sum(len(manifest.files) for manifest in found.manifests)
    column, is_absent = schemas.older(table)
    for block, expected in zip(found.blocks(), clean.blocks(), strict=True):
        older = block.file in files
        rows = [row | ({column: None} if older and is_absent else {}) for row in expected.rows]
        assert (block.file, block.rows) == (expected.file, rows)


@pytest.mark.parametrize("table", PARTITIONED, ids=lambda table: table.name)
def test_older_schemas_with_all_other_kinds(table, write, clean_rows):
    column, is_absent = schemas.older(table)
    found = write(table, older_schema=0.5, **ALL)
    reconcile(found, clean_rows(table, FIRST - 3, LAST), without=column if is_absent else "")
    older = {line["file"] for line in found.truths("older_schema")}
    assert older
    changes = [line for line in found.truths(*ROW_KINDS) if line["file"] in older and line["field"] == column]
    assert not changes or not is_absent, "what is not there is not changed"


@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
def test_manifests_describe_what_the_files_hold(table, write):
    found = write(table, **ALL, older_schema=0.3)
    rows, dates, totals = Counter(), defaultdict(Counter), defaultdict(Counter)
    for block in found.blocks():
        day = block.file.split("/")[1].removeprefix("dt=")
        rows[day] += len(block.rows)
        for row in block.rows:
            if table.partition and (moment := row[table.partition.column]):
                dates[day][moment.date().isoformat()] += 1
            for path in table.numeric_paths:
                name, _, field = path.partition(".")
                values = [item[field] for item in row[name]] if field else [row[name]]
                totals[day][path] += sum(value for value in values if value is not None)
    for manifest in found.manifests:
        day = manifest.day.isoformat()
        assert manifest.rows == rows[day]
        assert manifest.rows_by_date == dates[day]
        assert {path: float(total) for path, total in manifest.sums.items()} == {
            path: float(totals[day][path]) for path in table.numeric_paths
        }
        assert manifest.defects == {"older_schema": 0.3} | ALL

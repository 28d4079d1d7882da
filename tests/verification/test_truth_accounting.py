"""How many rows each day must have by the truth, and what of the truth cannot be read."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from beam_pipelines import tables
from beam_pipelines.lake import LakeError
from beam_pipelines.verification.scoring import accounting, lake_truth
from beam_pipelines.verification.scoring.lake_days import Scope
from tests.verification.truth_tables import BEFORE, DAY, FILE, NEXT, Database

SECOND = FILE.replace("00000-of", "00001-of")
BYTES = 10_000


class OneWorld:
    """A world that has so many orders a day."""

    def __init__(self, **rows: int) -> None:
        self._rows = rows

    def rows(self, table: str, day: int) -> int:
        return self._rows[f"day{day}"]


def database(rows: int = 40, second: int = 0) -> Database:
    """A day with a file of so many rows, perhaps another, and a day after it without."""
    found = Database()
    for part, (name, count) in enumerate(((FILE, rows), (SECOND, second))):
        if count:
            found.insert("lake_files", table_name="orders", day=DAY, part=part, file=name, rows=count, bytes=BYTES)
    return found


def expected(found: Database, drawn: int, after: int = 0) -> int:
    """Rows that the first day must have."""
    accounting.account(found.connection, OneWorld(day1=drawn, day2=after), "lake")
    query = "SELECT rows FROM expected WHERE day = ?"
    (rows,) = found.connection.execute(query, [DAY]).fetchone()
    return rows


def corrupt(found: Database, rows: int, block: int = 0, offset: int = 500, length: int = 900, **changed: Any) -> None:
    found.truth("corrupt_block", None, rows=rows, block=block, block_offset=offset, length=length, **changed)


def test_a_day_without_defects_must_have_what_the_world_drew():
    assert expected(database(40), drawn=40) == 40


def test_refused_rows_are_not_to_be_there_whether_they_can_be_read_or_not():
    found = database(40)
    for row, kind in enumerate(accounting.REFUSED):
        found.truth(kind, row)
    found.truth("out_of_range", 9, unreadable=True)
    corrupt(found, rows=3, length=900)
    assert expected(found, drawn=40) == 40 - len(accounting.REFUSED) - 1 - 2


def test_copies_add_nothing():
    found = database(42)
    found.truth("duplicate", 40)
    found.truth("newer_version", 41)
    assert expected(found, drawn=40) == 40


def test_late_rows_count_for_their_own_day_if_they_land():
    found = database(38)
    for number, (landed, lost) in enumerate(((NEXT, False), (NEXT, True), (date(2019, 1, 4), False))):
        key = f"late{number}"
        found.truth("withheld", None, key=key, landed_date=landed)
        if landed == NEXT:
            found.truth("late", 5, key=key, landed_date=NEXT, day=NEXT, unreadable=lost, file="elsewhere", block=number)
    name = FILE.replace(str(DAY), str(NEXT))
    found.insert("lake_files", table_name="orders", day=NEXT, part=0, file=name, rows=12, bytes=BYTES)
    assert expected(found, drawn=41, after=10) == 39, "of three late rows one lands where it can be read"
    assert found.connection.execute("SELECT rows FROM expected WHERE day = ?", [NEXT]).fetchall() == [(10,)]


def test_late_rows_of_other_days_are_not_the_days():
    found = database(42)
    found.truth("late", 40, event_date=BEFORE)
    found.truth("late", 41, event_date=BEFORE)
    assert expected(found, drawn=40) == 40


def test_a_row_that_is_twice_is_there_if_one_of_the_two_can_be_read():
    found = database(60)
    # Three blocks: the first two are lost, the third ends the file and has a copy of a row of the second.
    corrupt(found, rows=20, block=0, offset=500, length=3_000)
    corrupt(found, rows=22, block=1, offset=3_500, length=3_000)
    found.truth("duplicate", 20, block=1, unreadable=True)
    found.truth("newer_version", 21, block=1, unreadable=True)
    found.truth("duplicate", 17, block=2, block_offset=6_500)
    assert expected(found, drawn=57) == 57 - 20 - 20 + 1, "copies in the second block are lost with their firsts"


@pytest.mark.parametrize(("length", "alone"), [(BYTES - 500, True), (900, False)])
def test_the_block_before_a_days_first_is_its_last(length, alone):
    found = database(20, second=10)
    corrupt(found, rows=10, file=SECOND, part=1, length=length)
    found.truth("duplicate", 19, block=0)
    drawn = 29
    assert expected(found, drawn) == drawn - 10 + alone


def test_the_block_before_a_files_first_is_the_last_of_the_file_before():
    found = database(20, second=10)
    corrupt(found, rows=20, length=BYTES - 500)
    found.truth("duplicate", 9, file=SECOND, part=1)
    assert expected(found, drawn=29) == 29 - 20 + 1


def test_the_only_block_is_before_itself():
    found = database(21)
    corrupt(found, rows=21, length=BYTES - 500)
    found.truth("duplicate", 20, unreadable=True)
    assert expected(found, drawn=20) == 0


def test_a_day_all_of_whose_rows_are_late_leaves_no_file():
    found = database(0)
    for number in range(3):
        found.truth("withheld", None, key=str(number), landed_date=date(2019, 1, 9))
    assert expected(found, drawn=3) == 0


def test_truth_that_does_not_account_for_the_days_rows_is_refused():
    found = database(41)
    with pytest.raises(LakeError, match=r"_truth/orders/dt=2019-01-02: expected to account.* for the 40 rows.* got 41"):
        expected(found, drawn=40)


def differing(found: Database, scope: Scope) -> list[tuple[Any, ...]]:
    expected(found, drawn=40)
    accounting.examine(found.connection, scope)
    return found.connection.execute("SELECT day, expected, rows FROM differing ORDER BY day").fetchall()


@pytest.mark.parametrize(
    ("counted", "scope", "days"),
    [
        ({DAY: (40, 40)}, Scope(), []),
        ({DAY: (41, 40)}, Scope(), [(DAY, 40, 41)]),
        ({DAY: (40, 39)}, Scope(), [(DAY, 40, 40)]),
        ({}, Scope(), [(DAY, 40, 0)]),
        ({DAY: (40, 40), date(2009, 1, 1): (1, 1)}, Scope(DAY, NEXT), [(date(2009, 1, 1), 0, 1)]),
        ({DAY: (40, 40), date(2019, 2, 1): (1, 1)}, Scope(), [(date(2019, 2, 1), 0, 1)]),
        ({DAY: (40, 40), date(2019, 2, 1): (1, 1)}, Scope(DAY, NEXT), []),
        ({DAY: (40, 40), BEFORE: (7, 7)}, Scope(start=DAY), []),
        ({DAY: (40, 40), date(2019, 2, 1): (1, 1)}, Scope(end=NEXT), []),
    ],
)
def test_days_differ_if_their_rows_are_not_as_many_or_have_keys_in_common(counted, scope, days):
    found = database(40)
    for day, (rows, keys) in counted.items():
        found.insert("counted", table_name="orders", day=day, rows=rows, keys=keys)
    assert differing(found, scope) == days


LINE = {"kind": "late", "table": "orders", "key": {"order_id": 5}, "event_date": "2019-01-02"}
LINE |= {"landed_date": "2019-01-03", "field": None, "was": None, "is": None, "also": None, "file": "orders/x.avro"}
LINE |= {"block": 0, "offset": 500, "row_in_block": 4, "row": 4, "rows": None, "length": None, "unreadable": False}


def read(folder: Path, *texts: str, table: str = "orders") -> Database:
    found = Database()
    files = []
    for part, text in enumerate(texts):
        path = folder / f"part-0000{part}-of-0000{len(texts)}.jsonl"
        path.write_text(text)
        files.append(lake_truth.truth_file(str(path), NEXT, in_scope=True))
    lake_truth.read(found.connection, tables.BY_NAME[table], files)
    return found


def test_lines_are_read_with_their_keys_days_and_files(tmp_path, monkeypatch):
    monkeypatch.setattr(lake_truth, "BYTES_AT_ONCE", 700)
    newer = LINE | {"kind": "newer_version", "field": "payment_method", "was": "card", "is": 'pay"pal'}
    newer["also"] = {"field": "created_at", "was": "a", "is": "b"}
    lines = [LINE, newer, LINE | {"kind": "corrupt_block", "key": None, "rows": 3, "length": 70}]
    found = read(tmp_path, "".join(json.dumps(line) + "\n" for line in lines), json.dumps(LINE), json.dumps(newer))
    query = """SELECT kind, key, part, day, field, was, "is", also_field, also_is, rows, in_scope FROM truths"""
    late = ("late", "5", 0, NEXT, None, None, None, None, None, None, True)
    changed = ("newer_version", "5", 0, NEXT, "payment_method", "card", 'pay"pal', "created_at", "b", None, True)
    assert found.connection.execute(f"{query} ORDER BY number").fetchall() == [
        late, changed, ("corrupt_block", None, 0, NEXT, None, None, None, None, None, 3, True),
        (*late[:2], 1, *late[3:]), (*changed[:2], 2, *changed[3:]),
    ]  # fmt: skip


def test_keys_of_several_columns_are_joined_in_the_tables_order(tmp_path):
    line = LINE | {"table": "products", "key": {"version": 2, "product_id": 31}}
    found = read(tmp_path, json.dumps(line), table="products")
    assert found.connection.execute("SELECT key FROM truths").fetchall() == [("31-2",)]


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "late", ',
        "[]",
        json.dumps(LINE | {"kind": "gone"}),
        json.dumps(LINE | {"table": "products"}),
        json.dumps(LINE | {"event_date": "soon"}),
        json.dumps({name: value for name, value in LINE.items() if name != "landed_date"}),
    ],
)
def test_a_line_that_is_none_is_refused_by_file_and_number(tmp_path, text):
    with pytest.raises(LakeError) as caught:
        read(tmp_path, json.dumps(LINE) + "\n", json.dumps(LINE) + "\n" + text + "\n")
    assert str(caught.value).startswith(f"{tmp_path}/part-00001-of-00002.jsonl: line 2: expected a defect of orders")
    assert repr(text.strip()[:80]) in str(caught.value)

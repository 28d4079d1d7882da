"""What counts as caught, as missed and as a false alarm, on truth and letters written by hand."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.defects import KINDS
from beam_pipelines.verification.scoring import verdicts
from beam_pipelines.verification.scoring.scores import DELIVERED, Score, together
from tests.verification.truth_tables import BEFORE, DAY, FILE, NEXT, Database, counts

REFUSED = {kind: reason for kind, reason in verdicts.REASONS.items() if kind != "corrupt_block"}
FIELDS = dict.fromkeys(REFUSED, "tax") | {"time_travel": "created_at"}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_row_is_caught_by_the_letter_of_its_reason_and_column(kind):
    found = Database()
    found.truth(kind, field=FIELDS[kind])
    found.letter(REFUSED[kind], field=FIELDS[kind])
    assert {name: counts(score) for name, score in found.judge().items()} == {kind: (1, 1, 0, 0)}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_row_without_a_letter_is_missed(kind):
    found = Database()
    found.truth(kind, field=FIELDS[kind])
    score = found.judge()[kind]
    assert counts(score) == (1, 0, 1, 0)
    assert score.first_missed == f"1 {FIELDS[kind]} {FILE}:500:0"


@pytest.mark.parametrize(
    ("kind", "other"), [(kind, other) for kind in REFUSED for other in verdicts.REASONS if kind != other]
)
def test_another_reason_catches_nothing_and_is_a_false_alarm_of_its_own_kind(kind, other):
    found = Database()
    found.truth(kind, field=FIELDS[kind])
    found.letter(verdicts.REASONS[other], field=FIELDS[kind])
    scores = found.judge()
    assert counts(scores[kind]) == (1, 0, 1, 0)
    assert counts(scores[other]) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"field": "shipping"},
        {"field": None},
        {"row": 1},
        {"row": None},
        {"block_offset": 501},
        {"block_length": 5},
        {"file": FILE.replace("00000", "00001")},
    ],
)
def test_a_letter_about_something_else_catches_nothing(changed):
    found = Database()
    found.truth("out_of_range", field="tax")
    found.letter("range", **{"field": "tax"} | changed)
    assert counts(found.judge()["out_of_range"]) == (1, 0, 1, 1)


def test_a_second_letter_about_the_same_is_one_too_many():
    found = Database()
    found.truth("out_of_range", field="tax")
    for _ in range(3):
        found.letter("range", field="tax")
    score = found.judge()["out_of_range"]
    assert counts(score) == (1, 1, 0, 2)
    assert score.precision == pytest.approx(1 / 3)
    assert score.first_false_alarm == f"range tax {FILE}:500:0"


def test_a_second_letter_of_another_reason_is_one_too_many_too():
    found = Database()
    found.truth("out_of_range", field="tax")
    found.letter("range", field="tax")
    found.letter("equation", field="total")
    scores = found.judge()
    assert counts(scores["out_of_range"]) == (1, 1, 0, 0)
    assert counts(scores["unbalanced"]) == (0, 0, 0, 1)


def test_letters_of_reasons_that_no_defect_has_are_shown_under_their_own_names():
    found = Database()
    found.letter("time_order", field="created_at")
    found.letter("weather", row=4)
    scores = found.judge()
    assert counts(scores["time_travel"]) == (0, 0, 0, 1)
    assert counts(scores["weather"]) == (0, 0, 0, 1)
    assert [score.kind for score in together(scores.values())] == ["time_travel", "weather"]


@pytest.mark.parametrize(("length", "expected"), [(900, (1, 1, 0, 0)), (901, (1, 0, 1, 1)), (None, (1, 0, 1, 1))])
def test_a_corrupt_block_is_caught_by_a_letter_of_its_length(length, expected):
    found = Database()
    found.truth("corrupt_block", row=None, length=900, rows=40)
    found.letter("corrupt_block", row=None, block_length=length)
    assert counts(found.judge()["corrupt_block"]) == expected


def test_rows_in_corrupt_blocks_are_counted_as_unreadable_only():
    found = Database()
    kinds = [*REFUSED, "late", "duplicate", "newer_version"]
    for kind in kinds:
        found.truth(kind, field="payment_method", unreadable=True)
    scores = found.judge()
    assert set(scores) == set(kinds)
    assert {(*counts(score), score.unreadable) for score in scores.values()} == {(0, 0, 0, 0, 1)}


def test_what_is_not_in_scope_is_not_scored():
    found = Database()
    found.truth("out_of_range", field="tax", in_scope=False)
    found.truth("withheld", landed_date=NEXT)
    assert found.judge() == {}


@pytest.mark.parametrize(
    ("days", "is_caught"), [([DAY], True), ([NEXT], False), ([], False), ([DAY, DAY], False), ([DAY, NEXT], False)]
)
def test_a_late_row_is_to_be_in_its_own_days_partition_once(days, is_caught):
    found = Database()
    key = found.truth("late", landed_date=NEXT, day=NEXT)
    for day in days:
        found.row(key, day)
    assert counts(found.judge()["late"]) == (1, int(is_caught), int(not is_caught), 0)


@pytest.mark.parametrize(("reason", "field", "is_caught"), [("partition", "created_at", True), ("range", "tax", False)])
def test_a_late_row_of_a_day_that_the_lake_does_not_have_is_to_be_refused(reason, field, is_caught):
    found = Database()
    found.truth("late", event_date=BEFORE)
    found.letter(reason, field=field)
    scores = found.judge()
    assert counts(scores["late"])[:3] == (1, int(is_caught), int(not is_caught))
    assert sum(score.false_alarms for score in scores.values()) == int(not is_caught)


def test_a_late_row_that_is_refused_though_the_lake_has_its_day_is_missed():
    found = Database()
    found.truth("late", landed_date=NEXT, day=NEXT)
    found.letter("partition", field="created_at")
    scores = found.judge()
    assert counts(scores["late"]) == (1, 0, 1, 0)
    assert counts(scores["time_travel"]) == (0, 0, 0, 1)


@pytest.mark.parametrize(("rows", "is_caught"), [(0, False), (1, True), (2, False)])
def test_of_a_duplicate_one_row_is_to_stay(rows, is_caught):
    found = Database()
    key = found.truth("duplicate")
    for _ in range(rows):
        found.row(key)
    assert counts(found.judge()["duplicate"]) == (1, int(is_caught), int(not is_caught), 0)


@pytest.mark.parametrize(
    ("rows", "is_caught"),
    [
        ([("paypal", "12:00:00")], True),
        ([("card", "11:00:00")], False),
        ([("paypal", "11:00:00")], False),
        ([(None, "12:00:00")], False),
        ([("paypal", "12:00:00"), ("card", "11:00:00")], False),
        ([("paypal", "12:00:00")] * 2, False),
        ([], False),
    ],
)
def test_of_two_versions_the_newer_is_to_stay(rows, is_caught):
    found = Database()
    newer = {"field": "payment_method", "was": "card", "is": "paypal"}
    key = found.truth("newer_version", **newer, also_field="created_at", also_is="2019-01-02T13:00:00+01:00")
    for method, time in rows:
        found.row(key, method=method, at=datetime.fromisoformat(f"2019-01-02T{time}"))
    assert counts(found.judge()["newer_version"]) == (1, int(is_caught), int(not is_caught), 0)


@pytest.mark.parametrize(("value", "is_caught"), [(None, True), ("SPRING", False)])
def test_rows_of_a_file_of_an_older_schema_are_to_have_nulls_where_it_has_nothing(value, is_caught):
    found = Database()
    number = found.truth("older_schema", row=None, field="promotion_code", was='["null","string"]')
    found.samples = [(number, "7", value), (number, "8", None)]
    found.row(7)
    found.row(8)
    assert counts(found.judge()["older_schema"]) == (1, int(is_caught), int(not is_caught), 0)


@pytest.mark.parametrize(("keys", "is_caught"), [([], False), ([7], True), ([7, 8], True)])
def test_some_rows_of_a_file_of_an_older_schema_are_to_be_there(keys, is_caught):
    found = Database()
    number = found.truth("older_schema", row=None, field="promotion_code")
    found.samples = [(number, "7", None), (number, "8", None)]
    for key in keys:
        found.row(key)
    assert counts(found.judge()["older_schema"]) == (1, int(is_caught), int(not is_caught), 0)


def test_a_file_of_an_older_schema_that_nobody_can_read_is_caught_if_it_is_not_refused():
    found = Database()
    found.truth("older_schema", row=None, field="promotion_code")
    assert counts(found.judge()["older_schema"]) == (1, 1, 0, 0)


def test_a_file_of_an_older_schema_is_not_to_be_refused_as_a_whole():
    found = Database()
    found.truth("older_schema", row=None, field="promotion_code")
    found.letter("schema", row=None)
    scores = found.judge()
    assert counts(scores["older_schema"]) == (1, 0, 1, 0)
    assert counts(scores["schema"]) == (0, 0, 0, 1)


def test_a_file_of_an_older_schema_may_have_other_defects():
    found = Database()
    found.truth("older_schema", row=None, field="promotion_code")
    found.truth("corrupt_block", row=None, length=900, rows=40)
    found.letter("corrupt_block", row=None, block_length=900)
    found.truth("out_of_range", field="tax", row=3, block=1, block_offset=2000)
    found.letter("range", field="tax", row=3, block_offset=2000)
    assert {counts(score) for score in found.judge().values()} == {(1, 1, 0, 0)}


@settings(max_examples=40, deadline=None)
@given(
    injected=st.lists(st.sampled_from(list(REFUSED)), min_size=1, max_size=12),
    dropped=st.sets(st.integers(0, 11)),
    added=st.lists(st.sampled_from(list(REFUSED)), max_size=6),
)
def test_dropped_letters_lower_the_recall_and_added_ones_the_precision_of_their_kinds(injected, dropped, added):
    found = Database()
    for row, kind in enumerate(injected):
        found.truth(kind, row, field=FIELDS[kind])
        if row not in dropped:
            found.letter(REFUSED[kind], row, field=FIELDS[kind])
    for row, kind in enumerate(added, start=100):
        found.letter(REFUSED[kind], row, field=FIELDS[kind])
    scores = found.judge()
    assert set(scores) == {*injected, *added}
    for kind, score in scores.items():
        kept = sum(own == kind for row, own in enumerate(injected) if row not in dropped)
        assert counts(score) == (injected.count(kind), kept, injected.count(kind) - kept, added.count(kind))
        assert score.recall == (kept / injected.count(kind) if kind in injected else None)
        assert score.precision == (kept / (kept + added.count(kind)) if kept + added.count(kind) else None)
        assert score.is_perfect == (score.recall in (None, 1) and score.precision in (None, 1) and not score.missed)


def test_kinds_come_in_their_order_and_all_rows_last():
    found = [Score(kind=kind, table=table) for kind in (DELIVERED, "weather", *reversed(KINDS)) for table in "ab"]
    assert [score.kind for score in together(found)] == [*KINDS, "weather", DELIVERED]


def test_scores_of_tables_add_up():
    first = Score(kind="late", table="a", injected=3, caught=1, false_alarms=2, unreadable=1, first_missed="here")
    second = Score(kind="late", table="b", injected=5, caught=5, first_false_alarm="there")
    (total,) = together([first, second])
    assert total == Score(
        kind="late", injected=8, caught=6, false_alarms=2, unreadable=1, first_missed="here", first_false_alarm="there"
    )
    assert (total.missed, total.recall, total.precision, total.is_perfect) == (2, 0.75, 0.75, False)

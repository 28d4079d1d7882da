"""A whole load of a lake with defects, done by the book, and what the score says once something of it is spoilt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from beam_pipelines import tables
from beam_pipelines.commands.truth import asking
from beam_pipelines.defects import KINDS
from beam_pipelines.lake import LakeError
from beam_pipelines.verification.scoring import Scope, Score, delivery, lake_days, scoring, verdicts, warehouse
from beam_pipelines.verification.scoring.scores import DELIVERED, together
from beam_pipelines.warehouse import provisioning
from tests.verification.truth_loads import Row, Tables, load_by_hand, put

OWN = ("orders", "order_events", "web_events")
FIRST, LAST = date(2019, 2, 1), date(2019, 2, 4)
FLAGS = (
    *(f"--start_date={FIRST}", f"--end_date={LAST}", "--scale=0.1", f"--tables={','.join(OWN)}"),
    *("--dimension_history=none", "--defect_rate=0.04", "--defects=corrupt_block=0.1,older_schema=0.2"),
)
EVERYTHING = Scope()
Changed = Callable[..., dict[str, Score]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory, generate) -> Path:
    """Four days of facts with every kind of defect; not to be changed."""
    root = tmp_path_factory.mktemp("defective") / "lake"
    generate(root, *FLAGS)
    return root


@pytest.fixture(scope="module")
def truth(lake) -> list[Row]:
    """The truth's lines."""
    return [json.loads(line) for path in sorted(lake.glob("_truth/**/*.jsonl")) for line in path.open()]


@pytest.fixture(scope="module")
def by_hand(lake) -> Tables:
    """What the warehouse is to hold; to be copied before it is changed."""
    return load_by_hand(lake)


@pytest.fixture(scope="module")
def warehouse_file(tmp_path_factory, connected, by_hand) -> Path:
    """A warehouse that holds it."""
    path = tmp_path_factory.mktemp("by_hand") / "warehouse.duckdb"
    with connected(path) as client:
        provisioning.prepare(client)
        for name, rows in by_hand.items():
            if rows:
                put(client, name, rows)
    return path


@pytest.fixture
def own(tmp_path, connected, warehouse_file) -> Iterator[bigquery.Client]:
    """A copy of the warehouse, to be changed."""
    path = tmp_path / "warehouse.duckdb"
    shutil.copy(warehouse_file, path)
    with connected(path) as client:
        yield client


@pytest.fixture
def changed(own, lake) -> Changed:
    """The scores by kind that are not perfect, once some tables hold other rows."""

    def scored(scope: Scope = EVERYTHING, **rows: list[Row]) -> dict[str, Score]:
        for name, content in rows.items():
            put(own, name, content)
        return {one.kind: one for one in together(scoring.score(str(lake), scope, asking(own))) if not one.is_perfect}

    return scored


def flaws(scores: dict[str, Score]) -> dict[str, tuple[int, int]]:
    """What was missed and what was falsely taken, by kind."""
    return {kind: (score.missed, score.false_alarms) for kind, score in scores.items()}


def test_a_load_by_the_book_is_perfect_and_every_kind_is_there(own, lake, by_hand, truth):
    scores = scoring.score(str(lake), EVERYTHING, asking(own))
    assert all(one.is_perfect for one in scores), scores
    total = {one.kind: one for one in together(scores)}
    assert set(total) == {*KINDS, DELIVERED}
    for kind in KINDS:
        lines = [line for line in truth if line["kind"] == kind]
        assert lines, f"the lake has no {kind}"
        assert total[kind].injected == sum(not line["unreadable"] for line in lines)
        assert total[kind].unreadable == sum(line["unreadable"] for line in lines)
    assert total[DELIVERED].injected == sum(len(by_hand[name]) for name in OWN)
    assert sum(score.unreadable for score in scores) > 0


def test_the_keys_that_must_be_there_are_those_of_the_load_by_the_book(own, lake):
    ask, days = asking(own), lake_days.manifests(str(lake))
    with scoring.database() as connection:
        scoring.prepare(connection)
        lake_days.fill(connection, days, EVERYTHING)
        scoring.read_truth(connection, days, EVERYTHING)
        world = lake_days.world_of(days)
        scoring.accounting.account(connection, world, str(lake))
        for name in OWN:
            table, listed = tables.BY_NAME[name], [manifest.day for manifest in days.manifests[name]]
            delivery.must(connection, world, table, listed)
            warehouse.ask_keys(connection, ask, table, listed)
            counted = "SELECT day, count(*) FROM must GROUP BY day ORDER BY day"
            expected = "SELECT day, rows FROM expected WHERE table_name = ? ORDER BY day"
            assert connection.execute(counted).fetchall() == connection.execute(expected, [name]).fetchall()
            both = "SELECT * FROM (FROM must EXCEPT ALL FROM {0}) UNION ALL (FROM {0} EXCEPT ALL FROM must)"
            assert connection.execute(both.format("found_keys")).fetchall() == []


@pytest.mark.parametrize("kind", verdicts.REASONS)
def test_a_letter_less_lowers_the_recall_of_its_kind(kind, changed, by_hand, truth):
    line = next(line for line in truth if line["kind"] == kind and not line["unreadable"])
    name = f"dead_letters_{line['table']}"
    place = (line["file"], line["offset"], line["row_in_block"])
    kept = [one for one in by_hand[name] if (one["file"], one["block_offset"], one["row_in_block"]) != place]
    assert len(kept) == len(by_hand[name]) - 1
    assert flaws(changed(**{name: kept})) == {kind: (1, 0)}


@pytest.mark.parametrize("reason", verdicts.REASONS.values())
def test_a_letter_more_lowers_the_precision_of_its_kind(reason, changed, by_hand):
    name = "dead_letters_orders"
    more = {"reason": reason, "row_in_block": 12_345, "record": '{"order_id": 1}'}
    scores = changed(**{name: [*by_hand[name], by_hand[name][0] | more]})
    kind = verdicts.KIND_OF_REASON[reason]
    assert flaws(scores) == {kind: (0, 1)}
    assert scores[kind].precision < 1
    assert scores[kind].first_false_alarm.endswith(":12345")


def of(rows: list[Row], table: str, key: dict[str, Any]) -> list[int]:
    """Numbers of the rows that have a key."""
    return [number for number, row in enumerate(rows) if all(row[name] == value for name, value in key.items())]


def clean_row(by_hand: Tables, truth: list[Row], table: str = "orders") -> Row:
    """A row of which the truth says nothing."""
    named = [line["key"] for line in truth if line["table"] == table and line["key"]]
    key = tables.BY_NAME[table].key
    return next(row for row in by_hand[table] if {name: row[name] for name in key} not in named)


def readable(truth: list[Row], kind: str, table: str) -> Row:
    """A line of the truth that can be seen."""
    return next(line for line in truth if (line["kind"], line["table"]) == (kind, table) and not line["unreadable"])


def test_a_row_that_is_lost_is_missed_and_named(changed, by_hand, truth):
    row = clean_row(by_hand, truth)
    scores = changed(orders=[one for one in by_hand["orders"] if one is not row])
    assert flaws(scores) == {DELIVERED: (1, 0)}
    assert scores[DELIVERED].first_missed == f"{row['order_id']} of {row['created_at']:%Y-%m-%d}"


def test_a_row_that_is_there_twice_is_a_false_alarm(changed, by_hand, truth):
    row = clean_row(by_hand, truth)
    scores = changed(orders=[*by_hand["orders"], row, row])
    assert flaws(scores) == {DELIVERED: (0, 2)}
    assert scores[DELIVERED].first_false_alarm == f"{row['order_id']} of {row['created_at']:%Y-%m-%d}"


def test_a_row_in_place_of_another_is_seen_if_it_is_one_of_the_days(changed, by_hand, truth):
    row = clean_row(by_hand, truth)
    others = [one for one in by_hand["orders"] if one is not row]
    twin = next(one for one in others if one["created_at"].date() == row["created_at"].date())
    assert flaws(changed(orders=[*others, twin])) == {DELIVERED: (1, 1)}


def test_a_row_that_nobody_drew_is_a_false_alarm(changed, by_hand):
    stranger = by_hand["orders"][0] | {"order_id": 987_654_321}
    assert flaws(changed(orders=[*by_hand["orders"], stranger])) == {DELIVERED: (0, 1)}


def test_a_row_of_the_years_before_the_shop_is_a_false_alarm_whatever_is_scored(changed, by_hand):
    stranger = by_hand["orders"][0] | {"order_id": 987_654_321}
    stranger["created_at"] = stranger["created_at"].replace(year=2015)
    assert flaws(changed(Scope(FIRST, FIRST), orders=[*by_hand["orders"], stranger])) == {DELIVERED: (0, 1)}


def test_a_good_row_that_is_refused_is_one_false_alarm_and_not_a_loss_too(changed, by_hand, truth):
    row = clean_row(by_hand, truth)
    letters = by_hand["dead_letters_orders"]
    more = {"reason": "range", "row_in_block": 9_999, "record": json.dumps({"order_id": row["order_id"]})}
    kept = [one for one in by_hand["orders"] if one is not row]
    assert flaws(changed(orders=kept, dead_letters_orders=[*letters, letters[0] | more])) == {"out_of_range": (0, 1)}


def test_a_bad_row_that_gets_through_is_missed_once_and_not_a_surplus_too(changed, by_hand, truth):
    line = readable(truth, "out_of_range", "orders")
    letters = by_hand["dead_letters_orders"]
    place = (line["file"], line["offset"], line["row_in_block"])
    kept = [one for one in letters if (one["file"], one["block_offset"], one["row_in_block"]) != place]
    bad = by_hand["orders"][0] | line["key"]
    bad["created_at"] = bad["created_at"].replace(day=date.fromisoformat(line["event_date"]).day)
    assert flaws(changed(orders=[*by_hand["orders"], bad], dead_letters_orders=kept)) == {"out_of_range": (1, 0)}


def test_a_bad_row_that_is_refused_and_gets_through_is_a_surplus(changed, by_hand, truth):
    line = readable(truth, "out_of_range", "orders")
    bad = by_hand["orders"][0] | line["key"]
    assert flaws(changed(orders=[*by_hand["orders"], bad])) == {DELIVERED: (0, 1)}


@pytest.mark.parametrize("kind", ["duplicate", "newer_version"])
def test_copies_that_stay_are_missed_once_and_not_a_surplus_too(kind, changed, by_hand, truth):
    line = readable(truth, kind, "orders")
    (number,) = of(by_hand["orders"], "orders", line["key"])
    assert flaws(changed(orders=[*by_hand["orders"], by_hand["orders"][number]])) == {kind: (1, 0)}


@pytest.mark.parametrize("kind", ["late", "duplicate", "newer_version"])
def test_rows_that_are_not_there_are_missed_once_and_not_a_loss_too(kind, changed, by_hand, truth):
    lines = [line for line in truth if (line["kind"], line["table"]) == (kind, "web_events")]
    (number,) = next(filter(None, (of(by_hand["web_events"], "web_events", line["key"]) for line in lines)))
    rows = by_hand["web_events"][:number] + by_hand["web_events"][number + 1 :]
    assert flaws(changed(web_events=rows)) == {kind: (1, 0)}


def test_the_older_of_two_versions_is_the_wrong_one(changed, by_hand, truth):
    line = readable(truth, "newer_version", "orders")
    (number,) = of(by_hand["orders"], "orders", line["key"])
    rows = deepcopy(by_hand["orders"])
    assert rows[number]["payment_method"] == line["is"] != line["was"]
    rows[number]["payment_method"] = line["was"]
    assert flaws(changed(orders=rows)) == {"newer_version": (1, 0)}


def test_values_in_a_column_that_a_file_does_not_have_are_wrong(changed, by_hand, truth):
    lines = [line for line in truth if line["kind"] == "older_schema"]
    table, column = lines[0]["table"], lines[0]["field"]
    assert lines[0]["is"] is None
    day = date.fromisoformat(lines[0]["event_date"])
    moment = tables.BY_NAME[table].partition.column
    value = next(row[column] for row in by_hand[table] if row[column] is not None)
    rows = [
        row | {column: row[column] or value if row[moment].date() == day else row[column]} for row in by_hand[table]
    ]
    assert flaws(changed(**{table: rows})) == {"older_schema": (1, 0)}


def test_a_day_that_was_not_loaded_is_lost_as_far_as_its_kinds_do_not_say_so(changed, by_hand, truth):
    gone = FIRST + timedelta(days=1)
    kept = [row for row in by_hand["web_events"] if row["occurred_at"].date() != gone]
    scores = changed(web_events=kept)
    lost = len(by_hand["web_events"]) - len(kept)
    assert set(scores) >= {DELIVERED, "late", "duplicate", "newer_version"}
    assert sum(score.false_alarms for score in scores.values()) == 0
    named = {"late", "duplicate", "newer_version"}
    assert scores[DELIVERED].missed + sum(scores[kind].missed for kind in named) == lost


@pytest.mark.parametrize("scope", [Scope(FIRST, FIRST), Scope(LAST, LAST), Scope(start=LAST), Scope(end=FIRST)])
def test_only_the_days_in_scope_are_scored(scope, own, lake, truth):
    scores = {one.kind: one for one in together(scoring.score(str(lake), scope, asking(own)))}
    assert all(one.is_perfect for one in scores.values()), scores
    landed = [line for line in truth if scope.has(date.fromisoformat(line["landed_date"]))]
    for kind in KINDS:
        lines = [line for line in landed if line["kind"] == kind]
        found = scores.get(kind, Score(kind=kind))
        assert (found.injected + found.unreadable) == len(lines)


def test_days_that_the_lake_does_not_have_are_not_scored(own, lake):
    with pytest.raises(LakeError, match=r"manifests .* from 2020-01-01 to the last, found none"):
        scoring.score(str(lake), Scope(start=date(2020, 1, 1)), asking(own))


def test_a_lake_with_defects_and_without_truth_is_refused(own, lake, tmp_path):
    copy = Path(shutil.copytree(lake, tmp_path / "lake"))
    shutil.rmtree(copy / "_truth")
    with pytest.raises(LakeError, match=r"_truth: expected the truth about .*late 0.04.*, found none"):
        scoring.score(str(copy), EVERYTHING, asking(own))


def test_truth_of_which_a_line_is_gone_is_refused(own, lake, tmp_path):
    copy = Path(shutil.copytree(lake, tmp_path / "lake"))
    path = next(iter(sorted(copy.glob("_truth/orders/*/*.jsonl"))))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"duplicate"' not in line))
    with pytest.raises(LakeError, match=r"_truth/orders/dt=2019-02-01: expected to account"):
        scoring.score(str(copy), EVERYTHING, asking(own))

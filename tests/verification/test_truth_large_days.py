"""Days of several files and blocks, of which many cannot be read; days and keys that are asked for in several goes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from beam_pipelines import lake, storage
from beam_pipelines.commands.truth import asking
from beam_pipelines.transforms import lake_writing
from beam_pipelines.verification.scoring import Scope, delivery, scoring, warehouse
from beam_pipelines.verification.scoring.scores import DELIVERED
from beam_pipelines.warehouse import provisioning
from tests.verification.truth_loads import Tables, load_by_hand, put

PERIOD = ("--start_date=2019-01-30", "--end_date=2019-02-02", "--scale=1")
DEFECTS = ("--defect_rate=0.03", "--defects=corrupt_block=0.6,older_schema=0.4")
FLAGS = (*PERIOD, *DEFECTS, "--tables=web_events", "--dimension_history=none")


@pytest.fixture(scope="module")
def large_days(tmp_path_factory, generate) -> Path:
    """Four days of web events in several files of one block each."""
    root = tmp_path_factory.mktemp("large_days") / "lake"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_writing, "BLOCKS_PER_FILE", 1)
        generate(root, *FLAGS)
    assert len(list(root.glob("web_events/dt=2019-01-31/*.avro"))) > 1
    return root


@pytest.fixture(scope="module")
def loaded_by_hand(large_days) -> Tables:
    """What the warehouse is to hold of them."""
    return load_by_hand(large_days)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch) -> None:
    """Keys and days are asked for in several goes."""
    monkeypatch.setattr(warehouse, "KEYS_AT_ONCE", 500)
    monkeypatch.setattr(delivery, "ROWS_AT_ONCE", 20_000)


def fill(client, found: Tables) -> None:
    provisioning.prepare(client)
    for name, rows in found.items():
        if rows:
            put(client, name, rows)


def test_a_load_by_the_book_is_perfect(warehouse, large_days, loaded_by_hand):
    fill(warehouse, loaded_by_hand)
    scores = scoring.score(str(large_days), Scope(), asking(warehouse))
    assert [one for one in scores if not one.is_perfect] == []
    by_kind = {one.kind: one for one in scores}
    assert by_kind["corrupt_block"].injected > 1
    assert by_kind["older_schema"].injected > 1
    assert by_kind[DELIVERED].injected == len(loaded_by_hand["web_events"])
    assert by_kind["duplicate"].unreadable > 0 < by_kind["duplicate"].injected


def test_a_row_less_on_every_day_is_found_on_every_day(warehouse, large_days, loaded_by_hand):
    fill(warehouse, loaded_by_hand)
    days = {row["occurred_at"].date() for row in loaded_by_hand["web_events"]}
    for day in sorted(days):
        first = f"SELECT MIN(event_id) + 5000 FROM retail.web_events WHERE DATE(occurred_at) = '{day}'"
        least = f"SELECT MIN(event_id) FROM retail.web_events WHERE event_id >= ({first})"
        warehouse.query_and_wait(f"DELETE FROM retail.web_events WHERE event_id IN ({least})")
    scores = [one for one in scoring.score(str(large_days), Scope(), asking(warehouse)) if not one.is_perfect]
    assert len(days) == 4
    assert sum(one.missed for one in scores) == 4
    assert sum(one.false_alarms for one in scores) == 0
    assert {one.kind for one in scores} <= {DELIVERED, "late", "duplicate", "newer_version"}


def test_the_truth_of_a_lake_in_cloud_storage_is_the_same(gs_folder, large_days, loaded_by_hand, warehouse):
    fill(warehouse, loaded_by_hand)
    names = ["_truth/web_events/*/*.jsonl", f"web_events/*/{lake.MANIFEST}", "web_events/*/*.avro"]
    for pattern in names:
        for path in storage.find(str(large_days), pattern):
            content = Path(path).read_bytes()
            target = storage.join(gs_folder, path.removeprefix(f"{large_days}/"))
            storage.write(target, lambda file, content=content: file.write(content))
    scope, ask = Scope(date(2019, 1, 31), date(2019, 1, 31)), asking(warehouse)
    assert scoring.score(gs_folder, scope, ask) == scoring.score(str(large_days), scope, ask)

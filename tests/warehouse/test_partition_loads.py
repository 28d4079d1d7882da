"""One partition, replaced once, however often it is tried."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from beam_pipelines import tables
from beam_pipelines.tables import DAILY_SALES, DISTRIBUTION_CENTERS
from beam_pipelines.warehouse import partition_loads
from beam_pipelines.warehouse.client import WarehouseError
from beam_pipelines.warehouse.partition_loads import PartitionContent, finish, start


def sales(day: int, *units: int) -> list[dict]:
    return [
        {
            "day": date(2025, 11, day),
            "category": tables.CATEGORIES[i],
            "channel": "web",
            "country": "France",
            "orders": 1,
            "units": count,
            "revenue": Decimal("10.00"),
            "discount": Decimal("0.00"),
            "margin": Decimal("-1.25"),
        }
        for i, count in enumerate(units)
    ]


CENTER = {"distribution_center_id": 1, "name": "Memphis TN", "latitude": 35.1, "longitude": -89.9}


def attempt_of(job) -> int:
    return int(job.job_id.rsplit("_", 1)[1])


def run(client, content: PartitionContent):
    job = start(client, content)
    finish(job, content)
    return job


def units(client) -> list[tuple]:
    query = "SELECT EXTRACT(DAY FROM day), units FROM retail.daily_sales ORDER BY 1, 2"
    return [row.values() for row in client.query_and_wait(query)]


def test_a_partition_takes_what_was_staged(prepared, stage):
    job = run(prepared, stage(DAILY_SALES, "20251128", sales(28, 1, 2)))
    assert units(prepared) == [(28, 1), (28, 2)]
    assert re.fullmatch(r"retail_load_daily_sales_20251128_[0-9a-f]{16}_0", job.job_id)


def test_other_partitions_are_left_alone(prepared, stage):
    run(prepared, stage(DAILY_SALES, "20251127", sales(27, 5)))
    run(prepared, stage(DAILY_SALES, "20251128", sales(28, 1, 2)))
    run(prepared, stage(DAILY_SALES, "20251128", sales(28, 3)))
    assert units(prepared) == [(27, 5), (28, 3)]


def test_a_partition_can_become_empty(prepared, stage):
    run(prepared, stage(DAILY_SALES, "20251128", sales(28, 1)))
    run(prepared, stage(DAILY_SALES, "20251128", []))
    assert units(prepared) == []


@pytest.mark.parametrize("rows", [[], [1, 2]], ids=["empty", "with rows"])
def test_the_same_content_finds_its_job(prepared, stage, lose, rows):
    content = stage(DAILY_SALES, "20251128", sales(28, *rows))
    first = run(prepared, content)
    lose(content)
    again = run(prepared, content)
    assert (again.job_id, again.ended) == (first.job_id, first.ended)


def test_the_same_content_of_a_table_without_partitions_finds_its_job(prepared, stage, lose):
    content = stage(DISTRIBUTION_CENTERS, "", [CENTER])
    first = run(prepared, content)
    assert first.job_id.startswith("retail_load_distribution_centers_all_")
    lose(content)
    assert run(prepared, content).job_id == first.job_id


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM retail.daily_sales WHERE units = 2",
        "UPDATE retail.daily_sales SET units = 9 WHERE units = 2",
        "DELETE FROM retail.daily_sales WHERE TRUE",
    ],
)
def test_a_partition_that_others_changed_is_loaded_by_the_next_attempt(prepared, stage, change):
    content = stage(DAILY_SALES, "20251128", sales(28, 1, 2))
    assert attempt_of(run(prepared, content)) == 0
    prepared.query_and_wait(change)
    assert units(prepared) != [(28, 1), (28, 2)]
    assert attempt_of(run(prepared, content)) == 1
    assert units(prepared) == [(28, 1), (28, 2)]
    assert attempt_of(run(prepared, content)) == 1, "the second attempt still counts"


def test_a_partition_that_went_back_and_forth_is_loaded_again(prepared, stage):
    first, second = (stage(DAILY_SALES, "20251128", sales(28, *some), str(some)) for some in ((1, 2), (3, 4)))
    attempts = [attempt_of(run(prepared, content)) for content in (first, second, first, second)]
    assert attempts == [0, 0, 1, 1]
    assert units(prepared) == [(28, 3), (28, 4)]


def test_a_change_of_another_partition_does_not_count(prepared, stage):
    content = stage(DAILY_SALES, "20251128", sales(28, 1))
    run(prepared, content)
    run(prepared, stage(DAILY_SALES, "20251127", sales(27, 5)))
    prepared.query_and_wait("DELETE FROM retail.daily_sales WHERE day = '2025-11-27'")
    assert attempt_of(run(prepared, content)) == 0


def test_a_failed_job_is_tried_again_by_the_next_attempt(prepared, stage, lose):
    content = stage(DAILY_SALES, "20251128", sales(28, 1, 2))
    lose(content)
    with pytest.raises(WarehouseError) as caught:
        run(prepared, content)
    assert str(caught.value).startswith(f"retail.daily_sales$20251128: load job {content.job_id(0)} failed: ")
    stage(DAILY_SALES, "20251128", sales(28, 1, 2))
    assert attempt_of(run(prepared, content)) == 1
    assert units(prepared) == [(28, 1), (28, 2)]


def test_a_failed_load_leaves_the_partition_as_it_was(prepared, stage, lose):
    run(prepared, stage(DAILY_SALES, "20251128", sales(28, 7)))
    content = stage(DAILY_SALES, "20251128", sales(28, 1, 2), "other.avro")
    lose(content)
    with pytest.raises(WarehouseError):
        run(prepared, content)
    assert units(prepared) == [(28, 7)]


def test_partitions_with_rows_are_known(prepared, stage):
    for day, rows in ((27, [5]), (28, [])):
        run(prepared, stage(DAILY_SALES, f"202511{day}", sales(day, *rows)))
    run(prepared, stage(DISTRIBUTION_CENTERS, "", [CENTER]))
    found = partition_loads.partitions_with_rows(prepared, "retail")
    assert {("daily_sales", "20251127"), ("daily_sales", ""), ("distribution_centers", "")} <= found
    assert {table for table, _ in found} == {"daily_sales", "distribution_centers"}
    assert ("daily_sales", "20251128") not in found
    assert partition_loads.partitions_with_rows(prepared, "ops") == frozenset()


def test_a_list_of_numbers_comes_back_as_one(prepared, stage):
    returned = {
        "event_id": 1,
        "order_id": 7,
        "event_type": "returned",
        "occurred_at": datetime(2025, 11, 28, 13, tzinfo=UTC),
        "carrier": "UPS",
        "refund": Decimal("12.50"),
        "order_item_ids": [97, 99],
    }
    shipped = returned | {"event_id": 2, "event_type": "shipped", "refund": None, "order_item_ids": []}
    run(prepared, stage(tables.ORDER_EVENTS, "20251128", [returned, shipped]))
    found = prepared.query_and_wait("SELECT * FROM retail.order_events ORDER BY event_id")
    assert [dict(row.items()) for row in found] == [returned, shipped]
    query = "SELECT event_id, item FROM retail.order_events, UNNEST(order_item_ids) AS item ORDER BY item"
    assert [row.values() for row in prepared.query_and_wait(query)] == [(1, 97), (1, 99)]


def test_rows_of_another_partition_fail_the_load(prepared, stage):
    with pytest.raises(WarehouseError, match=r"^retail\.daily_sales\$20251128: load job .* failed: "):
        run(prepared, stage(DAILY_SALES, "20251128", sales(27, 1)))
    assert units(prepared) == []


def test_another_number_of_rows_than_staged_is_an_error(prepared, stage):
    staged = stage(DAILY_SALES, "20251128", sales(28, 1, 2))
    content = PartitionContent(staged.table, staged.partition, staged.files, staged.fingerprints, rows=3)
    with pytest.raises(WarehouseError, match=r"^retail\.daily_sales\$20251128: .*: expected 3 rows, loaded 2$"):
        run(prepared, content)


def test_attempts_come_to_an_end(prepared, stage, lose, monkeypatch):
    monkeypatch.setattr(partition_loads, "ATTEMPTS", 2)
    content = stage(DAILY_SALES, "20251128", sales(28, 1))
    lose(content)
    for attempt in range(2):
        with pytest.raises(WarehouseError, match=rf"_{attempt} failed: "):
            run(prepared, content)
    expected = r"^retail\.daily_sales\$20251128: 2 load jobs of this content have failed or been undone$"
    with pytest.raises(WarehouseError, match=expected):
        start(prepared, content)


def content(**changed) -> PartitionContent:
    known = {"table": DAILY_SALES, "partition": "20251128", "files": ("a",), "fingerprints": ("x", "y"), "rows": 2}
    return PartitionContent(**known | changed)


def test_job_ids_follow_from_content_and_not_from_where_it_is_staged():
    assert content().job_id(0) == content(files=("elsewhere/a", "b")).job_id(0)
    different = [
        content(),
        content(fingerprints=("y", "x")),
        content(fingerprints=("x",)),
        content(partition="20251129"),
        content(table=tables.ORDERS),
        content(table=tables.ORDERS, partition=""),
    ]
    ids = [one.job_id(0) for one in different] + [content().job_id(1)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,1024}", job_id) for job_id in ids)

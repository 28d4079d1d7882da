"""Loads again: of the same, of what has changed in the lake, and after others have changed the warehouse."""

import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from google.cloud import bigquery

from beam_pipelines import tables
from beam_pipelines.world import World
from tests.pipelines.load_lakes import ALL_DAYS, FIRST, LAST, OPENING, SIZE, data_file, days, spoil
from tests.pipelines.loaded import query, without_lines

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
Rows = dict[str, list[str]]


@pytest.fixture
def new_jobs(load_jobs) -> Callable[[bigquery.Client], list[str]]:
    """The partitions of the jobs that a warehouse has run since this was asked last, as TABLE_PARTITION."""
    known: set[str] = set()

    def ask(warehouse: bigquery.Client) -> list[str]:
        found = set(load_jobs(warehouse)) - known
        known.update(found)
        return sorted(job.removeprefix("retail_load_").rsplit("_", 2)[0] for job in found)

    return ask


def lines(warehouse: bigquery.Client) -> dict[tuple[str, date], tuple]:
    """Every line of ops.partition_loads by table and day, with when the partition was loaded."""
    found = query(
        warehouse, "SELECT table_name, partition_date, * EXCEPT (table_name, partition_date) FROM ops.partition_loads"
    )
    return {row[:2]: tuple(map(str, row[2:])) for row in found}


def differing(before: dict, after: dict) -> set:
    assert before.keys() == after.keys()
    return {key for key in before if before[key] != after[key]}


def of_orders(day: date) -> list[str]:
    """The partitions that follow from a day's orders."""
    names = ("daily_sales", "dead_letters_orders", "order_items", "orders", "partition_loads_orders")
    return [f"{name}_{day:%Y%m%d}" for name in names]


def of_events(day: date) -> list[str]:
    """The partitions that follow from a day's web events."""
    names = ("dead_letters_web_events", "partition_loads_web_events", "sessions", "web_events")
    return [f"{name}_{day:%Y%m%d}" for name in names]


def broken(generate, clean_lake: Path, lake: Path) -> Path:
    """A copy of the clean lake with orders that break rules on the second day, and a file with flipped bits."""
    shutil.copytree(clean_lake, lake)
    kinds = "--defects=out_of_range=0.3,unbalanced=0.3,duplicate=0.3"
    generate(lake, *days(SECOND), SIZE, "--tables=orders", kinds)
    spoil(data_file(lake, tables.WEB_EVENTS, THIRD))
    return lake


def test_what_is_mended_in_the_lake_is_replaced_and_nothing_else(
    tmp_path, warehouse, load, generate, clean_lake, clean_loaded, contents, new_jobs
):
    lake, clean = broken(generate, clean_lake, tmp_path / "lake"), contents(clean_loaded)
    load(lake, *ALL_DAYS)
    dirty, dirty_lines = contents(warehouse), lines(warehouse)
    assert differing(clean, dirty) == {
        *(f"retail.{name}" for name in ("orders", "order_items", "daily_sales", "web_events", "sessions")),
        *(f"ops.{kind}_{name}" for kind in ("dead_letters", "partition_loads") for name in ("orders", "web_events")),
    }
    sums = "SUM(rows_refused), SUM(rows_deduplicated), SUM(rows_unreadable)"
    ((refused, deduplicated, unreadable),) = query(warehouse, f"SELECT {sums} FROM ops.partition_loads")
    letters = query(warehouse, "SELECT reason, COUNT(*) FROM ops.dead_letters GROUP BY 1 ORDER BY 1")
    assert [reason for reason, _ in letters] == ["corrupt_block", "equation", "range"]
    assert refused == sum(count for reason, count in letters if reason != "corrupt_block")
    assert (deduplicated > 0, unreadable) == (True, OPENING.rows("web_events", 2))
    new_jobs(warehouse)

    load(lake, *ALL_DAYS)
    assert new_jobs(warehouse) == [], "nothing has changed"
    assert (contents(warehouse), lines(warehouse)) == (dirty, dirty_lines), "not even when it was loaded"

    generate(lake, *days(SECOND), SIZE, "--tables=orders", "--defects=missing_value=0.3")
    load(lake, *ALL_DAYS)
    assert new_jobs(warehouse) == of_orders(SECOND)
    assert differing(dirty_lines, lines(warehouse)) == {
        (name, SECOND) for name in ("orders", "order_items", "daily_sales")
    }

    # Mended: a load of the dead letters loads their partitions, and is as if nothing had happened.
    generate(lake, *days(SECOND), SIZE, "--tables=orders")
    shutil.copy(data_file(clean_lake, tables.WEB_EVENTS, THIRD), data_file(lake, tables.WEB_EVENTS, THIRD))
    load(lake, *ALL_DAYS, "--replay_dead_letters")
    assert new_jobs(warehouse) == sorted(of_orders(SECOND) + of_events(THIRD))
    assert contents(warehouse) == clean

    load(lake, *ALL_DAYS, "--replay_dead_letters")
    assert new_jobs(warehouse) == [], "nothing has dead letters any more"


@pytest.mark.parametrize("flags", [(), ("--replay_dead_letters",)], ids=["load", "replay"])
def test_mended_files_are_loaded_with_what_follows_from_them(
    tmp_path, warehouse, load, clean_lake, clean_loaded, contents, new_jobs, flags
):
    lake, names = tmp_path / "lake", "--tables=products,orders,web_events"
    shutil.copytree(clean_lake, lake)
    files = [(tables.PRODUCTS, FIRST), (tables.WEB_EVENTS, THIRD)]
    for table, day in files:
        spoil(data_file(lake, table, day))
    load(lake, *ALL_DAYS, names)
    unknown = "SELECT COUNTIF(category IS NULL) > 0, COUNT(*) > 0 FROM retail.order_items"
    assert query(warehouse, unknown) == [(True, True)]
    new_jobs(warehouse)
    for table, day in files:
        shutil.copy(data_file(clean_lake, table, day), data_file(lake, table, day))
    load(lake, *ALL_DAYS, names, *flags)
    loaded, expected = contents(warehouse), contents(clean_loaded)
    for name in ("products", "orders", "order_items", "daily_sales", "web_events", "sessions"):
        assert loaded[f"retail.{name}"] == expected[f"retail.{name}"], name
    of_orders = ("order_items", "daily_sales", "partition_loads_orders")
    mended = {"products_201901", "dead_letters_products_201901", "partition_loads_products_201901", *of_events(THIRD)}
    assert {job for job in new_jobs(warehouse) if not job.startswith(of_orders)} == mended


def test_a_load_of_dead_letters_leaves_partitions_that_have_none(warehouse, load, clean_lake, new_jobs):
    load(clean_lake, *ALL_DAYS, "--tables=inventory_items")
    delete = f"DELETE FROM retail.inventory_items WHERE DATE(created_at) = '{SECOND}'"
    assert warehouse.query_and_wait(delete).num_dml_affected_rows > 0
    new_jobs(warehouse)
    load(clean_lake, *ALL_DAYS, "--tables=inventory_items", "--replay_dead_letters")
    assert new_jobs(warehouse) == []
    load(clean_lake, *ALL_DAYS, "--tables=inventory_items")
    assert new_jobs(warehouse) == [f"{name}inventory_items_{SECOND:%Y%m%d}" for name in ("", "partition_loads_")]


TAMPERED = {
    "retail.orders": f"DATE(created_at) = '{SECOND}' AND country <> 'China'",
    "retail.order_items": f"DATE(created_at) = '{SECOND}'",
    "retail.daily_sales": f"day = '{THIRD}'",
    "retail.sessions": f"DATE(started_at) = '{SECOND}' AND carted",
    "retail.inventory_items": f"DATE(created_at) = '{FIRST}'",
    "ops.dead_letters_web_events": f"partition_date = '{LAST}'",
    "ops.partition_loads_order_events": f"partition_date = '{SECOND}'",
}
"""What somebody deletes by hand."""


def test_partitions_that_were_changed_by_hand_are_restored(
    warehouse, load, clean_lake, dirty_lake, dirty_loaded, contents, load_jobs
):
    load(dirty_lake, *ALL_DAYS)
    before, jobs = contents(warehouse), load_jobs(warehouse)
    assert before == contents(dirty_loaded)
    for table, rows in TAMPERED.items():
        assert warehouse.query_and_wait(f"DELETE FROM {table} WHERE {rows}").num_dml_affected_rows > 0
    # As many rows as before: only when they were changed tells, and here an UPDATE changes all partitions of a table.
    change = f"UPDATE retail.order_events SET carrier = 'Nobody' WHERE DATE(occurred_at) = '{THIRD}'"
    assert warehouse.query_and_wait(change).num_dml_affected_rows > 0
    another_day = f"file://{data_file(clean_lake, tables.CUSTOMERS, SECOND)}"
    config = bigquery.LoadJobConfig(
        source_format="AVRO", use_avro_logical_types=True, write_disposition="WRITE_TRUNCATE"
    )
    warehouse.load_table_from_uri([another_day], "local.retail.customers$201901", job_config=config).result()
    assert differing(before, contents(warehouse)) == {*TAMPERED, "retail.order_events", "retail.customers"}
    load(dirty_lake, *ALL_DAYS)
    assert contents(warehouse) == before
    restored = without_lines(set(load_jobs(warehouse)) - set(jobs))
    partition = r"(orders_20190102|order_items_20190102|daily_sales_20190103|sessions_20190102"
    partition += (
        r"|inventory_items_20190101|order_events_2019010[234]|dead_letters_web_events_20190104|customers_201901)"
    )
    assert all(re.fullmatch(rf"retail_load_{partition}_[0-9a-f]{{16}}_1", job) for job in restored), restored
    assert len(restored) == 10


def test_a_day_more_reloads_its_partitions_only(warehouse, load, own_lake, generate, new_jobs, contents, clean_loaded):
    fifth = LAST + timedelta(days=1)
    load(own_lake, *ALL_DAYS)
    new_jobs(warehouse)
    generate(own_lake, *days(fifth), SIZE)
    load(own_lake, *days(FIRST, fifth))
    names = ("inventory_items", "orders", "order_items", "daily_sales", "order_events", "web_events", "sessions")
    loaded = [job for job in new_jobs(warehouse) if not job.startswith("partition_loads_")]
    # The month's products are as they were, and there are no dead letters.
    assert loaded == sorted(["customers_201901", *(f"{name}_{fifth:%Y%m%d}" for name in names)])
    before, after = contents(clean_loaded), contents(warehouse)
    assert all(set(before[name]) < set(after[name]) for name in before if name.split(".")[1] in names)
    customers = sum(OPENING.rows("customers", day) for day in range(5))
    assert query(warehouse, "SELECT COUNT(*) FROM retail.customers") == [(customers,)]


def test_another_world_takes_the_place_of_the_first(warehouse, load, own_lake, generate, tmp_path):
    load(own_lake, *ALL_DAYS)
    generate(tmp_path / "other", *ALL_DAYS, SIZE, "--seed=43")
    load(tmp_path / "other", *ALL_DAYS)
    other = World(seed=43, scale=OPENING.scale)
    totals = [row["total"] for day in range(4) for row in other.block("orders", day, 0).to_pylist()]
    assert query(warehouse, "SELECT SUM(total) FROM retail.orders") == [(sum(totals),)]
    customers = sum(other.rows("customers", day) for day in range(4))
    distinct = "SELECT COUNT(*), COUNT(DISTINCT CONCAT(customer_id, ' ', version)) FROM retail.customers"
    assert query(warehouse, distinct) == [(customers,) * 2]

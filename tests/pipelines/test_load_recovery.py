"""Dirty input, partitions that others have changed, and loads that are tried again."""

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from google.cloud import bigquery

from beam_pipelines import avro, lake, storage, tables
from beam_pipelines.schema import Column, avro_record
from beam_pipelines.world import VERSION, World, day_number

DAY = date(2019, 1, 31)
ONE_DAY = (f"--start_date={DAY}", f"--end_date={DAY}")
WORLD = World(seed=42, scale=0.01)


@pytest.fixture
def own_lake(small_lake, tmp_path) -> Path:
    """A copy of the small lake, to be changed."""
    return Path(shutil.copytree(small_lake, tmp_path / "lake"))


def nullable(column: Column) -> Column:
    return replace(column, nullable=not column.repeated, fields=tuple(nullable(field) for field in column.fields))


def write_day(root: Path, table, day: date, rows: list[dict]) -> None:
    """Writes a day by hand, with rows that may lack required values."""
    columns = tuple(nullable(column) for column in table.columns)
    batch = pa.RecordBatch.from_pylist(rows, schema=pa.schema([column.arrow_field for column in columns]))
    folder, name = lake.folder(str(root), table.name, day), lake.file_name(0, 1)
    schema = avro_record(table.name, columns)
    written = storage.write(f"{folder}/{name}", lambda file: avro.write_blocks(file, schema, [batch]))
    sums = {path: str(total) for path, total in lake.sums(table, batch).items()}
    file = lake.LakeFile(name, written.rows, written.bytes, written.uncompressed_bytes, written.fingerprint, sums)
    manifest = lake.manifest_of(table, day, world=VERSION, seed=42, scale=0.01, codec="snappy", files=[file])
    (Path(folder) / lake.MANIFEST).write_text(manifest.to_json())


@pytest.fixture
def dirty_orders() -> list[dict]:
    """The orders of a day, the first six each broken in a way of its own."""
    rows = WORLD.block("orders", day_number(DAY), 0).to_pylist()
    rows[0]["order_id"] = None
    rows[1]["created_at"] = None
    rows[2]["total"] += Decimal("0.01")
    rows[3]["items"][0]["product_id"] = 10**9
    rows[4]["items"][0]["product_id"] = None
    rows[5]["channel"] = "fax"
    return rows


REASONS = [
    ("required", "order_id", "None"),
    ("required", "created_at", "None"),
    ("equation", "total", None),
    ("references", "items.product_id", "1000000000"),
    ("required", "items.product_id", "None"),
    ("values", "channel", "fax"),
]


@pytest.fixture
def dirty_lake(own_lake, dirty_orders) -> Path:
    write_day(own_lake, tables.ORDERS, DAY, dirty_orders)
    return own_lake


def query(warehouse, text: str) -> list[tuple]:
    return [row.values() for row in warehouse.query_and_wait(text)]


def test_broken_orders_become_dead_letters_and_the_others_load(warehouse, load, dirty_lake, dirty_orders):
    load(dirty_lake, *ONE_DAY)
    letters = query(
        warehouse,
        "SELECT row_in_block, reason, field, actual, table_name, partition_date, file FROM ops.dead_letters ORDER BY 1",
    )
    for row, (reason, field, actual) in enumerate(REASONS):
        assert letters[row][:3] == (row, reason, field)
        assert actual is None or letters[row][3] == actual
        assert letters[row][4:] == ("orders", DAY, "orders/dt=2019-01-31/part-00000-of-00001.avro")
    assert len(letters) == len(REASONS)
    good = dirty_orders[len(REASONS) :]
    assert query(warehouse, "SELECT order_id FROM retail.orders ORDER BY 1") == [(row["order_id"],) for row in good]
    units, revenue = sum(len(row["items"]) for row in good), sum(row["subtotal"] - row["discount"] for row in good)
    assert query(warehouse, "SELECT SUM(units), SUM(revenue) FROM retail.daily_sales") == [(units, revenue)]
    assert query(warehouse, "SELECT COUNT(*), SUM(sale_price) FROM retail.order_items") == [(units, revenue)]


def test_a_dead_letter_holds_its_record(warehouse, load, dirty_lake, dirty_orders):
    load(dirty_lake, *ONE_DAY)
    ((text,),) = query(warehouse, "SELECT record FROM ops.dead_letters WHERE field = 'channel'")
    record = json.loads(text)
    assert record["order_id"] == dirty_orders[5]["order_id"]
    assert [Decimal(item["sale_price"]) for item in record["items"]] == [
        item["sale_price"] for item in dirty_orders[5]["items"]
    ]


def test_loading_the_repaired_day_replaces_its_dead_letters(
    warehouse, load, dirty_lake, small_lake, loaded, contents, load_jobs
):
    load(dirty_lake)
    load(small_lake)
    assert contents(warehouse) == contents(loaded)
    # Once as they were, and once to become empty; nobody else's dead letters take a job.
    letters = [job for job in load_jobs(warehouse) if job.startswith("retail_load_dead_letters_")]
    assert [job.rsplit("_", 2)[0] for job in letters] == ["retail_load_dead_letters_orders_20190131"] * 2


def test_customers_of_another_month_are_refused_without_touching_the_others(warehouse, load, own_lake):
    rows = WORLD.block("customers", day_number(DAY), 0).to_pylist()
    rows[0]["valid_from"] = rows[0]["valid_from"].replace(year=2018)
    write_day(own_lake, tables.CUSTOMERS, DAY, rows)
    load(own_lake, *ONE_DAY)
    assert query(warehouse, "SELECT reason, field, partition_date FROM ops.dead_letters") == [
        ("partition", "valid_from", date(2019, 1, 1))
    ]
    january = sum(WORLD.rows("customers", day) for day in range(31))
    assert query(warehouse, "SELECT COUNT(*) FROM retail.customers") == [(january - 1,)]


def test_a_day_of_broken_orders_only_is_loaded_empty(warehouse, load, own_lake, dirty_orders):
    load(own_lake, *ONE_DAY)
    assert query(warehouse, "SELECT COUNT(*) > 0 FROM retail.orders") == [(True,)]
    write_day(own_lake, tables.ORDERS, DAY, dirty_orders[: len(REASONS)])
    load(own_lake, *ONE_DAY)
    for table in ("orders", "order_items", "daily_sales"):
        assert query(warehouse, f"SELECT COUNT(*) FROM retail.{table}") == [(0,)]
    assert query(warehouse, "SELECT COUNT(*) FROM ops.dead_letters") == [(len(REASONS),)]


def test_a_line_has_the_product_version_of_its_moment(warehouse, load, own_lake):
    day = date(2019, 2, 1)
    orders = WORLD.block("orders", day_number(day), 0).to_pylist()
    product = WORLD.block("products", 0, 0).to_pylist()[0]
    product_id = product["product_id"]
    for order in orders:
        order["items"][0]["product_id"] = product_id
    times = [order["created_at"] for order in orders]
    assert len(set(times)) == len(times) > 5
    # Version 2 takes effect at the moment of the third order, version 3 just behind that of the fifth.
    changes = [(2, times[2], "Second"), (3, times[4] + timedelta(microseconds=1), "Third")]
    versions = [product | {"version": number, "valid_from": at, "brand": brand} for number, at, brand in changes]
    others = WORLD.block("products", day_number(day), 0).to_pylist()
    write_day(own_lake, tables.PRODUCTS, day, [row for row in others if row["product_id"] != product_id] + versions)
    write_day(own_lake, tables.ORDERS, day, orders)
    load(own_lake, f"--start_date={day}", f"--end_date={day}")
    lines = {
        row[0]: row[1:]
        for row in query(warehouse, "SELECT order_item_id, product_version, brand FROM retail.order_items")
    }
    found = [lines[order["items"][0]["order_item_id"]] for order in orders]
    later = [(3, "Third")] * (len(orders) - 5)
    assert found == [(1, product["brand"])] * 2 + [(2, "Second")] * 3 + later
    names = "SELECT version, brand FROM retail.current_products WHERE product_id = "
    assert query(warehouse, f"{names}{product_id}") == [(3, "Third")]


def test_an_order_of_a_product_that_is_only_announced_is_refused(warehouse, load, own_lake):
    day = date(2019, 2, 1)
    orders = WORLD.block("orders", day_number(day), 0).to_pylist()
    announced = WORLD.block("products", 0, 0).to_pylist()[0] | {"product_id": 10**6, "sku": "SOON"}
    announced |= {"valid_from": datetime(2019, 2, 1, tzinfo=UTC), "launched_at": orders[1]["created_at"]}
    for order in orders[:2]:
        order["items"][0]["product_id"] = announced["product_id"]
    others = WORLD.block("products", day_number(day), 0).to_pylist()
    write_day(own_lake, tables.PRODUCTS, day, [*others, announced])
    write_day(own_lake, tables.ORDERS, day, orders)
    load(own_lake, f"--start_date={day}", f"--end_date={day}")
    letters = "SELECT row_in_block, reason, field, expected, actual FROM ops.dead_letters"
    assert query(warehouse, letters) == [
        (0, "references", "items.product_id", "a product launched before the order", "1000000")
    ]


def test_events_that_break_a_rule_become_dead_letters(warehouse, load, own_lake):
    events = WORLD.block("order_events", day_number(DAY), 0).to_pylist()
    assert len(events) > 3
    events[0]["order_item_ids"] = [1, 0]
    events[1]["refund"] = Decimal("-1.00")
    write_day(own_lake, tables.ORDER_EVENTS, DAY, events)
    clicks = WORLD.block("web_events", day_number(DAY), 0).to_pylist()
    clicks[7]["customer_id"] = 0
    write_day(own_lake, tables.WEB_EVENTS, DAY, clicks)
    load(own_lake, *ONE_DAY)
    letters = "SELECT table_name, row_in_block, field, actual FROM ops.dead_letters ORDER BY 1, 2"
    assert query(warehouse, letters) == [
        ("order_events", 0, "order_item_ids", "0"),
        ("order_events", 1, "refund", "-1.00"),
        ("web_events", 7, "customer_id", "0"),
    ]
    assert query(warehouse, "SELECT COUNT(*) FROM retail.order_events") == [(len(events) - 2,)]
    assert query(warehouse, "SELECT COUNT(*) FROM retail.web_events") == [(len(clicks) - 1,)]


def test_a_file_that_disagrees_with_its_manifest_fails_the_load(warehouse, load, own_lake, load_jobs):
    path = own_lake / "orders" / f"dt={DAY}" / lake.MANIFEST
    known = json.loads(path.read_text())
    known["files"][0]["sums"]["total"] = "1.00"
    path.write_text(json.dumps(known))
    with pytest.raises(Exception, match=r"part-00000-of-00001\.avro: expected a sum of 1\.00 in total, found"):
        load(own_lake, *ONE_DAY)
    assert load_jobs(warehouse) == []


def test_partitions_that_were_changed_by_hand_are_restored(warehouse, load, own_lake, loaded, contents, load_jobs):
    load(own_lake)
    before = load_jobs(warehouse)
    warehouse.query_and_wait("DELETE FROM retail.orders WHERE DATE(created_at) = '2019-01-31' AND country <> 'China'")
    another_day = f"file://{own_lake}/customers/dt=2019-01-05/part-00000-of-00001.avro"
    config = bigquery.LoadJobConfig(
        source_format="AVRO", use_avro_logical_types=True, write_disposition="WRITE_TRUNCATE"
    )
    warehouse.load_table_from_uri([another_day], "local.retail.customers$201901", job_config=config).result()
    spoiled = contents(warehouse)
    assert spoiled["retail.orders"] != contents(loaded)["retail.orders"]
    assert len(spoiled["retail.customers"]) < len(contents(loaded)["retail.customers"])
    load(own_lake)
    assert contents(warehouse) == contents(loaded)
    customers, orders = sorted(set(load_jobs(warehouse)) - set(before))
    assert re.fullmatch(r"retail_load_customers_201901_[0-9a-f]{16}_1", customers)
    assert re.fullmatch(r"retail_load_orders_20190131_[0-9a-f]{16}_1", orders)


def test_a_day_more_reloads_its_partitions_only(warehouse, load, own_lake, generate, load_jobs):
    load(own_lake)
    before = set(load_jobs(warehouse))
    generate(own_lake, "--start_date=2019-02-02", "--end_date=2019-02-02")
    load(own_lake, "--end_date=2019-02-02")
    new = {job.removeprefix("retail_load_").rsplit("_", 2)[0] for job in set(load_jobs(warehouse)) - before}
    # The month's products are as they were, and there are no dead letters.
    of_the_day = ("inventory_items", "orders", "order_items", "daily_sales", "order_events", "web_events")
    assert new == {"customers_201902", *(f"{table}_20190202" for table in of_the_day)}
    february = sum(WORLD.rows("customers", day) for day in (31, 32))
    assert query(warehouse, "SELECT COUNT(*) FROM retail.customers WHERE valid_from >= '2019-02-01'") == [(february,)]


def test_another_world_takes_the_place_of_the_first(warehouse, load, own_lake, generate, tmp_path):
    load(own_lake)
    generate(own_lake, "--seed=43")
    load(own_lake)
    other = World(seed=43, scale=0.01)
    assert query(warehouse, "SELECT SUM(total) FROM retail.orders") == [
        (sum(row["total"] for day in range(29, 32) for row in other.block("orders", day, 0).to_pylist()),)
    ]
    assert query(
        warehouse, "SELECT COUNT(*), COUNT(DISTINCT CONCAT(customer_id, ' ', version)) FROM retail.customers"
    ) == [(sum(other.rows("customers", day) for day in range(32)),) * 2]

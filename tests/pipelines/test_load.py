"""What the load pipeline makes of a lake of three clean days."""

from collections import Counter, defaultdict
from datetime import date

import pytest

from beam_pipelines import tables
from beam_pipelines.options import UsageError
from beam_pipelines.pipelines import generate as generating
from beam_pipelines.pipelines import load as loading
from beam_pipelines.world import World, date_of
from tests.conftest import RUNNER

WORLD = World(seed=42, scale=0.01)
DAYS = range(29, 32)
DAY = ("--start_date=2019-01-31", "--end_date=2019-01-31")


def drawn(table: str, days: range) -> list[dict]:
    return [
        row
        for day in days
        for block in range(WORLD.blocks(table, day))
        for row in WORLD.block(table, day, block).to_pylist()
    ]


def rows_of(warehouse, table: str, key: str) -> list[dict]:
    return [dict(row.items()) for row in warehouse.query_and_wait(f"SELECT * FROM {table} ORDER BY {key}")]


@pytest.fixture(scope="module")
def orders() -> list[dict]:
    return drawn("orders", DAYS)


@pytest.fixture(scope="module")
def products() -> dict[int, list[dict]]:
    """The versions of every product by its number, oldest first."""
    versions = defaultdict(list)
    for row in drawn("products", range(DAYS.stop)):
        versions[row["product_id"]].append(row)
    return versions


@pytest.fixture(scope="module")
def lines(orders, products) -> list[dict]:
    """The orders' lines, joined with the product of their moment."""
    joined = []
    for order in orders:
        for item in order["items"]:
            product = [row for row in products[item["product_id"]] if row["valid_from"] <= order["created_at"]][-1]
            line = {name: order[name] for name in ("order_id", "customer_id", "created_at", "channel", "country")}
            line |= {name: product[name] for name in ("department", "category", "brand")}
            joined.append(
                line | item | {"product_version": product["version"], "margin": item["sale_price"] - item["cost"]}
            )
    return joined


def test_orders_are_the_worlds_row_for_row(loaded, orders):
    assert rows_of(loaded, "retail.orders", "order_id") == orders


@pytest.mark.parametrize("table", ["distribution_centers", "customers"])
def test_dimensions_are_the_worlds_from_the_opening_on(loaded, table):
    expected = sorted(drawn(table, range(DAYS.stop)), key=lambda row: (row[f"{table[:-1]}_id"], row.get("version")))
    assert rows_of(loaded, f"retail.{table}", "1, 2") == expected


@pytest.mark.parametrize("table", ["order_events", "web_events"])
def test_events_are_the_worlds_row_for_row(loaded, table):
    assert rows_of(loaded, f"retail.{table}", "event_id") == drawn(table, DAYS)


def test_units_are_the_worlds_of_every_day_in_the_lake(loaded, small_lake):
    there = sorted(folder.name.removeprefix("dt=") for folder in small_lake.glob("inventory_items/dt=*"))
    days = range(DAYS.stop - len(there), DAYS.stop)
    assert there == [date_of(day).isoformat() for day in days]
    assert rows_of(loaded, "retail.inventory_items", "inventory_item_id") == drawn("inventory_items", days)


def test_units_cost_what_their_order_lines_cost(loaded):
    query = """
        SELECT COUNT(*) AS sold, COUNTIF(unit.cost = line.cost AND unit.product_id = line.product_id) AS alike
        FROM retail.order_items AS line JOIN retail.inventory_items AS unit USING (inventory_item_id)
    """
    (found,) = loaded.query_and_wait(query)
    assert found["sold"] == found["alike"] > 0


def test_lines_have_the_product_version_of_their_moment(loaded, lines):
    query = """
        SELECT line.order_item_id, product.version
        FROM retail.order_items AS line JOIN retail.products AS product USING (product_id)
        WHERE product.valid_from <= line.created_at
        QUALIFY ROW_NUMBER() OVER (PARTITION BY line.order_item_id ORDER BY product.valid_from DESC) = 1
        ORDER BY 1
    """
    versions = [row.values() for row in loaded.query_and_wait(query)]
    assert versions == sorted((line["order_item_id"], line["product_version"]) for line in lines)


def test_products_are_the_worlds_from_the_opening_on(loaded, products):
    (found,) = loaded.query_and_wait(
        "SELECT COUNT(*), SUM(product_id), SUM(cost), SUM(retail_price) FROM retail.products"
    )
    rows = [row for versions in products.values() for row in versions]
    sums = (sum(row[name] for row in rows) for name in ("product_id", "cost", "retail_price"))
    assert found.values() == (len(rows), *sums)


def test_order_items_are_the_orders_lines_joined(loaded, lines):
    names = [column.name for column in tables.ORDER_ITEMS.columns]
    expected = sorted(({name: line[name] for name in names} for line in lines), key=lambda line: line["order_item_id"])
    assert rows_of(loaded, "retail.order_items", "order_item_id") == expected


def test_daily_sales_add_up_to_the_cent(loaded, lines):
    cells = defaultdict(list)
    for line in lines:
        cells[line["created_at"].date(), line["category"], line["channel"], line["country"]].append(line)
    expected = [
        (
            *cell,
            len({line["order_id"] for line in cells[cell]}),
            len(cells[cell]),
            *(sum(line[name] for line in cells[cell]) for name in ("sale_price", "discount", "margin")),
        )
        for cell in sorted(cells)
    ]
    found = loaded.query_and_wait("SELECT * FROM retail.daily_sales ORDER BY day, category, channel, country")
    assert [row.values() for row in found] == expected


def test_sessions_are_the_days_events_of_each_session(loaded):
    query = """
        SELECT session_id, MAX(customer_id), MIN(occurred_at), MAX(occurred_at), COUNT(*),
            COUNTIF(event_type = 'product'), LOGICAL_OR(event_type = 'cart'), LOGICAL_OR(event_type = 'purchase'),
            MAX(order_id), ANY_VALUE(traffic_source), ANY_VALUE(device), ANY_VALUE(city),
            MAX(IF(sequence_number = first, uri, NULL)), MAX(IF(sequence_number = last, uri, NULL))
        FROM (
            SELECT *, MIN(sequence_number) OVER day AS first, MAX(sequence_number) OVER day AS last
            FROM retail.web_events WINDOW day AS (PARTITION BY session_id, DATE(occurred_at))
        )
        GROUP BY session_id, DATE(occurred_at)
    """
    names = (
        "session_id, customer_id, started_at, ended_at, events, product_views, carted, purchased, order_id, "
        "traffic_source, device, city, landing_page, exit_page"
    )
    expected, found = (
        sorted((row.values() for row in loaded.query_and_wait(text)), key=lambda row: (row[2], row[0]))
        for text in (query, f"SELECT {names} FROM retail.sessions")
    )
    assert found == expected
    assert len(found) > 100


def test_each_partition_has_a_line_of_its_load(loaded, small_lake):
    lines = rows_of(loaded, "ops.partition_loads", "table_name, partition_date")
    assert len(lines) == len({(line["table_name"], line["partition_date"]) for line in lines})
    assert Counter(line["table_name"] for line in lines) == {
        "distribution_centers": 1,
        **dict.fromkeys(["products", "customers"], 2),
        **dict.fromkeys(["orders", "order_events", "web_events", "order_items", "daily_sales", "sessions"], 3),
        "inventory_items": len(list(small_lake.glob("inventory_items/dt=*"))),
    }
    for line in lines:
        assert line["rows_in"] == line["rows_loaded"] > 0
        assert line["rows_refused"] == line["rows_deduplicated"] == line["rows_late"] == line["rows_unreadable"] == 0
        assert line["job_id"].startswith(f"retail_load_{line['table_name']}_")
        assert line["loaded_at"] is not None


def test_clean_days_leave_no_dead_letters(loaded):
    assert rows_of(loaded, "ops.dead_letters", "1") == []


def test_every_partition_with_rows_is_one_job(loaded, load_jobs, small_lake):
    jobs = Counter(job.removeprefix("retail_load_").rsplit("_", 3)[0] for job in load_jobs(loaded))
    months, days = 2, 3
    of_lake = {
        "distribution_centers": 1,
        **dict.fromkeys(["products", "customers"], months),
        **dict.fromkeys(["orders", "order_events", "web_events"], days),
        "inventory_items": len(list(small_lake.glob("inventory_items/dt=*"))),
    }
    derived = dict.fromkeys(["order_items", "daily_sales", "sessions"], days)
    lines = {f"partition_loads_{table}": partitions for table, partitions in of_lake.items()}
    # Dead letters are to be empty, and are.
    assert jobs == of_lake | derived | lines
    assert all(job.endswith("_0") for job in load_jobs(loaded)), "every first attempt has succeeded"


def test_loading_again_changes_nothing_and_starts_nothing(loaded, small_lake, load_again, contents, load_jobs):
    before, jobs = contents(loaded), load_jobs(loaded)
    load_again(loaded, small_lake)
    assert load_jobs(loaded) == jobs
    assert contents(loaded) == before


def test_one_day_alone_loads_what_it_loads_in_a_range(warehouse, load, small_lake, loaded, contents):
    load(small_lake, *DAY)
    alone, whole = contents(warehouse), contents(loaded)
    assert alone["retail.orders"] == [row for row in whole["retail.orders"] if '"created_at":"2019-01-31' in row]
    assert len(alone["retail.orders"]) == WORLD.rows("orders", 30)
    january = sum(WORLD.rows("customers", day) for day in range(31))
    assert len(alone["retail.customers"]) == january
    assert set(alone["retail.customers"]) < set(whole["retail.customers"])


def test_a_lake_in_cloud_storage_loads_alike(tmp_path, gs_folder, generate, warehouse, load, contents, load_jobs):
    second_day = ("--start_date=2019-01-02", "--end_date=2019-01-02")
    found = []
    for lake in (str(tmp_path / "lake"), gs_folder):
        generate(lake, *second_day)
        load(lake, *second_day)
        found.append((contents(warehouse), load_jobs(warehouse)))
        warehouse.query_and_wait("DELETE FROM retail.orders WHERE TRUE")
    (local, jobs), (remote, more_jobs) = found
    assert remote == local
    assert len(local["retail.orders"]) == WORLD.rows("orders", 1)
    orders, line = sorted(set(more_jobs) - set(jobs))
    assert orders.startswith("retail_load_orders_20190102_"), "other content would have been loaded by other jobs"
    assert line.startswith("retail_load_partition_loads_orders_20190102_")


def test_a_missing_day_fails_the_load_before_anything_is_loaded(warehouse, load, small_lake, load_jobs):
    with pytest.raises(Exception, match=r"dt=2019-02-02: expected a manifest of .*, found none; generate it"):
        load(small_lake, "--end_date=2019-02-02")
    assert load_jobs(warehouse) == []


def test_the_template_entry_points_run_their_pipelines(tmp_path, warehouse, contents, loaded):
    lake = tmp_path / "lake"
    flags = ["--start_date=2019-01-30", "--end_date=2019-02-01"]
    generating.main([RUNNER, f"--output={lake}", *flags, "--scale=0.01"])
    temporary = f"--temp_location={tmp_path}/temporary"
    loading.main([RUNNER, f"--input={lake}", *flags, "--warehouse=bigquery://local", temporary])
    assert contents(warehouse) == contents(loaded)


def test_the_template_entry_point_asks_for_a_place_to_stage(small_lake):
    with pytest.raises(UsageError, match="--temp_location: required: where staged files are kept"):
        loading.main([RUNNER, f"--input={small_lake}", *DAY, "--warehouse=bigquery://local"])


def test_dates_of_the_small_lake():
    assert [date_of(day) for day in DAYS] == [date(2019, 1, 30), date(2019, 1, 31), date(2019, 2, 1)]

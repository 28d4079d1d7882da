"""Ninety days of a small world as plain rows, and what plain Python makes of them: what views are compared with."""

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.cloud import bigquery

from beam_pipelines import avro, storage, tables
from beam_pipelines.schema import Table
from beam_pipelines.warehouse.partition_loads import PartitionContent, finish, start
from beam_pipelines.world import World

WORLD = World(seed=42, scale=0.02)
DAYS = range(310, 400)
"""7 November 2019 to 4 February 2020: four months, with Christmas and the gifts that come back after it."""

WEB_DAYS = DAYS[-3:]
"""Days of which there are sessions."""

Row = dict[str, Any]


def batches(world: World, table: str, days: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """The blocks of these days."""
    return (world.block(table, day, block) for day in days for block in range(world.blocks(table, day)))


@functools.lru_cache
def rows(table: str) -> list[Row]:
    """The rows of a lake table: of the days themselves, of units 28 days more, of products all that there are."""
    first = {"products": 0, "inventory_items": DAYS[0] - tables.LONGEST_IN_STOCK}
    days = WEB_DAYS if table == "web_events" else range(first.get(table, DAYS[0]), DAYS.stop)
    return [row for batch in batches(WORLD, table, days) for row in batch.to_pylist()]


@functools.lru_cache
def products() -> dict[int, list[Row]]:
    """The versions of every product, the oldest first."""
    versions = defaultdict(list)
    for row in sorted(rows("products"), key=lambda row: row["version"]):
        versions[row["product_id"]].append(row)
    return versions


@functools.lru_cache
def order_items() -> list[Row]:
    """Every line of every order with the product as it was then."""
    lines = []
    for order in rows("orders"):
        of_order = {name: order[name] for name in ("order_id", "customer_id", "created_at", "channel", "country")}
        for item in order["items"]:
            valid = [row for row in products()[item["product_id"]] if row["valid_from"] <= order["created_at"]][-1]
            of_product = {name: valid[name] for name in ("department", "category", "brand")}
            margin = item["sale_price"] - item["cost"]
            lines.append(of_order | item | of_product | {"product_version": valid["version"], "margin": margin})
    return lines


@functools.lru_cache
def sessions() -> list[Row]:
    """The sessions of the last days."""
    events = defaultdict(list)
    for event in rows("web_events"):
        events[event["session_id"]].append(event)
    return [_session(sorted(own, key=lambda event: event["sequence_number"])) for own in events.values()]


def _session(events: list[Row]) -> Row:
    first, last = events[0], events[-1]
    types = [event["event_type"] for event in events]
    visit = ("session_id", "traffic_source", "browser", "device", "city", "state", "country")
    return {name: first[name] for name in visit} | {
        "customer_id": last["customer_id"],
        "started_at": first["occurred_at"],
        "ended_at": last["occurred_at"],
        "duration_seconds": (last["occurred_at"] - first["occurred_at"]) // timedelta(seconds=1),
        "events": len(events),
        "product_views": types.count("product"),
        "landing_page": first["uri"],
        "exit_page": last["uri"],
        "carted": "cart" in types,
        "purchased": "purchase" in types,
        "order_id": last["order_id"],
    }


def fill(warehouse: bigquery.Client, folder: Path) -> None:
    """Loads the rows, one job a table."""
    for table in (tables.PRODUCTS, tables.CUSTOMERS, tables.INVENTORY_ITEMS, tables.ORDERS, tables.ORDER_EVENTS):
        put(warehouse, table, rows(table.name), folder)
    put(warehouse, tables.ORDER_ITEMS, order_items(), folder)
    put(warehouse, tables.SESSIONS, sessions(), folder)


def put(warehouse: bigquery.Client, table: Table, content: list[Row], folder: Path) -> None:
    """Replaces all rows of a table."""
    batch = pa.RecordBatch.from_pylist(content, schema=table.arrow_schema)
    path = str(folder / f"{table.name}.avro")
    written = storage.write(path, lambda file: avro.write_blocks(file, table.avro_schema, [batch]))
    whole = PartitionContent(table, "", (f"file://{path}",), (written.fingerprint,), len(content))
    finish(start(warehouse, whole), whole)


def answer(warehouse: bigquery.Client, query: str) -> list[Row]:
    """The rows of a query's result."""
    return [dict(row.items()) for row in warehouse.query_and_wait(query)]


def month_of(moment: datetime) -> date:
    """The first day of the month."""
    return moment.date().replace(day=1)


def rounded(number: Decimal, decimals: int) -> Decimal:
    """As BigQuery rounds NUMERIC."""
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)

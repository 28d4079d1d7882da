"""A warehouse of two months around Christmas 2019, loaded without the pipelines, and theLook's rows computed anew."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.cloud import bigquery

from beam_pipelines import avro, storage, tables
from beam_pipelines.schema import Table
from beam_pipelines.world import World

Row = dict[str, Any]

WORLD = World(seed=42, scale=0.01)
DAYS = range(323, 385)
"""20 November 2019 to 20 January 2020: gifts are delivered late and some come back in January."""
_HISTORY = {table: range(DAYS.stop) for table in ("distribution_centers", "products", "customers")}
_OWN_DAYS = _HISTORY | {
    "inventory_items": range(DAYS.start - tables.LONGEST_IN_STOCK, DAYS.stop),
    "web_events": range(DAYS.start, DAYS.start + 3),  # there are many of them, and no day is special
}


@functools.cache
def drawn(table: str) -> list[Row]:
    """The rows of a lake table; not to be changed."""
    return [row for batch in _batches(table) for row in batch.to_pylist()]


def _batches(table: str) -> Iterator[pa.RecordBatch]:
    for day in _OWN_DAYS.get(table, DAYS):
        for block in range(WORLD.blocks(table, day)):
            yield WORLD.block(table, day, block)


@functools.cache
def newest(table: str, key: str) -> dict[int, Row]:
    """The newest version of each row by its number."""
    return {row[key]: row for row in sorted(drawn(table), key=lambda row: row["version"])}


@functools.cache
def events_of_orders() -> dict[int, list[Row]]:
    """What happened to each order, in the order in which it did."""
    found: dict[int, list[Row]] = {order["order_id"]: [] for order in drawn("orders")}
    for event in sorted(drawn("order_events"), key=lambda event: event["occurred_at"]):
        found.get(event["order_id"], []).append(event)
    return found


def lines() -> Iterator[tuple[Row, Row]]:
    """Each order's lines beside the order."""
    return ((order, item) for order in drawn("orders") for item in order["items"])


def _distribution_centers() -> Iterator[Row]:
    for center in drawn("distribution_centers"):
        number, name, latitude, longitude = center.values()
        yield {"id": number, "name": name, "latitude": latitude, "longitude": longitude} | {
            "distribution_center_geom": (longitude, latitude)
        }


def _products() -> Iterator[Row]:
    same = ("category", "name", "brand", "department", "sku", "distribution_center_id")
    for number, product in newest("products", "product_id").items():
        prices = {name: float(product[name]) for name in ("cost", "retail_price")}
        yield {"id": number} | prices | {name: product[name] for name in same}


def _users() -> Iterator[Row]:
    replaced = ("customer_id", "version", "valid_from")
    for number, customer in newest("customers", "customer_id").items():
        kept = {name: value for name, value in customer.items() if name not in replaced}
        yield {"id": number, "user_geom": (customer["longitude"], customer["latitude"])} | kept


def _events() -> Iterator[Row]:
    dropped = ("product_id", "order_id", "device", "country")
    names = {"event_id": "id", "customer_id": "user_id", "occurred_at": "created_at"}
    for event in drawn("web_events"):
        yield {names.get(name, name): value for name, value in event.items() if name not in dropped}


def _inventory_items() -> Iterator[Row]:
    sold = {item["inventory_item_id"]: order["created_at"] for order, item in lines()}
    products = newest("products", "product_id")
    for unit in drawn("inventory_items"):
        product = products[unit["product_id"]]
        yield {
            "id": unit["inventory_item_id"],
            "product_id": unit["product_id"],
            "created_at": unit["created_at"],
            "sold_at": sold.get(unit["inventory_item_id"]),
            "cost": float(unit["cost"]),
            "product_retail_price": float(product["retail_price"]),
        } | {
            f"product_{name}": product[name]
            for name in ("category", "name", "brand", "department", "sku", "distribution_center_id")
        }


_STATUS = {"shipped": "Shipped", "delivered": "Complete", "cancelled": "Cancelled", "returned": "Returned"}


def _orders() -> Iterator[Row]:
    customers = newest("customers", "customer_id")
    for order in drawn("orders"):
        events = {event["event_type"]: event["occurred_at"] for event in events_of_orders()[order["order_id"]]}
        yield {
            "order_id": order["order_id"],
            "user_id": order["customer_id"],
            "status": _STATUS[list(events)[-1]] if events else "Processing",
            "gender": customers[order["customer_id"]]["gender"],
            "created_at": order["created_at"],
            "returned_at": events.get("returned"),
            "shipped_at": events.get("shipped"),
            "delivered_at": events.get("delivered"),
            "num_of_item": len(order["items"]),
        }


def _order_items() -> Iterator[Row]:
    orders = {order["order_id"]: order for order in _orders()}
    returned = {
        line: event["occurred_at"]
        for events in events_of_orders().values()
        for event in events
        for line in event["order_item_ids"]
    }
    for placed, item in lines():
        order, back = orders[placed["order_id"]], returned.get(item["order_item_id"])
        others = "Complete" if order["status"] == "Returned" else order["status"]
        same = {name: order[name] for name in ("order_id", "user_id", "created_at", "shipped_at", "delivered_at")}
        yield same | {
            "id": item["order_item_id"],
            "product_id": item["product_id"],
            "inventory_item_id": item["inventory_item_id"],
            "status": "Returned" if back else others,
            "returned_at": back,
            "sale_price": float(item["sale_price"]),
        }


EXPECTED: dict[str, Callable[[], Iterator[Row]]] = {
    "distribution_centers": _distribution_centers,
    "events": _events,
    "inventory_items": _inventory_items,
    "order_items": _order_items,
    "orders": _orders,
    "products": _products,
    "users": _users,
}
"""The rows of each of theLook's tables, by the view's name; a GEOGRAPHY is its longitude and latitude."""


def _derived_order_items() -> pa.RecordBatch:
    """What the load pipeline makes of the orders, without what it takes from the products."""
    same = ("order_id", "customer_id", "created_at", "channel", "country")
    rows = [
        item | {name: order[name] for name in same} | {"margin": item["sale_price"] - item["cost"]}
        for order, item in lines()
    ]
    return pa.RecordBatch.from_pylist(rows, schema=tables.ORDER_ITEMS.arrow_schema)


def _append(client: bigquery.Client, path: Path, table: Table, batches: Iterator[pa.RecordBatch]) -> None:
    storage.write(str(path), lambda file: avro.write_blocks(file, table.avro_schema, batches))
    configuration = bigquery.LoadJobConfig(source_format="AVRO", use_avro_logical_types=True)
    name = f"{client.project}.{table.dataset}.{table.name}"
    client.load_table_from_uri(f"file://{path}", name, job_config=configuration).result()


@pytest.fixture(scope="session")
def thelook(tmp_path_factory, connected, prepared_file) -> Iterator[bigquery.Client]:
    """The two months in a warehouse, not to be changed."""
    folder = tmp_path_factory.mktemp("thelook")
    with connected(Path(shutil.copy(prepared_file, folder))) as client:
        for table in tables.LAKE:
            _append(client, folder / f"{table.name}.avro", table, _batches(table.name))
        order_items = iter([_derived_order_items()])
        _append(client, folder / "order_items.avro", tables.ORDER_ITEMS, order_items)
        yield client

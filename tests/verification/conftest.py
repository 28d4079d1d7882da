"""A lake of four days written by hand, good in every respect, to be spoilt one way or another."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beam_pipelines import avro, lake, tables, verification
from beam_pipelines.schema import Table
from beam_pipelines.verification import Check, Outcome

Row = dict[str, Any]
Rows = dict[str, list[Row]]
OPENING = date(2019, 1, 1)
DAYS = 4
GOODS = {1: ("20.00", "8.00"), 2: ("50.00", "30.00")}
"""Price and cost of the products."""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment on one of the lake's days, from 1."""
    return datetime(2019, 1, day, hour, minute, tzinfo=UTC)


def product(product_id: int, version: int, day: int, launched: int, price: str, cost: str) -> Row:
    return {
        "product_id": product_id,
        "version": version,
        "valid_from": at(day, 0),
        "launched_at": at(launched, 0),
        "sku": f"SKU-{product_id}",
        "name": "Crew Socks",
        "brand": "Hillfoot",
        "category": "Socks",
        "department": "Men",
        "retail_price": Decimal(price),
        "cost": Decimal(cost),
        "distribution_center_id": 1,
    }


def customer(customer_id: int, signed_up: datetime, version: int = 1, valid_from: datetime | None = None) -> Row:
    texts = ("first_name", "last_name", "email", "street_address", "postal_code", "city", "state")
    return {
        "customer_id": customer_id,
        "version": version,
        "valid_from": valid_from or signed_up,
        "created_at": signed_up,
        **dict.fromkeys(texts, "x"),
        "age": 40,
        "gender": "F",
        "country": "China",
        "latitude": 1.0,
        "longitude": 2.0,
        "traffic_source": "Search",
    }


def unit(number: int, product_id: int, cost: str = "") -> Row:
    return {
        "inventory_item_id": number,
        "product_id": product_id,
        "distribution_center_id": 1,
        "created_at": at(1, 2),
        "cost": Decimal(cost or GOODS[product_id][1]),
    }


def item(number: int, product_id: int, unit_: int, price: str = "", discount: str = "0.00", cost: str = "") -> Row:
    retail = Decimal(price or GOODS[product_id][0])
    return {
        "order_item_id": number,
        "product_id": product_id,
        "inventory_item_id": unit_,
        "retail_price": retail,
        "discount": Decimal(discount),
        "sale_price": retail - Decimal(discount),
        "cost": Decimal(cost or GOODS[product_id][1]),
    }


def order(number: int, customer_id: int, placed: datetime, channel: str, items: list[Row]) -> Row:
    subtotal, discount = (sum(each[name] for each in items) for name in ("retail_price", "discount"))
    return {
        "order_id": number,
        "customer_id": customer_id,
        "created_at": placed,
        "channel": channel,
        "payment_method": "card",
        "country": "China",
        "promotion_code": None,
        "subtotal": subtotal,
        "discount": discount,
        "shipping": Decimal("5.00"),
        "tax": Decimal("1.25"),
        "total": subtotal - discount + Decimal("6.25"),
        "items": items,
    }


def happened(number: int, order_id: int, event_type: str, moment: datetime, **changed: Any) -> Row:
    return {
        "event_id": number,
        "order_id": order_id,
        "event_type": event_type,
        "occurred_at": moment,
        "carrier": "UPS",
        "refund": None,
        "order_item_ids": [],
    } | changed


def session(first: int, name: str, steps: Iterable[str], end: datetime, **visitor: Any) -> list[Row]:
    """Events of a session, one a minute; its visitor is signed in from the second event on."""
    listed = list(steps)
    return [
        {
            "event_id": first + index,
            "session_id": name,
            "sequence_number": index + 1,
            "customer_id": visitor.get("customer_id") if index else None,
            "occurred_at": end - timedelta(minutes=len(listed) - 1 - index),
            "event_type": step,
            "uri": f"/product/{visitor['product_id']}" if step == "product" else f"/{step}",
            "product_id": visitor["product_id"] if step == "product" else None,
            "order_id": visitor["order_id"] if step == "purchase" else None,
            "traffic_source": "Email",
            "browser": "Chrome",
            "device": "mobile",
            "ip_address": "5.0.0.1",
            "city": "x",
            "state": "x",
            "postal_code": "x",
            "country": "China",
        }
        for index, step in enumerate(listed)
    ]


BOUGHT = ("home", "product", "cart", "purchase")


@pytest.fixture
def rows() -> Rows:
    """Every table's rows, to be changed."""
    return {
        "distribution_centers": [
            {"distribution_center_id": number, "name": "Memphis TN", "latitude": 35.0, "longitude": -89.0}
            for number in (1, 2)
        ],
        "products": [
            product(1, 1, 1, 1, "20.00", "8.00"),
            product(1, 2, 3, 1, "25.00", "9.00"),
            product(2, 1, 1, 2, "50.00", "30.00"),
        ],
        "customers": [
            customer(1, at(1, 8)),
            customer(2, at(1, 9)),
            customer(3, at(2, 10)),
            customer(1, at(1, 8), version=2, valid_from=at(3, 7)),
        ],
        "inventory_items": [unit(number, 2 if number in (4, 6, 7) else 1) for number in range(1, 9)],
        "orders": [
            order(1, 1, at(1, 12), "web", [item(1, 1, 1)]),
            order(2, 2, at(1, 15), "app", [item(17, 1, 2), item(18, 1, 3)]),
            order(3, 3, at(2, 12), "web", [item(33, 2, 4, discount="5.00")]),
            order(4, 1, at(3, 18), "web", [item(49, 1, 5, price="25.00"), item(50, 2, 6)]),
        ],
        "order_events": [
            happened(1, 2, "cancelled", at(1, 16), carrier=None),
            happened(2, 1, "shipped", at(2, 10)),
            happened(3, 1, "delivered", at(3, 9)),
            happened(4, 3, "shipped", at(3, 11)),
            happened(5, 1, "returned", at(4, 10), refund=Decimal("20.00"), order_item_ids=[1]),
        ],
        "web_events": [
            *session(1, "s1", BOUGHT, at(1, 12), customer_id=1, product_id=1, order_id=1),
            *session(5, "s2", ("home", "department", "product"), at(1, 20), product_id=1),
            *session(8, "s3", BOUGHT, at(2, 12), customer_id=3, product_id=2, order_id=3),
            *session(12, "s4", BOUGHT, at(3, 18), customer_id=1, product_id=2, order_id=4),
        ],
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Rows], Path]:
    """Writes rows as a lake, each in the folder of its day, and a manifest for every day."""

    def written(rows: Rows, folder: str = "lake") -> Path:
        for name, own in rows.items():
            table = tables.BY_NAME[name]
            for number in range(DAYS):
                day = OPENING + timedelta(days=number)
                write_day(tmp_path / folder, table, day, [row for row in own if _day(table, row) == day])
        return tmp_path / folder

    return written


def _day(table: Table, row: Row) -> date:
    return row[table.partition.column].date() if table.partition else OPENING


def write_day(root: Path, table: Table, day: date, rows: list[Row]) -> None:
    folder = Path(lake.folder(str(root), table.name, day))
    folder.mkdir(parents=True)
    files = []
    if rows:
        batch = pa.RecordBatch.from_pylist(rows, schema=table.arrow_schema)
        name = lake.file_name(0, 1)
        with (folder / name).open("wb") as file:
            written = avro.write_blocks(file, table.avro_schema, [batch])
        sums = {path: str(total) for path, total in lake.sums(table, batch).items()}
        files.append(
            lake.LakeFile(name, written.rows, written.bytes, written.uncompressed_bytes, written.fingerprint, sums)
        )
    manifest = lake.manifest_of(table, day, world=1, seed=42, scale=0.1, codec="snappy", files=files)
    (folder / lake.MANIFEST).write_text(manifest.to_json())


@pytest.fixture
def verified() -> Callable[..., dict[str, Outcome]]:
    """Runs checks over a lake: what came of each, those of the files included."""

    def run(
        root: Path, checks: Iterable[Check] = verification.RULES, start: date | None = None, end: date | None = None
    ) -> dict[str, Outcome]:
        chosen, faults = tuple(checks), verification.Faults()
        days = verification.find(str(root), start, end, faults)
        with verification.database() as connection:
            verification.read(connection, days, verification.lake_columns(chosen, verification.PREPARED), faults)
            checking = verification.Checking(connection, days.manifests, verification.PREPARED)
            outcomes = [*faults.outcomes(), *map(checking.outcome, chosen)]
        return {outcome.name: outcome for outcome in outcomes}

    return run


def failed(outcomes: dict[str, Outcome]) -> set[str]:
    """Names of the checks that failed."""
    return {name for name, outcome in outcomes.items() if outcome.status is verification.Status.FAILED}

"""Lakes written by hand, of small rows that may be anything."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pyarrow as pa

from beam_pipelines import avro, lake, storage, tables
from beam_pipelines.options import Period
from beam_pipelines.schema import Column, Table
from beam_pipelines.transforms.lake_planning import Circumstances, TablePlan, find_manifests, plan_table
from beam_pipelines.transforms.lake_reading import read_manifest
from beam_pipelines.transforms.references import LastKeys

Row = dict[str, Any]
Blocks = Sequence[Sequence[Row]]
"""A file's rows, by block."""

DAY = date(2025, 11, 10)

NOTHING_KNOWN = Circumstances(LastKeys([]), "")
"""A load of which nothing has been loaded before."""

FLIPPED = slice(8, 24)
"""The bytes of a block that are spoilt, from its first."""


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def moment(day: date, hour: float = 12) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(hours=hour)


def unit(number: int | None, created_at: datetime | None, **changed: Any) -> Row:
    """A unit of stock, valid but for what is changed."""
    return {
        "inventory_item_id": number,
        "product_id": 7,
        "distribution_center_id": 1,
        "created_at": created_at,
        "cost": Decimal("9.99"),
    } | changed


def event(number: int | None, occurred_at: datetime | None, **changed: Any) -> Row:
    """Something that happened to an order, valid but for what is changed."""
    return {
        "event_id": number,
        "order_id": 7,
        "event_type": "returned",
        "occurred_at": occurred_at,
        "carrier": "DHL",
        "refund": Decimal("5.00"),
        "order_item_ids": [112, 113],
    } | changed


def order(number: int | None, created_at: datetime | None, prices: Sequence[str] = ("20.00",), **changed: Any) -> Row:
    """An order of units of product 7 at these prices, valid but for what is changed."""
    total = sum(map(Decimal, prices), Decimal("0.00"))
    return {
        "order_id": number,
        "customer_id": 3,
        "created_at": created_at,
        "channel": "web",
        "payment_method": "card",
        "country": "France",
        "promotion_code": None,
        "subtotal": total,
        "discount": Decimal("0.00"),
        "shipping": Decimal("4.90"),
        "tax": Decimal("1.00"),
        "total": total + Decimal("5.90"),
        "items": [_item((number or 0) * 16 + line, Decimal(price)) for line, price in enumerate(prices, start=1)],
    } | changed


def _item(number: int, price: Decimal) -> Row:
    return {
        "order_item_id": number,
        "product_id": 7,
        "inventory_item_id": number,
        "retail_price": price,
        "discount": Decimal("0.00"),
        "sale_price": price,
        "cost": Decimal("8.50"),
    }


def page(number: int, occurred_at: datetime, **changed: Any) -> Row:
    """A page that somebody looked at, valid but for what is changed."""
    return {
        "event_id": number,
        "session_id": "s1",
        "sequence_number": 1,
        "customer_id": None,
        "occurred_at": occurred_at,
        "event_type": "home",
        "uri": "/home",
        "product_id": None,
        "order_id": None,
        "traffic_source": "Email",
        "browser": "Chrome",
        "device": "mobile",
        "ip_address": "192.0.2.1",
        "city": "Paris",
        "state": "Paris",
        "postal_code": "75001",
        "country": "France",
    } | changed


def center(number: int | None, name: str = "Memphis TN") -> Row:
    return {"distribution_center_id": number, "name": name, "latitude": 35.1, "longitude": -89.9}


def version(product_id: int, number: int, valid_from: datetime, **changed: Any) -> Row:
    """A version of a product."""
    return {
        "product_id": product_id,
        "version": number,
        "valid_from": valid_from,
        "launched_at": datetime(2019, 1, 1, tzinfo=UTC),
        "sku": f"SKU-{product_id}",
        "name": f"Product {product_id}",
        "brand": f"Brand {product_id % 3}",
        "category": tables.CATEGORIES[product_id % 26],
        "department": "Women",
        "retail_price": Decimal("20.00") + number,
        "cost": Decimal("7.77") + number,
        "distribution_center_id": 1,
    } | changed


def careless(table: Table) -> Table:
    """The table as somebody writes it who allows nulls everywhere."""
    return replace(table, columns=tuple(map(_careless, table.columns)))


def _careless(column: Column) -> Column:
    return replace(column, nullable=not column.repeated, fields=tuple(map(_careless, column.fields)))


class Place(NamedTuple):
    """Where a block is in its file."""

    offset: int
    length: int


def _manifest(table: Table, day: date, files: Sequence[lake.LakeFile], **changed: Any) -> lake.Manifest:
    """A manifest as of a lake with defects, of which nobody expects that each day has rows of its own."""
    manifest = lake.manifest_of(table, day, world=1, seed=42, scale=1.0, codec="snappy", files=files)
    return replace(manifest, **{"defects": {"late": 0.1}} | changed)


@dataclass(frozen=True)
class Lake:
    """A lake below a folder."""

    root: str

    def write(
        self,
        table: Table,
        day: date,
        files: Sequence[Blocks],
        *,
        as_written: Table | None = None,
        last_key: int = 10**12,
        **of_manifest: Any,
    ) -> lake.Manifest:
        """Writes a day of a table, with whatever the rows are, as files of another schema or of a careless one."""
        schema = as_written or careless(table)
        written = []
        for part, blocks in enumerate(files):
            batches = [pa.RecordBatch.from_pylist(list(rows), schema=schema.arrow_schema) for rows in blocks]
            name = lake.file_name(part, len(files))
            written.append(self._file(schema, day, name, schema.avro_schema, batches, last_key))
        fingerprint = schema.fingerprint if as_written else table.fingerprint
        return self.write_manifest(_manifest(schema, day, written, **{"schema": fingerprint} | of_manifest))

    def write_batches(
        self, table: Table, day: date, schema: Mapping[str, Any], batches: Sequence[pa.RecordBatch]
    ) -> lake.Manifest:
        """Writes a day of a table as a file of any Avro schema."""
        written = self._file(table, day, lake.file_name(0, 1), schema, batches, 10**12)
        return self.write_manifest(_manifest(table, day, [written], schema=""))

    def write_manifest(self, manifest: lake.Manifest) -> lake.Manifest:
        """Writes a day's manifest."""
        path = f"{lake.folder(self.root, manifest.table, manifest.day)}/{lake.MANIFEST}"
        storage.write(path, lambda file: file.write(manifest.to_json().encode()))
        return manifest

    def _file(
        self,
        table: Table,
        day: date,
        name: str,
        schema: Mapping[str, Any],
        batches: Sequence[pa.RecordBatch],
        last_key: int,
    ) -> lake.LakeFile:
        path = f"{lake.folder(self.root, table.name, day)}/{name}"
        written = storage.write(path, lambda file: avro.write_blocks(file, schema, batches))
        sums: dict[str, Decimal] = dict.fromkeys(table.numeric_paths, Decimal("0.00"))
        dates: Counter[str] = Counter()
        for batch in batches:
            dates.update(lake.rows_by_date(table, batch))
            for column, total in lake.sums(table, batch).items():
                sums[column] += total
        return lake.LakeFile(
            name,
            written.rows,
            written.bytes,
            written.uncompressed_bytes,
            written.fingerprint,
            {column: str(total) for column, total in sums.items()},
            dict(dates),
            last_key,
        )

    def spoil(self, table: Table, day: date, block: int, part: int = 0, parts: int = 1) -> Place:
        """Flips bits in the content of a block of a file; where it is."""
        path = Path(lake.folder(self.root, table.name, day), lake.file_name(part, parts))
        damaged: list[Place] = []
        with path.open("rb") as file:
            blocks = avro.read_blocks(
                file, on_damage=lambda damage: damaged.append(Place(damage.offset, damage.length))
            )
            places = [Place(one.offset, one.length) for one in blocks] + damaged
        place, content = sorted(places)[block], bytearray(path.read_bytes())
        for byte in range(place.offset + FLIPPED.start, place.offset + FLIPPED.stop):
            content[byte] ^= 0xFF
        path.write_bytes(content)
        return place

    def plan(self, table: Table, period: Period) -> TablePlan:
        """What a load of these days plans for a table."""
        manifests = [read_manifest(path) for path in find_manifests(self.root, table.name, period)]
        return plan_table(self.root, period, manifests, NOTHING_KNOWN)


def divided(rows: Sequence[Row], random: Random, most: int = 3) -> list[list[list[Row]]]:
    """Rows divided among files and blocks at random, their order too."""
    rows = random.sample(rows, len(rows))
    files: list[list[list[Row]]] = [
        [[] for _ in range(random.randint(1, most))] for _ in range(random.randint(1, most))
    ]
    for row in rows:
        random.choice(random.choice(files)).append(row)
    return [[block for block in file if block] for file in files]

"""The load as a usual Beam job does it, well written: a dict a row, from ReadAllFromAvro to WriteToAvro.

The same runner as ours. Decimals and times are what fastavro makes of them. A table is a few files, not a file a day.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.io import ReadAllFromAvro, WriteToAvro
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import AsDict, PCollection, TaggedOutput

from beam_pipelines import tables
from beam_pipelines.pipelines.beam_options import LOCAL_RUNNER
from beam_pipelines.records import record_json
from beam_pipelines.schema import Table

Record = dict[str, Any]
Broken = tuple[str, str]
"""The rule that an order breaks: reason and field."""

Version = tuple[int, int, int, str, str, str]
"""A product's version: valid_from, version, launched_at, department, category, brand.

Moments are microseconds: Beam would pickle datetimes one by one, whenever a version goes from one stage to another.
"""

Versions = tuple[list[int], list[Version]]
"""A product's versions: from when each is valid, ascending, and the versions."""

LETTERS = tables.dead_letters(tables.ORDERS)
CHANNELS, PAYMENT_METHODS, COUNTRIES = map(frozenset, (tables.CHANNELS, tables.PAYMENT_METHODS, tables.COUNTRIES))
ITEM_IDS = ("order_item_id", "product_id", "inventory_item_id")
ITEM_AMOUNTS = ("retail_price", "discount", "sale_price", "cost")
AMOUNTS = ("subtotal", "discount", "shipping", "tax", "total")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Order(Record):
    """What the coder below is for: an order pickled whole, twice as fast as Beam's own way of field by field."""


beam.coders.registry.register_coder(Order, beam.coders.PickleCoder)


def broken_rule(order: Record, when: date) -> Broken | None:
    """The first rule of ``tables.ORDERS`` that an order of a day's file breaks, None for a valid one."""
    for name in ("order_id", "customer_id"):
        if broken := _below(order[name], 1, name):
            return broken
    if order["created_at"] is None:
        return "required", "created_at"
    for name, values in (("channel", CHANNELS), ("payment_method", PAYMENT_METHODS), ("country", COUNTRIES)):
        if (value := order[name]) not in values:
            return "required" if value is None else "values", name
    for name in AMOUNTS:
        if broken := _below(order[name], 0, name):
            return broken
    return _broken_items(order["items"]) or _broken_sums(order) or _broken_date(order["created_at"], when)


def _below(value: Any, least: int, field: str) -> Broken | None:
    if value is None:
        return "required", field
    return ("range", field) if value < least else None


def _broken_items(items: list[Record]) -> Broken | None:
    # Field by field, as the columns are declared, so that of several broken rules the same one is named.
    for least, names in ((1, ITEM_IDS), (0, ITEM_AMOUNTS)):
        for name in names:
            values = [item[name] for item in items]
            if None in values:
                return "required", f"items.{name}"
            if values and min(values) < least:
                return "range", f"items.{name}"
    return None


def _broken_sums(order: Record) -> Broken | None:
    items = order["items"]
    for left, field in (("subtotal", "retail_price"), ("discount", "discount")):
        if order[left] != sum(item[field] for item in items):
            return "equation", left
    for item in items:
        if item["sale_price"] != item["retail_price"] - item["discount"]:
            return "equation", "items.sale_price"
    if order["total"] != order["subtotal"] + order["shipping"] + order["tax"] - order["discount"]:
        return "equation", "total"
    return None


def _broken_date(created_at: datetime, when: date) -> Broken | None:
    return None if created_at.date() == when else ("partition", "created_at")


def microseconds(moment: datetime) -> int:
    """A moment as microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def version_at(products: Mapping[int, Versions], product_id: int, moment: int) -> Version | None:
    """The version of a product that was valid at a moment; None for one that was not on sale."""
    starts, versions = products.get(product_id, ((), ()))
    position = bisect_right(starts, moment)
    if not position or versions[position - 1][2] > moment:
        return None
    return versions[position - 1]


def of_product(product: Record) -> tuple[int, Version]:
    """What order lines need of a product version, under the product's id."""
    valid_from, launched_at = microseconds(product["valid_from"]), microseconds(product["launched_at"])
    about = (product["department"], product["category"], product["brand"])
    return product["product_id"], (valid_from, product["version"], launched_at, *about)


def in_order(product: tuple[int, Iterable[Version]]) -> tuple[int, Versions]:
    """A product's versions, ascending."""
    product_id, versions = product
    ascending = sorted(versions)
    return product_id, ([version[0] for version in ascending], ascending)


def validated(element: tuple[str, Record], products: Mapping[int, Versions]) -> Iterator[Any]:
    """(file, order) -> the order; a dead letter under its tag for an order that breaks a rule."""
    path, order = element
    folder, file = path.rsplit("/", 2)[-2:]
    when = date.fromisoformat(folder.removeprefix("dt="))
    broken = broken_rule(order, when)
    if broken is None:
        moment = microseconds(order["created_at"])
        if any(version_at(products, item["product_id"], moment) is None for item in order["items"]):
            broken = "references", "items.product_id"
    if broken is None:
        yield order
    else:
        yield TaggedOutput(LETTERS.name, dead_letter(order, broken, when, f"{folder}/{file}"))


def dead_letter(order: Record, broken: Broken, when: date, file: str) -> Record:
    """A refused order as a dead letter; nobody knows its place in the file here."""
    return {
        **dict.fromkeys(column.name for column in LETTERS.columns),
        "partition_date": when,
        "table_name": tables.ORDERS.name,
        "reason": broken[0],
        "field": broken[1],
        "expected": "",
        "actual": "",
        "file": file,
        "block_offset": 0,
        "record": record_json(order),
    }


def newest(orders: tuple[int, Iterable[Record]]) -> Record:
    """Of the versions of an order the newest."""
    return max(orders[1], key=lambda order: order["created_at"])


def lines_of(order: Record, products: Mapping[int, Versions]) -> Iterator[Record]:
    """An order's lines as rows of ``tables.ORDER_ITEMS``."""
    moment = microseconds(order["created_at"])
    for item in order["items"]:
        found = version_at(products, item["product_id"], moment)
        assert found is not None, "orders of unknown products are refused"
        _, version, _, department, category, brand = found
        yield {
            **item,
            "order_id": order["order_id"],
            "customer_id": order["customer_id"],
            "created_at": order["created_at"],
            "channel": order["channel"],
            "country": order["country"],
            "product_version": version,
            "department": department,
            "category": category,
            "brand": brand,
            "margin": item["sale_price"] - item["cost"],
        }


Cell = tuple[int, str, str, str]
"""Day (as an ordinal: dates are no deterministic keys to Beam), category, channel, country."""

Measures = tuple[int, int, Decimal, Decimal, Decimal]
"""Orders, units, revenue, discount, margin."""


def cells_of(lines: Iterable[Record]) -> list[tuple[Cell, Measures]]:
    """What an order's lines add to the sales of each cell."""
    found: dict[Cell, Measures] = {}
    for line in lines:
        cell = (line["created_at"].toordinal(), line["category"], line["channel"], line["country"])
        one: Measures = (1, 1, line["sale_price"], line["discount"], line["margin"])
        if before := found.get(cell):
            one = (1, before[1] + 1, before[2] + one[2], before[3] + one[3], before[4] + one[4])
        found[cell] = one
    return list(found.items())


class AddUp(beam.CombineFn):
    """Measures -> their sums."""

    def create_accumulator(self) -> Measures:
        """Nothing yet."""
        return 0, 0, Decimal(0), Decimal(0), Decimal(0)

    def add_input(self, mutable_accumulator: Measures, element: Measures) -> Measures:
        """One more."""
        orders, units, revenue, discount, margin = mutable_accumulator
        more_orders, more_units, more_revenue, more_discount, more_margin = element
        return (
            orders + more_orders,
            units + more_units,
            revenue + more_revenue,
            discount + more_discount,
            margin + more_margin,
        )

    def merge_accumulators(self, accumulators: Iterable[Measures]) -> Measures:
        """Several sums as one."""
        return functools.reduce(self.add_input, accumulators, self.create_accumulator())

    def extract_output(self, accumulator: Measures) -> Measures:
        """The sums."""
        return accumulator


def sales_row(sales: tuple[Cell, Measures]) -> Record:
    """A cell's sales as a row of ``tables.DAILY_SALES``."""
    (day, *cell), measures = sales
    return dict(
        zip(
            (column.name for column in tables.DAILY_SALES.columns),
            (date.fromordinal(day), *cell, *measures),
            strict=True,
        )
    )


def read(pipeline: beam.Pipeline, name: str, patterns: list[str]) -> PCollection[tuple[str, Record]]:
    """(file, row) of every row of some files."""
    rows: PCollection[tuple[str, Record]] = (
        pipeline | f"Files of {name}" >> beam.Create(patterns) | f"Read {name}" >> ReadAllFromAvro(with_filename=True)
    )
    return rows


def write(rows: PCollection[Record], table: Table, output: Path) -> None:
    """Writes rows as Avro."""
    prefix = output / table.name / "part"
    rows | f"Write {table.name}" >> WriteToAvro(
        str(prefix), table.avro_schema, codec="snappy", file_name_suffix=".avro"
    )


def build(pipeline: beam.Pipeline, lake: Path, first: date, last: date, output: Path) -> None:
    """Adds the whole job."""
    days = [date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1)]
    products = AsDict(
        read(pipeline, tables.PRODUCTS.name, [f"{lake}/products/dt=*/*.avro"])
        | "Product by id" >> beam.MapTuple(lambda _, product: of_product(product))
        | "Gather versions" >> beam.GroupByKey()
        | "Versions in order" >> beam.Map(in_order)
    )
    valid = read(
        pipeline, tables.ORDERS.name, [f"{lake}/orders/dt={when}/*.avro" for when in days]
    ) | "Validate" >> beam.FlatMap(validated, products).with_outputs(LETTERS.name, main="valid")
    orders = (
        valid["valid"]
        | "Order by id" >> beam.Map(lambda order: (order["order_id"], order)).with_output_types(tuple[int, Order])
        | "Gather versions of orders" >> beam.GroupByKey()
        | "Newest" >> beam.Map(newest)
    )
    by_order = orders | "Lines of orders" >> beam.Map(lambda order, known: list(lines_of(order, known)), products)
    sales = by_order | "Cells" >> beam.FlatMap(cells_of) | "Add up" >> beam.CombinePerKey(AddUp())  # type: ignore[no-untyped-call]
    write(orders, tables.ORDERS, output)
    write(by_order | "Lines" >> beam.FlatMap(lambda lines: lines), tables.ORDER_ITEMS, output)
    write(sales | "Rows of sales" >> beam.Map(sales_row), tables.DAILY_SALES, output)
    write(valid[LETTERS.name], LETTERS, output)


def load(lake: Path, first: date, last: date, output: Path) -> None:
    """Loads the orders of some days."""
    for table in (tables.ORDERS, tables.ORDER_ITEMS, tables.DAILY_SALES, LETTERS):
        (output / table.name).mkdir(parents=True)
    with beam.Pipeline(options=PipelineOptions([f"--runner={LOCAL_RUNNER}"])) as pipeline:
        build(pipeline, lake, first, last, output)

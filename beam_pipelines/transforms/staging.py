"""Transforming splits and staging what they become: one Avro file per split and table, ready for a load job."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, BinaryIO, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from beam_pipelines import avro, storage, tables
from beam_pipelines.progress import Advance, ProgressLog
from beam_pipelines.schema import Table
from beam_pipelines.transforms import dead_letters, sales, validation
from beam_pipelines.transforms.lake_reading import Partition, Split, first_day, read_split

BLOCK_ROWS = 16_384
PRODUCTS = "products"
"""Tag of the product versions that order lines are joined with, as Arrow IPC streams."""

SALES = "sales"
"""Tag of (partition of orders, sales of a split)."""


class StagedFile(NamedTuple):
    """One staged file of a table's partition."""

    path: str
    rows: int
    fingerprint: str


Staged = tuple[Partition, StagedFile]
"""A staged file under the warehouse table's partition that it is for."""

Outputs = dict[str, Iterable[pa.RecordBatch]]
"""Batches by the name of the warehouse table that they are for, to be taken table by table in this order."""


def last_day(partition: str) -> date:
    """The last day of a partition; the end of time for a table that has none.

    >>> last_day("202511"), last_day("20251128")
    (datetime.date(2025, 11, 30), datetime.date(2025, 11, 28))
    """
    if not partition:
        return date.max
    first = first_day(partition)
    return first if len(partition) == 8 else first.replace(day=calendar.monthrange(first.year, first.month)[1])


def transform_rows(root: str, split: Split) -> Outputs:
    """The valid rows of a split of any table, and dead letters for the others.

    No more than one block of valid rows is held: the letters are there once all of them have been taken.
    """
    table = tables.BY_NAME[split.table]
    first, last = first_day(split.partition), last_day(split.partition)
    letters: list[pa.RecordBatch] = []

    def valid_rows() -> Iterator[pa.RecordBatch]:
        for block in read_split(root, split):
            findings = validation.findings(table, block.batch, first, last)
            valid, refused = dead_letters.separate(table, block, findings, first)
            letters.extend([refused] if refused else [])
            yield valid

    return {table.name: valid_rows(), f"dead_letters_{table.name}": letters}


def transform_orders(root: str, split: Split, products: sales.ProductVersions) -> tuple[Outputs, sales.Sales]:
    """The valid orders of a split, their lines, dead letters for the others, and the split's sales."""
    day, total = first_day(split.partition), sales.NO_SALES
    outputs: dict[str, list[pa.RecordBatch]] = {"orders": [], "order_items": [], "dead_letters_orders": []}
    for block in read_split(root, split):
        lines = sales.lines_of(block.batch, products)
        findings = validation.findings(tables.ORDERS, block.batch, day, day)
        findings += sales.unknown_products(block.batch, lines)
        valid, letters = dead_letters.separate(tables.ORDERS, block, findings, day)
        items = sales.order_items(valid, sales.lines_of(valid, products) if letters else lines, products)
        total = total + sales.sales_of(items)
        outputs["orders"].append(valid)
        outputs["order_items"].append(items)
        outputs["dead_letters_orders"] += [letters] if letters else []
    return dict(outputs), total


def stage(folder: str, table: Table, partition: str, name: str, batches: Iterable[pa.RecordBatch]) -> StagedFile:
    """Writes one staged file; the same batches give the same bytes."""
    path = storage.join(folder, table.name, partition or "all", name)

    def write(file: BinaryIO) -> avro.Written:
        return avro.write_blocks(file, table.avro_schema, gathered(batches))

    written = storage.write(path, write)
    return StagedFile(path, written.rows, written.fingerprint)


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of about 16,384: a month of customers comes in thirty small ones, which cost more.

    Batches that differ in what may be null, for several writers have written them, stay apart.
    """
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        rows = sum(one.num_rows for one in waiting) + batch.num_rows
        if waiting and (rows > BLOCK_ROWS or not batch.schema.equals(waiting[0].schema)):
            yield from _joined(waiting)
            waiting = []
        waiting += [batch] if batch.num_rows else []
    yield from _joined(waiting)


def _joined(batches: Sequence[pa.RecordBatch]) -> Sequence[pa.RecordBatch]:
    if len(batches) < 2:
        return batches
    joined: Sequence[pa.RecordBatch] = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()
    return joined


def to_ipc(batches: Iterable[pa.RecordBatch]) -> bytes:
    """Batches as one Arrow IPC stream, strings decoded so that batches of several files agree."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, tables.PRODUCTS.arrow_schema) as stream:
        for batch in batches:
            stream.write_batch(batch.cast(tables.PRODUCTS.arrow_schema))
    return bytes(sink.getvalue())


def from_ipc(streams: Iterable[bytes]) -> list[pa.RecordBatch]:
    """The batches of Arrow IPC streams."""
    return [batch for stream in streams for batch in pa.ipc.open_stream(stream)]


class _TransformSplit(beam.DoFn):
    """What all kinds of splits have in common: staging the outputs and counting their rows."""

    def __init__(self, root: str, staging: str, progress: ProgressLog) -> None:
        self._root, self._staging, self._progress = root, staging, progress
        self._read = Metrics.counter("load", "rows_read")
        self._refused = Metrics.counter("load", "rows_refused")

    def _staged(self, split: Split, outputs: Outputs) -> Iterator[Staged]:
        name = f"{split.content}-{split.split:05}-of-{split.splits:05}.avro"
        for table, batches in outputs.items():
            staged = stage(self._staging, tables.BY_NAME[table], split.partition, name, batches)
            if table.startswith("dead_letters_"):
                self._refused.inc(staged.rows)
            self._progress.add(Advance("load", table, planned=staged.rows))
            yield (table, split.partition), staged
        self._read.inc(split.rows)
        self._progress.add(Advance("transform", split.table, rows=split.rows, files=len(split.files)))


class TransformProducts(_TransformSplit):
    """Split of products -> staged files; the product versions also go where the orders' splits find them."""

    def process(self, split: Split) -> Iterator[Staged | TaggedOutput[str, Any]]:
        """Transforms and stages one split of products."""
        outputs = transform_rows(self._root, split)
        products = list(outputs[tables.PRODUCTS.name])
        yield TaggedOutput(PRODUCTS, to_ipc(products))
        yield from self._staged(split, outputs | {tables.PRODUCTS.name: products})


class TransformRows(_TransformSplit):
    """Split of a table that others do not follow from -> staged files."""

    def process(self, split: Split) -> Iterator[Staged]:
        """Transforms and stages one split, block by block."""
        yield from self._staged(split, transform_rows(self._root, split))


class TransformOrders(_TransformSplit):
    """Split of orders, with all product versions -> staged files, and the split's sales."""

    def __init__(self, root: str, staging: str, progress: ProgressLog) -> None:
        super().__init__(root, staging, progress)
        self._products: sales.ProductVersions | None = None

    def process(self, split: Split, products: Sequence[bytes]) -> Iterator[Staged | TaggedOutput[str, Any]]:
        """Transforms and stages one split of orders."""
        if self._products is None:
            self._products = sales.ProductVersions(from_ipc(products))
        outputs, total = transform_orders(self._root, split, self._products)
        yield TaggedOutput(SALES, (split.partition, (split.content, total)))
        yield from self._staged(split, outputs)


class StageDailySales(beam.DoFn):
    """(partition, sales of its splits) -> the staged file of the day's sales."""

    def __init__(self, staging: str, progress: ProgressLog) -> None:
        self._staging, self._progress = staging, progress

    def process(self, element: tuple[str, Iterable[tuple[str, sales.Sales]]]) -> Iterator[Staged]:
        """Adds up and stages one day's sales."""
        partition, parts = element
        contents, totals = zip(*parts, strict=True)
        batch = sales.daily_sales(first_day(partition), totals)
        name = f"{contents[0]}-00000-of-00001.avro"
        staged = stage(self._staging, tables.DAILY_SALES, partition, name, [batch])
        self._progress.add(Advance("load", tables.DAILY_SALES.name, planned=staged.rows))
        yield (tables.DAILY_SALES.name, partition), staged

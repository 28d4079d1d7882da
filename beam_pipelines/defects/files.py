"""A file with defects, and the truth about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO, cast

import pyarrow as pa

from beam_pipelines import avro, formats, lake
from beam_pipelines.defects import choosing, schemas
from beam_pipelines.defects.blocks import DefectiveBlock, DefectiveTable
from beam_pipelines.defects.corruption import BlockFile
from beam_pipelines.defects.rates import CORRUPT, OLDER, Rates
from beam_pipelines.defects.truth import Place, Truth, line
from beam_pipelines.schema import Table
from beam_pipelines.world import World, date_of


class DefectiveFile:
    """One file of a table's day, to be written once.

    Afterwards it knows what the file holds. The blocks pass through one by one; of the truth all lines are kept.
    """

    def __init__(
        self, world: World, table: Table, rates: Rates, day: int, part: int, blocks: range, file_format: str
    ) -> None:
        """A file.

        Args:
            world: Where the rows come from.
            table: Whose they are.
            rates: How often which defect.
            day: The day's number.
            part: Number of the file in the day.
            blocks: The day's blocks that it holds, as far as the day has so many; the first has late rows even on a day
                without own ones.
            file_format: One of ``formats.CODECS``.
        """
        self._world, self._table, self._rates, self._day = world, table, rates, day
        count = max(1, world.blocks(table.name, day))
        self._blocks = range(blocks.start, min(blocks.stop, count))
        self._is_avro = file_format == "avro"
        self._format = file_format
        self._is_older = self._is_avro and choosing.is_older(world.seed, rates, table, day, part)
        self._written = schemas.table_as_written(table, rates)
        self._defective = DefectiveTable(world, table, rates)
        self._rows = 0
        self._numbers = 0
        self.truth: list[bytes] = []
        """Lines of the truth, in the order of the file."""
        self.sums: dict[str, Decimal] = {}
        self._dates: Counter[str] = Counter()
        self.last_key = 0
        """The highest number of the file's own rows, those included that land elsewhere."""

    @property
    def rows_by_date(self) -> dict[str, int]:
        """How many rows are of each UTC date."""
        return dict(sorted(self._dates.items()))

    def is_empty(self) -> bool:
        """Whether there is nothing to write: the day has no rows of its own, and no late ones land on it."""
        name, day = self._table.name, self._day
        return not self._world.blocks(name, day) and self._defective.block(day, 0) is None

    def write(self, file: BinaryIO, name: str, codec: str) -> avro.Written:
        """Writes the file, whose name the truth has as ``name``."""
        if not self._is_avro:
            batches = self._batches(name, None)
            written = formats.write_blocks(file, self._written, batches, file_format=self._format, codec=codec)
        else:
            blocks = BlockFile(file)
            schema = self._written.avro_schema
            if self._is_older:
                schema = schemas.older_avro_schema(self._table, self._written)
            written = avro.write_blocks(cast(BinaryIO, blocks), schema, self._batches(name, blocks), codec=codec)
            blocks.close()
            if self._is_older:
                self._tell_older(name, written.rows)
        return written

    def _batches(self, name: str, file: BlockFile | None) -> Iterator[pa.RecordBatch]:
        """The blocks' rows; when the next ones are asked for, the last block has been written."""
        absent = ""
        if self._is_older and schemas.older(self._table).is_absent:
            absent = schemas.older(self._table).column
        for number in self._blocks:
            block = self._defective.block(self._day, number, absent)
            if block is None:
                continue
            self.last_key = max(self.last_key, block.last_key)
            if block.batch.num_rows:
                self._count(block.batch)
                yield schemas.as_older(self._table, block.batch) if self._is_older else block.batch
                self._tell(block, number, name, file)
            else:
                self.truth += [line(self._table.name, truth, None) for truth in block.truths]

    def _count(self, batch: pa.RecordBatch) -> None:
        if self._is_older:
            batch = schemas.without_older_column(self._table, batch)
        for path, total in lake.sums(self._table, batch).items():
            self.sums[path] = self.sums.get(path, Decimal(0)) + total
        self._dates.update(lake.rows_by_date(self._table, batch))

    def _tell(self, block: DefectiveBlock, number: int, name: str, file: BlockFile | None) -> None:
        """Adds the truth about a block that has been written."""
        rows, offset, is_corrupt = block.batch.num_rows, None, False
        if file:
            seed, table, day = self._world.seed, self._table, self._day
            is_corrupt = choosing.is_corrupt(seed, self._rates, table, day, number)
            span = file.end_block(choosing.where_to_flip(seed, table, day, number) if is_corrupt else None)
            offset = span.offset
        place = Place(name, self._numbers, offset, self._rows, is_corrupt)
        self.truth += [
            line(self._table.name, truth, place if truth.row is not None else None) for truth in block.truths
        ]
        if is_corrupt:
            today = date_of(self._day)
            self.truth.append(
                line(self._table.name, Truth(CORRUPT, None, today, today), place, rows=rows, length=span.length)
            )
        self._rows += rows
        self._numbers += 1

    def _tell_older(self, name: str, rows: int) -> None:
        """Adds the truth about the file's schema."""
        column, is_absent = schemas.older(self._table)
        today, was = date_of(self._day), self._table.column(column).avro_field(self._table.name)["type"]
        truth = Truth(OLDER, None, today, today, column, was, None if is_absent else "int")
        self.truth.append(line(self._table.name, truth, Place(name, None, None, 0, unreadable=False), rows=rows))

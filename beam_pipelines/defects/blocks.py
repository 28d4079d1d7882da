"""A day's blocks with their defects, each on its own.

Block t of a day holds its own rows but those that land late; then the duplicates and newer versions of the rows of the
block before it, the last block being before the first; then late rows of the three days before. The late rows of a
block land together, so a block is drawn up to three times in all: for itself, for the next one if another file has
that, and for a later day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines import lake
from beam_pipelines.defects import changes, choosing
from beam_pipelines.defects.candidates import applies
from beam_pipelines.defects.choosing import row_keys
from beam_pipelines.defects.rates import DUPLICATE, LATE, NEWER, ROW_KINDS, WITHHELD, Rates
from beam_pipelines.defects.schemas import table_as_written
from beam_pipelines.defects.truth import Truth
from beam_pipelines.schema import Table
from beam_pipelines.world import LAST, World, date_of, day_number, draw


class DefectiveBlock(NamedTuple):
    """A block of a day's files, and the truth about its rows."""

    batch: pa.RecordBatch
    truths: list[Truth]
    last_key: int = 0
    """The highest number of the day's own rows in the block, those included that land elsewhere."""


class _Drawn(NamedTuple):
    """A block as the world has it, and what becomes of its rows."""

    day: int
    block: int
    batch: pa.RecordBatch
    kinds: draw.U8

    def rows_of(self, kind: str) -> draw.I64:
        rows: draw.I64 = (self.kinds == ROW_KINDS.index(kind)).nonzero()[0]
        return rows


class DefectiveTable:
    """A world's table with defects.

    It keeps the block that it has drawn last, which the next one needs.
    """

    def __init__(self, world: World, table: Table, rates: Rates) -> None:
        self._world, self._table, self._rates = world, table, rates
        self._written = table_as_written(table, rates)
        self._last: _Drawn | None = None

    def block(self, day: int, block: int, absent: str = "") -> DefectiveBlock | None:
        """A block of a day, None if there are no rows for it.

        Args:
            day: A day's number.
            block: The block's. A day without rows has a block 0 for those that land there.
            absent: A column that the file will not have.
        """
        pieces = [piece for piece in self._pieces(day, block, absent) if piece.batch.num_rows or piece.truths]
        if not pieces:
            return None
        truths, rows = [], 0
        for piece in pieces:
            truths += [truth if truth.row is None else truth._replace(row=truth.row + rows) for truth in piece.truths]
            rows += piece.batch.num_rows
        last_key = max(piece.last_key for piece in pieces)
        return DefectiveBlock(self._joined([piece.batch for piece in pieces]), truths, last_key)

    def _pieces(self, day: int, block: int, absent: str) -> Iterator[DefectiveBlock]:
        count = self._world.blocks(self._table.name, day)
        if block < count:
            before = self._of_day(day, (block - 1) % count) if self._has(DUPLICATE) or self._has(NEWER) else None
            yield self._own_rows(self._of_day(day, block), absent)
            if before:
                yield self._duplicates(before)
                yield self._newer_versions(before)
        if self._has(LATE):
            yield from self._late_rows(day, block, max(1, count))

    def _has(self, kind: str) -> bool:
        return bool(self._rates.of_kind(kind)) and applies(kind, self._table)

    def _of_day(self, day: int, block: int) -> _Drawn:
        """A block of the day at hand, which may have been drawn already."""
        last = self._last
        if last is None or (last.day, last.block) != (day, block):
            self._last = last = self._draw(day, block)
        return last

    def _draw(self, day: int, block: int) -> _Drawn:
        batch = self._world.block(self._table.name, day, block)
        kinds = choosing.kinds_of_rows(self._world.seed, self._rates, self._table, day, block, batch.num_rows)
        if _landing_day(self._world, self._table, day, block) > day_number(LAST):
            kinds[kinds == ROW_KINDS.index(LATE)] = choosing.NOTHING
        return _Drawn(day, block, batch, kinds)

    def _how(self, kind: str, drawn: _Drawn, rows: draw.I64) -> draw.U64:
        return choosing.how(self._world.seed, kind, self._table, row_keys(drawn.day, drawn.block, rows))

    def _own_rows(self, drawn: _Drawn, absent: str) -> DefectiveBlock:
        """A block's own rows with their defects, without those that land late."""
        batch, today, truths = drawn.batch, date_of(drawn.day), []
        last_key = lake.last_key(self._table, batch)
        for kind in changes.IN_PLACE:
            rows = drawn.rows_of(kind)
            if not len(rows):
                continue
            batch, made = changes.changed(kind, self._table, batch, rows, self._how(kind, drawn, rows), absent)
            for path, changed, was, new in made:
                described = zip(self._keys(batch, changed), changed.tolist(), was, new, strict=True)
                truths += [Truth(kind, key, today, today, path, a, b, None, row) for key, row, a, b in described]
        late = drawn.rows_of(LATE)
        if len(late):
            lands = date_of(_landing_day(self._world, self._table, drawn.day, drawn.block))
            keys = self._keys(batch, late)
            stays = drawn.kinds != ROW_KINDS.index(LATE)
            number = stays.cumsum() - 1
            batch = batch.filter(pa.array(stays))
            truths = [truth._replace(row=int(number[truth.row])) for truth in truths]
            truths += [Truth(WITHHELD, key, today, lands) for key in keys]
        return DefectiveBlock(batch, truths, last_key)

    def _duplicates(self, drawn: _Drawn) -> DefectiveBlock:
        return self._again(DUPLICATE, drawn, date_of(drawn.day))

    def _again(self, kind: str, drawn: _Drawn, lands: date) -> DefectiveBlock:
        """A block's rows of a kind that shows only in where they are."""
        batch = drawn.batch.take(pa.array(drawn.rows_of(kind)))
        keys = self._keys(batch, np.arange(batch.num_rows))
        truths = [Truth(kind, key, date_of(drawn.day), lands, row=row) for row, key in enumerate(keys)]
        return DefectiveBlock(batch, truths)

    def _newer_versions(self, drawn: _Drawn) -> DefectiveBlock:
        rows = drawn.rows_of(NEWER)
        batch = drawn.batch.take(pa.array(rows))
        if not len(rows):
            return DefectiveBlock(batch, [])
        batch, _, change, later = changes.newer(self._table, batch, self._how(NEWER, drawn, rows), drawn.day)
        today, keys = date_of(drawn.day), self._keys(batch, np.arange(batch.num_rows))
        truths = [
            Truth(NEWER, key, today, today, change.path, was, new, {"field": later.path, "was": a, "is": b}, row)
            for row, (key, was, new, a, b) in enumerate(
                zip(keys, change.was, change.new, later.was, later.new, strict=True)
            )
        ]
        return DefectiveBlock(batch, truths)

    def _late_rows(self, day: int, block: int, count: int) -> Iterator[DefectiveBlock]:
        """Rows of earlier days that land in a block of this one, which has ``count`` blocks."""
        name = self._table.name
        for earlier in range(max(0, day - choosing.LONGEST_DELAY), day):
            for source in range(block, self._world.blocks(name, earlier), count):
                if _landing_day(self._world, self._table, earlier, source) == day:
                    yield self._again(LATE, self._draw(earlier, source), date_of(day))

    def _keys(self, batch: pa.RecordBatch, rows: draw.I64) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = batch.select(self._table.key).take(pa.array(rows)).to_pylist()
        return keys

    def _joined(self, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
        first = batches[0]
        schema = pa.schema([field.with_nullable(self._written.column(field.name).nullable) for field in first.schema])
        columns = [pa.concat_arrays([batch.column(i) for batch in batches]) for i in range(first.num_columns)]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _landing_day(world: World, table: Table, day: int, block: int) -> int:
    return day + choosing.delay(world.seed, table, day, block)

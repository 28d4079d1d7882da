"""What becomes of the rows of a split: loaded, refused, or set aside because their key is there more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines import tables
from beam_pipelines.lake import LakeError
from beam_pipelines.transforms import dead_letters, deduplication, sales, validation
from beam_pipelines.transforms.accounting import Account, amounts_of
from beam_pipelines.transforms.deduplication import U64
from beam_pipelines.transforms.lake_planning import Split, SplitFile
from beam_pipelines.transforms.lake_reading import Block, CorruptBlock, read_columns, read_file
from beam_pipelines.transforms.lake_schemas import with_more
from beam_pipelines.transforms.partitions import Dates, first_day, partition_of
from beam_pipelines.transforms.pieces import Piece
from beam_pipelines.transforms.references import LastKeys

Mask = npt.NDArray[np.bool_]


def keys_of(split: Split) -> Iterator[tuple[str, int, U64]]:
    """The hashes of a split's keys, by partition and bucket; those of partitions that are not loaded are left out."""
    table, buckets = with_more(split.table, split.more_columns), dict(split.buckets)
    names = {*table.key, *([table.partition.column] if table.partition else [])}
    days = np.array(split.days)
    found: dict[str, list[U64]] = {}
    for file in split.files:
        for batch in read_columns(table, file, names):
            hashes = deduplication.key_hashes(table, batch)
            for partition, mine in Dates(table, batch, file.landed, days).partitions():
                if partition in buckets:
                    found.setdefault(partition, []).append(hashes if mine is None else hashes[mine])
    for partition, parts in found.items():
        hashes, count = np.concatenate(parts), buckets[partition]
        of_bucket = deduplication.buckets_of(hashes, count)
        for bucket in range(count):
            yield partition, bucket, hashes if count == 1 else hashes[of_bucket == bucket]


@dataclass
class SplitWork:
    """The work on one split."""

    root: str
    split: Split
    contested: Mapping[str, deduplication.Hashes]
    """Of each partition the hashes of the keys that it has more than once."""
    last_keys: LastKeys
    piece: Piece
    set_aside: dict[str, list[pa.RecordBatch]] = field(default_factory=dict)
    """Valid rows whose key is contested, by partition."""

    def __post_init__(self) -> None:
        self._days, self._loaded = np.array(self.split.days), frozenset(name for name, _ in self.split.buckets)
        self._seen: Counter[str] = Counter()

    def run(self) -> None:
        """Reads the split and does with each row what is to be done; LakeError if it is not what manifests say."""
        for file in self.split.files:
            self._seen.clear()
            is_damaged = False
            for block in read_file(self.root, self.piece.table, file):
                if isinstance(block, CorruptBlock):
                    is_damaged = True
                    self._lose(block)
                else:
                    self._take(block)
            self._account_for(file, is_damaged=is_damaged)

    def _lose(self, block: CorruptBlock) -> None:
        """Writes the letter of a block that cannot be read, in the partition of the day on which it landed."""
        table = tables.BY_NAME[self.split.table]
        partition = partition_of(table, block.day)
        if partition in self._loaded:
            self.piece.refuse(partition, dead_letters.letter_of_block(table, block, first_day(partition)))
            self.piece.account(table.name, partition, Account(blocks_unreadable=1))

    def _account_for(self, file: SplitFile, *, is_damaged: bool) -> None:
        """Compares what a file held of each partition with what its manifest says."""
        for partition, held in file.held:
            if partition not in self._loaded:
                continue
            lost = held.rows - self._seen[partition]
            if lost < 0 or (lost and not is_damaged):
                raise LakeError(
                    f"{file.path}: expected {held.rows:,} rows of partition {partition} as its manifest says, "
                    f"found {self._seen[partition]:,}"
                )
            account = Account(files=1, rows_in=held.rows, rows_late=held.late, rows_unreadable=lost)
            self.piece.account(self.split.table, partition, account)

    def _take(self, block: Block) -> None:
        """Does with each row of a block what is to be done."""
        table, batch = self.piece.table, block.batch
        dates = Dates(table, batch, block.day, self._days)
        found = validation.findings(table, batch, dates, self.last_keys)
        lines = None
        if self.piece.products is not None:
            lines = sales.lines_of(batch, self.piece.products)
            found += sales.not_on_sale(batch, lines)
        partitions = dates.partitions()
        for partition, mine in partitions:
            if partition not in self._loaded:
                continue
            aside = self._contested(partition, batch)
            if mine is None and not found and aside is None:
                self._seen[partition] += batch.num_rows
                self.piece.account(self.split.table, partition, Account(amounts_in=block.amounts))
                self.piece.load(partition, batch, block.amounts, lines)
            else:
                self._sort(partition, block, found, mine, aside, lines)

    def _contested(self, partition: str, batch: pa.RecordBatch) -> Mask | None:
        """The rows whose key is contested, None if none is."""
        hashes = self.contested.get(partition)
        if hashes is None:
            return None
        rows = hashes.has(deduplication.key_hashes(self.piece.table, batch))
        return rows if rows.any() else None

    def _sort(
        self,
        partition: str,
        block: Block,
        found: list[validation.Finding],
        mine: Mask | None,
        aside: Mask | None,
        lines: sales.Lines | None,
    ) -> None:
        """Divides a partition's rows of a block into those refused, those set aside, and those loaded."""
        table, batch = tables.BY_NAME[self.split.table], block.batch
        refused = dead_letters.refused(block, found)
        own = np.ones(batch.num_rows, bool)
        account = Account(amounts_in=block.amounts)
        if mine is not None:
            refused, own = refused & mine, mine
            account = Account(amounts_in=amounts_of(table, batch.filter(pa.array(mine))))
        self._seen[partition] += int(own.sum())
        contested = np.zeros(batch.num_rows, bool) if aside is None else aside & own & ~refused
        if refused.any():
            self.piece.refuse(partition, dead_letters.letters(table, block, found, refused, first_day(partition)))
            rows = batch.filter(pa.array(refused))
            account += Account(rows_refused=rows.num_rows, amounts_refused=amounts_of(table, rows))
        if contested.any():
            self.set_aside.setdefault(partition, []).append(deduplication.plain(batch.filter(pa.array(contested))))
        self.piece.account(table.name, partition, account)
        stays = own & ~refused & ~contested
        self.piece.load(partition, batch.filter(pa.array(stays)), lines=lines.of(stays) if lines else None)


def settle(piece: Piece, partition: str, batches: list[pa.RecordBatch]) -> None:
    """Loads of rows that were set aside the newest of each key."""
    standing, others = deduplication.newest(piece.table, batches)
    account = Account(rows_deduplicated=others.num_rows)
    if others.num_rows:
        account += Account(amounts_deduplicated=amounts_of(tables.BY_NAME[piece.table.name], others))
    piece.account(piece.table.name, partition, account)
    piece.load(partition, standing)

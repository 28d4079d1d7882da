"""From splits to what is loaded, as Beam's steps: each wires functions of splits, deduplication, sessions and sales."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from beam_pipelines import tables
from beam_pipelines.progress import Advance, ProgressLog
from beam_pipelines.schema import Table, columns_from_arrow
from beam_pipelines.transforms import deduplication, lake_schemas, sales, sessions
from beam_pipelines.transforms.accounting import Account, amounts_of
from beam_pipelines.transforms.deduplication import U64
from beam_pipelines.transforms.lake_planning import Split
from beam_pipelines.transforms.partitions import first_day
from beam_pipelines.transforms.pieces import Piece
from beam_pipelines.transforms.references import DayKey, LastKeys
from beam_pipelines.transforms.splits import SplitWork, keys_of, settle
from beam_pipelines.transforms.staging import Contributed, Contribution, StagedFiles, stage

SET_ASIDE, PRODUCTS, SALES, SESSIONS = "set_aside", "products", "sales", "sessions"
"""Tags of what is exchanged: rows whose key is contested, product versions, sales and sessions of a partition."""

SplitKey = tuple[str, str]
"""A split's table and name."""

Bucket = tuple[str, str, int, int]
"""A table, a partition, a bucket of its keys and how many buckets there are."""


def key_of(split: Split) -> tuple[SplitKey, Split]:
    """A split under its key."""
    return (split.table, split.name), split


class HashKeys(beam.DoFn):
    """Split -> (bucket, (the split's key, hashes of its keys in the bucket))."""

    def __init__(self) -> None:
        self._hashed = Metrics.counter("load", "keys_hashed")

    def process(self, split: Split) -> Iterator[tuple[Bucket, tuple[SplitKey, bytes]]]:
        """Reads the keys of one split."""
        buckets = dict(split.buckets)
        for partition, bucket, hashes in keys_of(split):
            key, _ = key_of(split)
            self._hashed.inc(len(hashes))
            yield (split.table, partition, bucket, buckets[partition]), (key, hashes.tobytes())


class FindContested(beam.DoFn):
    """(bucket, hashes of every split) -> (key of a split, (partition, its contested hashes))."""

    def __init__(self) -> None:
        self._contested = Metrics.distribution("load", "contested_keys_per_bucket")

    def process(
        self, element: tuple[Bucket, Iterable[tuple[SplitKey, bytes]]]
    ) -> Iterator[tuple[SplitKey, tuple[str, bytes]]]:
        """Compares the keys of one bucket."""
        (_, partition, _, _), parts = element
        keys, hashes = zip(*parts, strict=True)
        found = deduplication.contested([_hashes(part) for part in hashes])
        self._contested.update(sum(map(len, found)))
        for key, contested in zip(keys, found, strict=True):
            if len(contested):
                yield key, (partition, contested.tobytes())


def _hashes(content: bytes) -> U64:
    return np.frombuffer(content, np.uint64)


class _WorkOnRows(beam.DoFn):
    """What work on splits and on rows set aside have in common: staging, and telling what follows from it."""

    def __init__(self, staging: str, progress: ProgressLog) -> None:
        self._staging, self._progress = staging, progress
        self._versions: sales.ProductVersions | None = None
        self._counters = {
            name: Metrics.counter("load", name)
            for name in ("rows_read", "rows_late", "rows_refused", "rows_deduplicated", "rows_unreadable")
        }

    def _products(self, table: str, products: Sequence[pa.RecordBatch]) -> sales.ProductVersions | None:
        """The product versions for orders; every worker holds them once."""
        if table != tables.ORDERS.name:
            return None
        if self._versions is None:
            self._versions = sales.ProductVersions(list(products))
        return self._versions

    def _outcome(
        self, piece: Piece, name: str, contributed: Iterable[Contributed], buckets: Mapping[str, int]
    ) -> Iterator[Any]:
        """What a piece of work has become, once its files are there."""
        for partition, contribution in contributed:
            if partition[0] == piece.table.name:
                self._count(contribution.account)
            rows = contribution.file.rows if contribution.file else 0
            self._progress.add(Advance("load", partition[0], planned=rows))
            yield partition, contribution
        for day, total in piece.sold.items():
            yield TaggedOutput(SALES, (day, (name, total)))
        for day, parts in piece.sessions():
            of_bucket = sessions.bucket_of(parts, buckets[day])
            for bucket in range(buckets[day]):
                own = parts if buckets[day] == 1 else parts.filter(pa.array(of_bucket == bucket))
                yield TaggedOutput(SESSIONS, ((day, bucket), own))
        if (versions := piece.product_versions()) is not None:
            yield TaggedOutput(PRODUCTS, versions)

    def _count(self, account: Account) -> None:
        self._counters["rows_read"].inc(account.rows_in - account.rows_unreadable)
        for name in ("rows_late", "rows_refused", "rows_deduplicated", "rows_unreadable"):
            self._counters[name].inc(getattr(account, name))


class WorkOnSplits(_WorkOnRows):
    """(key, the split and its contested hashes) -> contributions, and under tags what is exchanged."""

    def __init__(self, root: str, staging: str, progress: ProgressLog) -> None:
        super().__init__(staging, progress)
        self._root = root
        self._last_keys: LastKeys | None = None
        self._rows = Metrics.distribution("load", "rows_per_split")

    def process(
        self,
        element: tuple[SplitKey, Mapping[str, Iterable[Any]]],
        last_keys: Sequence[DayKey],
        products: Sequence[pa.RecordBatch] = (),
    ) -> Iterator[Any]:
        """Reads, validates, enriches and stages one split."""
        _, grouped = element
        (split,) = grouped["split"]
        contested = _by_partition(grouped["contested"])
        if self._last_keys is None:
            self._last_keys = LastKeys(last_keys)
        table = lake_schemas.with_more(split.table, split.more_columns)
        with StagedFiles(self._staging, split.name, split.only_read) as files:
            piece = Piece(table, files, self._products(split.table, products))
            work = SplitWork(self._root, split, contested, self._last_keys, piece)
            work.run()
            contributed = list(piece.contributions(split.more_columns))
        buckets = dict(split.buckets)
        yield from self._outcome(piece, split.name, contributed, buckets)
        for partition, batches in work.set_aside.items():
            yield from _by_bucket(table, partition, buckets[partition], deduplication.one_batch(batches))
        self._rows.update(split.rows)
        self._progress.add(Advance("transform", split.table, rows=split.rows, files=len(split.files)))


def _by_partition(parts: Iterable[tuple[str, bytes]]) -> dict[str, deduplication.Hashes]:
    """Contested hashes of all buckets of each partition."""
    found: dict[str, list[U64]] = {}
    for partition, hashes in parts:
        found.setdefault(partition, []).append(_hashes(hashes))
    return {partition: deduplication.Hashes(np.sort(np.concatenate(some))) for partition, some in found.items()}


def _by_bucket(table: Table, partition: str, buckets: int, rows: pa.RecordBatch) -> Iterator[Any]:
    of_bucket = deduplication.buckets_of(deduplication.key_hashes(table, rows), buckets)
    for bucket in np.unique(of_bucket).tolist():
        own = rows.filter(pa.array(of_bucket == bucket))
        yield TaggedOutput(SET_ASIDE, ((table.name, partition, bucket, buckets), own))


class Settle(_WorkOnRows):
    """(bucket, rows set aside) -> contributions of the newest of each key, and under tags what is exchanged."""

    def process(
        self, element: tuple[Bucket, Iterable[pa.RecordBatch]], products: Sequence[pa.RecordBatch] = ()
    ) -> Iterator[Any]:
        """Decides about the keys of one bucket."""
        (table_name, partition, bucket, buckets), rows = element
        batches = list(rows)
        columns = columns_from_arrow(batches[0].schema)
        more = lake_schemas.more_columns(tables.BY_NAME[table_name], columns)
        name = f"settled-{bucket:05}"
        with StagedFiles(self._staging, name) as files:
            table = lake_schemas.with_more(table_name, more)
            piece = Piece(table, files, self._products(table_name, products))
            settle(piece, partition, batches)
            contributed = list(piece.contributions(more))
        yield from self._outcome(piece, name, contributed, {partition: buckets})


class StageDailySales(beam.DoFn):
    """(partition, sales of its orders) -> what they contribute to the day's sales."""

    def __init__(self, staging: str, progress: ProgressLog) -> None:
        self._staging, self._progress = staging, progress

    def process(self, element: tuple[str, Iterable[tuple[str, sales.Sales]]]) -> Iterator[Contributed]:
        """Adds up and stages one day's sales."""
        partition, parts = element
        totals = [total for _, total in parts]
        batch = sales.daily_sales(first_day(partition), totals)
        table = tables.DAILY_SALES
        account = Account(
            rows_in=batch.num_rows,
            rows_loaded=batch.num_rows,
            amounts_in=sales.amounts_of_sales(totals),
            amounts_loaded=amounts_of(table, batch),
        )
        file = stage(self._staging, table, partition, "day", [batch])
        self._progress.add(Advance("load", table.name, planned=batch.num_rows))
        yield (table.name, partition), Contribution(account, file)


class StageSessions(beam.DoFn):
    """((partition, bucket), parts of sessions) -> what they contribute to the day's sessions."""

    def __init__(self, staging: str, progress: ProgressLog) -> None:
        self._staging, self._progress = staging, progress

    def process(self, element: tuple[tuple[str, int], Iterable[pa.RecordBatch]]) -> Iterator[Contributed]:
        """Joins and stages the sessions of one bucket."""
        (partition, bucket), parts = element
        batch = sessions.sessions(sessions.joined(list(parts)))
        table = tables.SESSIONS
        file = stage(self._staging, table, partition, f"bucket-{bucket:05}", [batch])
        self._progress.add(Advance("load", table.name, planned=batch.num_rows))
        yield (table.name, partition), Contribution(Account(rows_in=batch.num_rows, rows_loaded=batch.num_rows), file)

"""Reconciliation: what the warehouse's partitions hold is what was loaded into them, to the row and the cent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics

from beam_pipelines import tables
from beam_pipelines.transforms.accounting import Account, Amounts, dollars
from beam_pipelines.transforms.inputs import FOLLOWING
from beam_pipelines.transforms.partition_loading import LoadedPartition
from beam_pipelines.transforms.partitions import Partition, first_day
from beam_pipelines.transforms.staging import Contributed, Contribution, stage
from beam_pipelines.warehouse import partition_loads
from beam_pipelines.warehouse.client import WarehouseError, connect
from beam_pipelines.warehouse.partition_totals import Totals, partition_totals

SOURCES: Mapping[str, str] = {table.name: table.name for table in tables.LAKE} | {
    following.name: name for name, some in FOLLOWING.items() for following in some
}
"""The lake table that a table of the warehouse comes from, for those that have lines in ``ops.partition_loads``."""

NO_TOTALS = Totals(0, ())


def differences(loaded: LoadedPartition, totals: Totals) -> list[str]:
    """How what a partition holds differs from what was loaded into it, a line for each."""
    cents: Amounts = tuple(int(value.scaleb(2)) for value in totals.sums)
    return loaded.account.differences_from(loaded.table, totals.rows, cents)


def line(loaded: LoadedPartition) -> dict[str, Any]:
    """The partition's row of ``ops.partition_loads``."""
    account = loaded.account
    return {
        "partition_date": first_day(loaded.partition),
        "table_name": loaded.table,
        "partition_id": loaded.partition,
        "input": loaded.input,
        "files": account.files,
        "rows_in": account.rows_in,
        "rows_late": account.rows_late,
        "rows_loaded": account.rows_loaded,
        "rows_refused": account.rows_refused,
        "rows_deduplicated": account.rows_deduplicated,
        "rows_unreadable": account.rows_unreadable,
        "dead_letters": account.rows_refused + account.blocks_unreadable,
        "amounts": _amounts(loaded.table, account),
        "job_id": loaded.job_id,
        "loaded_at": loaded.loaded_at,
    }


def _amounts(table_name: str, account: Account) -> list[dict[str, Any]]:
    paths = tables.BY_NAME[table_name].numeric_paths
    columns = {
        "amount_in": account.amounts_in,
        "amount_loaded": account.amounts_loaded,
        "amount_refused": account.amounts_refused,
        "amount_deduplicated": account.amounts_deduplicated,
    }
    return [
        {"column_name": path}
        | {name: dollars(cents[number]) if cents else dollars(0) for name, cents in columns.items()}
        for number, path in enumerate(paths)
    ]


class Reconcile(beam.DoFn):
    """(table, loaded partitions) -> the same partitions, once it is known that the warehouse holds them so.

    One query for each table. WarehouseError, naming the partition, if one holds something else and no other load has
    replaced it in the meantime.
    """

    def __init__(self) -> None:
        self._reconciled = Metrics.counter("load", "partitions_reconciled")

    def process(
        self, element: tuple[str, Iterable[LoadedPartition]], warehouse: str
    ) -> Iterator[tuple[Partition, LoadedPartition]]:
        """Compares the partitions of one table."""
        table, partitions = tables.BY_NAME[element[0]], sorted(element[1], key=lambda one: one.partition)
        client = connect(warehouse)
        found = partition_totals(client, table, [one.partition for one in partitions])
        for one in partitions:
            differing = differences(one, found.get(one.partition, NO_TOTALS))
            if differing and not partition_loads.is_replaced(client, table, one.partition, one.job_id):
                where = f"{table.dataset}.{table.name}" + (f"${one.partition}" if one.partition else "")
                raise WarehouseError(f"{where}: {'; '.join(differing)}")
            self._reconciled.inc()
            if table.name in SOURCES:
                yield (f"partition_loads_{SOURCES[table.name]}", one.partition), one


class StageLines(beam.DoFn):
    """(partition of an ops table, what was loaded) -> its lines, staged for a load job like all else."""

    def __init__(self, staging: str) -> None:
        self._staging = staging

    def process(self, element: tuple[Partition, Iterable[LoadedPartition]]) -> Iterator[Contributed]:
        """Stages the lines of one partition."""
        (table_name, partition), loaded = element
        batch = lines(sorted(loaded, key=lambda one: one.table))
        file = stage(self._staging, tables.BY_NAME[table_name], partition, "lines", [batch])
        account = Account(rows_in=batch.num_rows, rows_loaded=batch.num_rows)
        yield (table_name, partition), Contribution(account, file, input="lines")


def lines(loaded: Sequence[LoadedPartition]) -> pa.RecordBatch:
    """The rows of ``ops.partition_loads`` for partitions of one lake table and what is derived from it."""
    return pa.RecordBatch.from_pylist([line(one) for one in loaded], schema=tables.PARTITION_LOADS[0].arrow_schema)

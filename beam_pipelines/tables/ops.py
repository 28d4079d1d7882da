"""What the load pipeline says of itself, in the dataset ops: refused records, and a line for every load.

One table for each lake table, with that table's own partitions, so that loading a partition again replaces exactly its
own dead letters and its own lines; the views ``ops.dead_letters`` and ``ops.partition_loads`` are all of them.
"""

from __future__ import annotations

from beam_pipelines.schema import Column, Partition, Table, Type
from beam_pipelines.tables.columns import integer, string, timestamp
from beam_pipelines.tables.lake import LAKE

DATASET = "ops"

_PARTITION_DATE = Column(
    name="partition_date",
    type=Type.DATE,
    description="First day of the partition; 1970-01-01 for a table without partitions.",
)


def dead_letters(table: Table) -> Table:
    """Where the refused records of a lake table go."""
    return Table(
        name=f"dead_letters_{table.name}",
        dataset=DATASET,
        description=f"Records of {table.name} that were refused, and why.",
        columns=(
            _PARTITION_DATE,
            string("table_name", "Table the record was meant for."),
            string(
                "reason",
                "Rule that the record broke: required, range, values, references, partition, time_order or an "
                "equation; corrupt_block for a block of a file that could not be read.",
            ),
            string("field", "Column the rule is about; null for a corrupt block.", nullable=True),
            string("expected", "What the rule asks for."),
            string("actual", "What the record holds."),
            string("file", "File the record was read from, relative to the lake."),
            integer("block_offset", "Position of the record's block in the file, in bytes.", minimum=0),
            integer("block_length", "Bytes of a corrupt block, null for a record.", minimum=0, nullable=True),
            integer(
                "row_in_block", "Number of the record in its block, from 0; null for a block.", minimum=0, nullable=True
            ),
            string("record", "The record itself as JSON; null for a block, which could not be read.", nullable=True),
        ),
        partition=_partition(table),
        cluster_by=("reason",),
    )


def partition_loads(table: Table) -> Table:
    """Where it says how the partitions of a lake table, and of what is derived from it, were loaded."""
    return Table(
        name=f"partition_loads_{table.name}",
        dataset=DATASET,
        description=f"Loads of the partitions of {table.name} and of what follows from it; the newest of each.",
        columns=(
            _PARTITION_DATE,
            string("table_name", "Table that was loaded."),
            string("partition_id", "The partition, as in table$20251128; empty for a table without partitions."),
            string("input", "Fingerprint of the files, rules and keys that it was loaded from."),
            integer("files", "Lake files that were read; for a derived table those of its source.", minimum=0),
            integer("rows_in", "Rows that the manifests name, or that a derived table was to have.", minimum=0),
            integer("rows_late", "Of these, how many came from files of later days.", minimum=0),
            integer("rows_loaded", "Rows that the partition holds, counted in the warehouse.", minimum=0),
            integer("rows_refused", "Rows that became dead letters.", minimum=0),
            integer("rows_deduplicated", "Rows that a newer version, or an equal row, stands for.", minimum=0),
            integer("rows_unreadable", "Rows in corrupt blocks.", minimum=0),
            integer("dead_letters", "One for each refused row, and one for each corrupt block.", minimum=0),
            Column(
                name="amounts",
                type=Type.RECORD,
                repeated=True,
                description="Sums of the money columns: amount_in = loaded + refused + deduplicated, to the cent.",
                fields=(
                    string("column_name", "Column, those of items in the form items.sale_price."),
                    _sum("amount_in", "Of all rows that were read."),
                    _sum("amount_loaded", "Of the rows that the partition holds, summed in the warehouse."),
                    _sum("amount_refused", "Of refused rows."),
                    _sum("amount_deduplicated", "Of rows that others stand for."),
                ),
            ),
            string("job_id", "The load job; null for a partition that was empty and stays so.", nullable=True),
            timestamp("loaded_at", "When the job ended.", nullable=True),
        ),
        key=("partition_date", "table_name"),
        partition=_partition(table),
        cluster_by=("table_name",),
    )


def _sum(name: str, description: str) -> Column:
    return Column(name=name, type=Type.NUMERIC, precision=18, scale=2, description=description)


def _partition(table: Table) -> Partition:
    """Days for a table of days; months for others, so that their partitions' ids are the table's."""
    return Partition(column="partition_date", granularity=table.partition.granularity if table.partition else "MONTH")


DEAD_LETTERS = tuple(dead_letters(table) for table in LAKE)
PARTITION_LOADS = tuple(partition_loads(table) for table in LAKE)

"""Rows of files of an older schema, as the world has them: what they must be in the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.defects.rates import OLDER
from beam_pipelines.schema import Table
from beam_pipelines.world import BLOCK_ROWS, World, day_number

CANDIDATES, ROWS = 400, 20
"""How many rows of a file are drawn at random, and how many of those that have no defect are looked at."""


class OlderFile(NamedTuple):
    """A file of an older schema, and a block of its day that is in it and can be read."""

    number: int
    """The truth's."""
    day: date
    block: int
    column: str
    is_absent: bool
    """Whether the file does not have the column; else it has a narrower type."""


def sample(connection: duckdb.DuckDBPyConnection, world: World, table: Table) -> None:
    """Adds to ``samples`` rows of each of a table's files in scope that are of an older schema."""
    drawn = [candidates(world, table, file) for file in _older_files(connection, table)]
    if not drawn:
        return
    connection.register("arrived", pa.concat_tables(drawn))
    connection.execute(f"""
        INSERT INTO samples
        SELECT number, '{table.name}', key, value FROM (
          SELECT *, row_number() OVER (PARTITION BY number ORDER BY position) AS chosen
          FROM arrived ANTI JOIN (SELECT key FROM truths WHERE table_name = '{table.name}') AS defective USING (key)
        ) WHERE chosen <= {ROWS}""")  # noqa: S608 - names of the domain
    connection.unregister("arrived")


def candidates(world: World, table: Table, file: OlderFile) -> pa.Table:
    """Rows of a file as the world has them: those first that have a value where the file has none.

    Returns:
        The truth's number, the row's position among them, its key, and what the older column is to be as text.
    """
    batch = world.block(table.name, day_number(file.day), file.block)
    values = texts(batch.column(file.column))
    rows = pa.concat_arrays([pc.indices_nonzero(values.is_valid()), pc.indices_nonzero(values.is_null())])[:CANDIDATES]
    keys = keys_of(table, batch).take(rows)
    values = pa.nulls(len(rows), pa.string()) if file.is_absent else values.take(rows)
    numbers = pa.repeat(pa.scalar(file.number, pa.int64()), len(rows))
    return pa.table({"number": numbers, "position": pa.array(range(len(rows))), "key": keys, "value": values})


def keys_of(table: Table, batch: pa.RecordBatch) -> pa.Array[Any]:
    """The rows' keys as text: their numbers with hyphens between."""
    columns = [batch.column(name).cast(pa.string()) for name in table.key]
    return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, "-")


def texts(array: pa.Array[Any]) -> pa.Array[Any]:
    """Values as text, nulls as such."""
    plain = array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array
    return plain.cast(pa.string())


def _older_files(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[OlderFile]:
    """The files in scope that are of an older schema, of each the first block that can be read, if there is one."""
    found = connection.execute(
        f"""
        SELECT number, day, min(day_block), any_value(field), any_value("is") IS NULL
        FROM (
          SELECT truths.number, truths.day, truths.field, truths."is", unnest(range(
            first_row // {BLOCK_ROWS}, (first_row + drawn + {BLOCK_ROWS - 1}) // {BLOCK_ROWS})) AS day_block
          FROM truths JOIN drawn_files USING (file)
          WHERE truths.in_scope AND truths.kind = '{OLDER}' AND truths.table_name = $name
        ) AS blocks
        ANTI JOIN (SELECT day, day_block FROM corrupt_blocks WHERE table_name = $name) AS lost USING (day, day_block)
        GROUP BY number, day ORDER BY number""",  # noqa: S608 - our own constants
        {"name": table.name},
    )
    yield from (OlderFile(*row) for row in found.fetchall())

"""Files of record batches in the formats that the lake can have: Avro, Parquet, JSON lines and CSV.

Blocks are taken one by one and written at once: an Avro block, a Parquet row group, so many lines of text. Equal blocks
give equal bytes. Knows tables and Arrow, nothing of retail.

What the formats say of a value is what BigQuery and DuckDB read: in text, decimals with all their digits, times as
``2025-11-28T09:30:00.000000Z``, in JSON decimals as strings, so that no reader rounds them, and in CSV repeated columns
as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

from beam_pipelines import avro
from beam_pipelines.schema import Table

Writer = Callable[[BinaryIO, Table, Iterable[pa.RecordBatch], str], avro.Written]
"""Writes a table's blocks to a file with a codec."""

CODECS: Mapping[str, tuple[str, ...]] = {
    "avro": ("snappy", "deflate", "zstandard", "null"),
    "parquet": ("snappy", "zstandard", "null"),
    "jsonl": ("null",),
    "csv": ("null",),
}
"""The codecs of each format, its default first."""


def write_blocks(
    file: BinaryIO, table: Table, blocks: Iterable[pa.RecordBatch], *, file_format: str, codec: str
) -> avro.Written:
    """Writes a table's blocks to a file, from its current position on.

    Returns:
        What was written. The fingerprint of Avro is of the uncompressed content and the same for every codec; that of
        any other format is of the file's bytes, which for text is the uncompressed content too.
    """
    return _writer(file_format)(file, table, blocks, codec)


def _writer(file_format: str) -> Writer:
    """What writes a format, imported when somebody wants it."""
    if file_format == "avro":
        return _write_avro
    if file_format == "parquet":
        from beam_pipelines.formats.parquet import write_parquet

        return write_parquet
    from beam_pipelines.formats import text

    return {"jsonl": text.write_json_lines, "csv": text.write_csv}[file_format]


def _write_avro(
    file: BinaryIO,
    table: Table,
    blocks: Iterable[pa.RecordBatch],
    codec: str,
) -> avro.Written:
    schema: dict[str, Any] = table.avro_schema
    return avro.write_blocks(file, schema, blocks, codec=codec)

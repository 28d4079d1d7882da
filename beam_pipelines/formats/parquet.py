"""Parquet files: one row group for each block."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import pyarrow as pa
from pyarrow import parquet

from beam_pipelines.avro import Written
from beam_pipelines.formats.digest import Digest
from beam_pipelines.schema import Table

_NAMES = {"snappy": "snappy", "zstandard": "zstd", "null": "none"}
"""The codecs' names in Arrow."""


def write_parquet(file: BinaryIO, table: Table, blocks: Iterable[pa.RecordBatch], codec: str) -> Written:
    """Writes a table's blocks as a Parquet file.

    Arrow's own schema is left out of it: what others read is what was meant.
    """
    digest, schema = Digest(file), table.arrow_schema
    rows = 0
    written: list[parquet.FileMetaData] = []
    with parquet.ParquetWriter(
        pa.PythonFile(digest, mode="w"),
        schema,
        compression=_NAMES[codec],
        store_schema=False,
        metadata_collector=written,
    ) as writer:
        for batch in blocks:
            if batch.num_rows:
                # Strings as themselves: a row group would else hold the whole of what they are encoded by.
                writer.write_batch(batch.cast(schema), row_group_size=batch.num_rows)
                rows += batch.num_rows
    (metadata,) = written
    uncompressed = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    return Written(rows, digest.bytes, uncompressed, digest.fingerprint)

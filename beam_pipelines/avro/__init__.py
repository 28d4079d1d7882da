"""Avro object container files, written from and read into Arrow record batches, with no Python object made per row.

Knows Avro and Arrow and nothing of retail. docs/avro.md says how it works; :mod:`arrow_types` has the table of types.

>>> import io
>>> import pyarrow as pa
>>> fields = [{"name": "id", "type": "long"}, {"name": "city", "type": ["null", "string"]}]
>>> schema = {"type": "record", "name": "place", "fields": fields}
>>> batch = pa.record_batch({"id": [1, 2], "city": ["Mobile", None]})
>>> file = io.BytesIO()
>>> written = write_blocks(file, schema, [batch])
>>> written.rows, written.uncompressed_bytes
(2, 11)
>>> _ = file.seek(0)
>>> [block.batch.to_pydict() for block in read_blocks(file)]
[{'id': [1, 2], 'city': ['Mobile', None]}]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beam_pipelines.avro.arrow_types import arrow_schema
from beam_pipelines.avro.codecs import CODECS
from beam_pipelines.avro.container import (
    Block,
    BlockWriter,
    Damage,
    Header,
    Written,
    read_blocks,
    read_header,
    write_blocks,
)
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import AvroType, parse_schema

if TYPE_CHECKING:
    from beam_pipelines.avro.decoder import decode
    from beam_pipelines.avro.encoder import encode

__all__ = [
    "CODECS",
    "AvroError",
    "AvroType",
    "Block",
    "BlockWriter",
    "Damage",
    "Header",
    "Written",
    "arrow_schema",
    "decode",
    "encode",
    "parse_schema",
    "read_blocks",
    "read_header",
    "write_blocks",
]


def __getattr__(name: str) -> Any:
    """Loads the compiled kernels when somebody needs them: that takes longer than all else here."""
    if name == "encode":
        from beam_pipelines.avro.encoder import encode

        return encode
    if name == "decode":
        from beam_pipelines.avro.decoder import decode

        return decode
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

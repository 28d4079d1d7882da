"""Avro object container files, written from and read into Arrow record batches by column.

No Python object is made per row. The columns of a file are :class:`beam_pipelines.schema.Column`.

>>> import io
>>> import pyarrow as pa
>>> from beam_pipelines.schema import Column, Type, avro_record
>>> columns = (Column(name="id", type=Type.INT64), Column(name="city", type=Type.STRING, nullable=True))
>>> batch = pa.record_batch({"id": [1, 2], "city": ["Mobile", None]})
>>> file = io.BytesIO()
>>> written = write_blocks(file, avro_record("place", columns), [batch])
>>> written.rows, written.uncompressed_bytes
(2, 11)
>>> _ = file.seek(0)
>>> [block.batch.to_pydict() for block in read_blocks(file)]
[{'id': [1, 2], 'city': ['Mobile', None]}]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beam_pipelines.avro.codecs import CODECS
from beam_pipelines.avro.container import Block, Header, Written, read_blocks, read_header, write_blocks
from beam_pipelines.avro.errors import AvroError

if TYPE_CHECKING:
    from beam_pipelines.avro.decoder import decode
    from beam_pipelines.avro.encoder import encode

__all__ = [
    "CODECS",
    "AvroError",
    "Block",
    "Header",
    "Written",
    "decode",
    "encode",
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

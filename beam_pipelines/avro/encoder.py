"""Arrow record batches to Avro rows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.avro import encoding_kernel as kernel
from beam_pipelines.avro.arrow_types import rows_of
from beam_pipelines.avro.batch_check import BatchCheck
from beam_pipelines.avro.encoding_program import EncodingProgram
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import AvroType

EASY_BYTES = 1 << 26
"""Room that is taken for a batch just because it has many rows and those before it were long."""


class Encoder:
    r"""Encodes batches of one schema, and remembers how much room the last one's rows took.

    >>> from beam_pipelines.avro.schema import parse_schema
    >>> fields = [{"name": "id", "type": "long"}, {"name": "city", "type": ["null", "string"]}]
    >>> encoder = Encoder(parse_schema({"type": "record", "name": "place", "fields": fields}))
    >>> encoder.encode(pa.record_batch({"id": [1, -2], "city": ["Rome", None]})).tobytes()
    b'\x02\x02\x08Rome\x03\x00'
    """

    def __init__(self, schema: AvroType) -> None:
        """Raises AvroError if the schema is not a record whose fields have Arrow types."""
        self._schema = rows_of(schema)
        self._check = BatchCheck(schema)
        self._row_bytes = 32.0
        self._most_bytes = 0

    def encode(self, batch: pa.RecordBatch) -> NDArray[np.uint8]:
        """The batch's rows in Avro's binary encoding, one after the other, uncompressed.

        Args:
            batch: One column for each field, in any order, of its Arrow type. Strings and bytes may be large, views or
                dictionary-encoded, at any depth; enums may be strings.

        Returns:
            uint8[bytes]; empty if the batch is.

        Raises:
            AvroError: A column is missing, not in the schema, of another type, or null where it is required. Names the
                field's path, what was expected and what was found.
        """
        self._check(batch.schema)
        program = EncodingProgram(self._schema, batch)
        if not batch.num_rows or not program.writes:
            return np.empty(0, np.uint8)
        levels = np.empty((program.depth + 1, 2), np.int64)
        room = int(1.1 * min(self._row_bytes * batch.num_rows, max(self._most_bytes, EASY_BYTES))) + 1024
        while True:
            out = np.empty(room, np.uint8)
            problem, size, at, index = kernel.write_rows(
                batch.num_rows, program.code.ctypes.data, levels.ctypes.data, out.ctypes.data, room
            )
            if problem == kernel.FINE:
                self._row_bytes = size / batch.num_rows
                self._most_bytes = max(self._most_bytes, size)
                return out[:size]
            if problem != kernel.FULL:
                raise _error(program, problem, at, index)
            room = 2 * max(room, size)


def _error(program: EncodingProgram, problem: int, at: int, index: int) -> AvroError:
    path, array = program.source(at)
    if problem == kernel.TOO_WIDE:
        return AvroError(f"value at index {index} is out of range", field=path, expected=array.type, got=array[index])
    codes = len(array.dictionary)
    code = array.indices[index].as_py()
    if problem == kernel.UNKNOWN_CODE:
        return AvroError(
            f"code at index {index} is outside the dictionary",
            field=path,
            expected=f"0 to {codes - 1}",
            got=code,
        )
    return AvroError(
        f"value at index {index} is not a symbol of the enum", field=path, got=repr(array.dictionary[code].as_py())
    )


@lru_cache(256)
def encoder_for(schema: AvroType) -> Encoder:
    """The encoder of a schema, prepared once."""
    return Encoder(schema)


def encode(batch: pa.RecordBatch, schema: AvroType) -> NDArray[np.uint8]:
    """The batch's rows in Avro's binary encoding, see :class:`Encoder`."""
    return encoder_for(schema).encode(batch)

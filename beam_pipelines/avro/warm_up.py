"""Compiles the kernels and leaves them in numba's cache: ``python -m beam_pipelines.avro.warm_up``.

Run where the package is installed, in a worker's image say, so that no process that reads or writes pays for it.
"""

from __future__ import annotations

import io

import pyarrow as pa

from beam_pipelines import avro
from beam_pipelines.schema import Column, Type, avro_record

COLUMNS = tuple(
    Column(
        name=f"{type_.value.lower()}_{mode}",
        type=type_,
        nullable=mode == "nullable",
        repeated=mode == "repeated",
        precision=12 * (type_ is Type.NUMERIC),
        scale=2 * (type_ is Type.NUMERIC),
    )
    for type_ in Type
    if type_ is not Type.RECORD
    for mode in ("required", "nullable", "repeated")
)
"""A column of every type and mode: together they need every kernel."""


def warm_up() -> None:
    """Writes and reads one row of every type, plain and dictionary-encoded."""
    schema = pa.schema([column.arrow_field for column in COLUMNS])
    row = {column.name: [] if column.repeated else _VALUES[column.type] for column in COLUMNS}
    batch = pa.RecordBatch.from_pylist([row], schema)
    strings = [array.dictionary_encode() if pa.types.is_string(array.type) else array for array in batch.columns]
    for variant in (batch, pa.RecordBatch.from_arrays(strings, names=batch.schema.names)):
        file = io.BytesIO()
        avro.write_blocks(file, avro_record("warm_up", COLUMNS), [variant])
        for dictionaries in (False, True):
            file.seek(0)
            list(avro.read_blocks(file, dictionaries=dictionaries))


_VALUES = {
    Type.BOOLEAN: True,
    Type.INT64: 1,
    Type.FLOAT64: 1.0,
    Type.STRING: "a",
    Type.BYTES: b"a",
    Type.NUMERIC: 1,
    Type.DATE: 1,
    Type.TIMESTAMP: 1,
}

if __name__ == "__main__":
    warm_up()

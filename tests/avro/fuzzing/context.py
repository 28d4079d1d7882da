"""What cases need beside their random numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from beam_pipelines import avro
from beam_pipelines.avro.schema import AvroType
from tests.avro.fuzzing.corpus import Corpus
from tests.avro.fuzzing.guard_pages import GuardedMemory
from tests.avro.fuzzing.outcome import Wrong, require


@dataclass(frozen=True)
class Context:
    """Shared by all cases of a process."""

    corpus: Corpus
    memory: GuardedMemory
    note: Callable[[str, bytes], None]
    """Leaves a description of the input, and the input, for the parent to find should this process die of it."""


def check_batch(batch: pa.RecordBatch, rows: int, type_: AvroType) -> bytes:
    """Its rows in our own encoding, if the batch is a valid one; raises Wrong if not."""
    require(batch.num_rows == rows, f"{batch.num_rows} rows in place of {rows}")
    try:
        batch.validate(full=True)
        encoded = avro.encode(batch, type_).tobytes()
        again = avro.encode(avro.decode(encoded, rows, type_), type_).tobytes()
    except (pa.ArrowInvalid, avro.AvroError) as error:
        raise Wrong(f"a batch that is not valid: {type(error).__name__}: {error}") from error
    require(again == encoded, "rows that are others when encoded and decoded again")
    return encoded

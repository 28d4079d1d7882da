"""Faults that are planted to see whether the fuzzer finds them: ``python -m tests.avro.fuzzing.planted``.

Run like this, it prints for each wrong piece of the Avro package what was found. With a worker's arguments it is a
worker some of whose cases crash, hang, take too much memory or raise an error of another kind.
"""

from __future__ import annotations

import ctypes
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa

from beam_pipelines import avro
from beam_pipelines.avro import AvroError, codecs, container, decoder, encoder, splitting
from tests.avro.fuzzing import worker
from tests.avro.fuzzing.black_box import BlackBox
from tests.avro.fuzzing.context import Context
from tests.avro.fuzzing.corpus import corpus_of
from tests.avro.fuzzing.guard_pages import GuardedMemory

NO_FAULT = "nothing"
CASES = 20_000, 1000
"""With a fault, at most; and without one."""
LOT = 20
SEED = 8
DEADLY_SECONDS = 0.5

decode_padded = decoder.Decoder.decode_padded
read_rows = decoder.kernel.read_rows
write_rows = encoder.kernel.write_rows
skip_damage = container.skip_damage
write_blocks = avro.write_blocks
message_of = AvroError.__str__
snappy = codecs.CODECS["snappy"]
arrow_strings = decoder.Columns._strings


def rows_the_other_way_round(self: Any, padded: Any, rows: int) -> pa.RecordBatch:
    """What is wrong everywhere, and so agrees with itself."""
    batch = decode_padded(self, padded, rows)
    return batch.take(list(reversed(range(rows)))) if rows > 1 and batch.num_columns else batch


def one_row_less(self: Any, padded: Any, rows: int) -> pa.RecordBatch:
    return decode_padded(self, padded, rows)[: max(rows - 1, 1)]


def trailing_bytes_are_fine(*arguments: int) -> tuple[int, int, int, int]:
    found = read_rows(*arguments)
    return (decoder.kernel.FINE, *found[1:]) if found[0] == decoder.kernel.TRAILING else found


def any_bytes_are_text(self: Any, node: Any, slot: pa.Buffer, count: int) -> list[pa.Buffer]:
    return arrow_strings(self, mock.Mock(type=mock.Mock(kind=None)), slot, count)


def no_checksum(padded: memoryview) -> Any:
    stored = int.from_bytes(padded[:-16][-4:], "big")
    with mock.patch.object(codecs.deflate, "crc32", return_value=stored):
        return snappy.decompress(padded)


def one_marker_too_far(source: Any, sync: bytes) -> None:
    skip_damage(source, sync)
    source.skip_past(sync)


def any_marker(source: Any, sync: bytes) -> tuple[int, memoryview]:
    rows, size = source.long("row count"), source.long("length")
    if rows < 0 or size < 0:
        raise AvroError("negative")
    return rows, source.take(size + len(sync), "block")


def ranges_begin_late(source: Any, header: Any, start: int) -> None:
    splitting.go_to_range(source, header, start and start + 1)


def one_byte_before_the_output(rows: int, program: int, levels: int, start: int, room: int) -> tuple[int, ...]:
    found = write_rows(rows, program, levels, start, room)
    ctypes.memset(start - 1, 0, 1)
    return found


def always_the_same_fingerprint(*arguments: Any, **options: Any) -> avro.Written:
    return replace(write_blocks(*arguments, **options), fingerprint="0" * 32)


FAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "rows the other way round": lambda: mock.patch.object(decoder.Decoder, "decode_padded", rows_the_other_way_round),
    "one row less": lambda: mock.patch.object(decoder.Decoder, "decode_padded", one_row_less),
    "trailing bytes": lambda: mock.patch.object(decoder.kernel, "read_rows", trailing_bytes_are_fine),
    "texts that are not": lambda: mock.patch.object(decoder.Columns, "_strings", any_bytes_are_text),
    "no checksum": lambda: mock.patch.dict(codecs.CODECS, snappy=replace(snappy, decompress=no_checksum)),
    "one marker too far": lambda: mock.patch.object(container, "skip_damage", one_marker_too_far),
    "any marker": lambda: mock.patch.object(container, "read_frame", any_marker),
    "ranges begin late": lambda: mock.patch.object(container, "go_to_range", ranges_begin_late),
    "a message of two lines": lambda: mock.patch.object(AvroError, "__str__", lambda error: f"{message_of(error)}\n"),
    "before the output": lambda: mock.patch.object(encoder.kernel, "write_rows", one_byte_before_the_output),
    "one fingerprint": lambda: mock.patch.object(avro, "write_blocks", always_the_same_fingerprint),
}


def planted_hang() -> None:
    while True:
        pass


DEADLY: dict[int, Callable[[], Any]] = {
    50: lambda: ctypes.string_at(0),
    100: planted_hang,
    150: lambda: bytearray(worker.MEMORY_BYTES),
    151: lambda: [][0],
}
"""What happens in these cases."""


class DeadlyBox(BlackBox):
    """Lets cases die once their input is known."""

    def begin(self, case: int) -> None:
        super().begin(case)
        self._deadly = DEADLY.get(case)

    def note(self, what: str, data: bytes) -> None:
        super().note(what, data)
        if self._deadly is not None:
            self._deadly()


def look_for_faults() -> dict[str, list[str]]:
    """What the fuzzer finds first in each faulty package, and in the one without a fault."""
    with tempfile.TemporaryDirectory() as folder:
        box = BlackBox(Path(folder) / "box", new=True)
        context = Context(corpus_of(SEED), GuardedMemory(), box.note)
    for subject in context.corpus.subjects:  # worked out before there is a fault that could be in them
        _ = subject.batch, subject.coded_batch, subject.encoded_rows, subject.peer
    found: dict[str, list[str]] = {}
    for name, plant in {**FAULTS, NO_FAULT: nullcontext}.items():
        told: list[Any] = []
        with plant(), mock.patch.object(worker, "_say", told.append):
            for first in range(0, CASES[name == NO_FAULT], LOT):
                worker.run_lot(SEED, list(range(first, first + LOT)), context, box)
                if told:
                    break
        found[name] = [f"{each['finding']['case']}: {each['finding']['message']}" for each in told]
    return found


if __name__ == "__main__":
    if sys.argv[1:]:
        with mock.patch.object(worker, "BlackBox", DeadlyBox), mock.patch.object(worker, "SECONDS", DEADLY_SECONDS):
            worker.main()
    else:
        json.dump(look_for_faults(), sys.stdout)

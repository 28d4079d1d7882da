"""An Avro file on its way out, block by block: where each block is, and some of them with flipped bits."""

from __future__ import annotations

import io
from typing import BinaryIO, NamedTuple

from beam_pipelines import avro
from beam_pipelines.avro.header import SYNC_BYTES

FLIPPED_BYTES = 16
"""Bytes of a corrupt block whose bits are all flipped."""


class Span(NamedTuple):
    """Where a block is in its file."""

    offset: int
    length: int


class BlockFile:
    """A file for writing that holds each block back until it is whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._pending: list[bytes] = []
        self._written = 0

    def write(self, data: bytes | memoryview) -> int:
        """Takes bytes of the header or of a block."""
        self._pending.append(bytes(data))
        return len(data)

    def end_block(self, flip_at: float | None = None) -> Span:
        """Passes on the block that has been written since the last one, with the header if it is the first.

        Args:
            flip_at: Where in the block bits are to be flipped, as a share of what its row count and length leave of
                it; None for nowhere.
        """
        data = bytearray(b"".join(self._pending))
        self._pending = []
        start = 0 if self._written else avro.read_header(io.BytesIO(data)).offset
        if flip_at is not None:
            _flip(memoryview(data)[start:-SYNC_BYTES], flip_at)
        self._file.write(data)
        span = Span(self._written + start, len(data) - start)
        self._written += len(data)
        return span

    def close(self) -> None:
        """Passes on what is left: the header of a file without blocks."""
        for data in self._pending:
            self._file.write(data)
        self._pending = []


def _flip(block: memoryview, at: float) -> None:
    """Flips bits of a block's content: its row count and length stay, so that the next block is found."""
    first = _frame_bytes(block)
    start = first + min(int((len(block) - first) * at), max(0, len(block) - first - FLIPPED_BYTES))
    for place in range(start, min(start + FLIPPED_BYTES, len(block))):
        block[place] ^= 0xFF


def _frame_bytes(block: memoryview) -> int:
    """Bytes of the row count and the length: of each number the last byte is below 128."""
    end = 0
    for _ in range(2):
        while block[end] >= 128:
            end += 1
        end += 1
    return end

"""Where the blocks of a container file begin and end: for one reader, for several that share it, and behind damage.

A boundary is the end of the header or of a sync marker, and nothing else. Whoever looks for the next boundary from the
same byte finds the same one. This is why ranges and damages add up: each range begins at the first boundary in it, and
each damage ends at the first boundary behind its beginning, even if a length that is wrong as well leads further.
"""

from __future__ import annotations

from beam_pipelines.avro.codecs import MAX_BLOCK_BYTES, PADDING
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.header import SYNC_BYTES, Header
from beam_pipelines.avro.source import Source

assert PADDING == SYNC_BYTES  # a block's marker is the padding that codecs ask for


def read_frame(source: Source, sync: bytes) -> tuple[int, memoryview]:
    """Takes the next block.

    Returns:
        Its row count, 0 or more and otherwise not to be trusted, and what is stored for it with the sync marker, of
        PADDING bytes, behind it.

    Raises:
        AvroError: The file ends within it, its numbers are impossible, or no sync marker is where it should end.
    """
    at = source.position
    rows = source.long("block's row count")
    if rows < 0:
        raise AvroError("negative row count", offset=at, got=rows)
    at = source.position
    size = source.long("block's length")
    if not 0 <= size <= MAX_BLOCK_BYTES:
        raise AvroError("bad block length", offset=at, expected=f"0 to {MAX_BLOCK_BYTES}", got=size)
    at = source.position + size
    padded = source.take(size + SYNC_BYTES, "block")
    if (marker := padded[size:]) != sync:
        raise AvroError("wrong sync marker", offset=at, expected=sync.hex(), got=marker.hex())
    return rows, padded


def go_to_range(source: Source, header: Header, start: int) -> None:
    """On from the header's end to the first block that begins at byte ``start`` or behind it, or to the file's end.

    Raises:
        ValueError: The file has to be sought through and cannot seek.
    """
    if start > header.offset:
        # The marker before a block that begins at ``start`` lies before that.
        source.skip_to(max(start - SYNC_BYTES, header.offset))
        source.skip_past(header.sync)


def skip_damage(source: Source, sync: bytes) -> None:
    """From within a block that is damaged, on to the first boundary behind its beginning, where bytes are kept from."""
    source.go_back()
    source.skip_past(sync)

"""How the blocks of a container file are compressed.

Each codec gives the same bytes for the same content, always. What a block claims to decompress to is checked, or
limited, before memory is taken for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cramjam
import numpy as np

from beam_pipelines.avro.errors import AvroError

MAX_BLOCK_BYTES = 1 << 28
"""The largest block that is written or read, compressed or not."""

_SNAPPY_EXPANSION = 22
"""Snappy's densest element copies 64 bytes and takes 3."""

_ADLER_BYTES = 4
"""Writers that cut raw deflate out of zlib's format, as fastavro does, leave some of its checksum at the end."""


@dataclass(frozen=True)
class Codec:
    """A codec: both functions take and return buffers of whole blocks; ``decompress`` raises AvroError."""

    name: str
    compress: Callable[[Any], Any]
    decompress: Callable[[memoryview], Any]


def _unchanged(data: Any) -> Any:
    return data


def _deflate(data: Any) -> bytes:
    compressor = zlib.compressobj(level=1, wbits=-15)
    return compressor.compress(data) + compressor.flush()


def _inflate(data: memoryview) -> bytes:
    inflater = zlib.decompressobj(wbits=-15)
    try:
        content = inflater.decompress(data, MAX_BLOCK_BYTES + 1)
    except zlib.error as error:
        raise AvroError(f"corrupt deflate data: {error}") from error
    if len(content) > MAX_BLOCK_BYTES:
        raise too_large(f"more than {MAX_BLOCK_BYTES} bytes")
    if not inflater.eof:
        raise AvroError("corrupt deflate data: it ends too early")
    if len(inflater.unused_data) > _ADLER_BYTES:
        raise AvroError("corrupt deflate data: bytes after its end", got=f"{len(inflater.unused_data)} more")
    return content


def _snappy(data: Any) -> bytes:
    return b"".join((memoryview(cramjam.snappy.compress_raw(data)), zlib.crc32(data).to_bytes(4, "big")))


def _unsnappy(data: memoryview) -> Any:
    if len(data) < 5:
        raise AvroError("corrupt snappy data", expected="5 bytes or more", got=len(data))
    body, checksum = data[:-4], int.from_bytes(data[-4:], "big")
    declared = _snappy_length(body)
    if declared > MAX_BLOCK_BYTES:
        raise too_large(f"{declared} bytes")
    if declared > _SNAPPY_EXPANSION * len(body):
        raise AvroError("corrupt snappy data: it is too short for what it says it holds", got=f"{declared} bytes")
    content = np.empty(declared, np.uint8).data
    try:
        length = cramjam.snappy.decompress_raw_into(body, content)
    except cramjam.DecompressionError as error:
        raise AvroError(f"corrupt snappy data: {error}") from error
    if length != declared:
        raise AvroError("corrupt snappy data", expected=f"{declared} bytes", got=length)
    if (found := zlib.crc32(content)) != checksum:
        raise AvroError("wrong checksum of snappy data", expected=f"{checksum:08x}", got=f"{found:08x}")
    return content


def _snappy_length(body: memoryview) -> int:
    """The length that snappy data begins with, a 32-bit varint."""
    length = 0
    for i, byte in enumerate(body[:5]):
        length |= (byte & 127) << (7 * i)
        if byte < 128:
            return length
    raise AvroError("corrupt snappy data: no length")


def too_large(got: str) -> AvroError:
    """The error for a block beyond MAX_BLOCK_BYTES."""
    return AvroError("block too large", expected=f"at most {MAX_BLOCK_BYTES} bytes", got=got)


CODECS: Mapping[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("null", _unchanged, _unchanged),
        Codec("deflate", _deflate, _inflate),
        Codec("snappy", _snappy, _unsnappy),
    )
}
"""The codecs by their names in Avro's specification."""


def codec_named(name: str) -> Codec:
    """The codec of that name; AvroError if there is none."""
    codec = CODECS.get(name)
    if codec is None:
        raise AvroError("unknown codec", expected=f"one of {', '.join(sorted(CODECS))}", got=repr(name))
    return codec

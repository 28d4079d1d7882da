"""How the blocks of a container file are compressed.

Each codec gives the same bytes for the same content, always: nothing that it uses remembers an earlier block. What a
block claims to decompress to is checked, or limited, before memory is taken for it.

MB of content per second of one core, on blocks of orders and customers, and the part of it that is stored:

=============  ========  ==========  ======  =======================================================================
codec          compress  decompress  stored  by
=============  ========  ==========  ======  =======================================================================
``snappy``          470        1180    62 %  cramjam; Google's own library is 4 % faster, but what it gives depends
                                             on the processor that it was compiled for
``zstandard``       360         990    51 %  zstandard, which can add a checksum, and cramjam
``deflate``         180         790    49 %  libdeflate
=============  ========  ==========  ======  =======================================================================

igzip is as fast as snappy and as small as zlib, but about one block in ten thousand came out differently for the same
content. Checksums of snappy's blocks are libdeflate's too, at ten times zlib's speed.

Raw deflate may be followed by bytes that mean nothing: writers that cut it out of zlib's format, as fastavro does,
leave some of that one's checksum there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import cramjam
import deflate
import numpy as np
import zstandard
from numpy.typing import NDArray

from beam_pipelines.avro.errors import AvroError

Bytes = NDArray[np.uint8]

MAX_BLOCK_BYTES = 1 << 28
"""The largest block that is written or read, compressed or not."""

PADDING = 16
"""Readable bytes behind what is decompressed, and behind what comes of it: decoders may read whole words.

As many as a sync marker has, so that a block in a file need not be copied.
"""

_CHECKSUM_BYTES = 4
_SNAPPY_EXPANSION = 22
"""Snappy's densest element copies 64 bytes and takes 3."""

_ZSTANDARD_EXPANSION = 1 << 15
"""Zstandard's densest block repeats a byte 128 Ki times and takes 4."""
_ZSTANDARD_LEVEL = 1
_ZSTANDARD_STEP = 1 << 10
"""Bytes to decompress at once where the frame does not say how many come of it: at most 32 MiB do."""

_DEFLATE_LEVEL = 1
_DEFLATE_EXPANSIONS = (4, 32)
"""How many times as large as what is stored a block is first taken to be."""


@dataclass(frozen=True)
class Codec:
    """A codec."""

    name: str
    """In Avro's specification."""
    compress: Callable[[Bytes], memoryview]
    """A block's content, uint8[bytes], to what is stored for it."""
    decompress: Callable[[memoryview], Bytes]
    """What is stored for a block, with PADDING arbitrary bytes behind it, to the block's content.

    Returns read-only uint8[content + PADDING], the last PADDING arbitrary; it may share memory with the argument.
    Raises AvroError if the data is not of this codec, or its content larger than MAX_BLOCK_BYTES.
    """


def _stored(data: Bytes) -> memoryview:
    return data.data


def _unstored(padded: memoryview) -> Bytes:
    return _read_only(np.frombuffer(padded, np.uint8))


def _deflate(data: Bytes) -> memoryview:
    return memoryview(deflate.deflate_compress(data.data, _DEFLATE_LEVEL))


def _inflate(padded: memoryview) -> Bytes:
    """By libdeflate, which has to be told how much room there is; if that fails, by zlib, which says what is wrong."""
    data = padded[:-PADDING]
    for expansion in _DEFLATE_EXPANSIONS:
        try:
            content = deflate.deflate_decompress(data, min(expansion * len(data) + 1, MAX_BLOCK_BYTES))
        except deflate.DeflateError:
            continue
        content += bytes(PADDING)
        return _read_only(np.frombuffer(content, np.uint8))
    inflater = zlib.decompressobj(wbits=-15)
    try:
        found = inflater.decompress(data, MAX_BLOCK_BYTES + 1)
    except zlib.error as error:
        raise AvroError(f"corrupt deflate data: {error}") from error
    if len(found) > MAX_BLOCK_BYTES:
        raise too_large(f"more than {MAX_BLOCK_BYTES} bytes")
    if not inflater.eof:
        raise AvroError("corrupt deflate data: it ends too early")
    return _padded([found])


def _snappy(data: Bytes) -> memoryview:
    packed = np.empty(cramjam.snappy.compress_raw_max_len(data.data) + _CHECKSUM_BYTES, np.uint8).data
    length = cramjam.snappy.compress_raw_into(data.data, packed)
    packed[length : length + _CHECKSUM_BYTES] = deflate.crc32(data.data).to_bytes(_CHECKSUM_BYTES, "big")
    return packed[: length + _CHECKSUM_BYTES]


def _unsnappy(padded: memoryview) -> Bytes:
    data = padded[:-PADDING]
    if len(data) <= _CHECKSUM_BYTES:
        raise AvroError("corrupt snappy data", expected="5 bytes or more", got=len(data))
    body, checksum = data[:-_CHECKSUM_BYTES], int.from_bytes(data[-_CHECKSUM_BYTES:], "big")
    declared = _snappy_length(body)
    content = _room(declared, _SNAPPY_EXPANSION * len(body), "snappy")
    try:
        length = cramjam.snappy.decompress_raw_into(body, content[:declared].data)
    except cramjam.DecompressionError as error:
        raise AvroError(f"corrupt snappy data: {error}") from error
    if length != declared:
        raise AvroError("corrupt snappy data", expected=f"{declared} bytes", got=length)
    if (found := deflate.crc32(content[:declared].data)) != checksum:
        raise AvroError("wrong checksum of snappy data", expected=f"{checksum:08x}", got=f"{found:08x}")
    return _read_only(content)


def _snappy_length(body: memoryview) -> int:
    """The length that snappy data begins with, a 32-bit varint."""
    length = 0
    for i, byte in enumerate(body[:5]):
        length |= (byte & 127) << (7 * i)
        if byte < 128:
            return length
    raise AvroError("corrupt snappy data: no length")


def _zstandard(data: Bytes) -> memoryview:
    # A compressor that is used again keeps its tables, and a new one costs nothing that can be measured.
    compressor = zstandard.ZstdCompressor(level=_ZSTANDARD_LEVEL, write_checksum=True, write_content_size=True)
    return memoryview(compressor.compress(data.data))


def _unzstandard(padded: memoryview) -> Bytes:
    data = padded[:-PADDING]
    try:
        declared = zstandard.frame_content_size(data)
        if declared < 0:
            return _padded(_zstandard_pieces(data))
        content = _room(declared, _ZSTANDARD_EXPANSION * len(data), "zstandard")
        length = cramjam.zstd.decompress_into(data, content[:declared].data)
    except (zstandard.ZstdError, cramjam.DecompressionError) as error:
        raise AvroError(f"corrupt zstandard data: {error}") from error
    if length != declared:
        raise AvroError("corrupt zstandard data", expected=f"{declared} bytes", got=length)
    return _read_only(content)


def _zstandard_pieces(data: memoryview) -> Iterator[bytes]:
    """The content of a frame that does not say its size, as Java's writer makes them, piece by piece."""
    inflater = zstandard.ZstdDecompressor().decompressobj()
    at = 0
    while not inflater.eof:
        if at >= len(data):
            raise AvroError("corrupt zstandard data: it ends too early")
        yield inflater.decompress(data[at : at + _ZSTANDARD_STEP])
        at += _ZSTANDARD_STEP
    if extra := len(inflater.unused_data) + max(0, len(data) - at):
        raise AvroError("corrupt zstandard data: bytes after its end", got=f"{extra} more")


def _room(declared: int, most: int, name: str) -> Bytes:
    """Room for the content that a block declares, of which ``most`` bytes can come; and PADDING."""
    if declared > MAX_BLOCK_BYTES:
        raise too_large(f"{declared} bytes")
    if declared > most:
        raise AvroError(f"corrupt {name} data: it is too short for what it says it holds", got=f"{declared} bytes")
    return np.empty(declared + PADDING, np.uint8)


def _padded(pieces: Iterator[bytes] | list[bytes]) -> Bytes:
    """The pieces, one behind the other, and PADDING."""
    kept, size = [], 0
    for piece in pieces:
        kept.append(piece)
        size += len(piece)
        if size > MAX_BLOCK_BYTES:
            raise too_large(f"more than {MAX_BLOCK_BYTES} bytes")
    return np.frombuffer(b"".join([*kept, bytes(PADDING)]), np.uint8)


def _read_only(content: Bytes) -> Bytes:
    content.setflags(write=False)
    return content


def too_large(got: str) -> AvroError:
    """The error for a block beyond MAX_BLOCK_BYTES."""
    return AvroError("block too large", expected=f"at most {MAX_BLOCK_BYTES} bytes", got=got)


CODECS: Mapping[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("null", _stored, _unstored),
        Codec("deflate", _deflate, _inflate),
        Codec("snappy", _snappy, _unsnappy),
        Codec("zstandard", _zstandard, _unzstandard),
    )
}
"""The codecs by their names in Avro's specification."""


def codec_named(name: str) -> Codec:
    """The codec of that name; AvroError if there is none."""
    codec = CODECS.get(name)
    if codec is None:
        raise AvroError("unknown codec", expected=f"one of {', '.join(sorted(CODECS))}", got=repr(name))
    return codec

"""What is written to a file, counted and fingerprinted on the way."""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa
import xxhash


class Digest:
    """A file for writing that passes everything on.

    >>> import io
    >>> file = Digest(io.BytesIO())
    >>> file.write(b"abc"), file.bytes, file.fingerprint
    (3, 3, 'xxh3:06b05ab6733a618578af5f94892f3950')
    """

    closed = False
    """Arrow asks for it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._content = xxhash.xxh3_128()
        self.bytes = 0

    def write(self, data: bytes | memoryview | pa.Buffer) -> int:
        """Writes to the file behind it; how many bytes."""
        view = memoryview(data)
        self._content.update(view)
        self._file.write(view)
        self.bytes += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        """Leaves it to the file behind it."""

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits of all that was written."""
        return f"xxh3:{self._content.hexdigest()}"

"""A file read from front to back, by pieces whose lengths only the file knows."""

from __future__ import annotations

from typing import BinaryIO

from beam_pipelines.avro.errors import AvroError

READ_BYTES = 1 << 18
"""The least to ask a file for: a remote one answers each request slowly."""
MAX_READ_BYTES = 1 << 24
"""The most to ask for at once: files allocate what they are asked for, whether they have it or not."""
MAX_HEADER_BYTES = 1 << 24
"""Of a header's names and values together."""


class Source:
    """Bytes of a file with a position; AvroError where they end too early."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffer = memoryview(b"")
        self._at = 0
        self.position = 0
        """Bytes taken so far."""

    def exhausted(self) -> bool:
        """Whether the file has ended."""
        return not self._fill(1)

    def take(self, count: int, what: str) -> memoryview:
        """The next ``count`` bytes, which are a ``what``."""
        if not self._fill(count):
            got = len(self._buffer) - self._at
            raise AvroError(
                f"the file ends within a {what}", offset=self.position, expected=f"{count} bytes", got=f"{got} left"
            )
        taken = self._buffer[self._at : self._at + count]
        self._at += count
        self.position += count
        return taken

    def long(self, what: str) -> int:
        """The next number."""
        start, zigzag = self.position, 0
        for shift in range(0, 70, 7):
            byte = self.take(1, what)[0]
            zigzag |= (byte & 127) << shift
            if byte < 128 and zigzag < 1 << 64:
                return (zigzag >> 1) ^ -(zigzag & 1)
        raise AvroError(f"a {what} of more than 64 bits", offset=start)

    def byte_map(self, what: str) -> dict[str, bytes]:
        """The next map of bytes."""
        entries: dict[str, bytes] = {}
        start = self.position
        while count := self.long(what):
            if count < 0:
                count = -count
                self.long(what)  # the block's length in bytes, for those who skip it
            for _ in range(count):
                at = self.position
                name = self._short(what, start)
                try:
                    key = name.decode()
                except UnicodeDecodeError as error:
                    raise AvroError(f"a name in the {what} is not UTF-8", offset=at, got=repr(name[:40])) from error
                entries[key] = self._short(what, start)
        return entries

    def _short(self, what: str, start: int) -> bytes:
        at = self.position
        length = self.long(what)
        if length < 0 or self.position - start + length > MAX_HEADER_BYTES:
            raise AvroError(
                f"bad length in the {what}", offset=at, expected=f"at most {MAX_HEADER_BYTES} bytes in all", got=length
            )
        return bytes(self.take(length, what))

    def _fill(self, count: int) -> bool:
        """Sees to ``count`` bytes in the buffer, and says whether the file has them."""
        have = len(self._buffer) - self._at
        if have >= count:
            return True
        parts = [bytes(self._buffer[self._at :])]
        while have < count:
            part = self._file.read(min(max(count - have, READ_BYTES), MAX_READ_BYTES))
            if not part:
                break
            parts.append(part)
            have += len(part)
        self._buffer, self._at = memoryview(b"".join(parts)), 0
        return have >= count

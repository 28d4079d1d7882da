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
MAX_HEADER_NAMES = 1 << 16
"""In a header: empty ones take next to no bytes."""


class Source:
    """Bytes of a file with a position; AvroError where they end too early.

    Positions count from the file's position when the source was made. The bytes since the last :meth:`keep` stay in
    memory, so that one can go back to them in files that cannot seek.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._begin = file.tell() if file.seekable() else None
        self._buffer = b""
        self._buffer_position = 0
        """Of the buffer's first byte."""
        self._at = 0
        self._kept = 0
        """The byte in the buffer before which nothing is needed any more."""

    @property
    def position(self) -> int:
        """Bytes from the beginning to the next one."""
        return self._buffer_position + self._at

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
        taken = memoryview(self._buffer)[self._at : self._at + count]
        self._at += count
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
        start, names = self.position, 0
        while count := self.long(what):
            if count < 0:
                count = -count
                self.long(what)  # the block's length in bytes, for those who skip it
            names += count
            if names > MAX_HEADER_NAMES:
                raise AvroError(f"too many names in the {what}", expected=f"at most {MAX_HEADER_NAMES}", got=names)
            for _ in range(count):
                name = self._name(what, start)
                entries[name] = self._short(what, start)
        return entries

    def keep(self) -> None:
        """Keeps the bytes from here on in memory, and no others."""
        self._kept = self._at

    def go_back(self) -> None:
        """Back to where :meth:`keep` was called last."""
        self._at = self._kept

    def skip_to(self, position: int) -> None:
        """On to a position, which may be behind the end.

        Raises:
            ValueError: It is not among the bytes in memory and the file cannot seek.
        """
        at = position - self._buffer_position
        if not 0 <= at <= len(self._buffer):
            if self._begin is None:
                raise ValueError(f"byte {position} of a file that cannot seek")
            self._file.seek(self._begin + position)
            self._buffer, self._buffer_position, at = b"", position, 0
        self._at = self._kept = at

    def skip_past(self, marker: bytes) -> bool:
        """On to the byte behind the marker's next occurrence, or to the file's end: whether it occurs.

        No more than MAX_READ_BYTES are in memory for it, beyond what already is.
        """
        overlap = len(marker) - 1
        while (found := self._buffer.find(marker, self._at)) < 0:
            # The marker may have begun in the last bytes.
            self._at = self._kept = max(self._at, len(self._buffer) - overlap)
            if not self._fill(overlap + 1):
                self._at = len(self._buffer)
                return False
        self._at = found + len(marker)
        return True

    def _name(self, what: str, start: int) -> str:
        at = self.position
        name = self._short(what, start)
        try:
            return name.decode()
        except UnicodeDecodeError as error:
            raise AvroError(f"a name in the {what} is not UTF-8", offset=at, got=repr(name[:40])) from error

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
        kept = self._buffer[self._kept :]
        # What is kept is copied each time, so the more that is, the more is read: else many short steps behind a long
        # block that is broken would take for ever.
        least = max(READ_BYTES, len(kept) // 4)
        parts = [kept] if kept else []
        while have < count:
            part = self._file.read(min(max(count - have, least), MAX_READ_BYTES))
            if not part:
                break
            parts.append(part)
            have += len(part)
        self._buffer_position += self._kept
        self._buffer, self._at, self._kept = b"".join(parts), self._at - self._kept, 0
        return have >= count

"""What a process was at when it died: a few numbers and its last input, in memory that a file keeps."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct("<qii")
_ROOM = 1 << 24


class LastInput(NamedTuple):
    """What a case was given."""

    case: int
    what: str
    data: bytes


class BlackBox:
    """Written by the child before each case, read by the parent when the child is dead."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        if new:
            path.write_bytes(b"")
            with path.open("r+b") as file:
                file.truncate(_ROOM)
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _ROOM)
        self._case = -1

    def begin(self, case: int) -> None:
        """This case is next; it has no input yet."""
        self._case = case
        _HEAD.pack_into(self._memory, 0, case, 0, 0)

    def note(self, what: str, data: bytes) -> None:
        """The case has this input."""
        description = what.encode(errors="backslashreplace")[: _ROOM // 4]
        data = data[: _ROOM // 2]
        at = _HEAD.size + len(description)
        self._memory[_HEAD.size : at] = description
        self._memory[at : at + len(data)] = data
        _HEAD.pack_into(self._memory, 0, self._case, len(description), len(data))

    def read(self) -> LastInput:
        """The case that was begun last and its input."""
        case, described, size = _HEAD.unpack_from(self._memory)
        at = _HEAD.size + described
        return LastInput(case, self._memory[_HEAD.size : at].decode(), self._memory[at : at + size])

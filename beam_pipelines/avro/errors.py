"""The one exception of this package."""

from __future__ import annotations

MAX_PART = 300
"""Letters of a field's path, of what was expected and of what came that are shown."""


class AvroError(ValueError):
    """Avro data, or an Arrow batch to be written as Avro, is not what it should be.

    ``str()`` is one line: where, then what was expected, then what was found.

    >>> error = AvroError("not a boolean", field="order.gift", offset=17, expected="0 or 1", got=7)
    >>> print(error)
    at byte 17, field order.gift: not a boolean: expected 0 or 1, got 7
    >>> error.file, error.block = "orders.avro", 4096
    >>> print(error)
    orders.avro: block at byte 4096, at byte 17, field order.gift: not a boolean: expected 0 or 1, got 7
    """

    def __init__(
        self,
        problem: str,
        *,
        offset: int | None = None,
        field: str | None = None,
        expected: object = None,
        got: object = None,
        block: int | None = None,
        block_length: int | None = None,
        file: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset
        """Byte position: in the uncompressed block if the error is in a block's rows, in the file otherwise."""
        self.field = field
        """Path of the field, such as ``items.price``."""
        self.expected = expected
        self.got = got
        self.block = block
        """Byte position in the file of the block that is wrong."""
        self.block_length = block_length
        """Bytes of that block in the file, if that can be told."""
        self.file = file
        """Name of the file, if it is known."""

    def forget_frames(self) -> None:
        """Lets go of the frames in which this error and its causes were raised, and of all that is alive in them.

        Who keeps an error would else keep a block's content and buffers, a thousand times what the error says.
        """
        error: BaseException | None = self
        while error is not None:
            error.__traceback__ = None
            error = error.__cause__ or error.__context__

    def __str__(self) -> str:
        length = f" ({self.block_length} bytes)" if self.block_length is not None else ""
        where = [
            f"block at byte {self.block}{length}" if self.block is not None else "",
            f"at byte {self.offset}" if self.offset is not None else "",
            f"field {_shown(self.field)}" if self.field is not None else "",
        ]
        what = [
            f"expected {_shown(self.expected)}" if self.expected is not None else "",
            f"got {_shown(self.got)}" if self.got is not None else "",
        ]
        parts = [self.file, ", ".join(filter(None, where)), self.problem, ", ".join(filter(None, what))]
        return ": ".join(filter(None, parts))


def _shown(part: object) -> str:
    """A part of a message as one line that is not longer than one reads: names and values come from files."""
    text = str(part)
    text = text if len(text) <= MAX_PART else f"{text[: MAX_PART - 3]}..."
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)

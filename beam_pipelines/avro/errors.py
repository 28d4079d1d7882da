"""The one exception of this package."""

from __future__ import annotations


class AvroError(ValueError):
    """Avro data, or an Arrow batch to be written as Avro, is not what it should be.

    ``str()`` is one line: where, then what was expected, then what was found.

    >>> print(AvroError("not a boolean", field="order.gift", offset=17, expected="0 or 1", got=7))
    at byte 17, field order.gift: not a boolean: expected 0 or 1, got 7
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
        """Byte position in the file of the block whose content is wrong."""

    def __str__(self) -> str:
        where = [
            f"block at byte {self.block}" if self.block is not None else "",
            f"at byte {self.offset}" if self.offset is not None else "",
            f"field {self.field}" if self.field is not None else "",
        ]
        what = [
            f"expected {self.expected}" if self.expected is not None else "",
            f"got {self.got}" if self.got is not None else "",
        ]
        parts = [", ".join(filter(None, where)), self.problem, ", ".join(filter(None, what))]
        return ": ".join(filter(None, parts))

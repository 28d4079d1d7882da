"""Avro rows to Arrow record batches."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.avro import decoding_kernel as kernel
from beam_pipelines.avro.arrow_types import rows_of
from beam_pipelines.avro.columns import MAX_BYTES, Columns
from beam_pipelines.avro.decoding_program import ROWS, DecodingProgram
from beam_pipelines.avro.defaults import default_bytes
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.resolution import resolve_rows
from beam_pipelines.avro.schema import AvroType, Field, Kind
from beam_pipelines.avro.words import SLACK

MAX_DECODED_BYTES = 1 << 32
"""The most memory that the rows of a block may take: columns of a null each cost Avro a byte and Arrow many."""
EASY_BYTES, BYTES_PER_BYTE = 1 << 20, 1 << 10
"""What any block may take, and what each of its bytes adds at least: a file may have a block every 20 bytes, and nulls
of a fixed of 1 GiB are a byte each."""


class Decoder:
    r"""Decodes blocks of one schema, and remembers how many items a row has.

    >>> from beam_pipelines.avro.schema import parse_schema
    >>> fields = [{"name": "id", "type": "long"}, {"name": "city", "type": ["null", "string"]}]
    >>> decoder = Decoder(parse_schema({"type": "record", "name": "place", "fields": fields}))
    >>> decoder.decode(b"\x02\x02\x08Rome\x03\x00", 2).to_pylist()
    [{'id': 1, 'city': 'Rome'}, {'id': -2, 'city': None}]
    """

    def __init__(
        self,
        writer: AvroType,
        reader: AvroType | None = None,
        *,
        dictionaries: bool = False,
        select: Collection[str] | None = None,
    ) -> None:
        """Prepares for data written with one schema to be read with another.

        Args:
            writer: The schema of the data.
            reader: The schema of the batches; the data's if None.
            dictionaries: Strings become dictionary-encoded (int32 codes, values in order of first appearance).
            select: Names of the reader's fields to return; the others are passed over. All if None.

        Raises:
            AvroError: The schemas do not fit or are no records, or ``select`` names a field that is not there.
        """
        reader = reader or writer
        names = [field.name for field in rows_of(reader).fields]
        for name in sorted(set(select or ()) - set(names)):
            raise AvroError("selected column is not in the schema", field=name, expected=f"one of {', '.join(names)}")
        self._program = DecodingProgram(resolve_rows(writer, reader, select), dictionaries=dictionaries)
        for node, field in self._program.defaults:
            node.default = _default(field, node.path, dictionaries=dictionaries)
        defaults = sum(node.default.nbytes for node, _ in self._program.defaults if node.default is not None)
        self._bytes_per_byte = max(BYTES_PER_BYTE, self._program.row_width + defaults)
        self._items_per_row = [1.0] * len(self._program.is_kept)
        self.schema: pa.Schema = self._program.schema
        """Of the batches."""

    def decode(self, data: Any, rows: int) -> pa.RecordBatch:
        """The rows that a buffer holds: :meth:`decode_padded` for one that ends where its data do."""
        content = np.frombuffer(data, np.uint8)
        padded = np.empty(content.size + SLACK, np.uint8)
        padded[: content.size] = content
        padded[content.size :] = 0
        return self.decode_padded(padded, rows)

    def decode_padded(self, padded: NDArray[np.uint8], rows: int) -> pa.RecordBatch:
        """The rows that a buffer holds.

        Args:
            padded: The rows, uncompressed, below 2 GiB, and SLACK bytes of no meaning behind them.
            rows: How many there are.

        Returns:
            A batch of ``rows`` rows with the fields of :attr:`schema`.

        Raises:
            AvroError: The data are not ``rows`` rows. Has the byte offset and the field.
        """
        size = padded.size - SLACK
        if size > MAX_BYTES:
            raise AvroError("block too large", expected=f"at most {MAX_BYTES} bytes", got=size)
        least = self._program.row_bytes
        if not least and not 0 <= rows <= self._program.most_empty_rows:
            raise AvroError("too many rows of no bytes", expected=f"at most {self._program.most_empty_rows}", got=rows)
        if least and not 0 <= rows <= size // least:
            raise AvroError(f"{rows} rows of {least} bytes or more are not in {size} bytes", offset=0)
        memory = min(MAX_DECODED_BYTES, EASY_BYTES + self._bytes_per_byte * size)
        counts, slots = self._read(padded, size, rows, memory)
        columns = Columns(padded, slots, counts, rows, memory)
        arrays = [columns.array(node) for node in self._program.columns]
        if not arrays:  # only a struct keeps its length without columns
            return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), rows, [None]))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _read(self, padded: NDArray[np.uint8], size: int, rows: int, memory: int) -> tuple[list[int], list[pa.Buffer]]:
        """How many items each array has, and the slots filled, which may take so much memory."""
        program = self._program
        if not rows:
            if size:
                raise AvroError("trailing bytes after the last row", offset=0, expected="the end", got=f"{size} more")
            nothing = [0] * len(program.is_kept)
            return nothing, self._slots(nothing, 0, memory)
        room = self._first_room(size, rows, memory)
        while True:
            slots = self._slots(room, rows, memory)
            state = np.zeros((len(room), kernel.ARRAY_STATE), np.int64)
            state[:, kernel.CAPACITY // 8] = np.where(program.is_kept, room, 1 << 62)
            code = program.code_for([slot.address for slot in slots])
            problem, offset, at, found = kernel.read_rows(
                padded.ctypes.data, size, rows, code.ctypes.data, state.ctypes.data
            )
            counts: list[int] = state[:, kernel.ITEMS // 8].tolist()
            if problem == kernel.FINE:
                self._items_per_row = [count / rows for count in counts]
                return counts, slots
            if problem != kernel.MORE_ROOM:
                raise self._error(problem, offset, at, found)
            room = [2 * most if count >= most else most for most, count in zip(room, counts, strict=True)]

    def _first_room(self, size: int, rows: int, memory: int) -> list[int]:
        """For how many items of each array to have room at first: as many a row as in the block before."""
        room = [min(int(rows * ratio * 1.1), size) + 16 for ratio in self._items_per_row]
        return room if sum(self._slot_sizes(room, rows)) <= memory else [1] * len(room)

    def _slot_sizes(self, room: list[int], rows: int) -> list[int]:
        """The bytes of each slot with ``room`` for so many items of each array."""
        return [
            slot.width * ((rows if slot.array == ROWS else room[slot.array]) + slot.is_offsets)
            for slot in self._program.slots
        ]

    def _slots(self, room: list[int], rows: int, memory: int) -> list[pa.Buffer]:
        """New buffers for all slots."""
        sizes = self._slot_sizes(room, rows)
        if sum(sizes) > memory:
            raise AvroError("the rows take too much memory", expected=f"at most {memory} bytes", got=sum(sizes))
        slots = [pa.allocate_buffer(size) for size in sizes]
        for slot, buffer in zip(self._program.slots, slots, strict=True):
            if slot.is_offsets:
                np.frombuffer(buffer, np.int32, 1)[0] = 0
        return slots

    def _error(self, problem: int, offset: int, at: int, found: int) -> AvroError:
        text, expected = _PROBLEMS[problem]
        if problem == kernel.TRAILING:
            return AvroError(text, offset=offset, expected=expected, got=f"{found} bytes more")
        path, type_ = self._program.source(at)
        got: object = found
        if problem == kernel.UNKNOWN_SYMBOL:
            expected, got = f"a symbol of the reader's {type_}", type_.symbols[found]
        elif problem == kernel.UNREADABLE:
            got = type_.branches[found]
        elif problem in (kernel.TRUNCATED, kernel.LONG_VARINT, kernel.FINE):
            got = None
        elif problem == kernel.BAD_DECIMAL:
            expected = f"1 byte or more, at most {type_.precision} digits"
            got = f"{found} bytes"
        return AvroError(text, offset=offset, field=path or None, expected=expected, got=got)


def _default(field: Field, path: str, *, dictionaries: bool) -> pa.Array:
    """The array of a field's default alone."""
    encoded = default_bytes(field.type, field.default or "", path)
    try:
        return Decoder(AvroType(Kind.RECORD, fields=(field,)), dictionaries=dictionaries).decode(encoded, 1).column(0)
    except AvroError as error:  # what only the reader of rows knows, such as a decimal's digits
        raise AvroError("bad default", field=path, expected=field.type, got=field.default) from error


@lru_cache(256)
def decoder_for(
    writer: AvroType, reader: AvroType | None, dictionaries: bool, select: frozenset[str] | None
) -> Decoder:
    """The decoder of those schemas and options, prepared once."""
    return Decoder(writer, reader, dictionaries=dictionaries, select=select)


def decode(
    data: Any,
    rows: int,
    writer: AvroType,
    reader: AvroType | None = None,
    *,
    dictionaries: bool = False,
    select: Collection[str] | None = None,
) -> pa.RecordBatch:
    """The rows that a buffer holds, see :class:`Decoder`."""
    return decoder_for(writer, reader, dictionaries, None if select is None else frozenset(select)).decode(data, rows)


_PROBLEMS: dict[int, tuple[str, str | None]] = {
    kernel.TRUNCATED: ("the data ends within a value", None),
    kernel.LONG_VARINT: ("a number of more than 64 bits", None),
    kernel.BAD_INT: ("not an int", "32 bits"),
    kernel.BAD_LENGTH: ("a length beyond the end", "0 to the bytes that are left"),
    kernel.BAD_BOOLEAN: ("not a boolean", "0 or 1"),
    kernel.BAD_BRANCH: ("not a branch of the union", "the number of a branch"),
    kernel.BAD_COUNT: ("more array items than the bytes that are left can hold", None),
    kernel.BAD_SIZE: ("an array block ends elsewhere than it says", "its end here"),
    kernel.BAD_SYMBOL: ("not a symbol of the enum", "the number of a symbol"),
    kernel.UNKNOWN_SYMBOL: ("a symbol that the reader's enum does not have", None),
    kernel.BAD_DECIMAL: ("decimal out of range", None),
    kernel.UNREADABLE: ("a branch of the union that the reader has no room for", None),
    kernel.TRAILING: ("trailing bytes after the last row", "the end"),
}

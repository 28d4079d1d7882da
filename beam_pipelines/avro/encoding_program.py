"""The program that writes a batch: its schema's operations with the addresses of the batch's buffers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.avro import encoding_kernel as ops
from beam_pipelines.avro.arrow_types import value_type
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.schema import AvroType, Kind, Logical, nested_path

_KEY = AvroType(Kind.STRING)
"""Of a map."""
_OPERATIONS = {
    Kind.LONG: (ops.LONG, 8),
    Kind.INT: (ops.INT, 4),
    Kind.DOUBLE: (ops.DOUBLE, 8),
    Kind.FLOAT: (ops.FLOAT, 4),
}
"""Operation and bytes of each value."""


class EncodingProgram:
    """Writes the rows of ``batch``, which has passed the check of its types against ``record``."""

    def __init__(self, record: AvroType, batch: pa.RecordBatch) -> None:
        """Raises AvroError, naming the field, if a required value is null."""
        self._operations: list[int] = []
        self._sources: list[tuple[int, str, pa.Array]] = []
        self._kept: list[Any] = []
        """What the addresses point into."""
        self._level = 0
        self.depth = 0
        """How deep arrays are nested."""
        for field in record.fields:
            self._value(field.type, batch.column(field.name), field.name, None)
        self.writes = bool(self._operations)
        """Whether rows take any bytes."""
        self._add(ops.END)
        self.code: NDArray[np.int64] = np.array(self._operations, np.int64)
        self.code.setflags(write=False)

    def source(self, at: int) -> tuple[str, pa.Array]:
        """The field that an operation writes, and its array."""
        return next((path, array) for operation, path, array in self._sources if operation == at)

    def _add(self, code: int, *operands: int) -> int:
        at = len(self._operations)
        self._operations += (code, *operands, *(0,) * (ops.OPERANDS - 1 - len(operands)))
        return at

    def _address(self, buffer: Any, offset: int = 0) -> int:
        """The address of a buffer's byte, 0 if there is no buffer."""
        if buffer is None:
            return 0
        self._kept.append(buffer)
        address: int = buffer.ctypes.data if isinstance(buffer, np.ndarray) else buffer.address
        return address + offset

    def _value(self, type_: AvroType, array: pa.Array, path: str, unseen: NDArray[np.bool_] | None) -> None:
        """Operations for one value of a type; of an array's items, of the item at the current index.

        Args:
            type_: The value's.
            array: All values, Arrow type and nullability of which need not say that they fit.
            path: The field's, for errors.
            unseen: bool[values], true where the value is within a null record or list: it is not written, so it may be
                anything. None if there is no such value.
        """
        array = _plain(array)
        value, nullable = value_type(type_, path)
        if array.null_count and not nullable:
            missing = array.null_count if unseen is None else int(np.count_nonzero(_is_null(array) & ~unseen))
            if missing:
                raise AvroError(
                    "null in a required field", field=path, expected="no null", got=f"{missing} of {len(array)}"
                )
        null = type_.null_branch
        other = 0 if null is None else 1 - null
        if null is not None and array.null_count == len(array):
            self._add(ops.BRANCH, 0, 2 * null)
        elif null is not None and array.null_count:
            bitmap, first = _bitmap(array)
            branch = self._add(ops.NULLABLE, self._address(bitmap), first, 0, 2 * null, 2 * other)
            self._present(value, array, path, unseen)
            self._operations[branch + 3] = len(self._operations)
        else:
            if type_.kind is Kind.UNION:
                self._add(ops.BRANCH, 0, 2 * other)
            self._present(value, array, path, unseen)

    def _present(self, type_: AvroType, array: pa.Array, path: str, unseen: NDArray[np.bool_] | None) -> None:
        """Operations for a value that is not null; where it is after all, they are jumped."""
        if type_.kind is Kind.RECORD:
            unseen = _with_nulls(unseen, array)
            for field in type_.fields:
                self._value(field.type, array.field(field.name), nested_path(path, field.name), unseen)
        elif type_.items is not None:
            self._list(type_, type_.items, array, path, unseen)
        elif type_.kind is Kind.ENUM:
            self._enum(type_, array, path)
        elif type_.logical is Logical.DECIMAL:
            code = ops.DECIMAL if type_.kind is Kind.BYTES else ops.FIXED_DECIMAL
            limit = 10**type_.precision - 1
            low, high = np.array([limit & (2**64 - 1), limit >> 64], np.uint64).view(np.int64).tolist()
            self._sources.append((len(self._operations), path, array))
            self._add(code, self._address(array.buffers()[1], 16 * array.offset), low, high, type_.size)
        elif type_.kind in (Kind.STRING, Kind.BYTES):
            self._string(array, path)
        elif type_.kind is Kind.BOOLEAN:
            self._add(ops.BOOLEAN, self._address(array.buffers()[1]), array.offset)
        elif type_.kind is Kind.FIXED:
            data = array.buffers()[1] if type_.size else None
            self._add(ops.FIXED, self._address(data, type_.size * array.offset), type_.size)
        elif type_.kind is not Kind.NULL:
            code, width = _OPERATIONS[type_.kind]
            self._add(code, self._address(array.buffers()[1], width * array.offset))

    def _list(
        self, type_: AvroType, item: AvroType, array: pa.Array, path: str, unseen: NDArray[np.bool_] | None
    ) -> None:
        """Operations for an array or a map with items of a type."""
        offsets, items = _offsets_and_items(array, path)
        unseen = _with_nulls(unseen, array)
        if unseen is not None:  # null lists are jumped, but Arrow lets them have items
            lengths = np.diff(offsets)
            unseen = np.repeat(unseen, lengths) if lengths[unseen].any() else None
        level, self._level = self._level, self._level + 1
        self.depth = max(self.depth, self._level)
        begin = self._add(ops.ARRAY, self._address(offsets), 0, level)
        if type_.kind is Kind.MAP:
            self._value(_KEY, items.field(0), path, unseen)
            items = items.field(1)
        self._value(item, items, path, unseen)
        self._add(ops.ITEM, 0, begin + ops.OPERANDS, level)
        self._operations[begin + 2] = len(self._operations)
        self._level = level

    def _string(self, array: pa.Array, path: str) -> None:
        """A dictionary stays one: only codes are looked at, so its size does not matter to a short batch."""
        at = len(self._operations)
        self._sources.append((at, path, array))
        if pa.types.is_dictionary(array.type):
            codes, values = _codes(array), _plain(array.dictionary)
            self._add(ops.CODED_STRING, self._address(codes), *self._texts(values, path), len(values))
        else:
            self._add(ops.STRING, 0, *self._texts(array, path))

    def _texts(self, array: pa.Array, path: str) -> tuple[int, int, int]:
        """Addresses of the offsets and of the bytes of strings, and the number of bytes."""
        if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type):
            try:
                array = array.cast(pa.binary())
            except pa.ArrowInvalid as error:
                raise AvroError("more than 2 GiB of strings in a batch", field=path) from error
        if not len(array):  # Arrow leaves out even the first offset
            return self._address(np.zeros(1, np.int32)), 0, 0
        _, offsets, data = array.buffers()
        return self._address(offsets, 4 * array.offset), self._address(data), data.size if data else 0

    def _enum(self, type_: AvroType, array: pa.Array, path: str) -> None:
        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        self._sources.append((len(self._operations), path, array))
        numbers = {symbol: number for number, symbol in enumerate(type_.symbols)}
        symbols = np.array([numbers.get(value, -1) for value in array.dictionary.to_pylist()], np.int32)
        self._add(ops.ENUM, self._address(_codes(array)), self._address(symbols), symbols.size)


def _plain(array: pa.Array) -> pa.Array:
    """The array without views; a dictionary's null is a null of the rows that have its code."""
    if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
        return array.cast(pa.string() if pa.types.is_string_view(array.type) else pa.binary())
    if pa.types.is_dictionary(array.type) and array.dictionary.null_count:
        # Codes beyond the dictionary are not hidden by this: they stay, and are refused when written.
        codes = _codes(array)
        known = (codes >= 0) & (codes < len(array.dictionary))
        null = _is_null(array) | (known & _is_null(array.dictionary)[np.where(known, codes, 0)])
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=null), array.dictionary, safe=False)
    return array


def _codes(array: pa.DictionaryArray) -> NDArray[np.int32]:
    """Codes of a dictionary-encoded array as int32; -1 for those that do not fit."""
    indices = array.indices
    width = indices.type.bit_width // 8
    kind = "u" if pa.types.is_unsigned_integer(indices.type) else "i"
    buffer = indices.buffers()[1]
    if buffer is None or not len(indices):
        return np.empty(0, np.int32)
    given = np.frombuffer(buffer, f"{kind}{width}", len(indices), indices.offset * width)
    if width > 4 or (width == 4 and kind == "u"):
        given = np.where((given >= 0) & (given < len(array.dictionary)), given, -1)
    return np.ascontiguousarray(given, np.int32)


def _bitmap(array: pa.Array) -> tuple[pa.Buffer, int]:
    """The bitmap of an array with nulls, set where there is a value, and the bit that is the first value's."""
    indices = array.indices if pa.types.is_dictionary(array.type) else array
    bitmap = indices.buffers()[0]
    assert bitmap is not None
    return bitmap, indices.offset


def _is_null(array: pa.Array) -> NDArray[np.bool_]:
    """Which values are null; of a dictionary-encoded array, which have no code."""
    indices = array.indices if pa.types.is_dictionary(array.type) else array
    null: NDArray[np.bool_] = indices.is_null().to_numpy(zero_copy_only=False)
    return null


def _with_nulls(unseen: NDArray[np.bool_] | None, array: pa.Array) -> NDArray[np.bool_] | None:
    """Which values are unseen or null; None if none is."""
    if not array.null_count:
        return unseen
    return _is_null(array) if unseen is None else unseen | _is_null(array)


def _offsets_and_items(array: pa.Array, path: str) -> tuple[NDArray[np.int32], pa.Array]:
    """The n + 1 offsets of n lists, the first of them 0, and the lists' items; a map's are records."""
    if not len(array):  # Arrow leaves out even the first offset
        return np.zeros(1, np.int32), array.values.slice(0, 0)
    width = 8 if pa.types.is_large_list(array.type) else 4
    offsets = np.frombuffer(array.buffers()[1], f"i{width}", len(array) + 1, width * array.offset)
    first, last = int(offsets[0]), int(offsets[-1])
    if last - first >= 1 << 31:
        raise AvroError("more than 2 ** 31 items in a batch", field=path, got=last - first)
    return (offsets - first if first else offsets).astype(np.int32, copy=False), array.values.slice(first, last - first)

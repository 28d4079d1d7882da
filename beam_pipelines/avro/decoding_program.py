"""The program that reads rows: what :mod:`resolution` says, as operations, and where their results go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.avro import decoding_kernel as ops
from beam_pipelines.avro.arrow_types import arrow_field, value_type
from beam_pipelines.avro.resolution import Resolution
from beam_pipelines.avro.schema import AvroType, Field, Kind, Logical, nested_path

ROWS = -1
"""In place of an array's number: a value for each row."""

WIDE = 64
"""More bytes than this, which only a fixed has, are not expected of a value that is null."""


class Slot(NamedTuple):
    """A buffer that operations fill."""

    width: int
    """Bytes of each value."""
    array: int
    """It has a value for each item of the array of this number."""
    is_offsets: bool = False
    """Whether it has one value more, the first of which is 0."""


@dataclass(slots=True)
class Node:
    """A column, or what is in one: its slots and the Arrow type it becomes."""

    type: AvroType
    """Never a union."""
    field: pa.Field[pa.DataType]
    path: str
    array: int
    """It has a value for each item of the array of this number."""
    valid: int = -1
    """Slot of bytes, 0 where the value is null; none if there is no null."""
    values: int = -1
    """Slot of the values, or of a list's offsets."""
    items: int = -1
    """The number of this array, if it is one."""
    children: list[Node] = field(default_factory=list)
    """A record's fields, an array's items or a map's values."""
    default: pa.Array | None = None
    """The one value that all have, if the data have none."""


class DecodingProgram:
    """Reads rows of a record as another's, see :class:`Resolution`."""

    def __init__(self, how: Resolution, *, dictionaries: bool) -> None:
        """``dictionaries`` says whether strings are to be dictionary-encoded."""
        self._operations: list[int] = []
        self._slot_at: list[tuple[int, int]] = []
        """Operands that are to become addresses, and of which slots."""
        self._unions: list[tuple[int, list[int]]] = []
        """Operations whose branch tables are still to be put behind the program."""
        self._absent: list[tuple[int, Node, int]] = []
        """NULLABLE operations, what is null, and where to go on after that."""
        self._label = 0
        """The last operation that another jumps to: what is before it must not grow."""
        self._kept: list[NDArray[Any]] = []
        self._paths: dict[int, tuple[str, AvroType]] = {}
        self._dictionaries = dictionaries
        self.slots: list[Slot] = []
        self.is_kept: list[bool] = []
        """Of each array, whether its items are kept."""
        self.defaults: list[tuple[Node, Field]] = []
        """Columns that the data do not have, whose default is still to be set."""
        record = self._node(pa.field("", pa.null()), how.reader, "", ROWS)
        self.columns: list[Node] = record.children
        self.schema = pa.schema([node.field for node in self.columns])
        self.row_bytes = least_bytes(how.writer)
        """The fewest bytes of a row."""
        self._record(how, record)
        self.most_empty_rows = ops.MAX_EMPTY // max(len(self._operations) // ops.OPERANDS, 1)
        """The most rows, if they have no bytes."""
        self.row_width = sum(min(slot.width, WIDE) for slot in self.slots)
        """Bytes that Arrow needs for a row, of which Avro may have made one: a record that is null has but that."""
        self._add(ops.END)
        self._finish()
        self.code: NDArray[np.int64] = np.array(self._operations, np.int64)
        positions, slots = np.array(self._slot_at, np.int64).reshape(-1, 2).T
        self._positions, self._slots = np.ascontiguousarray(positions), np.ascontiguousarray(slots)

    def code_for(self, addresses: list[int]) -> NDArray[np.int64]:
        """The program with the addresses of its slots."""
        code = self.code.copy()
        if addresses:
            code[self._positions] = np.array(addresses, np.int64)[self._slots]
        code.setflags(write=False)
        return code

    def source(self, at: int) -> tuple[str, AvroType]:
        """The field that an operation reads, and the writer's type of it."""
        return self._paths[max((known for known in self._paths if known <= at), default=at)]

    def _node(self, field_: pa.Field[pa.DataType], type_: AvroType, path: str, array: int) -> Node:
        node = Node(type_, field_, path, array)
        if type_.kind is Kind.RECORD:
            for one in type_.fields:
                where = nested_path(path, one.name)
                inner = arrow_field(one.name, one.type, where, dictionaries=self._dictionaries)
                node.children.append(self._node(inner, value_type(one.type, where)[0], where, array))
        elif type_.items is not None:
            node.items = self._array(kept=True)
            if type_.kind is Kind.MAP:
                key = pa.field("key", pa.string(), nullable=False)
                node.children.append(Node(AvroType(Kind.STRING), key, path, node.items))
            name = "value" if type_.kind is Kind.MAP else "item"
            inner = arrow_field(name, type_.items, path, dictionaries=self._dictionaries)
            node.children.append(self._node(inner, value_type(type_.items, path)[0], path, node.items))
        return node

    def _array(self, *, kept: bool) -> int:
        self.is_kept.append(kept)
        return len(self.is_kept) - 1

    def _add(self, code: int, *operands: int) -> int:
        at = len(self._operations)
        self._operations += (code, *operands, *(0,) * (ops.OPERANDS - 1 - len(operands)))
        return at

    def _add_for(self, code: int, slot: int, *operands: int) -> int:
        """Adds an operation that fills a slot."""
        at = self._add(code, 0, *operands)
        self._slot_at.append((at + 1, slot))
        return at

    def _here(self) -> int:
        """Where the next operation will be, for others to jump to."""
        self._label = len(self._operations)
        return self._label

    def _slot(self, node: Node, width: int, *, is_offsets: bool = False) -> int:
        self.slots.append(Slot(width, node.array, is_offsets))
        return len(self.slots) - 1

    def _read(self, how: Resolution, node: Node) -> None:
        """Operations that read one value of ``how.writer`` into a node."""
        if how.writer.kind is Kind.UNION:
            self._union(how, node)
        elif how.reader.kind is Kind.NULL:
            self._null(node)
        elif how.reader.kind is Kind.RECORD:
            self._record(how, node)
        elif how.items is not None:
            self._list(how, how.items, node)
        else:
            self._paths[len(self._operations)] = (node.path, how.writer)
            self._scalar(how, node)

    def _record(self, how: Resolution, node: Node) -> None:
        children = {child.field.name: child for child in node.children}
        for field_, found in zip(how.writer.fields, how.fields, strict=True):
            child = children.pop(found[0], None) if found else None
            if child is not None and found is not None:
                self._read(found[1], child)
            else:
                self._skip(field_.type, nested_path(node.path, field_.name))
        self.defaults += ((children[field_.name], field_) for field_ in how.reader.fields if field_.name in children)

    def _list(self, how: Resolution, items: Resolution, node: Node) -> None:
        if node.values < 0:
            node.values = self._slot(node, 4, is_offsets=True)
        least = least_bytes(items.writer) + (how.writer.kind is Kind.MAP)
        self._paths[len(self._operations)] = (node.path, how.writer)
        begin = self._add(ops.ARRAY, 0, 0, node.items)
        first = self._here()
        if how.writer.kind is Kind.MAP:
            self._read(Resolution(_STRING, _STRING), node.children[0])
        self._read(items, node.children[-1])
        self._operations[begin + 2] = self._here()
        self._paths[self._label] = (node.path, how.writer)
        self._add_for(ops.ITEM, node.values, first, node.items, least)

    def _union(self, how: Resolution, node: Node) -> None:
        self._paths[len(self._operations)] = (node.path, how.writer)
        null = how.writer.null_branch
        readable_null = null is not None and isinstance(how.branches[null], Resolution)
        if readable_null and node.type.kind is not Kind.NULL and node.valid < 0:
            node.valid = self._slot(node, 1)
        other = how.branches[1 - null] if null is not None and len(how.branches) == 2 else None
        if node.valid >= 0 and null is not None and isinstance(other, Resolution):
            at = self._add_for(ops.NULLABLE, node.valid, 0, null)
            self._read(other, node)
            self._absent.append((at, node, self._here()))
            return
        at = self._add(ops.UNION, 0, 0, len(how.branches))
        targets, ends = [-1] * len(how.branches), []
        # The null branch comes last, when all slots are known that have to get something in place of a value.
        for number in sorted(range(len(targets)), key=lambda number: number == null):
            branch = how.branches[number]
            if isinstance(branch, Resolution):
                targets[number] = self._here()
                if node.valid >= 0 and number != null:
                    self._add_for(ops.SET, node.valid, 1)
                self._read(branch, node)
                ends.append(self._add(ops.JUMP))
        for end in ends:
            self._operations[end + 2] = self._here()
        self._unions.append((at, targets))

    def _null(self, node: Node) -> None:
        if node.type.kind is Kind.NULL:
            return
        if node.valid < 0:
            node.valid = self._slot(node, 1)
        self._add_for(ops.SET, node.valid, 0)
        self._zero(node)

    def _zero(self, node: Node) -> None:
        """Operations that put something of no meaning where a value would be."""
        if node.values >= 0 and node.items >= 0:
            self._add_for(ops.ZERO_LIST, node.values, node.items)
        elif node.values >= 0:
            self._add_for(ops.ZERO, node.values, self.slots[node.values].width)
        elif node.type.kind is Kind.RECORD:
            for child in node.children:
                if child.valid >= 0:
                    self._add_for(ops.SET, child.valid, 0)
                self._zero(child)

    def _scalar(self, how: Resolution, node: Node) -> None:
        writer, reader = how.writer, how.reader
        code, width, operands = _SCALARS.get((writer.kind, reader.kind), (ops.FIXED, reader.size, ()))
        if reader.logical is Logical.DECIMAL:
            code, width = (ops.DECIMAL if reader.kind is Kind.BYTES else ops.FIXED_DECIMAL), 16
            limit = 10**reader.precision - 1
            low, high = np.array([limit & (2**64 - 1), limit >> 64], np.uint64).view(np.int64).tolist()
            operands = (min(limit, 2**63 - 1), low, high, max(-limit, -(2**63)))
            if reader.kind is Kind.FIXED:
                operands = (reader.size, low, high)
        elif reader.kind is Kind.FIXED:
            operands = (reader.size,)
        elif reader.kind is Kind.ENUM:
            symbols = np.array(how.symbols, np.int32)
            self._kept.append(symbols)
            operands = (symbols.ctypes.data, symbols.size)
        if node.values < 0:
            node.values = self._slot(node, width)
        self._add_for(code, node.values, *operands)

    def _skip(self, writer: AvroType, path: str) -> None:
        """Operations that pass over a value."""
        if writer.kind is Kind.RECORD:
            for one in writer.fields:
                self._skip(one.type, nested_path(path, one.name))
            return
        self._paths[len(self._operations)] = (path, writer)
        if writer.kind is Kind.UNION:
            at = self._add(ops.UNION, 0, 0, len(writer.branches))
            targets, ends = [], []
            for branch in writer.branches:
                targets.append(self._here())
                self._skip(branch, path)
                ends.append(self._add(ops.JUMP))
            for end in ends:
                self._operations[end + 2] = self._here()
            self._unions.append((at, targets))
        elif writer.items is not None:
            number = self._array(kept=False)
            begin = self._add(ops.ARRAY, 0, 0, number)
            first = self._here()
            if writer.kind is Kind.MAP:
                self._add(ops.SKIP_BYTES)
            self._skip(writer.items, path)
            self._operations[begin + 2] = self._here()
            self._paths[self._label] = (path, writer)
            least = least_bytes(writer.items) + (writer.kind is Kind.MAP)
            self._add(ops.ITEM, 0, first, number, least)
        elif writer.kind in (Kind.STRING, Kind.BYTES):
            self._add(ops.SKIP_BYTES)
        elif writer.kind in (Kind.INT, Kind.LONG, Kind.ENUM):
            last = len(self._operations) - ops.OPERANDS
            if last >= self._label and self._operations[last] == ops.SKIP_LONG:
                self._operations[last + 2] += 1
            else:
                self._add(ops.SKIP_LONG, 0, 1)
        elif writer.kind is not Kind.NULL:
            self._add(ops.SKIP_FIXED, 0, least_bytes(writer))

    def _finish(self) -> None:
        """Adds what is seldom needed behind the program: what to do for nulls, and the branch tables of unions."""
        for at, node, after in self._absent:
            self._operations[at + 2] = len(self._operations)
            self._paths[len(self._operations)] = (node.path, node.type)
            self._zero(node)
            self._add(ops.JUMP, 0, after)
        for at, targets in self._unions:
            self._operations[at + 2] = len(self._operations)
            self._operations += targets


_STRING = AvroType(Kind.STRING)
_SCALARS: dict[tuple[Kind, Kind], tuple[int, int, tuple[int, ...]]] = {
    (Kind.BOOLEAN, Kind.BOOLEAN): (ops.BOOLEAN, 1, ()),
    (Kind.INT, Kind.INT): (ops.INT, 4, ()),
    (Kind.INT, Kind.LONG): (ops.INT_AS_LONG, 8, ()),
    (Kind.INT, Kind.FLOAT): (ops.AS_FLOAT, 4, (1,)),
    (Kind.INT, Kind.DOUBLE): (ops.AS_DOUBLE, 8, (1,)),
    (Kind.LONG, Kind.LONG): (ops.LONG, 8, ()),
    (Kind.LONG, Kind.FLOAT): (ops.AS_FLOAT, 4, ()),
    (Kind.LONG, Kind.DOUBLE): (ops.AS_DOUBLE, 8, ()),
    (Kind.FLOAT, Kind.FLOAT): (ops.FLOAT, 4, ()),
    (Kind.FLOAT, Kind.DOUBLE): (ops.FLOAT_AS_DOUBLE, 8, ()),
    (Kind.DOUBLE, Kind.DOUBLE): (ops.DOUBLE, 8, ()),
    (Kind.STRING, Kind.STRING): (ops.STRING, 8, ()),
    (Kind.STRING, Kind.BYTES): (ops.STRING, 8, ()),
    (Kind.BYTES, Kind.BYTES): (ops.STRING, 8, ()),
    (Kind.BYTES, Kind.STRING): (ops.STRING, 8, ()),
    (Kind.ENUM, Kind.ENUM): (ops.ENUM, 4, ()),
}
"""Operation, bytes of each value in its slot, and operands; what is not here is a fixed."""

_LEAST = {Kind.NULL: 0, Kind.FLOAT: 4, Kind.DOUBLE: 8}


def least_bytes(type_: AvroType) -> int:
    """The fewest bytes that a value of a type takes."""
    if type_.kind is Kind.RECORD:
        return sum(least_bytes(one.type) for one in type_.fields)
    if type_.kind is Kind.UNION:
        return 1 + min(map(least_bytes, type_.branches))
    if type_.kind is Kind.FIXED:
        return type_.size
    if type_.kind is Kind.BYTES and type_.logical is Logical.DECIMAL:
        return 2
    return _LEAST.get(type_.kind, 1)

"""The program that reads a row: a schema flattened into a few operations, and where their results go.

Each operation is four numbers, ``code, slot, a, b``:

============  =========================  ==========================================  =====================
code          slot gets                  a                                           b
============  =========================  ==========================================  =====================
LONG, INT     the number
BYTE_STRING   position << 32 | length
FIXED8        the eight bytes
BOOLEAN       0 or 1
NULLABLE      1 if there is a value      where to go on if there is none
ARRAY                                    the array's ITEM_END
ITEM_END      items so far, when done    the first operation of an item              least bytes of an item
============  =========================  ==========================================  =====================

Slot -1 means that nobody asked: the value is passed over. Where an array's block says how long it is, so is that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from beam_pipelines.avro import decoding_kernels as ops
from beam_pipelines.avro.arrow_buffers import read_only
from beam_pipelines.avro.errors import AvroError
from beam_pipelines.avro.plan import check_names, nested_path
from beam_pipelines.schema import Column, Type

_OPERATIONS = {
    Type.BOOLEAN: ops.BOOLEAN,
    Type.INT64: ops.LONG,
    Type.FLOAT64: ops.FIXED8,
    Type.STRING: ops.BYTE_STRING,
    Type.BYTES: ops.BYTE_STRING,
    Type.NUMERIC: ops.BYTE_STRING,
    Type.DATE: ops.INT,
    Type.TIMESTAMP: ops.LONG,
}


@dataclass(frozen=True, slots=True)
class Node:
    """A column, its slots and the Arrow type it becomes."""

    column: Column
    path: str
    type: pa.DataType
    """Of the column's values; of a repeated column's items."""
    values: int = -1
    """Slot of a scalar's values; a record has none."""
    present: int = -1
    """Slot that says which values are not null; required ones have none."""
    items: int = -1
    """Slot of an array's running item counts."""
    fields: tuple[Node, ...] = ()

    @property
    def arrow_field(self) -> pa.Field[pa.DataType]:
        """The Arrow field this becomes."""
        type_ = pa.list_(pa.field("item", self.type, nullable=False)) if self.column.repeated else self.type
        return pa.field(self.column.name, type_, nullable=self.column.nullable)


@dataclass(slots=True)
class Program:
    """How to read rows of ``columns``, of which only those in ``selected`` are kept (all if that is None)."""

    columns: tuple[Column, ...]
    selected: frozenset[str] | None = None
    dictionaries: bool = False
    operations: list[int] = field(default_factory=list)
    operation_paths: dict[int, str] = field(default_factory=dict)
    """The field that the operation at this position reads."""
    slot_bytes: list[int] = field(default_factory=list)
    """Per slot, the least bytes of the row, array item or nullable record that one value of it stands in."""
    slot_depths: list[int] = field(default_factory=list)
    """Per slot, how many arrays it is in."""
    row_bytes: int = 0
    """The least bytes of a row."""
    depth: int = 0
    """How deep arrays are nested."""
    nodes: tuple[Node, ...] = ()
    schema: pa.Schema = field(init=False)
    code: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        check_names(self.columns)
        names = {column.name for column in self.columns}
        for name in sorted(self.selected or ()):
            if name not in names:
                raise AvroError(
                    "selected column is not in the schema",
                    field=name,
                    expected=sorted(names),
                    got="nothing of that name",
                )
        self.row_bytes = sum(least_bytes(column) for column in self.columns)
        nodes = [self._column(column, "", self._wanted(column), self.row_bytes, 0) for column in self.columns]
        self.nodes = tuple(node for node in nodes if self._wanted(node.column))
        self.schema = pa.schema([node.arrow_field for node in self.nodes])
        self._add(ops.ROW_END, -1, "")
        self.code = read_only(np.array(self.operations, np.int64))

    def capacities(self, rows: int, size: int) -> NDArray[np.int64]:
        """Per slot, the most values that ``rows`` rows in ``size`` bytes can have."""
        most = [
            min(size // least + 2, size if depth else rows)
            for least, depth in zip(self.slot_bytes, self.slot_depths, strict=True)
        ]
        return np.array(most, np.int64)

    def _wanted(self, column: Column) -> bool:
        return self.selected is None or column.name in self.selected

    def _add(self, operation: int, slot: int, path: str, a: int = 0, b: int = 0) -> int:
        at = len(self.operations)
        self.operations += [operation, slot, a, b]
        self.operation_paths[at] = path
        return at

    def _slot(self, wanted: bool, least: int, depth: int) -> int:
        if not wanted:
            return -1
        self.slot_bytes.append(least)
        self.slot_depths.append(depth)
        return len(self.slot_bytes) - 1

    def _column(self, column: Column, parent: str, wanted: bool, least: int, depth: int) -> Node:
        """Adds a column's operations; ``least`` and ``depth`` are what its slots get."""
        path = nested_path(parent, column)
        if not column.repeated:
            return self._value(column, path, wanted, least, depth)
        self.depth = max(self.depth, depth + 1)
        slot = self._slot(wanted, least, depth)
        item_bytes = least_bytes(column, of_item=True)
        array = self._add(ops.ARRAY, -1, path)
        node = self._value(column, path, wanted, item_bytes, depth + 1)
        self.operations[array + 2] = self._add(ops.ITEM_END, slot, path, array + 4, item_bytes)
        return replace(node, items=slot)

    def _value(self, column: Column, path: str, wanted: bool, least: int, depth: int) -> Node:
        present = branch = -1
        if column.nullable:
            present = self._slot(wanted, least, depth)
            branch = self._add(ops.NULLABLE, present, path)
            least = 1 + least_bytes(replace(column, nullable=False))
        values = -1
        fields: tuple[Node, ...] = ()
        if column.type is Type.RECORD:
            fields = tuple(self._column(nested, path, wanted, least, depth) for nested in column.fields)
        else:
            values = self._slot(wanted, least, depth)
            self._add(_OPERATIONS[column.type], values, path)
        if branch >= 0:
            self.operations[branch + 2] = len(self.operations)
        return Node(column, path, self._type(column, fields), values, present, -1, fields)

    def _type(self, column: Column, fields: tuple[Node, ...]) -> pa.DataType:
        if column.type is Type.RECORD:
            return pa.struct([node.arrow_field for node in fields])
        if column.type is Type.STRING and self.dictionaries:
            return pa.dictionary(pa.int32(), pa.string())
        return column.arrow_value_type


def least_bytes(column: Column, *, of_item: bool = False) -> int:
    """The fewest bytes that a value of a column, or an item of it, takes."""
    if column.nullable or (column.repeated and not of_item):
        return 1
    if column.type is Type.RECORD:
        return sum(least_bytes(nested) for nested in column.fields)
    return {Type.FLOAT64: 8, Type.NUMERIC: 2}.get(column.type, 1)

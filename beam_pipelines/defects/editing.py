"""Single values of a batch, read and replaced: of a column, or of the first record in a row's list of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.world import draw


def has_value(batch: pa.RecordBatch, path: str, rows: draw.I64) -> npt.NDArray[np.bool_]:
    """Whether these rows have a value at a path: no null, no empty list."""
    name, _, field = path.partition(".")
    column = batch.column(name)
    if field:
        starts = column.offsets.to_numpy()
        there: npt.NDArray[np.bool_] = starts.take(rows + 1) > starts.take(rows)
        return there
    valid: npt.NDArray[np.bool_] = column.take(pa.array(rows)).is_valid().to_numpy(zero_copy_only=False)
    return valid


def values(batch: pa.RecordBatch, path: str, rows: draw.I64) -> pa.Array[Any]:
    """What these rows, which have a value, have at a path."""
    array, positions = _at(batch, path, rows)
    found = array.take(pa.array(positions))
    return found.dictionary_decode() if isinstance(found, pa.DictionaryArray) else found


def with_values(batch: pa.RecordBatch, path: str, rows: draw.I64, new: pa.Array[Any] | None) -> pa.RecordBatch:
    """The batch with new values at a path of these rows, which have one; nulls for None."""
    array, positions = _at(batch, path, rows)
    array = _without(array, positions) if new is None else _replaced(array, positions, new)
    name, _, field = path.partition(".")
    index = batch.schema.get_field_index(name)
    if field:
        array = _list_with(batch.column(index), field, array)
    columns = batch.columns
    columns[index] = array
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _at(batch: pa.RecordBatch, path: str, rows: draw.I64) -> tuple[pa.Array[Any], draw.I64]:
    """The array that holds the values of a path, and the positions in it of these rows' values."""
    name, _, field = path.partition(".")
    column = batch.column(name)
    if not field:
        return column, rows
    return column.values.field(field), column.offsets.to_numpy().take(rows).astype(np.int64)


def _without(array: pa.Array[Any], positions: draw.I64) -> pa.Array[Any]:
    missing = np.zeros(len(array), np.bool_)
    missing[positions] = True
    return array.take(pa.array(np.arange(len(array)), mask=missing))


def _replaced(array: pa.Array[Any], positions: draw.I64, new: pa.Array[Any]) -> pa.Array[Any]:
    chosen = np.arange(len(array))
    chosen[positions] = len(array) + np.arange(len(new))
    if isinstance(array, pa.DictionaryArray):
        encoded = new.dictionary_encode()
        new = pa.DictionaryArray.from_arrays(encoded.indices.cast(array.type.index_type), encoded.dictionary)
    return pa.concat_arrays([array, new]).take(pa.array(chosen))


def _list_with(lists: pa.ListArray, field: str, values: pa.Array[Any]) -> pa.ListArray:
    records = lists.values
    kind = records.type
    fields = [values if kind.field(i).name == field else records.field(i) for i in range(kind.num_fields)]
    changed = pa.StructArray.from_arrays(fields, fields=list(kind))
    return pa.ListArray.from_arrays(lists.offsets, changed, type=lists.type)

"""Arrow batches in all the ways that Arrow has to lay them out, right before pages that nobody may read."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pyarrow as pa

from beam_pipelines import avro
from beam_pipelines.avro import AvroError
from beam_pipelines.avro import encoding_kernel as kernel
from beam_pipelines.avro.encoding_program import EncodingProgram
from beam_pipelines.avro.schema import AvroType, Kind
from tests.avro.fuzzing.context import Context
from tests.avro.fuzzing.corpus import Subject
from tests.avro.fuzzing.guard_pages import GARBAGE, guarded_array
from tests.avro.fuzzing.outcome import EQUAL, OTHER, attempt, kind_of, require

CANARY = 64
LARGE = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}
VIEWS = {pa.string(): pa.string_view(), pa.binary(): pa.binary_view()}


def batch_case(random: Random, context: Context) -> str:
    """A batch is encoded as its rows are one by one; one with a wrong code or a null too many is refused."""
    subject = random.choice(context.corpus.subjects)
    what = random.randrange(6)
    if what == 0:
        return _wrong_code(random, context, subject)
    if what == 1:
        return _null_too_many(random, context, subject)
    chosen = random.choices(range(len(subject.rows)), k=random.randrange(12))
    whole = random.choice([subject.batch, subject.coded_batch])
    batch = _batch([_rows(array, chosen) for array in whole.columns], whole)
    layout = random.choice([{}, {}, LARGE, VIEWS])
    context.note(f"{subject.name}, rows {chosen} as {batch.schema}, {layout}", b"")
    batch = _laid_out(batch, layout)
    if random.randrange(2):
        arrays = [guarded_array(array, context.memory) for array in batch.columns]
        batch = _batch(arrays, batch)
    first, last = sorted(random.choice([(0, len(chosen)), (random.randint(0, len(chosen)), len(chosen))]))
    piece = batch.slice(first, last - first)
    expected = b"".join(subject.encoded_rows[i] for i in chosen[first:last])
    require(avro.encode(piece, subject.type).tobytes() == expected, "other bytes than those of the rows one by one")
    _write_into_too_little(random, context, subject.type, piece, expected)
    return EQUAL


def _write_into_too_little(
    random: Random, context: Context, type_: AvroType, batch: pa.RecordBatch, expected: bytes
) -> None:
    """Whatever room there is, nothing is written outside of it."""
    program = EncodingProgram(type_, batch)
    if not batch.num_rows or not program.writes:
        return
    levels = np.empty((program.depth + 1, 2), np.int64)
    room = random.randint(0, len(expected) + 2 * kernel.RESERVE)
    region = context.memory.tail(CANARY + room)
    problem, size, _, _ = kernel.write_rows(
        batch.num_rows, program.code.ctypes.data, levels.ctypes.data, region.ctypes.data + CANARY, room
    )
    require((region[:CANARY] == GARBAGE).all(), "bytes written before the output")
    require(problem in (kernel.FINE, kernel.FULL), f"problem {problem} in place of rows")
    require(problem == kernel.FINE or room < len(expected) + 2 * kernel.RESERVE, "no room where there is enough")
    if problem == kernel.FINE:
        require(region[CANARY : CANARY + size].tobytes() == expected, "other bytes in little room")


def _wrong_code(random: Random, context: Context, subject: Subject) -> str:
    """A batch with one code of a dictionary changed."""
    batch = subject.coded_batch
    coded = [i for i, array in enumerate(batch.columns) if pa.types.is_dictionary(array.type)]
    if not coded:
        return "nothing to change"
    number, row = random.choice(coded), random.randrange(batch.num_rows)
    array = batch.column(number)
    codes = np.frombuffer(array.indices.buffers()[1], np.int32, len(array)).copy()
    codes[row] = code = random.choice([-1, len(array.dictionary), (1 << 31) - 1, -(1 << 31), random.randint(-2, 9)])
    context.note(f"{subject.name}, column {number}, row {row} with code {code}", b"")
    indices = pa.Array.from_buffers(pa.int32(), len(array), [array.indices.buffers()[0], pa.py_buffer(codes)])
    changed = pa.DictionaryArray.from_arrays(indices, array.dictionary, safe=False)
    arrays = list(batch.columns)
    arrays[number] = guarded_array(changed, context.memory)
    found = attempt(lambda: avro.encode(_batch(arrays, batch), subject.type).tobytes())
    is_wrong = array[row].is_valid and not 0 <= code < len(array.dictionary)
    require(isinstance(found, AvroError) == is_wrong, f"a code {code} of {len(array.dictionary)} gives {found!r}")
    if isinstance(found, AvroError):
        return kind_of(found)
    if array[row].is_valid:
        arrays[number] = changed.dictionary_decode()
        require(avro.encode(_batch(arrays, batch), subject.type).tobytes() == found, "other bytes without dictionary")
    return OTHER


def _null_too_many(random: Random, context: Context, subject: Subject) -> str:
    """A batch with a null, where there may be one or not."""
    if not subject.type.fields:
        return "nothing to change"
    batch = random.choice([subject.batch, subject.coded_batch])
    field = random.choice(subject.type.fields)
    number = batch.schema.get_field_index(field.name)
    rows = [None, *(random.choice([None, row]) for row in range(batch.num_rows - 1))]
    context.note(f"{subject.name}, {field.name} of the rows {rows}", b"")
    arrays = list(batch.columns)
    arrays[number] = _rows(arrays[number], rows)
    allowed = field.type.kind is Kind.NULL or field.type.null_branch is not None
    found = attempt(lambda: avro.encode(_batch(arrays, batch), subject.type).tobytes())
    require(isinstance(found, AvroError) != allowed, f"null in {field.type} gives {found!r}")
    return kind_of(found) if isinstance(found, AvroError) else OTHER


def _rows(array: pa.Array, rows: Sequence[int | None]) -> pa.Array:
    """These rows; not by ``take``, which for some types in lists gives arrays that are not valid."""
    parts = [pa.nulls(1, array.type) if row is None else array.slice(row, 1) for row in rows]
    return pa.concat_arrays(parts or [array.slice(0, 0)])


def _batch(arrays: list[pa.Array], like: pa.RecordBatch) -> pa.RecordBatch:
    if not arrays:
        return like
    return pa.RecordBatch.from_arrays(arrays, names=like.schema.names)


def _laid_out(batch: pa.RecordBatch, layout: dict[pa.DataType, pa.DataType]) -> pa.RecordBatch:
    """The batch with strings, and lists of them, in another of Arrow's layouts."""
    if not layout:
        return batch
    return _batch([_cast(array, _type(array.type, layout)) for array in batch.columns], batch)


def _cast(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """The array as another type, unless Arrow gets it wrong, as it does for lists of nulls and for maps of them."""
    if type_ == array.type:
        return array
    changed = array.cast(type_)
    try:
        changed.validate(full=True)
    except pa.ArrowInvalid:
        return array
    return changed


def _type(type_: pa.DataType, layout: dict[pa.DataType, pa.DataType]) -> pa.DataType:
    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(_type(field.type, layout)) for field in type_])
    if pa.types.is_list(type_):
        field = type_.value_field.with_type(_type(type_.value_type, layout))
        return pa.large_list(field) if layout is LARGE else pa.list_(field)
    return layout.get(type_, type_)

"""What a batch has to be, and what is said when it is not."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from numba import types

from beam_pipelines.avro import AvroError, decode, encode
from beam_pipelines.avro.encoding_kernels import kernel
from beam_pipelines.schema import Column, Type

CITY = (Column(name="city", type=Type.STRING),)


def replaced(batch: pa.RecordBatch, name: str, array: pa.Array) -> pa.RecordBatch:
    return batch.set_column(batch.schema.get_field_index(name), pa.field(name, array.type), array)


def test_columns_may_come_in_any_order(batch, columns):
    shuffled = batch.select(list(reversed(batch.schema.names)))
    assert (encode(shuffled, columns) == encode(batch, columns)).all()


def test_an_empty_batch_is_no_bytes(batch, columns):
    assert encode(batch.slice(3, 0), columns).size == 0
    assert encode(pa.RecordBatch.from_pylist([], schema=batch.schema), columns).size == 0
    assert decode(b"", 0, columns).equals(batch.slice(0, 0))


def test_large_strings_and_lists_are_the_same_strings_and_lists(columns, batch):
    lines = batch.column("lines")
    large = replaced(batch, "lines", lines.cast(pa.large_list(lines.type.value_field)))
    large = replaced(large, "city", batch.column("city").cast(pa.large_string()))
    assert (encode(large, columns) == encode(batch, columns)).all()
    assert (encode(large.slice(4), columns) == encode(batch.slice(4), columns)).all()


def test_a_dictionary_may_hold_null_and_large_strings():
    codes = pa.array([2, 1, None, 0], pa.int8())
    cities = pa.DictionaryArray.from_arrays(codes, pa.array(["Mobile", None, "Memphis"], pa.large_string()))
    column = (Column(name="city", type=Type.STRING, nullable=True),)
    data = encode(pa.record_batch({"city": cities}), column)
    assert decode(data, 4, column).column("city").to_pylist() == ["Memphis", None, None, "Mobile"]
    named = pa.DictionaryArray.from_arrays(pa.array([2, 1, 0]), cities.dictionary)
    with pytest.raises(AvroError, match="field city: null in a required field: expected no null, got 1 of 3"):
        encode(pa.record_batch({"city": named}), CITY)


def test_the_size_of_a_dictionary_does_not_matter_to_its_codes():
    names = pa.array([f"city {i}" for i in range(70_000)])
    cities = pa.DictionaryArray.from_arrays(pa.array([69_999, 0], pa.int32()), names)
    assert encode(pa.record_batch({"city": cities}), CITY).tobytes() == b"\x14city 69999\x0ccity 0"


@pytest.mark.parametrize("code", [-1, 2, 127])
def test_a_code_outside_the_dictionary_is_named(code):
    indices = pa.array([0, code], pa.int8())
    cities = pa.DictionaryArray.from_arrays(indices, pa.array(["a", "b"]), safe=False)
    with pytest.raises(AvroError) as caught:
        encode(pa.record_batch({"city": cities}), CITY)
    assert str(caught.value) == (
        f"field city: row 1 is outside the dictionary: expected a code from 0 to 1, got {code}"
    )


def test_unaligned_buffers_are_read(columns):
    numbers = np.arange(5, dtype=np.int64)
    shifted = pa.py_buffer(b"\0" + numbers.tobytes()).slice(1)
    batch = pa.record_batch({"id": pa.Array.from_buffers(pa.int64(), 5, [None, shifted])})
    assert encode(batch, columns[:1]).tobytes() == bytes(range(0, 10, 2))


def test_what_is_under_a_null_record_is_not_looked_at():
    inner = (Column(name="n", type=Type.INT64), Column(name="s", type=Type.STRING))
    columns = (Column(name="r", type=Type.RECORD, nullable=True, fields=inner),)
    fields = [pa.array([1, None, 3]), pa.array(["a", None, "c"]).dictionary_encode()]
    records = pa.StructArray.from_arrays(fields, ["n", "s"], mask=pa.array([False, True, False]))
    data = encode(pa.record_batch({"r": records}), columns)
    assert decode(data, 3, columns).column("r").to_pylist() == [{"n": 1, "s": "a"}, None, {"n": 3, "s": "c"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.drop_columns(["day"]), "field day: missing column: expected date32[day]"),
        (lambda b: b.append_column("x", b.column("id")), "field x: column is not in the schema"),
        (
            lambda b: pa.RecordBatch.from_arrays([*b.columns, b.column("id")], names=[*b.schema.names, "id"]),
            "field id: two columns of one name",
        ),
        (
            lambda b: replaced(b, "id", b.column("id").cast(pa.int32())),
            "field id: type differs: expected int64, got int32",
        ),
        (
            lambda b: replaced(b, "at", b.column("at").cast(pa.timestamp("us"))),
            "field at: type differs: expected timestamp[us, tz=UTC], got timestamp[us]",
        ),
        (
            lambda b: replaced(b, "lines", b.column("id")),
            "field lines: type differs: expected list<item: struct<sku: string not null, price: decimal128(12, 2) not "
            "null, tags: list<item: string not null> not null> not null>, got int64",
        ),
        (
            lambda b: replaced(b, "id", pa.array([None, *range(9)])),
            "field id: null in a required field: expected no null, got 1 of 10",
        ),
        (
            lambda b: replaced(b, "lines", pa.array([None] * 10, b.column("lines").type)),
            "field lines: null in a required field: expected no null, got 10 of 10",
        ),
    ],
)
def test_a_batch_of_another_schema_is_refused(batch, columns, change, message):
    with pytest.raises(AvroError) as caught:
        encode(change(batch), columns)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("prices", "tags", "path", "expected", "got"),
    [
        (pa.array([Decimal("1.5")], pa.decimal128(12, 1)), [["a"]], "lines.price", "decimal128(12, 2)", None),
        (pa.array([None], pa.decimal128(12, 2)), [["a"]], "lines.price", "no null", "1 of 1"),
        (pa.array([Decimal("1.50")], pa.decimal128(12, 2)), [["a", None]], "lines.tags", "no null", "1 of 2"),
    ],
)
def test_nested_fields_are_named_by_their_path(columns, prices, tags, path, expected, got):
    struct = pa.StructArray.from_arrays([pa.array(["a"]), prices, pa.array(tags)], ["sku", "price", "tags"])
    lines = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), struct)
    with pytest.raises(AvroError) as caught:
        encode(pa.record_batch({"lines": lines}), columns[6:7])
    assert caught.value.field == path
    assert str(caught.value.expected) == expected
    assert got is None or caught.value.got == got


def test_two_fields_of_one_name_are_refused():
    with pytest.raises(AvroError, match="field id: duplicate field"):
        encode(pa.record_batch({"id": [1]}), (Column(name="id", type=Type.INT64),) * 2)


def test_kernels_compile_where_machine_code_cannot_be_kept():
    names: dict = {}
    exec("def twice(x): return 2 * x", names)  # numba keeps nothing for code that is in no file
    assert kernel(types.int64, result=types.int64)(names["twice"])(21) == 42


def test_blocks_can_be_encoded_and_decoded_by_threads(batch, columns):
    with ThreadPoolExecutor(4) as threads:
        blocks = list(threads.map(lambda _: encode(batch, columns), range(200)))
        found = list(threads.map(lambda block: decode(block, 10, columns), blocks))
    assert all(other.equals(batch) for other in found)

"""Decimals, of any number of digits and bytes, are fastavro's."""

import io
from decimal import Decimal

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.avro import AvroError, AvroType, decode, encode, parse_schema
from tests.avro.generated import thoroughly, unscaled


def decimal(precision: int, size: int = 0) -> dict[str, str | int]:
    """The JSON of a decimal, of so many bytes or of as many as it takes."""
    carrier = {"type": "fixed", "name": "a", "size": size} if size else {"type": "bytes"}
    return {**carrier, "logicalType": "decimal", "precision": precision}


def record(of: dict[str, str | int]) -> AvroType:
    return parse_schema({"type": "record", "name": "r", "fields": [{"name": "x", "type": of}]})


@pytest.mark.parametrize("power", range(127))
@pytest.mark.parametrize("sign", [1, -1])
def test_decimals_around_every_power_of_two_are_fastavros_bytes(power, sign):
    numbers = [sign * 2**power + delta for delta in (-1, 0, 1)]
    numbers = [Decimal(number) for number in numbers if abs(number) < 10**38]
    for size in (0, 16, 20):
        schema = record(decimal(38, size))
        data = encode(pa.record_batch({"x": pa.array(numbers, pa.decimal128(38, 0))}), schema).tobytes()
        out = io.BytesIO()
        for number in numbers:
            fastavro.schemaless_writer(out, fastavro.parse_schema(decimal(38, size)), number)
        assert data == out.getvalue()
        assert decode(data, len(numbers), schema).column("x").to_pylist() == numbers


@given(st.sampled_from([1, 9, 18, 19, 20, 37, 38]), st.data())
@thoroughly(150)
def test_decimals_are_read_in_any_number_of_bytes(precision, data):
    numbers = data.draw(st.lists(unscaled(precision), min_size=1, max_size=10))
    encoded = b""
    for number in numbers:
        least = next(n for n in range(1, 18) if -(1 << (8 * n - 1)) <= number < 1 << (8 * n - 1))
        size = data.draw(st.integers(least, 20))
        encoded += bytes([2 * size]) + number.to_bytes(size, "big", signed=True)
    assert decode(encoded, len(numbers), record(decimal(precision))).column("x").to_pylist() == numbers


@pytest.mark.parametrize(("precision", "fits"), [(18, False), (19, True), (38, True)])
def test_the_lowest_number_of_eight_bytes_is_a_decimal_if_it_has_few_enough_digits(precision, fits):
    """Eight bytes are read by another way than nine, which our own writer takes for it."""
    data = b"\x10\x80" + b"\0" * 7
    if fits:
        assert decode(data, 1, record(decimal(precision))).column("x").to_pylist() == [Decimal(-(2**63))]
    else:
        with pytest.raises(AvroError, match="field x: decimal out of range"):
            decode(data, 1, record(decimal(precision)))

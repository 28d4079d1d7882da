"""Rows written with one schema and read with another."""

from typing import Any

import pytest

from beam_pipelines.avro import AvroError, decode, parse_schema
from tests.avro.generated import fastavro_bytes, fastavro_rows
from tests.avro.json_schemas import record


def resolved(writer: dict, reader: dict, rows: list[dict], *, as_fastavro: bool = True) -> list[dict]:
    """Rows written with one schema and read with another, which fastavro has to read as the same."""
    data = fastavro_bytes(writer, rows)
    batch = decode(data, len(rows), parse_schema(writer), parse_schema(reader))
    batch.validate(full=True)
    found = batch.to_pylist(maps_as_pydicts="strict")
    if as_fastavro:
        assert found == fastavro_rows(data, len(rows), writer, reader)
    return found


def changed(writer: Any, reader: Any, *values: Any, **options: Any) -> list:
    """Values of a field that was of one type and is read as another."""
    rows = resolved(record(("x", writer)), record(("x", reader)), [{"x": value} for value in values], **options)
    return [row["x"] for row in rows]


def refusal(writer: Any, reader: Any, *values: Any) -> str:
    """What is said of a field that was of one type and cannot be read as another."""
    data = fastavro_bytes(record(("x", writer)), [{"x": value} for value in values])
    with pytest.raises(AvroError) as caught:
        decode(data, len(values), parse_schema(record(("x", writer))), parse_schema(record(("x", reader))))
    assert "\n" not in str(caught.value)
    return str(caught.value)

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from beam_pipelines.avro import AvroType, arrow_schema, parse_schema

LINE = {
    "type": "record",
    "name": "parcel_lines",
    "fields": [
        {"name": "sku", "type": "string"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
    ],
}
ORIGIN = {"type": "record", "name": "parcel_origin", "fields": [{"name": "ip", "type": "bytes"}]}
SCHEMA = {
    "type": "record",
    "name": "parcel",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "city", "type": ["null", "string"], "default": None},
        {"name": "gift", "type": "boolean"},
        {"name": "weight", "type": "double"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": None},
        {"name": "lines", "type": {"type": "array", "items": LINE}},
        {"name": "origin", "type": ["null", ORIGIN], "default": None},
    ],
}
CITIES = ["Mobile", None, "São Paulo", "Mobile"]


@pytest.fixture
def schema() -> dict:
    """JSON of a record of everyday types, nullable, repeated and nested."""
    return SCHEMA


@pytest.fixture
def type_(schema) -> AvroType:
    """The same schema, parsed."""
    return parse_schema(schema)


@pytest.fixture
def rows() -> list[dict]:
    return [
        {
            "id": 100 * i - 50,
            "city": CITIES[i % 4],
            "gift": i % 2 == 0,
            "weight": i / 4,
            "day": date(2025, 11, 10 + i),
            "at": datetime(2025, 11, 28, i, tzinfo=UTC) if i % 3 else None,
            "lines": [
                {"sku": f"A{i}{k}", "price": Decimal(7777 * k - 100).scaleb(-2), "tags": ["x", "yz"][: k % 3]}
                for k in range(i % 4)
            ],
            "origin": {"ip": bytes([10, 0, 0, i])} if i % 2 else None,
        }
        for i in range(10)
    ]


@pytest.fixture
def batch(type_, rows) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=arrow_schema(type_))

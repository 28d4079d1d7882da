from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from beam_pipelines.schema import Column, Type, avro_record

LINES = (
    Column(name="sku", type=Type.STRING),
    Column(name="price", type=Type.NUMERIC, precision=12, scale=2),
    Column(name="tags", type=Type.STRING, repeated=True),
)
COLUMNS = (
    Column(name="id", type=Type.INT64),
    Column(name="city", type=Type.STRING, nullable=True),
    Column(name="gift", type=Type.BOOLEAN),
    Column(name="weight", type=Type.FLOAT64),
    Column(name="day", type=Type.DATE),
    Column(name="at", type=Type.TIMESTAMP, nullable=True),
    Column(name="lines", type=Type.RECORD, repeated=True, fields=LINES),
    Column(name="origin", type=Type.RECORD, nullable=True, fields=(Column(name="ip", type=Type.BYTES),)),
)
CITIES = ["Mobile", None, "São Paulo", "Mobile"]


@pytest.fixture
def columns() -> tuple[Column, ...]:
    """Every type, nullable, repeated and nested."""
    return COLUMNS


@pytest.fixture
def schema(columns) -> dict:
    return avro_record("parcel", columns)


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
def batch(columns, rows) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema([column.arrow_field for column in columns]))

"""Records as JSON that any reader takes."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

from beam_pipelines.records import record_json


def test_a_number_that_is_none_is_text():
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = record_json({"latitude": float("nan"), "items": [{"longitude": float("-inf")}], "age": 12})
    assert json.loads(text, parse_constant=refuse) == {"latitude": "nan", "items": [{"longitude": "-inf"}], "age": 12}


def test_money_and_times_are_text():
    text = record_json(
        {"total": Decimal("1.50"), "day": date(2025, 11, 28), "at": datetime(2025, 11, 28, 9, tzinfo=UTC)}
    )
    assert json.loads(text) == {"total": "1.50", "day": "2025-11-28", "at": "2025-11-28T09:00:00+00:00"}

"""Single records as text, for people and for dead letters; never on a hot path."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any


def record_json(record: Any) -> str:
    """A record as JSON: decimals as strings, times in ISO 8601.

    >>> record_json({"day": date(2025, 11, 28)})
    '{"day": "2025-11-28"}'
    """
    return json.dumps(record, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)

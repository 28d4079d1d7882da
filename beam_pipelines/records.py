"""Single records as text, for people and to compare them by; never on a hot path."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import Any


def record_json(record: Any) -> str:
    """A record as JSON: decimals as strings, times in ISO 8601.

    >>> record_json({"day": date(2025, 11, 28)})
    '{"day": "2025-11-28"}'
    """
    return json.dumps(_finite(record), default=_plain, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    """A value with ``nan``, ``inf`` and ``-inf``, which JSON has no numbers for, as strings."""
    if isinstance(value, dict):
        return {name: _finite(field) for name, field in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)

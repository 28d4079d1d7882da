"""A clock that never stands still, and times as the API writes and reads them."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from beam_pipelines.local.dataflow.errors import invalid


class Clock:
    """Tells the time such that no two answers are equal and none is before an earlier one."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def tick(self) -> datetime:
        """The time now, in UTC; later than all answers before, by a microsecond at least."""
        with self._lock:
            self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
            return self._last


def rendered(at: datetime) -> str:
    """A time as the API writes it.

    >>> rendered(datetime(2025, 11, 28, 9, 30, tzinfo=UTC))
    '2025-11-28T09:30:00.000000Z'
    """
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def parsed(name: str, text: str) -> datetime | None:
    """A time as the API reads it, None for empty text; an ApiError that names the field if it is none.

    >>> parsed("startTime", "2025-11-28T10:30:00+01:00")
    datetime.datetime(2025, 11, 28, 9, 30, tzinfo=datetime.timezone.utc)
    """
    if not text:
        return None
    with suppress(ValueError, OverflowError):
        at = datetime.fromisoformat(text)
        if at.tzinfo:
            return at.astimezone(UTC)
    raise invalid(f"{name}: expected a time such as 2025-11-28T09:30:00Z, got {text!r:.80}")

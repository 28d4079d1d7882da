"""A range of days as parts of months."""

from __future__ import annotations

from datetime import date, timedelta


def months(start_date: str, end_date: str) -> list[dict[str, str]]:
    """The parts of the range that lie in one month each, in order, as parameters of a template.

    Raises:
        ValueError: The end lies before the start.

    >>> months("2019-01-30", "2019-02-01")
    [{'start_date': '2019-01-30', 'end_date': '2019-01-31'}, {'start_date': '2019-02-01', 'end_date': '2019-02-01'}]
    """
    first, last = date.fromisoformat(start_date), date.fromisoformat(end_date)
    if last < first:
        raise ValueError(f"end_date: expected a day on or after start_date ({start_date}), got {end_date}")
    parts = []
    while first <= last:
        next_month = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
        end = min(last, next_month - timedelta(days=1))
        parts.append({"start_date": first.isoformat(), "end_date": end.isoformat()})
        first = next_month
    return parts

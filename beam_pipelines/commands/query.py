"""``retail query``: GoogleSQL against the warehouse."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from google.api_core.exceptions import GoogleAPICallError

from beam_pipelines.commands.display import Display
from beam_pipelines.commands.warehouses import is_bigquery, opened, refusal
from beam_pipelines.options import UsageError
from beam_pipelines.records import record_json
from beam_pipelines.warehouse.client import connect


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Runs one query and prints its rows."""
    if flags:
        raise UsageError(flags[0].lstrip("-"), "no option of this command", None)
    query = _query(given)
    if not is_bigquery(given.warehouse) and not Path(given.warehouse).exists():
        raise UsageError(
            "warehouse", "a DuckDB file that is there (make demo creates one) or bigquery://PROJECT", given.warehouse
        )
    with opened(given.warehouse) as warehouse:
        try:
            result = connect(warehouse).query_and_wait(query)
            names = [field.name for field in result.schema]
            rows = [[row[index] for index in range(len(names))] for row in result]
        except GoogleAPICallError as error:
            raise refusal(error) from error
    {"table": _table, "csv": _csv, "json": _json}["json" if display.as_json else given.format](names, rows, display)


def _query(given: argparse.Namespace) -> str:
    if bool(given.sql) == bool(given.file):
        raise UsageError("file", "either a query or --file with a path to one, or - for standard input", given.file)
    if given.sql:
        return str(given.sql)
    if given.file == "-":
        return sys.stdin.read()
    try:
        return Path(given.file).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError("file", f"a file that can be read ({error.strerror})", given.file) from error


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]], display: Display) -> None:
    shown = [_column(values) for values in zip(*rows, strict=True)]
    display.table("", names, list(zip(*shown, strict=True)))


def _csv(names: Sequence[str], rows: Sequence[Sequence[Any]], display: Display) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if value is None else _plain(value) for value in row] for row in rows])


def _json(names: Sequence[str], rows: Sequence[Sequence[Any]], display: Display) -> None:
    for row in rows:
        print(record_json(dict(zip(names, row, strict=True))))


def _column(values: Sequence[Any]) -> list[str]:
    """A column's values as text, exact decimals with as many places as the longest of them has.

    >>> _column([Decimal("109936.9"), None, Decimal("80349.57")])
    ['109936.90', 'NULL', '80349.57']
    """
    decimals = [value for value in values if isinstance(value, Decimal)]
    places = max((-int(value.as_tuple().exponent) for value in decimals), default=0)
    return ["NULL" if value is None else _text(value, max(places, 0)) for value in values]


def _text(value: Any, places: int) -> str:
    return f"{value:.{places}f}" if isinstance(value, Decimal) else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return record_json(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return str(value)

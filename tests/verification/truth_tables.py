"""Truth, letters and rows of a warehouse written by hand, in the database that the scoring works in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import duckdb

from beam_pipelines import tables
from beam_pipelines.schema import quoted
from beam_pipelines.verification.scoring import scores, scoring, verdicts, warehouse
from beam_pipelines.verification.scoring.scores import Score

DAY, NEXT = date(2019, 1, 2), date(2019, 1, 3)
BEFORE = date(2019, 1, 1)
"""A day that the lake does not have."""

FILE = f"orders/dt={DAY}/part-00000-of-00001.avro"


class Database:
    """A lake's orders of two days, and what a warehouse says of them."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        scoring.prepare(self.connection)
        self._truths = 0
        self._letters = 0
        self.rows: list[tuple[str, date, str | None, datetime]] = []
        """Of the warehouse: key, day, payment_method and created_at."""
        self.samples: list[tuple[int, str, str | None]] = []
        for day in (DAY, NEXT):
            self.insert("lake_days", table_name="orders", day=day, in_scope=True)

    def insert(self, name: str, **values: Any) -> None:
        columns, marks = ", ".join(map(quoted, values)), ", ".join("?" for _ in values)
        self.connection.execute(f"INSERT INTO {name} ({columns}) VALUES ({marks})", list(values.values()))

    def truth(self, kind: str, row: int | None = 0, **changed: Any) -> int:
        """A line of the truth about a row of the first block; its number, which is that of the order too."""
        self._truths += 1
        line = {
            "number": self._truths,
            "kind": kind,
            "table_name": "orders",
            "key": None if row is None else str(self._truths),
            "event_date": DAY,
            "landed_date": DAY,
            "day": DAY,
            "part": 0,
            "file": FILE,
            "block": 0,
            "block_offset": 500,
            "row_in_block": row,
            "unreadable": False,
            "in_scope": kind != "withheld",
        }
        self.insert("truths", **line | changed)
        return self._truths

    def letter(self, reason: str, row: int | None = 0, **changed: Any) -> None:
        """A dead letter about a row of the first block."""
        self._letters += 1
        line = {
            "number": self._letters,
            "table_name": "orders",
            "reason": reason,
            "field": None,
            "file": FILE,
            "day": DAY,
            "block_offset": 500,
            "row_in_block": row,
        }
        self.insert("letters", **line | changed)

    def row(self, key: int, day: date = DAY, method: str | None = "card", at: datetime | None = None) -> None:
        """A row of the warehouse that the truth names or that is looked at."""
        self.rows.append((str(key), day, method, at or datetime.fromisoformat(f"{day}T12:00:00")))

    def judge(self) -> dict[str, Score]:
        """The scores by kind."""
        connection, table = self.connection, tables.ORDERS
        for number, key, value in self.samples:
            self.insert("samples", number=number, table_name="orders", key=key, value=value)
        verdicts.judge_letters(connection)
        known = {name: warehouse.plain_type(table, name) for name in ("payment_method", "created_at", "promotion_code")}
        columns = ", ".join(f"{name} {kind}" for name, kind in known.items())
        connection.execute(f"CREATE TABLE rows_of_orders (row_key VARCHAR, row_day DATE, {columns})")
        for key, day, method, at in self.rows:
            self.insert("rows_of_orders", row_key=key, row_day=day, payment_method=method, created_at=at)
        verdicts.judge_rows(connection, table)
        verdicts.judge_older(connection, table)
        return {score.kind: score for score in scores.tally(connection)}


def counts(score: Score) -> tuple[int, int, int, int]:
    """What was injected, caught, missed and taken for it and was none."""
    return score.injected, score.caught, score.missed, score.false_alarms

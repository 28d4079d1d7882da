"""How well a kind of defect was caught."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import duckdb

from beam_pipelines.defects import KINDS

DELIVERED = "delivered"
"""No kind, but every row that is to be in the warehouse."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """What was injected of a kind, what was caught of it, and what was taken for it and was none."""

    kind: str
    table: str = ""
    """Empty for all tables together."""
    injected: int = 0
    caught: int = 0
    false_alarms: int = 0
    unreadable: int = 0
    """Defects of the kind in corrupt blocks, which nobody can see and which are not counted as injected."""
    first_missed: str = ""
    """Where the first one is that was missed; empty for none."""
    first_false_alarm: str = ""

    @property
    def missed(self) -> int:
        """How many were not caught."""
        return self.injected - self.caught

    @property
    def recall(self) -> float | None:
        """The share of the injected that was caught; None if there were none."""
        return self.caught / self.injected if self.injected else None

    @property
    def precision(self) -> float | None:
        """The share of what was caught in what was taken for the kind; None if nothing was."""
        taken = self.caught + self.false_alarms
        return self.caught / taken if taken else None

    @property
    def is_perfect(self) -> bool:
        """Whether nothing was missed, and nothing was taken for what it is not."""
        return not self.missed and not self.false_alarms


def together(scores: Iterable[Score]) -> list[Score]:
    """One score for each kind of all tables, in the order of KINDS; then those of other letters, and of all rows.

    >>> [(one.kind, one.injected) for one in together([Score(kind="late", injected=2), Score(kind="late", injected=3)])]
    [('late', 5)]
    """
    found: dict[str, Score] = {}
    for score in scores:
        before = found.get(score.kind, Score(kind=score.kind))
        found[score.kind] = replace(
            before,
            injected=before.injected + score.injected,
            caught=before.caught + score.caught,
            false_alarms=before.false_alarms + score.false_alarms,
            unreadable=before.unreadable + score.unreadable,
            first_missed=before.first_missed or score.first_missed,
            first_false_alarm=before.first_false_alarm or score.first_false_alarm,
        )
    return [found[kind] for kind in sorted(found, key=_position)]


def _position(kind: str) -> tuple[int, str]:
    """Kinds of defects come first and in their order, all rows last."""
    if kind in KINDS:
        return KINDS.index(kind), ""
    return len(KINDS) + (kind == DELIVERED), kind


TALLY = """
WITH judged AS (
  SELECT kind, table_name, count(*) FILTER (NOT unreadable) AS injected,
    coalesce(count(*) FILTER (caught AND NOT unreadable), 0) AS caught, count(*) FILTER (unreadable) AS unreadable,
    arg_min(concat_ws(' ', key, field, coalesce(file || ':' || block_offset || ':' || row_in_block, file)), number)
      FILTER (NOT unreadable AND caught IS NOT TRUE) AS first_missed
  FROM truths LEFT JOIN verdicts USING (number) WHERE in_scope GROUP BY ALL
), stray AS (
  SELECT kind, table_name, count(*) AS false_alarms,
    min(concat_ws(' ', reason, field, coalesce(file || ':' || block_offset || ':' || row_in_block,
      file || ':' || block_offset, file))) AS first_false_alarm
  FROM stray_letters GROUP BY ALL
)
SELECT kind, table_name, coalesce(injected, 0), coalesce(caught, 0), coalesce(false_alarms, 0),
  coalesce(unreadable, 0), coalesce(first_missed, ''), coalesce(first_false_alarm, '')
FROM judged FULL JOIN stray USING (kind, table_name) ORDER BY ALL
"""


def tally(connection: duckdb.DuckDBPyConnection) -> list[Score]:
    """The score of each kind and table, from the verdicts and from letters that nothing explains."""
    return [
        Score(
            kind=kind,
            table=table,
            injected=injected,
            caught=caught,
            false_alarms=false_alarms,
            unreadable=unreadable,
            first_missed=first_missed,
            first_false_alarm=first_false_alarm,
        )
        for kind, table, injected, caught, false_alarms, unreadable, first_missed, first_false_alarm in (
            connection.execute(TALLY).fetchall()
        )
    ]

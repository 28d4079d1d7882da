"""Whether the rows that are to be in the warehouse are there, and no others.

How many rows each day has was compared already. Only of days that differ are the keys drawn, and those in the warehouse
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import duckdb
import pyarrow as pa

from beam_pipelines.schema import Table
from beam_pipelines.verification.scoring.accounting import REFUSED, listed
from beam_pipelines.verification.scoring.samples import keys_of
from beam_pipelines.verification.scoring.scores import DELIVERED, Score
from beam_pipelines.verification.scoring.warehouse import Ask, ask_keys, ask_letter_keys
from beam_pipelines.world import World, day_number

ROWS_AT_ONCE = 2_000_000
"""Days whose keys are compared together have about so many rows."""

# Every name in these queries is one of the domain's or of ours.

MUST = f"""
CREATE OR REPLACE TABLE must AS
SELECT drawn_keys.day, drawn_keys.key
FROM drawn_keys
LEFT JOIN (SELECT day, key, lands FROM late_rows WHERE table_name = $name) AS late USING (day, key)
LEFT JOIN (SELECT day, day_block, true AS lost FROM corrupt_blocks WHERE table_name = $name) USING (day, day_block)
LEFT JOIN (SELECT day, key, NOT unreadable AS again FROM copies WHERE table_name = $name) USING (day, key)
ANTI JOIN (SELECT day, key FROM truths WHERE table_name = $name AND kind IN {listed(REFUSED)}) USING (day, key)
WHERE CASE WHEN lands IS NOT NULL THEN lands ELSE lost IS NULL OR again END
"""  # noqa: S608
"""Keys of the rows that are to be there: neither refused, nor lost with their block or landed nowhere."""

TOLD = """
CREATE OR REPLACE TABLE told AS
SELECT key FROM truths JOIN verdicts USING (number) WHERE table_name = $name AND NOT caught AND key IS NOT NULL
UNION
SELECT key FROM letter_keys SEMI JOIN stray_letters USING (table_name, file, block_offset, row_in_block)
WHERE table_name = $name
"""
"""Keys of which something is said already: their defects were missed, or they were refused for nothing."""

DIFFERENCES = """
SELECT coalesce(sum(greatest(wanted - rows, 0)), 0)::BIGINT, coalesce(sum(greatest(rows - wanted, 0)), 0)::BIGINT,
  min(key || ' of ' || day) FILTER (rows < wanted), min(key || ' of ' || day) FILTER (rows > wanted)
FROM (
  SELECT day, key, count(*) FILTER (is_wanted) AS wanted, count(*) FILTER (NOT is_wanted) AS rows
  FROM (SELECT day, key, true AS is_wanted FROM must UNION ALL SELECT day, key, false FROM found_keys) GROUP BY ALL
)
ANTI JOIN told USING (key)
WHERE rows <> wanted
"""


def delivered(connection: duckdb.DuckDBPyConnection, ask: Ask, world: World, table: Table) -> Score:
    """The score of a table's rows as a whole."""
    ((expected,),) = connection.execute(
        "SELECT coalesce(sum(rows), 0)::BIGINT FROM expected WHERE table_name = ?", [table.name]
    ).fetchall()
    differing = connection.execute(
        "SELECT day, greatest(expected, rows) FROM differing WHERE table_name = ? ORDER BY day", [table.name]
    ).fetchall()
    missed, surplus, first_missed, first_surplus = 0, 0, "", ""
    if differing:
        _ask_told(connection, ask, table)
    for days in in_groups(differing, ROWS_AT_ONCE):
        ask_keys(connection, ask, table, days)
        must(connection, world, table, days)
        ((lacking, more, first, other),) = connection.execute(DIFFERENCES).fetchall()
        missed, surplus = missed + lacking, surplus + more
        first_missed, first_surplus = first_missed or first or "", first_surplus or other or ""
    return Score(
        kind=DELIVERED,
        table=table.name,
        injected=expected,
        caught=expected - missed,
        false_alarms=surplus,
        first_missed=first_missed,
        first_false_alarm=first_surplus,
    )


def must(connection: duckdb.DuckDBPyConnection, world: World, table: Table, days: Iterable[date]) -> None:
    """Makes ``must`` of the keys that the warehouse must have of these days, of which some may not be the lake's."""
    connection.execute("CREATE OR REPLACE TABLE drawn_keys (day DATE, key VARCHAR, day_block BIGINT)")
    in_lake = "SELECT day FROM expected WHERE table_name = ?"
    known = {day for (day,) in connection.execute(in_lake, [table.name]).fetchall()}
    for day in days:
        if day in known:
            for drawn in _drawn_keys(world, table, day):
                connection.register("arrived", drawn)
                connection.execute("INSERT INTO drawn_keys SELECT * FROM arrived")
                connection.unregister("arrived")
    connection.execute(MUST, {"name": table.name})


def in_groups(days: Iterable[tuple[date, int]], rows: int) -> Iterator[list[date]]:
    """Days with their rows in groups that end once they have so many.

    >>> first, second, third = (date(2025, 11, day) for day in (1, 2, 3))
    >>> [len(group) for group in in_groups([(first, 5), (second, 5), (third, 1)], 10)]
    [2, 1]
    """
    group: list[date] = []
    total = 0
    for day, count in days:
        group.append(day)
        total += count
        if total >= rows:
            yield group
            group, total = [], 0
    if group:
        yield group


def _drawn_keys(world: World, table: Table, day: date) -> Iterator[pa.Table]:
    number = day_number(day)
    for block in range(world.blocks(table.name, number)):
        keys = keys_of(table, world.block(table.name, number, block))
        constant = {"day": pa.scalar(day), "day_block": pa.scalar(block, pa.int64())}
        repeated = {name: pa.repeat(value, len(keys)) for name, value in constant.items()}
        yield pa.table({"day": repeated["day"], "key": keys, "day_block": repeated["day_block"]})


def _ask_told(connection: duckdb.DuckDBPyConnection, ask: Ask, table: Table) -> None:
    stray = connection.execute(
        "SELECT DISTINCT file FROM stray_letters WHERE table_name = ? AND row_in_block IS NOT NULL", [table.name]
    ).fetchall()
    if stray:
        ask_letter_keys(connection, ask, table, [file for (file,) in stray])
    connection.execute(TOLD, {"name": table.name})

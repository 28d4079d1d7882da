"""How many rows of each day the warehouse must have, as follows from the truth alone.

Nothing is drawn for it. A day's files hold the rows that the world drew for it, less those that land late, and with
copies and late rows of other days; so much of them is refused, and so much lies in blocks that cannot be read.
"""

from __future__ import annotations

import duckdb

from beam_pipelines.defects.rates import CORRUPT, DUPLICATE, LATE, NEWER, ROW_KINDS, WITHHELD
from beam_pipelines.defects.truth import FOLDER
from beam_pipelines.lake import LakeError
from beam_pipelines.verification.scoring.lake_days import Scope
from beam_pipelines.world import BLOCK_ROWS, OPENING, World, day_number

REFUSED = tuple(kind for kind in ROW_KINDS if kind not in (LATE, DUPLICATE, NEWER))
"""Kinds whose rows are refused."""


def listed(kinds: tuple[str, ...]) -> str:
    """Names as a list in SQL.

    >>> listed(("late", "duplicate"))
    "('late', 'duplicate')"
    """
    return "(" + ", ".join(f"'{kind}'" for kind in kinds) + ")"


# Every name in these queries is one of ours.

DRAWN = f"""
CREATE TABLE drawn_files AS
SELECT *, (sum(drawn) OVER (PARTITION BY table_name, day ORDER BY part) - drawn)::BIGINT AS first_row,
  -- The file whose last block comes before this one's first: of the day's first file it is the day's last.
  coalesce(lag(part) OVER parts, last_value(part) OVER (PARTITION BY table_name, day ORDER BY part
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS part_before
FROM (
  SELECT files.*, (files.rows - coalesce(guests, 0) + coalesce(away, 0))::BIGINT AS drawn
  FROM (
    SELECT table_name, day, part, file, rows, bytes FROM lake_files
    UNION ALL
    -- What of a day lands late leaves no file behind if it is all.
    SELECT DISTINCT table_name, day, part, NULL, 0, 0 FROM truths
    ANTI JOIN lake_files USING (table_name, day, part)
  ) AS files
  LEFT JOIN (
    SELECT table_name, day, part,
      count(*) FILTER (kind IN {listed((LATE, DUPLICATE, NEWER))}) AS guests,
      count(*) FILTER (kind = '{WITHHELD}') AS away
    FROM truths GROUP BY ALL
  ) USING (table_name, day, part)
)
WINDOW parts AS (PARTITION BY table_name, day ORDER BY part)
"""  # noqa: S608
"""Files with how many rows the world drew for them, and how many for the day's files before."""

CORRUPT_BLOCKS = f"""
CREATE TABLE corrupt_blocks AS
SELECT lost.table_name, lost.day, lost.part, lost.file, lost.block, lost.block_offset, lost.length,
  lost.block_offset + lost.length = files.bytes AS is_last,
  files.first_row // {BLOCK_ROWS} + lost.block AS day_block,
  lost.rows - coalesce(guests, 0) AS own, lost.rows - coalesce(guests, 0) - coalesce(refused, 0) AS valid
FROM truths AS lost
JOIN drawn_files AS files USING (file)
LEFT JOIN (
  SELECT file, block,
    count(*) FILTER (kind IN {listed((LATE, DUPLICATE, NEWER))}) AS guests,
    count(*) FILTER (kind IN {listed(REFUSED)}) AS refused
  FROM truths WHERE unreadable GROUP BY ALL
) USING (file, block)
WHERE lost.kind = '{CORRUPT}'
"""  # noqa: S608
"""Blocks that cannot be read: which of the day's they are, how many of its own rows they hold, and how many of those
are neither refused nor copies."""

COPIES = f"""
CREATE TABLE copies AS
SELECT copy.number, copy.kind, copy.table_name, copy.key, copy.day, copy.unreadable, lost.block IS NOT NULL AS alone,
FROM truths AS copy
JOIN drawn_files AS files USING (file)
LEFT JOIN corrupt_blocks AS lost
  ON lost.table_name = copy.table_name AND lost.day = copy.day
  AND ((copy.block > 0 AND lost.part = copy.part AND lost.block = copy.block - 1)
    OR (copy.block = 0 AND lost.part = files.part_before AND lost.is_last))
WHERE copy.kind IN {listed((DUPLICATE, NEWER))}
"""  # noqa: S608
"""Rows that are there once more, and whether the first of the two cannot be read: it is in the block before."""

LATE_ROWS = f"""
CREATE TABLE late_rows AS
SELECT away.table_name, away.key, away.day, landed.day IS NOT NULL AND NOT coalesce(late.unreadable, false) AS lands
FROM truths AS away
LEFT JOIN lake_days AS landed ON landed.table_name = away.table_name AND landed.day = away.landed_date
LEFT JOIN (SELECT table_name, key, landed_date, unreadable FROM truths WHERE kind = '{LATE}') AS late
  ON late.table_name = away.table_name AND late.key = away.key AND late.landed_date = away.landed_date
WHERE away.kind = '{WITHHELD}'
"""  # noqa: S608
"""Rows that are not in their own day's files, and whether they land where they can be read."""

EXPECTED = f"""
CREATE TABLE expected AS
SELECT table_name, day, (drawn - coalesce(absent, 0))::BIGINT AS rows
FROM (
  SELECT table_name, day, coalesce(sum(drawn), 0) AS drawn
  FROM lake_days LEFT JOIN drawn_files USING (table_name, day) WHERE in_scope GROUP BY ALL
)
LEFT JOIN (
  SELECT table_name, day, sum(absent) AS absent FROM (
    SELECT table_name, day, count(*) AS absent FROM truths WHERE kind IN {listed(REFUSED)} GROUP BY ALL
    UNION ALL SELECT table_name, day, count(*) FROM late_rows WHERE NOT lands GROUP BY ALL
    UNION ALL SELECT table_name, day, sum(valid) FROM corrupt_blocks GROUP BY ALL
    UNION ALL SELECT table_name, day, -count(*) FROM copies WHERE alone AND NOT unreadable GROUP BY ALL
  ) GROUP BY ALL
) USING (table_name, day)
"""  # noqa: S608
"""How many rows of each day in scope the warehouse must have."""


def account(connection: duckdb.DuckDBPyConnection, world: World, root: str) -> None:
    """Makes the tables above; LakeError if manifests and truth together do not give the rows that the world drew."""
    connection.execute(DRAWN)
    drawn = connection.execute("""
        SELECT table_name, day, coalesce(sum(drawn), 0)::BIGINT FROM lake_days
        LEFT JOIN drawn_files USING (table_name, day) WHERE in_scope GROUP BY ALL ORDER BY ALL""").fetchall()
    for table, day, rows in drawn:
        if rows != (own := world.rows(table, day_number(day))):
            raise LakeError(
                f"{root}/{FOLDER}/{table}/dt={day}: expected to account, with the manifest, for the {own:,} rows "
                f"that the world has of the day, got {rows:,}"
            )
    for sql in (CORRUPT_BLOCKS, COPIES, LATE_ROWS, EXPECTED):
        connection.execute(sql)


def examine(connection: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Makes ``differing``: days whose rows in the warehouse are not as many as expected, or have keys in common.

    Days in scope that the lake does not have must have no rows, nor may days before the shop opened.
    """
    start, end = scope.start or OPENING, scope.end
    within = "day >= $start" + (" AND day <= $end" if end else "")
    connection.execute(
        f"""
        CREATE TABLE differing AS
        SELECT table_name, day, coalesce(expected.rows, 0) AS expected, coalesce(counted.rows, 0) AS rows
        FROM expected FULL JOIN counted USING (table_name, day)
        WHERE (expected.rows IS NOT NULL OR day < $opening OR ({within}))
          AND (coalesce(expected.rows, 0) <> coalesce(counted.rows, 0) OR counted.rows <> counted.keys)""",  # noqa: S608
        {"opening": OPENING, "start": start} | ({"end": end} if end else {}),
    )

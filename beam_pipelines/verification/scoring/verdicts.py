"""Whether the warehouse shows that a defect was caught, for every line of the truth in scope."""

from __future__ import annotations

import duckdb

from beam_pipelines import tables
from beam_pipelines.defects.rates import (
    CORRUPT,
    DUPLICATE,
    LATE,
    MISSING,
    NEWER,
    OLDER,
    RANGE,
    REFERENCE,
    TIME,
    UNBALANCED,
    VALUE,
)
from beam_pipelines.schema import Table, quoted
from beam_pipelines.verification.scoring.accounting import listed
from beam_pipelines.verification.scoring.warehouse import plain_type

REASONS = {
    MISSING: "required",
    RANGE: "range",
    REFERENCE: "references",
    VALUE: "values",
    UNBALANCED: "equation",
    TIME: "partition",
    CORRUPT: "corrupt_block",
}
"""The reason of the dead letter that each kind must have."""

KIND_OF_REASON = {reason: kind for kind, reason in REASONS.items()} | {"time_order": TIME}
"""The kind for which a letter that nothing explains is a false alarm; of another reason it is the reason itself."""

CREATE = """
CREATE TABLE verdicts (number BIGINT, caught BOOLEAN);
CREATE TABLE samples (number BIGINT, table_name VARCHAR, key VARCHAR, value VARCHAR);
"""
"""``samples`` are rows of files of an older schema, and what they must have in the column that is older."""

# Every name in these queries is one of the domain's or of ours.


def _case(choices: dict[str, str], of: str) -> str:
    """A value for each of some texts, in SQL."""
    return f"CASE {of} " + " ".join(f"WHEN '{name}' THEN '{value}'" for name, value in choices.items()) + " END"


_TIMES = _case({table.name: table.partition.column for table in tables.LAKE if table.partition}, "truths.table_name")

WANTED_LETTERS = f"""
CREATE TABLE wanted_letters AS
SELECT number, truths.table_name, coalesce({_case(REASONS, "kind")}, '{REASONS[TIME]}') AS reason,
  CASE WHEN kind = '{LATE}' THEN {_TIMES} WHEN kind <> '{CORRUPT}' THEN field END AS field,
  file, block_offset, row_in_block, CASE WHEN kind = '{CORRUPT}' THEN length END AS block_length
FROM truths
LEFT JOIN lake_days ON lake_days.table_name = truths.table_name AND lake_days.day = truths.event_date
WHERE truths.in_scope AND NOT unreadable
  AND (kind IN {listed(tuple(REASONS))} OR (kind = '{LATE}' AND lake_days.day IS NULL))
"""  # noqa: S608
"""The one letter that there must be about each defect that is to be refused."""

MATCHED = """
CREATE TABLE matched AS
SELECT wanted_letters.number AS number, found.number AS letter
FROM wanted_letters JOIN (
  -- A second letter of the same words is one too many.
  SELECT *, row_number() OVER (
    PARTITION BY reason, field, file, block_offset, row_in_block, block_length ORDER BY number) AS copy
  FROM letters
) AS found
ON found.copy = 1 AND found.file = wanted_letters.file AND found.block_offset = wanted_letters.block_offset
  AND found.reason = wanted_letters.reason
  AND found.row_in_block IS NOT DISTINCT FROM wanted_letters.row_in_block
  AND found.field IS NOT DISTINCT FROM wanted_letters.field
  AND found.block_length IS NOT DISTINCT FROM wanted_letters.block_length
"""

STRAY_LETTERS = f"""
CREATE TABLE stray_letters AS
SELECT letters.*, coalesce({_case(KIND_OF_REASON, "reason")}, reason) AS kind
FROM letters ANTI JOIN matched ON matched.letter = letters.number
"""  # noqa: S608
"""Letters that no line of the truth explains."""


def judge_letters(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds the verdicts on what is to be refused, and makes ``stray_letters``."""
    for sql in (WANTED_LETTERS, MATCHED, STRAY_LETTERS):
        connection.execute(sql)
    connection.execute("""
        INSERT INTO verdicts SELECT number, letter IS NOT NULL FROM wanted_letters LEFT JOIN matched USING (number)""")


def judge_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Adds the verdicts on a table's late rows, duplicates and newer versions, by its ``rows_of_TABLE``."""
    changed = column_of(connection, table, NEWER)
    newer = "false"
    if changed:
        assert table.partition
        is_new = f"bool_and({comparable(table, changed)} IS NOT DISTINCT FROM {comparable(table, changed, 'value')})"
        newer = f"{is_new} AND bool_and({quoted(table.partition.column)} = moment)"
    connection.execute(f"""
        INSERT INTO verdicts
        SELECT number, count(row_key) = 1 AND coalesce(CASE kind
          WHEN '{LATE}' THEN bool_and(row_day = event_date) WHEN '{NEWER}' THEN {newer} ELSE true END, false)
        FROM (
          SELECT number, kind, key, event_date, "is" AS value,
            CASE WHEN kind = '{NEWER}' THEN CAST(CAST(also_is AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP) END
              AS moment
          FROM truths
          WHERE in_scope AND NOT unreadable AND table_name = '{table.name}'
            AND kind IN {listed((LATE, DUPLICATE, NEWER))}
        ) AS known
        LEFT JOIN rows_of_{table.name} ON row_key = key
        WHERE number NOT IN (SELECT number FROM wanted_letters)
        GROUP BY number, kind""")  # noqa: S608 - see above


def judge_older(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Adds the verdicts on a table's files of an older schema, by ``samples`` and its ``rows_of_TABLE``.

    Some of a file's samples must be there, and those that are there as they are to be: a row that is lost says nothing
    of the file.
    """
    column = column_of(connection, table, OLDER)
    if not column:
        return
    same = f"{comparable(table, column)} IS NOT DISTINCT FROM {comparable(table, column, 'samples.value')}"
    connection.execute(f"""
        INSERT INTO verdicts
        SELECT truths.number, any_value(stray.file) IS NULL AND coalesce(bool_and(held), true)
        FROM truths
        LEFT JOIN (SELECT DISTINCT file FROM stray_letters WHERE row_in_block IS NULL) AS stray
          ON stray.file = truths.file
        LEFT JOIN (
          SELECT number, count(row_key) > 0 AND bool_and({same}) FILTER (row_key IS NOT NULL) AS held
          FROM samples LEFT JOIN rows_of_{table.name} ON row_key = key
          WHERE table_name = '{table.name}' GROUP BY number
        ) AS sampled ON sampled.number = truths.number
        WHERE in_scope AND kind = '{OLDER}' AND table_name = '{table.name}'
        GROUP BY truths.number""")  # noqa: S608 - see above


def column_of(connection: duckdb.DuckDBPyConnection, table: Table, kind: str) -> str:
    """The column of a table that a kind of defect in scope changes, which is always the same; empty for none."""
    found: list[tuple[str | None]] = connection.execute(
        "SELECT min(field) FROM truths WHERE in_scope AND kind = ? AND table_name = ?", [kind, table.name]
    ).fetchall()
    return found[0][0] or ""


def comparable(table: Table, column: str, text: str = "") -> str:
    """A column's value, or a text that the truth has for one, so that equal ones are equal in SQL."""
    return f"CAST({text or quoted(column)} AS {plain_type(table, column)})"

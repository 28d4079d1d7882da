"""What is asked of the warehouse, in GoogleSQL, and the answers as tables of the database that the scoring works in.

Many rows go by the warehouse's API as few: what a file's letters, or a day's keys, have in common is said once, the
rest as one text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date

import duckdb
import pyarrow as pa

from beam_pipelines.schema import Table, Type, quoted
from beam_pipelines.tables import dead_letters
from beam_pipelines.world import OPENING

Ask = Callable[[str, Mapping[str, str]], pa.Table]
"""Runs a query of the warehouse with these parameters, all of them text, and gives its rows."""

KEYS_AT_ONCE = 50_000
"""Keys that one query asks for: half a megabyte of them."""

CREATE = """
CREATE TABLE letters (
  number BIGINT, table_name VARCHAR, reason VARCHAR, field VARCHAR, file VARCHAR, day DATE,
  block_offset BIGINT, row_in_block BIGINT, block_length BIGINT
);
CREATE SEQUENCE letter_numbers;
CREATE TABLE counted (table_name VARCHAR, day DATE, rows BIGINT, keys BIGINT);
CREATE TABLE letter_keys (
  table_name VARCHAR, key VARCHAR, file VARCHAR, block_offset BIGINT, row_in_block BIGINT
);
"""

# Every name in these queries is one of the domain's tables.


def day_of(table: Table) -> str:
    """The day that a row of a table is of, in GoogleSQL; of a table without partitions the shop's first."""
    return f"DATE({table.partition.column})" if table.partition else f"DATE '{OPENING}'"


def key_of(table: Table) -> str:
    """The key of a row as text, in GoogleSQL: its numbers with hyphens between."""
    return _joined([f"CAST({name} AS STRING)" for name in table.key])


def letters_query(table: Table) -> str:
    """Every dead letter of a table: a row for each file, reason and field, whose places are one text."""
    letters = dead_letters(table)
    numbers = ("block_offset", "row_in_block", "block_length")
    place = ", ':', ".join(f"IFNULL(CAST({name} AS STRING), '')" for name in numbers)
    return f"""
        SELECT reason, field, file, STRING_AGG(CONCAT({place}), ',') AS places
        FROM {letters.dataset}.{letters.name} GROUP BY reason, field, file"""  # noqa: S608 - see above


def ask_letters(connection: duckdb.DuckDBPyConnection, ask: Ask, table: Table) -> None:
    """Adds a table's dead letters to ``letters``: those about files of days in scope, or of none that is known."""
    connection.register("arrived", ask(letters_query(table), {}))
    connection.execute(f"""
        INSERT INTO letters
        SELECT nextval('letter_numbers'), '{table.name}', reason, field, file, landed,
          {", ".join(f"TRY_CAST(nullif(split_part(place, ':', {i}), '') AS BIGINT)" for i in (1, 2, 3))}
        FROM (
          SELECT reason, field, file, unnest(string_split(places, ',')) AS place,
            TRY_CAST(regexp_extract(file, '/dt=([0-9-]+)/', 1) AS DATE) AS landed
          FROM arrived
        )
        LEFT JOIN lake_days ON lake_days.table_name = '{table.name}' AND lake_days.day = landed
        WHERE coalesce(in_scope, true)""")  # noqa: S608 - see above
    connection.unregister("arrived")


def counts_query(table: Table) -> str:
    """How many rows, and how many different keys, a table has of every day."""
    keys = ", ".join(table.key)
    return f"""
        SELECT day, SUM(same) AS row_count, COUNT(*) AS key_count
        FROM (
          SELECT day, {keys}, COUNT(*) AS same
          FROM (SELECT {day_of(table)} AS day, {keys} FROM {table.dataset}.{table.name})
          GROUP BY day, {keys}
        )
        GROUP BY day"""  # noqa: S608 - see above


def ask_counts(connection: duckdb.DuckDBPyConnection, ask: Ask, table: Table) -> None:
    """Adds a table's days to ``counted``."""
    connection.register("arrived", ask(counts_query(table), {}))
    connection.execute(
        f"INSERT INTO counted SELECT '{table.name}', day, row_count, key_count FROM arrived"  # noqa: S608 - see above
    )
    connection.unregister("arrived")


def keys_query(table: Table) -> str:
    """The keys of a table's rows of some days, ``@days``: a row for each day, whose keys are one text."""
    return f"""
        SELECT day, STRING_AGG(key, ',') AS keys
        FROM (SELECT {day_of(table)} AS day, {key_of(table)} AS key FROM {table.dataset}.{table.name})
        WHERE day IN (SELECT CAST(asked AS DATE) FROM UNNEST(SPLIT(@days, ',')) AS asked)
        GROUP BY day"""  # noqa: S608 - see above


def ask_keys(connection: duckdb.DuckDBPyConnection, ask: Ask, table: Table, days: Iterable[date]) -> None:
    """Makes ``found_keys`` of the keys that a table has of some days."""
    connection.register("arrived", ask(keys_query(table), {"days": ",".join(day.isoformat() for day in days)}))
    connection.execute("""
        CREATE OR REPLACE TABLE found_keys AS SELECT day, unnest(string_split(keys, ',')) AS key FROM arrived""")
    connection.unregister("arrived")


def letter_keys_query(table: Table) -> str:
    """The keys and places of the records that the dead letters about some files, ``@files``, hold."""
    letters = dead_letters(table)
    key = _joined([f"IFNULL(JSON_VALUE(record, '$.{name}'), '')" for name in table.key])
    return f"""
        SELECT {key} AS key, file, block_offset, row_in_block FROM {letters.dataset}.{letters.name}
        WHERE record IS NOT NULL AND file IN (SELECT asked FROM UNNEST(SPLIT(@files, ',')) AS asked)"""  # noqa: S608


def ask_letter_keys(connection: duckdb.DuckDBPyConnection, ask: Ask, table: Table, files: Collection[str]) -> None:
    """Adds the keys in the dead letters about some of a table's files to ``letter_keys``."""
    connection.register("arrived", ask(letter_keys_query(table), {"files": ",".join(sorted(files))}))
    connection.execute(
        f"INSERT INTO letter_keys SELECT '{table.name}', key, file, block_offset, row_in_block "  # noqa: S608 - see above
        "FROM arrived"
    )
    connection.unregister("arrived")


def rows_query(table: Table, columns: Collection[str]) -> str:
    """The rows of some keys, ``@keys``: a row for each day, whose keys and columns are lines of JSON."""
    wanted = ", ".join(
        f"CAST(SPLIT(asked, '-')[SAFE_OFFSET({position})] AS INT64) AS asked_{name}"
        for position, name in enumerate(table.key)
    )
    same = " AND ".join(f"{name} = asked_{name}" for name in table.key)
    fields = "".join(f", {_as_text(table, name)} AS {name}" for name in columns)
    return f"""
        SELECT row_day, STRING_AGG(TO_JSON_STRING(STRUCT({", ".join(("row_key", *columns))})), '\\n') AS packed
        FROM (
          SELECT {key_of(table)} AS row_key, {day_of(table)} AS row_day{fields}
          FROM {table.dataset}.{table.name}
          JOIN (SELECT {wanted} FROM UNNEST(SPLIT(@keys, ',')) AS asked) ON {same}
        )
        GROUP BY row_day"""  # noqa: S608 - see above


def ask_rows(
    connection: duckdb.DuckDBPyConnection, ask: Ask, table: Table, keys: str, columns: Collection[str]
) -> None:
    """Makes ``rows_of_TABLE`` of the rows that have one of some keys.

    Args:
        connection: The database.
        ask: Runs queries of the warehouse.
        table: Whose rows.
        keys: SQL that selects the keys in the database, as text.
        columns: What is wanted beside keys and days.
    """
    kinds = "".join(f", {quoted(name)} {plain_type(table, name)}" for name in columns)
    connection.execute(f"CREATE OR REPLACE TABLE rows_of_{table.name} (row_key VARCHAR, row_day DATE{kinds})")
    structure = ",".join(f'"{name}":"VARCHAR"' for name in ("row_key", *columns))
    fields = "".join(f", {_from_text(table, name)}" for name in columns)
    for asked in _packed(connection, keys):
        connection.register("arrived", ask(rows_query(table, columns), {"keys": asked}))
        connection.execute(f"""
            INSERT INTO rows_of_{table.name}
            SELECT line.row_key, row_day{fields}
            FROM (SELECT row_day, from_json(unnest(string_split(packed, chr(10))), '{{{structure}}}') AS line
              FROM arrived)""")  # noqa: S608 - see above
        connection.unregister("arrived")


def _packed(connection: duckdb.DuckDBPyConnection, keys: str) -> list[str]:
    """Different keys as a few texts, with commas between."""
    found = connection.execute(f"""
        SELECT string_agg(key, ',') FROM (
          SELECT key, row_number() OVER (ORDER BY key) // {KEYS_AT_ONCE} AS part
          FROM (SELECT DISTINCT key FROM ({keys}))
        ) GROUP BY part ORDER BY part""")  # noqa: S608 - see above
    return [text for (text,) in found.fetchall()]


def plain_type(table: Table, name: str) -> str:
    """The type of a column in the database: moments have no time zone there, they are UTC's."""
    column = table.column(name)
    return "TIMESTAMP" if column.type is Type.TIMESTAMP else column.duckdb_type


def _joined(parts: list[str]) -> str:
    """Texts with hyphens between, in GoogleSQL."""
    return parts[0] if len(parts) == 1 else "CONCAT(" + ", '-', ".join(parts) + ")"


def _as_text(table: Table, name: str) -> str:
    """A column as text, in GoogleSQL; a moment as its microseconds."""
    return f"CAST({f'UNIX_MICROS({name})' if table.column(name).type is Type.TIMESTAMP else name} AS STRING)"


def _from_text(table: Table, name: str) -> str:
    """A column from its text, in DuckDB's SQL."""
    if table.column(name).type is Type.TIMESTAMP:
        return f"make_timestamp(CAST(line.{quoted(name)} AS BIGINT))"
    return f"CAST(line.{quoted(name)} AS {plain_type(table, name)})"

"""A month with defects, generated, loaded and held against the truth and against the same month without them.

``python -m tests.benchmarks.acceptance``: too long for ``make test``, in which tests/pipelines/test_load_truth.py does
the same to four small days, row by row.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

from beam_pipelines import cli, tables
from beam_pipelines.defects import rates, schemas
from beam_pipelines.schema import Table

REFUSED = (rates.MISSING, rates.RANGE, rates.REFERENCE, rates.VALUE, rates.UNBALANCED, rates.TIME)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs it all in a folder, and prints what was compared; exits with 1 if anything is not as it has to be."""
    parser = argparse.ArgumentParser(prog="acceptance", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where lakes and warehouses stay (default: nowhere)")
    parser.add_argument("--start_date", default="2019-01-01")
    parser.add_argument("--end_date", default="2019-01-31")
    parser.add_argument("--scale", default="1")
    parser.add_argument("--defect_rate", default="0.01")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="acceptance-") as temporary:
        folder = given.folder or Path(temporary)
        days = (f"--start_date={given.start_date}", f"--end_date={given.end_date}")
        # There are fewer blocks and files than rows, so more of them have to be hit.
        dirty = (f"--defect_rate={given.defect_rate}", "--defects=corrupt_block=0.05,older_schema=0.05")
        for name, defects in (("clean", ()), ("dirty", dirty)):
            lake, warehouse = f"{folder}/{name}", f"--warehouse={folder}/{name}.duckdb"
            retail("generate", f"--output={lake}", *days, f"--scale={given.scale}", *defects)
            retail("load", f"--input={lake}", *days, warehouse)
        retail("verify", f"--input={folder}/dirty", "--truth", f"--warehouse={folder}/dirty.duckdb")
        wrong = differences(folder)
    print("\n".join(wrong) or "every row is as it has to be")
    sys.exit(bool(wrong))


def retail(*arguments: str) -> None:
    """Runs a command; exits if it fails."""
    print("retail", *arguments, flush=True)
    if status := cli.main(arguments):
        sys.exit(status)


def differences(folder: Path) -> list[str]:
    """What differs between both warehouses without the truth saying so, and partitions that do not add up."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in ("clean", "dirty"):
            connection.execute(f"ATTACH '{folder}/{name}.duckdb' AS {name} (READ_ONLY)")
        columns = "{kind: 'VARCHAR', \"table\": 'VARCHAR', key: 'JSON', field: 'VARCHAR', was: 'JSON'}"
        files = f"'{folder}/dirty/_truth/*/*/*.jsonl', format = 'newline_delimited', columns = {columns}"
        connection.execute(f"CREATE TABLE truth AS SELECT * FROM read_json({files})")
        found = [line for table in tables.LAKE for line in of_table(connection, table)]
        return found + not_adding_up(connection)


def of_table(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """What differs in a lake table."""
    older = schemas.older(table)
    names = [column.name for column in table.columns if not (older.is_absent and column.name == older.column)]
    same = " AND ".join(f"one.{name} = other.{name}" for name in table.key)
    keys = ", ".join(key_in_truth(name) for name in table.key)
    of_rows = f"FROM truth WHERE \"table\" = '{table.name}' AND key IS NOT NULL"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE named AS SELECT kind, {keys} {of_rows}")
    clean, dirty, named = f"clean.retail.{table.name}", f"dirty.retail.{table.name}", "named"
    one, other = (f"ROW({', '.join(f'{side}.{name}' for name in names)})" for side in ("one", "other"))
    of_kinds = f"other.kind IN {(*REFUSED, rates.WITHHELD)}"
    queries = {
        "rows that were not drawn": f"FROM {dirty} AS one ANTI JOIN {clean} AS other ON {same}",
        "rows that should have been refused": f"FROM {dirty} AS one SEMI JOIN {named} AS other ON {same} "
        f"AND other.kind IN {REFUSED}",
        "rows that differ": f"FROM {dirty} AS one JOIN {clean} AS other ON {same} ANTI JOIN {named} AS newer "
        f"ON {same.replace('other.', 'newer.')} AND newer.kind = '{rates.NEWER}' WHERE {one} IS DISTINCT FROM {other}",
        "rows that are missing": f"FROM (FROM {clean} AS one ANTI JOIN {dirty} AS other ON {same}) AS one "
        f"ANTI JOIN {named} AS other ON {same} AND {of_kinds}",
    }
    counts = {what: scalar(connection, f"SELECT COUNT(*) {query}") for what, query in queries.items()}
    lines = f"dirty.ops.partition_loads_{table.name}"
    unreadable = scalar(
        connection, f"SELECT COALESCE(SUM(rows_unreadable), 0) FROM {lines} WHERE table_name = '{table.name}'"
    )
    rows = scalar(connection, f"SELECT COUNT(*) FROM {dirty}")
    print(f"{table.name}: {rows:,} rows, {unreadable:,} unreadable, {json.dumps(counts)}")
    # Rows of corrupt blocks are missing too, and which they are only the blocks could say.
    counts["rows that are missing"] = max(0, counts["rows that are missing"] - unreadable)
    return [f"{table.name}: {count:,} {what}" for what, count in counts.items() if count]


def key_in_truth(name: str) -> str:
    """A column of the key as it was drawn."""
    was = f"CASE WHEN field = '{name}' THEN was END"
    return f"COALESCE({was}, key -> '{name}')::BIGINT AS {name}"


def not_adding_up(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The lines of loads that do not add up."""
    found = []
    for table in tables.PARTITION_LOADS:
        query = (
            f"SELECT table_name, partition_id FROM dirty.ops.{table.name} WHERE rows_in <> rows_loaded + rows_refused "
            "+ rows_deduplicated + rows_unreadable OR list_bool_or([amount.amount_in <> amount.amount_loaded + "
            "amount.amount_refused + amount.amount_deduplicated FOR amount IN amounts])"
        )
        found += [f"{name}${partition} does not add up" for name, partition in connection.execute(query).fetchall()]
    return found


def scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The only value of a query."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    main()

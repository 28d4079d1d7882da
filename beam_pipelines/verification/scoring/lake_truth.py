"""The truth about a lake's defects, line by line, as a table of the database that the scoring works in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from beam_pipelines import storage
from beam_pipelines.defects import KINDS
from beam_pipelines.defects.rates import WITHHELD
from beam_pipelines.defects.truth import root
from beam_pipelines.lake import LakeError
from beam_pipelines.schema import Table
from beam_pipelines.verification.scoring.lake_days import part_of

CREATE = """
CREATE TABLE truths (
  number BIGINT, kind VARCHAR, table_name VARCHAR, key VARCHAR, event_date DATE, landed_date DATE, day DATE,
  part INTEGER, field VARCHAR, was VARCHAR, "is" VARCHAR, also_field VARCHAR, also_is VARCHAR,
  file VARCHAR, block BIGINT, block_offset BIGINT, row_in_block BIGINT, rows BIGINT, length BIGINT,
  unreadable BOOLEAN, in_scope BOOLEAN
);
CREATE SEQUENCE truth_numbers;
"""
"""``day`` and ``part`` are of the file of lines; ``key`` is the key's numbers with hyphens between."""

BYTES_AT_ONCE = 1 << 25
"""Lines are parsed together until they are so many bytes: most days of a table have few."""

_STRUCTURE = (
    '{"kind":"VARCHAR","table":"VARCHAR","key":"JSON","event_date":"DATE","landed_date":"DATE","field":"VARCHAR",'
    '"was":"JSON","is":"JSON","also":"JSON","file":"VARCHAR","block":"BIGINT","offset":"BIGINT",'
    '"row_in_block":"BIGINT","rows":"BIGINT","length":"BIGINT","unreadable":"BOOLEAN"}'
)


class TruthFile(NamedTuple):
    """A file of lines of the truth."""

    path: str
    day: date
    part: int
    in_scope: bool


def files_of(lake: str, table: Table) -> Iterator[tuple[str, date]]:
    """Paths of the files with a table's truth and the days they are about, in order."""
    for path in storage.find(root(lake), f"{table.name}/dt=*/part-*.jsonl"):
        folder = path.rsplit("/", 2)[-2]
        try:
            yield path, date.fromisoformat(folder.removeprefix("dt="))
        except ValueError:
            raise LakeError(f"{path}: expected a folder named dt=YYYY-MM-DD, got {folder!r}") from None


def read(connection: duckdb.DuckDBPyConnection, table: Table, files: Iterable[TruthFile]) -> None:
    """Adds the lines of a table's files to ``truths``; LakeError for the first that is none."""
    waiting: list[tuple[TruthFile, bytes]] = []
    size = 0
    for file in files:
        data = storage.read(file.path).decode(errors="replace").encode()
        waiting.append((file, data))
        size += len(data)
        if size >= BYTES_AT_ONCE:
            _add(connection, table, waiting)
            waiting, size = [], 0
    if waiting:
        _add(connection, table, waiting)


def truth_file(path: str, day: date, *, in_scope: bool) -> TruthFile:
    """A file of lines, whose number is that of the data file it is about."""
    return TruthFile(path, day, part_of(path.rsplit("/", 1)[1]), in_scope)


def lines_of(data: bytes) -> pa.Array[Any]:
    r"""The lines of a text, each with its newline, without an object for any of them.

    >>> lines_of(b'{"a": 1}\n{}').to_pylist()
    ['{"a": 1}\n', '{}']
    """
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends, [len(data)] if not data.endswith(b"\n") else []]).astype(np.int64)
    return pa.Array.from_buffers(pa.large_utf8(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _add(connection: duckdb.DuckDBPyConnection, table: Table, read_files: list[tuple[TruthFile, bytes]]) -> None:
    files = [file for file, _ in read_files]
    connection.register("arrived", _lines(read_files))
    _check(connection, table, files, "NOT json_valid(line)", "arrived")
    key = ", ".join(f"parsed.key->>'$.{name}'" for name in table.key)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE parsed_lines AS
        SELECT * EXCLUDE (parsed), parsed.*,
          CASE WHEN json_type(parsed.key) = 'OBJECT' THEN concat_ws('-', {key}) END AS key_text
        FROM (SELECT *, from_json(line, '{_STRUCTURE}') AS parsed FROM arrived)""")  # noqa: S608 - names are ours
    connection.unregister("arrived")
    kinds = ", ".join(f"'{kind}'" for kind in (*KINDS, WITHHELD))
    wrong = f"kind IS NULL OR kind NOT IN ({kinds}) OR \"table\" IS DISTINCT FROM '{table.name}'"
    _check(connection, table, files, f"{wrong} OR event_date IS NULL OR landed_date IS NULL", "parsed_lines")
    connection.execute("""
        INSERT INTO truths
        SELECT nextval('truth_numbers'), kind, "table", key_text, event_date, landed_date, day, part, field,
          was->>'$', "is"->>'$', also->>'$.field', also->>'$.is', file, block, "offset", row_in_block, rows, length,
          coalesce(unreadable, false), in_scope AND kind <> 'withheld'
        FROM parsed_lines ORDER BY file_number, line_number""")


def _lines(read_files: list[tuple[TruthFile, bytes]]) -> pa.Table:
    """The lines of files, each with its number in its file, and with what is known of that."""
    arrays = [lines_of(data) for _, data in read_files]
    counts = [len(array) for array in arrays]
    file_numbers = pa.array(np.repeat(np.arange(len(counts)), counts))
    known = {name: [getattr(file, name) for file, _ in read_files] for name in ("day", "part", "in_scope")}
    return pa.table(
        {
            "line": pa.chunked_array(arrays),
            "line_number": pa.array(np.concatenate([np.arange(1, count + 1) for count in counts])),
            "file_number": file_numbers,
        }
        | {name: pa.array(values).take(file_numbers) for name, values in known.items()}
    )


def _check(
    connection: duckdb.DuckDBPyConnection, table: Table, files: list[TruthFile], wrong: str, source: str
) -> None:
    found = connection.execute(
        f"SELECT file_number, line_number, line FROM {source} WHERE {wrong} ORDER BY ALL LIMIT 1"  # noqa: S608 - ours
    ).fetchall()
    for number, line_number, line in found:
        raise LakeError(
            f"{files[number].path}: line {line_number}: expected a defect of {table.name} with kind and days, "
            f"got {line.strip()[:80]!r}"
        )

"""What another reader of Avro, fastavro, makes of the same bytes."""

from __future__ import annotations

import io
from typing import Any

import fastavro


def without_times(schema: Any) -> Any:
    """The schema with numbers in place of times, which Python has for fewer numbers than Avro."""
    if isinstance(schema, list):
        return [without_times(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "logicalType" or value == "decimal"}
    for key in ("type", "items", "values"):
        if key in kept:
            kept[key] = without_times(kept[key])
    if isinstance(kept.get("fields"), list):
        kept["fields"] = [without_times(one) for one in kept["fields"]]
    return kept


class Peer:
    """fastavro, with a writer's schema and, if need be, a reader's."""

    def __init__(self, writer: Any, reader: Any | None) -> None:
        self._writer = fastavro.parse_schema(without_times(writer))
        self._reader = fastavro.parse_schema(without_times(reader)) if reader is not None else None

    def rows(self, data: bytes, rows: int) -> tuple[bytes, int] | None:
        """The rows, written by fastavro in turn, and the bytes they took; None if it does not read them."""
        return _again(data, rows, self._writer, self._reader)

    def read_rows(self, data: bytes, rows: int) -> tuple[bytes, int] | None:
        """The same for rows that have been read and written again, so that they are of the reader's schema."""
        return _again(data, rows, self._reader or self._writer, None)


def _again(data: bytes, rows: int, writer: Any, reader: Any | None) -> tuple[bytes, int] | None:
    file, out = io.BytesIO(data), io.BytesIO()
    try:
        for _ in range(rows):
            row = fastavro.schemaless_reader(file, writer, reader)
            fastavro.schemaless_writer(out, reader or writer, row)
    except Exception:  # whatever it raises: it is not what is tested here
        return None
    return out.getvalue(), file.tell()

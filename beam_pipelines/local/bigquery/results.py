"""Query results: from Arrow to the rows of BigQuery's REST API, and where they wait to be fetched."""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyRelation

from beam_pipelines.local.bigquery.geography import text_of_point
from beam_pipelines.local.bigquery.names import TableName

Field = dict[str, Any]

ANONYMOUS_DATASET = "_anonymous"
"""The dataset of the tables that results without a destination are said to be in."""
_KEPT_RESULTS = 50
_KEPT_BYTES = 1 << 30

_TYPES = {
    "boolean": "BOOLEAN",
    "double": "FLOAT",
    "float": "FLOAT",
    "decimal": "NUMERIC",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "DATETIME",
    "timestamp_s": "DATETIME",
    "timestamp_ms": "DATETIME",
    "timestamp_ns": "DATETIME",
    "timestamp with time zone": "TIMESTAMP",
    "blob": "BYTES",
    "geometry": "GEOGRAPHY",
    "interval": "INTERVAL",
    "varchar": "STRING",
    "uuid": "STRING",
    "enum": "STRING",
    "null": "INTEGER",  # as in BigQuery, where the type of a bare NULL is INT64
}
_INTEGERS = {"tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint"}


@dataclass(frozen=True)
class Result:
    """The rows of a finished query."""

    table: pa.Table
    fields: list[Field]


class Results:
    """The results of the last queries, in memory: as in BigQuery they are a cache that may be gone."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Result] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, job_id: str, result: Result) -> None:
        """Keeps a query's result; the oldest ones make room."""
        with self._lock:
            self._kept[job_id] = result
            while len(self._kept) > 1 and (
                len(self._kept) > _KEPT_RESULTS or sum(kept.table.nbytes for kept in self._kept.values()) > _KEPT_BYTES
            ):
                self._kept.popitem(last=False)

    def find(self, job_id: str) -> Result | None:
        """The result of that job, if it is still kept."""
        with self._lock:
            return self._kept.get(job_id)

    def find_table(self, name: TableName) -> Result | None:
        """The result whose anonymous table has that name, if it is still kept."""
        return self.find(name.table.removeprefix("anon_")) if name.dataset == ANONYMOUS_DATASET else None


def fields_of(relation: DuckDBPyRelation) -> list[Field]:
    """The TableFieldSchema of each column of a relation."""
    return [_field(name, kind) for name, kind in zip(relation.columns, relation.types, strict=True)]


def _field(name: str, kind: Any) -> Field:
    mode = "NULLABLE"
    if kind.id in ("list", "array"):
        kind, mode = kind.children[0][1], "REPEATED"
    field: Field = {"name": name, "type": _type(kind), "mode": mode}
    if field["type"] == "RECORD":
        field["fields"] = [_field(inner, child) for inner, child in kind.children]
    return field


def _type(kind: Any) -> str:
    if kind.id in ("struct", "row"):
        return "RECORD"
    if kind.id in _INTEGERS:
        return "INTEGER"
    if str(kind) == "JSON":
        return "JSON"
    return _TYPES.get(kind.id, "STRING")


def rows_of(table: pa.Table, fields: Sequence[Field], *, int64_timestamps: bool) -> list[dict[str, Any]]:
    """The rows as the REST API has them: ``{"f": [{"v": …}, …]}``."""
    columns = [
        _rendered(column.combine_chunks() if column.num_chunks != 1 else column.chunk(0), field, int64_timestamps)
        for column, field in zip(table.columns, fields, strict=True)
    ]
    return [{"f": [{"v": value} for value in row]} for row in zip(*columns, strict=True)]


def _rendered(array: pa.Array, field: Field, int64_timestamps: bool) -> list[Any]:
    if field["mode"] == "REPEATED":
        values = iter(_rendered(array.flatten(), field | {"mode": "NULLABLE"}, int64_timestamps))
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_pylist()
        return [[{"v": value} for value in islice(values, length)] for length in lengths]
    kind = field["type"]
    if kind == "RECORD":
        parts = [
            _rendered(child, inner, int64_timestamps)
            for child, inner in zip(array.flatten(), field["fields"], strict=True)
        ]
        records = [{"f": [{"v": value} for value in row]} for row in zip(*parts, strict=True)]
        return [record if valid else None for record, valid in zip(records, array.is_valid().to_pylist(), strict=True)]
    if kind == "TIMESTAMP":
        return _timestamps(array, int64_timestamps)
    if kind in ("INTEGER", "BOOLEAN", "DATE"):
        return list(array.cast(pa.string()).to_pylist())
    if kind == "NUMERIC" and array.type.scale > 9:
        array = pc.round(array, 9, round_mode="half_towards_infinity")
    render = _RENDER.get(kind)
    values = array.to_pylist()
    return [None if value is None else render(value) for value in values] if render else list(values)


def _timestamps(array: pa.Array, as_int64: bool) -> list[str | None]:
    micros = array.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    if as_int64:
        return list(micros.cast(pa.string()).to_pylist())
    return [None if value is None else repr(value / 1e6) for value in micros.to_pylist()]


def _float(value: float) -> str:
    special = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
    text = repr(value)
    return special.get(text, text)


def _numeric(value: Any) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _interval(value: pa.MonthDayNano) -> str:
    years, months = divmod(abs(value.months), 12)
    seconds, nanos = divmod(abs(value.nanoseconds), 1_000_000_000)
    fraction = f".{nanos // 1000:06d}" if nanos else ""
    signs = ["-" if part < 0 else "" for part in (value.months, value.nanoseconds)]
    clock = f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}{fraction}"
    return f"{signs[0]}{years}-{months} {value.days} {signs[1]}{clock}"


_RENDER: dict[str, Callable[[Any], str]] = {
    "FLOAT": _float,
    "NUMERIC": _numeric,
    "DATETIME": lambda value: value.isoformat(),
    "TIME": lambda value: value.isoformat(),
    "BYTES": lambda value: base64.b64encode(value).decode(),
    "GEOGRAPHY": text_of_point,
    "INTERVAL": _interval,
    "STRING": str,
}

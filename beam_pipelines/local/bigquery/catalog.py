"""What datasets and tables there are: BigQuery's description of each, kept beside its rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from beam_pipelines.local.bigquery.errors import ApiError, invalid, not_found
from beam_pipelines.local.bigquery.geography import columns_of_fields
from beam_pipelines.local.bigquery.names import TableName, now_millis
from beam_pipelines.local.bigquery.partitioning import UNPARTITIONED, Partitioning, partitioning_of
from beam_pipelines.local.bigquery.storage import first_row
from beam_pipelines.schema import Column, SchemaError

Document = dict[str, Any]


@dataclass(frozen=True)
class PartitionCount:
    """What is known of one partition's rows."""

    partition_id: str
    rows: int
    logical_bytes: int
    last_modified: dt.datetime


def find_dataset(cursor: DuckDBPyConnection, dataset_id: str) -> Document | None:
    """The stored Dataset resource, if there is one."""
    row = first_row(cursor, "SELECT document FROM _bigquery.datasets WHERE dataset_id = ?", [dataset_id])
    return json.loads(row[0]) if row else None


def dataset(cursor: DuckDBPyConnection, project: str, dataset_id: str) -> Document:
    """The stored Dataset resource; an ApiError if there is none."""
    found = find_dataset(cursor, dataset_id)
    if found is None:
        raise not_found("Dataset", f"{project}:{dataset_id}")
    return found


def all_datasets(cursor: DuckDBPyConnection) -> list[Document]:
    """All Dataset resources by id."""
    rows = cursor.execute("SELECT document FROM _bigquery.datasets ORDER BY dataset_id").fetchall()
    return [json.loads(row[0]) for row in rows]


def save_dataset(cursor: DuckDBPyConnection, dataset_id: str, document: Mapping[str, Any]) -> None:
    """Stores a Dataset resource in place of the one of that id."""
    forget_dataset(cursor, dataset_id)
    cursor.execute("INSERT INTO _bigquery.datasets VALUES (?, ?)", [dataset_id, json.dumps(document)])


def forget_dataset(cursor: DuckDBPyConnection, dataset_id: str) -> None:
    """Removes the Dataset resource of that id."""
    cursor.execute("DELETE FROM _bigquery.datasets WHERE dataset_id = ?", [dataset_id])


def find_table(cursor: DuckDBPyConnection, name: TableName) -> Document | None:
    """The stored Table resource, if there is one."""
    query = "SELECT document FROM _bigquery.tables WHERE dataset_id = ? AND table_id = ?"
    row = first_row(cursor, query, [name.dataset, name.table])
    return json.loads(row[0]) if row else None


def table(cursor: DuckDBPyConnection, name: TableName) -> Document:
    """The stored Table resource; an ApiError if there is none, or no such dataset."""
    found = find_table(cursor, name)
    if found is None:
        dataset(cursor, name.project, name.dataset)
        raise not_found("Table", str(name.whole))
    return found


def all_tables(cursor: DuckDBPyConnection, dataset_id: str | None = None) -> Iterator[Document]:
    """The Table resources of a dataset, or of all, by id."""
    query = (
        "SELECT document FROM _bigquery.tables WHERE dataset_id = coalesce(?, dataset_id) ORDER BY dataset_id, table_id"
    )
    for row in cursor.execute(query, [dataset_id]).fetchall():
        yield json.loads(row[0])


def save_table(cursor: DuckDBPyConnection, name: TableName, document: Mapping[str, Any]) -> None:
    """Stores a Table resource in place of the one of that name, and what INFORMATION_SCHEMA.COLUMNS says of it."""
    cursor.execute("DELETE FROM _bigquery.tables WHERE dataset_id = ? AND table_id = ?", [name.dataset, name.table])
    cursor.execute("INSERT INTO _bigquery.tables VALUES (?, ?, ?)", [name.dataset, name.table, json.dumps(document)])
    cursor.execute("DELETE FROM _bigquery.columns WHERE dataset_id = ? AND table_id = ?", [name.dataset, name.table])
    if described := _described_columns(name, document):
        cursor.executemany("INSERT INTO _bigquery.columns VALUES (?, ?, ?, ?, ?, ?, ?, ?)", described)


def _described_columns(name: TableName, document: Mapping[str, Any]) -> list[tuple[object, ...]]:
    partition_column = ((document.get("timePartitioning") or {}).get("field") or "").lower()
    clustering = [field.lower() for field in (document.get("clustering") or {}).get("fields", ())]
    rows: list[tuple[object, ...]] = []
    for position, field in enumerate((document.get("schema") or {}).get("fields", ()), start=1):
        lower = field["name"].lower()
        nullable = "NO" if field.get("mode") == "REQUIRED" else "YES"
        partitioning_column = "YES" if lower == partition_column else "NO"
        cluster = clustering.index(lower) + 1 if lower in clustering else None
        column = (position, field["name"], googlesql_type(field), nullable, partitioning_column, cluster)
        rows.append((name.dataset, name.table, *column))
    return rows


def googlesql_type(field: Mapping[str, Any]) -> str:
    """The type of a TableFieldSchema in GoogleSQL.

    >>> googlesql_type({"name": "l", "type": "FLOAT", "mode": "REPEATED"})
    'ARRAY<FLOAT64>'
    """
    names = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    kind = names.get(field["type"].upper(), field["type"].upper())
    if field.get("fields"):
        inner = ", ".join(f"{each['name']} {googlesql_type(each)}" for each in field["fields"])
        kind = f"STRUCT<{inner}>"
    elif field.get("precision"):
        kind += f"({field['precision']}, {field['scale']})" if field.get("scale") else f"({field['precision']})"
    return f"ARRAY<{kind}>" if field.get("mode") == "REPEATED" else kind


def forget_table(cursor: DuckDBPyConnection, name: TableName) -> None:
    """Removes the Table resource of that name, and what is known of its partitions."""
    for metadata in ("tables", "columns", "partitions"):
        cursor.execute(
            f"DELETE FROM _bigquery.{metadata} WHERE dataset_id = ? AND table_id = ?",  # noqa: S608 - two literals
            [name.dataset, name.table],
        )


def name_of(document: Mapping[str, Any]) -> TableName:
    """The name in a Table resource."""
    reference = document["tableReference"]
    return TableName(reference["projectId"], reference["datasetId"], reference["tableId"])


def columns_of(document: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns of a Table resource; an ApiError that names the field for what a column cannot be."""
    try:
        return columns_of_fields(document.get("schema", {}).get("fields", ()))
    except SchemaError as error:
        raise ApiError(400, "invalid", f"{error} (by the local BigQuery)") from None
    except KeyError as error:
        raise invalid(f"A field of the schema has no {error}") from None


def partitioning(document: Mapping[str, Any]) -> Partitioning | None:
    """How a Table resource is partitioned."""
    asked = document.get("timePartitioning")
    if not asked:
        return None
    name = (asked.get("field") or "").lower()  # its column alone: there may be many, and every load asks
    fields = [field for field in document["schema"].get("fields", ()) if field["name"].lower() == name]
    return partitioning_of(document, columns_of({"schema": {"fields": fields}}))


def partition_counts(cursor: DuckDBPyConnection, name: TableName) -> list[PartitionCount]:
    """What is known of each partition of a table; one entry for a table without partitions."""
    query = """
        SELECT partition_id, total_rows, total_logical_bytes, epoch_us(last_modified_time) FROM _bigquery.partitions
        WHERE dataset_id = ? AND table_id = ? ORDER BY partition_id
    """
    rows = cursor.execute(query, [name.dataset, name.table]).fetchall()
    return [PartitionCount(i, n, size, dt.datetime.fromtimestamp(us / 1e6, dt.UTC)) for i, n, size, us in rows]


def set_partition(cursor: DuckDBPyConnection, name: TableName, partition_id: str, rows: int, size: int) -> None:
    """Records that a partition was written just now; one without rows is not there."""
    cursor.execute(
        "DELETE FROM _bigquery.partitions WHERE dataset_id = ? AND table_id = ? AND partition_id = ?",
        [name.dataset, name.table, partition_id],
    )
    if rows or partition_id == UNPARTITIONED:
        cursor.execute(
            "INSERT INTO _bigquery.partitions VALUES (?, ?, ?, ?, ?, now())",
            [name.dataset, name.table, partition_id, rows, size],
        )


def recount(
    cursor: DuckDBPyConnection, name: TableName, document: Mapping[str, Any], *, touched_all: bool = False
) -> None:
    """Counts a table's partitions again, after a change that may have touched any of them.

    Args:
        cursor: a cursor inside the transaction of the change.
        name: the table.
        document: its Table resource.
        touched_all: counts that did not change do not tell that nothing was written (an UPDATE).
    """
    known = {count.partition_id: count for count in partition_counts(cursor, name)}
    scheme = partitioning(document)
    partition_id = scheme.id_sql if scheme else f"'{UNPARTITIONED}'"
    query = f"SELECT {partition_id}, count(*) FROM {name.sql} GROUP BY 1"  # noqa: S608 - quoted names
    found: dict[str, int] = dict(cursor.execute(query).fetchall())
    if scheme is None:
        found.setdefault(UNPARTITIONED, 0)
    width = row_width(columns_of(document))
    for changed in {*known, *found}:
        rows = found.get(changed, 0)
        if touched_all or changed not in known or known[changed].rows != rows:
            set_partition(cursor, name, changed, rows, rows * width)


def row_width(columns: tuple[Column, ...]) -> int:
    """About how many logical bytes a row has, by BigQuery's sizes (a string counted as 12 characters)."""
    fixed = {"BOOLEAN": 1, "NUMERIC": 16, "STRING": 14, "BYTES": 14}
    return sum(
        (row_width(column.fields) if column.fields else fixed.get(column.type.value, 8)) * (2 if column.repeated else 1)
        for column in columns
    )


def etag(document: Mapping[str, Any]) -> str:
    """A tag that changes with the document."""
    return hashlib.md5(json.dumps(document, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def changed(document: Document, given: Mapping[str, Any], *, merge_labels: bool) -> Document:
    """A resource with the given fields: null removes one, and with ``merge_labels`` labels change one by one."""
    found = document | {"lastModifiedTime": str(now_millis())}
    for key, value in given.items():
        if key == "labels" and value is not None and merge_labels:
            merged = {**found.get("labels", {}), **value}
            value = {label: text for label, text in merged.items() if text is not None}
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return found

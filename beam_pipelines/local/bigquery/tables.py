"""The tables.* methods: a Table resource and the DuckDB table or view behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from beam_pipelines.local.bigquery import catalog
from beam_pipelines.local.bigquery.errors import ApiError, duplicate, invalid, unsupported
from beam_pipelines.local.bigquery.names import TableName, check_table_id, now_millis
from beam_pipelines.local.bigquery.partitioning import partitioning_of
from beam_pipelines.local.bigquery.schema_evolution import UPDATE, alterations, definition, evolved
from beam_pipelines.schema import Column, Type

Document = dict[str, Any]
TranslateView = Callable[[DuckDBPyConnection, str], str]
"""From GoogleSQL to the DuckDB SQL of a view."""

_UNSUPPORTED = (
    "materializedView",
    "externalDataConfiguration",
    "rangePartitioning",
    "encryptionConfiguration",
    "biglakeConfiguration",
    "cloneDefinition",
    "snapshotDefinition",
    "model",
    "tableConstraints",
    "tableReplicationInfo",
)
_OUTPUT_ONLY = ("kind", "etag", "id", "selfLink", "numBytes", "numRows", "lastModifiedTime", "creationTime", "location")


def refuse_unsupported(body: Mapping[str, Any]) -> None:
    """Raises an ApiError for a part of a Table resource that this server cannot honour."""
    for name in _UNSUPPORTED:
        if body.get(name):
            raise unsupported(name)


def create(cursor: DuckDBPyConnection, name: TableName, body: Mapping[str, Any], translate: TranslateView) -> Document:
    """Creates the table or view that a Table resource describes, and stores the resource."""
    refuse_unsupported(body)
    check_table_id(name.table)
    catalog.dataset(cursor, name.project, name.dataset)
    if catalog.find_table(cursor, name):
        raise duplicate("Table", str(name))
    now = str(now_millis())
    kept = {key: value for key, value in body.items() if key not in _OUTPUT_ONLY and value is not None}
    document = kept | {
        "tableReference": name.reference,
        "type": "VIEW" if body.get("view") else "TABLE",
        "creationTime": now,
        "lastModifiedTime": now,
    }
    if body.get("view"):
        document["schema"] = {"fields": define_view(cursor, name, document, translate)}
    else:
        document["schema"] = body.get("schema") or {"fields": []}
        create_rows(cursor, name, document)
    catalog.save_table(cursor, name, document)
    return document


def create_rows(cursor: DuckDBPyConnection, name: TableName, document: Mapping[str, Any]) -> None:
    """Creates the DuckDB table for a Table resource, in place of the one that is there."""
    columns = catalog.columns_of(document)
    check_layout(document, columns)
    cursor.execute(f"DROP TABLE IF EXISTS {name.sql}")
    if columns:  # a table without a schema gets its DuckDB table when the first load brings one
        definitions = ", ".join(definition(column) for column in columns)
        cursor.execute(f"CREATE TABLE {name.sql} ({definitions})")
        catalog.recount(cursor, name, document)


def check_layout(document: Mapping[str, Any], columns: tuple[Column, ...]) -> None:
    """Raises an ApiError unless the columns carry the partitioning and the clustering."""
    names = [column.name.lower() for column in columns]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise invalid(f"Duplicate field name: {', '.join(sorted(repeated))}")
    if columns:
        partitioning_of(document, columns)
    for field in (document.get("clustering") or {}).get("fields", ()):
        column = next((column for column in columns if column.name.lower() == field.lower()), None)
        if columns and column is None:
            raise invalid(f"The field specified for clustering cannot be found in the schema. Invalid field: {field}.")
        if column and (column.repeated or column.type in (Type.RECORD, Type.FLOAT64, Type.BYTES)):
            raise invalid(f"CLUSTER BY expression must be groupable, but {field} is {column.type}")


def define_view(
    cursor: DuckDBPyConnection, name: TableName, document: Mapping[str, Any], translate: TranslateView
) -> list[Document]:
    """Creates or replaces the DuckDB view for a Table resource; answers with the view's fields."""
    from beam_pipelines.local.bigquery.results import fields_of

    view = document["view"]
    if view.get("useLegacySql", False) in (True, "true"):
        raise unsupported("view.useLegacySql")
    sql = translate(cursor, view["query"])
    cursor.execute(f"CREATE OR REPLACE VIEW {name.sql} AS {sql}")
    return fields_of(cursor.sql(f"SELECT * FROM {name.sql}"))  # noqa: S608 - quoted names


def refresh_views(cursor: DuckDBPyConnection, translate: TranslateView) -> int:
    """Defines all views again, for DuckDB remembers the columns that a view's tables had.

    Returns:
        How many it could not define.
    """
    failed = 0
    for document in catalog.all_tables(cursor):
        if document["type"] == "VIEW":
            name = catalog.name_of(document)
            try:
                document["schema"] = {"fields": define_view(cursor, name, document, translate)}
            except (ApiError, duckdb.Error):  # the view names what is gone: using it will say so
                failed += 1
                continue
            catalog.save_table(cursor, name, document)
    return failed


def change_schema(
    cursor: DuckDBPyConnection, name: TableName, document: Document, fields: list[Document], translate: TranslateView
) -> Document:
    """The document with other fields, which :func:`evolved` made of its own, stored; the rows and views follow it."""
    changed = document | {"schema": document["schema"] | {"fields": fields}}
    for statement in alterations(name, catalog.columns_of(document), catalog.columns_of(changed)):
        cursor.execute(statement)
    catalog.save_table(cursor, name, changed)
    refresh_views(cursor, translate)
    return changed


def update(
    cursor: DuckDBPyConnection, name: TableName, body: Mapping[str, Any], translate: TranslateView, *, replace: bool
) -> Document:
    """Changes a table's resource: the fields that ``body`` has, or with ``replace`` all."""
    refuse_unsupported(body)
    document = catalog.table(cursor, name)
    fixed = ("tableReference", "type", "creationTime")
    given = {key: value for key, value in body.items() if key not in (*fixed, *_OUTPUT_ONLY)}
    kept = {key: document[key] for key in (*fixed, "schema", "view", "timePartitioning") if key in document}
    changed = catalog.changed(kept if replace else document, given, merge_labels=not replace)
    if document["type"] == "VIEW":
        changed["schema"] = {"fields": define_view(cursor, name, changed, translate)}
    elif changed.get("schema") != document.get("schema"):
        known, given = (each.get("schema") or {} for each in (document, changed))
        if known.get("fields"):
            fields = evolved(name, known["fields"], given.get("fields", ()), UPDATE)
            changed = change_schema(cursor, name, changed | {"schema": known}, fields, translate)
        else:
            create_rows(cursor, name, changed)
            refresh_views(cursor, translate)
    check_layout(changed, catalog.columns_of(changed) if document["type"] != "VIEW" else ())
    catalog.save_table(cursor, name, changed)
    return changed


def delete(cursor: DuckDBPyConnection, name: TableName) -> None:
    """Removes the table, or only the partition that the name is decorated with."""
    document = catalog.table(cursor, name)
    if name.partition:
        scheme = catalog.partitioning(document)
        if scheme is None:
            raise invalid(f"Table {name.whole} is not partitioned")
        cursor.execute(f"DELETE FROM {name.sql} WHERE {scheme.where_sql(name.partition)}")  # noqa: S608 - checked id
        catalog.set_partition(cursor, name, name.partition, 0, 0)
        return
    kind = "VIEW" if document["type"] == "VIEW" else "TABLE"
    cursor.execute(f"DROP {kind} IF EXISTS {name.sql}")
    catalog.forget_table(cursor, name)


def resource(cursor: DuckDBPyConnection, document: Mapping[str, Any], partition: str = "") -> Document:
    """The Table resource as the API shows it, with what is known of the rows."""
    name = catalog.name_of(document)
    shown: Document = {"kind": "bigquery#table", "id": str(name), "location": "US", **document}
    if document["type"] == "TABLE":
        counts = [c for c in catalog.partition_counts(cursor, name) if partition in ("", c.partition_id)]
        changed = [int(count.last_modified.timestamp() * 1000) for count in counts]
        shown |= {
            "numRows": str(sum(count.rows for count in counts)),
            "numBytes": str(sum(count.logical_bytes for count in counts)),
            "numLongTermBytes": "0",
            "lastModifiedTime": str(max([int(document["lastModifiedTime"]), *changed])),
        }
    if partition:
        shown["id"] += f"${partition}"
        shown["tableReference"] = {**name.reference, "tableId": f"{name.table}${partition}"}
    return shown | {"etag": catalog.etag(shown)}

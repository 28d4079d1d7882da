"""Creating the datasets, tables and views that are not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery

from beam_pipelines.schema import Table, columns_from_bigquery
from beam_pipelines.tables import WAREHOUSE
from beam_pipelines.warehouse.client import WarehouseError
from beam_pipelines.warehouse.views import View, views


def prepare(client: bigquery.Client) -> None:
    """Makes sure that every dataset and table is there and every view is as defined.

    WarehouseError, with the difference, if a table has another schema.
    """
    for dataset in sorted({table.dataset for table in WAREHOUSE} | {view.dataset for view in views()}):
        client.create_dataset(dataset, exists_ok=True)
    for table in WAREHOUSE:
        _ensure_table(client, table)
    for view in views():
        _ensure_view(client, view)


def table_resource(table: Table, project: str) -> dict[str, Any]:
    """The table as a resource of BigQuery's REST API."""
    resource: dict[str, Any] = {
        "tableReference": {"projectId": project, "datasetId": table.dataset, "tableId": table.name},
        "description": table.description,
        "schema": {"fields": table.bigquery_schema},
    }
    if table.partition:
        resource["timePartitioning"] = {"type": table.partition.granularity, "field": table.partition.column}
    if table.cluster_by:
        resource["clustering"] = {"fields": list(table.cluster_by)}
    return resource


def schema_difference(expected: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> list[str]:
    """How two lists of BigQuery fields differ, one line each; descriptions do not count."""
    return list(_differences(columns_by_path(expected), columns_by_path(found)))


def columns_by_path(fields: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The type and mode of every field by its path.

    >>> columns_by_path([{"name": "day", "type": "DATE", "mode": "REQUIRED"}])
    {'day': 'DATE REQUIRED'}
    """
    found: dict[str, str] = {}
    for column, field in zip(columns_from_bigquery(fields), fields, strict=True):
        plain = column.bigquery_field
        size = f"({plain['precision']}, {plain['scale']})" if "precision" in plain else ""
        found[column.name] = f"{plain['type']}{size} {plain['mode']}"
        nested = columns_by_path(field.get("fields", ()))
        found |= {f"{column.name}.{path}": what for path, what in nested.items()}
    return found


def _differences(expected: dict[str, str], found: dict[str, str]) -> Iterable[str]:
    for path in sorted(expected.keys() | found.keys()):
        if expected.get(path) != found.get(path):
            yield f"{path}: expected {expected.get(path, 'no such column')}, found {found.get(path, 'no such column')}"


def _ensure_table(client: bigquery.Client, table: Table) -> None:
    resource = table_resource(table, client.project)
    try:
        found = client.get_table(f"{table.dataset}.{table.name}").to_api_repr()
    except NotFound:
        try:
            client.create_table(bigquery.Table.from_api_repr(resource))
        except Conflict:  # another load has just created it
            _ensure_table(client, table)
        return
    if difference := schema_difference(table.bigquery_schema, found["schema"].get("fields", ())):
        raise WarehouseError(f"table {table.dataset}.{table.name} has another schema: {'; '.join(difference)}")


def _ensure_view(client: bigquery.Client, view: View) -> None:
    name = f"{client.project}.{view.dataset}.{view.name}"
    wanted = bigquery.Table(name)
    wanted.view_query = view.query
    wanted.description = view.description
    try:
        found = client.get_table(name)
    except NotFound:
        client.create_table(wanted, exists_ok=True)
        return
    if (found.view_query, found.description) != (view.query, view.description):
        client.update_table(wanted, ["view_query", "description"])

"""Creating the datasets, tables and views that are not there yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery

from beam_pipelines.schema import Table, columns_from_bigquery
from beam_pipelines.tables import WAREHOUSE
from beam_pipelines.warehouse.client import WarehouseError
from beam_pipelines.warehouse.views import View, views

ATTEMPTS = 20
"""At making a table what it is to be, while other loads change it."""


def prepare(client: bigquery.Client) -> None:
    """Makes sure that every dataset and table is there and every view is as defined.

    A table that lacks columns which need no values gets them, and one that has more of them keeps them: an earlier load
    may have added those. WarehouseError, with the difference, if a table has another schema.
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


def schema_difference(expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> list[str]:
    """How two lists of BigQuery fields differ beyond what may be, one line each.

    Descriptions do not count, nor do columns that one of them lacks, unless they are REQUIRED.

    >>> day, note = {"name": "day", "type": "DATE", "mode": "REQUIRED"}, {"name": "note", "type": "STRING"}
    >>> schema_difference([day, note], [{"name": "day", "type": "STRING"}])
    ['day: expected DATE REQUIRED, found STRING NULLABLE']
    """
    return list(_differences(expected, found, ""))


def widened(found: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The fields of a table, and behind them those expected ones that it lacks; within records too.

    >>> widened([{"name": "a", "type": "DATE"}], [{"name": "b", "type": "DATE"}, {"name": "a", "type": "DATE"}])
    [{'name': 'a', 'type': 'DATE'}, {'name': 'b', 'type': 'DATE'}]
    """
    wanted = {field["name"]: field for field in expected}
    kept = [
        dict(field) | {"fields": widened(field["fields"], wanted[field["name"]].get("fields", ()))}
        if field.get("fields") and field["name"] in wanted
        else dict(field)
        for field in found
    ]
    names = {field["name"] for field in found}
    return kept + [dict(field) for field in expected if field["name"] not in names]


def _differences(expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], path: str) -> Iterator[str]:
    wanted, there = ({field["name"]: field for field in fields} for fields in (expected, found))
    for name in sorted(wanted.keys() | there.keys()):
        ours, theirs = _described(wanted.get(name)), _described(there.get(name))
        if name in wanted and name in there:
            if ours != theirs:
                yield f"{path}{name}: expected {ours}, found {theirs}"
            yield from _differences(wanted[name].get("fields", ()), there[name].get("fields", ()), f"{path}{name}.")
        elif any(described.endswith("REQUIRED") for described in (ours, theirs)):
            yield f"{path}{name}: expected {ours}, found {theirs}"


def _described(field: Mapping[str, Any] | None) -> str:
    """A field's type and mode."""
    if field is None:
        return "no such column"
    (column,) = columns_from_bigquery([field])
    plain = column.bigquery_field
    size = f"({plain['precision']}, {plain['scale']})" if "precision" in plain else ""
    return f"{plain['type']}{size} {plain['mode']}"


def _ensure_table(client: bigquery.Client, table: Table) -> None:
    """Creates the table, or adds the columns that it lacks; whoever is quicker, another load or this, both go on."""
    name = f"{table.dataset}.{table.name}"
    for _ in range(ATTEMPTS):
        try:
            found = client.get_table(name)
        except NotFound:
            with suppress(Conflict):  # another load has just created it
                client.create_table(bigquery.Table.from_api_repr(table_resource(table, client.project)))
                return
            continue
        fields = [field.to_api_repr() for field in found.schema]
        if difference := schema_difference(table.bigquery_schema, fields):
            raise WarehouseError(f"table {name} has another schema: {'; '.join(difference)}")
        wider = widened(fields, table.bigquery_schema)
        if wider == fields:
            return
        found.schema = [bigquery.SchemaField.from_api_repr(field) for field in wider]
        with suppress(PreconditionFailed):  # it has changed since it was read, perhaps to what is wanted
            client.update_table(found, ["schema"])
            return
    raise WarehouseError(f"table {name} was changed by others {ATTEMPTS} times while columns were added to it")


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

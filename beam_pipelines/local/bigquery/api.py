"""The methods of the API that touch datasets and tables, over one open file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beam_pipelines.local.bigquery import catalog, datasets, discovery, tables
from beam_pipelines.local.bigquery.errors import ApiError, invalid
from beam_pipelines.local.bigquery.jobs import Jobs
from beam_pipelines.local.bigquery.loads import Loads
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.queries import Queries
from beam_pipelines.local.bigquery.results import Results
from beam_pipelines.local.bigquery.storage import Storage

Document = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One HTTP request, as a method of the API sees it."""

    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Document = field(default_factory=dict)
    if_match: str = ""

    def integer(self, name: str, default: int) -> int:
        """A number among the request's query parameters."""
        text = self.query.get(name)
        if text is None or text == "":
            return default
        try:
            return int(text)
        except ValueError:
            raise invalid(f"Invalid value for {name}: {text!r} is not an integer") from None

    def flag(self, name: str) -> bool:
        """A boolean among the request's query parameters."""
        return self.query.get(name, "").lower() == "true"


class Warehouse:
    """One DuckDB file, open, with all that answers for it."""

    def __init__(self, path: Path, project: str, cloud_storage: str = "") -> None:
        self.project = project
        self.storage = Storage(path)
        self.jobs = Jobs(self.storage, project)
        self.results = Results()
        self.queries = Queries(self.storage, self.jobs, self.results, project)
        self.loads = Loads(self.storage, self.jobs, project, self.queries.translate_view, cloud_storage)
        if self.storage.has_new_macros:
            self._translate_views()

    def _translate_views(self) -> None:
        """Translates the views again; those that name others until these are there."""
        with self.storage.transaction() as cursor:
            before, failed = -1, tables.refresh_views(cursor, self.queries.translate_view)
            while failed and failed != before:
                before, failed = failed, tables.refresh_views(cursor, self.queries.translate_view)

    def close(self) -> None:
        """Waits for the running jobs and closes the file."""
        self.jobs.close()
        self.storage.close()


def page_of(items: Sequence[Document], call: Call, default: int = 1000) -> tuple[Sequence[Document], Document]:
    """The page that a list call asks for, and the nextPageToken if there is more."""
    start, size = call.integer("pageToken", 0), call.integer("maxResults", default)
    end = start + max(size, 1)
    return items[start:end], ({"nextPageToken": str(end)} if end < len(items) else {})


def list_projects(warehouse: Warehouse, call: Call) -> Document:
    """projects.list: the one project."""
    project = warehouse.project
    entry = {
        "kind": "bigquery#project",
        "id": project,
        "projectReference": {"projectId": project},
        "friendlyName": project,
    }
    return {"kind": "bigquery#projectList", "projects": [entry], "totalItems": 1}


def service_account(warehouse: Warehouse, call: Call) -> Document:
    """projects.getServiceAccount: a name, for clients that show one."""
    return {"kind": "bigquery#getServiceAccountResponse", "email": f"bigquery@{warehouse.project}.localhost"}


def list_datasets(warehouse: Warehouse, call: Call) -> Document:
    """datasets.list."""
    with warehouse.storage.cursor() as cursor:
        found = [datasets.resource(document) for document in catalog.all_datasets(cursor)]
    kept = ("kind", "id", "datasetReference", "labels", "friendlyName", "location", "type")
    page, more = page_of([{key: each[key] for key in kept if key in each} for each in found], call)
    return {"kind": "bigquery#datasetList", "datasets": list(page), **more}


def insert_dataset(warehouse: Warehouse, call: Call) -> Document:
    """datasets.insert."""
    discovery.check("Dataset", call.body)
    with warehouse.storage.transaction() as cursor:
        return datasets.resource(datasets.create(cursor, warehouse.project, call.body))


def get_dataset(warehouse: Warehouse, call: Call) -> Document:
    """datasets.get."""
    with warehouse.storage.cursor() as cursor:
        return datasets.resource(catalog.dataset(cursor, warehouse.project, call.path["dataset"]))


def change_dataset(warehouse: Warehouse, call: Call, *, replace: bool) -> Document:
    """datasets.patch and datasets.update."""
    discovery.check("Dataset", call.body)
    dataset_id = call.path["dataset"]
    with warehouse.storage.transaction() as cursor:
        _check_etag(call, datasets.resource(catalog.dataset(cursor, warehouse.project, dataset_id)))
        return datasets.resource(datasets.update(cursor, warehouse.project, dataset_id, call.body, replace=replace))


def delete_dataset(warehouse: Warehouse, call: Call) -> None:
    """datasets.delete."""
    with warehouse.storage.transaction() as cursor:
        datasets.delete(cursor, warehouse.project, call.path["dataset"], contents=call.flag("deleteContents"))


def list_tables(warehouse: Warehouse, call: Call) -> Document:
    """tables.list."""
    with warehouse.storage.cursor() as cursor:
        catalog.dataset(cursor, warehouse.project, call.path["dataset"])
        found = [tables.resource(cursor, document) for document in catalog.all_tables(cursor, call.path["dataset"])]
    kept = (
        *("kind", "id", "tableReference", "type", "labels", "friendlyName", "timePartitioning", "clustering"),
        *("creationTime", "expirationTime", "requirePartitionFilter"),
    )
    entries = [{key: each[key] for key in kept if key in each} for each in found]
    for entry, each in zip(entries, found, strict=True):
        if "view" in each:
            entry["view"] = {"useLegacySql": False}
    page, more = page_of(entries, call)
    return {"kind": "bigquery#tableList", "tables": list(page), "totalItems": len(entries), **more}


def insert_table(warehouse: Warehouse, call: Call) -> Document:
    """tables.insert."""
    discovery.check("Table", call.body)
    reference = call.body.get("tableReference") or {}
    if not reference.get("tableId"):
        raise invalid("Required parameter is missing: tableReference.tableId")
    name = TableName(warehouse.project, call.path["dataset"], reference["tableId"])
    with warehouse.storage.transaction() as cursor:
        document = tables.create(cursor, name, call.body, warehouse.queries.translate_view)
        return tables.resource(cursor, document)


def get_table(warehouse: Warehouse, call: Call) -> Document:
    """tables.get, also of one partition and of a query's anonymous result."""
    name = named_table(warehouse, call)
    if result := warehouse.results.find_table(name):
        shown = {"kind": "bigquery#table", "id": str(name), "tableReference": name.reference, "type": "TABLE"}
        return shown | {"schema": {"fields": result.fields}, "numRows": str(result.table.num_rows)}
    with warehouse.storage.cursor() as cursor:
        document = catalog.table(cursor, name)
        scheme = catalog.partitioning(document) if name.partition else None
        if name.partition and scheme is None:
            raise invalid(f"Table {name.whole} is not partitioned, so it has no partition ${name.partition}")
        return tables.resource(cursor, document, name.partition)


def change_table(warehouse: Warehouse, call: Call, *, replace: bool) -> Document:
    """tables.patch and tables.update."""
    discovery.check("Table", call.body)
    name = named_table(warehouse, call)
    with warehouse.storage.transaction() as cursor:
        _check_etag(call, tables.resource(cursor, catalog.table(cursor, name)))
        document = tables.update(cursor, name, call.body, warehouse.queries.translate_view, replace=replace)
        return tables.resource(cursor, document)


def delete_table(warehouse: Warehouse, call: Call) -> None:
    """tables.delete, also of one partition."""
    with warehouse.storage.transaction() as cursor:
        tables.delete(cursor, named_table(warehouse, call))


def named_table(warehouse: Warehouse, call: Call) -> TableName:
    """The table in the request's path."""
    return TableName.parse(warehouse.project, call.path["dataset"], call.path["table"])


def _check_etag(call: Call, resource: Mapping[str, Any]) -> None:
    if call.if_match not in ("", "*", resource["etag"]):
        raise ApiError(412, "conditionNotMet", "Precondition check failed: the resource has changed since it was read")

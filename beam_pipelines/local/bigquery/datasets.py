"""The datasets.* methods: a Dataset resource and the DuckDB schema behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from beam_pipelines.local.bigquery import catalog, tables
from beam_pipelines.local.bigquery.errors import ApiError, duplicate, invalid, unsupported
from beam_pipelines.local.bigquery.names import check_dataset_id, now_millis
from beam_pipelines.schema import quoted

Document = dict[str, Any]

_UNSUPPORTED = ("externalDatasetReference", "linkedDatasetSource", "defaultEncryptionConfiguration")
_OUTPUT_ONLY = ("kind", "etag", "id", "selfLink", "creationTime", "lastModifiedTime", "type")


def create(cursor: DuckDBPyConnection, project: str, body: Mapping[str, Any]) -> Document:
    """Creates the dataset that a Dataset resource describes."""
    dataset_id = (body.get("datasetReference") or {}).get("datasetId")
    if not dataset_id:
        raise invalid("Required parameter is missing: datasetReference.datasetId")
    _refuse_unsupported(body)
    check_dataset_id(dataset_id)
    if catalog.find_dataset(cursor, dataset_id):
        raise duplicate("Dataset", f"{project}:{dataset_id}")
    now = str(now_millis())
    kept = {key: value for key, value in body.items() if key not in _OUTPUT_ONLY and value is not None}
    document = {"location": "US"} | kept
    document |= {
        "datasetReference": {"projectId": project, "datasetId": dataset_id},
        "creationTime": now,
        "lastModifiedTime": now,
    }
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(dataset_id)}")
    catalog.save_dataset(cursor, dataset_id, document)
    return document


def update(
    cursor: DuckDBPyConnection, project: str, dataset_id: str, body: Mapping[str, Any], *, replace: bool
) -> Document:
    """Changes a dataset's resource: the fields that ``body`` has, or with ``replace`` all."""
    _refuse_unsupported(body)
    document = catalog.dataset(cursor, project, dataset_id)
    fixed = ("datasetReference", "creationTime", "location")
    given = {key: value for key, value in body.items() if key not in (*fixed, *_OUTPUT_ONLY)}
    kept = {key: document[key] for key in fixed}
    changed = catalog.changed(kept if replace else document, given, merge_labels=not replace)
    catalog.save_dataset(cursor, dataset_id, changed)
    return changed


def delete(cursor: DuckDBPyConnection, project: str, dataset_id: str, *, contents: bool) -> None:
    """Removes the dataset; with tables in it only if ``contents`` says so."""
    catalog.dataset(cursor, project, dataset_id)
    inside = list(catalog.all_tables(cursor, dataset_id))
    if inside and not contents:
        raise ApiError(400, "resourceInUse", f"Dataset {project}:{dataset_id} is still in use")
    for document in inside:
        tables.delete(cursor, catalog.name_of(document))
    cursor.execute(f"DROP SCHEMA IF EXISTS {quoted(dataset_id)}")
    catalog.forget_dataset(cursor, dataset_id)


def resource(document: Mapping[str, Any]) -> Document:
    """The Dataset resource as the API shows it."""
    reference = document["datasetReference"]
    owner = {"role": "OWNER", "specialGroup": "projectOwners"}
    shown = {"kind": "bigquery#dataset", "type": "DEFAULT", "access": [owner], **document}
    return shown | {"id": f"{reference['projectId']}:{reference['datasetId']}", "etag": catalog.etag(shown)}


def _refuse_unsupported(body: Mapping[str, Any]) -> None:
    for name in _UNSUPPORTED:
        if body.get(name):
            raise unsupported(name)

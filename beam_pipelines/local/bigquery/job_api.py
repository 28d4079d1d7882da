"""The methods of the API that start jobs and fetch what they gave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from typing import Any

from beam_pipelines.local.bigquery import catalog, discovery
from beam_pipelines.local.bigquery.api import Call, Warehouse, named_table, page_of
from beam_pipelines.local.bigquery.errors import ApiError, invalid, not_found, unsupported
from beam_pipelines.local.bigquery.jobs import Job, Work, resource
from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.results import Result, fields_of, rows_of

Document = dict[str, Any]

_INSERT_WAIT_SECONDS = 20.0
"""jobs.insert answers as soon as the job is done, so that a client needs no second request, or after this long."""
_QUERY_WAIT_MILLIS = 10_000
_PAGE_ROWS = 20_000


def insert_job(warehouse: Warehouse, call: Call) -> Document:
    """jobs.insert."""
    discovery.check("Job", call.body)
    configuration = call.body.get("configuration") or {}
    if configuration.get("dryRun") in (True, "true"):
        return _dry_run(warehouse, call.body)
    return resource(_waited(start(warehouse, call.body), _INSERT_WAIT_SECONDS))


def start(warehouse: Warehouse, body: Mapping[str, Any]) -> Job:
    """Checks a Job resource and starts the job."""
    configuration = dict(body.get("configuration") or {})
    kinds = [kind for kind in ("load", "query", "copy", "extract") if configuration.get(kind)]
    if len(kinds) != 1:
        raise invalid("Required parameter is missing: configuration.load, query, copy or extract")
    if kinds[0] == "load":
        warehouse.loads.check(configuration["load"])
        work: Work = warehouse.loads.run
    elif kinds[0] == "query":
        warehouse.queries.check(configuration["query"])
        work = warehouse.queries.run
    else:
        raise unsupported(f"configuration.{kinds[0]}")
    configuration["jobType"] = kinds[0].upper()
    return warehouse.jobs.start({**body, "configuration": configuration}, work, record=kinds[0] == "load")


def started_load(warehouse: Warehouse, body: Mapping[str, Any], work: Work) -> Document:
    """Starts a load job whose file came with the request."""
    configuration = {**body["configuration"], "jobType": "LOAD"}
    job = warehouse.jobs.start({**body, "configuration": configuration}, work, record=True)
    return resource(_waited(job, _INSERT_WAIT_SECONDS))


def _dry_run(warehouse: Warehouse, body: Mapping[str, Any]) -> Document:
    configuration = body["configuration"]
    if not configuration.get("query"):
        raise unsupported("configuration.dryRun of a job that is not a query")
    warehouse.queries.check(configuration["query"])
    statistics = warehouse.queries.dry_run(configuration)
    return {
        "kind": "bigquery#job",
        "jobReference": {"projectId": warehouse.project, "location": "US"},
        "configuration": {**configuration, "jobType": "QUERY"},
        "status": {"state": "DONE"},
        "statistics": statistics,
    }


def _waited(job: Job, seconds: float) -> Job:
    with suppress(NotYet):
        job.done.result(timeout=seconds)
    return job


def get_job(warehouse: Warehouse, call: Call) -> Document:
    """jobs.get."""
    return resource(warehouse.jobs.get(call.path["job"]))


def list_jobs(warehouse: Warehouse, call: Call) -> Document:
    """jobs.list."""
    states = {call.query["stateFilter"].lower()} if call.query.get("stateFilter") else set()
    earliest, latest = call.integer("minCreationTime", 0), call.integer("maxCreationTime", 1 << 62)
    found = warehouse.jobs.list(states, earliest, latest, call.query.get("parentJobId", ""))
    page, more = page_of(found, call, default=50)
    entries = []
    for document in page:
        entry = {"kind": "bigquery#job", **document, "state": document["status"]["state"]}
        if error := document["status"].get("errorResult"):
            entry["errorResult"] = error
        entries.append(entry)
    return {"kind": "bigquery#jobList", "jobs": entries, **more}


def cancel_job(warehouse: Warehouse, call: Call) -> Document:
    """jobs.cancel."""
    return {"kind": "bigquery#jobCancelResponse", "job": resource(warehouse.jobs.cancel(call.path["job"]))}


def delete_job(warehouse: Warehouse, call: Call) -> None:
    """jobs.delete."""
    warehouse.jobs.delete(call.path["job"])


def query(warehouse: Warehouse, call: Call) -> Document:
    """jobs.query: starts a query and answers with its first rows; the same requestId attaches to the same job."""
    discovery.check("QueryRequest", call.body)
    body = dict(call.body)
    body.setdefault("useLegacySql", True)
    job_keys = ("query", "defaultDataset", "useLegacySql", "queryParameters", "parameterMode", "createSession")
    configuration: Document = {"query": {key: body[key] for key in job_keys if key in body}}
    configuration["query"] |= {key: body[key] for key in ("maximumBytesBilled", "useQueryCache") if key in body}
    configuration |= {key: body[key] for key in ("labels", "jobTimeoutMs") if key in body}
    if body.get("dryRun") in (True, "true"):
        job = _dry_run(warehouse, {"configuration": configuration})
        statistics = job["statistics"]
        return {
            "kind": "bigquery#queryResponse",
            "jobReference": job["jobReference"],
            "jobComplete": True,
            "schema": statistics["query"].get("schema", {"fields": []}),
            "totalBytesProcessed": statistics["totalBytesProcessed"],
        }
    job_id = f"request_{body['requestId']}" if body.get("requestId") else None
    reference = {"jobId": job_id, "location": body.get("location")}
    try:
        started = start(warehouse, {"configuration": configuration, "jobReference": reference})
    except ApiError as error:
        if error.reason != "duplicate" or job_id is None:
            raise
        started = warehouse.jobs.get(job_id)
    options = {"timeoutMs": str(body["timeoutMs"])} if "timeoutMs" in body else {}
    if "maxResults" in body:
        options["maxResults"] = str(body["maxResults"])
    for name, value in (body.get("formatOptions") or {}).items():
        options[f"formatOptions.{name}"] = str(value).lower()
    return _results(warehouse, started, Call({}, options)) | {"kind": "bigquery#queryResponse"}


def get_query_results(warehouse: Warehouse, call: Call) -> Document:
    """jobs.getQueryResults."""
    return _results(warehouse, warehouse.jobs.get(call.path["job"]), call)


def _results(warehouse: Warehouse, job: Job, call: Call) -> Document:
    _waited(job, min(call.integer("timeoutMs", _QUERY_WAIT_MILLIS), 200_000) / 1000)
    answer: Document = {
        "kind": "bigquery#getQueryResultsResponse",
        "jobReference": job.document["jobReference"],
        "jobComplete": job.done.done(),
    }
    if not job.done.done():
        return answer
    if error := job.error:
        raise error
    if "query" not in job.configuration:
        raise invalid(f"Job {job.name} is not a query")
    statistics = job.statistics
    answer |= {"totalBytesProcessed": statistics.get("totalBytesProcessed", "0"), "cacheHit": False, "errors": []}
    done = statistics["query"]
    if "schema" not in done:  # DML and DDL give no rows
        affected = {key: done[key] for key in ("numDmlAffectedRows", "dmlStats") if key in done}
        return answer | {"schema": {"fields": []}, "totalRows": "0", **affected}
    result = warehouse.results.find(job.id) or _stored(warehouse, job)
    return answer | {"schema": {"fields": result.fields}, **_page(result, call)}


def _stored(warehouse: Warehouse, job: Job) -> Result:
    reference = job.configuration["query"]["destinationTable"]
    name = TableName(warehouse.project, reference["datasetId"], reference["tableId"])
    return _rows_of_table(warehouse, name, None)


def list_rows(warehouse: Warehouse, call: Call) -> Document:
    """tabledata.list."""
    name, selected = named_table(warehouse, call), call.query.get("selectedFields")
    result = warehouse.results.find_table(name)
    if result is None:
        result = _rows_of_table(warehouse, name, selected)
    elif selected:
        wanted = [field for field in result.fields if field["name"] in selected.split(",")]
        result = Result(result.table.select([field["name"] for field in wanted]), wanted)
    return {"kind": "bigquery#tableDataList", **_page(result, call)}


def _rows_of_table(warehouse: Warehouse, name: TableName, selected: str | None) -> Result:
    if name.dataset.startswith("_"):
        raise not_found("Table", str(name))
    with warehouse.storage.cursor() as cursor:
        document = catalog.table(cursor, name)
        if document["type"] == "VIEW":
            raise invalid(f"Cannot list a table of type VIEW: {name}")
        known = {column.name.lower(): column.name for column in catalog.columns_of(document)}
        if not known:
            return Result(cursor.sql("SELECT 1 AS nothing LIMIT 0").to_arrow_table().select([]), [])
        wanted = [field.partition(".")[0] for field in selected.split(",")] if selected else list(known)
        if unknown := [field for field in wanted if field.lower() not in known]:
            raise invalid(f"No such field: {unknown[0]}")
        columns = ", ".join(f'"{known[field.lower()]}"' for field in dict.fromkeys(wanted))
        scheme = catalog.partitioning(document) if name.partition else None
        where = f" WHERE {scheme.where_sql(name.partition)}" if scheme else ""
        relation = cursor.sql(f"SELECT {columns} FROM {name.sql}{where}")  # noqa: S608 - quoted names
        return Result(relation.to_arrow_table(), fields_of(relation))


def _page(result: Result, call: Call) -> Document:
    """The rows that the call asks for, and the token of those after them."""
    total = result.table.num_rows
    start = call.integer("pageToken", call.integer("startIndex", 0))
    asked = call.integer("maxResults", _PAGE_ROWS)
    row_bytes = max(result.table.nbytes / total, 1) if total else 1
    size = max(min(asked, _PAGE_ROWS, math.ceil(10_000_000 / row_bytes)), 0)
    int64_timestamps = call.flag("formatOptions.useInt64Timestamp")
    rows = rows_of(result.table.slice(start, size), result.fields, int64_timestamps=int64_timestamps)
    page: Document = {"totalRows": str(total), "rows": rows}
    if start + size < total and (size or asked == 0):
        page["pageToken"] = str(start + size)
    return page


def refuse(what: str) -> Any:
    """A method that answers that BigQuery can do this and this server cannot."""

    def refused(warehouse: Warehouse, call: Call) -> None:
        raise unsupported(what)

    return refused

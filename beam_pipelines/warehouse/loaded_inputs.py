"""What the warehouse's partitions were loaded from, as far as they still hold it."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from beam_pipelines.tables import BY_NAME, LAKE, ORDERS, PRODUCTS

Partition = tuple[str, str]
"""A table's name and a partition of it."""


def loaded_inputs(client: bigquery.Client) -> dict[Partition, str]:
    """The fingerprint of the input of each partition that nobody has changed since it was loaded.

    By a lake table's or a derived one's name and the partition's id. Of a lake table its dead letters are there too.
    """
    there = {dataset: _partitions(client, dataset) for dataset in {table.dataset for table in BY_NAME.values()}}
    lake = {table.name for table in LAKE}
    found, unread = {}, set()
    query = f"SELECT * FROM `{client.project}.ops.partition_loads`"  # noqa: S608 - the project is ours
    for line in client.query_and_wait(query):
        table = BY_NAME[line["table_name"]]
        partition = (table.name, line["partition_id"])
        # A file that could not be read may have been mended, which its manifest does not tell.
        if line["rows_unreadable"] or line["dead_letters"] > line["rows_refused"]:
            unread.add(table.name)
            continue
        holds = _holds(there[table.dataset].get(partition), line["rows_loaded"], line["loaded_at"])
        if holds and table.name in lake:
            letters = there["ops"].get((f"dead_letters_{table.name}", line["partition_id"]))
            holds = (letters[0] if letters else 0) == line["dead_letters"]
        if holds:
            found[partition] = line["input"]
    # The lines of orders say what their products are.
    return {key: text for key, text in found.items() if key[0] != ORDERS.name or PRODUCTS.name not in unread}


def _holds(state: tuple[int, Any] | None, rows: int, loaded_at: Any) -> bool:
    """Whether a partition has as many rows as were loaded, and was not changed afterwards."""
    held, changed = state or (0, None)
    return held == rows and (changed is None or (loaded_at is not None and changed <= loaded_at))


def _partitions(client: bigquery.Client, dataset: str) -> dict[Partition, tuple[int, Any]]:
    """Rows of every partition of a dataset's tables, and when they were changed."""
    query = f"""
        SELECT table_name, partition_id, total_rows, last_modified_time
        FROM `{client.project}.{dataset}.INFORMATION_SCHEMA.PARTITIONS`
    """  # noqa: S608 - project and dataset are ours, and names cannot be query parameters
    return {
        (row["table_name"], row["partition_id"] or ""): (row["total_rows"], row["last_modified_time"])
        for row in client.query_and_wait(query)
    }

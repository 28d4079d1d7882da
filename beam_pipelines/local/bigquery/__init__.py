"""BigQuery's REST API, served on 127.0.0.1 from one DuckDB file.

>>> from beam_pipelines.local.bigquery import serve
>>> with serve("warehouse.duckdb") as server:  # doctest: +SKIP
...     print(server.endpoint)

Clients get there by ``BIGQUERY_EMULATOR_HOST=<endpoint>`` and anonymous credentials, ``bq`` by ``bq --api=<endpoint>``.
What BigQuery can and this server cannot is answered with an error that says so: among other things legacy SQL, loops
and branches in scripts, functions kept in a dataset, streaming inserts, copy and extract jobs, load formats other than
Avro, partitions by hour, year, range or time of arrival, columns of the types TIME, DATETIME, JSON and BIGNUMERIC, and
a GEOGRAPHY other than a point.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from beam_pipelines.local.bigquery.errors import WarehouseError, WarehouseLocked, WarehouseUnreadable

if TYPE_CHECKING:
    from beam_pipelines.local.bigquery.server import Server

__all__ = ["WarehouseError", "WarehouseLocked", "WarehouseUnreadable", "serve"]


@contextmanager
def serve(path: str | Path, port: int = 0, project: str = "local", cloud_storage: str = "") -> Iterator[Server]:
    """Serves the DuckDB file at ``path`` (created if it is not there) until the context ends.

    Args:
        path: the DuckDB file; a dataset is a schema in it, a table a table.
        port: the port on 127.0.0.1; 0 takes any free one.
        project: the project that the file stands for.
        cloud_storage: the endpoint that load jobs read ``gs://`` from; if empty, the one in STORAGE_EMULATOR_HOST.

    Raises:
        PortError: the port is taken.
        WarehouseLocked: another process has the file open.
        WarehouseUnreadable: the file is not a DuckDB database.
    """
    # Starlette, uvicorn and DuckDB take a third of a second to import; who only asks for the names need not pay it.
    from beam_pipelines.local.bigquery.server import running

    with running(Path(path), port, project, cloud_storage) as server:
        yield server

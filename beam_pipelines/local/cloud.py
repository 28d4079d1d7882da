"""The local cloud: BigQuery, Cloud Storage and Dataflow on 127.0.0.1, and the variables that lead clients there.

>>> from beam_pipelines.local import cloud
>>> with cloud.running("retail-data") as local:  # doctest: +SKIP
...     os.environ.update(local.environment)

Its project is ``local``, its bucket ``gs://local``; the Flex Templates lie at ``gs://local/templates``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from beam_pipelines import template_specs
from beam_pipelines.avro.warm_up import KERNELS
from beam_pipelines.local import bigquery, cloud_storage, dataflow
from beam_pipelines.local.credentials import Credentials, issued
from beam_pipelines.local.dataflow import storage_objects
from beam_pipelines.local.http_server import listening, past_proxies

PROJECT = "local"
BUCKET = "local"
TEMPLATES = Path(template_specs.__file__).parents[1] / "templates"
"""The programs that launch the pipelines, which are in the images of the templates."""

PRELOADED = (
    *("numba", "pyarrow.dataset", "google.cloud.bigquery"),
    *(f"beam_pipelines.avro.{name}" for name in KERNELS),
)
"""What takes long of what the pipelines import, beside Beam; imported once for all jobs. Of ours compiled code only."""

PORTS = ("bigquery", "cloud_storage", "dataflow", "dataflow_grpc")


@dataclass(frozen=True)
class Cloud:
    """A local cloud that is running.

    Attributes:
        bigquery: the endpoint of BigQuery, such as ``http://127.0.0.1:9050``.
        cloud_storage: the endpoint of Cloud Storage.
        dataflow: the endpoint of Dataflow's REST API.
        dataflow_grpc: of its gRPC API: host and port.
        environment: variables that lead Google's clients, Beam, gcloud and bq there.
    """

    bigquery: str
    cloud_storage: str
    dataflow: str
    dataflow_grpc: str
    environment: Mapping[str, str]


@contextmanager
def running(
    folder: str | Path, port: int = 0, *, warehouse: Path | None = None, storage: Path | None = None
) -> Iterator[Cloud]:
    """Starts the local cloud; it stops when the context ends, and with it what jobs still run.

    Args:
        folder: where its state is, made if it is not there. Tables and objects stay; jobs are forgotten.
        port: the first of four on 127.0.0.1: BigQuery, Cloud Storage, Dataflow, Dataflow by gRPC; 0: any free ones.
        warehouse: BigQuery's DuckDB file, by default ``warehouse.duckdb`` in the folder.
        storage: Cloud Storage's folder, by default ``storage`` in the folder; jobs and credentials are there too.

    Raises:
        FolderTaken, WarehouseLocked: another process serves the folder or has the file open.
        WarehouseUnreadable: the file is not a DuckDB database.
        PortError: a port is taken.
    """
    folder = Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    storage = (storage or folder / "storage").absolute()
    ports = {name: port and port + index for index, name in enumerate(PORTS)}
    _check_free(ports.values())
    with ExitStack() as stack:
        started = stack.enter_context
        stored = started(cloud_storage.running(storage, ports["cloud_storage"], (BUCKET,)))
        # Beside the buckets, in the folder that is locked by now; no bucket's name begins with a dot.
        credentials = started(issued(storage))
        served = started(
            bigquery.serve(warehouse or folder / "warehouse.duckdb", ports["bigquery"], PROJECT, cloud_storage=stored)
        )
        environment = _of_clients(served.endpoint, stored, credentials)
        _upload_templates(stored)
        jobs = started(_running_jobs(storage / ".dataflow", environment, ports))
        environment |= _of_dataflow(jobs.endpoint, jobs.grpc_endpoint)
        yield Cloud(served.endpoint, stored, jobs.endpoint, jobs.grpc_endpoint, environment)


def image(pipeline: str) -> str:
    """The image that a pipeline's template names; nothing is pulled, a program on this machine stands for it.

    >>> image("load")
    'localhost/retail/load:latest'
    """
    return f"localhost/retail/{pipeline}:latest"


def _running_jobs(
    folder: Path, environment: Mapping[str, str], ports: Mapping[str, int]
) -> AbstractContextManager[dataflow.Server]:
    return dataflow.serve(
        folder,
        environment=dict(environment),
        launchers={name: TEMPLATES / f"{name}.py" for name in template_specs.TEMPLATES},
        port=ports["dataflow"],
        grpc_port=ports["dataflow_grpc"],
        project=PROJECT,
        preload=PRELOADED,
    )


def _check_free(ports: Iterable[int]) -> None:
    """Raises PortError for the first that is taken, before anything is started."""
    for port in ports:
        with listening(port):
            continue  # it is free, and left again to what is to listen there


def _of_clients(bigquery_endpoint: str, storage_endpoint: str, credentials: Credentials) -> dict[str, str]:
    """What jobs need too; where Dataflow is they are not told: they are run by it."""
    return {
        "BIGQUERY_EMULATOR_HOST": bigquery_endpoint,
        "STORAGE_EMULATOR_HOST": storage_endpoint,
        "GOOGLE_APPLICATION_CREDENTIALS": str(credentials.application),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(credentials.access_token),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{storage_endpoint}/storage/v1/",
        "NO_GCE_CHECK": "True",
        **past_proxies(os.environ),
    }


def _of_dataflow(endpoint: str, grpc_endpoint: str) -> dict[str, str]:
    return {
        # Beam's --dataflow_endpoint speaks REST to localhost only, and Google's clients take any name.
        "DATAFLOW_EMULATOR_HOST": f"http://localhost:{urlsplit(endpoint).port}",
        "DATAFLOW_EMULATOR_GRPC_HOST": grpc_endpoint,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_DATAFLOW": f"{endpoint}/",
    }


def _upload_templates(endpoint: str) -> None:
    for pipeline in template_specs.TEMPLATES:
        spec = template_specs.container_spec(pipeline, image(pipeline))
        storage_objects.write(f"gs://{BUCKET}/templates/{pipeline}.json", json.dumps(spec, indent=2).encode(), endpoint)

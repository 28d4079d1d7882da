"""Dataflow's API, REST and gRPC, served on 127.0.0.1; its jobs run in processes of this machine.

>>> from beam_pipelines.local.dataflow import serve
>>> with serve("dataflow", environment={}, launchers={}) as server:  # doctest: +SKIP
...     print(server.endpoint)

What Dataflow can and this server cannot is answered with an error that says so: among other things streaming jobs,
draining, updating a job, classic templates, snapshots, execution details and the debug methods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Server", "serve"]


@dataclass(frozen=True)
class Server:
    """A server that is running.

    Attributes:
        endpoint: the address of the REST API. Beam wants ``localhost`` in it, which leads here as well.
        grpc_endpoint: the address of the gRPC API, ``127.0.0.1:PORT``, without TLS.
        project: the project that is served.
    """

    endpoint: str
    grpc_endpoint: str
    project: str


@contextmanager
def serve(
    folder: str | Path,
    environment: Mapping[str, str],
    launchers: Mapping[str, Path],
    port: int = 0,
    grpc_port: int = 0,
    project: str = "local",
    preload: Sequence[str] = (),
) -> Iterator[Server]:
    """Serves Dataflow until the context ends, and then ends what still runs. Jobs of an earlier server are forgotten.

    Args:
        folder: where each job has a folder of its own; those of an earlier server are deleted.
        environment: variables of the launchers and workers, such as STORAGE_EMULATOR_HOST, which this server reads
            templates through.
        launchers: the Python program that a template's image stands for, by the last part of the image's name.
        port: of the REST API, on 127.0.0.1; 0 takes any free one.
        grpc_port: of the gRPC API.
        project: the project that is served; requests for others are refused.
        preload: modules that launchers and workers need and that may be imported once for all of them.

    Raises:
        PortError: a port is taken; the message is one line that names it.
    """
    # Starlette, uvicorn and gRPC take half a second to import; who only asks for the names need not pay it.
    from beam_pipelines.local.dataflow import grpc_services, rest
    from beam_pipelines.local.dataflow.api import Dataflow
    from beam_pipelines.local.dataflow.execution import Executor
    from beam_pipelines.local.dataflow.jobs import Jobs
    from beam_pipelines.local.http_server import LOOPBACK, listening, serving

    jobs = Jobs(Path(folder), project)
    with listening(port) as listener, closing(Executor(environment, launchers, preload)) as executor:
        jobs.prune()  # not before: with the port taken, they may be those of a server that runs
        storage = environment.get("STORAGE_EMULATOR_HOST", "").rstrip("/")
        dataflow = Dataflow(jobs, executor, storage)
        with (
            grpc_services.serving(dataflow, grpc_port) as bound,
            serving(rest.application(dataflow, listener.endpoint), listener),
        ):
            yield Server(listener.endpoint, f"{LOOPBACK}:{bound}", project)

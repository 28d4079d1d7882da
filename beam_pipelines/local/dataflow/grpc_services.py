"""Dataflow over gRPC: messages become the JSON that the methods speak, and their answers become messages."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from beam_pipelines.local.dataflow import api, launches
from beam_pipelines.local.dataflow.api import Dataflow, Method
from beam_pipelines.local.dataflow.errors import ApiError, invalid, no_such_method
from beam_pipelines.local.http_server import LOOPBACK, PortError

_PACKAGE = "google.dataflow.v1beta3"
# By service and name: what does it, the message that asks and the one that answers.
METHODS: Mapping[str, tuple[Method, str, str]] = {
    "FlexTemplatesService/LaunchFlexTemplate": (
        launches.launch,
        "LaunchFlexTemplateRequest",
        "LaunchFlexTemplateResponse",
    ),
    "JobsV1Beta3/AggregatedListJobs": (api.list_all_jobs, "ListJobsRequest", "ListJobsResponse"),
    "JobsV1Beta3/CreateJob": (api.create_job, "CreateJobRequest", "Job"),
    "JobsV1Beta3/GetJob": (api.get_job, "GetJobRequest", "Job"),
    "JobsV1Beta3/ListJobs": (api.list_jobs, "ListJobsRequest", "ListJobsResponse"),
    "JobsV1Beta3/UpdateJob": (api.update_job, "UpdateJobRequest", "Job"),
    "MessagesV1Beta3/ListJobMessages": (api.list_messages, "ListJobMessagesRequest", "ListJobMessagesResponse"),
    "MetricsV1Beta3/GetJobMetrics": (api.get_metrics, "GetJobMetricsRequest", "JobMetrics"),
}
_WORKERS = 8


class _Services(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, dataflow: Dataflow) -> None:
        self._dataflow = dataflow

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = call.method.removeprefix(f"/{_PACKAGE}.")
        if name == call.method:
            return None
        return grpc.unary_unary_rpc_method_handler(_behaviour(self._dataflow, name))


def _behaviour(dataflow: Dataflow, name: str) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            if name not in METHODS:
                raise no_such_method(name)
            return _answered(dataflow, name, request)
        except ApiError as error:
            failure = error
        except Exception as error:  # whatever it was, the client is to see it
            failure = ApiError("INTERNAL", f"The local Dataflow failed: {type(error).__name__}: {error}")
        context.abort(grpc.StatusCode[failure.status], failure.message)
        raise AssertionError("abort raises")

    return answer


def _answered(dataflow: Dataflow, name: str, request: bytes) -> bytes:
    method, asks, answers = METHODS[name]
    try:
        body = json_format.MessageToDict(_message(asks).FromString(request))
    except DecodeError:
        raise invalid(f"{asks}: no such message") from None
    except TypeError as error:  # an Any of a type that nobody knows here
        raise invalid(f"{asks}: {error}") from None
    # Jobs that came over REST may have fields that are newer than the client library's messages.
    answer = json_format.ParseDict(method(dataflow, body), _message(answers)(), ignore_unknown_fields=True)
    serialized: bytes = answer.SerializeToString()
    return serialized


@cache
def _message(name: str) -> Any:
    """A message's class. The library takes more than a second to import, which only gRPC's users are to pay."""
    types = importlib.import_module("google.cloud.dataflow_v1beta3.types")
    return getattr(types, name).pb()


@contextmanager
def serving(dataflow: Dataflow, port: int) -> Iterator[int]:
    """Serves a Dataflow on 127.0.0.1 until the context ends, and gives the port.

    Raises:
        PortError: the port is taken.
    """
    # Without the option a second server would share the port, and each get some of the calls.
    server = grpc.server(ThreadPoolExecutor(_WORKERS, "dataflow-grpc"), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((_Services(dataflow),))
    try:
        bound = server.add_insecure_port(f"{LOOPBACK}:{port}")
    except RuntimeError as error:
        raise PortError(f"port {port} of {LOOPBACK} is taken") from error
    server.start()
    try:
        yield bound
    finally:
        server.stop(grace=None).wait()

"""Points the Google provider's hooks at the local cloud. Airflow imports it from the config folder in its home.

Inert unless ``DATAFLOW_EMULATOR_HOST`` is set, so that DAGs and connections stay what they are in Composer. Credentials
and Cloud Storage need nothing: google-auth, google-cloud-storage and gcloud-aio-storage have variables for that. What
follows has none. It waits for the modules to be imported, since most of Airflow's processes never import them.
"""

from __future__ import annotations

import os
from typing import Any

__all__: list[str] = []
"""Airflow copies what is exported here into its own settings: nothing."""

DATAFLOW, DATAFLOW_GRPC, BIGQUERY = "DATAFLOW_EMULATOR_HOST", "DATAFLOW_EMULATOR_GRPC_HOST", "BIGQUERY_EMULATOR_HOST"
ENDPOINTS = {"DataflowHook": DATAFLOW, "BigQueryHook": BIGQUERY}
"""Hooks that build their client from Google's discovery document, which knows Google's own address only."""


def _point_discovery_clients(hooks: Any) -> None:
    of_google = hooks.GoogleBaseHook.get_client_options

    def get_client_options(self: Any, api_endpoint_override: str | None = None) -> Any:
        names = (ENDPOINTS.get(kind.__name__, "") for kind in type(self).__mro__)
        local = next((os.environ[name] for name in names if name in os.environ), None)
        return of_google(self, local or api_endpoint_override)

    hooks.GoogleBaseHook.get_client_options = get_client_options


def _point_async_dataflow(hooks: Any) -> None:
    """Triggers poll Dataflow through gRPC, and Google's client opens encrypted channels only."""

    async def initialize_client(self: Any, client_class: Any) -> Any:
        import grpc

        channel = grpc.aio.insecure_channel(os.environ[DATAFLOW_GRPC])
        return client_class(transport=client_class.get_transport_class("grpc_asyncio")(channel=channel))

    hooks.AsyncDataflowHook.initialize_client = initialize_client


def _point_async_bigquery(client: Any) -> None:
    """gcloud-aio takes a host from the variable from which Google's own client takes a URL."""
    of_google = client.init_api_root

    def init_api_root(api_root: str | None, api_is_dev: bool | None = None) -> Any:
        local = os.environ.get(BIGQUERY)
        return of_google(api_root or (local and f"{local}/bigquery/v2"), api_is_dev)

    client.init_api_root = init_api_root


if os.environ.get(DATAFLOW):
    from wrapt import register_post_import_hook

    register_post_import_hook(_point_discovery_clients, "airflow.providers.google.common.hooks.base_google")
    register_post_import_hook(_point_async_dataflow, "airflow.providers.google.cloud.hooks.dataflow")
    register_post_import_hook(_point_async_bigquery, "gcloud.aio.bigquery.bigquery")

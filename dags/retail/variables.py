"""Airflow's Variables that say where things are, as templates: read when a task runs, never when a DAG is parsed.

A DAG says nothing of projects and buckets, so that one runs unchanged on a laptop and in every environment.
"""

from __future__ import annotations


def _required(name: str) -> str:
    return f"{{{{ var.value.retail_{name} }}}}"


def _optional(name: str, default: str = "") -> str:
    return f"{{{{ var.value.get('retail_{name}', '{default}') }}}}"


PROJECT = _required("project")
"""Where jobs run."""

REGION = _required("region")
"""Where jobs run, ``europe-west1``."""

LAKE = _required("lake")
"""The lake's folder, ``gs://BUCKET/lake``."""

TEMP = _required("temp")
"""A folder for what jobs need only while they run, ``gs://BUCKET/temp``."""

TEMPLATES = _required("templates")
"""The folder of the container specs ``generate.json`` and ``load.json``."""

WAREHOUSE_PROJECT = _required("warehouse_project")
"""The project whose data sets ``retail`` and ``ops`` are the warehouse."""

WAREHOUSE_LOCATION = _optional("warehouse_location", "US")
"""Where these data sets are: BigQuery makes them in US unless they were made elsewhere before."""

WORKER_SERVICE_ACCOUNT = _optional("worker_service_account")
"""Whom jobs run as; Compute Engine's default service account if empty."""

SUBNETWORK = _optional("subnetwork")
"""``regions/REGION/subnetworks/NAME`` with Private Google Access, for workers have no public addresses."""

POLL_SECONDS = _optional("poll_seconds", "20")
"""Seconds between two looks at a running job."""

SCALE = "{{ params.scale if params.scale is not none else var.value.get('retail_scale', '1') }}"
"""The run's own scale, or the one of the Variable ``retail_scale``. A lake holds one world: it hardly ever changes."""

SEED = "{{ params.seed if params.seed is not none else var.value.get('retail_seed', '42') }}"
"""The run's own seed, or the one of the Variable ``retail_seed``."""

"""The Flex Templates as tasks: their parameters, and where they run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset

from retail import variables
from retail.parameters import TABLES

LAKE = Asset(name="retail_lake", group="retail")
WAREHOUSE = Asset(name="retail_warehouse", group="retail")

OWNER = "retail"
TAGS = ["retail", "dataflow", "bigquery"]

TASK_DEFAULTS: dict[str, Any] = {
    "owner": OWNER,
    "retries": 2,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=30),
}

ENVIRONMENT = {
    "tempLocation": variables.TEMP,
    "serviceAccountEmail": variables.WORKER_SERVICE_ACCOUNT,
    "subnetwork": variables.SUBNETWORK,
    "ipConfiguration": "WORKER_IP_PRIVATE",
}
"""Where every job runs. The image is in the template."""

_TABLES = "{{ params.tables | join(',') }}"

GENERATE = {
    "output": variables.LAKE,
    "scale": variables.SCALE,
    "seed": variables.SEED,
    "tables": _TABLES,
    "dimension_history": "complete",
    "format": "avro",
    "codec": "{{ params.codec }}",
    "defect_rate": "{{ params.defect_rate }}",
    "defects": "{{ params.defects }}",
}
"""Parameters of the generate template but for start_date and end_date."""

LOAD = {
    "input": variables.LAKE,
    "warehouse": f"bigquery://{variables.WAREHOUSE_PROJECT}",
    "tables": _TABLES,
    "replay_dead_letters": "false",
}
"""Parameters of the load template but for start_date and end_date."""

_LAKE_FOLDERS = [f"{variables.LAKE}/{table}" for table in TABLES]
_WAREHOUSE_TABLES = [
    f"bigquery://{variables.WAREHOUSE_PROJECT}/retail.{table}"
    for table in (*TABLES, "order_items", "sessions", "daily_sales")
]


def generate_task() -> dict[str, Any]:
    """Arguments of the task that writes days to the lake; which days is said in ``more_parameters``."""
    return _task("generate", GENERATE) | {"writes": _LAKE_FOLDERS, "outlets": [LAKE]}


def load_task() -> dict[str, Any]:
    """Arguments of the task that loads days of the lake; which days is said in ``more_parameters``."""
    return _task("load", LOAD) | {"reads": _LAKE_FOLDERS, "writes": _WAREHOUSE_TABLES, "inlets": [LAKE]}


def _task(name: str, parameters: dict[str, str]) -> dict[str, Any]:
    return {
        "task_id": name,
        "template": f"{variables.TEMPLATES}/{name}.json",
        "parameters": parameters,
        "environment": ENVIRONMENT,
        "project_id": variables.PROJECT,
        "location": variables.REGION,
        "poll_interval": variables.POLL_SECONDS,
        "execution_timeout": timedelta(hours=3),
    }

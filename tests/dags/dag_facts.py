"""A program: parses the DAGs, with no Variable, connection or database in reach, and prints what they are as JSON."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.execution_time import macros
from airflow.settings import DAGS_FOLDER

from retail.months import months

MONTH = {"start_date": "2019-01-30", "end_date": "2019-01-31"}


class Variables:
    """In place of Airflow's Variables: the required ones are there, all others have their defaults."""

    retail_project = retail_warehouse_project = "shop"
    retail_region = "europe-west1"
    retail_lake, retail_temp, retail_templates = "gs://shop/lake", "gs://shop/temp", "gs://shop/templates"

    @staticmethod
    def get(name: str, default: str) -> str:
        return default


def rendered(dag: DAG, value: Any) -> Any:
    """A value with its templates filled in, as in a run without an interval whose parameters are left as they are."""
    own = {name: dag.params[name] for name in dag.params if name not in MONTH}
    context = {
        "params": {**MONTH, **own},
        "dag_run": SimpleNamespace(data_interval_start=None, run_after=datetime(2019, 1, 31, 5, tzinfo=UTC)),
        "macros": macros,
        "var": {"value": Variables},
    }
    return dag.tasks[0].render_template(value, context, dag.get_template_env())


def launch(dag: DAG, task: Any) -> dict[str, Any] | None:
    """What a task that launches a template gives to it."""
    arguments = task.partial_kwargs if task.is_mapped else vars(task)
    if "template" not in arguments:
        return None
    period = months(**MONTH)[0] if task.is_mapped else task.more_parameters
    parameters = {**arguments["parameters"], **period}
    return {"template": rendered(dag, arguments["template"]), "parameters": rendered(dag, parameters)}


def task_facts(dag: DAG, task: Any) -> dict[str, Any]:
    """What the policies are about."""
    return {
        "owner": task.owner,
        "retries": task.retries,
        "backs_off": bool(task.retry_exponential_backoff),
        "timeout": task.execution_timeout and task.execution_timeout.total_seconds(),
        "reports_failure": bool(task.on_failure_callback),
        "outlets": [asset.name for asset in task.outlets],
        "upstream": sorted(task.upstream_task_ids),
        "launch": launch(dag, task),
    }


def dag_facts(dag: DAG) -> dict[str, Any]:
    """What the policies are about."""
    return {
        "tags": sorted(dag.tags),
        "doc": dag.doc_md,
        "schedule": type(dag.schedule).__name__,
        "starts": dag.start_date and dag.start_date.isoformat(),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "timeout": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(),
        "params": {
            name: {**param.schema, "description": param.description}
            for name, param in ((name, dag.params.get_param(name)) for name in dag.params)
        },
        "tasks": {task.task_id: task_facts(dag, task) for task in dag.tasks},
    }


def main() -> None:
    """Parses and prints."""
    began = time.process_time()
    bag = DagBag(DAGS_FOLDER)
    seconds = time.process_time() - began
    facts = {"seconds": seconds, "errors": bag.import_errors, "dags": {k: dag_facts(v) for k, v in bag.dags.items()}}
    print(json.dumps(facts), file=sys.__stdout__)


if __name__ == "__main__":
    main()

"""Generates, loads and checks a range of days, in monthly jobs.

Writes the days from `start_date` to `end_date` to the lake, a job a month, then loads them, a job a month, and checks
the whole range at the end. Up to three jobs run at a time.

All months are generated before the first is loaded: a load of customers and products reads every day that the lake has
of them, so that loads side by side see the same and write the same. For the same reason pause `retail_daily` meanwhile.

What is there already and unchanged is not loaded again, so a failed run may simply be cleared.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Metadata, Param, task
from airflow.sdk.exceptions import AirflowFailException

from operators.flex_template import FlexTemplateOperator
from retail.callbacks import log_failure
from retail.checks import checks
from retail.months import months
from retail.parameters import world_params
from retail.pipelines import TAGS, TASK_DEFAULTS, WAREHOUSE, generate_task, load_task

PERIOD = {"start_date": "{{ params.start_date }}", "end_date": "{{ params.end_date }}"}
JOBS_AT_A_TIME = 3

with DAG(
    dag_id="retail_backfill",
    description="Generates, loads and checks a range of days, a job a month.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(days=2),
    default_args={**TASK_DEFAULTS, "on_failure_callback": log_failure},
    params={
        "start_date": Param(title="First day", description="In UTC, from 2019-01-01 on.", type="string", format="date"),
        "end_date": Param(title="Last day", description="Inclusive.", type="string", format="date"),
        **world_params(),
    },
    tags=TAGS,
) as dag:

    @task(execution_timeout=timedelta(minutes=5))
    def split_into_months(params: dict[str, Any]) -> list[dict[str, str]]:
        """The range's parts, one for each job."""
        try:
            return months(params["start_date"], params["end_date"])
        except ValueError as error:
            raise AirflowFailException(str(error)) from None

    @task(outlets=[WAREHOUSE], execution_timeout=timedelta(minutes=5))
    def announce(params: dict[str, Any]) -> Iterator[Any]:
        """Tells whoever waits for the warehouse which days it holds now."""
        yield Metadata(WAREHOUSE, {name: params[name] for name in PERIOD})

    mapped = {
        "map_index_template": "{{ task.more_parameters['start_date'] }}",
        "max_active_tis_per_dagrun": JOBS_AT_A_TIME,
    }
    parts = split_into_months()
    generate = FlexTemplateOperator.partial(**generate_task(), **mapped).expand(more_parameters=parts)
    load = FlexTemplateOperator.partial(**load_task(), **mapped).expand(more_parameters=parts)
    parts >> generate >> load >> checks(**PERIOD) >> announce()

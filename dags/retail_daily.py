"""Generates a day of the retail world, loads it into BigQuery and checks it.

Every run is of one day: that of its data interval (the day before, if a run has none), or of its parameter `day`. It
writes the day to the lake, loads it into BigQuery, and checks what the warehouse holds; then the asset
`retail_warehouse` has a new event.

- **Again, late, in any order**: each step replaces what it wrote, whole, so a run may be repeated, cleared or caught up
  on at any time. A retried task takes up the job that an earlier try launched.
- **One at a time** (`max_active_runs`): products and customers have monthly partitions, and a load replaces them from
  what the lake holds. Two loads with a generate in between could leave the older state.
- **Not on the day before** (`depends_on_past` is off): a day is drawn without the days before it, and generate writes
  what it refers to. Days that were missed are no reason to stop; load them with `retail_backfill` or with Airflow's own
  backfill of this DAG.
- **Where things are** is in Airflow's Variables `retail_*`, see `docs/composer.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, Metadata, Param, task

from operators.flex_template import FlexTemplateOperator
from retail.callbacks import log_failure
from retail.checks import checks
from retail.parameters import world_params
from retail.pipelines import TAGS, TASK_DEFAULTS, WAREHOUSE, generate_task, load_task

DAY = "{{ params.day or (dag_run.data_interval_start or dag_run.run_after - macros.timedelta(days=1)) | ds }}"
"""A run that is triggered without a logical date has no interval: it is of the day before."""

with DAG(
    dag_id="retail_daily",
    description="Generates a day of the retail world, loads it into BigQuery and checks it.",
    doc_md=__doc__,
    # Airflow's default for a cron expression has no interval: the run's day would be the one that has just begun.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime(2019, 1, 1, tzinfo=UTC),
    # The world opened in 2019: with catch-up, whoever switches the DAG on would get a run for every day since.
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=8),
    default_args={**TASK_DEFAULTS, "depends_on_past": False, "on_failure_callback": log_failure},
    params={
        "day": Param(
            None,
            title="Day",
            description="Day to generate and load, in UTC. Empty for the run's data interval, or the day before.",
            type=["null", "string"],
            format="date",
        ),
        **world_params(),
    },
    tags=TAGS,
) as dag:
    period = {"start_date": DAY, "end_date": DAY}

    @task(outlets=[WAREHOUSE], execution_timeout=timedelta(minutes=5))
    def announce(day: str, loaded: dict[str, int]) -> Iterator[Any]:
        """Tells whoever waits for the warehouse which day it holds now."""
        yield Metadata(WAREHOUSE, {"start_date": day, "end_date": day, **loaded})

    generate = FlexTemplateOperator(**generate_task(), more_parameters=period)
    load = FlexTemplateOperator(**load_task(), more_parameters=period)
    generate >> load >> checks(**period) >> announce(DAY, load.output)

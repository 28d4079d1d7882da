"""A program: runs the DAGs by dag.test(), in an Airflow of its own, and prints what came of it as JSON.

In one process, since importing Airflow and making its database take longer than all of its own work here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.taskinstance import clear_task_instances
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.definitions.dag import _run_task
from airflow.settings import DAGS_FOLDER, Session
from airflow.utils.db import initdb
from sqlalchemy import select

from operators.dataflow_jobs import DataflowJobs, RefusedError
from operators.flex_template_trigger import FlexTemplateTrigger


def run(dag: DAG, day: str, conf: dict[str, Any] | None = None) -> Any:
    """A run of the day's data interval."""
    end_of_day = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    return dag.test(logical_date=end_of_day, run_conf=conf)


def outcome(dag_run: Any) -> dict[str, Any]:
    """The states of a run and its tasks, and in which try each ended."""
    tasks = {f"{ti.task_id}{[ti.map_index] if ti.map_index >= 0 else ''}": ti for ti in dag_run.get_task_instances()}
    return {
        "state": dag_run.state,
        "tasks": {name: str(ti.state) for name, ti in tasks.items()},
        "tries": {name: ti.try_number for name, ti in tasks.items()},
    }


@contextmanager
def losing_the_first_wait(task: BaseOperator) -> Iterator[None]:
    """Lets the first wait for a task's job end as if its triggerer had been lost; the task is tried again at once."""
    ended, lost = FlexTemplateTrigger._ended, []

    async def lose(self: Any) -> dict[str, Any]:
        if lost:
            return await ended(self)
        lost.append(self.job_id)
        raise ConnectionError("the triggerer is lost")

    with patch.object(FlexTemplateTrigger, "_ended", lose), patch.multiple(task, retries=1, retry_delay=timedelta(0)):
        yield


def run_again(dag: DAG, dag_run: Any, task_id: str) -> None:
    """Clears a task of a finished run, as its user does, and runs it."""
    session = Session()
    (instance,) = [ti for ti in dag_run.get_task_instances(session=session) if ti.task_id == task_id]
    clear_task_instances([instance], session=session)
    instance.try_number += 1  # as the scheduler does
    session.commit()
    _run_task(ti=instance, task=dag.get_task(task_id), run_triggerer=True)


def launched_after_clearing(dag: DAG, dag_run: Any, task_id: str) -> list[str]:
    """The names of the jobs that a task would launch that is cleared and run again."""
    names: list[str] = []

    def note(self: DataflowJobs, parameter: dict[str, Any]) -> dict[str, Any]:
        names.append(parameter["jobName"])
        raise RefusedError("noted")

    with patch.object(DataflowJobs, "launch", note):
        run_again(dag, dag_run, task_id)
    return names


def main(days: list[str]) -> None:
    """Runs every day, the first with all tables and a lost wait; clears a task; runs a day before the world began.

    Of this last day, of which nothing is loaded, a check is run all the same.
    """
    initdb()
    daily = DagBag(DAGS_FOLDER).dags["retail_daily"]
    for task in daily.tasks:
        task.retries = 0  # they would be tried again after minutes
    with losing_the_first_wait(daily.get_task("generate")):
        runs = [run(daily, days[0])]
    runs += [run(daily, day, {"tables": ["products", "customers", "inventory_items", "orders"]}) for day in days[1:]]
    outcomes = [outcome(dag_run) for dag_run in runs]
    too_early = run(daily, days[0], {"day": "2018-12-31"})  # takes the place of the first run
    events = Session().execute(select(AssetModel.name, AssetEvent.extra).join(AssetEvent.asset).order_by(AssetEvent.id))
    found = {
        "runs": outcomes,
        "before_the_opening": outcome(too_early),
        "events": [list(event) for event in events],
        "launched_after_clearing": launched_after_clearing(daily, runs[-1], "load"),
    }
    run_again(daily, too_early, "checks.row_counts")
    found["check_of_nothing"] = outcome(too_early)["tasks"]["checks.row_counts"]
    print(json.dumps(found), file=sys.__stdout__)


if __name__ == "__main__":
    main(sys.argv[1:])

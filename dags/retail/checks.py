"""Whether the warehouse holds what a run was to load: three queries, each of which fails with what is wrong."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import TaskGroup

from operators.warehouse_check import WarehouseCheckOperator
from retail import variables

CHECKS = ("row_counts", "reconciliation", "freshness")
"""Files ``checks/NAME.sql``; each says at its top what it checks."""


def checks(start_date: str, end_date: str) -> TaskGroup:
    """The checks of the partitions of a period, side by side.

    Args:
        start_date: First day, or a template of it.
        end_date: Last day.
    """
    parameters = {
        "start_date": ("DATE", start_date),
        "end_date": ("DATE", end_date),
        "tables": ("STRING", "{{ params.tables | join(',') }}"),
        "max_refused_share": ("FLOAT64", "{{ params.max_refused_share }}"),
        "max_staleness_hours": ("INT64", "{{ params.max_staleness_hours }}"),
    }
    with TaskGroup("checks", tooltip="Whether the warehouse holds what was to be loaded") as group:
        for name in CHECKS:
            WarehouseCheckOperator(
                task_id=name,
                sql=f"retail/checks/{name}.sql",
                query_parameters=parameters,
                project_id=variables.WAREHOUSE_PROJECT,
                location=variables.WAREHOUSE_LOCATION,
                deferrable=True,
                retries=1,  # data that is wrong stays wrong
                execution_timeout=timedelta(minutes=15),
            )
    return group

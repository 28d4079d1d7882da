"""What happens when a task has failed for good."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Context

logger = logging.getLogger(__name__)


def log_failure(context: Context) -> None:
    """Logs one line that alerts can be made of: which task of which run, after how many tries, and why."""
    task = context["ti"]
    why = str(context.get("exception") or "no reason was given").replace("\n", " | ")
    logger.error("FAILED %s.%s of %s, try %d: %s", task.dag_id, task.task_id, task.run_id, task.try_number, why)

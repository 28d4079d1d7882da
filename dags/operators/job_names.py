"""Names and labels of Dataflow jobs that follow from who launches them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime

LONGEST = 63
"""Characters of a name or a label. Dataflow would take 1,024 of a name, but it labels machines with it."""


def job_name(
    dag_id: str, task_id: str, run_id: str, map_index: int = -1, interval_start: datetime | None = None
) -> str:
    """The name of the job of one task of one run: the same in every try, and no other task's.

    Args:
        dag_id: Of the DAG.
        task_id: Of the task, with its groups.
        run_id: Of the run.
        map_index: Of a mapped task; -1 for others.
        interval_start: Start of the run's data interval, for whoever reads the name; None for a run without one.

    Returns:
        Up to 63 characters in the form that Dataflow asks for, ``[a-z]([-a-z0-9]*[a-z0-9])?``. What the ids lose in it
        is in the eight hexadecimal digits at its end.

    >>> job_name("retail_daily", "generate", "scheduled__2025-11-28T00:00:00+00:00", -1, datetime(2025, 11, 28))
    'retail-daily-generate-20251128-0095772b'
    """
    identity = json.dumps([dag_id, task_id, run_id, map_index])
    tail = [str(map_index)] if map_index >= 0 else []
    if interval_start is not None:
        midnight = interval_start.strftime("%H%M%S") == "000000"
        tail.append(interval_start.strftime("%Y%m%d" if midnight else "%Y%m%dt%H%M%S"))
    tail.append(hashlib.blake2b(identity.encode(), digest_size=4).hexdigest())
    end = "-".join(["", *tail])
    head = re.sub(r"[^a-z0-9]+", "-", f"{dag_id}-{task_id}".lower()).lstrip("-0123456789")
    return (head[: LONGEST - len(end)].rstrip("-") or "job") + end


def labels(texts: Mapping[str, str]) -> dict[str, str]:
    """Labels of these values, in the form that Google Cloud asks for.

    >>> labels({"airflow-task": "checks.Row counts"})
    {'airflow-task': 'checks-row-counts'}
    """
    return {key: re.sub(r"[^a-z0-9_-]", "-", text.lower())[:LONGEST] for key, text in texts.items()}

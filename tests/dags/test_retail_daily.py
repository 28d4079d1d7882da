"""The daily DAG, unmodified, against the local cloud: real templates, real jobs, real rows."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from beam_pipelines.local.airflow import configuration
from beam_pipelines.local.airflow.home import SEAM

REPOSITORY = Path(__file__).parents[2]
DAYS = ["2019-01-03", "2019-01-06", "2019-01-02", "2019-01-05", "2019-01-04"]
"""In the order in which they are caught up on, which does not matter."""

PARTITIONS = "SELECT partition_id FROM retail.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = '{}' AND total_rows > 0"


def airflow(home: Path, cloud: dict[str, str], **variables: str) -> dict[str, str]:
    """Variables of an Airflow of its own in an empty folder."""
    (home / "config").mkdir(parents=True)
    shutil.copy(SEAM, home / "config")
    environment = configuration.environment(home, REPOSITORY / "dags", 0, cloud, os.environ)
    return environment | {f"AIRFLOW_VAR_{name.upper()}": value for name, value in variables.items()}


def jobs(cloud) -> list[dict]:
    """All jobs of the local Dataflow, in the order of creation."""
    from google.auth.credentials import AnonymousCredentials
    from googleapiclient.discovery import build

    service = build(
        "dataflow", "v1b3", credentials=AnonymousCredentials(), client_options={"api_endpoint": cloud.dataflow}
    )
    listed = service.projects().locations().jobs().list(projectId="local", location="europe-west1").execute()
    return sorted(listed["jobs"], key=lambda job: job["createTime"])


def said(log: str) -> list[str]:
    """The lines about tasks that have failed for good."""
    return [line for line in log.splitlines() if "FAILED retail_" in line]


def test_five_days_a_lost_wait_a_cleared_task_and_a_failing_template(
    local_cloud, cloud_warehouse, bucket_folder, tmp_path, subtests
):
    environment = airflow(
        tmp_path / "airflow",
        local_cloud.environment,
        retail_lake=f"{bucket_folder}/lake",
        retail_scale="0.01",
        retail_poll_seconds="0.2",
    )
    program = subprocess.run(
        [sys.executable, REPOSITORY / "tests/dags/dag_runs.py", *DAYS], env=environment, capture_output=True, text=True
    )
    assert program.returncode == 0, program.stdout + program.stderr
    found = json.loads(program.stdout.splitlines()[-1])
    launched = [job for job in jobs(local_cloud) if job["name"].startswith("retail-daily-")]
    with subtests.test("every run succeeds, with all its tasks"):
        assert {run["state"] for run in found["runs"]} == {"success"}, said(program.stdout)
        assert {state for run in found["runs"] for state in run["tasks"].values()} == {"success"}
    with subtests.test("each task launches one job, also one that is retried after its triggerer was lost"):
        assert found["runs"][0]["tries"]["generate"] == 2
        expected = [f"retail-daily-{task}-{day.replace('-', '')}" for day in DAYS for task in ("generate", "load")]
        failing = f"retail-daily-generate-{DAYS[0].replace('-', '')}"
        assert Counter(job["name"][:-9] for job in launched) == Counter([*expected, failing])
    with subtests.test("whoever clears a task that has succeeded gets another job of the same name"):
        (name,) = found["launched_after_clearing"]
        assert [job["currentState"] for job in launched if job["name"] == name] == ["JOB_STATE_DONE"]
    with subtests.test("five days leave five partitions, and one of tables that four of them leave out"):
        for days, tables in ((DAYS, ("orders", "order_items", "daily_sales")), (DAYS[:1], ("web_events", "sessions"))):
            for table in tables:
                held = {row[0] for row in cloud_warehouse.query_and_wait(PARTITIONS.format(table))}
                assert held == {day.replace("-", "") for day in days}, table
    with subtests.test("whoever waits for the warehouse is told of each day"):
        assert [extra["start_date"] for name, extra in found["events"] if name == "retail_warehouse"] == DAYS
    with subtests.test("a failing template fails its task, with the job's own error"):
        failed = found["before_the_opening"]
        assert failed["tasks"].pop("generate") == "failed"
        assert (failed["state"], set(failed["tasks"].values())) == ("failed", {"upstream_failed"})
        line = next(line for line in said(program.stdout) if "retail_daily.generate" in line)
        assert re.search("is in JOB_STATE_FAILED: .*--start_date: expected a day", line)
    with subtests.test("a failing check fails its task, with what it has found"):
        assert found["check_of_nothing"] == "up_for_retry"
        assert re.search(r"BigQuery Job Error: .* retail\.\w+\$20181231: was not loaded", program.stdout)

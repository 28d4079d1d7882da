"""What every DAG has to be, and whether what it launches is what the templates take."""

import ast
import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from beam_pipelines import tables

REPOSITORY = Path(__file__).parents[2]
DAG_IDS = ["retail_backfill", "retail_daily"]
TEMPLATES = {
    path.stem: json.loads(path.read_text()) for path in (REPOSITORY / "templates").glob("*.json") if path.is_file()
}


@pytest.fixture(scope="session")
def facts(tmp_path_factory) -> dict[str, Any]:
    """The DAGs as a process of its own finds them, which knows no Variable and no connection; one for all workers."""
    base = tmp_path_factory.getbasetemp()
    found = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "dag_facts.json"
    with found.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            found.write_text(parsed(tmp_path_factory.mktemp("airflow")))
    return json.loads(found.read_text())


def parsed(home: Path) -> str:
    """What the program says of the DAGs."""
    environment = {name: value for name, value in os.environ.items() if "AIRFLOW" not in name}
    dags = str(REPOSITORY / "dags")
    environment |= {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": dags, "PYTHONPATH": dags}
    program = [sys.executable, REPOSITORY / "tests/dags/dag_facts.py"]
    ran = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()[-1]


def test_are_parsed_without_errors_within_ten_seconds(facts):
    assert facts["errors"] == {}
    assert sorted(facts["dags"]) == DAG_IDS
    assert facts["seconds"] < 10


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_say_what_they_are_and_who_owns_them(facts, dag_id):
    dag = facts["dags"][dag_id]
    assert len(dag["doc"]) > 200
    assert "retail" in dag["tags"]
    assert {task["owner"] for task in dag["tasks"].values()} == {"retail"}


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_are_tried_again_later_and_later_and_end_in_time(facts, dag_id):
    dag = facts["dags"][dag_id]
    for name, task in dag["tasks"].items():
        assert task["retries"] >= 1, name
        assert task["backs_off"], name
        assert task["timeout"], name
        assert task["reports_failure"], name
        assert task["timeout"] < dag["timeout"], name


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_run_one_at_a_time_and_are_not_caught_up_on_unasked(facts, dag_id):
    dag = facts["dags"][dag_id]
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)
    assert (dag["schedule"] != "NoneType") == bool(dag["starts"])


def test_the_daily_run_is_of_its_interval_or_of_the_day_before(facts):
    daily = facts["dags"]["retail_daily"]
    assert daily["schedule"] == "CronDataIntervalTimetable"
    parameters = daily["tasks"]["generate"]["launch"]["parameters"]
    assert (parameters["start_date"], parameters["end_date"]) == ("2019-01-30", "2019-01-30")


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_check_their_parameters(facts, dag_id):
    for name, schema in facts["dags"][dag_id]["params"].items():
        assert {"title", "description", "type"} <= set(schema), name
        assert {"enum", "minimum", "format", "pattern", "items"} & set(schema), name


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_generate_load_check_and_then_tell_of_the_warehouse(facts, dag_id):
    tasks = facts["dags"][dag_id]["tasks"]
    assert tasks["generate"]["outlets"] == ["retail_lake"]
    assert "generate" in tasks["load"]["upstream"]
    checks = [name for name in tasks if name.startswith("checks.")]
    assert len(checks) == 3
    assert all(tasks[name]["upstream"] == ["load"] for name in checks)
    assert set(checks) <= set(tasks["announce"]["upstream"])
    assert [name for name, task in tasks.items() if "retail_warehouse" in task["outlets"]] == ["announce"]


@pytest.mark.parametrize("dag_id", DAG_IDS)
@pytest.mark.parametrize("template", ["generate", "load"])
def test_give_each_template_its_parameters_in_the_form_that_it_takes(facts, dag_id, template):
    launched = facts["dags"][dag_id]["tasks"][template]["launch"]
    assert launched["template"] == f"gs://shop/templates/{template}.json"
    known = {parameter["name"]: parameter for parameter in TEMPLATES[template]["parameters"]}
    assert set(launched["parameters"]) == set(known)
    for name, value in launched["parameters"].items():
        for pattern in known[name].get("regexes", []):
            assert re.fullmatch(pattern, value), f"{name}: {value}"


def test_know_the_lakes_tables(facts):
    lake = [table.name for table in tables.LAKE]
    for dag_id in DAG_IDS:
        assert facts["dags"][dag_id]["params"]["tables"]["items"]["enum"] == lake


@pytest.mark.parametrize("path", sorted((REPOSITORY / "dags").rglob("*.py")), ids=lambda path: path.stem)
def test_import_nothing_of_the_pipelines(path):
    """Airflow's environment has neither Beam nor this package."""
    trees = ast.walk(ast.parse(path.read_text()))
    imports = [tree for tree in trees if isinstance(tree, ast.Import | ast.ImportFrom)]
    names = [getattr(tree, "module", None) or tree.names[0].name for tree in imports]
    assert not [name for name in names if name.partition(".")[0] in ("beam_pipelines", "apache_beam")]

"""What the commands do when all is well."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from beam_pipelines import cli
from beam_pipelines.commands import demo, execution
from beam_pipelines.commands.metrics import Counted
from beam_pipelines.tables import LAKE
from tests.cli.conftest import OPENING_DAYS, tables


def test_help_needs_neither_beam_nor_bigquery():
    program = (
        "import sys; from beam_pipelines import cli\n"
        "try: cli.main(['generate', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'apache_beam', 'google.cloud.bigquery', 'duckdb', 'numba', 'faker'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
    assert "--dimension_history" in ended.stdout


@pytest.mark.parametrize("command", [name for name, _, _ in cli.COMMANDS])
def test_every_command_has_help(retail, command):
    ended = retail(command, "--help")
    assert ended.status == 0
    assert f"usage: retail {command}" in ended.out


def test_no_command_prints_the_help(retail):
    ended = retail()
    assert ended.status == 2
    assert "COMMAND" in ended.out


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    arguments = ["demo", f"--output={folder}", *OPENING_DAYS, "--scale=0.02"]
    assert cli.main(arguments) == 0
    return folder, arguments


def test_a_second_demo_changes_no_table(retail, small_demo):
    folder, arguments = small_demo
    before = tables(folder / "warehouse.duckdb")
    lake = {path: path.read_bytes() for path in (folder / "lake").rglob("*") if path.is_file()}
    ended = retail(*arguments)
    assert ended.status == 0, ended.err
    assert tables(folder / "warehouse.duckdb") == before
    assert {path: path.read_bytes() for path in (folder / "lake").rglob("*") if path.is_file()} == lake
    assert all(before[name] for name in before if name.startswith("retail.")), "no table is empty"


def test_the_demo_ends_with_its_tables_and_queries_that_work_when_pasted(retail, small_demo):
    _, arguments = small_demo
    shown = retail(*arguments)
    for name in (*(table.name for table in LAKE), "order_items", "sessions", "daily_sales"):
        assert any(line.split()[:1] == [name] for line in shown.out.splitlines()), shown.out
    pasted = [shlex.split(line) for line in shown.out.splitlines() if " query " in line]
    assert len(pasted) == len(demo.QUERIES) == 3
    for words in pasted:
        ended = retail(*words[words.index("query") :], "--format=csv")
        assert ended.status == 0, ended.err


def test_generate_prints_json_for_programs(retail, tmp_path):
    ended = retail("generate", f"--output={tmp_path}/lake", *OPENING_DAYS, "--scale=0.01", "--json")
    document = json.loads(ended.out)
    orders = document["tables"]["orders"]
    assert orders["files"] == 3
    assert orders["rows"] > 0
    assert orders["bytes"] == sum(path.stat().st_size for path in tmp_path.glob("lake/orders/*/*.avro"))


def test_load_prints_json_for_programs(retail, lake, tmp_path):
    warehouse = f"--warehouse={tmp_path}/w.duckdb"
    document, again = (
        json.loads(retail("load", f"--input={lake}", *OPENING_DAYS, warehouse, "--json").out) for _ in range(2)
    )
    rows, metrics = document["tables"], document["metrics"]
    assert rows["retail.orders"] > 0
    assert rows["retail.order_items"] >= rows["retail.orders"]
    assert metrics["rows_read"] == metrics["rows_planned"] == sum(rows[f"retail.{table.name}"] for table in LAKE)
    assert metrics["rows_loaded"] == sum(rows.values())
    assert metrics["rows_refused"] == metrics["rows_unreadable"] == 0
    spread = metrics["rows_per_partition"]
    assert (spread["values"], spread["total"]) == (metrics["partitions_loaded"], metrics["rows_loaded"])
    assert again["tables"] == rows
    assert again["metrics"]["partitions_unchanged"] > 0
    assert "rows_loaded" not in again["metrics"] or again["metrics"]["rows_loaded"] == 0


def test_a_corrupt_block_costs_its_rows_and_a_load_of_some_tables_the_others(retail, lake, tmp_path):
    own = Path(shutil.copytree(lake, tmp_path / "lake"))
    part = own / "web_events" / "dt=2019-01-02" / "part-00000-of-00001.avro"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 0xFF
    part.write_bytes(content)
    warehouse = f"--warehouse={tmp_path}/w.duckdb"
    ended = retail("load", f"--input={own}", *OPENING_DAYS, warehouse, "--tables=web_events,customers", "--json")
    document = json.loads(ended.out)
    rows = document["tables"]
    assert ended.status == 0
    assert rows["ops.dead_letters_web_events"] == 1
    assert document["metrics"]["rows_unreadable"] > 0
    assert {name for name, count in rows.items() if count} == {
        *(f"retail.{name}" for name in ("customers", "web_events", "sessions")),
        *(
            f"ops.{name}"
            for name in ("dead_letters_web_events", "partition_loads_web_events", "partition_loads_customers")
        ),
    }


def test_hyphens_do_as_well_as_underscores(retail, tmp_path):
    ended = retail(
        "generate", f"--output={tmp_path}/lake", "--start-date=2019-01-01", "--end-date", "2019-01-01", "--scale=0.01",
        "--dimension-history=none", "--direct-num-workers=1",
    )  # fmt: skip
    assert ended.status == 0, ended.err


def test_the_same_query_in_every_format(retail, warehouse):
    query = (
        "SELECT MAX(total) AS largest, COUNT(*) AS orders, MIN(created_at) AS first, NULL AS nothing FROM retail.orders"
    )
    table, as_csv, as_json = (
        retail("query", query, f"--warehouse={warehouse}", f"--format={form}").out for form in ("table", "csv", "json")
    )
    (row,) = csv.DictReader(io.StringIO(as_csv))
    document = json.loads(as_json)
    assert Decimal(row["largest"]) == Decimal(document["largest"]) > 0
    assert int(row["orders"]) == document["orders"] > 0
    assert row["first"].startswith("2019-01-01 ")
    assert (row["nothing"], document["nothing"]) == ("", None)
    assert "NULL" in table
    assert str(document["orders"]) in table.split()


def test_a_query_comes_from_a_file_or_from_standard_input(retail, warehouse, tmp_path, monkeypatch):
    (tmp_path / "q.sql").write_text("SELECT 6 * 7 AS answer")
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 6 * 7 AS answer"))
    for source in (f"--file={tmp_path}/q.sql", "--file=-"):
        assert retail("query", source, f"--warehouse={warehouse}", "--format=csv").out == "answer\n42\n"


def test_what_is_rendered_is_current(retail):
    ended = retail("render", "--check")
    assert ended.status == 0, ended.err


def test_a_job_elsewhere_ends_with_what_it_has_counted(monkeypatch, capsys, gs_folder):
    monkeypatch.setattr(execution, "run", lambda *_: Counted({"rows": 22_144}, {}))
    flags = ["--runner=DataflowRunner", "--project=shop", "--region=europe-west1", f"--temp_location={gs_folder}/temp"]
    assert cli.main(["generate", f"--output={gs_folder}/lake", *OPENING_DAYS, *flags]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^rows +22,144 *$", said, re.MULTILINE)
    assert "customers" not in said, "rows of single tables are not known here"

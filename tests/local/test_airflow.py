"""Starting, watching and ending Airflow's components. The real ones take a minute: tests/airflow starts those."""

import inspect
import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from beam_pipelines.local.airflow import AirflowError, claimed, running
from beam_pipelines.local.airflow.component import MARK, processes
from beam_pipelines.local.airflow.configuration import environment
from beam_pipelines.local.http_server import PortError, listening

CLOUD = {"GOOGLE_CLOUD_PROJECT": "local", "DATAFLOW_EMULATOR_HOST": "http://localhost:9052"}

STAND_IN = '''
"""Answers and ends as Airflow's components do; the scheduler has a worker, and neither wants to end."""
import http.server, json, os, pathlib, signal, sys, threading

name, home = sys.argv[1], pathlib.Path(os.environ["AIRFLOW_HOME"])
if name == "db":
    (home / "airflow.db").touch()
    with (home / "migrations").open("a") as migrations:
        migrations.write(" ".join(sys.argv[1:]) + "\\n")
elif name == "api-server":
    healthy = dict.fromkeys(["metadatabase", "scheduler", "triggerer", "dag_processor"], {"status": "healthy"})

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(healthy).encode())

    address = os.environ["AIRFLOW__API__HOST"], int(os.environ["AIRFLOW__API__PORT"])
    http.server.HTTPServer(address, Health).serve_forever()
else:
    if name == "scheduler":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not os.fork():
            os.setsid()
    print(name, "works", flush=True)
    threading.Event().wait()
'''


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts another airflow before the real one, and shortens what the components get to end by themselves."""
    folder = tmp_path / "path" / "airflow"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    monkeypatch.setattr("beam_pipelines.local.airflow.component.GRACE_SECONDS", 0.2)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def start(home: Path):
    return running(home, home / "dags", 0, CLOUD)


def all_of(home: Path) -> list[psutil.Process]:
    return processes(home, {"api-server", "scheduler", "triggerer", "dag-processor"})


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"not within 20 seconds: {inspect.getsource(condition)}"
        time.sleep(0.02)


@pytest.mark.usefixtures("stand_in")
def test_a_start_waits_for_all_and_the_end_leaves_nothing(home):
    with start(home) as airflow:
        assert airflow.wait(threading.Event())
        until(lambda: len(all_of(home)) == 5)  # the scheduler's worker too, in a session of its own
        passwords = json.loads((home / "passwords.json").read_text())
        assert passwords == {airflow.username: airflow.password}
        assert (home / "passwords.json").stat().st_mode & 0o077 == 0
    assert all_of(home) == []
    with start(home) as again:
        assert again.password == airflow.password
    assert (home / "migrations").read_text() == "db migrate\n", "the second start has nothing to migrate"


@pytest.mark.usefixtures("stand_in")
def test_a_component_that_dies_is_named_with_its_log(home):
    with start(home) as airflow:
        assert airflow.wait(threading.Event())
        triggerer = airflow.components["triggerer"]
        until(lambda: "works" in triggerer.last_lines())
        triggerer.process.kill()
        with pytest.raises(
            AirflowError, match=r"triggerer was ended by signal 9; its log is .*/triggerer\.log$"
        ) as ended:
            airflow.watch(threading.Event())
        assert ended.value.log == "triggerer works"


@pytest.mark.usefixtures("stand_in")
def test_a_component_started_again_has_no_twin(home):
    with start(home) as airflow:
        assert airflow.wait(threading.Event())
        until(lambda: len(processes(home, {"scheduler"})) == 2)
        before = processes(home, {"scheduler"})
        airflow.components["scheduler"].process.kill()
        airflow.start("scheduler")
        until(lambda: len(processes(home, {"scheduler"})) == 2)
        assert not set(before) & set(processes(home, {"scheduler"}))


@pytest.mark.usefixtures("stand_in")
def test_who_stops_it_early_need_not_wait(home):
    stopped = threading.Event()
    stopped.set()
    with start(home) as airflow:
        airflow.components["api-server"].process.kill()
        airflow.components["api-server"].process.wait()
        del airflow.components["api-server"]
        assert not airflow.wait(stopped)


def test_a_home_serves_one_at_a_time(home):
    with claimed(home), pytest.raises(AirflowError, match=f"^{home}: an Airflow is running in this folder already$"):
        claimed(home).__enter__()
    with claimed(home):
        pass


def test_what_a_killed_command_left_is_ended(home):
    code, mark = "print(1, flush=True); input()", {MARK: f"{home}:scheduler"}
    left = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=mark)
    assert left.stdout
    assert left.stdout.readline()
    with claimed(home):
        assert left.stdout.read() == b""  # its end, since nothing was put in
        left.wait(10)


def test_a_port_that_is_taken_is_named_before_anything_starts(home, tmp_path):
    with (
        listening(0) as taken,
        pytest.raises(PortError, match=rf"port {taken.port} of 127\.0\.0\.1 is taken"),
        running(home, tmp_path, taken.port, CLOUD),
    ):
        pass
    assert not home.exists()


def test_another_airflows_variables_stay_out():
    given = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://production",
        "AIRFLOW_VAR_RETAIL_BUCKET": "production",
        "HTTP_PROXY": "http://production",
    }
    told = environment(Path("/home"), Path("/dags"), 8080, CLOUD, given | {"HOME": "/"})
    assert "production" not in "".join(told.values())
    assert told["HOME"] == "/"
    assert told["AIRFLOW_HOME"] == "/home"
    assert told.items() >= CLOUD.items()


@pytest.mark.usefixtures("stand_in")
def test_a_shell_is_told_everything_even_by_an_airflow_started_from_such_a_shell(home, monkeypatch):
    for name, value in environment(home, home / "dags", 8080, CLOUD, os.environ).items():
        monkeypatch.setenv(name, value)
    with start(home) as airflow:
        pass
    command = ["bash", "-c", f"source {shlex.quote(str(airflow.exports))} && env --null"]
    told = subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout.split("\0")
    variables = dict(line.split("=", 1) for line in told if line)
    assert variables.items() >= CLOUD.items()
    assert variables["AIRFLOW_HOME"] == str(home)
    assert variables["AIRFLOW__API__BASE_URL"] == airflow.address
    assert variables["PATH"].split(":")[0] == str(Path(sys.executable).parent)


def test_the_seam_is_inert_without_a_local_cloud():
    """Composer's own workers may find the file: it must cost nothing there."""
    seam = Path("beam_pipelines/local/airflow/airflow_local_settings.py").resolve()
    code = f"import sys; sys.path.insert(0, {str(seam.parent)!r}); import airflow_local_settings; print(*sys.modules)"
    variables = {name: value for name, value in os.environ.items() if not name.endswith("_EMULATOR_HOST")}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert not {"airflow", "wrapt", "grpc"} & set(done.stdout.split())

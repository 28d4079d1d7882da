"""Processes of jobs: forks or new interpreters, each a session of its own, none of which outlives what started it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from itertools import count

import psutil
import pytest

from beam_pipelines.local.dataflow.processes import Processes, ProcessLost

SLEEPING = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True)\nimport os\n"
SLEEPER = f"{SLEEPING}print(os.getpid(), flush=True)\nimport time; time.sleep(600)"


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


@pytest.fixture(scope="module", params=[True, False], ids=["forks", "new interpreters"])
def processes(request):
    made = Processes({**os.environ, "SHARED": "1"}, ["decimal", "no_such_module"], forks=request.param)
    yield made
    made.close()


@pytest.fixture
def run(processes, tmp_path):
    """Starts a program of some source."""
    numbers = count()

    def start(source: str, *arguments: str):
        program = tmp_path / f"program-{next(numbers)}.py"
        program.write_text(source)
        return processes.start([program, *arguments], tmp_path, {"TMPDIR": str(tmp_path)})

    return start


def test_a_program_runs_as_python_would_run_it(run, tmp_path):
    process = run(
        "import sys, os, json, tempfile\n"
        "print(json.dumps([sys.argv[1:], os.getcwd(), os.environ['SHARED'], tempfile.gettempdir(), sys.path[0],\n"
        "                  __name__, os.getpid() == os.getsid(0), sys.stdin.read(), __file__]))\n"
        "print('é\\nand', file=sys.stderr)\n"
        "sys.exit(3)",
        *("--a=b c", "é"),
    )
    first, *others = process.lines()
    here = str(tmp_path)
    assert json.loads(first) == [["--a=b c", "é"], here, "1", here, here, "__main__", True, "", f"{here}/program-0.py"]
    assert others == ["é", "and"]
    assert process.wait() == 3


def test_a_module_runs_too(processes, tmp_path):
    process = processes.start(["-m", "json.tool", "--help"], tmp_path, {})
    assert next(process.lines()).startswith("usage:")
    assert process.wait() == 0


def test_a_failure_shows_its_traceback(run):
    process = run("def fails():\n    return 1 / 0\nfails()")
    *_, last = process.lines()
    assert last == "ZeroDivisionError: division by zero"
    assert process.wait() == 1


def test_lines_come_when_they_are_written(run):
    process = run("print('now')\nimport time; time.sleep(600)")
    assert next(process.lines()) == "now"
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_a_program_that_becomes_another_is_heard_too(run):
    source = "import os, sys; os.execv(sys.executable, ['python', '-c', 'print(1); import time; time.sleep(600)'])"
    process = run(source)
    assert next(process.lines()) == "1"
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_a_daemon_that_a_program_leaves_is_not_waited_for(run, request):
    source = "print(subprocess.Popen(['sleep', '600'], start_new_session=True).pid); sys.stdout.write('end')"
    process = run(f"import subprocess, sys; {source}")
    daemon, last = process.lines()
    request.addfinalizer(lambda: os.kill(int(daemon), signal.SIGKILL))
    assert last == "end"
    assert process.wait() == 0
    assert not gone(int(daemon))


def test_a_program_that_has_just_begun_is_killed_too(run):
    for process in [run("import time; time.sleep(10)") for _ in range(10)]:
        process.kill()
        assert [*process.lines()] == []
        assert process.wait() == -signal.SIGKILL


def test_random_numbers_differ_between_processes(run):
    source = "import random; print(random.random())"
    assert [*run(source).lines()] != [*run(source).lines()]


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_what_a_program_has_started_ends_with_it(run, end):
    process = run(SLEEPER if end == "kill" else SLEEPING)
    lines = process.lines()
    child = int(next(lines))
    if end == "kill":
        process.kill()
    assert process.wait() == (-signal.SIGKILL if end == "kill" else 0)
    until(lambda: gone(child))
    process.kill()  # nobody: no error, and nobody else is hit


def test_processes_run_side_by_side(run):
    one, other = run(SLEEPER), run("print('done')")
    assert [*other.lines()] == ["done"]
    assert other.wait() == 0
    lines = one.lines()
    pids = [int(next(lines)), int(next(lines))]
    assert not any(gone(pid) for pid in pids)
    one.kill()
    assert one.wait() == -signal.SIGKILL


def test_closing_ends_everything(tmp_path):
    processes = Processes(os.environ, [])
    (tmp_path / "program.py").write_text(SLEEPER)
    process = processes.start([tmp_path / "program.py"], tmp_path, {})
    lines = process.lines()
    pids = [int(next(lines)), int(next(lines))]
    processes.close()
    assert gone(pids[1])
    until(lambda: gone(pids[0]))  # killed as well, and nobody's child to wait for
    assert process.wait() == -signal.SIGKILL
    processes.close()


def test_a_time_limit_that_a_library_sets_for_sockets_is_not_theirs(tmp_path, request):
    # Beam sets one for all of the process. Then a request would be read before it is there.
    request.addfinalizer(lambda: socket.setdefaulttimeout(None))
    socket.setdefaulttimeout(60)
    processes = Processes(os.environ, [])
    large = {f"LARGE_{number}": "x" * 100_000 for number in range(10)}
    for _ in range(5):
        process = processes.start(["-m", "json.tool", "--help"], tmp_path, large)
        assert next(process.lines()).startswith("usage:")
        assert process.wait() == 0
    processes.close()


def test_another_server_is_started_for_one_that_was_killed(tmp_path):
    processes = Processes(os.environ, [])
    (tmp_path / "program.py").write_text(SLEEPER)
    process = processes.start([tmp_path / "program.py"], tmp_path, {})
    lines = process.lines()
    pids = [int(next(lines)), int(next(lines))]
    psutil.Process(pids[1]).parent().kill()
    with pytest.raises(ProcessLost):
        process.wait()
    until(lambda: gone(pids[1]))  # the kernel kills it; what it has started is nobody's then
    os.kill(pids[0], signal.SIGKILL)
    following = processes.start(["-m", "json.tool", "--help"], tmp_path, {})
    assert next(following.lines()).startswith("usage:")
    processes.close()


def test_nothing_outlives_a_parent_that_is_killed(tmp_path):
    (tmp_path / "program.py").write_text(SLEEPER)
    source = (
        "import os, pathlib, sys\n"
        "from beam_pipelines.local.dataflow.processes import Processes\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "processes = Processes(os.environ, [])\n"
        "for line in processes.start([folder / 'program.py'], folder, {}).lines(): print(line, flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", source, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(parent.stdout.readline()), int(parent.stdout.readline())]
        server = psutil.Process(pids[1]).ppid()
        parent.kill()
    until(lambda: all(gone(pid) for pid in (*pids, server)))

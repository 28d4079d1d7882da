"""``retail airflow``: what it says, what it refuses, and what is left when it ends."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from beam_pipelines.local.airflow.component import COMPONENTS, processes
from tests.airflow.rest import Api
from tests.cli.conftest import retail_process

END_SECONDS = 60
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+) +user (\w+) +password (\S+)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("command")


@pytest.fixture
def command(folder: Path) -> Iterator[subprocess.Popen[str]]:
    started = retail_process("airflow", f"--home={folder}", "--port=0", "--cloud_port=0")
    yield started
    started.kill()
    started.communicate()


def ready(command: subprocess.Popen[str]) -> Api:
    """Reads what the command says until that is where to sign in, and signs in."""
    assert command.stdout
    for line in command.stdout:
        if found := ADDRESS.search(line):
            return Api(*found.groups())
    pytest.fail(f"it ended: {command.communicate()[1]}")


def all_of(folder: Path, command: subprocess.Popen[str]) -> list[psutil.Process]:
    return [*processes(folder, set(COMPONENTS)), *psutil.Process(command.pid).children(recursive=True)]


def alive(running: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended; who has is a zombie until somebody asks for the status."""
    return [process for process in running if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def ended(*arguments: str) -> tuple[int, str]:
    process = retail_process("airflow", *arguments)
    _, err = process.communicate(timeout=END_SECONDS)
    return process.returncode, err


def test_one_line_for_what_cannot_be_and_a_component_that_dies_ends_all(command, folder, tmp_path):
    api = ready(command)
    assert ended(f"--home={folder}", "--port=0", "--cloud_port=0") == (
        1,
        f"retail airflow: {folder}: an Airflow is running in this folder already\n",
    )
    port = api.address.rpartition(":")[2]
    assert ended(f"--home={tmp_path}", f"--port={port}", "--cloud_port=0") == (
        1,
        f"retail airflow: port {port} of 127.0.0.1 is taken\n",
    )
    running = all_of(folder, command)
    (processor, *_) = processes(folder, {"dag-processor"})
    processor.send_signal(signal.SIGKILL)
    _, err = command.communicate(timeout=END_SECONDS)
    assert command.returncode == 1
    *log, line = err.splitlines()
    assert "DagFileProcessorManager" in "".join(log), "its own last lines"
    assert line.startswith("retail airflow: Airflow's dag-processor was ended by signal 9; its log is ")
    assert not alive(running)


def test_ctrl_c_leaves_no_process(command, folder):
    ready(command)
    running = all_of(folder, command)
    assert len(running) >= len(COMPONENTS)
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=END_SECONDS)
    assert (command.returncode, err) == (0, "")
    assert not alive(running)
    assert not processes(folder, set(COMPONENTS))

"""A served Dataflow whose executor runs nothing and notes what it was asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from beam_pipelines import storage
from beam_pipelines.local.dataflow import Server, execution, serve
from beam_pipelines.local.dataflow.jobs import Job

LOCATION = "europe-west1"
JOBS = f"/v1b3/projects/local/locations/{LOCATION}/jobs"
LAUNCH = f"/v1b3/projects/local/locations/{LOCATION}/flexTemplates:launch"
SPEC = {
    "image": "localhost/retail/sales:latest",
    "sdkInfo": {"language": "PYTHON"},
    "defaultEnvironment": {"tempLocation": "gs://lake/temp", "maxWorkers": 2},
    "metadata": {
        "name": "Sales",
        "parameters": [
            {"name": "day", "label": "Day", "helpText": "A day.", "regexes": [r"\d{4}-\d\d-\d\d"]},
            {"name": "output", "label": "Output", "helpText": "Where to.", "paramType": "GCS_WRITE_FOLDER"},
            {"name": "scale", "label": "Scale", "helpText": "How much.", "paramType": "NUMBER", "isOptional": True},
        ],
    },
}
_numbers = count()


@dataclass
class Executor:
    """In the place of the real one: notes what it was asked for; a test moves the jobs itself."""

    environment: Mapping[str, str]
    launchers: Mapping[str, Path]
    preload: Sequence[str] = ()
    run_: dict[str, Job] = field(default_factory=dict)
    launched: dict[str, tuple[Job, str, Sequence[str]]] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    closed: bool = False

    def run(self, job: Job) -> None:
        assert json.loads(job.file.read_text())["id"] == job.id
        self.run_[job.id] = job

    def launch(self, job: Job, image: str, flags: Sequence[str]) -> None:
        self.launched[job.id] = job, image, flags

    def stop(self, job: Job) -> None:
        self.stopped.append(job.id)
        job.move("JOB_STATE_CANCELLING")

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Served:
    server: Server
    executor: Executor
    folder: Path

    def ask(self, verb: str, path: str, body: Any = None, raw: bytes | None = None) -> tuple[int, Any]:
        """The code and the body of one answer."""
        connection = HTTPConnection(self.server.endpoint.removeprefix("http://"), timeout=30)
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        connection.request(verb, path, content)
        answer = connection.getresponse()
        with answer:
            return answer.status, json.loads(answer.read())

    def create(self, **fields: Any) -> Job:
        """Creates a job over REST."""
        code, answer = self.ask("POST", JOBS, job_body(**fields))
        assert code == 200, answer
        return self.executor.run_[answer["id"]]


@pytest.fixture(scope="session")
def served(tmp_path_factory, _cloud_storage) -> Iterator[Served]:
    folder, made = tmp_path_factory.mktemp("dataflow"), []
    environment = {"STORAGE_EMULATOR_HOST": os.environ["STORAGE_EMULATOR_HOST"]}
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:  # while it starts only: the local cloud's is to run its jobs
            patch.setattr(execution, "Executor", lambda *arguments: made.append(Executor(*arguments)) or made[-1])
            server = stack.enter_context(serve(folder, environment, {"sales": Path("sales.py")}))
        (executor,) = made
        yield Served(server, executor, folder)
    assert executor.closed


@pytest.fixture
def spec_at(gs_folder) -> Callable[[Any], str]:
    """Stores a container spec and gives its place."""

    def store(spec: Any) -> str:
        content = spec if isinstance(spec, bytes) else json.dumps(spec).encode()
        path = f"{gs_folder}/spec-{next(_numbers)}.json"
        storage.write(path, lambda file: file.write(content))
        return path

    return store


def new_name(prefix: str = "sales") -> str:
    """A job's name that no other test has."""
    return f"{prefix}-{next(_numbers)}"


def job_body(**fields: Any) -> dict[str, Any]:
    """The least that a job needs, and further fields."""
    return {"name": new_name(), "environment": {"sdkPipelineOptions": {"options": {}}}} | fields

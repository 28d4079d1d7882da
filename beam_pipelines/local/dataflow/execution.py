"""Running jobs: each launcher and each worker is a process of its own, and what it says is the job's messages."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from beam_pipelines.local.dataflow import jobs as states
from beam_pipelines.local.dataflow import log_lines, storage_objects
from beam_pipelines.local.dataflow.jobs import Job
from beam_pipelines.local.dataflow.launcher_flags import job_object
from beam_pipelines.local.dataflow.processes import FORKS, Process, Processes, ProcessLost

_WORKER = "beam_pipelines.local.dataflow.worker"
_PRELOAD = (
    "apache_beam",
    "apache_beam.runners.dataflow.dataflow_runner",
    "apache_beam.runners.dataflow.internal.apiclient",
    "apache_beam.runners.portability.fn_api_runner.fn_runner",
    "apache_beam.runners.worker.sdk_worker_main",
)
"""What every launcher or every worker imports, and that takes long."""

_BASIC, _ERROR = "JOB_MESSAGE_BASIC", "JOB_MESSAGE_ERROR"
_LAST_LINES = 20


class JobFailed(Exception):  # noqa: N818 - reads as what happened
    """A job cannot go on; the arguments are its error messages, the last one the fullest."""


class _Stopped(Exception):  # noqa: N818 - reads as what happened
    """A job was stopped."""


class Executor:
    """Runs jobs side by side, in processes that end with it.

    The processes are forks of one that has imported Beam, which the first job starts; on macOS they are not.

    Args:
        environment: Variables of every process beside those of this one: where the other APIs are.
        launchers: The Python program that an image's launcher runs, by the last part of the image's name.
        preload: Modules to import once for all processes, beside Beam's own. What the modules do when they are
            imported is then done in launchers and workers that would not import them; so name libraries only.
        forks: Whether processes may be forks.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        launchers: Mapping[str, Path],
        preload: Sequence[str] = (),
        *,
        forks: bool = FORKS,
    ) -> None:
        self._storage = environment.get("STORAGE_EMULATOR_HOST", "")
        self._launchers = dict(launchers)
        self._processes = Processes({**os.environ, **environment}, (*_PRELOAD, *preload), forks=forks)
        self._lock = threading.Lock()
        self._running: dict[str, _Run] = {}
        self._closed = False

    def launch(self, job: Job, image: str, flags: Sequence[str]) -> None:
        """Returns at once; in the background the image's launcher describes the job, which then runs.

        Args:
            job: A queued one.
            image: The image of the template.
            flags: The launcher's command line.
        """

        def work(run: _Run) -> None:
            self._describe(run, image, flags)
            self._work(run)

        self._begin(job, work)

    def run(self, job: Job) -> None:
        """Returns at once; in the background the job's pipeline runs."""
        self._begin(job, self._work)

    def stop(self, job: Job) -> None:
        """Ends the job's processes, whatever they are doing; the job is cancelled once they have ended."""
        job.move(states.CANCELLING)
        with self._lock:
            run = self._running.get(job.id)
        if run is None:
            job.move(states.CANCELLED)
        else:
            run.stop()

    def close(self) -> None:
        """Cancels every job and waits until no process is left."""
        with self._lock:
            self._closed = True
            runs = list(self._running.values())
        for run in runs:
            run.job.move(states.CANCELLING)
            run.stop()
        for run in runs:
            run.thread.join()
        self._processes.close()

    def _begin(self, job: Job, work: Callable[[_Run], None]) -> None:
        run = _Run(job, self._processes)
        run.thread = threading.Thread(target=self._follow, args=(run, work), name=f"job-{job.id}", daemon=True)
        with self._lock:
            if self._closed:
                raise RuntimeError("the local Dataflow has been closed")
            if job.state not in (states.CANCELLING, states.CANCELLED):  # as it may be as soon as it can be found
                self._running[job.id] = run
                run.thread.start()

    def _follow(self, run: _Run, work: Callable[[_Run], None]) -> None:
        job, end = run.job, states.DONE
        try:
            work(run)
        except _Stopped:
            end = states.CANCELLED
            job.say("Cancellation is complete: the job's processes have ended.", _BASIC)
        except JobFailed as failed:
            end = states.FAILED
            for message in failed.args:
                job.say(message, _ERROR)
        except Exception as error:  # a fault of this server: the job is not to hang
            end = states.FAILED
            job.say(f"The local Dataflow failed: {type(error).__name__}: {error}", _ERROR)
        job.move(end)
        with self._lock:
            del self._running[job.id]

    def _describe(self, run: _Run, image: str, flags: Sequence[str]) -> None:
        """Runs the launcher, which stages the pipeline, and takes what it wrote as the job's description."""
        name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        if name not in self._launchers:
            known = ", ".join(sorted(self._launchers)) or "none"
            raise JobFailed(f"image {image}: there is no launcher {name!r} on this machine, but {known}")
        written = job_object(flags)
        console = f"{written.rpartition('/')[0]}/console_logs"
        run.job.say(f"Executing: python {shlex.join([str(self._launchers[name]), *flags])}", _BASIC)
        run.job.say(f"Console log from launcher will be available at {console}.", _BASIC)
        status, last = run.process([self._launchers[name].resolve(), *flags], run.job.folder / "console_logs")
        with suppress(OSError):  # the log is a courtesy
            storage_objects.write(console, (run.job.folder / "console_logs").read_bytes(), self._storage)
        if status:
            raise JobFailed(
                f"Error occurred in the launcher container: Template launch failed.\n{_ended(status, last)}"
            )
        try:
            described = json.loads(storage_objects.read(written, self._storage))
        except (OSError, ValueError) as error:
            raise JobFailed(
                f"Failed to read the job file : {written} with error message: {error}. The launcher has to run its "
                "pipeline on the DataflowRunner, with the flags that it is given"
            ) from error
        run.job.describe(described)

    def _work(self, run: _Run) -> None:
        """Runs the job's pipeline in a worker."""
        job = run.job
        if job.body.get("type") == "JOB_TYPE_STREAMING":
            raise JobFailed("Workflow failed. Causes: the local Dataflow does not run streaming pipelines yet")
        job.move(states.PENDING)
        job.move(states.RUNNING)
        job.say("Starting a worker: one process of this machine.", _BASIC)
        status, last = run.process(["-m", _WORKER, job.folder], job.folder / "worker_logs")
        result = _result(job.folder)
        job.measure(result.get("metrics", ()))
        if error := result.get("error"):
            raise JobFailed(f"Workflow failed. Causes: {error['cause']}", error["details"])
        if status:
            raise JobFailed(
                f"Workflow failed. Causes: the worker has ended before its pipeline.\n{_ended(status, last)}"
            )


class _Run:
    """A job that runs: its thread, and the process that it waits for."""

    thread: threading.Thread

    def __init__(self, job: Job, processes: Processes) -> None:
        self.job, self._is_stopped = job, False
        self._processes = processes
        self._process: Process | None = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Ends the process that runs, and lets no other begin."""
        with self._lock:
            self._is_stopped = True
            if self._process:
                self._process.kill()

    def process(self, command: Sequence[str | Path], log: Path) -> tuple[int, list[str]]:
        """Runs a Python program in the job's folder; what it writes are the job's messages, and goes into a file.

        Returns:
            Its exit status, and the last that it wrote.
        """
        temporary = self.job.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        try:
            with self._lock:
                if self._is_stopped:
                    raise _Stopped
                self._process = self._processes.start(command, self.job.folder, {"TMPDIR": str(temporary)})
            last = self._hear(self._process, log)
            status = self._process.wait()
        except ProcessLost as lost:
            raise JobFailed(f"Workflow failed. Causes: {lost}") from lost
        finally:
            shutil.rmtree(temporary, ignore_errors=True)  # a process that is killed leaves what it has there
        if self._is_stopped:
            raise _Stopped
        return status, last

    def _hear(self, process: Process, log: Path) -> list[str]:
        """Makes messages of what a process writes until it ends; the last of it."""
        last: deque[str] = deque(maxlen=_LAST_LINES)
        with log.open("w", encoding="utf-8") as file:
            for line in process.lines():
                text, importance = log_lines.message(line)
                file.write(f"{text}\n")
                if text.strip():
                    last.append(text)
                    self.job.say(text, importance)
        return list(last)


def _ended(status: int, last: Sequence[str]) -> str:
    """How a program ended that failed: what it said at last and, if that does not explain it, its status."""
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
    return "\n".join([*last, how] if status < 0 else last or [how])


def _result(folder: Path) -> dict[str, Any]:
    """What a worker has left; nothing if it was killed before it could."""
    try:
        result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return result

"""One of Airflow's components as a process that is started, watched and ended with all its descendants."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

AIRFLOW = (sys.executable, "-P", "-m", "airflow")
"""The airflow command of this environment, whatever the current folder holds."""

COMPONENTS: dict[str, tuple[str, ...]] = {
    # Log servers listen on all addresses, and are not needed: the user interface reads the files.
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
"""Arguments of the airflow command by component, in the order of starting."""

MARK = "RETAIL_AIRFLOW_COMPONENT"
"""An environment variable that names the component: descendants inherit it whatever becomes of their parents."""

GRACE_SECONDS = 3.0
"""How long components get to end by themselves: a scheduler would wait for its tasks, a triggerer always takes ten."""

LOG_LINES = 15


class Component:
    """A component, from its start on.

    Args:
        name: Which one.
        environment: The variables of its process.
        home: Airflow's home; the component's log is logs/NAME.log in it.
    """

    def __init__(self, name: str, environment: Mapping[str, str], home: Path) -> None:
        self.name = name
        self.log = home / "logs" / f"{name}.log"
        # SPT_NOENV: Airflow gives its processes titles, which would otherwise be written over their environment.
        marked = {**environment, MARK: f"{home}:{name}", "SPT_NOENV": "1"}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal is for the command, which then ends its components in order.
            self.process = subprocess.Popen(  # noqa: S603 - the command is a constant of ours
                [*AIRFLOW, *COMPONENTS[name]],
                env=marked,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def last_lines(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])


def stop(components: Sequence[Component], home: Path) -> None:
    """Ends components and whatever they have left running."""
    for component in components:
        component.process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for component in components:
        with contextlib.suppress(subprocess.TimeoutExpired):
            component.process.wait(max(0.0, deadline - time.monotonic()))
    kill(home, {component.name for component in components})
    for component in components:
        component.process.wait()


def kill(home: Path, names: set[str]) -> None:
    """Kills every process of these components, however it came to be, until there is none."""
    while found := processes(home, names):
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=GRACE_SECONDS)


def processes(home: Path, names: set[str]) -> list[psutil.Process]:
    """The processes of these components of the Airflow in a home, their descendants included."""
    marks = {f"{home}:{name}" for name in names}
    found = []
    for process in psutil.process_iter():
        # Other users' processes, zombies, and those that have just ended have no environment to look at.
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) in marks:
                found.append(process)
    return found

"""Airflow's home: a folder with its database, logs and password, and the seam to the local cloud."""

from __future__ import annotations

import fcntl
import json
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from beam_pipelines.local.airflow.component import AIRFLOW, COMPONENTS, kill
from beam_pipelines.local.airflow.configuration import PASSWORDS, USERNAME

SEAM = Path(__file__).with_name("airflow_local_settings.py")


class AirflowError(RuntimeError):
    """Airflow cannot be started, or has ended.

    Args:
        message: One line that says why.
        log: What Airflow itself said last, for who wants to know more.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


@contextmanager
def claimed(home: Path) -> Iterator[None]:
    """Keeps a home for this process, and ends what a process that was killed has left running in it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AirflowError(f"{home}: an Airflow is running in this folder already") from None
        kill(home, set(COMPONENTS))
        yield


def prepare(home: Path, environment: Mapping[str, str]) -> None:
    """Writes what Airflow looks for in its home. What is there already stays, apart from what follows from the code."""
    (home / "config").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SEAM, home / "config" / SEAM.name)
    _write_password(home / PASSWORDS)
    _migrate(home, environment)


def password(home: Path) -> str:
    """The password of the user."""
    return str(json.loads((home / PASSWORDS).read_text(encoding="utf-8"))[USERNAME])


def write_exports(path: Path, exports: Mapping[str, str]) -> None:
    """Writes what a shell has to be told so that ``airflow`` in it means this one."""
    lines = [f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"\n']
    lines += [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(exports.items())]
    path.write_text("".join(lines), encoding="utf-8")


def _write_password(path: Path) -> None:
    if path.exists():
        return
    path.touch(mode=0o600)
    path.write_text(json.dumps({USERNAME: secrets.token_urlsafe(9)}), encoding="utf-8")


def _migrate(home: Path, environment: Mapping[str, str]) -> None:
    """Brings the database up to the installed version of Airflow. Asking Airflow would take eight seconds."""
    stamp, installed = home / "airflow.db.version", version("apache-airflow-core")
    if (home / "airflow.db").exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == installed:
        return
    command = [*AIRFLOW, "db", "migrate"]
    done = subprocess.run(  # noqa: S603 - the command is a constant of ours
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C does not cut it short
    )
    if done.returncode:
        raise AirflowError(f"{home}: airflow db migrate failed", done.stdout)
    stamp.write_text(installed, encoding="utf-8")

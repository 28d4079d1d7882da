"""The process that starts all others: it has imported what they need, and becomes a copy of itself for each.

Importing Beam takes seconds; a fork of a process that has imported it takes milliseconds. So this program imports
modules once, and then turns each request of its parent into a child that runs a Python program as ``python`` would: in
a session, a folder and an environment of its own. Where forks are not safe (macOS) it starts new interpreters instead.

``python -m beam_pipelines.local.dataflow.fork_server SOCKET fork|spawn MODULE...``; SOCKET is an inherited file
descriptor. A request is two descriptors that come through it: a connection, on which one line of JSON says what to run
and on which the exit status comes back, and what the program writes its output to. Once the connection's other end is
shut, by the parent or by its death, the program and all that it has started are killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """What a child is to run: ``python COMMAND`` in a folder and an environment."""

    command: list[str]
    folder: str
    environment: dict[str, str]

    def run(self) -> None:
        """Runs it in this process, as ``__main__``."""
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        tempfile.tempdir = None  # what it was is kept there, whatever the environment says now
        if self.command[0] == "-m":
            sys.argv, sys.path[0] = self.command[1:], self.folder
            runpy.run_module(self.command[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv, sys.path[0] = list(self.command), os.path.dirname(self.command[0])  # noqa: PTH120 - as Python
            runpy.run_path(self.command[0], run_name="__main__")

    def spawn(self, output: int) -> subprocess.Popen[bytes]:
        """Runs it in a new interpreter."""
        return subprocess.Popen(  # noqa: S603 - the parent's own programs
            [sys.executable, *self.command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


class ForkServer:
    """The loop that starts, watches and ends children.

    Args:
        control: Where requests come from.
        forks: Whether children are forks; else they are new interpreters.
    """

    def __init__(self, control: socket.socket, *, forks: bool) -> None:
        self._control, self._forks = control, forks
        self._children: dict[int, socket.socket] = {}
        self._spawned: dict[int, subprocess.Popen[bytes]] = {}
        self._killed: set[int] = set()
        self._wake, signalled = socket.socketpair()
        self._signalled = signalled
        signalled.setblocking(False)
        signal.set_wakeup_fd(signalled.fileno())
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this
        self._selector = selectors.DefaultSelector()
        for source in (control, self._wake):
            self._selector.register(source, selectors.EVENT_READ)

    def serve(self) -> Program | None:
        """Serves until the parent is gone, and answers None; in each child, answers what it is to run."""
        while True:
            for key, _ in self._selector.select():
                source: Any = key.fileobj
                if source is self._wake:
                    self._wake.recv(4096)
                    self._reap(os.WNOHANG)
                elif source is not self._control:
                    self._kill(int(key.data))
                elif not (descriptors := socket.recv_fds(self._control, 1, 2)[1]):
                    self._end()
                    return None
                elif program := self._start(socket.socket(fileno=descriptors[0]), descriptors[1]):
                    return program

    def _start(self, connection: socket.socket, output: int) -> Program | None:
        connection.setblocking(True)
        with connection.makefile("rb") as reading:
            request = reading.readline()
        if not request.endswith(b"\n"):  # its sender has ended meanwhile
            connection.close()
            os.close(output)
            return None
        program = Program(**json.loads(request))
        if self._forks:
            with warnings.catch_warnings():  # Python 3.12's, of native threads: OpenBLAS and jemalloc expect forks
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
            if pid == 0:
                self._become_child(connection, output)
                return program
        else:
            spawned = program.spawn(output)
            pid = spawned.pid
            self._spawned[pid] = spawned  # kept, or it would wait for the child itself
        os.close(output)
        self._children[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ, pid)
        return None

    def _become_child(self, connection: socket.socket, output: int) -> None:
        os.setsid()
        _die_with_parent()
        for one in (connection, self._control, self._wake, self._signalled, *self._children.values()):
            one.close()  # above all the others' connections: each must end with this server
        self._selector.close()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        for descriptor in (nothing, output):
            os.close(descriptor)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        if numpy := sys.modules.get("numpy"):  # Python seeds its own generator after a fork
            numpy.random.seed()

    def _kill(self, pid: int) -> None:
        """Kills a child and what it has started, unless it has been reaped: then its id may be another's."""
        if pid not in self._children:
            return
        self._selector.unregister(self._children[pid])
        self._killed.add(pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)  # by itself too: a fork that has just begun leads no group yet

    def _reap(self, how: int) -> None:
        while self._children:
            pid, status = os.waitpid(-1, how)
            if pid == 0:
                return
            connection, exit_status = self._children.pop(pid), os.waitstatus_to_exitcode(status)
            if spawned := self._spawned.pop(pid, None):
                spawned.returncode = exit_status
            if pid in self._killed:
                self._killed.remove(pid)
            else:
                self._selector.unregister(connection)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # what it has started and not waited for ends with it
            with contextlib.suppress(OSError), connection:
                connection.sendall(f"{exit_status}\n".encode())

    def _end(self) -> None:
        for pid in self._children.keys() - self._killed:
            self._kill(pid)
        self._reap(0)


def _die_with_parent() -> None:
    """Asks the kernel to kill this process when its parent is killed; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def preload(modules: Sequence[str]) -> None:
    """Imports what children will need; one that fails is theirs to report."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in modules:
            with contextlib.suppress(Exception):
                importlib.import_module(module)
    gc.collect()
    gc.freeze()  # children share the pages of what is there now for as long as nobody writes on them


def _main(descriptor: str, how: str, *modules: str) -> None:
    control = socket.socket(fileno=int(descriptor))
    forks = how == "fork"
    if forks:
        preload(modules)
    if program := ForkServer(control, forks=forks).serve():
        program.run()


if __name__ == "__main__":
    _main(*sys.argv[1:])

"""Starting the processes of jobs, and ending them: whatever happens to this process, none of them outlives it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_FORK_SERVER = "beam_pipelines.local.dataflow.fork_server"
FORKS = sys.platform == "linux"
"""Whether processes are forks of one that has imported everything; macOS's own libraries do not survive a fork."""

_PIPE_BYTES = 65536


class ProcessLost(RuntimeError):  # noqa: N818 - reads as what happened
    """What a process ended with is not known, for what has started it has ended too."""


class Process:
    """A program that runs, with all that it starts."""

    def __init__(self, connection: socket.socket, output: int) -> None:
        self._connection = connection
        self._output = output
        self._lock = threading.Lock()

    def lines(self) -> Iterator[str]:
        """What it writes until it ends, standard output and error as one, line by line and without the ends."""
        with os.fdopen(self._output, "rb", buffering=0) as output, selectors.DefaultSelector() as selector:
            os.set_blocking(output.fileno(), False)
            for source in (output, self._connection):
                selector.register(source, selectors.EVENT_READ)
            rest, is_over = b"", False
            while not is_over:
                # Its status tells of its end too: a daemon that it has left may keep the output open for ever.
                is_over = any(key.fileobj is self._connection for key, _ in selector.select())
                while chunk := output.read(_PIPE_BYTES):
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from (_text(line) for line in lines)
                is_over = is_over or chunk == b""
            if rest:
                yield _text(rest)

    def wait(self) -> int:
        """Waits for its end, which is also the end of what it has started; its exit status, or minus the signal.

        Raises:
            ProcessLost: it was ended with everything else.
        """
        with self._connection.makefile("rb") as reading:
            status = reading.readline()
        with self._lock:
            self._connection.close()
        if not status:
            raise ProcessLost("the process that starts all others has ended")
        return int(status)

    def kill(self) -> None:
        """Kills it and what it has started, if it still runs; does not wait."""
        with self._lock, contextlib.suppress(OSError):  # closed: it has ended
            self._connection.shutdown(socket.SHUT_WR)


class Processes:
    """Processes that end with this one at the latest.

    Args:
        environment: All their variables.
        preload: Modules that they will need.
        forks: Whether they may be forks of one process that has imported these.
    """

    def __init__(self, environment: Mapping[str, str], preload: Sequence[str], *, forks: bool = FORKS) -> None:
        # Unbuffered: what a program writes is to be seen when it writes it, also by an interpreter that a fork becomes.
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._preload, self._forks = tuple(preload), forks
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> Process:
        """Runs ``python COMMAND`` in a folder and in a session of its own, without input.

        Args:
            command: A file's path, or ``-m`` and a module's name, and arguments.
            folder: Its working directory.
            environment: Variables of this process alone.

        Raises:
            ProcessLost: what starts it was killed.
        """
        connection, theirs = _connected()
        reading, writing = os.pipe()
        variables = self._environment | dict(environment)
        request = {"command": [str(one) for one in command], "folder": str(folder), "environment": variables}
        try:
            with self._lock:
                socket.send_fds(self._running(), [b"."], [theirs.fileno(), writing])
            connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            connection.close()
            os.close(reading)
            raise ProcessLost(f"no process can be started: {error}") from error
        finally:
            theirs.close()
            os.close(writing)
        return Process(connection, reading)

    def close(self) -> None:
        """Kills every process and waits for its end."""
        with self._lock:
            if self._control and self._server:
                self._control.close()
                self._server.wait()
            self._control = self._server = None

    def _running(self) -> socket.socket:
        """What requests go through; starts the fork server, or another if it has been killed."""
        if self._control and self._server and self._server.poll() is None:
            return self._control
        if self._control:
            self._control.close()
        self._control, theirs = _connected()
        with theirs:
            how = "fork" if self._forks else "spawn"
            self._server = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", _FORK_SERVER, str(theirs.fileno()), how, *self._preload],
                env=self._environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._control


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")


def _connected() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection that wait, whatever time limit some library has set for all new sockets."""
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(True)
    return ends

"""What a worker's program logs, as lines that can be told from other output: one JSON object each, as Google's logs."""

from __future__ import annotations

import json
import logging
from typing import NamedTuple

_IMPORTANCES = {
    "DEBUG": "JOB_MESSAGE_DEBUG",
    "INFO": "JOB_MESSAGE_DETAILED",
    "WARNING": "JOB_MESSAGE_WARNING",
    "ERROR": "JOB_MESSAGE_ERROR",
    "CRITICAL": "JOB_MESSAGE_ERROR",
}


class Message(NamedTuple):
    """A job's message."""

    text: str
    importance: str


class StructuredFormatter(logging.Formatter):
    """Records as ``{"severity": ..., "message": ...}``, which Cloud Logging understands too."""

    def format(self, record: logging.LogRecord) -> str:
        """The record in one line, its traceback included."""
        return json.dumps({"severity": record.levelname, "message": super().format(record)})


class RunnersErrors(logging.Filter):
    """Beam's runner logs the exception of a step once per layer that it passes; the job reports it at its end."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps the record, less important if it is such an exception."""
        if record.name.startswith("apache_beam.runners.") and record.levelno >= logging.ERROR:
            record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return True


def message(line: str) -> Message:
    r"""What a line of output is as a message: a structured one by its severity, any other as a detail.

    >>> message('{"severity": "WARNING", "message": "slow"}')
    Message(text='slow', importance='JOB_MESSAGE_WARNING')
    >>> message("Fatal Python error: Aborted").importance
    'JOB_MESSAGE_DETAILED'
    """
    if line.startswith('{"severity"'):
        try:
            parsed = json.loads(line)
            return Message(str(parsed["message"]), _IMPORTANCES[parsed["severity"]])
        except (ValueError, KeyError):
            pass  # somebody else's
    return Message(line, _IMPORTANCES["INFO"])

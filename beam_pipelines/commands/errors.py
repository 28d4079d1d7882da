"""Failures that a command reports in one line."""

from __future__ import annotations

import re

EXCEPTION = re.compile(r"^(?P<module>[\w.]+\.)?(?P<name>\w+(?:Error|Exception|Locked|Unreadable)): (?P<message>.+)$")
RUNNING = re.compile(r" \[while running '.*'\]$")
FORESEEN = ("beam_pipelines.", "google.auth.", "google.api_core.")
"""Where exceptions come from whose message says what is wrong with an option, a file or a permission."""

OPERATING_SYSTEM = ("OSError", "PermissionError", "FileNotFoundError", "NotADirectoryError", "IsADirectoryError")


class CommandError(Exception):
    """The command failed for a reason that one line explains."""


def explained(error: BaseException) -> str | None:
    r"""The line that explains a failed pipeline, or None if its error is not one that the code foresaw.

    Beam hands a worker's exception over as text, its traceback included; the last line that names an exception is the
    worker's own.

    >>> explained(RuntimeError("Traceback ...\nbeam_pipelines.lake.LakeError: a.avro: cut [while running 'Read']"))
    'a.avro: cut'
    """
    if _is_foreseen(type(error).__module__, type(error).__name__):
        return RUNNING.sub("", str(error).strip().splitlines()[0])
    for line in reversed(str(error).strip().splitlines()):
        if found := EXCEPTION.match(line.strip()):
            return RUNNING.sub("", found["message"]) if _is_foreseen(found["module"] or "", found["name"]) else None
    return None


def _is_foreseen(module: str, name: str) -> bool:
    """Whether an exception is one of ours, of a file system (full, read-only), or of Google's clients (not allowed)."""
    return module.startswith(FORESEEN) or name in OPERATING_SYSTEM

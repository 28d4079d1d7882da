"""What Dataflow accepts as the name of a job and as labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from beam_pipelines.local.dataflow.errors import invalid

JOB_NAME = r"[a-z]([-a-z0-9]{0,1022}[a-z0-9])?"

_MOST_LABELS = 64
_LONGEST_LABEL = 63
_MOST_BYTES = 128
_LETTERS = ("Ll", "Lo")
_DIGITS = ("Nd", "Nl", "No")


def check_job_name(field: str, name: str) -> None:
    """Raises an ApiError if Dataflow would take no job of that name.

    >>> check_job_name("jobName", "sales-2025-11-28")
    """
    if not name:
        raise invalid(f"{field}: expected a name, got none")
    if not re.fullmatch(JOB_NAME, name):
        raise invalid(f"{field}: expected a name that matches {JOB_NAME}, got {name!r:.80}")


def check_labels(field: str, labels: Mapping[str, str]) -> None:
    """Raises an ApiError if Dataflow would not take these labels.

    >>> check_labels("labels", {"team": "retail", "env": ""})
    """
    if len(labels) > _MOST_LABELS:
        raise invalid(f"{field}: expected at most {_MOST_LABELS} labels, got {len(labels)}")
    for key, value in labels.items():
        if not (key and unicodedata.category(key[0]) in _LETTERS and _is_label(key)):
            raise invalid(f"{field}: expected keys of 1 to 63 of a-z 0-9 _ -, the first a letter, got {key!r:.80}")
        if not _is_label(value):
            raise invalid(f"{field}.{key}: expected at most 63 of a-z 0-9 _ -, got {value!r:.80}")


def _is_label(text: str) -> bool:
    kinds = (*_LETTERS, *_DIGITS)
    return (
        len(text) <= _LONGEST_LABEL
        and len(text.encode()) <= _MOST_BYTES
        and all(letter in "_-" or unicodedata.category(letter) in kinds for letter in text)
    )

"""What an option of a pipeline is, written once for the command line, the pipelines and the templates.

Dataflow checks a template's parameters by POSIX extended regular expressions, so the patterns keep to what these and
Python's have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Form:
    """What a value looks like."""

    pattern: str
    """A regular expression that the whole value matches."""
    expected: str
    """The same in words, as an error says it."""

    def fits(self, text: str) -> bool:
        """Whether a value looks like that.

        >>> [DAY.fits(text) for text in ("2025-11-28", "28.11.2025", "on 2025-11-28")]
        [True, False, False]
        """
        return re.fullmatch(self.pattern, text) is not None

    @property
    def anchored(self) -> str:
        """The pattern as a template has it, where it would otherwise be looked for anywhere in the value.

        >>> one_of(["csv", "jsonl"]).anchored
        '^(csv|jsonl)$'
        """
        return f"^({self.pattern})$"


NUMBER = "([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?"
"""A number that is not negative, as people and programs write it."""

DAY = Form("[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day as YYYY-MM-DD")
BIGQUERY_PROJECT = Form(
    "bigquery://([a-z][-a-z0-9.]*[a-z0-9]:)?[a-z][-a-z0-9]*[a-z0-9]",
    "bigquery://PROJECT, which the runner's workers can reach",
)


def cloud_storage_folder(purpose: str) -> Form:
    """An address in Cloud Storage that workers can do something with.

    >>> cloud_storage_folder("read").fits("gs://bucket/lake"), cloud_storage_folder("read").fits("lake")
    (True, False)
    """
    return Form("gs://[a-z0-9][-_.a-z0-9]*(/.*)?", f"a gs:// address, which the runner's workers can {purpose}")


def one_of(values: Iterable[str]) -> Form:
    """One word of several."""
    known = tuple(values)
    return Form("|".join(known), f"one of {', '.join(known)}")


def listed(pattern: str) -> str:
    """The pattern of one or more of what a pattern describes, separated by commas, with spaces where people put them.

    >>> [Form(listed("a|b"), "").fits(text) for text in ("a", "b, a", "a,c", "")]
    [True, True, False, False]
    """
    return f" *({pattern}) *(, *({pattern}) *)*"


@dataclass(frozen=True)
class Remote:
    """What an option has to be where workers on other machines use it, and so in every template."""

    help: str
    form: Form


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a pipeline, as text until it is checked."""

    name: str
    help: str
    metavar: str
    label: str
    """What a form to fill in calls it."""
    group: str
    """The heading under which such a form has it."""
    kind: str = "TEXT"
    """Which field such a form has for it: one of Dataflow's types of parameters."""
    default: str | None = None
    required: bool = False
    form: Form | None = None
    """None where its choices say what it may be, or where it may be anything."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """What it may be, and what that is called."""
    remote: Remote | None = None
    """None where it is the same on every machine."""

    @property
    def flag(self) -> str:
        """How it is given: ``--name``."""
        return f"--{self.name}"

    @property
    def is_switch(self) -> bool:
        """Whether it is true or false, and true if it is given without a value."""
        return self.kind == "BOOLEAN"

    @property
    def checked_form(self) -> Form | None:
        """What its text has to look like; None for anything."""
        return one_of(self.choices) if self.choices else self.form

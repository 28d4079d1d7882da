"""What may come of a case."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from beam_pipelines.avro import AvroError

Result = TypeVar("Result")

EQUAL = "equal rows"
OTHER = "other valid rows"
LONGEST_MESSAGE = 1000


class Wrong(Exception):  # noqa: N818 - a finding, not an error of the fuzzer's
    """What must not come of a case."""


def require(condition: object, what: str) -> None:
    """Raises Wrong unless the condition holds."""
    if not condition:
        raise Wrong(what)


def attempt(action: Callable[[], Result]) -> Result | AvroError:
    """What an action returns, or its AvroError, the message of which has to be one line."""
    try:
        return action()
    except AvroError as error:
        check_error(error)
        return error


def check_error(error: AvroError) -> None:
    """Raises Wrong unless the message is one short line."""
    message = str(error)
    require(message.isprintable(), f"a message that is not one line: {message[:LONGEST_MESSAGE]!r}")
    require(len(message) <= LONGEST_MESSAGE, f"a message of {len(message)} characters: {message[:200]!r}")


def kind_of(error: AvroError) -> str:
    """The error without what is of one case only."""
    problem = re.sub(r"(not JSON|corrupt \w+ data):.*", r"\1", error.problem, flags=re.DOTALL)
    return "error: " + re.sub(r"[-+]?\d+", "#", problem)[:60]

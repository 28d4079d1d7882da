"""Launching a pipeline as Flex Templates do: by a program that submits it and ends."""

from __future__ import annotations

import sys
from collections.abc import Callable

from beam_pipelines.options import UsageError


def launched(main: Callable[[], None]) -> int:
    """Submits a pipeline by its main function and returns the exit status: 2, after one line, for a wrong option."""
    try:
        main()
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    return 0

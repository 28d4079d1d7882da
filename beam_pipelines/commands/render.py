"""``retail render``: the files that follow from the code."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from beam_pipelines import render
from beam_pipelines.commands.display import Display
from beam_pipelines.commands.errors import CommandError
from beam_pipelines.options import UsageError


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Writes the files, or fails with the names of those that are not current."""
    if flags:
        raise UsageError(flags[0].lstrip("-"), "no option of this command", None)
    if not (render.ROOT / render.README).exists():
        raise CommandError(f"{render.ROOT}: expected a checkout of the project, found no {render.README}")
    if given.check:
        if drifted := render.drifted():
            names = ", ".join(str(path) for path in drifted)
            raise CommandError(f"not as the code renders them now: {names}; run retail render")
        return
    for path in render.write():
        display.say(f"wrote {path}")

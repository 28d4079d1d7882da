"""The views, one file of GoogleSQL each: ``<dataset>/<view>.sql``.

A file's leading comment is the view's description. Views that read other views come after them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class View:
    """A view and its query."""

    dataset: str
    name: str
    description: str
    query: str


@functools.lru_cache(maxsize=1)
def views() -> tuple[View, ...]:
    """Every view, in an order in which they can be created."""
    files = sorted(Path(__file__).parent.glob("*/*.sql"), key=lambda path: (path.parent.name != "retail", path))
    return tuple(_view(path) for path in files)


def _view(path: Path) -> View:
    lines = path.read_text(encoding="utf-8").strip().splitlines()
    comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    query = "\n".join(line for line in lines if not line.startswith("--"))
    return View(path.parent.name, path.stem, " ".join(comment), query)

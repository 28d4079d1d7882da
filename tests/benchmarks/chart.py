"""The comparisons with the peers as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

INK, BAR, MARK = "#24292f", "#3b7dd8", "#8c959f"
RATIOS_OF_HUNDREDS = 20
"""Ratios from here on are shown in a panel of their own: beside them the others would be invisible."""


def draw(lines: Mapping[str, Mapping[str, Any]], caption: str, path: Path) -> None:
    """Draws how many times the peer's figure ours is, with what it has to be at least and should be.

    Args:
        lines: By title: ``ratio``, ``at_least``, ``aim``, and both sides' ``..._per_cpu_second`` in ``unit``.
        caption: What stands below: when and where it was measured.
        path: The SVG file to write.
    """
    panels = [
        [title for title, line in lines.items() if (line["aim"] >= RATIOS_OF_HUNDREDS) is large]
        for large in (True, False)
    ]
    panels = [titles for titles in panels if titles]
    mpl.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "retail"})
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(8.6, 1.2 + 0.6 * len(lines)),
        height_ratios=[len(titles) for titles in panels],
        squeeze=False,
    )
    for axis, titles in zip(axes[:, 0], panels, strict=True):
        _panel(axis, {title: lines[title] for title in titles})
    figure.suptitle("Ours, as a multiple of the peer, per CPU second", x=0.01, ha="left", weight="bold", color=INK)
    figure.text(0.01, 0.01, f"{caption}.  Line: at least.  Dashes: aim.", color=MARK, size=8)
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    plt.close(figure)


def _panel(axis: Any, lines: Mapping[str, Mapping[str, Any]]) -> None:
    for row, line in enumerate(reversed(lines.values())):
        axis.barh(row, line["ratio"], color=BAR, height=0.55)
        ours, peer = _short(line["ours_per_cpu_second"]), _short(line["peer_per_cpu_second"])
        shown = f"  {line['ratio']:,.3g} times   ({ours} and {peer} {line['unit']})"
        axis.text(max(line["ratio"], line["aim"]), row, shown, va="center", color=INK, size=8)
        axis.plot([line["at_least"]] * 2, [row - 0.38, row + 0.38], color=INK, linewidth=1.4)
        axis.plot([line["aim"]] * 2, [row - 0.38, row + 0.38], color=MARK, linewidth=1.2, linestyle=(0, (2, 1)))
    axis.set_yticks(
        range(len(lines)), [title.replace(", beside ", "\nbeside ") for title in reversed(lines)], color=INK
    )
    axis.set_xlim(0, 1.7 * max(max(line["ratio"], line["aim"]) for line in lines.values()))
    axis.tick_params(axis="x", colors=MARK)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(MARK)


def _short(figure: float) -> str:
    """A figure with three digits.

    >>> _short(42_927), _short(7_584_344)
    ('42.9 k', '7.58 M')
    """
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if figure >= size:
            return f"{figure / size:.3g} {unit}"
    return f"{figure:.3g}"

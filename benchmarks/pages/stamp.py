"""Which points a committed picture shows, written into its file.

So a picture that is older than its documents is told by its points, whatever version of matplotlib
drew it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from likemark.benchmarks.pages.plot_style import Plot

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

_STAMP = re.compile(r"Points: ([0-9a-f]{64})\.")


def stamped(plot: Plot) -> str:
    """Its SVG, with what it shows in words and the stamp."""
    return plot.svg(note=f"{plot.title}. {plot.description} Points: {stamp_of(plot)}.")


def stamp_of(plot: Plot) -> str:
    """A hash of the names and points of all lines, to six digits, however they look."""
    panels = [
        [axes.get_title(loc="left"), [_points(line) for line in axes.lines]]
        for axes in plot.figure.axes
    ]
    return hashlib.sha256(json.dumps([plot.title, panels]).encode()).hexdigest()


def stamp_in(svg: str) -> str | None:
    """None of a picture without one."""
    found = _STAMP.search(svg)
    return None if found is None else found[1]


def _points(line: Line2D) -> list[Any]:
    label = str(line.get_label())
    points = np.column_stack([np.asarray(line.get_xdata()), np.asarray(line.get_ydata())])
    # Lines without a name are numbered by matplotlib, behind an underscore.
    return ["" if label.startswith("_") else label, [f"{each:.6g}" for each in points.ravel()]]

"""Precision against recall, and accuracy against speed. S: systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from likemark.benchmarks.pages.plot_style import End, Plot, figure, finished, label_ends, line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEVELS = [tenth / 10 for tenth in range(11)]


def recall_curves(curves: Sequence[tuple[str, Sequence[float]]], *, name: str, note: str) -> Plot:
    """curves: label and precision at recall 0, 0.1, ..., 1 of each of S; the first is the model's

    note: how precision is defined, from a capital on
    """
    drawn, axes = figure(7.2, _height(len(curves)))
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_xticks(_LEVELS)
    axes.grid(True)
    ends = []
    # The model is drawn last, over the others.
    for place, (label, precision) in reversed(list(enumerate(curves))):
        look = line(place)
        axes.plot(
            _LEVELS, precision, color=look.colour, ls=look.dashes, lw=look.width,
            marker=look.marker, ms=4, clip_on=False,
        )  # fmt: skip
        ends.append(End(place, label, 1.0, precision[-1]))
    label_ends(drawn, ends, column=1.05)
    title = "Precision at eleven levels of recall"
    described = f"{note}. Beside each name its mAP. The model is the thick black line."
    return finished(drawn, name=name, title=title, description=described)


def accuracy_by_speed(points: Sequence[End], *, name: str) -> Plot:
    """points: pictures/s and mAP of those of S that have a speed"""
    drawn, axes = figure(7.2, _height(len(points)))
    axes.set_xscale("log")
    axes.set(xlabel="pictures per second, logarithmic", ylabel="mAP")
    axes.grid(True, which="major")
    for point in points:
        look = line(point.place)
        size = 8 if point.place == 0 else 6
        x, y = [point.x], [point.y]
        axes.plot(x, y, look.marker, color=look.colour, ms=size, mec="white", mew=0.5)
    speeds = [point.x for point in points]
    axes.set_xlim(min(speeds) / 1.5, max(speeds) * 1.5)
    axes.set_ylim(0, min(1.05, max(0.1, 1.15 * max(point.y for point in points))))
    _whole_numbers(axes)
    left, right = axes.get_xlim()
    label_ends(drawn, points, column=right * (right / left) ** 0.05)
    title = "Accuracy against speed"
    described = (
        "mAP over the full ranking, and pictures a second from decoded pictures to vectors on one "
        "machine. Up and to the right is better; the model is black."
    )
    return finished(drawn, name=name, title=title, description=described)


def _height(names: int) -> float:
    """Inches that leave room for every name."""
    return max(4.4, 1.2 + 0.17 * names)


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())

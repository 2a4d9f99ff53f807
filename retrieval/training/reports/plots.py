"""loss.png and validation.png, drawn from the log at every validation."""

from __future__ import annotations

import importlib.util
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likemark.retrieval.files import write_whole
from likemark.retrieval.training.observers import Facts, Quiet, Validated
from likemark.retrieval.training.reports.log import key_of, read_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSS, VALIDATION = "loss.png", "validation.png"
_BLUE, _PALE, _RULE = "#0072b2", "#a9cfe6", "#d5d7dd"
_OTHERS = ("#d55e00", "#009e73", "#cc79a7", "#e69f00")  # of what is measured beside
_SMOOTH = 25  # steps, at most, of the running mean
_SETTINGS: dict[str, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "font.size": 9,
    "figure.dpi": 150,
}


def has_matplotlib() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


class Plots(Quiet):
    """log: what is drawn; it must be told before. Needs the package matplotlib."""

    def __init__(self, log: Path, folder: Path) -> None:
        self._log, self._folder = log, folder
        self._metric = ""

    def started(self, facts: Facts) -> None:
        self._metric = facts.metric

    def validated(self, validated: Validated) -> None:
        self._draw()

    def ended(self) -> None:
        self._draw()

    def _draw(self) -> None:
        from matplotlib import rc_context

        settings: Any = _SETTINGS
        with rc_context(settings):
            write_whole(self._folder / LOSS, loss_plot(read_log(self._log, "step")))
            found = read_log(self._log, "validated")
            if found:
                write_whole(self._folder / VALIDATION, validation_plot(found, self._metric))


def loss_plot(steps: list[dict[str, Any]]) -> bytes:
    """PNG of the loss over the steps, and its running mean."""
    losses = np.array([_number(one["loss"]) for one in steps], float)
    numbers = [one["step"] for one in steps]
    width = min(_SMOOTH, len(losses))

    def draw(axes: Axes) -> None:
        axes.plot(numbers, losses, color=_PALE, linewidth=0.8)
        if width > 1:
            mean = np.convolve(losses, np.full(width, 1 / width), "valid")
            label = f"mean of {width} steps"
            axes.plot(numbers[width - 1 :], mean, color=_BLUE, label=label)
            axes.legend(frameon=False)

    return _png("loss", draw)


def validation_plot(found: list[dict[str, Any]], metric: str) -> bytes:
    """PNG of the validation over the steps, its best value named, and what is measured beside."""
    key = key_of(metric)
    best = max(found, key=lambda one: float(one[key]))
    steps = [one["step"] for one in found]
    names = dict.fromkeys(name for one in found for name in one.get("more", {}))

    def draw(axes: Axes) -> None:
        axes.plot(steps, [one[key] for one in found], "o-", color=_BLUE, label=metric)
        for name, colour in zip(names, itertools.cycle(_OTHERS)):
            values = [_number(one.get("more", {}).get(name)) for one in found]
            axes.plot(steps, values, ".--", color=colour, linewidth=0.8, label=name)
        axes.annotate(
            f"{best[key]:.4f}", (best["step"], best[key]),
            xytext=(0, 6), textcoords="offset points", ha="center",
        )  # fmt: skip
        axes.margins(y=0.15)
        if names:
            axes.legend(frameon=False)

    return _png(f"validation {metric}", draw)


def _number(value: float | None) -> float:
    """In the log a number that is none is null."""
    return np.nan if value is None else value


def _png(label: str, draw: Any) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()

"""How plots look, and how they become files: readable in print, in grey, and to the colour-blind.

Series differ by colour, dashes and marker at once. Colours are Okabe and Ito's (2008).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import LikemarkError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, RULE = "#1a1b1f", "#565962", "#d5d7dd"
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
_MARKERS = "sD^vPX<>phd*"
_SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "likemark",
    "svg.fonttype": "none",  # text stays text: it is found, read out and small
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.color": INK,
    "lines.linewidth": 1.5,
    "figure.facecolor": "white",
    "hatch.linewidth": 0.6,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_DPI = 200
_LABEL_INCHES = 0.165  # from one name to the next
_ABOVE_AND_BELOW = 0.7  # inches of a figure's height that its axes leave


@dataclass(frozen=True, slots=True)
class Plot:
    """The same figure gives the same bytes."""

    name: str  # of its files, without the ending
    title: str
    description: str  # what is seen, one line, also for who cannot see it
    figure: Figure  # with everything in its place

    def svg(self, *, note: str = "") -> str:
        """note: about the picture, written into the file beside it"""
        stream = io.StringIO()
        about = {**_NO_METADATA, **({"Description": note} if note else {})}
        with styled():
            self.figure.savefig(stream, format="svg", metadata=about)
        return stream.getvalue()

    def png(self) -> bytes:
        stream = io.BytesIO()
        with styled():
            self.figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
        return stream.getvalue()


@dataclass(frozen=True, slots=True)
class Line:
    """How one series is drawn."""

    colour: str
    dashes: Any  # as matplotlib's linestyle
    marker: str
    width: float  # pt


def line(place: int) -> Line:
    """Place 0, the model, is black and thick; 24 others come before a pair comes again."""
    if place == 0:
        return Line(INK, "-", "o", 2.4)
    other = place - 1
    return Line(
        _COLOURS[other % len(_COLOURS)],
        # One further each time the colours begin anew.
        _DASHES[(other + other // len(_COLOURS)) % len(_DASHES)],
        _MARKERS[other % len(_MARKERS)],
        1.4,
    )


@dataclass(frozen=True, slots=True)
class End:
    """Where something named on the right ends, or stands."""

    place: int  # as `line` takes it
    label: str
    x: float
    y: float


@contextmanager
def styled() -> Iterator[None]:
    """Raises LikemarkError when matplotlib is not installed."""
    try:
        import matplotlib
    except ModuleNotFoundError as error:
        raise LikemarkError(
            f"plots: {error.name} is not installed; run: pip install 'likemark[bench]'"
        ) from error
    settings: dict[Any, Any] = {**matplotlib.rcParamsDefault, **_SETTINGS}
    del settings["backend"]  # the caller's own: it would not be given back
    with matplotlib.rc_context(settings):
        yield


def figure(width: float, height: float) -> tuple[Figure, Axes]:
    """One axis. width, height: inches"""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(width, height), layout="constrained")
    return drawn, drawn.add_subplot()


def finished(drawn: Figure, *, name: str, title: str, description: str) -> Plot:
    # Laid out once: a second layout may move things by a hair.
    drawn.draw_without_rendering()
    drawn.set_layout_engine("none")
    return Plot(name, title, description, drawn)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The places nearest to the wanted ones, by least squares, that are `gap` apart or more.

    They keep the order and lie from `low` to `high`; what does not fit goes on above `high`.
    """
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(order))
    places = _increasing(np.asarray(wanted, np.float64)[order] - steps)
    places = np.clip(places, low, max(low, high - gap * (len(order) - 1))) + steps
    result = np.empty(len(order))
    result[order] = places
    return [float(place) for place in result]


def _increasing(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest values that never decrease: neighbours in the wrong order share their mean."""
    pools: list[tuple[float, int]] = []  # mean, size
    for value in values:
        mean, size = float(value), 1
        while pools and pools[-1][0] > mean:
            below, count = pools.pop()
            mean, size = (below * count + mean * size) / (count + size), count + size
        pools.append((mean, size))
    return np.repeat([mean for mean, _ in pools], [size for _, size in pools])


def label_ends(drawn: Figure, ends: Sequence[End], *, column: float) -> None:
    """Names to the right of the axes, none over another, each with its marker and a thin lead.

    column: x of the names
    """
    (axes,) = drawn.axes
    low, high = axes.get_ylim()
    inches = float(drawn.get_size_inches()[1]) - _ABOVE_AND_BELOW
    gap = _LABEL_INCHES * (high - low) / inches
    edge = axes.get_xlim()[1]
    places = spread([end.y for end in ends], gap, low + gap / 2, high - gap / 2)
    for end, place in zip(ends, places, strict=True):
        look = line(end.place)
        leads = [end.x, edge, column], [end.y, end.y, place]
        axes.plot(*leads, color=look.colour, lw=0.5, clip_on=False, zorder=1)
        axes.plot([column], [place], look.marker, color=look.colour, ms=4, clip_on=False)
        axes.annotate(
            end.label, (column, place), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=8, fontweight="bold" if end.place == 0 else "normal",
            annotation_clip=False,
        )  # fmt: skip

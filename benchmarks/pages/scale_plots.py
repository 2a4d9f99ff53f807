"""Growth with the number of vectors, and what filters cost, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.plot_style import Line, Plot, finished, line
from likemark.benchmarks.pages.scale_rows import TARGETS, measured, point
from likemark.benchmarks.pages.tables import count, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TARGET = TARGETS[0]
Figures = Mapping[str, Any]  # a row of a document
Points = Sequence[tuple[float, float | None]]
Value = Callable[[Figures], float | None]
# How a size above that of the others differs.
_LARGER: dict[str, Any] = {"dashes": (0, (1.5, 1)), "marker": "*", "width": 1.8}


def scale_plots(documents: Sequence[Document], prefix: str) -> list[Plot]:
    """None without figures.

    documents: of vectors that are drawn around the same real ones; of two rows of one index and
    one size the first is drawn
    """
    every = [row for document in documents for row in measured(document) if point(row, _TARGET)]
    names = list(dict.fromkeys(row["engine"] for row in every))
    each = {(row["vectors"], names.index(row["engine"])): row for row in reversed(every)}
    rows = [each[key] for key in sorted(each)]
    if not names:
        return []
    made = [_growth(rows, names, prefix)]
    if any(row["figures"]["filtered"] for row in rows):
        made.append(_filters(rows, names, prefix))
    return made


def _growth(rows: Sequence[Figures], names: Sequence[str], prefix: str) -> Plot:
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(7.2, 5.6), layout="constrained")
    panels: tuple[tuple[str, Value], ...] = (
        ("p95 of one query, ms", lambda row: _found(row)["single"]["p95"]),
        ("queries/s, 256 at a time", lambda row: _found(row)["batched"]),
        ("bytes of memory a mark", _per_mark),
        ("seconds to build", lambda row: row["figures"]["build_seconds"]),
    )
    for axes, (label, value) in zip(drawn.subplots(2, 2).ravel(), panels, strict=True):
        for place, name in enumerate(names):
            ours = [row for row in rows if row["engine"] == name]
            _curve(axes, line(place), name, [(row["vectors"], value(row)) for row in ours])
            short = [(row["vectors"], value(row)) for row in ours if not _found(row)["reached"]]
            _hollow(axes, line(place), short)
        _scaled(axes, label)
        axes.set_xlabel("vectors")
    _named(drawn)
    return finished(
        drawn,
        name=f"{prefix}-growth",
        title="Growth with the number of vectors",
        description=f"At R@10 of {_TARGET}, or, hollow, as near as an index comes. Both axes are "
        "logarithmic.",
    )


def _filters(rows: Sequence[Figures], names: Sequence[str], prefix: str) -> Plot:
    """At the largest size of several indices, and beside it what larger ones have."""
    from matplotlib.figure import Figure

    filtered = [row for row in rows if row["figures"]["filtered"]]
    main = _main(filtered)
    drawn = Figure(figsize=(7.2, 5.4), layout="constrained")
    grid = drawn.subplots(2, 2, sharey="row")
    for column, kind in enumerate(("random", "clustered")):
        recall, latency = grid[0][column], grid[1][column]
        for row in filtered:
            if row["vectors"] < main:
                continue
            found = [each for each in row["figures"]["filtered"] if each["kind"] == kind]
            name, look = row["engine"], line(names.index(row["engine"]))
            if row["vectors"] > main:
                name, look = f"{name}, {_tick(row['vectors'])}", replace(look, **_LARGER)
            shares = [100 * each["selectivity"] for each in found]
            recalls = [each["recall_10"] for each in found]
            times = [each["single"]["p95"] for each in found]
            _curve(recall, look, name, list(zip(shares, recalls, strict=True)))
            _curve(latency, look, name, list(zip(shares, times, strict=True)))
        _scaled(recall, f"{kind}: R@10", logarithmic="x")
        _scaled(latency, f"{kind}: p95, ms")
        latency.set_xlabel("allowed, %")
    _named(drawn)
    return finished(
        drawn,
        name=f"{prefix}-filters",
        title=f"Filters among {count(main)} vectors",
        description="Random: any vectors are allowed; clustered: those of a region.",
    )


def _main(filtered: Sequence[Figures]) -> int:
    """The largest size at which indices can be compared, else the largest."""
    sizes: list[int] = [row["vectors"] for row in filtered]
    return max(sizes, key=lambda size: (sizes.count(size) > 1, size))


def _found(row: Figures) -> Mapping[str, Any]:
    found = point(row, _TARGET)
    assert found is not None  # others are left out
    return found


def _per_mark(row: Figures) -> float | None:
    resident = row["figures"]["resident"]
    return None if resident is None else resident / row["vectors"]


def _curve(axes: Axes, look: Line, name: str, values: Points) -> None:
    known = [(x, y) for x, y in values if y is not None]
    if known:
        axes.plot(
            [x for x, _ in known], [y for _, y in known], color=look.colour, ls=look.dashes,
            marker=look.marker, ms=4, lw=look.width, label=words(name),
        )  # fmt: skip


def _hollow(axes: Axes, look: Line, values: Points) -> None:
    """Markers over those of a curve, whose points are not what was wanted."""
    known = [(x, y) for x, y in values if y is not None]
    if known:
        axes.plot(
            [x for x, _ in known], [y for _, y in known], color=look.colour, ls="none",
            marker=look.marker, ms=4, mfc="white", zorder=3,
        )  # fmt: skip


def _scaled(axes: Axes, label: str, *, logarithmic: str = "xy") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.set_xscale("log")
    if "y" in logarithmic:
        axes.set_yscale("log")
    for axis in [axes.xaxis, axes.yaxis][: len(logarithmic)]:
        low, high = axis.get_data_interval()
        near = high / max(low, 1e-12) < 30  # else a decade may have no label at all
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if near else (1,)))
        axis.set_major_formatter(FuncFormatter(_tick))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())  # sizes and shares are whole decades
    axes.grid(True)
    axes.set_title(label, fontsize=8, loc="left")


def _tick(value: float, place: int | None = None) -> str:
    """10k, 1M, 0.01: the formatters of logarithmic axes write formulae."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _named(drawn: Figure) -> None:
    """One legend of all panels: an engine may be in some of them only."""
    shown: dict[str, Any] = {}
    for axes in drawn.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            shown.setdefault(label, handle)
    drawn.legend(
        list(shown.values()), list(shown), loc="outside upper left", ncols=4, frameon=False,
        fontsize=8,
    )  # fmt: skip

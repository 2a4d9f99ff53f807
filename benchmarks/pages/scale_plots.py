"""Growth with the number of vectors, and what filters cost, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.plot_style import Plot, finished, line
from likemark.benchmarks.pages.scale_tables import measured, point
from likemark.benchmarks.pages.tables import count, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TARGET = 0.99
Value = Callable[[Mapping[str, Any]], float | None]


def scale_plots(document: Document, prefix: str) -> list[Plot]:
    """None without figures."""
    rows = list(measured(document))
    names = list(dict.fromkeys(row["engine"] for row in rows if point(row, _TARGET)))
    if not names:
        return []
    made = [_growth(rows, names, prefix)]
    if any(row["figures"]["filtered"] for row in rows):
        made.append(_filters(rows, names, prefix))
    return made


def _growth(rows: list[Mapping[str, Any]], names: list[str], prefix: str) -> Plot:
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
            ours = [row for row in rows if row["engine"] == name and point(row, _TARGET)]
            _curve(axes, place, name, [(row["vectors"], value(row)) for row in ours])
        _scaled(axes, label)
        axes.set_xlabel("vectors")
    _named(drawn)
    return finished(
        drawn,
        name=f"{prefix}-growth",
        title="Growth with the number of vectors",
        description=f"At R@10 of {_TARGET}, or as near as an index comes. Both axes are "
        "logarithmic.",
    )


def _filters(rows: list[Mapping[str, Any]], names: list[str], prefix: str) -> Plot:
    from matplotlib.figure import Figure

    largest = max(row["vectors"] for row in rows if row["figures"]["filtered"])
    drawn = Figure(figsize=(7.2, 5.4), layout="constrained")
    grid = drawn.subplots(2, 2, sharey="row")
    for column, kind in enumerate(("random", "clustered")):
        recall, latency = grid[0][column], grid[1][column]
        for row in rows:
            if row["vectors"] != largest or row["engine"] not in names:
                continue
            found = [each for each in row["figures"]["filtered"] if each["kind"] == kind]
            place, name = names.index(row["engine"]), row["engine"]
            shares = [100 * each["selectivity"] for each in found]
            _curve(recall, place, name, list(zip(shares, _of(found, "recall_10"), strict=True)))
            times = [each["single"]["p95"] for each in found]
            _curve(latency, place, name, list(zip(shares, times, strict=True)))
        _scaled(recall, f"{kind}: R@10", logarithmic="x")
        _scaled(latency, f"{kind}: p95, ms")
        latency.set_xlabel("allowed, %")
    _named(drawn)
    return finished(
        drawn,
        name=f"{prefix}-filters",
        title=f"Filters among {count(largest)} vectors",
        description="Random: any vectors are allowed; clustered: those of a region.",
    )


def _found(row: Mapping[str, Any]) -> Mapping[str, Any]:
    found = point(row, _TARGET)
    assert found is not None  # others are left out
    return found


def _per_mark(row: Mapping[str, Any]) -> float | None:
    resident = row["figures"]["resident"]
    return None if resident is None else resident / row["vectors"]


def _of(found: list[Mapping[str, Any]], what: str) -> list[float]:
    return [each[what] for each in found]


def _curve(axes: Axes, place: int, name: str, values: list[tuple[float, float | None]]) -> None:
    known = [(x, y) for x, y in values if y is not None]
    if known:
        look = line(place)
        axes.plot(
            [x for x, _ in known], [y for _, y in known], color=look.colour, ls=look.dashes,
            marker=look.marker, ms=4, lw=look.width, label=words(name),
        )  # fmt: skip


def _scaled(axes: Axes, label: str, *, logarithmic: str = "xy") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    if "y" in logarithmic:
        axes.set_yscale("log")
    for axis in [axes.xaxis, axes.yaxis][: len(logarithmic)]:
        low, high = axis.get_data_interval()
        near = high / max(low, 1e-12) < 30  # else a decade may have no label at all
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if near else (1,)))
        axis.set_major_formatter(FuncFormatter(_tick))
        axis.set_minor_formatter(NullFormatter())
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

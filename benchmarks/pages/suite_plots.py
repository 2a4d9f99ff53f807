"""Learning curves on FlickrLogos-27, and recall under each transformation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from likemark.benchmarks.pages.plot_style import INK, SOFT, Plot, figure, finished
from likemark.benchmarks.pages.tables import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3  # panels beside each other
_TRAINING, _VALIDATION = "#d55e00", "#0072b2"
_RECALL_1, _RECALL_10 = "#0072b2", "#cfe3f1"
_UNITS = {"accuracy": "accuracy", "loss": "cross-entropy in nats"}


def learning_curves(
    rows: Sequence[Mapping[str, Any]], figures: Literal["accuracy", "loss"], *, name: str
) -> Plot:
    """rows: those of a `Flickr27Result` that have a curve; one panel each, on one scale"""
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(rows))
    lines = -(-len(rows) // columns)
    drawn = Figure(figsize=(7.2, 0.7 + 2.1 * lines), layout="constrained")
    panels = drawn.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for panel, row in zip(panels, rows, strict=False):
        _learning_panel(panel, row, figures)
    for panel in panels[len(rows) :]:
        panel.set_visible(False)
    panels[0].set_ylim(0, 1.13 * panels[0].get_ylim()[1] if figures == "loss" else 1.13)
    drawn.legend(
        panels[0].lines, ["what was learnt from", "query photos"],
        loc="outside upper left", ncols=2, frameon=False, fontsize=8,
    )  # fmt: skip
    drawn.supylabel(_UNITS[figures], fontsize=9)
    drawn.supxlabel("epoch", fontsize=9)
    title = f"Learning on FlickrLogos-27: {figures}"
    described = (
        "Taken after every epoch, with dropout off. Solid blue: the query photos that show a "
        "brand, which choose nothing. Dashed orange: the examples learnt from."
    )
    return finished(drawn, name=name, title=title, description=described)


def invariance_bars(result: Mapping[str, Any], *, name: str) -> Plot:
    """result: fields of an `Invariance`; the best transformation on top"""
    asked = [one for one in result["transformations"] if one["queries"]]
    asked.sort(key=lambda one: (one["recall_at_1"], one["recall_at_10"]))
    drawn, axes = figure(7.2, 0.9 + 0.23 * len(asked))
    at_1, at_10 = ([one[key] for one in asked] for key in ("recall_at_1", "recall_at_10"))
    places = range(len(asked))
    axes.barh(places, at_10, 0.72, color=_RECALL_10, ec=SOFT, lw=0.6, label="R@10")
    axes.barh(places, at_1, 0.72, color=_RECALL_1, ec=INK, lw=0.6, label="R@1")
    axes.set_yticks(places, [words(one["name"]) for one in asked])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set(xlim=(0, 1), ylim=(-0.6, len(asked) - 0.4), xlabel="share that finds its original")
    axes.grid(True, axis="x")
    for place, first, tenth in zip(places, at_1, at_10, strict=True):
        axes.annotate(
            f"{first:.3f}   {tenth:.3f}", (1.015, place), va="center", fontsize=8,
            annotation_clip=False,
        )  # fmt: skip
    axes.annotate("R@1     R@10", (1.015, len(asked) - 0.2), fontsize=8, annotation_clip=False)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8, reverse=True
    )
    title = "Recall under each transformation"
    described = "The best on top. Dark: found at rank 1; light: found among the first 10."
    return finished(drawn, name=name, title=title, description=described)


def _learning_panel(panel: Axes, row: Mapping[str, Any], figures: str) -> None:
    curve = row["curve"]
    training, validation = curve[f"train_{figures}"], curve[f"validation_{figures}"]
    epochs = range(1, len(training) + 1)
    panel.plot(epochs, training, color=_TRAINING, ls=(0, (5, 1.5)), lw=1.3)
    panel.plot(epochs, validation, color=_VALIDATION, lw=1.6)
    panel.grid(True)
    panel.set_xlim(1, max(2, len(training)))
    learnt = "the network itself" if row["classifier"] == "cnn" else f"{row['classifier']} head"
    panel.set_title(f"{words(row['name'])}\n{learnt}, {row['source']}", fontsize=8, loc="left")
    panel.annotate(
        f"last {validation[-1]:.3f}", (1, validation[-1]), xycoords=("axes fraction", "data"),
        xytext=(-2, 4), textcoords="offset points", ha="right", fontsize=8, color=_VALIDATION,
    )  # fmt: skip

"""What each benchmark found, drawn: the plots of a document, and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from likemark.benchmarks.pages.documents import Document, in_order, numbered, reading
from likemark.benchmarks.pages.plot_style import End, Plot, styled
from likemark.benchmarks.pages.retrieval_plots import accuracy_by_speed, recall_curves
from likemark.benchmarks.pages.scale_plots import scale_plots
from likemark.benchmarks.pages.suite_plots import invariance_bars, learning_curves
from likemark.benchmarks.pages.tables import share, words
from likemark.retrieval.files import write_whole


def plots(document: Document, *, prefix: str | None = None) -> list[Plot]:
    """None of speed, whose table says it all. Raises InvalidInput, and LikemarkError without
    matplotlib.

    prefix: of the names; None: the benchmark
    """
    with styled(), reading(document):
        return _PLOTS[document.benchmark](document, prefix or document.benchmark)


def illustrated(documents: Sequence[Document]) -> Iterator[tuple[str, Document, list[Plot]]]:
    """Each with a name of its own and its plots. Raises as `plots` does.

    Sizes that were measured in several runs are on one curve: the first of those has the plots.
    """
    for name, document in numbered(documents):
        together = [each for each in documents if _comparable(each, document)]
        if len(together) < 2:
            yield name, document, plots(document, prefix=name)
        elif together[0] is document:
            with styled(), reading(document):
                yield name, document, scale_plots(together, name)
        else:
            yield name, document, []


def _comparable(one: Document, other: Document) -> bool:
    """Both are of scale, and of the same real vectors."""
    kinds = {one.benchmark, other.benchmark}
    return kinds == {"scale"} and (one.data, one.model) == (other.data, other.model)


def write_plots(given: list[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Each plot of some documents as SVG and PNG. Raises as `plots` and `write_whole` do."""
    written = []
    for _, _, drawn in illustrated(in_order(given)):
        for plot in drawn:
            files = {".svg": plot.svg().encode(), ".png": plot.png()}
            for ending, data in files.items():
                written.append(folder / (plot.name + ending))
                write_whole(written[-1], data)
    return written


def _open(document: Document, prefix: str) -> list[Plot]:
    rows = [row for row in document.result["rows"] if row["standing"] is not None]
    curves = [
        (_labelled(row), row["standing"]["all_groups"]["interpolated_precision"]) for row in rows
    ]
    made = [
        recall_curves(
            curves,
            name=f"{prefix}-precision-recall",
            note="Highest precision at that recall or any higher, mean over queries",
        )
    ]
    timed = [
        End(
            place,
            _labelled(row),
            row["pictures_per_second"],
            row["standing"]["all_groups"]["map"],
        )
        for place, row in enumerate(rows)
        if row["pictures_per_second"] is not None
    ]
    if timed:
        made.append(accuracy_by_speed(timed, name=f"{prefix}-speed"))
    return made


def _labelled(row: Mapping[str, Any]) -> str:
    return f"{words(row['name'])} {share(row['standing']['all_groups']['map'])}"


def _metu(document: Document, prefix: str) -> list[Plot]:
    ways = (("official", "official"), ("self_excluded", "self excluded"))
    curves = [
        (f"{label} {share(document.result[way]['map'])}", document.result[way]["precision"])
        for way, label in ways
    ]
    name = f"{prefix}-precision-recall"
    return [recall_curves(curves, name=name, note="Not interpolated, mean over queries")]


def _flickr27(document: Document, prefix: str) -> list[Plot]:
    rows = [row for row in document.result["rows"] if row["curve"] is not None]
    if not rows:
        return []
    return [
        learning_curves(rows, "accuracy", name=f"{prefix}-accuracy"),
        learning_curves(rows, "loss", name=f"{prefix}-loss"),
    ]


def _invariance(document: Document, prefix: str) -> list[Plot]:
    return [invariance_bars(document.result, name=f"{prefix}-recall")]


_PLOTS: dict[str, Callable[[Document, str], list[Plot]]] = {
    "retrieval": _open,
    "metu": _metu,
    "flickr27": _flickr27,
    "locate": lambda document, prefix: [],
    "scenes": lambda document, prefix: [],
    "redaction": lambda document, prefix: [],
    "invariance": _invariance,
    "search": lambda document, prefix: [],
    "experiments": lambda document, prefix: [],
    "speed": lambda document, prefix: [],
    "scale": lambda document, prefix: scale_plots([document], prefix),
}

"""All tables of scale on one page, and its pictures: files that stand beside the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from likemark.benchmarks.pages.documents import Document, in_order
from likemark.benchmarks.pages.markdown import escape, legend, origin, table_markdown
from likemark.benchmarks.pages.plot_style import Plot
from likemark.benchmarks.pages.plots import illustrated
from likemark.benchmarks.pages.sections import tables
from likemark.benchmarks.pages.stamp import stamped
from likemark.benchmarks.pages.tables import Column, count

PAGE = "SCALE-TABLES.md"
_ABOUT = """\
# Scale: every table

What was measured of each kind of index, by size; [SCALE.md](../SCALE.md) says what it means. This
page and its pictures are written from the JSON documents beside it; after a change of those run
`python -m likemark.benchmarks.pages.readme README.md benchmarks/results`.
"""


def scale_files(given: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Text by the file's name: the page and each picture; nothing without a scale document.

    given: documents of any benchmark. Raises InvalidInput, and LikemarkError without matplotlib.
    """
    documents = scale_documents(given)
    if not documents:
        return {}
    drawn = scale_pictures(given)
    return {PAGE: scale_page(documents, drawn)} | {
        f"{plot.name}.svg": stamped(plot) for plot in drawn
    }


def scale_documents(given: Sequence[Mapping[str, Any]]) -> list[Document]:
    """By their smallest size."""
    found = [one for one in in_order(given) if one.benchmark == "scale"]
    return sorted(found, key=lambda document: _sizes(document)[0])


def scale_pictures(given: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """What all scale documents of the same vectors show together."""
    return [plot for _, _, drawn in illustrated(scale_documents(given)) for plot in drawn]


def scale_page(documents: Sequence[Document], drawn: Sequence[Plot]) -> str:
    """Markdown. drawn: pictures that stand beside it"""
    parts = [_ABOUT]
    for plot in drawn:
        about = f"{escape(plot.title)}. {escape(plot.description)}"
        parts += [f"![{escape(plot.title)}]({plot.name}.svg)", about]
    known: set[tuple[Column, ...]] = set()
    for document in documents:
        parts += _section(document, known)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _section(document: Document, known: set[tuple[Column, ...]]) -> Iterator[str]:
    """known: columns that are explained above; those of this document join them."""
    sizes = " to ".join(count(size) for size in dict.fromkeys(_ends(_sizes(document))))
    yield f"## {sizes} vectors"
    yield origin(document)
    for table in tables(document):
        yield f"### {escape(table.title)}"
        yield table_markdown(table)
        if table.columns not in known:
            known.add(table.columns)
            yield legend(table)


def _sizes(document: Document) -> list[int]:
    return sorted({int(row["vectors"]) for row in document.result["rows"]}) or [0]


def _ends(sizes: Sequence[int]) -> tuple[int, int]:
    return sizes[0], sizes[-1]

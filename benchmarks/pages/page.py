"""All results on one HTML page: no script, nothing fetched, every text from outside escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from likemark.benchmarks.pages.documents import (
    Document,
    in_order,
    provenance,
    read_documents,
)
from likemark.benchmarks.pages.failures import FailureView, failure_views
from likemark.benchmarks.pages.locate_failures import Gallery, locate_galleries
from likemark.benchmarks.pages.plot_style import Plot
from likemark.benchmarks.pages.plots import illustrated
from likemark.benchmarks.pages.sections import protocol, tables
from likemark.benchmarks.pages.tables import Column, Table, words
from likemark.db.errors import InvalidInput
from likemark.retrieval.files import write_whole
from likemark.retrieval.report.page import base_style

_ID = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r'(url\(#|href="#)')


@dataclass(frozen=True, slots=True)
class _PlotView:
    name: str  # its anchor
    title: str
    description: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class _Section:
    name: str  # its anchor
    title: str
    protocol: str
    provenance: str
    command: str
    tables: tuple[Table, ...]
    legend: tuple[Column, ...]  # every column once
    plots: tuple[_PlotView, ...]
    failures: tuple[FailureView, ...]
    galleries: tuple[Gallery, ...]  # of failures in photos


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the pictures of failures are; None: names alone are shown."""

    pictures: Path | None = None  # likemark-open's
    photos: Path | None = None  # FlickrLogos-27's
    drawings: Path | None = None  # the npm packages' of locate


def render_page(
    documents: Sequence[Mapping[str, Any]], *, pictures: Path | None, photos: Path | None = None,
    drawings: Path | None = None,
) -> str:  # fmt: skip
    """The whole page.

    documents: as `Document` describes them, in any order; a benchmark without one is left out
    pictures, photos, drawings: as `Folders` has them; one that is not there is as None
    Raises InvalidInput for none, and LikemarkError without matplotlib.
    """
    if not documents:
        raise InvalidInput("there is no result to show; run: likemark bench run all")
    folders = Folders(*(_there(folder) for folder in (pictures, photos, drawings)))
    ordered = in_order(documents)
    sections = [_section(*each, folders) for each in illustrated(ordered)]
    return _template().render(
        style=Markup(base_style() + _packaged("page.css")),
        summary=_summary(ordered),
        sections=sections,
        with_pictures=folders.pictures is not None,
        with_photos=folders.photos is not None,
    )


def write_page(
    folder: Path, out: Path, *, pictures: Path | None, photos: Path | None = None,
    drawings: Path | None = None,
) -> None:  # fmt: skip
    """The page of all documents of a folder; raises as `read_documents`, `render_page` and
    `write_whole` do."""
    documents = read_documents(folder)
    page = render_page(documents, pictures=pictures, photos=photos, drawings=drawings)
    write_whole(out, page.encode("utf-8", "replace"))


def inline(plot: Plot) -> Markup:
    """The plot's SVG for a page with others: no prologue, and ids that none of them has."""
    whole = plot.svg()
    svg = whole[whole.index("<svg") :]
    svg = _ID.sub(rf'id="{plot.name}-\1"', svg)
    svg = _REFERENCE.sub(rf"\1{plot.name}-", svg)
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-labelledby="{plot.name}" ', 1))


def _there(folder: Path | None) -> Path | None:
    return folder if folder is not None and folder.is_dir() else None


def _section(name: str, document: Document, drawn: Sequence[Plot], folders: Folders) -> _Section:
    shown = tables(document)
    retrieval = document.benchmark == "retrieval"
    return _Section(
        name=name,
        title=document.title,
        protocol=protocol(document),
        provenance=provenance(document),
        command=words(document.command),
        tables=tuple(shown),
        legend=tuple(dict.fromkeys(column for table in shown for column in table.defined)),
        plots=tuple(map(_plot_view, drawn)),
        failures=tuple(failure_views(document, pictures=folders.pictures)) if retrieval else (),
        galleries=tuple(
            locate_galleries(document, photos=folders.photos, drawings=folders.drawings)
        ),
    )


def _plot_view(plot: Plot) -> _PlotView:
    return _PlotView(plot.name, plot.title, plot.description, inline(plot))


def _summary(documents: Sequence[Document]) -> str:
    """The models and the days, each once."""
    models = dict.fromkeys(words(document.model.get("name")) for document in documents)
    days = sorted({document.date[:10] for document in documents})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{', '.join(models)}; {span}"


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_packaged("page.html.j2"))


def _packaged(name: str) -> str:
    return (files(__package__ or __name__) / name).read_text(encoding="utf-8")

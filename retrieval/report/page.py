"""The report as one HTML page: no script, nothing fetched, every text from outside escaped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from likemark.db.search import MarkRow
from likemark.retrieval.parts import Box
from likemark.retrieval.report.facts import (
    Fact,
    area,
    empty_in_words,
    error_in_words,
    mark_facts,
    search_facts,
)
from likemark.retrieval.report.highlight import Highlight, is_highlighted, own_path
from likemark.retrieval.report.shown import Pictures, Shown
from likemark.retrieval.report.text import counted, shorten
from likemark.retrieval.report.thumbnails import Thumbnails
from likemark.retrieval.results import (
    BLOCK_WEIGHT,
    EIGHTH_WEIGHT,
    HALF_WEIGHT,
    Hit,
    QueryResult,
    Search,
)
from likemark.retrieval.shortlist import LEAST, MOST, MOST_INK

DEFAULT_TITLE = "Similar marks"
SAME_BRAND = "same brand"
# Characters shown of a name and of a path.
_TITLE = 160
_PATH = 1000


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture at the end of a report."""

    caption: str
    picture: str  # data address


@dataclass(frozen=True, slots=True)
class _Filing:
    """One mark that shows a hit's picture."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class _HitView:
    id: str
    rank: int
    score: str  # three decimals
    bar: float  # percent, 0-100
    title: str
    picture: Shown | None
    highlighted: bool
    found_by: str | None  # what of the query, where that is not the whole as it stands
    part: Box | None  # of the picture, framed
    times: str  # "2 times"
    filings: tuple[_Filing, ...]


@dataclass(frozen=True, slots=True)
class _QueryView:
    id: str
    number: int  # from 1
    name: str
    path: str
    picture: Shown | None
    error: str | None
    count: str  # "3 hits"
    hits: tuple[_HitView, ...]


def render_report(
    results: Sequence[QueryResult],
    search: Search,
    *,
    thumbnails: Thumbnails,
    created: dt.datetime,
    version: str,
    title: str = DEFAULT_TITLE,
    highlight: Highlight | None = None,
    highlight_label: str = SAME_BRAND,
    figures: Sequence[Figure] = (),
    figures_title: str = "",
    paths: bool = True,
) -> str:
    """The whole document.

    paths: without them it tells no folder, only the names of files
    highlight: per query, ids of pictures that get a badge with `highlight_label`
    figures: shown at the end, under a title of their own
    """
    pictures = Pictures(_addresses(results, thumbnails))
    queries = [
        _query_view(
            number, result, thumbnails, pictures, (highlight or {}).get(result.query, ()), paths
        )
        for number, result in enumerate(results, start=1)
    ]
    return _template().render(
        title=shorten(title, _TITLE),
        style=_style(),
        summary=_summary(results),
        search_facts=search_facts(search, created=created, version=version),
        queries=queries,
        side=thumbnails.size,
        nothing=empty_in_words(search),
        block_weight=BLOCK_WEIGHT if search.blocks else None,
        half_weight=HALF_WEIGHT if search.parts else None,
        eighth_weight=EIGHTH_WEIGHT if search.turned else None,
        parts=(LEAST, MOST, MOST_INK) if search.parts else None,
        badge=shorten(highlight_label, _TITLE),
        created=created.date().isoformat(),
        version=shorten(version, _TITLE),
        figures=figures,
        figures_title=shorten(figures_title, _TITLE),
    )


def query_name(result: QueryResult) -> str:
    """The query as people know it: the file's name without its folders."""
    if result.query in ("-", "stdin"):
        return "Standard input"
    return shorten(_file_name(result.query), _TITLE)


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _addresses(results: Sequence[QueryResult], thumbnails: Thumbnails) -> Iterator[str | None]:
    for result in results:
        if result.error is None:
            yield thumbnails.query_uri(result.query)
        yield from (thumbnails.data_uri(hit.path) for hit in result.hits)


def _query_view(
    number: int, result: QueryResult, thumbnails: Thumbnails, pictures: Pictures,
    marked: Container[int], paths: bool,
) -> _QueryView:  # fmt: skip
    own = f"query-{number}"
    name = query_name(result)
    return _QueryView(
        id=own,
        number=number,
        name=name,
        path=shorten(result.query, _PATH) if paths and name != "Standard input" else name,
        picture=None if result.error else pictures.show(thumbnails.query_uri(result.query)),
        error=None if result.error is None else error_in_words(result.error),
        count=counted(len(result.hits), "hit"),
        hits=tuple(
            _hit_view(
                f"{own}-hit-{place}",
                hit,
                pictures.show(thumbnails.data_uri(hit.path)),
                is_highlighted(hit, marked),
                paths,
            )
            for place, hit in enumerate(result.hits, start=1)
        ),
    )


def _hit_view(
    own: str, hit: Hit, picture: Shown | None, highlighted: bool, paths: bool
) -> _HitView:
    return _HitView(
        id=own,
        rank=hit.rank,
        score=f"{hit.score:z.3f}",
        bar=round(100 * min(max(hit.score, 0.0), 1.0), 1),
        title=shorten(hit.mark.title, _TITLE),
        picture=picture,
        highlighted=highlighted,
        found_by=_found_by(hit, framed=picture is not None),
        part=hit.part,
        times=_times(hit),
        filings=tuple(_filing(mark, own_path(mark, hit), paths) for mark in hit.marks),
    )


def _found_by(hit: Hit, *, framed: bool) -> str | None:
    if hit.part:
        return "Found by its framed part" if framed else "Found by a part of it"
    if hit.block:
        return f"Found by a part of the query: {area(hit.block)}"
    return f"Found by the query turned by {hit.turn}° counter-clockwise" if hit.turn else None


def _filing(mark: MarkRow, path: str, paths: bool) -> _Filing:
    facts = mark_facts(mark, path if paths else _file_name(path))
    return _Filing(shorten(mark.title, _TITLE), facts)


def _times(hit: Hit) -> str:
    listed = f", of which {len(hit.marks):,} are listed" if hit.unlisted else ""
    return counted(hit.others + 1, "time") + listed


def _summary(results: Sequence[QueryResult]) -> str:
    hits = sum(len(result.hits) for result in results)
    unread = sum(result.error is not None for result in results)
    parts = [counted(len(results), "query picture"), counted(hits, "hit")]
    if unread:
        parts.append(f"{counted(unread, 'picture')} could not be read")
    return ", ".join(parts)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_packaged("report.html.j2"))


@cache
def _style() -> Markup:
    return Markup(base_style() + _packaged("report.css"))


def base_style() -> str:
    """The style that all pages share; each sets its own `--width`."""
    return _packaged("base.css")


def _packaged(name: str) -> str:
    return (files(__package__ or __name__) / name).read_text(encoding="utf-8")

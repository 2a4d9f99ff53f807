"""A report on disk: whole, or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from likemark.retrieval.files import check_named, write_whole
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.report.highlight import Highlight
from likemark.retrieval.report.page import DEFAULT_TITLE, SAME_BRAND, Figure, render_report
from likemark.retrieval.report.thumbnails import Thumbnails, load_thumbnails
from likemark.retrieval.results import QueryResult, Search

# px: about three for each CSS px of a hit, so that print and dense screens are sharp.
_SIZE = 320


def write_report(
    path: Path,
    results: Sequence[QueryResult],
    search: Search,
    *,
    requests: Sequence[Request] = (),
    thumbnails: Thumbnails | None = None,
    version: str,
    created: dt.datetime | None = None,
    title: str = DEFAULT_TITLE,
    highlight: Highlight | None = None,
    highlight_label: str = SAME_BRAND,
    figures: Sequence[Figure] = (),
    figures_title: str = "",
    limits: PictureLimits | None = None,
    paths: bool = True,
) -> None:
    """Write the answers as one HTML page that needs nothing beside it.

    requests: the queries as they were given; without one, a query's picture is read by its name
    thumbnails: None: loaded here
    created: None: now
    figures: pictures at the end, under a title of their own
    limits: what pictures may cost, as it was when they were searched
    paths: without them it tells no folder, only the names of files
    Raises InvalidInput for a name that does not end in .html, NotFound for a missing folder,
    LikemarkError when the file cannot be written.
    """
    check_named(path, ".html", ".htm")
    if thumbnails is None:
        thumbnails = report_thumbnails(results, search, requests=requests, limits=limits)
    page = render_report(
        results,
        search,
        thumbnails=thumbnails,
        created=created or dt.datetime.now().astimezone(),
        version=version,
        title=title,
        highlight=highlight,
        highlight_label=highlight_label,
        figures=figures,
        figures_title=figures_title,
        paths=paths,
    )
    write_whole(path, page.encode("utf-8", "replace"))


def report_thumbnails(
    results: Sequence[QueryResult],
    search: Search,
    *,
    requests: Sequence[Request] = (),
    limits: PictureLimits | None = None,
    size: int = _SIZE,
) -> Thumbnails:
    """The pictures of every hit, and of every query as it was searched: cropped.

    size: S, px
    """
    given = {request.name: request for request in requests}
    asked = [given.get(r.query, Request(r.query)) for r in results if r.error is None]
    return load_thumbnails(
        [hit.path for result in results for hit in result.hits],
        size=size,
        limits=limits,
        extra=[Request(r.name, r.data, r.crop or search.crop) for r in asked],
    )

"""The page in a real browser without a network: it is drawn, printed and readable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.browser import Browse

from likemark.db.errors import PictureError
from likemark.db.values import Filters
from likemark.retrieval.report.page import render_report
from likemark.retrieval.report.thumbnails import Thumbnails
from likemark.retrieval.results import QueryResult


def test_page_is_drawn_printed_and_read(
    browse: Browse,
    sample: Any,
    sample_thumbnails: Thumbnails,
    tmp_path: Path,
) -> None:
    page = tmp_path / "report.html"
    html = render_report(
        sample.results,
        sample.search,
        thumbnails=sample_thumbnails,
        created=dt.datetime(2026, 11, 7, tzinfo=dt.UTC),
        version="0.1.0",
        highlight=sample.highlight,
    )
    page.write_text(html, encoding="utf-8")
    shot, printed = tmp_path / "shot.png", tmp_path / "page.pdf"

    browse("--window-size=1200,1600", f"--screenshot={shot}", page.as_uri())
    browse(f"--print-to-pdf={printed}", page.as_uri())
    seen = browse("--dump-dom", page.as_uri())

    with Image.open(shot) as image:
        assert image.size == (1200, 1600)
        drawn = np.asarray(image.convert("RGB")).astype(int)
    orange = (drawn[..., 0] > 220) & (abs(drawn[..., 1] - 95) < 40) & (drawn[..., 2] < 90)
    assert orange.sum() > 500  # the coloured lion: pictures pass the page's own policy
    assert (drawn[:, :8] == 255).all()
    assert printed.read_bytes().startswith(b"%PDF-")
    assert printed.stat().st_size > 20_000
    assert seen.count('<li class="hit') == seen.count("</h3>") == 18


def test_a_picture_that_is_referred_to_is_drawn_like_the_first_one(
    browse: Browse, sample: Any, sample_thumbnails: Thumbnails, tmp_path: Path
) -> None:
    once = replace(sample.results[0], hits=sample.results[0].hits[:2])
    page, shot = tmp_path / "report.html", tmp_path / "shot.png"
    html = render_report(
        [once, once],
        sample.search,
        thumbnails=sample_thumbnails,
        created=dt.datetime(2026, 11, 7, tzinfo=dt.UTC),
        version="0.1.0",
    )
    page.write_text(html, encoding="utf-8")
    browse("--window-size=1200,1800", f"--screenshot={shot}", page.as_uri())
    with Image.open(shot) as image:
        drawn = np.asarray(image.convert("RGB")).astype(int)
    orange = (drawn[..., 0] > 220) & (abs(drawn[..., 1] - 95) < 40) & (drawn[..., 2] < 90)
    rows = np.flatnonzero(orange.any(axis=1))
    middle = (rows[0] + rows[-1]) // 2
    upper, lower = orange[:middle].sum(), orange[middle:].sum()
    assert upper > 500
    assert abs(int(upper) - int(lower)) < 0.02 * upper


@pytest.mark.parametrize("width", [500, 1200])
def test_endless_words_do_not_widen_the_page(
    browse: Browse,
    mark: Callable[..., Any],
    hit: Callable[..., Any],
    search: Callable[..., Any],
    tmp_path: Path,
    width: int,
) -> None:
    word = "W" * 10_000
    known = dict.fromkeys(("text", "owner", "status", "office", "application_number"), word)
    endless = mark(1, path=word, vienna=(word,), **known)
    twice = (endless, mark(2, path=word, **known))
    results = [
        QueryResult(word, (hit(1, 0.9, endless), hit(2, 0.8, *twice))),
        QueryResult("b.png", (), PictureError("b.png", "damaged", word)),
    ]
    html = render_report(
        results,
        search(filters=Filters(owner=word), model=word, index=word),
        thumbnails=Thumbnails(size=8, pictures={}, queries={}),
        created=dt.datetime(2026, 11, 7, tzinfo=dt.UTC),
        version=word,
        title=word,
        highlight={word: {1}},
        highlight_label=word,
    )
    page = tmp_path / "endless.html"
    # A copy without the policy may measure itself.
    measure = "<script>document.title = document.documentElement.scrollWidth</script></body>"
    bare = html.replace("Content-Security-Policy", "nothing").replace("</body>", measure)
    page.write_text(bare, encoding="utf-8")
    seen = browse(f"--window-size={width},900", "--dump-dom", page.as_uri())
    assert f"<title>{width}</title>" in seen

"""Register data, file names and titles are written by strangers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from likemark.db.errors import PictureError
from likemark.db.search import MarkRow
from likemark.db.values import Filters
from likemark.retrieval.report.text import clean, either, shorten
from likemark.retrieval.results import QueryResult

Build = Callable[..., Any]

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></bdi></li></ol></main><h1>owned</h1>",
    "<!-- ",
    "]]> &lt;b&gt; &amp; {{ 7*7 }} {% raw %}",
    "javascript:alert(1)",
)


def armed(mark: MarkRow, text: str) -> MarkRow:
    """A mark with the text in every field that takes one."""
    words = {
        f.name: text for f in fields(mark) if f.type in ("str", "str | None") and f.name != "id"
    }
    image = replace(mark.images[0], path=text)
    return replace(mark, **words, vienna=(text,), images=(image,), extra={text: text})


def everywhere(text: str, mark: Build, hit: Build, search: Build) -> tuple[Any, Any, Any]:
    evil = armed(mark(), text)
    twice = (evil, replace(evil, id=2))
    results = [
        QueryResult(text, (hit(1, 0.9, evil), hit(2, 0.8, *twice))),
        QueryResult(text, (), PictureError(text, "damaged", text)),
    ]
    filters = Filters(collections=(text,), status=(text,), office=(text,), owner=text)
    asked = search(filters=filters, model=text, model_fingerprint=text, index=text)
    return results, asked, {"title": text, "highlight": {text: {1}}, "highlight_label": text}


@pytest.mark.parametrize("text", ATTACKS)
def test_text_from_outside_is_text_and_nothing_else(
    render: Build, mark: Build, hit: Build, search: Build, text: str
) -> None:
    def shape(page: Any) -> list[tuple[str, list[str]]]:
        return [(e.tag, sorted(e.attributes)) for e in page.walk()]

    text = f"/in/{text}"
    results, asked, options = everywhere(text, mark, hit, search)
    evil = render(results, asked, **options)
    results, asked, options = everywhere("/in/harmless", mark, hit, search)
    assert shape(evil) == shape(render(results, asked, **options))
    assert " ".join(text.split()) in evil.all("h4")[0].text
    assert " ".join(text.split()) in evil.one("h1").text


def test_every_outside_text_is_isolated_from_its_surroundings(
    render: Build, mark: Build, hit: Build, search: Build
) -> None:
    results, asked, options = everywhere("ZZZ", mark, hit, search)
    page = render(results, asked, **options)
    around = [
        element.tag
        for element in page.one("body").walk()
        if any(isinstance(child, str) and "ZZZ" in child for child in element.children)
    ]
    assert set(around) == {"bdi"}
    assert len(around) > 30


@pytest.mark.parametrize(
    "character", ["\x00", "\x08", "\x1b", "\x7f", "\x9b", "\u202e", "\u2067", "\ufffe", "\udcff"]
)
def test_controls_and_overrides_are_shown_as_replaced(
    render: Build, mark: Build, hit: Build, search: Build, character: str
) -> None:
    results, asked, options = everywhere(f"cod{character}gnp.exe", mark, hit, search)
    page = render(results, asked, **options)
    assert page.all("h4")[0].text == "cod\ufffdgnp.exe"
    assert character not in page.text
    page.text.encode()


def test_line_breaks_and_white_space_fold() -> None:
    assert clean("  a\r\n\tb\u2028c\u00a0 d ") == "a b c d"


def test_joiners_and_direction_marks_of_real_scripts_are_kept() -> None:
    for text in ("نمی\u200cشود", "क्\u200dष", "שלום\u200f!", "👩\u200d🎨"):
        assert clean(text) == text


def test_long_texts_are_cut_with_an_ellipsis(render: Build, mark: Build, hit: Build) -> None:
    endless = mark(text="W" * 10_000, owner="o" * 10_000, path="p/" * 5_000, status="s" * 10_000)
    page = render([QueryResult("q" * 10_000, (hit(1, 0.9, endless),))], title="T" * 10_000)
    assert page.one("h3").text == "Hit 1 : " + "W" * 159 + "…"
    assert len(page.one("h1").text) == 160
    assert max(len(bdi.text) for bdi in page.all("bdi")) <= 1000


def test_undecodable_file_names_reach_the_page(render: Build, mark: Build, hit: Build) -> None:
    name = os.fsdecode(b"/marks/caf\xe9.png")
    page = render([QueryResult(name, (hit(1, 0.9, mark(path=name)),))])
    assert page.one("section", "query").one("p", "path").text == "/marks/caf\ufffd.png"


def test_shorten_keeps_what_fits() -> None:
    assert shorten("abcde", 5) == "abcde"
    assert shorten("abcd ef", 6) == "abcd…"


def test_either_joins_in_words() -> None:
    assert either(["a"]) == "a"
    assert either([1, 2]) == "1 or 2"
    assert either([1, 2, 3]) == "1, 2 or 3"

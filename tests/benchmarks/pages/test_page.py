"""The page as a tree, and the failures in it."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from likemark.benchmarks.pages.documents import TITLES, Document
from likemark.benchmarks.pages.failures import failure_views
from likemark.benchmarks.pages.page import render_page, write_page
from likemark.db.errors import InvalidInput, NotFound

Documents = dict[str, dict[str, Any]]
_VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Every element with its attributes; all that is opened must be closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "text"):
            self.text += f" {data} "

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(documents: Documents, *names: str, pictures: Path | None = None) -> Reader:
    return Reader(render_page([documents[name] for name in names], pictures=pictures))


@pytest.fixture(scope="module")
def whole(whole_page: str) -> Reader:
    return Reader(whole_page)


def test_every_benchmark_has_a_section_with_an_anchor(whole: Reader):
    assert [one.get("id") for one in whole.all("h2")] == list(TITLES)
    ids = [one["id"] for _, one in whole.elements if "id" in one]
    assert len(ids) == len(set(ids))
    links = [one["href"] for one in whole.all("a")]
    assert links[:2] == ["#retrieval", "#retrieval-failures"]
    assert {link[1:] for link in links} <= set(ids)
    assert len(whole.all("svg")) == 8


def test_absent_benchmarks_are_absent(documents: Documents):
    page = read(documents, "speed")
    assert [one["id"] for one in page.all("h2")] == ["speed"]
    assert "METU" not in page.text
    assert page.all("svg") == []


def test_two_runs_of_one_benchmark_stand_apart(documents: Documents):
    page = read(documents, "invariance", "invariance")
    assert [one["id"] for one in page.all("h2")] == ["invariance", "invariance-2"]
    ids = [one["id"] for _, one in page.elements if "id" in one]
    assert len(ids) == len(set(ids))


def test_nothing_to_show_is_refused():
    with pytest.raises(InvalidInput, match="likemark bench run all"):
        render_page([], pictures=None)


def test_nothing_is_loaded_from_outside(whole: Reader):
    for tag, attributes in whole.elements:
        assert tag not in ("script", "link", "iframe", "object", "image")
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href"):
                assert value.startswith(("#", "data:image/webp;base64,"))
            assert not name.startswith("on")
            assert "url(" not in value or re.search(r"url\(#", value)
    (policy,) = [one for one in whole.all("meta") if "http-equiv" in one]
    assert policy["content"].startswith("default-src 'none'; img-src data:")


def test_references_within_a_plot_lead_to_it(whole: Reader):
    ids = {one["id"] for _, one in whole.elements if "id" in one}
    wanted = [one["xlink:href"][1:] for one in whole.all("use")]
    clips = [re.findall(r"url\(#([^)]+)\)", one.get("clip-path", "")) for _, one in whole.elements]
    wanted += [name for found in clips for name in found]
    assert len(wanted) > 50
    assert set(wanted) <= ids


def test_every_figure_has_its_definition_on_hover_and_in_the_legend(whole: Reader):
    numbers = [one for one in whole.all("td") if "number" in one.get("class", "")]
    assert len(numbers) > 100
    assert all(one["title"] for one in numbers)
    definitions = {one["title"] for one in whole.all("abbr")}
    assert any(one.startswith("normalised average rank") for one in definitions)
    words = " ".join(whole.text.split())
    assert all(f"{definition}." in words for definition in definitions)


def test_protocol_command_and_unavailable_rivals_are_told(whole: Reader):
    words = " ".join(whole.text.split())
    assert "300 queries of 120 groups" in words
    assert "likemark bench run retrieval" in words
    assert (
        "not measured: DISC21 weights | not on this disk: run 'get <weights>' & try again" in words
    )


def test_text_from_outside_is_escaped(documents: Documents):
    bad = "<img src=x onerror=alert(1)>\u202e"
    result = documents["retrieval"]["result"]
    result["rows"][1]["name"] = result["failures"][0]["id"] = bad
    result["failures"][0]["group"] = documents["retrieval"]["command"] = bad
    page = read(documents, "retrieval")
    assert page.all("img") == []
    assert "\u202e" not in page.text
    assert "<img src=x onerror=alert(1)>\ufffd" in page.text


def test_failures_show_what_was_found_and_what_should_have_been(
    documents: Documents, pictures: Path
):
    first, second = failure_views(Document.of(documents["retrieval"]), pictures=pictures)
    assert (first.number, second.number) == (1, 2)
    assert (first.query.name, first.query.said) == ("set:icon-0", "AP 0.130")
    assert [one.said for one in first.found] == [
        "score 0.900", "score 0.800", "score 0.700", "score 0.600", "score 0.500",
    ]  # fmt: skip
    assert [one.right for one in first.found] == [False, False, False, True, False]
    # Listed worst first in the document, and ranks ascend: the higher score has the lower rank.
    assert [(one.name, one.said) for one in first.expected] == [
        ("set:icon-4", "rank 4"),
        ("set:icon-9", "rank 1,707"),
    ]


def test_thumbnails_are_the_pictures(documents: Documents, pictures: Path):
    view, _ = failure_views(Document.of(documents["retrieval"]), pictures=pictures)
    assert view.expected[0].picture == view.found[3].picture != view.query.picture
    address = view.query.picture or ""
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        assert image.size == (96, 96)
        red, green, blue = image.convert("RGB").getpixel((48, 48))  # type: ignore[misc]
    assert (red, green, blue) == pytest.approx((40, 255, 120), abs=3)


def test_a_picture_that_has_gone_leaves_a_note(documents: Documents, pictures: Path):
    documents["retrieval"]["result"]["failures"][0]["image"] = "images/none.png"
    page = read(documents, "retrieval", pictures=pictures)
    assert page.text.count("This picture cannot be read.") == 1
    assert len(page.all("img")) == 2 * 8 - 1


@pytest.mark.parametrize("image", ["../secret.png", "/etc/hostname"])
def test_a_path_out_of_the_folder_is_refused(documents: Documents, pictures: Path, image: str):
    documents["retrieval"]["result"]["failures"][0]["found"][0]["image"] = image
    with pytest.raises(InvalidInput, match="not below the benchmark's folder"):
        render_page([documents["retrieval"]], pictures=pictures)


@pytest.mark.parametrize("there", [True, False])
def test_without_pictures_names_are_shown(documents: Documents, tmp_path: Path, there: bool):
    page = read(documents, "retrieval", pictures=tmp_path / "gone" if there else None)
    assert page.all("img") == []
    assert "only names are shown" in page.text
    assert "set:icon-9" in page.text
    assert "group 0" in page.text
    assert str(tmp_path) not in page.text


def test_no_failures_no_heading(raw_retrieval: Callable[..., dict[str, Any]], pictures: Path):
    page = Reader(render_page([raw_retrieval(queries=())], pictures=pictures))
    assert "worst queries" not in page.text


def test_a_folder_becomes_one_file(documents: Documents, tmp_path: Path):
    for name in ("metu", "speed"):
        (tmp_path / f"{name}.json").write_text(json.dumps(documents[name]), encoding="utf-8")
    out = tmp_path / "page.html"
    write_page(tmp_path, out, pictures=None)
    given = [documents["metu"], documents["speed"]]
    assert out.read_text(encoding="utf-8") == render_page(given, pictures=None)
    with pytest.raises(NotFound):
        write_page(tmp_path / "none", out, pictures=None)

"""The page's structure and what it says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from likemark.db.errors import PictureError
from likemark.db.values import Filters
from likemark.retrieval.pictures.picture import Crop
from likemark.retrieval.report.thumbnails import Thumbnails
from likemark.retrieval.results import QueryResult

Build = Callable[..., Any]


@pytest.fixture
def full(render: Build, sample: Any, sample_thumbnails: Thumbnails) -> Any:
    """Three queries with pictures and highlights."""
    return render(
        sample.results, sample.search, thumbnails=sample_thumbnails, highlight=sample.highlight
    )


def facts(element: Any) -> dict[str, str]:
    pairs = [entry for block in element.all("dl") for entry in block.all("div")]
    return {entry.one("dt").text: entry.one("dd").text for entry in pairs}


def record(page: Any) -> dict[str, str]:
    rows = page.one("table", "record").all("tr")
    return {row.one("th").text: row.one("td").text for row in rows}


def test_document_declares_language_charset_and_title(full: Any) -> None:
    assert full.one("html").attributes["lang"] == "en"
    assert full.one("head").all("meta")[0].attributes == {"charset": "utf-8"}
    assert full.one("title").text == "Similar marks – 2026-11-07"  # noqa: RUF001


def test_every_picture_has_a_text_that_says_what_it_shows(full: Any, sample: Any) -> None:
    alts = [image.attributes["alt"] for image in full.all("img")]
    assert len(alts) == 3 * (1 + sample.search.k)
    assert all(alts)
    assert alts[0] == "Query picture: cib-brave.svg"
    assert alts[1] == "Mark shown by hit 1: Brave"


def test_a_picture_that_stands_twice_is_stored_once(
    render: Build, sample: Any, sample_thumbnails: Thumbnails
) -> None:
    page = render([*sample.results, sample.results[0]], thumbnails=sample_thumbnails)
    drawings = page.all("svg")
    drawings = [drawing for drawing in drawings if "aria-label" in drawing.attributes]
    assert len(drawings) == 2 * (1 + sample.search.k)
    half = len(drawings) // 2
    for first, again in zip(drawings[:half], drawings[half:], strict=True):
        assert first.attributes == again.attributes
        assert first.attributes["role"] == "img"
        assert again.one("use").attributes["href"] == f"#{first.one('image').attributes['id']}"
    addresses = [
        element.attributes.get("src", element.attributes.get("href"))
        for element in page.walk()
        if element.tag in ("img", "image")
    ]
    assert len(addresses) == len(set(addresses)) == 3 * (1 + sample.search.k)
    ids = [e.attributes["id"] for e in page.walk() if "id" in e.attributes]
    assert len(ids) == len(set(ids))


def test_ids_are_unique_and_every_reference_meets_one(full: Any) -> None:
    ids = [e.attributes["id"] for e in full.walk() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    labels = [
        e.attributes["aria-labelledby"] for e in full.walk() if "aria-labelledby" in e.attributes
    ]
    links = [link.attributes["href"] for link in full.all("a")]
    assert all(link.startswith("#") for link in links)
    assert {*labels, *(link[1:] for link in links)} <= set(ids)


def test_headings_step_down_one_level_at_a_time(full: Any) -> None:
    levels = [int(e.tag[1]) for e in full.walk() if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_page_holds_no_script_and_asks_for_nothing(full: Any) -> None:
    tags = {element.tag for element in full.walk()}
    assert not tags & {"script", "iframe", "object", "embed", "link", "form", "input", "base"}
    for element in full.walk():
        assert not [name for name in element.attributes if name.startswith("on")]
        assert "style" not in element.attributes
        for name in ("src", "href", "srcset", "action", "poster"):
            assert re.match("#|data:image/webp;base64,|$", element.attributes.get(name, ""))
    assert not re.search(r"url\(|@import|https?:", full.one("style").text)


def test_content_security_policy_allows_data_pictures_and_inline_style_alone(full: Any) -> None:
    policy = full.one("head").all("meta")[1].attributes
    assert policy["http-equiv"] == "Content-Security-Policy"
    rules = policy["content"].split("; ")
    assert rules[:3] == ["default-src 'none'", "img-src data:", "style-src 'unsafe-inline'"]


def test_every_text_colour_has_the_contrast_that_wcag_aa_asks_for(full: Any) -> None:
    colours = dict(re.findall(r"--(\w+): #(\w{6});", full.one("style").text))
    for name in ("ink", "soft", "mark", "good"):
        parts = [int(colours[name][i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5


def test_tables_have_captions_and_scoped_headings(full: Any) -> None:
    tables = full.all("table")
    assert len(tables) == 2
    for table in tables:
        assert table.one("caption").text
        assert {th.attributes["scope"] for th in table.all("th")} <= {"row", "col"}


def test_index_lists_every_query_with_its_best_hit(full: Any) -> None:
    rows = full.one("nav").one("tbody").all("tr")
    assert [row.text for row in rows] == [
        "1 cib-brave.svg Brave 0.859 6",
        "2 cib-discord.svg Discord 0.859 6",
        "3 logos-bower.svg Bower 0.859 6",
    ]


def test_one_query_needs_no_index(render: Build, sample: Any) -> None:
    page = render(sample.results[:1], sample.search)
    assert not page.all("nav")
    assert page.all("section", "query")[0].one("h2").text == "cib-brave.svg"


def test_hit_shows_rank_score_bar_and_register_data(render: Build, mark: Build, hit: Build) -> None:
    shown = mark(
        text="Nordwind",
        office="EM",
        application_number="018123456",
        registration_number="987",
        owner="Nordwind AG",
        status="Registered",
        kind="figurative",
        nice=(9, 42),
        vienna=("26.01.01", "27.05.21"),
        filing_date=dt.date(2019, 3, 2),
        registration_date=dt.date(2019, 9, 1),
        expiry_date=dt.date(2029, 3, 2),
        path="/marks/n.svg",
    )
    entry = render([QueryResult("q.png", (hit(1, 0.91234, shown),))]).one("li", "hit")
    assert entry.one("h3").text == "Hit 1 : Nordwind"
    assert entry.one("p", "score").text == "Score 0.912"
    assert entry.one("rect", "level").attributes["width"] == "91.2"
    assert facts(entry) == {
        "Application": "EM 018123456",
        "Registration": "EM 987",
        "Owner": "Nordwind AG",
        "Status": "Registered",
        "Kind": "figurative",
        "Nice classes": "9, 42",
        "Vienna codes": "26.01.01, 27.05.21",
        "Filed": "2019-03-02",
        "Registered": "2019-09-01",
        "Expires": "2029-03-02",
        "Collection": "demo",
        "Picture file": "/marks/n.svg",
    }


def test_unknown_fields_are_left_out(render: Build, mark: Build, hit: Build) -> None:
    page = render([QueryResult("q.png", (hit(1, 0.5, mark(path="/x/bare.svg", owner="")),))])
    assert facts(page.one("li", "hit")) == {"Collection": "demo", "Picture file": "/x/bare.svg"}
    assert page.one("h3").text == "Hit 1 : bare"
    assert "None" not in page.one("body").text


def test_office_without_a_number_stands_alone(render: Build, mark: Build, hit: Build) -> None:
    page = render([QueryResult("q.png", (hit(1, 0.5, mark(office="US")),))])
    assert facts(page.one("li", "hit"))["Office"] == "US"


@pytest.mark.parametrize(
    ("score", "said", "width"),
    [(-0.2, "-0.200", "0.0"), (-0.0001, "0.000", "0.0"), (1.0, "1.000", "100.0")],
)
def test_bar_stays_within_its_track(
    render: Build, mark: Build, hit: Build, score: float, said: str, width: str
) -> None:
    entry = render([QueryResult("q.png", (hit(1, score, mark()),))]).one("li", "hit")
    assert entry.one("p", "score").text == f"Score {said}"
    assert entry.one("rect", "level").attributes["width"] == width


def test_of_more_marks_than_are_listed_all_are_counted(
    render: Build, mark: Build, hit: Build
) -> None:
    many = replace(hit(1, 0.9, mark(1), mark(2)), unlisted=7_998)
    page = render([QueryResult("q.png", (many,))])
    said = "The same picture, filed 8,000 times, of which 2 are listed:"
    assert said in page.one("li", "hit").text


def test_same_picture_filed_twice_lists_each_mark_with_its_own_file(
    render: Build, mark: Build, hit: Build
) -> None:
    art = b"same".ljust(32)
    pair = (
        mark(1, path="/one.svg", artwork=art, text="First", owner="A"),
        mark(2, path="/two.svg", artwork=art, text="Second", status="Expired"),
    )
    page = render([QueryResult("q.png", (hit(1, 0.9, *pair),))])
    entry = page.one("li", "hit")
    assert "The same picture, filed 2 times:" in entry.text
    filings = entry.one("ol", "filings").all("li")
    assert [filing.one("h4").text for filing in filings] == ["First", "Second"]
    assert facts(filings[0])["Owner"] == "A"
    assert facts(filings[0])["Picture file"] == "/one.svg"
    assert facts(filings[1])["Picture file"] == "/two.svg"
    assert "Owner" not in facts(filings[1])


def test_highlight_is_a_text_and_not_a_colour_alone(full: Any, sample: Any) -> None:
    badges = full.all("span", "badge")
    assert [badge.text for badge in badges] == ["same brand"] * 5
    assert len(full.all("li", "highlighted")) == sum(map(len, sample.highlight.values()))


def test_highlight_follows_the_artwork_and_takes_a_label(
    render: Build, mark: Build, hit: Build
) -> None:
    art = b"same".ljust(32)
    pair = (mark(1, artwork=art), mark(2, artwork=art))
    results = [QueryResult("q.png", (hit(1, 0.9, *pair), hit(2, 0.8, mark(3))))]
    page = render(results, highlight={"q.png": {2}}, highlight_label="same <b>owner</b>")
    assert [badge.text for badge in page.all("span", "badge")] == ["same <b>owner</b>"]
    assert "same <b>owner</b>" in page.all("li", "hit")[0].one("h3").text


def test_picture_that_is_gone_is_said_in_words(render: Build, mark: Build, hit: Build) -> None:
    page = render([QueryResult("q.png", (hit(1, 0.9, mark()),))])
    assert not page.all("img")
    assert [p.text for p in page.all("p", "missing")] == [
        "The query picture could not be read.",
        "This picture cannot be read any more.",
    ]


def test_query_with_an_error_gives_the_reason(render: Build) -> None:
    error = PictureError("q.png", "truncated", "12 of 90 rows")
    page = render([QueryResult("q.png", (), error), QueryResult("r.png", ())])
    section = page.all("section", "query")[0]
    assert "Not searched: the file ends too early (12 of 90 rows) ." in section.text
    assert page.one("p", "summary").text.endswith("1 picture could not be read")
    assert "could not be read" in page.one("nav").one("tbody").all("tr")[0].text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Nothing was found."),
        ({"min_score": 0.9}, "Nothing passes the minimum score of 0.900."),
        (
            {"filters": Filters(nice=(9,))},
            "Nothing was found among the marks within the filters.",
        ),
    ],
)
def test_no_hits_says_why(render: Build, search: Build, asked: Any, said: str) -> None:
    page = render([QueryResult("q.png", ())], search(**asked))
    assert page.one("section", "query").one("p", "none").text == said
    assert not page.all("ol")


def test_no_query_at_all_is_still_a_page(render: Build) -> None:
    assert render([]).one("main").one("p", "none").text == "No query picture was given."


def test_record_says_what_was_asked_of_what_and_when(render: Build, search: Build) -> None:
    filters = Filters(
        collections=("eu", "us"),
        nice=(9, 35, 42),
        vienna=("03.07.*",),
        status=("Registered",),
        office=("EM",),
        owner="acme",
        filed_after=dt.date(2010, 1, 1),
        filed_before=dt.date(2020, 1, 1),
    )
    asked = search(filters=filters, crop=Crop(1, 2, 30, 40), min_score=0.25, vectors=1_234_567, k=1)
    said = record(render([], asked))
    assert said["Asked for"] == "up to 1 hit for each query picture"
    assert said["Filters"] == (
        "collection eu or us; Nice class 9, 35 or 42; Vienna code 03.07.*; status Registered; "
        "office EM; owner “acme”, or part of it; filed on 2010-01-01 or later; "
        "filed on 2020-01-01 or earlier"
    )
    assert said["Part searched"].startswith("30 × 40 px")  # noqa: RUF001
    assert said["Minimum score"] == "0.250"
    assert said["Searched"] == "1,234,567 pictures in the index, before filters"
    assert said["Model"] == "tiny-vit-5m-in22k"
    assert said["Fingerprint"] == "3f1c" * 16
    assert said["Index"] == "Flat"
    assert said["Written"] == "2026-11-07 14:05+00:00 by likemark 0.1.0"


def test_record_without_filters_or_crop(render: Build) -> None:
    said = record(render([]))
    assert (said["Filters"], said["Minimum score"]) == ("none", "none")
    assert "Part searched" not in said


def test_record_says_whether_elements_asked_too(render: Build, search: Build) -> None:
    assert record(render([]))["Elements"] == "of a composite query ask too"
    assert record(render([], search(blocks=False)))["Elements"] == "do not ask"


def test_the_page_says_how_much_each_way_of_asking_counts(render: Build, search: Build) -> None:
    said = {
        "one element of a composite query counts 0.95": {"blocks": True},
        "a half of the query counts 0.8": {"parts": True},
        "the query turned by 45°, 135°, 225° or 315° counts 0.95": {"turned": True},
    }
    for sentence, asked in said.items():
        for other in said.values():
            page = render([], search(**{"blocks": False, **other}))
            assert (sentence in page.text) == (other == asked)


def test_a_hit_says_by_which_part_of_the_query_it_was_found(
    render: Build, mark: Build, hit: Build
) -> None:
    found = replace(hit(1, 0.9, mark(1)), block=Crop(5, 0, 40, 30))
    said = "Found by a part of the query: 40 × 30 px from (5, 0)"  # noqa: RUF001
    for hits, times in (((found,), 1), ((hit(1, 0.9, mark(1)),), 0)):
        page = render([QueryResult("a.svg", hits)])
        assert page.text.count(said) == times


def test_a_part_of_a_hit_that_is_the_query_is_framed(
    render: Build, sample: Any, sample_thumbnails: Thumbnails, search: Build
) -> None:
    result = sample.results[0]
    first = replace(result.hits[0], part=(0.25, 0.5, 0.75, 0.875))
    answer = [replace(result, hits=(first, *result.hits[1:]))]
    page = render(answer, search(parts=True), thumbnails=sample_thumbnails)
    (frame,) = page.all("svg", "part")
    sides = frame.one("rect").attributes
    assert [float(sides[name]) for name in ("x", "y", "width", "height")] == [0.25, 0.5, 0.5, 0.375]
    assert page.text.count("Found by its framed part") == 1
    assert record(page)["Parts"] == "halves ask too, and the nearest are looked into"
    gone = render(answer, search(parts=True))  # nothing is framed where there is no picture
    assert not gone.all("svg", "part")
    assert "Parts" not in record(render([]))


def test_standard_input_has_a_name(render: Build, sample: Any) -> None:
    page = render([replace(sample.results[0], query="stdin")])
    section = page.one("section", "query")
    assert section.one("h2").text == "Standard input"
    assert not section.all("p", "path")

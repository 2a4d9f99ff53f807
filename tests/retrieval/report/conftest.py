"""Answers made by hand: register data around the bundled sample of logos, and a page reader."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from likemark.db.search import MarkImageRow, MarkRow
from likemark.db.values import Filters
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.report.page import render_report
from likemark.retrieval.report.thumbnails import Thumbnails, load_thumbnails
from likemark.retrieval.results import Hit, QueryResult, Search

SAMPLE = Path(__file__).parents[3] / "benchmarks" / "sample"
CREATED = dt.datetime(2026, 11, 7, 14, 5, tzinfo=dt.UTC)
VOID = {"meta", "img", "br", "hr", "link", "input", "rect"}

# A drawing, and the other drawings of its brand.
ASKED = (
    ("cib:brave", ("logos:brave", "simple-icons:brave")),
    ("cib:discord", ("logos:discord-icon", "simple-icons:discord")),
    ("logos:bower", ("simple-icons:bower",)),
)
_OWNERS = ("Nordlicht Werkzeuge GmbH", "Atelier Brume SARL", "Ōtani 図案株式会社", None)
_STATUS = ("Registered", "Application published", "Expired", None)


_MAYBE = (
    "office application_number registration_number text kind status owner goods "
    "filing_date registration_date expiry_date"
).split()


def make_mark(
    id: int = 1, *, image_id: int | None = None, path: str = "a.svg", **known: Any
) -> MarkRow:
    """A mark of which only what is given is known."""
    image_id = id if image_id is None else image_id
    artwork = known.pop("artwork", hashlib.sha256(os.fsencode(path)).digest())
    blank: dict[str, Any] = dict.fromkeys(_MAYBE)
    blank |= {"collection": "demo", "key": f"k{id}", "source": path, "nice": (), "vienna": ()}
    images = (MarkImageRow(image_id, path, artwork, 512, 512),)
    return MarkRow(**(blank | {"id": id, "extra": {}, "images": images} | known))


def make_hit(rank: int, score: float, *marks: MarkRow) -> Hit:
    image = marks[0].images[0]
    return Hit(rank, score, image.image_id, image.path, marks)


def make_search(**changes: Any) -> Search:
    known: dict[str, Any] = {
        "k": 6,
        "filters": Filters(),
        "crop": None,
        "min_score": None,
        "blocks": True,
        "turned": False,
        "parts": False,
        "model": "tiny-vit-5m-in22k",
        "model_fingerprint": "3f1c" * 16,
        "index": "Flat",
        "vectors": 469,
    }
    return Search(**(known | changes))


def registered(id: int, path: str, text: str, **changes: Any) -> MarkRow:
    """A mark as a register knows it: invented data, fuller for some than for others."""
    known = {
        "text": text,
        "office": ("EM", "US", "JP")[id % 3],
        "application_number": f"{18_000_000 + 7919 * id:09d}",
        "registration_number": f"{5_000_000 + id}" if id % 2 else None,
        "status": _STATUS[id % 4],
        "kind": "figurative",
        "owner": _OWNERS[id % 4],
        "filing_date": dt.date(2012 + id % 9, 1 + id % 12, 1 + id % 28),
        "registration_date": dt.date(2013 + id % 9, 1 + id % 12, 2) if id % 2 else None,
        "expiry_date": dt.date(2032 + id % 9, 1 + id % 12, 2) if id % 2 else None,
        "nice": ((9, 42), (25,), (9, 35, 38, 41, 42), ())[id % 4],
        "vienna": (("26.01.01", "27.05.21"), (), ("03.07.17",))[id % 3],
    }
    return make_mark(id, path=path, **(known | changes))


@dataclass(frozen=True)
class Answers:
    results: list[QueryResult]
    search: Search
    requests: list[Request]
    highlight: dict[str, set[int]]


def sample_answers(queries: int = 3, hits: int = 6) -> Answers:
    """Drawings of the sample: their brand's other drawings first, then neighbours in the list."""
    with (SAMPLE / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    images = {row["id"]: row["image"] for row in rows}
    results, highlight = [], {}
    for number, (query, wanted) in enumerate(ASKED[:queries]):
        first = [i for i, row in enumerate(rows) if row["id"] in wanted]
        others = [i for i in range(31 * number, 31 * number + hits) if i not in first]
        chosen = [*first, *others][:hits]
        name = str(SAMPLE / images[query])
        highlight[name] = {1 + i for i in first}
        marks = [registered(1 + i, str(SAMPLE / rows[i]["image"]), rows[i]["text"]) for i in chosen]
        results.append(
            QueryResult(
                name, tuple(make_hit(r, 0.93 - 0.071 * r, m) for r, m in enumerate(marks, 1))
            )
        )
    return Answers(results, make_search(k=hits), [Request(r.query) for r in results], highlight)


@pytest.fixture
def mark() -> Callable[..., MarkRow]:
    return make_mark


@pytest.fixture
def hit() -> Callable[..., Hit]:
    return make_hit


@pytest.fixture
def search() -> Callable[..., Search]:
    return make_search


@pytest.fixture(scope="session")
def sample() -> Answers:
    return sample_answers()


@pytest.fixture(scope="session")
def sample_thumbnails(sample: Answers) -> Thumbnails:
    paths = [hit.path for result in sample.results for hit in result.hits]
    return load_thumbnails(paths, size=96, extra=sample.requests)


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What is read out, white space folded."""
        parts = (c if isinstance(c, str) else f" {c.text} " for c in self.children)
        return " ".join("".join(parts).split())

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag: str, kind: str | None = None) -> list[Element]:
        """Elements of a tag, and of a class if one is given."""
        return [
            e
            for e in self.walk()
            if e.tag == tag and (kind is None or kind in e.attributes.get("class", "").split())
        ]

    def one(self, tag: str, kind: str | None = None) -> Element:
        (found,) = self.all(tag, kind)
        return found


class _Reader(HTMLParser):
    """A strict tree: every element that is opened must be closed, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read_page(html: str) -> Element:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, [element.tag for element in reader.open]
    return reader.open[0]


@pytest.fixture
def parse() -> Callable[[str], Element]:
    return read_page


@pytest.fixture
def render() -> Callable[..., Element]:
    """`render(results, search)`: the page as a tree, by default without pictures."""

    def run(
        results: Sequence[QueryResult], search: Search | None = None, **options: Any
    ) -> Element:
        options.setdefault("thumbnails", Thumbnails(size=8, pictures={}, queries={}))
        options.setdefault("created", CREATED)
        page = render_report(results, search or make_search(), version="0.1.0", **options)
        return read_page(page)

    return run

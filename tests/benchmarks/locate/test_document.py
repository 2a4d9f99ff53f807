"""From a small data set to the tables: the run as `likemark bench run locate` makes it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from support.flickr27 import ColourEncoder

from likemark.benchmarks.locate.photos import locate_in_photos
from likemark.benchmarks.locate.rivals.registry import locators
from likemark.benchmarks.locate.rivals.sliding import SlidingLocator
from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.sections import protocol, tables
from likemark.benchmarks.runs import written_up


@pytest.fixture
def document(folder: Path, tmp_path: Path) -> dict[str, Any]:
    lines: list[str] = []
    result = locate_in_photos(
        folder,
        [SlidingLocator(ColourEncoder())],
        cache=tmp_path / "cache",
        packages=tmp_path / "packages",
        npm="no-such-program",
        repetitions=20,
        progress=lines.append,
    )
    assert lines[1].startswith("drawings: left out: 'no-such-program' is not on the path")
    data = {"name": "FlickrLogos-27", "sha256": result.answers.data}
    model = {"name": "colours", "fingerprint": "c0" * 32}
    return written_up("locate", "likemark", asdict(result), data, model=model, device="cpu")


def test_the_tables_have_a_row_for_each_system_and_kind_of_query(document: dict[str, Any]):
    read = Document.of(document)
    headline, sure, sizes, masks = tables(read)
    assert [row.cells[:2] for row in headline.rows] == [
        ("Sliding windows, colours", "crop of another photo")
    ]
    assert [row.cells[2] for row in sizes.rows] == ["large"]
    assert len(masks.rows[0].cells) == 2 + 5
    assert sure.rows[0].cells[2:] == tuple(
        "–" if one["found"] == 0 else f"{one['right']:.3f} of {one['found']}"  # noqa: RUF001
        for one in document["result"]["answers"]["rows"][0]["standings"][0]["sure"]
    )
    assert tables(read, brief=True) == [headline, sure]
    assert document["result"]["without_drawing"] == dict.fromkeys(
        ("Azure", "Moss", "Rose"), "none was chosen"
    )


def test_the_protocol_says_what_was_asked(document: dict[str, Any]):
    assert protocol(Document.of(document)).startswith(
        "60 questions in 18 photos of 3 brands, 3 of them by crops alone, and in 6 photos of none: "
        "of each kind of query one of the brand and 2 of others."
    )


def test_every_rival_stands_in_the_list_once():
    names = [locator.name for locator in locators(ColourEncoder())]
    assert names == [
        "Sliding windows, colours",
        "SIFT + homography",
        "ORB + homography",
        "Template matching",
    ]

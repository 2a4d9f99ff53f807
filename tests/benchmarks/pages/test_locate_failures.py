"""The worst questions of a document, with pictures where their folder is at hand."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.locate_failures import locate_galleries
from likemark.benchmarks.pages.page import render_page
from likemark.db.errors import InvalidInput

Documents = dict[str, dict[str, Any]]


def shown(address: str | None) -> Image.Image:
    assert address is not None
    assert address.startswith("data:image/webp;base64,")
    return Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB")


def test_names_and_places_alone_where_no_folder_is_given(documents: Documents) -> None:
    missed, false = locate_galleries(Document.of(documents["locate"]))
    assert (missed.name, false.name) == ("missed", "false")
    (one,) = missed.failures
    assert (one.query, one.scene) == ("crop Brand 1 1.png", "Brand 1 2.png")
    assert one.places == ("0.910 at 10, 8, 30, 30", "0.200 at 0, 0, 5, 5")
    assert one.asked is one.photo is None


def test_places_are_drawn_into_the_photo_red_found_green_true(
    documents: Documents, pictures: Path
) -> None:
    missed, _ = locate_galleries(Document.of(documents["locate"]), photos=pictures)
    photo = shown(missed.failures[0].photo)
    assert photo.size == (64, 64)
    red, green, _ = photo.getpixel((10, 20))  # type: ignore[misc]
    assert red > green + 60
    red, green, _ = photo.getpixel((60, 50))  # type: ignore[misc]
    assert green > red + 30
    assert shown(missed.failures[0].asked).size == (20, 30)


def test_a_drawing_comes_from_the_folder_of_drawings(
    documents: Documents, pictures: Path, tmp_path: Path
) -> None:
    from likemark.benchmarks.locate.drawings import CHOSEN, SOURCES, _version

    kept = tmp_path / f"drawings-{_version(SOURCES, CHOSEN)}"
    kept.mkdir()
    square = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" \
height="20" fill="red"/></svg>'
    (kept / "Nike.svg").write_text(square)
    document = Document.of(documents["locate"])
    _, false = locate_galleries(document, photos=pictures, drawings=tmp_path)
    assert shown(false.failures[0].asked).width == 96
    _, without = locate_galleries(document, photos=pictures, drawings=tmp_path / "none")
    assert without.failures[0].asked is None


def test_a_picture_outside_the_folder_is_refused(documents: Documents, pictures: Path) -> None:
    failure = documents["locate"]["result"]["failures"]["missed"][0]
    failure["photo"]["image"] = "../../etc/passwd"
    with pytest.raises(InvalidInput, match="not below"):
        locate_galleries(Document.of(documents["locate"]), photos=pictures)


def test_a_document_of_before_has_no_gallery(documents: Documents) -> None:
    del documents["locate"]["result"]["failures"]
    assert locate_galleries(Document.of(documents["locate"])) == []
    assert locate_galleries(Document.of(documents["speed"])) == []


def test_the_page_shows_them_with_and_without_photos(documents: Documents, pictures: Path) -> None:
    given = [documents["locate"]]
    page = render_page(given, pictures=None, photos=pictures)
    assert page.count("data:image/webp") == 3
    assert 'id="locate-missed"' in page
    assert 'href="#locate-missed"' in page
    plain = render_page(given, pictures=None, photos=pictures / "none")
    assert "data:image/webp" not in plain
    assert "photos were not there" in plain
    assert "0.770 at 10, 8, 30, 30" in plain

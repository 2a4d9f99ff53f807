"""The contact sheet, looked at pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from likemark.db.errors import InvalidInput, PictureError
from likemark.retrieval.report.sheet import contact_sheet, fitted, write_contact_sheet
from likemark.retrieval.report.thumbnails import Thumbnails
from likemark.retrieval.results import QueryResult

Build = Callable[..., Any]

GREEN = (0x17, 0x63, 0x39)
EMPTY = Thumbnails(size=96, pictures={}, queries={})


def pixels(sheet: Image.Image) -> np.ndarray:
    return np.asarray(sheet)


def green(sheet: Image.Image) -> int:
    return int((pixels(sheet) == GREEN).all(axis=-1).sum())


def test_every_picture_stands_in_its_row_and_column(
    sample: Any, sample_thumbnails: Thumbnails
) -> None:
    sheet = contact_sheet(sample.results, sample_thumbnails, columns=4)
    shown = pixels(sheet)
    size, gap, margin = 96, 13, 24
    row = size + 2 * 14 + 2 * gap
    for number, result in enumerate(sample.results):
        top = margin + number * row
        query = sample_thumbnails.query_pixels(result.query)
        assert query is not None
        assert np.array_equal(shown[top : top + size, margin : margin + size], query)
        for column, hit in enumerate(result.hits[:4]):
            left = margin + size + 3 * gap + column * (size + gap)
            picture = sample_thumbnails.pixels(hit.path)
            assert picture is not None
            assert np.array_equal(shown[top : top + size, left : left + size], picture)
    assert sheet.size == (
        2 * margin + size + 3 * gap + 4 * size + 3 * gap,
        2 * margin + 3 * row - 2 * gap,
    )


def test_sheet_is_white_around_its_content(sample: Any, sample_thumbnails: Thumbnails) -> None:
    shown = pixels(contact_sheet(sample.results, sample_thumbnails))
    for edge in (shown[:20], shown[-10:], shown[:, :20], shown[:, -20:]):
        assert (edge == 255).all()


def test_rank_score_and_title_are_written_under_a_hit(
    sample: Any, sample_thumbnails: Thumbnails
) -> None:
    shown = pixels(contact_sheet(sample.results[:1], sample_thumbnails, columns=1))
    captions = shown[24 + 96 + 3 : -24, 24 + 96 + 39 :]
    assert (captions < 128).any(axis=(1, 2)).sum() > 12  # two lines of letters


def test_highlighted_hits_alone_have_a_green_outline(
    sample: Any, sample_thumbnails: Thumbnails
) -> None:
    plain = contact_sheet(sample.results, sample_thumbnails)
    marked = contact_sheet(sample.results, sample_thumbnails, highlight=sample.highlight)
    assert plain.size == marked.size
    assert green(plain) == 0
    one_outline = (96 + 6) ** 2 - 96**2
    assert green(marked) == 5 * one_outline


def test_label_explains_the_outline_below(sample: Any, sample_thumbnails: Thumbnails) -> None:
    plain = contact_sheet(sample.results, sample_thumbnails)
    labelled = contact_sheet(sample.results, sample_thumbnails, highlight_label="same brand")
    assert labelled.width == plain.width
    assert labelled.height > plain.height
    assert green(labelled) > 0


def test_errors_empty_answers_and_lost_pictures_are_said(mark: Build, hit: Build) -> None:
    error = QueryResult("b.png", (), PictureError("b.png", "truncated"))
    blank = contact_sheet([], EMPTY)
    for result in (error, QueryResult("n.png", ()), QueryResult("q.png", (hit(1, 0.9, mark()),))):
        shown = pixels(contact_sheet([result], EMPTY))
        middle = shown[24 + 30 : 24 + 66, 24 + 96 + 45 :]
        assert (middle < 200).any()
    assert (pixels(blank) == 255).all()


@pytest.mark.parametrize(
    "text",
    [
        "図案 شعار лого 👩\u200d🎨",
        "a\nb\r\nc",
        "\x00\x1b\u202e\udcff",
        "W" * 10_000,
        "",
        "e" + "\u0301" * 500,
    ],
)
def test_any_title_can_be_written(mark: Build, hit: Build, text: str) -> None:
    results = [QueryResult(text, (hit(1, 0.9, mark(text=text), mark(2)),))]
    sheet = contact_sheet(results, EMPTY, columns=1, highlight_label=text)
    assert (pixels(sheet)[:, -20:] == 255).all()


def test_text_is_cut_to_the_room_and_its_tail_kept() -> None:
    font = ImageFont.load_default(12)
    assert fitted("Brave", font, 200) == "Brave"
    cut = fitted("A very long title of a mark", font, 90, tail=" (+2)")
    assert cut.startswith("A ver")
    assert cut.endswith("… (+2)")
    assert font.getlength(cut) <= 90


@pytest.mark.parametrize(("columns", "queries"), [(0, 1), (-3, 1), (6, 201)])
def test_impossible_sheets_are_refused(columns: int, queries: int) -> None:
    with pytest.raises(InvalidInput, match="contact sheet"):
        contact_sheet([QueryResult("q.png", ())] * queries, EMPTY, columns=columns)


def test_sheet_is_written_as_png(
    sample: Any, sample_thumbnails: Thumbnails, tmp_path: Path
) -> None:
    out = tmp_path / "sheet.png"
    write_contact_sheet(out, sample.results, sample_thumbnails, highlight=sample.highlight)
    with Image.open(out) as image:
        assert image.format == "PNG"
        expected = contact_sheet(sample.results, sample_thumbnails, highlight=sample.highlight)
        assert np.array_equal(pixels(image.convert("RGB")), pixels(expected))

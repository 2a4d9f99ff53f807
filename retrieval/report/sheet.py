"""A contact sheet: every query beside its best hits, as one picture.

S: px, side of a thumbnail; every other measure follows from it.
"""

from __future__ import annotations

import io
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from likemark.db.errors import InvalidInput
from likemark.retrieval.files import write_whole
from likemark.retrieval.report.facts import error_in_words
from likemark.retrieval.report.highlight import Highlight, is_highlighted
from likemark.retrieval.report.page import query_name
from likemark.retrieval.report.text import shorten
from likemark.retrieval.report.thumbnails import Thumbnails
from likemark.retrieval.results import Hit, QueryResult

# A taller picture is of no use to anyone, and takes gigabytes.
MAX_QUERIES = 200
_INK, _SOFT, _RULE, _GOOD = "#1a1b1f", "#565962", "#d5d7dd", "#176339"
_LONGEST = 200  # characters measured of a text

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class _Layout:
    """Measures of a sheet in px."""

    size: int  # S
    columns: int  # hits in a row
    rows: int  # queries
    legend: bool  # a line below the last row

    @property
    def gap(self) -> int:
        return round(self.size * 0.14)

    @property
    def margin(self) -> int:
        return round(self.size * 0.25)

    @property
    def text(self) -> int:
        """Height of a letter's em."""
        return max(8, round(self.size * 0.105))

    @property
    def line(self) -> int:
        return round(self.text * 1.35)

    @property
    def row(self) -> int:
        """From the top of one query to the top of the next: picture, two lines, clear space."""
        return self.size + 2 * self.line + 2 * self.gap

    @property
    def hits_left(self) -> int:
        return self.margin + self.size + 3 * self.gap

    @property
    def width(self) -> int:
        return self.hits_left + self.columns * (self.size + self.gap) - self.gap + self.margin

    @property
    def height(self) -> int:
        rows = self.rows * self.row - (2 * self.gap if self.rows else 0)
        return 2 * self.margin + rows + (self.gap + self.line if self.legend else 0)

    def hit(self, row: int, column: int) -> tuple[int, int]:
        """Left and top of a hit's picture."""
        return self.hits_left + column * (self.size + self.gap), self.query(row)[1]

    def query(self, row: int) -> tuple[int, int]:
        return self.margin, self.margin + row * self.row


def contact_sheet(
    results: Sequence[QueryResult],
    thumbnails: Thumbnails,
    *,
    columns: int = 6,
    highlight: Highlight | None = None,
    highlight_label: str | None = None,
) -> Image.Image:
    """One row per query: its picture in a frame, then its best hits with rank, score and title.

    columns: hits in a row; further hits are left out
    highlight: per query, ids of pictures that get a thick green outline
    highlight_label: what the outline means, written below the last row
    """
    if columns < 1:
        raise InvalidInput(f"columns is {columns}: a contact sheet needs 1 or more")
    if len(results) > MAX_QUERIES:
        raise InvalidInput(
            f"{len(results)} queries are too many for a contact sheet: give {MAX_QUERIES} or fewer"
        )
    layout = _Layout(thumbnails.size, columns, len(results), highlight_label is not None)
    sheet = Image.new("RGB", (layout.width, layout.height), "white")
    pen = _Pen(sheet, ImageDraw.Draw(sheet), layout)
    for row, result in enumerate(results):
        pen.query(row, result, thumbnails)
        marked = (highlight or {}).get(result.query, ())
        for column, hit in enumerate(result.hits[:columns]):
            pen.hit(layout.hit(row, column), hit, thumbnails, marked)
    if highlight_label is not None:
        pen.legend(highlight_label)
    return sheet


def write_contact_sheet(
    path: Path,
    results: Sequence[QueryResult],
    thumbnails: Thumbnails,
    *,
    columns: int = 6,
    highlight: Highlight | None = None,
    highlight_label: str | None = None,
) -> None:
    """Write the sheet as PNG, whole or not at all; raises what `write_whole` raises."""
    stream = io.BytesIO()
    sheet = contact_sheet(
        results,
        thumbnails,
        columns=columns,
        highlight=highlight,
        highlight_label=highlight_label,
    )
    sheet.save(stream, "PNG", optimize=True)
    write_whole(path, stream.getvalue())


@dataclass(frozen=True, slots=True)
class _Pen:
    sheet: Image.Image
    draw: ImageDraw.ImageDraw
    layout: _Layout

    def query(self, row: int, result: QueryResult, thumbnails: Thumbnails) -> None:
        left, top = self.layout.query(row)
        pixels = None if result.error else thumbnails.query_pixels(result.query)
        self._picture((left, top), pixels, _INK, self._thickness(0.012))
        self._line(left, top, 0, "query", _SOFT)
        self._line(left, top, 1, query_name(result), _INK)
        said = error_in_words(result.error) if result.error else "no hits"
        if not result.hits:
            place = (self.layout.hits_left, top + self.layout.size // 2)
            room = self.layout.width - self.layout.margin - place[0]
            self._text(place, said, _SOFT, room, anchor="lm")

    def hit(
        self, place: tuple[int, int], hit: Hit, thumbnails: Thumbnails, marked: Container[int]
    ) -> None:
        chosen = is_highlighted(hit, marked)
        outline = (_GOOD, self._thickness(0.03)) if chosen else (_RULE, self._thickness(0.006))
        self._picture(place, thumbnails.pixels(hit.path), *outline)
        left, top = place
        self._line(left, top, 0, f"{hit.rank}", _SOFT)
        self._line(left, top, 0, f"{hit.score:z.3f}", _SOFT, end=True)
        more = f" (+{hit.others})" if hit.others else ""
        self._line(left, top, 1, hit.mark.title, _INK, tail=more)

    def legend(self, label: str) -> None:
        side, left = self.layout.text, self.layout.hits_left
        middle = self.layout.height - self.layout.margin - self.layout.line // 2
        box = (left, middle - side // 2, left + side, middle - side // 2 + side)
        self.draw.rectangle(box, outline=_GOOD, width=self._thickness(0.015))
        start = left + 2 * side
        room = self.layout.width - self.layout.margin - start
        self._text((start, middle), label, _INK, room, anchor="lm")

    def _thickness(self, share: float) -> int:
        return max(1, round(self.layout.size * share))

    def _picture(
        self,
        place: tuple[int, int],
        pixels: NDArray[np.uint8] | None,
        colour: str,
        thickness: int,
    ) -> None:
        """A picture with its outline drawn around it, or words where there is none."""
        left, top = place
        size = self.layout.size
        if pixels is not None:
            self.sheet.paste(Image.fromarray(pixels), place)
        else:
            middle = (left + size // 2, top + size // 2)
            self._text(middle, "cannot be read", _SOFT, size - thickness * 4, anchor="mm")
        box = (left - thickness, top - thickness, left + size - 1 + thickness)
        self.draw.rectangle((*box, top + size - 1 + thickness), outline=colour, width=thickness)

    def _line(
        self,
        left: int,
        top: int,
        number: int,
        text: str,
        colour: str,
        *,
        end: bool = False,
        tail: str = "",
    ) -> None:
        """A line of text under a picture, at its left or right edge."""
        size = self.layout.size
        y = top + size + round(self.layout.text * 0.6) + number * self.layout.line
        x = left + size if end else left
        self._text((x, y), text, colour, size, anchor="ra" if end else "la", tail=tail)

    def _text(
        self,
        place: tuple[int, int],
        text: str,
        colour: str,
        room: int,
        *,
        anchor: str,
        tail: str = "",
    ) -> None:
        font = _font(self.layout.text)
        said = fitted(text, font, room, tail=tail)
        self.draw.text(place, said, fill=colour, font=font, anchor=anchor)


def fitted(text: str, font: Font, room: int, *, tail: str = "") -> str:
    """As much of a text as fits in `room` px, an ellipsis for the rest, then the whole tail."""
    text = shorten(text, _LONGEST)
    if font.getlength(text + tail) <= room:
        return text + tail
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle].rstrip() + "…" + tail) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…" + tail


@cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)

"""Invented words, set beside a mark or across it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from likemark.augment.pixels import (
    BLACK,
    WHITE,
    Colour,
    Pixels,
    contrast,
    mix,
    opaque,
    pad,
    shown,
    stands_out,
    to_pixels,
    to_planes,
)
from likemark.augment.segments import Segments

Place = Literal["below", "beside", "over"]
PLACES: tuple[Place, ...] = ("below", "beside", "over")

_FIRST = ("br", "c", "d", "f", "g", "kr", "l", "m", "n", "pl", "r", "s", "t", "tr", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ia", "eo")
_LAST = ("", "", "l", "n", "r", "s", "x", "nt")
# For words across a mark.
_INKS: tuple[Colour, ...] = (BLACK, WHITE, (215, 25, 35), (250, 200, 20), (20, 90, 190))


def invented_word(rng: np.random.Generator) -> str:
    """Two or three syllables that are no word, in capitals, title or lower case."""
    parts = [_syllable(rng) for _ in range(int(rng.integers(2, 4)))]
    word = "".join(parts) + str(rng.choice(_LAST))
    return (word, word.title(), word.upper())[int(rng.integers(3))]


def _syllable(rng: np.random.Generator) -> str:
    return str(rng.choice(_FIRST)) + str(rng.choice(_VOWELS))


def add_text(
    pixels: Pixels, segments: Segments, text: str, *, place: Place, ink: Colour | None = None
) -> Pixels:
    """The mark with a word set below or beside it on a larger canvas, or across its middle.

    ink: None: the mark's main colour where it stands out, else black or white; across the mark,
        a colour that stands out from what it covers
    """
    left, top, right, bottom = segments.box()
    width, height = right - left, bottom - top
    if place == "over":
        size = max(5, round(min(0.22 * height, 1.5 * width / max(1, len(text)))))
        spot = (left + right) / 2, (top + bottom) / 2
        covered = [shown(segments.ground), *map(segments.colour, range(1, len(segments) + 1)[:4])]
        return _written(pixels, text, size, spot, ink or _legible(covered, _INKS))
    own = [segments.colour(1)] if len(segments) else []
    chosen = ink or _legible([shown(segments.ground)], (*own, BLACK, WHITE))
    if place == "below":
        size = max(5, round(min(0.3 * height + 0.1 * width, 1.6 * width / max(1, len(text)))))
        wide = _width(text, size)
        side = max(0, (wide - pixels.shape[1]) // 2 + 2)
        canvas = pad(pixels, (side, 0, side, round(1.7 * size)), segments.ground)
        return _written(
            canvas, text, size, (side + (left + right) / 2, bottom + 0.9 * size), chosen
        )
    size = max(5, round(0.4 * height))
    wide = _width(text, size)
    canvas = pad(pixels, (0, 0, wide + size, 0), segments.ground)
    return _written(canvas, text, size, (right + 0.5 * size + wide / 2, (top + bottom) / 2), chosen)


def _legible(covered: Sequence[Colour], inks: Sequence[Colour]) -> Colour:
    """The first ink that stands out from all it covers, else the one with the most contrast."""
    for ink in inks:
        if all(stands_out(ink, colour) for colour in covered):
            return ink
    return max(inks, key=lambda ink: min(contrast(ink, colour) for colour in covered))


def _width(text: str, size: int) -> int:
    left, _, right, _ = ImageFont.load_default(size).getbbox(text)
    return int(np.ceil(right - left))


def _written(
    pixels: Pixels, text: str, size: int, middle: tuple[float, float], ink: Colour
) -> Pixels:
    """With the text in one ink, centred on a place in px."""
    image = Image.new("L", (pixels.shape[1], pixels.shape[0]), 0)
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text(middle, text, fill=255, font=font, anchor="mm")
    cover = np.asarray(image, np.float32)[..., None] / np.float32(255)
    colour = opaque(ink, pixels.shape[2])
    written = to_pixels(mix(cover, colour, to_planes(pixels)))
    return np.where(cover > 0, written, pixels)

"""A scene with what was found drawn over it: mask, box, rotated box and label."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from likemark.retrieval.files import write_whole
from likemark.retrieval.oneshot.found import Found, Match
from likemark.retrieval.oneshot.labels import Categories, Names
from likemark.retrieval.oneshot.outlines import outlines
from likemark.retrieval.oneshot.targets import make_folder
from likemark.retrieval.redact.regions import Pixels

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

Colour = tuple[int, int, int]

# Told apart by people of any colour vision (Okabe and Ito, 2008), its black left out.
COLOURS: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (204, 121, 167),
)  # fmt: skip
_TINT = 0.4  # how much of the colour lies on the mask
_DARK: Colour = (20, 20, 20)
_LIGHT: Colour = (255, 255, 255)
_LOSSY = {".jpg", ".jpeg", ".jpe", ".jfif"}
_QUALITY = 92  # of JPEG


class OverlayFolder:
    """Writes a picture a scene: JPEG of a JPEG or a video, else PNG."""

    def __init__(self, folder: Path, categories: Categories) -> None:
        """Raises as `make_folder` does."""
        make_folder(folder)
        self._folder = folder
        self._categories = categories
        self._names = Names()

    def add(self, found: Found, pixels: Pixels) -> None:
        """pixels: (H, W, 3), the scene"""
        numbers = [self._categories.of(match) for match in found.matches]
        drawn = overlay(pixels, found.matches, [COLOURS[n % len(COLOURS)] for n in numbers])
        source = found.source
        is_lossy = source.is_video or source.below.suffix.lower() in _LOSSY
        target = self._folder / f"{self._names.of(found)}.{'jpg' if is_lossy else 'png'}"
        make_folder(target.parent)
        stream = io.BytesIO()
        if is_lossy:
            Image.fromarray(drawn).save(stream, "JPEG", quality=_QUALITY)
        else:
            Image.fromarray(drawn).save(stream, "PNG", compress_level=4)
        write_whole(target, stream.getvalue())


def overlay(
    pixels: Pixels, matches: tuple[Match, ...] | list[Match], colours: list[Colour]
) -> Pixels:
    """The weakest is drawn first, so that the best is never hidden; lines have dark edges.

    pixels: (H, W, 3); colours: RGB of each match
    result: (H, W, 3)
    """
    from PIL import ImageDraw, ImageFont

    drawn = pixels.copy()
    ordered = list(zip(matches, colours, strict=True))[::-1]
    longest = max(pixels.shape[:2])
    width = max(1, round(longest / 600))
    for match, colour in ordered:
        _tint(drawn, match, colour)
    for match, colour in ordered:
        _lines(drawn, match, colour, width)
    image = Image.fromarray(drawn)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(max(11, round(longest / 60)))
    for match, colour in ordered:
        _label(pen, font, match, colour, image.size)
    return np.array(image)


def _tint(drawn: Pixels, match: Match, colour: Colour) -> None:
    region = match.region
    height, width = region.mask.shape
    window = drawn[region.top : region.top + height, region.left : region.left + width]
    inked = region.mask > 0
    tinted = (1 - _TINT) * window[inked] + _TINT * np.array(colour)
    window[inked] = np.rint(tinted).astype(np.uint8)


def _lines(drawn: Pixels, match: Match, colour: Colour, width: int) -> None:
    import cv2

    left, top, right, bottom = match.region.box
    box = np.array([[left, top], [right - 1, top], [right - 1, bottom - 1], [left, bottom - 1]])
    turned = np.rint(match.region.corners - 0.5)
    for shade, wide in ((_DARK, width + 2), (colour, width)):
        for line in (*outlines(match.region), turned.astype(np.int32)):
            cv2.polylines(drawn, [line], True, shade, wide, lineType=cv2.LINE_AA)
        # The upright box is the thinner one.
        cv2.polylines(drawn, [box.astype(np.int32)], True, shade, max(1, wide - width // 2))


def _label(
    pen: ImageDraw, font: FreeTypeFont | ImageFont, match: Match, colour: Colour,
    size: tuple[int, int],
) -> None:  # fmt: skip
    """Above the box, or inside of it where there is no room above; never over the edge."""
    left, top, _, _ = match.region.box
    text = _fitting(pen, font, _plain(match.label), f" {match.region.score:.2f}", size[0])
    _, _, across, down = (round(side) for side in pen.textbbox((0, 0), text, font))
    bar = max(3, down // 4)
    wide, tall = across + 3 * bar, down + bar
    x = max(0, min(left, size[0] - wide))
    y = top - tall if top >= tall else min(top, max(0, size[1] - tall))
    pen.rectangle((x, y, x + wide - 1, y + tall - 1), fill=_DARK)
    pen.rectangle((x, y, x + bar - 1, y + tall - 1), fill=colour)
    pen.text((x + 2 * bar, y + bar // 2), text, fill=_LIGHT, font=font)


def _fitting(
    pen: ImageDraw, font: FreeTypeFont | ImageFont, label: str, score: str, width: int
) -> str:
    """The label, cut so that its score is still to be read."""
    cut = label
    while cut and pen.textlength(cut + score, font) + 20 > width:
        cut = cut.removesuffix("…")[:-1] + "…" if len(cut) > 1 else ""
    return (cut + score).strip()


def _plain(label: str) -> str:
    """Without accents and other scripts, which the font at hand has no signs for."""
    return unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().strip()

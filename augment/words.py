"""Invented words as masks, in the fonts that OpenCV and Pillow carry.

OpenCV's are Hershey's strokes up to version 4, and outlines from version 5 on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from likemark.augment.parts import Plane, as_bytes
from likemark.augment.text import invented_word

if TYPE_CHECKING:
    from PIL import ImageFont

FONTS = 9  # 0 to 7: OpenCV's Hershey fonts; 8: Pillow's own
_PILLOW = 8
_TALL = 44  # px at which a word is drawn before it is scaled


def random_word(rng: np.random.Generator, height: int) -> Plane:
    """(about height, w): 255 where an invented word is, in any of the fonts."""
    import cv2

    word = invented_word(rng)
    if rng.random() < 0.25:
        word += " " + invented_word(rng)
    large = drawn_word(word, int(rng.integers(FONTS)), int(rng.integers(2, 6)))
    size = max(1, round(large.shape[1] * height / large.shape[0])), max(1, height)
    return as_bytes(cv2.resize(large, size, interpolation=cv2.INTER_AREA))


def drawn_word(word: str, font: int, thickness: int) -> Plane:
    """(h, w): 255 where the word is, cut to its ink."""
    import cv2

    plane = _in_pillow(word) if font == _PILLOW else _in_hershey(word, font, thickness)
    left, top, width, height = cv2.boundingRect(plane)
    return plane[top : top + height, left : left + width] if width else plane


def _in_hershey(word: str, font: int, thickness: int) -> Plane:
    import cv2

    (width, height), base = cv2.getTextSize(word, font, 1.5, thickness)
    plane = np.zeros((height + base + 3 * thickness, width + 2 * thickness), np.uint8)
    place = (thickness, height + thickness)
    cv2.putText(plane, word, place, font, 1.5, 255, thickness, cv2.LINE_AA)
    return plane


def _in_pillow(word: str) -> Plane:
    from PIL import Image, ImageDraw

    font = _pillow_font()
    left, top, right, bottom = (round(edge) for edge in font.getbbox(word))
    image = Image.new("L", (right + 2, bottom + 2), 0)
    ImageDraw.Draw(image).text((0, 0), word, fill=255, font=font)
    return as_bytes(image)[top:, left:]


@lru_cache(maxsize=1)
def _pillow_font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(_TALL)

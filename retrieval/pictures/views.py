"""What else of a picture may be asked with: its halves, and what it is turned by eighths.

H, W: px of the picture; h, w: of what it gives.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.retrieval.pictures.normalise import (
    FLAT,
    flatten,
    ground_colour,
    inked,
    spread,
    square,
    trim,
)
from likemark.retrieval.pictures.picture import Crop

Pixels = NDArray[np.uint8]

EIGHTHS = (45, 135, 225, 315)  # degrees, counter-clockwise; by quarters any square is turned
_LEAST = 8  # px: the shorter side of a half, at least
_SIDE = 256  # px of the square that is turned
_ROOM = 1.45  # times its side: no corner is cut off


def halves(pixels: Pixels) -> Iterator[tuple[Crop, Pixels]]:
    """The left, middle, right, upper, middle and lower half of what a picture shows, and where each
    lies in it; without those of one colour.

    In a mark that lies partly over another one, no bare ground parts the two.
    pixels: (H, W, 3 or 4); result: (h, w, 3) each
    """
    pixels = np.ascontiguousarray(pixels)
    rgb = flatten(pixels)
    left, top, width, height = inked(rgb, ground_colour(pixels, rgb))
    wide, tall = width - width // 2, height - height // 2
    boxes = [
        *(Crop(left + (width - wide) * share // 2, top, wide, height) for share in range(3)),
        *(Crop(left, top + (height - tall) * share // 2, width, tall) for share in range(3)),
    ]
    for box in boxes:
        part = rgb[box.y : box.y + box.height, box.x : box.x + box.width]
        if _shows(part):
            yield box, np.ascontiguousarray(part)


def turned_by_eighths(pixels: Pixels) -> list[Pixels]:
    """What a picture shows, turned by each of `EIGHTHS`; nothing where it stands on no one colour,
    which the corners could be filled with.

    pixels: (H, W, 3 or 4); result: squares, (h, h, 3)
    """
    pixels = np.ascontiguousarray(pixels)
    rgb = flatten(pixels)
    ground = ground_colour(pixels, rgb)
    if ground is None:
        return []
    margin = round(_SIDE * (_ROOM - 1) / 2)
    whole = np.empty((_SIDE + 2 * margin,) * 2 + (3,), np.uint8)
    whole[:] = ground
    whole[margin:-margin, margin:-margin] = square(trim(rgb, ground), _SIDE, ground)
    image, fill = Image.fromarray(whole), tuple(int(level) for level in ground)
    return [
        np.asarray(image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=fill))
        for degrees in EIGHTHS
    ]


def _shows(part: Pixels) -> bool:
    return min(part.shape[:2]) >= _LEAST and spread(part) > FLAT

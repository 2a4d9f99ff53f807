"""Other marks made to look more like the one that is looked for, for scenes without it.

A mark with some segments recoloured or moved is no such decoy: it is still that mark to a person,
and to the search that the scenes train for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from likemark.augment.marks import Mark, bordered
from likemark.augment.parts import Parts, as_bytes

_MOST = 1.6  # times by which a decoy is stretched at most


def disguised(other: Mark, mark: Mark) -> Mark:
    """The other mark in this one's inks and ground, and of its proportions as far as it bears it.

    The largest part takes the ink of the largest, and so on; of a mark of one ink all take that.
    """
    import cv2

    width, height = _box(other)[2:]
    wanted = _box(mark)[2] * height / max(1, _box(mark)[3] * width)
    aspect = float(np.clip(wanted, 1 / _MOST, _MOST)) ** 0.5
    made = _in_inks_of(other, mark)
    left, top = _box(other)[:2]
    pixels = made.pixels[top : top + height, left : left + width]
    size = max(1, round(width * aspect)), max(1, round(height / aspect))
    stretched = as_bytes(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR))
    return Mark(bordered(stretched, round(0.06 * max(size)) + 2, made.ground), made.ground)


def _in_inks_of(other: Mark, mark: Mark) -> Mark:
    if not len(other.parts) or not len(mark.parts):
        return other
    order = [0, *(1 + place % len(mark.parts) for place in range(len(other.parts)))]
    made: Parts = replace(other.parts.in_colours(mark.parts.palette[order]), texture=None)
    return Mark(made.pixels(), made.ground())


def _box(mark: Mark) -> tuple[int, int, int, int]:
    """Left, top, width, height of the ink in px; of all where everything is."""
    import cv2

    height, width = mark.pixels.shape[:2]
    left, top, across, down = cv2.boundingRect(mark.parts.cover()) if len(mark.parts) else (0,) * 4
    return (left, top, across, down) if across else (0, 0, width, height)

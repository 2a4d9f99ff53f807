"""A mark cut out of its picture, flat, at the size at which it is needed. h, w: px of a stamp."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Mark
from likemark.augment.parts import LUMA, Plane, as_bytes, page
from likemark.augment.pixels import WHITE, Colour, Pixels

_INKED = 60  # of 255: cover from which on a px belongs to a mark's box
_DISC = 8  # px: the largest radius at which gaps are filled px by px
_PALEST = 0.35  # of one ink: the least where a mark has any ink of its own
_ALIKE = 20  # levels of lightness between inks that stay alike in one ink
_MILD = 0.6  # a scale from which on px that are passed over do no harm
_FEW = 2000  # px that tell how light a mark's inks are


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A mark's ink in its picture's px, trimmed to the ink's box."""

    ink: Pixels  # (h, w, 3): its colours, multiplied by its cover
    cover: Plane  # (h, w)
    tone: Plane  # (h, w): its cover with one ink: less where its own is nearer to the ground's
    ground: Colour  # what it stands on

    @property
    def half(self) -> tuple[float, float]:
        """Half its width and height, the longer of them 1: the units of poses and warps."""
        height, width = self.cover.shape
        longer = max(height, width)
        return width / longer, height / longer


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """A cut at the scene's scale."""

    ink: Pixels  # (h, w, 3)
    cover: Plane  # (h, w)
    tone: Plane  # (h, w)
    mask: Plane  # (h, w): the cover, its gaps closed
    ground: Colour


def cut_out(mark: Mark) -> Cut:
    """All that is not ground; the whole picture where everything is."""
    import cv2

    everything = np.full(mark.pixels.shape[:2], 255, np.uint8)
    cover = mark.parts.cover() if len(mark.parts) else everything
    left, top, width, height = cv2.boundingRect(as_bytes(cover > _INKED))
    box = np.s_[top : top + height, left : left + width] if width else np.s_[:, :]
    pixels, cover = np.ascontiguousarray(mark.pixels[box]), np.ascontiguousarray(cover[box])
    ink = _without_ground(pixels, cover, mark.ground)
    return Cut(ink, cover, _tone(ink, cover, mark.ground), mark.ground)


def cut_word(plane: Plane) -> Cut:
    """A word's letters, black. plane: (h, w), 255 where it is"""
    return Cut(np.zeros((*plane.shape, 3), np.uint8), plane, plane, WHITE)


def stamped(cut: Cut, side: int, *, close: float) -> Stamp:
    """With a longer side of `side` px. close: of it, gaps in the mask that are filled"""
    import cv2

    scale = side / max(cut.cover.shape)
    size = tuple(max(1, round(each * scale)) for each in cut.cover.shape[::-1])
    way = cv2.INTER_AREA if scale < _MILD else cv2.INTER_LINEAR
    fit = partial(cv2.resize, dsize=size, interpolation=way)
    ink, cover, tone = (as_bytes(fit(each)) for each in (cut.ink, cut.cover, cut.tone))
    return Stamp(ink, cover, tone, closed(cover, round(close * side / 2)), cut.ground)


def closed(cover: Plane, radius: int) -> Plane:
    """(h, w): with gaps narrower than twice the radius in px filled, and never less than it was."""
    import cv2

    if radius < 1:
        return cover
    # Wide gaps are filled at a coarser scale: their edges are nobody's ink.
    scale = min(1.0, _DISC / radius)
    reach = max(1, round(radius * scale))
    small = cv2.resize(cover, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    room = cv2.copyMakeBorder(small, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    filled = cv2.morphologyEx(room, cv2.MORPH_CLOSE, disc)[reach:-reach, reach:-reach]
    whole = cv2.resize(filled, cover.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return as_bytes(cv2.max(cover, whole))


def _without_ground(pixels: Pixels, cover: Plane, ground: Colour) -> Pixels:
    """(h, w, 3): what the ink alone adds to a px; a mixed px is cover x ink + the rest x ground."""
    import cv2

    clear = cv2.merge([cv2.bitwise_not(cover)] * 3)
    behind = cv2.multiply(page(cover.shape, ground), clear, scale=1 / 255)
    ink = cv2.subtract(pixels, behind)
    return as_bytes(cv2.min(ink, cv2.merge([cover] * 3)))


def _tone(ink: Pixels, cover: Plane, ground: Colour) -> Plane:
    """(h, w): so that parts that differ in lightness still do in one ink."""
    import cv2

    grey = cv2.cvtColor(ink, cv2.COLOR_RGB2GRAY)
    light = as_bytes(cv2.divide(grey, cover, scale=255))
    away = as_bytes(cv2.absdiff(light, np.full_like(light, round(float(np.dot(ground, LUMA))))))
    low, high = _ends(away[cover > 200])
    if high - low < _ALIKE:
        return cover
    share = np.clip((away - np.float32(low)) / np.float32(high - low), 0, 1)
    tone: Plane = (cover * (_PALEST + (1 - _PALEST) * share)).astype(np.uint8)
    return tone


def _ends(levels: NDArray[np.uint8]) -> tuple[float, float]:
    """The lowest and highest, stray px left out."""
    if not len(levels):
        return 0.0, 0.0
    low, high = np.percentile(levels[:: 1 + len(levels) // _FEW], (3, 97))
    return float(low), float(high)

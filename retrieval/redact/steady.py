"""Covered px kept while nothing changes: the noise of a static shot must not flicker in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.redact.paint import Patch, painted
from likemark.retrieval.redact.regions import Mask, Pixels, Region
from likemark.retrieval.redact.shapes import area, shared, window_of
from likemark.retrieval.redact.style import Style

_SMOOTH = 5  # px over which noise is averaged
_CHANGED = 6.0  # levels that what is around has changed by
_PART = 98.0  # percent of the values around that must not have changed


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    region: Region  # as it was when it was covered
    patch: Patch  # what covered it
    around: NDArray[np.float32]  # (h, w, 3): the smoothed px of the window then


class Painter:
    """Covers the marks of a film's frames."""

    def __init__(self, style: Style) -> None:
        self._style = style
        # A picture put in place stays as it is: what grows beside it is not a part of another one.
        plain = replace(style, way="fill", picture=None, cover=style.covers)
        self._growth = plain if style.way == "replace" else style
        self._kept: dict[int, _Kept] = {}

    def paint(self, pixels: Pixels, marks: Mapping[int, Region]) -> Mask | None:
        """Cover marks in place.

        pixels: (H, W, 3) RGB, changed
        marks: the regions by their track's number; one at rest is the very same object
        result: (H, W), 255 where px are covered; None where none are
        """
        covered = np.zeros(pixels.shape[:2], np.uint8)
        self._kept = {number: kept for number, kept in self._kept.items() if number in marks}
        before = pixels.copy() if len(marks) > 1 else pixels
        for number in sorted(marks):
            patch = self._patch(before, number, marks[number])
            if patch is not None:
                patch.lay(pixels)
                np.maximum(covered[patch.window], patch.mask, out=covered[patch.window])
        return covered if covered.any() else None

    def _patch(self, pixels: Pixels, number: int, region: Region) -> Patch | None:
        kept = self._kept.get(number)
        still = kept if kept is not None and _same(kept, pixels) else None
        if still is not None and still.region is region:
            return still.patch
        grows = still is not None and _holds(region, still.region)
        patch = painted(pixels, region, self._growth if grows else self._style)
        if patch is not None and still is not None and grows:
            patch = _laid_over(patch, still.patch, pixels)
        if patch is not None:
            self._kept[number] = _Kept(region, patch, _smooth(pixels[patch.window]))
        return patch


def _holds(region: Region, other: Region) -> bool:
    """Whether a region has only grown: of one that has moved, something lies outside."""
    ours, theirs = window_of(region), window_of(other)
    return shared(ours, theirs) == area(theirs)


def _laid_over(more: Patch, patch: Patch, pixels: Pixels) -> Patch:
    """What covers either, the second one's px where it covers: these are on the screen already."""
    rows, columns = zip(more.window, patch.window, strict=True)
    top, bottom = min(each.start for each in rows), max(each.stop for each in rows)
    left, right = min(each.start for each in columns), max(each.stop for each in columns)
    whole = pixels[top:bottom, left:right].copy()
    covered = np.zeros(whole.shape[:2], np.uint8)
    for each in (more, patch):
        moved = replace(each, left=each.left - left, top=each.top - top)
        moved.lay(whole)
        np.maximum(covered[moved.window], each.mask, out=covered[moved.window])
    return Patch(left, top, whole, covered)


def _same(kept: _Kept, pixels: Pixels) -> bool:
    """Whether the px around a covered mark are as they were, but for noise."""
    ours = _smooth(pixels[kept.patch.window])
    if ours.shape != kept.around.shape:
        return False
    off = np.abs(ours - kept.around)[kept.patch.mask == 0].ravel()
    return len(off) == 0 or float(np.percentile(off, _PART)) <= _CHANGED


def _smooth(pixels: Pixels) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.blur(pixels.astype(np.float32), (_SMOOTH, _SMOOTH)), np.float32)

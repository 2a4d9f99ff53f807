"""Where a mark was found, as what finds marks hands it over.

H, W: px of the whole picture, upright; h, w: px of the region's window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]  # 0 where nothing is
Corners = NDArray[np.float64]  # (4, 2): x and y in px, from the upper left one, clockwise


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One mark in a picture."""

    left: int  # px from the picture's left edge to the window's; may be negative
    top: int  # px from the picture's upper edge; may be negative
    mask: Mask  # (h, w) of the window, 255 where the mark is, else 0
    corners: Corners  # of the rotated box round the mark, px of the picture
    score: float = 1.0  # how sure it is, 0 to 1

    def __post_init__(self) -> None:
        if self.mask.ndim != 2 or self.mask.dtype != np.uint8 or not self.mask.any():
            raise InvalidInput(
                f"a region's mask of {self.mask.dtype} and shape {self.mask.shape} must be uint8 "
                "and (h, w), and not all zero"
            )
        if self.corners.shape != (4, 2) or not np.isfinite(self.corners).all():
            raise InvalidInput(f"a region's corners are {self.corners.tolist()}: name four points")

    @property
    def size(self) -> float:
        """The side, px, of the square as large as the rotated box."""
        sides = np.linalg.norm(self.corners[[1, 2]] - self.corners[[0, 1]], axis=1)
        return float(max(np.sqrt(sides[0] * sides[1]), 1.0))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in px of the upright box, the last two outside of it."""
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        return (
            self.left + int(columns[0]),
            self.top + int(rows[0]),
            self.left + int(columns[-1]) + 1,
            self.top + int(rows[-1]) + 1,
        )


class Locator(Protocol):
    """What finds the marks of one picture or frame."""

    def __call__(self, frame: Pixels, /) -> Sequence[Region]:
        """frame: (H, W, 3) RGB, upright."""
        ...


def region_of_mask(mask: Mask, *, left: int = 0, top: int = 0, score: float = 1.0) -> Region:
    """A region from a (H, W) mask of the whole picture, or of what lies from left and top on.

    Raises InvalidInput where it is all 0.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        raise InvalidInput("a region's mask is all zero: leave the region out")
    window = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inked = np.where(window > 0, np.uint8(255), np.uint8(0))
    left, top = left + int(columns[0]), top + int(rows[0])
    return Region(left, top, inked, box_round(inked, left, top), score)


def region_of_polygon(*parts: NDArray[np.floating], score: float = 1.0) -> Region:
    """A region from the (n, 2) x and y in px of a polygon's corners, three or more.

    parts: one for each part of a mark that has several
    """
    import cv2

    outlines = [np.rint(np.asarray(points, np.float64)).astype(np.int32) for points in parts]
    for outline in outlines:
        if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3:
            raise InvalidInput(f"a polygon of shape {outline.shape} must have 3 points or more")
    every = np.concatenate(outlines)
    left, top = every.min(axis=0).tolist()
    width, height = (every.max(axis=0) - (left, top) + 1).tolist()
    mask = np.zeros((height, width), np.uint8)
    for outline in outlines:
        cv2.fillPoly(mask, [outline - np.array([left, top], np.int32)], (255,))
    alone = len(parts) == 1 and len(parts[0]) == 4
    corners = np.asarray(parts[0], np.float64) if alone else box_round(mask, left, top)
    return Region(left, top, mask, corners, score)


def region_of_box(x: int, y: int, width: int, height: int, *, score: float = 1.0) -> Region:
    """A region from an upright box in px."""
    if width < 1 or height < 1:
        raise InvalidInput(f"a box of {width} x {height} px is empty: both must be 1 or more")
    mask = np.full((height, width), 255, np.uint8)
    right, bottom = x + width, y + height
    corners = np.array([[x, y], [right, y], [right, bottom], [x, bottom]], np.float64)
    return Region(x, y, mask, corners, score)


def box_round(mask: Mask, left: int, top: int) -> Corners:
    """The smallest rotated box round a window's mask, its first corner the upper left one."""
    import cv2

    outline = hull_of(mask)
    # A px is as wide as 1: its outer edges lie half of one off its centre.
    spread = [
        outline + np.array(step) for step in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    ]
    around = np.concatenate(spread).astype(np.float32)
    corners = np.asarray(cv2.boxPoints(cv2.minAreaRect(around)), np.float64)
    placed: Corners = _upright(corners) + np.array([left + 0.5, top + 0.5])
    return placed


def hull_of(mask: Mask) -> NDArray[np.int32]:
    """(n, 2): the x and y of the px at the corners of a mask's convex hull."""
    import cv2

    inked = mask > 0
    rows = np.flatnonzero(inked.any(axis=1))
    # The first and the last px of each row: all others lie between them.
    first = inked[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - inked[rows, ::-1].argmax(axis=1)
    ends = np.stack([np.concatenate([first, last]), np.concatenate([rows, rows])], axis=1)
    return np.asarray(cv2.convexHull(ends.astype(np.int32)), np.int32).reshape(-1, 2)


def _upright(corners: Corners) -> Corners:
    """Clockwise, from the corner that makes the first side point most nearly to the right."""
    centre = corners.mean(axis=0)
    angles = np.arctan2(*(corners - centre).T[::-1])
    clockwise = corners[np.argsort(angles)]
    sides = np.roll(clockwise, -1, axis=0) - clockwise
    first = int(np.argmax(sides[:, 0] / np.linalg.norm(sides, axis=1)))
    return np.roll(clockwise, -first, axis=0)

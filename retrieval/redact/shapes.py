"""Regions moved, joined and compared.

A matrix is (3, 3) float64 and takes the x, y of px centres in one frame to those in another.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.redact.regions import Corners, Mask, Region, box_round

Matrix = NDArray[np.float64]
Window = tuple[int, int, Mask]  # px from the left and from the top, and what lies there

# Of a px that a moved mask covers in part: rather too much than too little.
_COVERED = 64


def moved(region: Region, matrix: Matrix) -> Region:
    """A region as a similarity, or any affine matrix, takes it; the same one where it is at rest.

    A region too small to be seen after it keeps one px.
    """
    import cv2

    if np.array_equal(matrix, np.eye(3)):
        return region
    height, width = region.mask.shape
    left, top, right, bottom = region.left, region.top, region.left + width, region.top + height
    ends = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    outline = carried(ends - 0.5, matrix) + 0.5
    first = np.floor(outline.min(axis=0)).astype(int) - 1
    size = np.ceil(outline.max(axis=0)).astype(int) + 1 - first
    inner = shift(*-first) @ matrix @ shift(left, top)
    mask = np.asarray(cv2.warpAffine(region.mask, inner[:2], size.tolist()))
    within = np.where(mask >= _COVERED, np.uint8(255), np.uint8(0))
    if not within.any():
        within[within.shape[0] // 2, within.shape[1] // 2] = 255
    corners = carried(region.corners - 0.5, matrix) + 0.5
    return Region(int(first[0]), int(first[1]), within, corners, region.score)


def carried(points: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """(n, 2) points through a matrix."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def shift(x: float, y: float) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def joined(one: Region, other: Region) -> Region:
    """What either covers; the box's corners are in the order of the first one's."""
    left, top = min(one.left, other.left), min(one.top, other.top)
    size = [
        max(r.top + r.mask.shape[0] for r in (one, other)) - top,
        max(r.left + r.mask.shape[1] for r in (one, other)) - left,
    ]
    mask = np.zeros(size, np.uint8)
    for region in (one, other):
        y, x = region.top - top, region.left - left
        part = mask[y : y + region.mask.shape[0], x : x + region.mask.shape[1]]
        np.maximum(part, region.mask, out=part)
    whole = Region(left, top, mask, box_round(mask, left, top), max(one.score, other.score))
    return turned_like(whole, one)


def turned_like(region: Region, other: Region) -> Region:
    """Its corners begin where the other's do, lest a picture put in place turns over."""
    ours = region.corners - region.corners.mean(axis=0)
    theirs = other.corners - other.corners.mean(axis=0)
    orders: list[Corners] = [np.roll(ours, -step, axis=0) for step in range(4)]
    best = int(np.argmin([np.square(order - theirs).sum() for order in orders]))
    return replace(region, corners=np.roll(region.corners, -best, axis=0))


def window_of(region: Region) -> Window:
    return region.left, region.top, region.mask


def shared(one: Window, other: Window) -> int:
    """Px that two masks have in common."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    parts = [
        mask[max(top - y, 0) : max(end[1] - y, 0), max(left - x, 0) : max(end[0] - x, 0)]
        for end in [_end(one, other)]
        for x, y, mask in (one, other)
    ]
    return int(np.count_nonzero(parts[0] & parts[1])) if parts[0].size and parts[1].size else 0


def _end(one: Window, other: Window) -> tuple[int, int]:
    return (
        min(x + mask.shape[1] for x, _, mask in (one, other)),
        min(y + mask.shape[0] for _, y, mask in (one, other)),
    )


def area(window: Window) -> int:
    return int(np.count_nonzero(window[2]))


def outside(region: Region, shape: tuple[int, ...]) -> bool:
    """Whether nothing of it lies in a picture of (H, W)."""
    left, top, right, bottom = region.box
    return right <= 0 or bottom <= 0 or left >= shape[1] or top >= shape[0]

"""Masks to places: what hangs together in a mask, with what is known of how sure it is.

h, w: places of a level's mask, `STRIDE` px each; H, W: px of the scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.oneshot.network import PEAK, STRIDE
from likemark.retrieval.redact.regions import Region, region_of_mask

Logits = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom, px
_LEAST = 3  # places of a mask, fewer than which are no mark
# Logits from which a place is in the mask, those whose masks are right most often first.
_LEVELS = (-1.0, 0.0, -2.0)
_FAR = 4.0  # logits beyond which an edge would no longer move
_ROUND = 2  # places round a mask that are looked at
_MOST = 6  # places of a level that are looked at, the surest
_JOINED = 2  # places: gaps within one mark, at most half of it
_ALIKE = 0.8  # IoU of boxes from which one of them is enough to look at
SAME = 0.5  # IoU of boxes from which two places are one
_INSIDE = 0.8  # share of a box inside a surer one, from which it is a part of that


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """What hangs together in the mask of one level."""

    region: Region  # px of the scene
    top: int  # places of the level above it
    left: int
    cells: NDArray[np.bool_]  # (tall, wide): which places of its window are its own
    side: float  # px of the level: the side of a square as large as its box

    def read(self, logits: Logits) -> tuple[float, float]:
        """The mean logit of its surest places, and of all. logits: (h, w) of the same level"""
        tall, wide = self.cells.shape
        window = logits[self.top : self.top + tall, self.left : self.left + wide]
        values = np.sort(window[self.cells])[::-1]
        return float(values[:PEAK].mean()), float(values.mean())


def spots(logits: Logits, scene: tuple[int, int]) -> list[Spot]:
    """Where the logits are above a level, for some levels, the surest first: a mask is often right
    but for its size, which the likeness of its crop decides on.

    logits: (h, w) of a level; scene: H, W
    """
    found: list[Spot] = []
    for least in _LEVELS:
        for spot in _spots(logits, scene, least):
            if not any(is_like(spot.region, other.region) for other in found):
                found.append(spot)
    return found


def _spots(logits: Logits, scene: tuple[int, int], least: float) -> list[Spot]:
    import cv2

    inked = (logits > least).astype(np.uint8)
    near = cv2.dilate(inked, np.ones((_JOINED + 1,) * 2, np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    found = []
    for label in range(1, count):
        x, y, wide, tall, _ = (int(n) for n in boxes[label])
        window = np.s_[y : y + tall, x : x + wide]
        cells = (labels[window] == label) & (inked[window] > 0)
        if cells.sum() >= _LEAST:
            held = np.sort(logits[window][cells])[::-1]
            found.append((float(held[:PEAK].mean()), y, x, cells))
    found.sort(key=lambda each: -each[0])
    surest = found[:_MOST]
    made = (_spot(logits - least, y, x, cells, scene) for _, y, x, cells in surest)
    return [spot for spot in made if spot is not None]


def _spot(
    logits: Logits, top: int, left: int, cells: NDArray[np.bool_], scene: tuple[int, int]
) -> Spot | None:
    """None where less than a px of the scene is left of it.

    logits: (h, w), 0 at the mask's edge; cells: (tall, wide), its own, at top and left
    """
    import cv2

    down, across = scene[0] / logits.shape[0], scene[1] / logits.shape[1]
    # Places right beside its own keep their logits: the edge lies where these cross zero.
    near = cv2.dilate(np.pad(cells, _ROUND).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rows, columns = (
        np.arange(start - _ROUND, start - _ROUND + length).clip(0, end - 1)
        for start, length, end in zip((top, left), near.shape, logits.shape, strict=True)
    )
    values = np.where(near, logits[np.ix_(rows, columns)], -_FAR).clip(-_FAR, _FAR)
    size = round(near.shape[1] * across), round(near.shape[0] * down)
    if min(size) < 1:
        return None
    fine = cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    y, x = round((top - _ROUND) * down), round((left - _ROUND) * across)
    mask = np.where(fine > 0, np.uint8(255), np.uint8(0))
    mask = mask[max(0, -y) : scene[0] - y, max(0, -x) : scene[1] - x]
    if not mask.any():
        return None
    region = region_of_mask(mask, left=max(0, x), top=max(0, y))
    tall, wide = region.mask.shape
    return Spot(region, top, left, cells, (tall / down * wide / across) ** 0.5 * STRIDE)


def is_like(one: Region, other: Region) -> bool:
    """Whether two places are all but the same."""
    return iou(one.box, other.box) >= _ALIKE


def suppressed(regions: Sequence[Region]) -> list[int]:
    """The places, best first, of those that no better one has: non-maximum suppression by boxes."""
    order = np.argsort([-region.score for region in regions], kind="stable").tolist()
    kept: list[int] = []
    for number in order:
        if not any(is_same(regions[number].box, regions[other].box) for other in kept):
            kept.append(number)
    return kept


def is_same(one: Box, better: Box) -> bool:
    """Whether a place is one that a better one has found."""
    return iou(one, better) >= SAME or shared(one, better) / area(one) >= _INSIDE


def iou(one: Box, other: Box) -> float:
    both = shared(one, other)
    return both / (area(one) + area(other) - both)


def area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def shared(one: Box, other: Box) -> int:
    """px that lie in both."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, across) * max(0, down)

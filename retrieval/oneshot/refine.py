"""A found place moved to where its crop is most like the query: a mask is often right but for its
size or a part that it lacks, and the whole mark is more like the query than any part of it.

H, W: px of the scene; D: dimensions of the retrieval model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.redact.regions import Corners, Region

Rect = tuple[float, float, float, float]  # left, top, right, bottom, px
Rows = NDArray[np.float32]

# Of a box's sides: by how much it is moved and scaled, first coarsely, then finely.
_STEPS = (0.3, 0.12)
_LEAST = 8.0  # px: a side of a box that is tried
_GAIN = 0.01  # cosine by which a moved box must be better than where it was found


def refined(
    region: Region,
    likeness: float,
    scene: tuple[int, int],
    embed: Callable[[Sequence[Rect]], Rows],
    wanted: NDArray[np.float32],
) -> Region:
    """The region, stretched with its mask to the best box found; as it was where none is better.

    likeness: cosine of its crop with the query; scene: H, W; wanted: (D,), of length 1
    embed: the (n, D) rows of n boxes' crops
    """
    start: Rect = tuple(float(side) for side in region.box)  # type: ignore[assignment]
    best, most = start, likeness
    for step in _STEPS:
        boxes = [box for box in around(best, step, scene) if box != best]
        if not boxes:
            break
        cosines = embed(boxes) @ wanted
        number = int(np.argmax(cosines))
        if float(cosines[number]) > most:
            best, most = boxes[number], float(cosines[number])
    return stretched(region, best) if most > likeness + _GAIN else region


def around(box: Rect, step: float, scene: tuple[int, int]) -> list[Rect]:
    """A box moved, larger, smaller, wider and taller, cut off at the scene's edges.

    step: share of its sides; scene: H, W
    """
    left, top, right, bottom = box
    x, y = step * (right - left), step * (bottom - top)
    moves = [
        (-x, -y, x, y), (x / 2, y / 2, -x / 2, -y / 2), (-2 * x, -2 * y, 2 * x, 2 * y),
        (-x, 0, x, 0), (0, -y, 0, y), (-x, 0, 0, 0), (0, 0, x, 0), (0, -y, 0, 0), (0, 0, 0, y),
    ]  # fmt: skip
    found = [
        (
            max(0.0, left + a), max(0.0, top + b),
            min(float(scene[1]), right + c), min(float(scene[0]), bottom + d),
        )
        for a, b, c, d in moves
    ]  # fmt: skip
    return [each for each in found if min(each[2] - each[0], each[3] - each[1]) >= _LEAST]


def stretched(region: Region, box: Rect) -> Region:
    """The region with its mask and its rotated box fitted into another upright box."""
    import cv2

    old = region.box
    left, top = round(box[0]), round(box[1])
    width, height = max(1, round(box[2]) - left), max(1, round(box[3]) - top)
    mask = cv2.resize(region.mask, (width, height), interpolation=cv2.INTER_NEAREST)
    if not mask.any():
        return region
    scale = np.array([width / (old[2] - old[0]), height / (old[3] - old[1])])
    corners: Corners = (region.corners - old[:2]) * scale + (left, top)
    return replace(region, left=left, top=top, mask=np.asarray(mask, np.uint8), corners=corners)

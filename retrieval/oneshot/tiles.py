"""Scenes of any size, cut into views that the network sees one at a time.

Levels go from the whole scene, small, to the scene almost as it is, in tiles that overlap: a mark
that fills the scene is seen at the first, one of 16 px at the last. All sides are multiples of a
step, of patches and of the mask's stride. px without another word are the level's; H, W: px of the
scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Tile = tuple[int, int, int, int]  # left, top, width, height
WHOLE = 336  # px: the longer side of the whole scene at the first level
TILE = 476  # px: the longest side of a view
OVERLAP = 56  # px: what neighbouring tiles share, at the least
GROWTH = 3.0  # from one level to the next, at most
FINEST = 0.875  # of the scene's own px: the last level


@dataclass(frozen=True, slots=True)
class Level:
    """The scene at one size."""

    width: int
    height: int
    step: int  # px

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1 or self.width % self.step or self.height % self.step:
            raise ValueError(f"{self}: sides must be multiples of {self.step} px")

    def tiles(self) -> Iterator[Tile]:
        """That cover the level."""
        for top, tall in _spans(self.height, self.step):
            for left, wide in _spans(self.width, self.step):
                yield left, top, wide, tall


def levels(width: int, height: int, *, step: int) -> list[Level]:
    """Of a scene of that size in px, the smallest first."""
    longer = max(width, height)
    last = max(FINEST * longer, min(longer, TILE))
    sides = [float(WHOLE)]
    while sides[-1] * 1.2 < last:
        # Steps of equal ratio, as few as there can be.
        left = int(np.ceil(np.log(last / sides[-1]) / np.log(GROWTH) - 1e-9))
        sides.append(sides[-1] * (last / sides[-1]) ** (1 / left))
    return [
        Level(_side(width * s / longer, step), _side(height * s / longer, step), step)
        for s in sides
    ]


def view(scene: Pixels, level: Level, tile: Tile) -> Pixels:
    """(tall, wide, 3): what of the scene a tile of the level shows."""
    import cv2

    left, top, wide, tall = tile
    across, down = scene.shape[1] / level.width, scene.shape[0] / level.height
    x, right = int(left * across), min(scene.shape[1], int(np.ceil((left + wide) * across)))
    y, bottom = int(top * down), min(scene.shape[0], int(np.ceil((top + tall) * down)))
    part = scene[y : max(bottom, y + 1), x : max(right, x + 1)]
    way = cv2.INTER_AREA if across > 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (wide, tall), interpolation=way), np.uint8)


def _side(length: float, step: int) -> int:
    return max(4, round(length / step)) * step


def _spans(length: int, step: int) -> list[tuple[int, int]]:
    """Starts and lengths of tiles along a side, all equally long."""
    most = TILE // step * step
    if length <= most:
        return [(0, length)]
    count = int(np.ceil((length - OVERLAP) / (most - OVERLAP)))
    side = int(np.ceil((length + (count - 1) * OVERLAP) / count / step)) * step
    starts = np.linspace(0, length - side, count) / 4
    return [(int(start) * 4, side) for start in starts]

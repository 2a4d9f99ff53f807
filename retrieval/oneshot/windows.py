"""The largest windows of a scene, whose crops are embedded whatever the masks say.

A mark that fills much of a scene shows little of itself in each place that the network sees, and
its mask fails where the crop is plainly like the query: among the windows of 16 px and more that a
sliding window would need, the largest few dozen find what the masks miss, at the price of a few
crops for each scene. H, W: px of the scene; h, w: places of a level's mask.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.oneshot.network import STRIDE
from likemark.retrieval.oneshot.regions import SAME, Box, Logits, Spot, area, iou, shared
from likemark.retrieval.redact.regions import Region

_SHRINK = 0.62  # of a window's side, from one size to the next
_SIZES = 2  # sizes, of the scene's shorter side
_ASPECTS = (1.0, 2.0)  # width over height; squares are near enough to what is tall
_MOST = 48  # windows
# A window with so much of a surer place inside, to which that is so small, is what lies round it.
_HELD, _SMALL = 0.5, 0.15


def windows(width: int, height: int, *, sizes: int = _SIZES, most: int = _MOST) -> list[Box]:
    """The whole scene, then squares and oblongs half overlapping, the largest first.

    Of a panorama, which has room for more than `most` of them, an even choice.
    """
    found: list[tuple[float, float, float, float]] = []
    for number in range(sizes):
        side = min(width, height) * _SHRINK**number
        for aspect in _ASPECTS:
            found += grid(width, height, side * aspect**0.5, side / aspect**0.5)
    if len(found) >= most:
        found = [found[int(place)] for place in np.linspace(0, len(found) - 1, most - 1)]
    whole: Box = (0, 0, width, height)
    cut = [(round(x), round(y), round(x + wide), round(y + tall)) for x, y, wide, tall in found]
    # In a scene of a px or two some have no side left.
    return list(dict.fromkeys([whole, *(box for box in cut if area(box) > 0)]))


def spot_of(box: Box, scene: tuple[int, int], logits: Logits) -> Spot:
    """The window as a place whose mask is all of it. scene: H, W; logits: (h, w) of a level"""
    left, top, right, bottom = box
    tall, wide = logits.shape
    across, down = wide / scene[1], tall / scene[0]
    x, y = min(int(left * across), wide - 1), min(int(top * down), tall - 1)
    cells = np.ones(
        (
            max(1, min(round(bottom * down), tall) - y),
            max(1, min(round(right * across), wide) - x),
        ),
        np.bool_,
    )
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)
    mask = np.full((bottom - top, right - left), 255, np.uint8)
    side = ((right - left) * across * (bottom - top) * down) ** 0.5 * STRIDE
    return Spot(Region(left, top, mask, corners), y, x, cells, side)


def likest(boxes: list[Box], likeness: NDArray[np.float32], most: int) -> list[Box]:
    """Those of the highest cosine, (n,), no two of them much the same."""
    kept: list[Box] = []
    for number in np.argsort(-likeness, kind="stable").tolist():
        if len(kept) == most:
            break
        if not any(iou(boxes[number], other) >= SAME for other in kept):
            kept.append(boxes[number])
    return kept


def is_round(window: Box, place: Box) -> bool:
    """Whether the window is rather what lies round a place that is surer."""
    own = area(place)
    return shared(window, place) >= _HELD * own and own <= _SMALL * area(window)


def grid(
    width: int, height: int, wide: float, tall: float
) -> Iterator[tuple[float, float, float, float]]:
    """Left, top, width and height of windows of one size that cover a scene, half overlapping.

    None where the scene is smaller.
    """
    if wide > width or tall > height:
        return
    for y in _starts(height, tall):
        for x in _starts(width, wide):
            yield x, y, wide, tall


def _starts(length: int, side: float) -> list[float]:
    """From one end to the other, half a side apart or a little less."""
    count = 1 + int(np.ceil((length - side) / (side / 2) - 1e-9))
    starts: list[float] = np.linspace(0, length - side, max(1, count)).tolist()
    return starts

"""The segments of a mark: its parts of ink, which of them lies in which, and how their edges mix.

The ground is set apart first, then connected regions of like colour are found, small ones merged
and their nesting read off. n: segments; H, W: px; C: the picture's channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.augment.crisp import sharpen
from likemark.augment.matte import Matte, take_apart
from likemark.augment.pixels import TOLERANCE, Colour, Pixels, ground_of, peak, to_pixels, to_planes
from likemark.augment.regions import Labels, like_regions, means

# Share of the picture's area below which a region is noise.
MIN_SHARE = 0.002
_SMALLEST = 3  # px


@dataclass(frozen=True, slots=True)
class Segments:
    """Entry k - 1 of the per-segment arrays is the segment of label k, from 1 to n."""

    labels: Labels  # (H, W) int32: 0 is the ground, wherever it shows; the largest segment is 1
    parents: NDArray[np.int32]  # (n,): the smallest segment around it, 0 for none
    boxes: NDArray[np.int32]  # (n, 4): left, top, right, bottom in px, the last two exclusive
    areas: NDArray[np.int64]  # (n,): px
    colours: NDArray[np.uint8]  # (n, 3): mean RGB
    ground: NDArray[np.float32]  # (C,): plane values of what the mark stands on
    matte: Matte  # the picture without its anti-aliasing, and the mixing

    def __post_init__(self) -> None:
        sizes = {len(part) for part in (self.parents, self.boxes, self.areas, self.colours)}
        if sizes != {int(self.labels.max())}:
            raise ValueError(f"{int(self.labels.max())} labels need as many rows, not {sizes}")

    def __len__(self) -> int:
        return len(self.areas)

    @property
    def ink(self) -> int:
        """Px that are not ground."""
        return int(self.areas.sum())

    def mask(self, labels: tuple[int, ...]) -> NDArray[np.bool_]:
        """(H, W): the px of these segments."""
        chosen = np.zeros(len(self) + 1, np.bool_)
        chosen[[*labels]] = True
        under: NDArray[np.bool_] = chosen[self.labels]
        return under

    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of all ink; of the whole picture where there is none."""
        if not len(self):
            height, width = self.labels.shape
            return 0, 0, width, height
        left, top = self.boxes[:, :2].min(axis=0).tolist()
        right, bottom = self.boxes[:, 2:].max(axis=0).tolist()
        return left, top, right, bottom

    def colour(self, label: int) -> Colour:
        red, green, blue = self.colours[label - 1].tolist()
        return red, green, blue


def find_segments(pixels: Pixels, *, min_share: float = MIN_SHARE) -> Segments:
    """Take a mark apart; a picture of one colour has no segments.

    min_share: of the picture's area; smaller regions merge with the neighbour of the closest
        colour, or with the ground where they stand alone
    """
    if not 0 <= min_share < 1:
        raise ValueError(f"min_share {min_share} must be from 0 to below 1")
    planes = to_planes(pixels)
    ground = ground_of(planes)
    crisp = sharpen(planes)
    inked = peak(np.abs(crisp - ground)) > TOLERANCE
    labels = like_regions(crisp, inked, smallest=max(_SMALLEST, round(min_share * inked.size)))
    boxes = _boxes(labels)
    return Segments(
        labels=labels,
        parents=_parents(labels, boxes),
        boxes=boxes,
        areas=np.bincount(labels.ravel())[1:].astype(np.int64),
        colours=to_pixels(means(crisp, labels)[None].astype(np.float32))[0, 1:, :3],
        ground=ground,
        matte=take_apart(planes, crisp, labels),
    )


def _boxes(labels: Labels) -> NDArray[np.int32]:
    rows, columns = np.nonzero(labels)
    owner = labels[rows, columns] - 1
    boxes = np.zeros((int(labels.max()), 4), np.int32)
    boxes[:, :2] = max(labels.shape)
    for place, line in ((0, columns), (1, rows)):
        np.minimum.at(boxes[:, place], owner, line.astype(np.int32))
        np.maximum.at(boxes[:, place + 2], owner, line.astype(np.int32) + 1)
    return boxes


def _parents(labels: Labels, boxes: NDArray[np.int32]) -> NDArray[np.int32]:
    """A segment lies in another when that one's filled outline holds all of it."""
    parents = np.zeros(len(boxes), np.int32)
    for outer in range(len(boxes)):  # the largest first: a smaller one that also holds it wins
        held = (boxes[:, :2] >= boxes[outer, :2]) & (boxes[:, 2:] <= boxes[outer, 2:])
        within = np.flatnonzero(held.all(axis=1))
        within = within[within != outer]
        if len(within):
            parents[within[_enclosed(labels, boxes[outer], outer + 1, within + 1)]] = outer + 1
    return parents


def _enclosed(
    labels: Labels, box: NDArray[np.int32], outer: int, candidates: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(candidates,): whether each lies inside the outline of the segment in that box."""
    import cv2

    left, top, right, bottom = box.tolist()
    part = labels[top:bottom, left:right]
    own = (part == outer).astype(np.uint8)
    outlines, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(own)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    total = np.bincount(part.ravel(), minlength=int(candidates.max()) + 1)
    held = np.bincount(part[filled > 0], minlength=len(total))
    inside: NDArray[np.bool_] = held[candidates] == total[candidates]
    return inside

"""Covered px of photos against the marks' true boxes. H, W: px of a photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likemark.benchmarks.locate.found import Rect
from likemark.retrieval.redact.regions import Mask

HALF = 0.5  # share of a box from which it counts as covered


@dataclass(frozen=True, slots=True)
class Covering:
    """Of one photo, or added up over several."""

    hit: int = 0  # px that are covered, in a box
    wanted: int = 0  # px in a box
    covered: int = 0  # px that are covered
    boxes: int = 0
    half: int = 0  # boxes of which half or more is covered

    def __add__(self, other: Covering) -> Covering:
        return Covering(
            self.hit + other.hit,
            self.wanted + other.wanted,
            self.covered + other.covered,
            self.boxes + other.boxes,
            self.half + other.half,
        )

    @property
    def recall(self) -> float:
        return self.hit / self.wanted if self.wanted else 1.0

    @property
    def precision(self) -> float:
        return self.hit / self.covered if self.covered else 1.0

    @property
    def boxes_covered(self) -> float:
        return self.half / self.boxes if self.boxes else 1.0


def covering(mask: Mask, boxes: Sequence[Rect]) -> Covering:
    """mask: (H, W), 0 where nothing is covered; boxes: of one brand; outside parts do not count"""
    truth, half = np.zeros(mask.shape, np.bool_), 0
    for part in windows(boxes):
        truth[part] = True
        half += bool(mask[part].size and (mask[part] > 0).mean() >= HALF)
    return Covering(
        hit=int(np.count_nonzero(truth & (mask > 0))),
        wanted=int(np.count_nonzero(truth)),
        covered=int(np.count_nonzero(mask)),
        boxes=len(boxes),
        half=half,
    )


def windows(boxes: Sequence[Rect]) -> list[tuple[slice, slice]]:
    """Of a photo's rows and columns."""
    return [
        (
            slice(max(round(top), 0), max(round(top + height), 0)),
            slice(max(round(left), 0), max(round(left + width), 0)),
        )
        for left, top, width, height in boxes
    ]

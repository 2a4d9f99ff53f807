"""What all rivals need: pictures in grey, what was made of the last ones, and the best boxes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.found import Found, Rect, overlap
from likemark.retrieval.pictures.normalise import flatten

Made = TypeVar("Made")
Grey = NDArray[np.uint8]  # (H, W)
MOST = 10  # places that an answer has
_SHARED = 0.3  # IoU from which two places are one
_CANDIDATES = 200  # of which the best are taken


class Kept(Generic[Made]):
    """What was made of the last pictures: many queries are asked in one scene, and again later."""

    def __init__(self, make: Callable[[Pixels], Made], *, most: int = 1) -> None:
        """most: pictures whose results are kept"""
        self._make, self._most = make, most
        self._held: OrderedDict[int, tuple[Pixels, Made]] = OrderedDict()

    def of(self, pixels: Pixels) -> Made:
        # By the array itself, which is held: its id cannot become another's.
        if id(pixels) not in self._held:
            self._held[id(pixels)] = pixels, self._make(pixels)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return self._held[id(pixels)][1]


def to_grey(pixels: Pixels) -> Grey:
    """(H, W): a transparent picture on the ground that keeps its ink visible.

    pixels: (H, W, 3 or 4)
    """
    import cv2

    return np.asarray(cv2.cvtColor(flatten(pixels), cv2.COLOR_RGB2GRAY), np.uint8)


def best_places(boxes: Sequence[Rect], scores: Sequence[float], *, most: int = MOST) -> list[Found]:
    """Best first, without those that overlap a better one; equal scores in the order given."""
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")[:_CANDIDATES]
    kept: list[Found] = []
    for number in order:
        held = np.array([found.box for found in kept], np.float64).reshape(-1, 4)
        if (overlap(boxes[number], held) < _SHARED).all():
            kept.append(Found(boxes[number], float(scores[number])))
        if len(kept) == most:
            break
    return kept


def clipped(box: Rect, width: int, height: int) -> Rect | None:
    """The part of a box that is in the scene, or None."""
    left, top = max(0.0, box[0]), max(0.0, box[1])
    right, bottom = min(float(width), box[0] + box[2]), min(float(height), box[1] + box[3])
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def recipe_hash(*recipe: object) -> str:
    """64 hexadecimal digits of a method and its settings."""
    return hashlib.sha256(repr(recipe).encode()).hexdigest()

"""Sliding windows: every window of a scene embedded, and compared with the query's vector.

Squares and oblongs at several sizes, half overlapping, in the order of their size as far as the
budget goes; then the best few are moved and resized a little. Small marks have no window of
their size: at that price there cannot be one. D: the encoder's dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likemark.benchmarks.encoders import Encoder, Pixels, Rows
from likemark.benchmarks.locate.found import Found, Rect
from likemark.benchmarks.locate.rivals.shared import Kept, best_places, clipped, recipe_hash
from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.windows import grid

_QUERIES = 64  # whose vectors are kept
_LEAST = 16.0  # px, side of the smallest window


@dataclass(frozen=True, slots=True)
class SlidingRecipe:
    budget: int = 800  # windows a megapixel, 40 at the least: 160 at 0.2 megapixels
    shrink: float = 0.62  # of a window's side, from one size to the next
    aspects: tuple[float, ...] = (1.0, 2.0, 0.6)  # width over height
    refined: int = 2  # places that are looked at more closely, 20 windows a query
    moves: tuple[float, ...] = (0.2,)  # of a window's side, in each round

    def __post_init__(self) -> None:
        if self.budget < 1 or not 0 < self.shrink < 1 or not self.aspects or self.refined < 0:
            raise InvalidInput(f"{self}: give a budget and aspects, and shrink between 0 and 1")


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """n windows of a scene."""

    boxes: list[Rect]
    rows: Rows  # (n, D)


class SlidingLocator:
    """See `Locator`."""

    def __init__(self, encoder: Encoder, recipe: SlidingRecipe | None = None) -> None:
        self.encoder, self.recipe = encoder, recipe or SlidingRecipe()
        self._scene = Kept(self._windows)
        self._query = Kept(lambda pixels: self._rows([pixels])[0], most=_QUERIES)

    @property
    def name(self) -> str:
        return f"Sliding windows, {self.encoder.name}"

    @property
    def fingerprint(self) -> str:
        return recipe_hash("sliding windows 1", self.recipe, _LEAST, self.encoder.fingerprint)

    def locate(self, query: Pixels, scene: Pixels) -> Sequence[Found]:
        """See `Locator.locate`; the score is a cosine."""
        wanted, there = self._query.of(query), self._scene.of(scene)
        boxes, scores = list(there.boxes), (there.rows @ wanted).tolist()
        height, width = scene.shape[:2]
        for move in self.recipe.moves if self.recipe.refined else ():
            best = best_places(boxes, scores, most=self.recipe.refined)
            near = [box for found in best for box in around(found.box, move, width, height)]
            boxes += near
            scores += (self._rows(cuts(scene, near)) @ wanted).tolist()
        return best_places(boxes, scores)

    def _windows(self, scene: Pixels) -> Windows:
        height, width = scene.shape[:2]
        boxes = windows(width, height, self.recipe)
        return Windows(boxes, self._rows(cuts(scene, boxes)))

    def _rows(self, pictures: Sequence[Pixels]) -> Rows:
        if not pictures:
            return np.empty((0, self.encoder.dimension), np.float32)
        return np.stack(list(self.encoder.encode(pictures)))


def windows(width: int, height: int, recipe: SlidingRecipe) -> list[Rect]:
    """The largest first, the whole scene before all, as many as the budget allows."""
    most = max(40, round(recipe.budget * width * height / 1e6))
    boxes: list[Rect] = [(0, 0, width, height)]
    side = float(min(width, height))
    while side >= _LEAST and len(boxes) < most:
        for aspect in recipe.aspects:
            boxes += grid(width, height, side * aspect**0.5, side / aspect**0.5)
        side *= recipe.shrink
    # Of the size at which the budget ends, windows from all over the scene.
    last = len(boxes) - most
    return boxes if last <= 0 else _thinned(boxes, most)


def around(box: Rect, move: float, width: int, height: int) -> list[Rect]:
    """A box moved by a share of its sides, larger and smaller, wider and taller."""
    left, top, wide, tall = box
    moved: list[Rect] = [
        (left + x * move * wide, top + y * move * tall, wide, tall)
        for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1))
    ]
    for x, y in ((-1, -1), (1, 1), (-1, 0), (0, -1), (1, 0), (0, 1)):
        more, higher = x * move * wide, y * move * tall
        moved.append((left - more / 2, top - higher / 2, wide + more, tall + higher))
    parts = (clipped(each, width, height) for each in moved)
    return [part for part in parts if part is not None and min(part[2:]) >= _LEAST / 2]


def cuts(scene: Pixels, boxes: Sequence[Rect]) -> list[Pixels]:
    """Each box's px, one at the least. scene: (H, W, 3)"""
    return [
        scene[int(top) : max(int(top) + 1, round(top + tall)),
              int(left) : max(int(left) + 1, round(left + wide))]
        for left, top, wide, tall in boxes
    ]  # fmt: skip


def _thinned(boxes: list[Rect], most: int) -> list[Rect]:
    """All but those of the last size, and of those an even choice, or none if it were of few."""
    smallest = min(wide * tall for _, _, wide, tall in boxes) * (1 + 1e-6)
    larger = [box for box in boxes if box[2] * box[3] > smallest]
    rest = [box for box in boxes if box[2] * box[3] <= smallest]
    room = most - len(larger)
    if room < len(rest) / 4:
        return larger[:most]
    return larger + [rest[int(place)] for place in np.linspace(0, len(rest) - 1, room)]

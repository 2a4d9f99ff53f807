"""Scenes made here, whose masks are known: marks that no training has seen, in photos of one's own.

Each scene holds one mark of the benchmark's share, as `likemark.augment.scenes` puts marks into
photos. It is asked with another drawing of the mark (the same one, where the mark has no other),
and with one of another mark. The mask is the visible ink of all copies, and what it encloses.
Q: drawings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import SceneRecipe
from likemark.augment.scenes.scene import make_scene
from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.asks import Ask, Asked, Query, Scene
from likemark.benchmarks.locate.found import Mask, Rect
from likemark.db.errors import InvalidInput

SIDE = 256  # px of a scene
SEEN = 128  # of 255: coverage from which on a px is the mark's
_TRIES = 5  # of a scene in which nothing of its mark is left to see


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    pixels: Pixels  # (SIDE, SIDE, 3)
    mask: Mask  # (SIDE, SIDE)
    boxes: tuple[Rect, ...]  # of each copy's visible px


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticTasks:
    """See `Tasks`."""

    asked: Asked
    data: str
    made: tuple[Made, ...]
    drawings: Sequence[Pixels]  # Q

    @classmethod
    def make(
        cls,
        drawings: Sequence[Pixels],
        groups: NDArray[np.integer],
        photos: Sequence[Pixels],
        *,
        count: int,
        seed: int = 0,
        recipe: SceneRecipe | None = None,
    ) -> Self:
        """The same scenes for the same seed.

        drawings: Q, (h, w, 3) each; groups: (Q,), equal for drawings of one mark, of two marks or
        more; photos: (H, W, 3) each, one or more; count: scenes
        """
        if len(drawings) != len(groups) or len(np.unique(groups)) < 2 or not len(photos):
            raise InvalidInput("scenes need drawings of two marks or more, and a photo")
        rng = np.random.default_rng(seed)
        made, scenes, asks = [], [], []
        for number in range(count):
            placed, query, wrong = _drawn(rng, groups)
            one = _made(drawings[placed], photos, rng, recipe or SceneRecipe())
            if one is None:
                continue
            made.append(one)
            brand = str(groups[placed])
            scenes.append(Scene(f"scene {number}", SIDE, SIDE, brand, one.boxes))
            asks += [Ask(len(scenes) - 1, query), Ask(len(scenes) - 1, wrong)]
        queries = tuple(Query(f"drawing {i}", "drawing", str(g)) for i, g in enumerate(groups))
        asked = Asked(tuple(scenes), queries, tuple(asks))
        return cls(asked, _hash(made, drawings, asked), tuple(made), drawings)

    def scene_pixels(self, scene: int) -> Pixels:
        return self.made[scene].pixels

    def query_pixels(self, query: int) -> Pixels:
        return self.drawings[query]

    def truth(self, scene: int) -> Mask | None:
        return self.made[scene].mask


def _drawn(rng: np.random.Generator, groups: NDArray[np.integer]) -> tuple[int, int, int]:
    """(drawing in the scene, drawing to ask with, drawing of another mark)."""
    placed = int(rng.integers(len(groups)))
    own = np.flatnonzero(groups == groups[placed])
    others = own[own != placed]
    query = int(rng.choice(others)) if len(others) else placed
    return placed, query, int(rng.choice(np.flatnonzero(groups != groups[placed])))


def _made(
    drawing: Pixels, photos: Sequence[Pixels], rng: np.random.Generator, recipe: SceneRecipe
) -> Made | None:
    """None where nothing of the mark is seen in any try."""
    mark = Mark.of(np.ascontiguousarray(drawing))
    for _ in range(_TRIES):
        photo = photos[int(rng.integers(len(photos)))]
        scene = make_scene(photo, [mark], rng, recipe, size=(SIDE, SIDE))
        boxes = tuple(
            _box(placed.mask >= SEEN) for placed in scene.placed if (placed.mask >= SEEN).any()
        )
        if boxes:
            return Made(scene.pixels, scene.place_of(0) >= SEEN, boxes)
    return None


def _box(mask: Mask) -> Rect:
    down, across = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top = float(across[0]), float(down[0])
    return left, top, float(across[-1] + 1 - left), float(down[-1] + 1 - top)


def _hash(made: Sequence[Made], drawings: Sequence[Pixels], asked: Asked) -> str:
    whole = hashlib.sha256(repr(asked.asks).encode())
    for pixels in (*(each.pixels for each in made), *(each.mask for each in made), *drawings):
        whole.update(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes())
    return whole.hexdigest()

"""A mark as somebody finds it in a photo: put into one as a camera sees it, and cut out again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from likemark.augment.marks import Mark
from likemark.augment.pixels import Pixels
from likemark.augment.scenes.recipe import SCENE_RECIPES, Content
from likemark.augment.scenes.scene import Placed, make_scene

_LEAST = 0.16  # of a scene's side: the smallest mark
_ROUND = (0.02, 0.8)  # of the mark's longer side: what is shown round it; log-uniform between
_UNEVEN = (0.3, 1.0)  # of that, on each side
_SEEN = 0.5  # share of a mark that is shown, at least

Sides = tuple[int, int, int, int]


def snapshot(photo: Pixels, mark: Mark, rng: np.random.Generator, *, side: int) -> Pixels | None:
    """(h, w, 3), of `side` px each way at most: a window round the mark; None where little of it
    is to be seen.

    photo: (h, w, 3); side: px of the scene that the window is cut out of, 32 or more
    Raises ValueError for less.
    """
    recipe = SCENE_RECIPES["default"]
    words = recipe.content.words
    pose = replace(recipe.pose, least=max(recipe.pose.least, round(_LEAST * side)))
    recipe = replace(recipe, content=Content(words=words), pose=pose)
    made = make_scene(photo, [mark], rng, recipe, size=(side, side))
    placed = next((each for each in made.placed if each.visible >= _SEEN), None)
    sides = None if placed is None else box_of(placed)
    if sides is None:
        return None
    top, bottom, left, right = sides
    longer = max(bottom - top, right - left)
    wide = longer * float(np.exp(rng.uniform(*np.log(_ROUND))))
    more = np.rint(wide * rng.uniform(*_UNEVEN, 4)).astype(int).tolist()
    rows = np.s_[max(0, top - more[0]) : bottom + more[1]]
    return np.ascontiguousarray(made.pixels[rows, max(0, left - more[2]) : right + more[3]])


def box_of(placed: Placed) -> Sides | None:
    """Top, bottom, left and right, px, of what is to be seen of it; None where nothing is."""
    rows, columns = (np.flatnonzero((placed.mask > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1

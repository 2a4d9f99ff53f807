"""Views of a mark for training: what a recipe draws, applied from its parts to the file."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from likemark.augment.marks import Job, Mark, Sheet
from likemark.augment.operations import OPERATIONS, Operation
from likemark.augment.paper import fitted
from likemark.augment.parts import Parts
from likemark.augment.pixels import Pixels
from likemark.augment.recipe import RECIPES, Recipe

__all__ = ["OPERATIONS", "RECIPES", "Mark", "Recipe", "draw_plan", "make_view", "render"]

GROUPS = ("segments", "redraw", "appearance", "geometry", "scene", "capture")
_MARGIN = 12  # px: a view has less ground than that around it
_SEEN = 14  # levels of standard deviation: a view of less is empty


def make_view(
    mark: Mark, recipe: Recipe, rng: np.random.Generator, *, other: Mark | None = None,
    photo: Pixels | None = None,
) -> Pixels:  # fmt: skip
    """(h, w, 3) uint8, no side longer than `recipe.side`: a random view of a mark.

    The same mark, recipe, other mark, photo and state of `rng` give the same view.

    other: another mark, to exchange a segment with and to stand beside; None: neither happens
    photo: (h, w, 3), to lie in; None: that does not happen
    """
    plan = draw_plan(recipe, rng, with_other=other is not None, with_photo=photo is not None)
    return render(mark, plan, recipe, rng, other=other, photo=photo)


def draw_plan(
    recipe: Recipe, rng: np.random.Generator, *, with_other: bool = True, with_photo: bool = False
) -> tuple[str, ...]:
    """Names of operations, in the order in which they are applied."""
    draws = rng.random(len(OPERATIONS) + 1)
    if draws[-1] < recipe.untouched:
        return ()
    drawn = {
        name: OPERATIONS[name]
        for name, chance, draw in zip(OPERATIONS, _chances(recipe), draws, strict=False)
        if draw < chance
        and (with_other or not OPERATIONS[name].needs_other)
        and (with_photo or not OPERATIONS[name].needs_photo)
    }
    groups = [GROUPS[place] for place in rng.permutation(len(GROUPS))]
    filled = [group for group in groups if any(o.group == group for o in drawn.values())]
    kept = filled[: recipe.most_groups]
    inks = [name for name in drawn if drawn[name].group == "appearance"]
    spare = {inks[place] for place in rng.permutation(len(inks))[recipe.appearance.most :]}
    return tuple(name for name in drawn if drawn[name].group in kept and name not in spare)


@lru_cache(maxsize=64)
def _chances(recipe: Recipe) -> tuple[float, ...]:
    return tuple(operation.chance(recipe) for operation in OPERATIONS.values())


def render(
    mark: Mark,
    plan: tuple[str, ...],
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    other: Mark | None = None,
    photo: Pixels | None = None,
) -> Pixels:
    """(h, w, 3) uint8: the mark after the operations of these names, in `OPERATIONS`' order."""
    job = Job(recipe, rng, other, photo, size=max(mark.pixels.shape[:2]))
    chosen = [OPERATIONS[name] for name in OPERATIONS if name in plan]
    capture = [operation for operation in chosen if operation.group == "capture"]
    before = [operation for operation in chosen if operation.group != "capture"]
    sheet = _through(_from_parts(mark, chosen, job).trimmed(_MARGIN // 2), before, job)
    sheet = sheet.trimmed(int(rng.integers(1, _MARGIN)))
    return fitted(_through(sheet, capture, job).pixels, recipe.side)


def _through(sheet: Sheet, ways: list[Operation], job: Job) -> Sheet:
    """After these operations, without those that leave nothing to be seen."""
    for operation in ways:
        if operation.sheet is not None:
            changed = operation.sheet(sheet, job)
            sheet = changed if _shows(changed) or not _shows(sheet) else sheet
    return sheet


def _from_parts(mark: Mark, chosen: list[Operation], job: Job) -> Sheet:
    """The mark's own px where no operation asks for its parts."""
    ways = [operation.parts for operation in chosen if operation.parts is not None]
    if not ways or not len(mark.parts):
        return Sheet(mark.pixels, mark.ground)
    parts = mark.parts
    for way in ways:
        parts = way(parts, job)
    sheet = Sheet(parts.pixels(), parts.ground(), even=_even(mark, parts))
    return sheet if _shows(sheet) else Sheet(mark.pixels, mark.ground)


def _shows(sheet: Sheet) -> bool:
    """Whether there is anything to be seen."""
    import cv2

    height, width = sheet.pixels.shape[:2]
    few = max(1, width // 4), max(1, height // 4)  # enough to tell
    some = cv2.resize(sheet.pixels, few, interpolation=cv2.INTER_NEAREST)
    _, deviation = cv2.meanStdDev(some)
    return bool(np.asarray(deviation).max() >= _SEEN)


def _even(mark: Mark, parts: Parts) -> bool:
    """Whether the ground is of one colour, as far as the corners tell."""
    if parts.texture is None or parts.texture is mark.parts.texture:
        return True
    corners = parts.texture[[0, 0, -1, -1], [0, -1, 0, -1]]
    return bool(np.abs(corners).max() < 8)

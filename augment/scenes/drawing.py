"""One mark, or one word, put into a scene. H, W: px of the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likemark.augment.scenes.applying import Kind, Spot, applied, draw_kind
from likemark.augment.scenes.canvas import Canvas, Laid
from likemark.augment.scenes.layers import Plate, draw_plate
from likemark.augment.scenes.poses import Half, Lie, draw_lie, draw_size, find_place
from likemark.augment.scenes.recipe import SceneRecipe
from likemark.augment.scenes.stamps import Cut, Stamp, stamped
from likemark.augment.scenes.warps import Warp, corners, sides

_SHADOW = 0.2  # units: room for a plate's shadow
_FINEST = 2.5  # times a mark's own px: further it is not scaled up before it is warped


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """What is to be put somewhere."""

    cut: Cut
    mark: int | None  # None: a word, which is no mark
    kind: Kind
    lie: Lie
    size: float  # px, wished
    plate: Plate | None  # of a sign

    @property
    def outline(self) -> Half:
        """Half extents of all that changes."""
        margin = self.plate.margin + _SHADOW if self.plate else 0.0
        return self.cut.half[0] + margin, self.cut.half[1] + margin


def draw_item(
    rng: np.random.Generator, cut: Cut, mark: int, recipe: SceneRecipe, shorter: int
) -> Item:
    """shorter: px of the scene's shorter side"""
    lie = draw_lie(rng, recipe.pose, cut.half)
    kind = draw_kind(rng, recipe.finish)
    size = draw_size(rng, recipe.pose, lie, shorter)
    plate = None
    if kind == "sign":
        margin = 2 * float(rng.uniform(*recipe.finish.margin))
        own = bool(rng.random() >= recipe.finish.plate)
        plate = draw_plate(rng, cut.ground, margin, own=own)
    return Item(cut, mark, kind, lie, size, plate)


def draw_word(rng: np.random.Generator, cut: Cut, recipe: SceneRecipe, shorter: int) -> Item:
    lie = draw_lie(rng, recipe.pose, cut.half)
    height = float(rng.uniform(*recipe.content.letters)) * shorter
    return Item(cut, None, "printed", lie, height * max(cut.half) / min(cut.half), None)


def put(canvas: Canvas, item: Item, rng: np.random.Generator, recipe: SceneRecipe) -> bool:
    """Whether there was room for it."""
    pose = recipe.pose
    warp = find_place(
        rng, item.lie, item.size, canvas.size, canvas.taken, outline=item.outline,
        least=min(pose.least, item.size),
        outside=float(rng.uniform(*pose.outside)) if rng.random() < pose.cut else 0.0,
        overlap=bool(rng.random() < recipe.occlusion.overlap),
    )  # fmt: skip
    if warp is not None:
        canvas.taken.append(canvas.inside(warp.window(item.outline)))
        _lay(canvas, item, warp, rng, recipe)
    return warp is not None


def _lay(
    canvas: Canvas, item: Item, warp: Warp, rng: np.random.Generator, recipe: SceneRecipe
) -> None:
    flat = corners(item.cut.half)
    size = max(sides(warp.unfolded(flat)))
    window = warp.window(item.outline)
    box = canvas.inside(window)
    part = np.s_[box[1] : box[3], box[0] : box[2]]
    spot = Spot(canvas.pixels[part].copy(), warp, item.cut.half, window, box)
    made = applied(_stamp(item, size, recipe), item.kind, item.plate, spot, rng, recipe)
    canvas.cover(box, made.alpha)
    canvas.pixels[part] = made.pixels
    if item.mark is not None:
        mask = np.zeros(canvas.size, np.uint8)
        mask[part] = made.mask
        quad = warp.forward(flat, item.outline)
        canvas.laid.append(Laid(item.mark, mask, made.whole, quad, size))


def _stamp(item: Item, size: float, recipe: SceneRecipe) -> Stamp:
    finest = _FINEST * max(item.cut.cover.shape)
    return stamped(item.cut, max(2, round(min(size, finest))), close=recipe.close)

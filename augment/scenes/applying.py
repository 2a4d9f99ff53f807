"""A stamp applied to where it lies, in a way in which it is seen there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from likemark.augment.parts import LUMA, Plane
from likemark.augment.pixels import BLACK, WHITE, Colour, Pixels
from likemark.augment.scenes import blend
from likemark.augment.scenes.layers import (
    Layer,
    Plate,
    Way,
    in_one_ink,
    in_own_inks,
    ink_for,
    on_plate,
)
from likemark.augment.scenes.recipe import Finish, Light, SceneRecipe
from likemark.augment.scenes.stamps import Stamp
from likemark.augment.scenes.warps import Box, Levels, Warp

Kind = Literal["painted", "printed", "sign", "embossed"]

_DARK_GROUND = 110  # levels of lightness below which print is lighter than its ground
_CALM = 22  # levels of deviation up to which embossing is seen
_FINE = 24  # px: embossed marks have no shorter side
_EMBOSSED = 18  # levels by which that must differ
_FAR = 0.035  # of a window's longer side: how far a plate's shadow is off


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """Where a stamp lies. h, w: px of its window; what is outside of the scene is cut off."""

    under: Pixels  # (h, w, 3): what is there
    warp: Warp
    half: tuple[float, float]  # of the mark
    window: Box  # that the layer may touch
    box: Box  # the part of it that is in the scene

    def cut(self, plane: Levels) -> Levels:
        """What is in the scene of a plane of the whole window."""
        left, top = self.box[0] - self.window[0], self.box[1] - self.window[1]
        height, width = self.under.shape[:2]
        return np.ascontiguousarray(plane[top : top + height, left : left + width])


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    pixels: Pixels  # (h, w, 3)
    alpha: Levels  # (h, w): 0 to 255, where something was painted
    mask: Plane  # (h, w)
    whole: float  # the sum of the mask, also outside of the scene


def draw_kind(rng: np.random.Generator, finish: Finish) -> Kind:
    drawn = float(rng.random())
    kinds: tuple[Kind, ...] = ("printed", "sign", "embossed")
    for kind, chance in zip(kinds, (finish.printed, finish.sign, finish.embossed), strict=True):
        if drawn < chance:
            return kind
        drawn -= chance
    return "painted"


def applied(
    stamp: Stamp,
    kind: Kind,
    plate: Plate | None,
    spot: Spot,
    rng: np.random.Generator,
    recipe: SceneRecipe,
) -> Applied:
    """By its kind where that is seen, else in a plain ink."""
    angle = float(rng.uniform(0, 2 * np.pi))
    sun = np.cos(angle), np.sin(angle)
    tone = float(rng.uniform(*recipe.finish.depth)) * float(rng.choice((-1, 1)))
    found = None
    for layer, levels in _attempts(stamp, kind, plate, spot, rng, recipe.finish):
        paint, mask, light = blend.projected(layer, spot.warp, spot.half, spot.window)
        paint, whole = spot.cut(paint), float(mask.sum(dtype=np.float64))
        under = spot.under
        if layer.way == "over":
            under, paint = _in_light(spot, layer, paint, light, rng, recipe.light)
        over = blend.blended(under, paint, layer.way, tone=tone, sun=sun)
        found = Applied(over, paint[..., 3], blend.rounded_off(spot.cut(mask)), whole)
        if not levels or blend.is_seen(spot.under, over, found.alpha, levels):
            break
    assert found is not None  # there is always one attempt
    return found


def _attempts(
    stamp: Stamp,
    kind: Kind,
    plate: Plate | None,
    spot: Spot,
    rng: np.random.Generator,
    finish: Finish,
) -> Iterator[tuple[Layer, int]]:
    """Layers from the wished one to the plainest, and the levels by which each must differ."""
    import cv2

    red, green, blue = (round(level) for level in cv2.mean(spot.under)[:3])
    ground: Colour = red, green, blue
    if plate is not None:
        own = plate.colour == stamp.ground and rng.random() >= finish.one_ink
        yield on_plate(stamp, plate, None if own else ink_for(rng, plate.colour)), 0
        return
    strength = float(rng.uniform(*finish.strength))
    light = float(np.dot(ground, LUMA))
    dark = light < _DARK_GROUND
    large = min(stamp.cover.shape) >= _FINE
    if kind == "embossed" and large and blend.unrest(spot.under) < _CALM:
        yield in_one_ink(stamp, BLACK, 1.0, "emboss"), _EMBOSSED
    if kind == "printed":
        way: Way = "screen" if dark else "multiply"
        yield in_one_ink(stamp, ink_for(rng, ground), strength, way), finish.seen
    if kind == "painted" and rng.random() >= finish.one_ink:
        yield in_own_inks(stamp), finish.seen
    yield in_one_ink(stamp, ink_for(rng, ground), 1.0), finish.seen
    yield in_one_ink(stamp, WHITE if light < 128 else BLACK, 1.0), 0


def _in_light(
    spot: Spot,
    layer: Layer,
    paint: Levels,
    light: Levels | None,
    rng: np.random.Generator,
    chances: Light,
) -> tuple[Pixels, Levels]:
    """What is under it, in its shadow, and the paint in the light of the place."""
    under = spot.under
    if light is not None:
        paint = blend.shaded(paint, spot.cut(light))
    if rng.random() < chances.shade:
        paint = blend.shaded(paint, blend.local_light(under, float(rng.uniform(0.4, 0.9))))
    if layer.raised and rng.random() < chances.contact:
        far = _FAR * max(under.shape[:2])
        x, y = rng.uniform(-far, far, 2).tolist()
        under = blend.cast(under, paint[..., 3], (x, y), float(rng.uniform(0.3, 0.6)))
    return under, paint

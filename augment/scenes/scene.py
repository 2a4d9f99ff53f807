"""Marks put into a photo, as a camera sees them, and where each is. H, W: px of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Mark
from likemark.augment.parts import Plane, as_bytes, threefold
from likemark.augment.pixels import Pixels
from likemark.augment.scenes.canvas import Canvas, Laid
from likemark.augment.scenes.covers import draw_cover, surface
from likemark.augment.scenes.drawing import Item, draw_item, draw_word, put
from likemark.augment.scenes.lens import taken
from likemark.augment.scenes.light import lit
from likemark.augment.scenes.recipe import Occlusion, SceneRecipe
from likemark.augment.scenes.stamps import cut_out, cut_word
from likemark.augment.words import random_word

_WINDOW = (0.55, 1.0)  # of the largest window of a photo: how much of it a scene shows
_MILD = 1.6  # times the scene's size, up to which px that are passed over do no harm
_WORD = 40  # px: the height at which a word is drawn before it is scaled
_ROOM = 0.65  # of a scene's shorter side: the smallest mark must not need more
_FULL = 0.45  # of a scene: what several marks take up at most, as they are wished
_INKED = 128  # of 255: coverage from which a px is ink
_COVERS = 3  # tries, each half as wide as the one before


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """One copy of a mark in a scene."""

    mark: int  # which of the marks that were given
    mask: Plane  # (H, W): 0 to 255, how much of a px is visible mark
    quad: NDArray[np.float64]  # (4, 2): px, corners of its own box, its upper left one first
    visible: float  # share of its mask that nothing hides, and that is in the scene

    def __post_init__(self) -> None:
        if self.quad.shape != (4, 2) or not 0 <= self.visible <= 1:
            raise ValueError(
                f"a quad of {self.quad.shape} must be (4, 2), {self.visible} from 0 to 1"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    pixels: Pixels  # (H, W, 3)
    placed: tuple[Placed, ...]  # in the order in which they were laid

    def __post_init__(self) -> None:
        if any(each.mask.shape != self.pixels.shape[:2] for each in self.placed):
            raise ValueError(f"every mask must be of the scene's size {self.pixels.shape[:2]}")

    def mask_of(self, mark: int) -> Plane:
        """(H, W): all copies of one mark; empty where it is not in the scene."""
        whole = np.zeros(self.pixels.shape[:2], np.uint8)
        for each in self.placed:
            if each.mark == mark:
                np.maximum(whole, each.mask, out=whole)
        return whole

    def place_of(self, mark: int) -> Plane:
        """(H, W): as `mask_of`, with what each copy's ink encloses."""
        return enclosed(self.mask_of(mark))


def enclosed(mask: Plane) -> Plane:
    """(H, W), 0 to 255: a mask, with what its ink encloses."""
    import cv2

    ink = np.where(mask >= _INKED, np.uint8(255), np.uint8(0))
    outlines, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return as_bytes(cv2.drawContours(mask.copy(), outlines, -1, (255,), cv2.FILLED))


def make_scene(
    photo: NDArray[np.uint8],
    marks: Sequence[Mark],
    rng: np.random.Generator,
    recipe: SceneRecipe,
    *,
    size: tuple[int, int],
) -> Scene:
    """Every mark once or more in a window of the photo, none over another unless asked for.

    A mask is the mark's ink, not its plate, closed so that gaps below `recipe.close` of its longer
    side are filled, in its place before the lens blurs it. A copy for which there is no room is
    left out, the first one of a mark only where it does not even fit at its least size. The same
    arguments and state of `rng` give the same scene.

    photo: (h, w, 3) or (h, w), of any size
    marks: what is looked for, and what is not: other brands, look-alikes; none: an empty scene
    size: H, W
    Raises ValueError for a photo that is no picture, or a scene too small for the smallest mark.
    """
    _check(photo, size, recipe)
    canvas = Canvas(window(photo, size, rng))
    ground = canvas.pixels.copy()
    for item in _items(marks, rng, recipe, size):
        put(canvas, item, rng, recipe)
    for _ in range(_times(rng, recipe.content.words, recipe.content.most_words)):
        word = cut_word(random_word(rng, _WORD))
        put(canvas, draw_word(rng, word, recipe, min(size)), rng, recipe)
    _cover_some(canvas, ground, rng, recipe.occlusion)
    smallest = min((each.size for each in canvas.laid), default=float(min(size)))
    pixels = taken(lit(canvas.pixels, rng, recipe.light), rng, recipe.lens, smallest=smallest)
    return Scene(pixels, tuple(_placed(each) for each in canvas.laid))


def window(photo: NDArray[np.uint8], size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """(H, W, 3): a random part of a photo, in proportion, mirrored half of the time."""
    import cv2

    tall, wide = photo.shape[:2]
    scale = min(tall / size[0], wide / size[1]) * float(rng.uniform(*_WINDOW))
    height, width = (max(1, round(scale * side)) for side in size)
    y = int(rng.integers(0, tall - min(height, tall) + 1))
    x = int(rng.integers(0, wide - min(width, wide) + 1))
    part = photo[y : y + height, x : x + width][:, :: int(rng.choice((-1, 1)))]
    way = cv2.INTER_AREA if scale > _MILD else cv2.INTER_LINEAR
    pixels = as_bytes(cv2.resize(part, size[::-1], interpolation=way))
    return threefold(pixels) if pixels.ndim == 2 else pixels


def _check(photo: NDArray[np.uint8], size: tuple[int, int], recipe: SceneRecipe) -> None:
    colours = photo.shape[2:] in ((), (3,))
    if photo.dtype != np.uint8 or photo.ndim < 2 or not colours or 0 in photo.shape:
        raise ValueError(
            f"a photo of {photo.dtype} and shape {photo.shape} must be uint8, (h, w, 3) or (h, w)"
        )
    if min(size) * _ROOM < recipe.pose.least:
        raise ValueError(
            f"a scene of {size} has no room for a mark of {recipe.pose.least} px: "
            f"make it {recipe.pose.least / _ROOM:.0f} px or more, or pose.least smaller"
        )


def _items(
    marks: Sequence[Mark], rng: np.random.Generator, recipe: SceneRecipe, size: tuple[int, int]
) -> list[Item]:
    """First each mark once, then their copies: the largest first, and all so that they fit."""
    cuts = [cut_out(mark) for mark in marks]
    numbers = list(range(len(cuts)))
    for number in range(len(cuts)):
        most = recipe.content.most_copies - 1
        numbers += [number] * _times(rng, recipe.content.copy, most)
    items = [draw_item(rng, cuts[number], number, recipe, min(size)) for number in numbers]
    areas = [item.size**2 * item.outline[0] * item.outline[1] for item in items]
    crowd = 1.0 if len(items) < 2 else min(1.0, (_FULL * size[0] * size[1] / sum(areas)) ** 0.5)
    least = recipe.pose.least
    fitted = [replace(i, size=max(min(i.size, least), i.size * crowd)) for i in items]
    first, copies = fitted[: len(cuts)], fitted[len(cuts) :]
    return [i for part in (first, copies) for i in sorted(part, key=lambda i: -i.size)]


def _times(rng: np.random.Generator, chance: float, most: int) -> int:
    """How often in a row the chance is met."""
    times = 0
    while times < most and rng.random() < chance:
        times += 1
    return times


def _cover_some(
    canvas: Canvas, ground: Pixels, rng: np.random.Generator, occlusion: Occlusion
) -> None:
    """Lay something over some of the marks, so that enough of each stays visible."""
    for each in canvas.laid:
        if rng.random() >= occlusion.over:
            continue
        share = float(rng.uniform(*occlusion.covered))
        for _ in range(_COVERS):
            alpha = draw_cover(rng, each.quad, share, canvas.size)
            if canvas.left_by(alpha) >= occlusion.least:
                canvas.overlay(surface(rng, ground, canvas.size), alpha)
                break
            share /= 2


def _placed(laid: Laid) -> Placed:
    return Placed(laid.mark, laid.mask, laid.quad, laid.visible)

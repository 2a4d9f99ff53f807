"""A mark that views are made of, the picture on its way to one, and what every operation is given.

H, W: px of a mark with its margin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likemark.augment.parts import Parts, as_bytes, blended, distance_to, page
from likemark.augment.pixels import (
    BLACK,
    TOLERANCE,
    WHITE,
    Colour,
    Pixels,
    checked,
    ground_of,
    shown,
    to_planes,
)
from likemark.augment.quick import find_parts
from likemark.augment.recipe import Recipe
from likemark.augment.tables import Range

_ROOM = 0.06  # of the longer side: margin in which parts may grow and move
_CLEAR = 0.005  # share of the px that must be clear for the mark to stand on the page
_PALE = 170  # levels: clear pictures whose ink is lighter are laid on black


class Mark:
    """A picture and, from when they are first needed, its parts, which all its views share."""

    __slots__ = ("_parts", "ground", "pixels")

    def __init__(self, pixels: Pixels, ground: Colour) -> None:
        """pixels: (H, W, 3), with a margin of the ground's colour."""
        self.pixels, self.ground = pixels, ground
        self._parts: Parts | None = None

    @classmethod
    def of(cls, pixels: Pixels, *, ground: Colour | None = None) -> Mark:
        """From (h, w, 3 or 4) uint8, trimmed or not.

        ground: the colour that the mark stands on; None: as its edge tells, which may be wrong
            for a mark trimmed so closely that its edge is ink
        """
        if checked(pixels).shape[2] == 4:
            pixels, ground = _on_a_page(pixels, ground)
        if ground is None:
            ground = shown(ground_of(to_planes(pixels)))
        return cls(bordered(pixels, round(_ROOM * max(pixels.shape[:2])) + 2, ground), ground)

    @property
    def parts(self) -> Parts:
        if self._parts is None:
            self._parts = find_parts(self.pixels, ground=self.ground)
        return self._parts


@dataclass(frozen=True, slots=True)
class Sheet:
    """A view in the making."""

    pixels: Pixels  # (h, w, 3)
    ground: Colour  # what new canvas is filled with
    even: bool = True  # the ground is of one colour: if not, new canvas repeats what is at the edge

    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width, height in px of all that is not ground; else of the whole."""
        import cv2

        height, width = self.pixels.shape[:2]
        if not self.even:
            return 0, 0, width, height
        away = distance_to(self.pixels, self.ground)
        _, inked = cv2.threshold(away, TOLERANCE, 255, cv2.THRESH_BINARY)
        left, top, across, down = cv2.boundingRect(inked)
        return (left, top, across, down) if across else (0, 0, width, height)

    def trimmed(self, margin: int = 2) -> Sheet:
        """Without the ground around it, but for a margin in px where there is one."""
        left, top, width, height = self.box()
        right, bottom = left + width + margin, top + height + margin
        left, top = max(0, left - margin), max(0, top - margin)
        return Sheet(self.pixels[top:bottom, left:right], self.ground, self.even)

    def padded(self, left: int, top: int, right: int, bottom: int) -> Sheet:
        import cv2

        way = cv2.BORDER_CONSTANT if self.even else cv2.BORDER_REPLICATE
        grown = cv2.copyMakeBorder(self.pixels, top, bottom, left, right, way, value=self.ground)
        return Sheet(as_bytes(grown), self.ground, self.even)


@dataclass(frozen=True, slots=True)
class Job:
    """What an operation may ask for."""

    recipe: Recipe  # strengths
    rng: np.random.Generator  # all chance of a view
    other: Mark | None = None  # another mark, for operations that need one
    photo: Pixels | None = None  # (h, w, 3), for operations that need one
    size: int = 160  # px of the mark's longer side, before anything was done to it

    def within(self, bounds: Range) -> float:
        return float(self.rng.uniform(*bounds))

    def whole(self, bounds: Range) -> int:
        return round(self.within(bounds))

    def either(self, chance: float = 0.5) -> bool:
        return bool(self.rng.random() < chance)

    def sign(self) -> int:
        return 1 if self.either() else -1


def bordered(pixels: Pixels, margin: int, colour: Colour) -> Pixels:
    import cv2

    way = cv2.BORDER_CONSTANT
    grown = cv2.copyMakeBorder(pixels, margin, margin, margin, margin, way, value=colour)
    return as_bytes(grown)


def _on_a_page(pixels: Pixels, ground: Colour | None) -> tuple[Pixels, Colour | None]:
    """(H, W, 3), and its ground: a page that shows its ink; None where hardly any is clear."""
    import cv2

    alpha = np.ascontiguousarray(pixels[..., 3])
    colours = as_bytes(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB))
    if ground is None:
        light = cv2.mean(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), alpha)[0]
        ground = BLACK if light > _PALE else WHITE
    clear = np.count_nonzero(alpha < 128) > _CLEAR * alpha.size
    return blended(colours, page(alpha.shape, ground), alpha), ground if clear else None

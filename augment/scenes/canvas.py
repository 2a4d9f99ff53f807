"""A scene in the making: its px, and what has been laid on them. H, W: px of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from likemark.augment.parts import Plane, as_bytes, blended
from likemark.augment.pixels import Pixels
from likemark.augment.scenes.warps import Box, Levels, Points


@dataclass(slots=True, eq=False)
class Laid:
    mark: int  # which of those that were given
    mask: Plane  # (H, W): what is visible of it by now
    whole: float  # the sum of its mask with nothing over it, and with what is outside
    quad: Points  # (4, 2)
    size: float  # px: the longer side of its quad

    @property
    def visible(self) -> float:
        return min(1.0, float(self.mask.sum(dtype=np.int64)) / self.whole) if self.whole else 0.0


@dataclass(slots=True, eq=False)
class Canvas:
    pixels: Pixels  # (H, W, 3)
    taken: list[Box] = field(default_factory=list)  # windows in which something lies
    laid: list[Laid] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[0], self.pixels.shape[1]

    def inside(self, window: Box) -> Box:
        """The part of it that is in the scene."""
        height, width = self.size
        left, top, right, bottom = window
        return max(0, left), max(0, top), min(width, right), min(height, bottom)

    def cover(self, box: Box, alpha: Levels) -> None:
        """Take from the masks what something new hides. alpha: 0 to 255, of the box's px"""
        left, top, right, bottom = box
        clear = 1 - alpha / np.float32(255)
        for each in self.laid:
            part = each.mask[top:bottom, left:right]
            if part.any():
                part[:] = np.rint(part * clear)

    def left_by(self, alpha: Plane) -> float:
        """The least share of any mark in its way that would stay visible. alpha: (H, W)"""
        import cv2

        clear = cv2.bitwise_not(alpha)
        shares = [1.0]
        for each in self.laid:
            rest = cv2.multiply(each.mask, clear, scale=1 / 255)
            after = float(cv2.sumElems(rest)[0]) / max(1.0, each.whole)
            shares.append(after if after < each.visible - 1e-3 else 1.0)
        return min(shares)

    def overlay(self, surface: Pixels, alpha: Plane) -> None:
        """Lay a (H, W, 3) surface over everything, as far as alpha, (H, W), goes."""
        height, width = self.size
        self.pixels = blended(surface, self.pixels, alpha)
        self.cover((0, 0, width, height), as_bytes(alpha).astype(np.float32))

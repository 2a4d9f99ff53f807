"""Light and shade across a whole scene. H, W: px of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.fills import slope
from likemark.augment.parts import as_bytes, threefold
from likemark.augment.pixels import Pixels
from likemark.augment.scenes.recipe import Light

_CORNERS = (3, 6)  # of a shadow
_SOFT = (0.01, 0.15)  # of the longer side: how soft a shadow's edge is


def lit(pixels: Pixels, rng: np.random.Generator, light: Light) -> Pixels:
    """(H, W, 3): under the light that is drawn."""
    if rng.random() < light.gradient:
        pixels = _multiplied(pixels, _gradient(pixels.shape[:2], rng, light))
    if rng.random() < light.shadow:
        pixels = _multiplied(pixels, _shadow(pixels.shape[:2], rng, light))
    if rng.random() < light.highlight:
        pixels = _glared(pixels, rng, light)
    return pixels


def _multiplied(pixels: Pixels, share: NDArray[np.uint8]) -> Pixels:
    """share: (H, W), 255 for all of the light"""
    import cv2

    return as_bytes(cv2.multiply(pixels, threefold(share), scale=1 / 255))


def _gradient(size: tuple[int, ...], rng: np.random.Generator, light: Light) -> NDArray[np.uint8]:
    along = slope(size, float(rng.uniform(0, 2 * np.pi)))
    fall = np.float32(rng.uniform(*light.fall))
    return as_bytes(
        (255 * (1 - fall * (along / np.float32(2.83) + np.float32(0.5)))).astype(np.uint8)
    )


def _shadow(size: tuple[int, ...], rng: np.random.Generator, light: Light) -> NDArray[np.uint8]:
    import cv2

    height, width = size[:2]
    bright = 255 * (1 - float(rng.uniform(*light.dark)))
    corners = rng.uniform(-0.3, 1.3, (int(rng.integers(*_CORNERS)), 2)) * [width, height]
    share = np.full((height, width), 255, np.uint8)
    hull = cv2.convexHull(np.rint(corners).astype(np.int32))
    cv2.fillConvexPoly(share, hull, bright, cv2.LINE_AA)
    reach = 2 * round(float(rng.uniform(*_SOFT)) * max(size[:2])) + 1
    return as_bytes(cv2.blur(share, (reach, reach)))


def _glared(pixels: Pixels, rng: np.random.Generator, light: Light) -> Pixels:
    import cv2

    height, width = pixels.shape[:2]
    middle = tuple(np.rint(rng.uniform(0, 1, 2) * [width, height]).astype(int).tolist())
    axes = tuple(np.rint(rng.uniform(0.04, 0.25, 2) * max(height, width)).astype(int).tolist())
    glare = np.zeros((height, width), np.uint8)
    angle = float(rng.uniform(0, 180))
    cv2.ellipse(glare, middle, axes, angle, 0, 360, float(rng.uniform(*light.glare)), -1)
    reach = 2 * max(axes) + 1
    return as_bytes(cv2.add(pixels, threefold(as_bytes(cv2.blur(glare, (reach, reach))))))

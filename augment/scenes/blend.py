"""How a layer changes what it lies on. h, w: px of the window that it touches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.parts import Plane, as_bytes, highest
from likemark.augment.pixels import Pixels
from likemark.augment.scenes.layers import Layer, Way
from likemark.augment.scenes.warps import Box, Levels, Warp

_MOST = 0.7  # share of the ink that must be seen
_SOLID = 150  # of 255: alpha from which on ink counts
_BUSY = 0.5  # levels by which ink must differ more, for one of deviation in what it lies on
_EDGE = 0.9  # emboss: light on the edges that face it, against the tone of the middle


def projected(
    layer: Layer, warp: Warp, half: tuple[float, float], window: Box
) -> tuple[Levels, Levels, Levels | None]:
    """paint (h, w, 4) and mask (h, w), 0 to 255, and the surface's light (h, w)."""
    import cv2

    x, y, light = warp.backward(window)
    height, width = layer.mask.shape
    x = x * np.float32(layer.inked[0] / 2 / half[0]) + np.float32((width - 1) / 2)
    y = y * np.float32(layer.inked[1] / 2 / half[1]) + np.float32((height - 1) / 2)
    paint, mask = (
        np.asarray(cv2.remap(each, x, y, cv2.INTER_LINEAR), np.float32)
        for each in (layer.paint, layer.mask)
    )
    return paint, mask, light


def shaded(paint: Levels, light: Levels) -> Levels:
    """(h, w, 4): its colours lighter or darker."""
    import cv2

    same = np.ones_like(light)
    return np.asarray(cv2.multiply(paint, cv2.merge([light, light, light, same])), np.float32)


def blended(
    under: Pixels, paint: Levels, way: Way, *, tone: float, sun: tuple[float, float]
) -> Pixels:
    """(h, w, 3): with the paint on it.

    paint: (h, w, 4), colours multiplied by alpha; tone: emboss: -1 to 1, how much lighter it is;
    sun: emboss: the direction, in px across and down, in which light falls
    """
    below = under.astype(np.float32)
    share = paint[..., 3:] * np.float32(1 / 255)
    if way == "emboss":
        return rounded_off(below * (1 + _relief(paint[..., 3], tone, sun))[..., None])
    if way == "multiply":
        return rounded_off(below * (1 - share + paint[..., :3] * np.float32(1 / 255)))
    if way == "screen":
        return rounded_off(below + paint[..., :3] * (1 - below * np.float32(1 / 255)))
    return rounded_off(below * (1 - share) + paint[..., :3])


def is_seen(under: Pixels, over: Pixels, alpha: Levels, levels: int) -> bool:
    """Whether most of the ink differs by so many levels, or more on busy ground."""
    import cv2

    solid = as_bytes(alpha > min(_SOLID, 0.8 * float(alpha.max(initial=0))))
    area = cv2.countNonZero(solid)
    if not area:
        return False
    least = levels + _BUSY * unrest(under, solid)
    changed = as_bytes(highest(as_bytes(cv2.absdiff(under, over))) >= least)
    return cv2.countNonZero(cv2.bitwise_and(changed, solid)) >= _MOST * area


def unrest(under: Pixels, where: Plane | None = None) -> float:
    """Levels of deviation of what is there. where: (h, w), above 0; None: everywhere"""
    import cv2

    _, deviation = cv2.meanStdDev(under, mask=where)
    return float(np.mean(deviation))


def local_light(under: Pixels, strength: float) -> Levels:
    """(h, w): light and shade of the ground, about 1, without its texture."""
    import cv2

    grey = cv2.cvtColor(under, cv2.COLOR_RGB2GRAY)
    reach = max(3, round(0.25 * max(grey.shape)) | 1)
    soft = np.asarray(cv2.blur(grey, (reach, reach)), np.float32)
    ratio = (soft + 20) / (float(soft.mean()) + 20)
    return np.asarray(np.clip(1 + strength * (ratio - 1), 0.45, 1.4), np.float32)


def cast(under: Pixels, alpha: Levels, move: tuple[float, float], dark: float) -> Pixels:
    """(h, w, 3): under the shadow of what has this alpha. move: px; dark: share of light taken"""
    import cv2

    there = np.array([[1, 0, move[0]], [0, 1, move[1]]], np.float32)
    moved = cv2.warpAffine(alpha, there, alpha.shape[::-1])
    reach = 2 * round(1 + max(map(abs, move))) + 1
    soft = np.asarray(cv2.blur(moved, (reach, reach)), np.float32)
    return rounded_off(under * (1 - soft * np.float32(dark / 255))[..., None])


def _relief(alpha: Levels, tone: float, sun: tuple[float, float]) -> Levels:
    import cv2

    soft = np.asarray(cv2.blur(alpha, (3, 3)), np.float32) * np.float32(1 / 255)
    across, down = cv2.Sobel(soft, -1, 1, 0), cv2.Sobel(soft, -1, 0, 1)
    edge = (across * sun[0] + down * sun[1]) * np.float32(0.25)
    return np.asarray(tone * (alpha / np.float32(255)) - abs(tone) * _EDGE * edge, np.float32)


def rounded_off(levels: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The same shape; what lies outside 0 to 255 stays at the ends."""
    return as_bytes(np.clip(levels + np.float32(0.5), 0, 255).astype(np.uint8))

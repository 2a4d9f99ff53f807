"""What a camera and a file do to a scene. H, W: px of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.paper import through_jpeg
from likemark.augment.parts import as_bytes
from likemark.augment.pixels import Pixels
from likemark.augment.scenes.recipe import Lens

_FEWEST = 13.0  # px: the longer side that coarse px leave the smallest mark
_SOFTEST = 0.035  # of the smallest mark's size: the most blur
_LONGEST = 0.12  # of the smallest mark's size: the longest path of a moving camera
_KEPT = 0.8  # of a mark's size, so that noise does not drown a small one


def taken(pixels: Pixels, rng: np.random.Generator, lens: Lens, *, smallest: float) -> Pixels:
    """(H, W, 3): as a camera sees it. smallest: px, size of the smallest mark"""
    if rng.random() < lens.coarse:
        pixels = _coarse(pixels, max(_within(rng, lens.scale), _FEWEST / smallest))
    if rng.random() < lens.blur:
        pixels = _blurred(pixels, min(_within(rng, lens.sigma), _SOFTEST * smallest))
    if rng.random() < lens.motion:
        pixels = _moved(pixels, min(_within(rng, lens.path), _LONGEST * smallest), rng)
    if rng.random() < lens.exposure:
        pixels = _exposed(pixels, _within(rng, lens.stops))
    if rng.random() < lens.cast:
        pixels = _tinted(pixels, rng.uniform(-1, 1, 3) * _within(rng, lens.tint))
    if rng.random() < lens.noise:
        pixels = _noisy(pixels, rng, min(_within(rng, lens.grain), _KEPT * smallest))
    if rng.random() < lens.jpeg:
        pixels = through_jpeg(pixels, round(_within(rng, lens.quality)))
    return pixels


def _coarse(pixels: Pixels, scale: float) -> Pixels:
    import cv2

    if scale >= 1:
        return pixels
    height, width = pixels.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    few = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return as_bytes(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR))


def _blurred(pixels: Pixels, sigma: float) -> Pixels:
    import cv2

    return as_bytes(cv2.GaussianBlur(pixels, (0, 0), max(0.1, sigma)))


def _moved(pixels: Pixels, path: float, rng: np.random.Generator) -> Pixels:
    import cv2

    reach = max(1, round(path / 2))
    angle = float(rng.uniform(0, np.pi))
    step = np.array([np.cos(angle), np.sin(angle)]) * path / 2 * 16
    start, end = (np.rint(reach * 16 + sign * step).astype(int).tolist() for sign in (-1, 1))
    line = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    cv2.line(line, start, end, 255, 1, cv2.LINE_AA, 4)
    return as_bytes(cv2.filter2D(pixels, -1, line / max(1.0, float(line.sum()))))


def _exposed(pixels: Pixels, stops: float) -> Pixels:
    """So many times the light, two to the power of the stops, with a soft shoulder."""
    import cv2

    levels = np.arange(256) / 255
    table = np.rint(255 * (1 - (1 - levels) ** (2**stops))).astype(np.uint8)
    return as_bytes(cv2.LUT(pixels, table))


def _tinted(pixels: Pixels, off: NDArray[np.float64]) -> Pixels:
    import cv2

    return as_bytes(cv2.multiply(pixels, np.array([*(1 + off), 1.0])))


def _noisy(pixels: Pixels, rng: np.random.Generator, deviation: float) -> Pixels:
    """Triangular noise: bytes are much quicker to draw than bells."""
    import cv2

    one, other = rng.integers(0, 256, (2, *pixels.shape), np.uint8)
    off = cv2.subtract(one, other, dtype=cv2.CV_16S)
    scale = deviation * 6**0.5 / 255
    return as_bytes(cv2.addWeighted(pixels, 1.0, off, scale, 0, dtype=cv2.CV_8U))


def _within(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(rng.uniform(*bounds))

"""What is not flat: gradients and textures in a mark's ink or its ground, and a shadow under it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Job
from likemark.augment.parts import LUMA, Parts, as_bytes, softened

_DARK, _LIGHT = 60, 195  # levels of lightness


def fill(parts: Parts, job: Job) -> Parts:
    """A gradient or a texture in the ink or in the ground, lighter on dark, darker on light."""
    shape, inside = parts.labels.shape, job.either(0.6)
    pattern = _gradient(shape, job) if job.either(0.6) else _grain(shape, job)
    cover = parts.cover() if inside else ~parts.cover()
    light = float(np.dot(parts.palette[min(len(parts), 1) if inside else 0], LUMA))
    pattern -= np.float32(0 if light <= _DARK else 1 if light >= _LIGHT else 0.5)
    pattern *= cover * np.float32(job.within(job.recipe.appearance.strength) / 255)
    tint = job.rng.uniform(0.3, 1.0, 3).astype(np.float32)
    return _textured(parts, (pattern[..., None] * tint).astype(np.int16))


def cast_shadow(parts: Parts, job: Job) -> Parts:
    """A soft shadow on the ground beside the ink, which only a light ground shows."""
    import cv2

    side = max(parts.labels.shape)
    cover = parts.cover()
    x, y = job.rng.uniform(-0.03, 0.03, 2) * side
    moved = cv2.warpAffine(cover, np.array([[1, 0, x], [0, 1, y]]), cover.shape[::-1])
    soft = softened(as_bytes(moved), float(job.rng.uniform(0.008, 0.03)) * side)
    dark = soft.astype(np.float32) * (255 - cover.astype(np.float32)) * (-0.6 / 255**2)
    return _textured(parts, (dark[..., None] * parts.palette[0]).astype(np.int16))


def _textured(parts: Parts, texture: NDArray[np.int16]) -> Parts:
    whole = texture if parts.texture is None else parts.texture + texture
    return replace(parts, texture=whole)


def _gradient(shape: tuple[int, ...], job: Job) -> NDArray[np.float32]:
    """(H, W), 0 to 1: along any direction, or from the middle."""
    if job.either(0.3):
        rows, columns = _places(shape)
        return np.asarray(np.hypot(rows[:, None], columns) / np.float32(1.415), np.float32)
    along = slope(shape, float(job.rng.uniform(0, 2 * np.pi)))
    return np.asarray((along / np.float32(1.415) + 1) / 2, np.float32)


def slope(shape: tuple[int, ...], angle: float) -> NDArray[np.float32]:
    """(H, W), up to 1.415 either way: even along a direction. angle: radians, from the x axis"""
    rows, columns = _places(shape)
    along = np.float32(np.sin(angle)) * rows[:, None] + np.float32(np.cos(angle)) * columns
    return np.asarray(along, np.float32)


def _places(shape: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
    """Of rows and columns, -1 to 1."""
    return (np.linspace(-1, 1, size, dtype=np.float32) for size in shape[:2])


def _grain(shape: tuple[int, ...], job: Job) -> NDArray[np.float32]:
    """(H, W), 0 to 1: blots of random size, or hatching."""
    import cv2

    height, width = shape[:2]
    if job.either():
        cells = int(job.rng.integers(4, 40))
        blots = job.rng.random((cells, cells), np.float32)
        return np.asarray(cv2.resize(blots, (width, height)), np.float32)
    step, angle = float(job.rng.uniform(0.4, 1.2)), float(job.rng.uniform(0, np.pi))
    rows, columns = np.ogrid[:height, :width]
    lines = np.sin(step * (np.sin(angle) * rows + np.cos(angle) * columns))
    return np.asarray(lines / 2 + 0.5, np.float32)

"""A mark in a photo: as a sign of its own colours, or printed on what is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Job, Sheet
from likemark.augment.parts import Plane, as_bytes, blended, distance_to
from likemark.augment.pixels import Pixels
from likemark.augment.warp import leant

_LEAN = 0.15  # of a side: the furthest that perspective moves a corner inwards
_FULL = 64  # levels from the ground at which ink covers what it is printed on
_SEEN = 45  # levels, on average, by which ink must differ from what it is printed on
_LIGHT = (0.55, 1.15)  # of the mark's brightness, from one end to the other
_SMALLEST = 24  # px of a photo's window


def lay_on_photo(sheet: Sheet, job: Job) -> Sheet:
    """Somewhere in a window of the photo, a little from one side; as it was without a photo."""
    if job.photo is None:
        return sheet
    mark = sheet.trimmed(int(job.rng.integers(1, 12)))
    size = _view_size(mark, job)
    window = _window(job.photo, size, job)
    cover = _ink(mark) if mark.even and job.either() else None
    matrix = _place(mark.pixels.shape[:2], size, job)
    colours = _warped(_lit(mark.pixels, job), matrix, size)
    whole = np.full(mark.pixels.shape[:2], 255, np.uint8)
    seen = None if cover is None else _warped(cover, matrix, size)
    if seen is None or not _stands_out(colours, window, seen):
        seen = _warped(whole, matrix, size)
    red, green, blue = (int(each) for each in window.mean(axis=(0, 1)))
    return Sheet(blended(colours, window, seen), (red, green, blue), even=False)


def _view_size(mark: Sheet, job: Job) -> tuple[int, int]:
    """Width and height of the view, so that the mark takes up its share."""
    height, width = mark.pixels.shape[:2]
    side = max(height, width) / job.within(job.recipe.scene.of_photo)
    aspect = float(job.rng.uniform(0.75, 1.33)) ** 0.5
    return max(width, _SMALLEST, round(side * aspect)), max(height, _SMALLEST, round(side / aspect))


def _window(photo: Pixels, size: tuple[int, int], job: Job) -> Pixels:
    """(height, width, 3): a random part of the photo, in proportion. size: width, height"""
    import cv2

    tall, wide = photo.shape[:2]
    most = min(wide / size[0], tall / size[1])
    scale = most * float(job.rng.uniform(0.4, 1))
    width, height = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    x = int(job.rng.integers(0, wide - min(width, wide) + 1))
    y = int(job.rng.integers(0, tall - min(height, tall) + 1))
    part = photo[y : y + height, x : x + width]
    way = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return as_bytes(cv2.resize(part, size, interpolation=way))


def _ink(mark: Sheet) -> Plane:
    """(h, w): how much of a px the ink covers, as far as its distance from the ground tells."""
    import cv2

    away = distance_to(mark.pixels, mark.ground)
    return as_bytes(cv2.multiply(away, np.ones_like(away), scale=255 / _FULL))


def _lit(pixels: Pixels, job: Job) -> Pixels:
    """Lighter at one end than at the other."""
    height, width = pixels.shape[:2]
    start, end = (job.within(_LIGHT) for _ in range(2))
    across = np.linspace(start, end, width, dtype=np.float32)[None, :, None]
    down = np.linspace(start, end, height, dtype=np.float32)[:, None, None]
    lit = pixels * (across if job.either() else down)
    return as_bytes(np.minimum(lit, 255))


def _place(size: tuple[int, ...], view: tuple[int, int], job: Job) -> NDArray[np.float64]:
    """(3, 3): where the mark's px go. size: height, width; view: width, height"""
    import cv2

    height, width = size
    corners, seen = leant(width, height, float(job.rng.uniform(0, _LEAN)), job.rng)
    corner = [job.rng.uniform(0, view[0] - width), job.rng.uniform(0, view[1] - height)]
    moved = (seen + corner).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, moved), np.float64)


def _warped(
    plane: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.uint8]:
    import cv2

    # Beyond its edge a colour goes on, or signs would have a dark rim; what covers them ends there.
    way = cv2.BORDER_REPLICATE if plane.ndim == 3 else cv2.BORDER_CONSTANT
    return as_bytes(cv2.warpPerspective(plane, matrix, size, borderMode=way))


def _stands_out(colours: Pixels, window: Pixels, seen: Plane) -> bool:
    """Whether the ink differs enough from what it lies on."""
    inked = seen > 127
    if not inked.any():
        return False
    apart = np.abs(colours[inked].astype(np.int16) - window[inked]).max(axis=1)
    return bool(apart.mean() >= _SEEN)

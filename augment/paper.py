"""What the way into a file does to a view: blur, scanning, few px, JPEG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Job, Sheet
from likemark.augment.parts import Plane, as_bytes, threefold
from likemark.augment.pixels import Pixels
from likemark.augment.warp import turned

_MILD = 0.6  # a scale from which on px that are passed over do no harm
_LONG = 2.5  # times: the most by which a thumbnail is longer than the mark in it


def blur(sheet: Sheet, job: Job) -> Sheet:
    import cv2

    soft = cv2.GaussianBlur(sheet.pixels, (0, 0), job.within(job.recipe.capture.sigma))
    return Sheet(as_bytes(soft), sheet.ground, sheet.even)


def scan(sheet: Sheet, job: Job) -> Sheet:
    """Printed on paper of uneven light, laid askew, noisy, and a little soft."""
    import cv2

    capture = job.recipe.capture
    margin = max(2, round(0.05 * max(sheet.pixels.shape[:2])))
    sheet = turned(sheet.padded(*[margin] * 4), job.sign() * job.within(capture.skew))
    light = _light(sheet.pixels.shape[:2], job)
    grain = _grain(light.shape, job)
    soft = cv2.GaussianBlur(sheet.pixels, (0, 0), float(job.rng.uniform(0.4, 1.0)))
    lit = cv2.multiply(soft, threefold(light), scale=1 / 255)
    noisy = cv2.add(lit, cv2.merge([grain] * 3), dtype=cv2.CV_8U)
    return Sheet(as_bytes(noisy), sheet.ground, even=False)


def shrink(sheet: Sheet, job: Job) -> Sheet:
    """A thumbnail, which stays as small as it is; with company it is larger than the mark."""
    longer = max(sheet.pixels.shape[:2]) / job.size
    side = min(max(1.0, longer), _LONG) * job.within(job.recipe.capture.px)
    return Sheet(fitted(sheet.pixels, round(side)), sheet.ground, sheet.even)


def compress(sheet: Sheet, job: Job) -> Sheet:
    """As it comes back from a JPEG file."""
    pixels = through_jpeg(sheet.pixels, job.whole(job.recipe.capture.quality))
    return Sheet(pixels, sheet.ground, sheet.even)


def through_jpeg(pixels: Pixels, quality: int) -> Pixels:
    """(h, w, 3): by OpenCV, several times as quick as `capture.jpeg`. quality: 1 to 100"""
    import cv2

    swapped = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = as_bytes(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return as_bytes(cv2.cvtColor(back, cv2.COLOR_BGR2RGB))


def fitted(pixels: Pixels, side: int) -> Pixels:
    """No side longer than that many px; a smaller picture stays as it is."""
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(pixels)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_LINEAR if scale > _MILD else cv2.INTER_AREA  # which is six times as slow
    return as_bytes(cv2.resize(pixels, size, interpolation=way))


def _grain(size: tuple[int, ...], job: Job) -> NDArray[np.int16]:
    """(h, w): noise, triangular because bytes are so much quicker to draw than bells."""
    one, other = job.rng.integers(0, 256, (2, *size), np.uint8).astype(np.float32)
    scale = np.float32(job.within(job.recipe.capture.noise) * 6**0.5 / 255)
    grain: NDArray[np.int16] = ((one - other) * scale).astype(np.int16)
    return grain


def _light(size: tuple[int, ...], job: Job) -> Plane:
    """(h, w): 255 where it is brightest, falling off to one side by up to a third."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in size[:2])
    angle, fall = float(job.rng.uniform(0, 2 * np.pi)), float(job.rng.uniform(0.05, 0.3))
    slope = np.sin(angle) * rows[:, None] + np.cos(angle) * columns
    return as_bytes(255 * (1 - fall * (1.415 + slope) / 2.83))

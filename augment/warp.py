"""A view turned, mirrored, stretched, tilted, cut, or partly covered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Job, Sheet
from likemark.augment.parts import Plane, as_bytes, distance_to, highest
from likemark.augment.pixels import TOLERANCE

Matrix = NDArray[np.float64]

_WINDOWS = 8  # places tried for a crop
_HOLDS = 0.15  # share of the ink, and of its edges, that a crop must hold
_STEP = 40  # levels of an edge
_SMALLEST = 8  # px of a crop that still shows something


def tilt(sheet: Sheet, job: Job) -> Sheet:
    return turned(sheet, job.sign() * job.within(job.recipe.geometry.degrees))


def quarter(sheet: Sheet, job: Job) -> Sheet:
    times = int(job.rng.integers(1, 4))
    return Sheet(np.ascontiguousarray(np.rot90(sheet.pixels, times)), sheet.ground, sheet.even)


def free(sheet: Sheet, job: Job) -> Sheet:
    return turned(sheet, float(job.rng.uniform(0, 360)))


def mirror(sheet: Sheet, job: Job) -> Sheet:
    import cv2

    return Sheet(as_bytes(cv2.flip(sheet.pixels, 1)), sheet.ground, sheet.even)


def flip(sheet: Sheet, job: Job) -> Sheet:
    import cv2

    return Sheet(as_bytes(cv2.flip(sheet.pixels, 0)), sheet.ground, sheet.even)


def stretch(sheet: Sheet, job: Job) -> Sheet:
    """Wider, or taller, out of proportion, at about the same size."""
    import cv2

    factor = job.within(job.recipe.geometry.factor) ** (0.5 * job.sign())
    height, width = sheet.pixels.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height / factor))
    return Sheet(as_bytes(cv2.resize(sheet.pixels, size)), sheet.ground, sheet.even)


def perspective(sheet: Sheet, job: Job) -> Sheet:
    """Seen from one side: each corner moves inwards by its own amount."""
    import cv2

    height, width = sheet.pixels.shape[:2]
    depth = job.within(job.recipe.geometry.depth)
    corners, moved = leant(width, height, depth, job.rng)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return _warped(sheet, np.asarray(matrix, np.float64), (width, height))


def leant(
    width: int, height: int, depth: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """(4, 2) corners of a rectangle, px, and where they are once each has moved inwards.

    depth: share of a side that a corner moves at most
    """
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    return corners, corners + inwards * rng.uniform(0, depth, (4, 2)) * [width, height]


def crop(sheet: Sheet, job: Job) -> Sheet:
    """A window onto part of it that holds enough of the ink; as it was where none was found."""
    left, top, across, down = sheet.box()
    side = job.within(job.recipe.geometry.share) ** 0.5
    width, height = round(across * side), round(down * side)
    if min(width, height) < _SMALLEST:
        return sheet
    kinds = _ink_and_edges(sheet)
    for _ in range(_WINDOWS):
        x = int(job.rng.integers(left, left + across - width + 1))
        y = int(job.rng.integers(top, top + down - height + 1))
        window = np.s_[y : y + height, x : x + width]
        if all(np.count_nonzero(k[window]) >= _HOLDS * np.count_nonzero(k) for k in kinds):
            return Sheet(sheet.pixels[window], sheet.ground, sheet.even)
    return sheet


def _ink_and_edges(sheet: Sheet) -> tuple[Plane, Plane]:
    """(h, w) each: above 0 where there is ink, and where a colour ends."""
    import cv2

    square = np.ones((3, 3), np.uint8)
    _, ink = cv2.threshold(distance_to(sheet.pixels, sheet.ground), TOLERANCE, 1, 0)
    steps = highest(as_bytes(cv2.morphologyEx(sheet.pixels, cv2.MORPH_GRADIENT, square)))
    _, edges = cv2.threshold(steps, _STEP, 1, 0)
    return as_bytes(ink), as_bytes(edges)


def occlude(sheet: Sheet, job: Job) -> Sheet:
    """A bar, a box or a disc of one colour over some of it."""
    import cv2

    left, top, across, down = sheet.box()
    area = job.within(job.recipe.geometry.covered) * across * down
    x, y = (float(job.rng.uniform(a, a + s)) for a, s in ((left, across), (top, down)))
    longer = float(job.rng.uniform(1, 4))
    size = (longer * area) ** 0.5, (area / longer) ** 0.5
    red, green, blue = job.rng.integers(0, 256, 3).tolist()
    colour = sheet.ground if job.either(0.3) else (red, green, blue)
    shape = (x, y), size, float(job.rng.uniform(0, 180))
    pixels = np.ascontiguousarray(sheet.pixels).copy()
    if job.either():
        cv2.ellipse(pixels, shape, colour, -1, cv2.LINE_AA)
    else:
        corners = np.rint(cv2.boxPoints(shape)).astype(np.int32)
        cv2.fillConvexPoly(pixels, corners, colour, cv2.LINE_AA)
    return Sheet(pixels, sheet.ground, sheet.even)


def turned(sheet: Sheet, degrees: float) -> Sheet:
    """Counter-clockwise, on a canvas that holds all of it."""
    import cv2

    height, width = sheet.pixels.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1))
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return _warped(sheet, np.vstack([matrix, [0, 0, 1]]), (max(1, size[0]), max(1, size[1])))


def _warped(sheet: Sheet, matrix: Matrix, size: tuple[int, int]) -> Sheet:
    import cv2

    way = cv2.BORDER_CONSTANT if sheet.even else cv2.BORDER_REPLICATE
    flat = matrix[2].tolist() == [0, 0, 1]
    warp, used = (cv2.warpAffine, matrix[:2]) if flat else (cv2.warpPerspective, matrix)
    pixels = warp(sheet.pixels, used, size, borderMode=way, borderValue=sheet.ground)
    return Sheet(as_bytes(pixels), sheet.ground, sheet.even)

"""A whole mark turned, mirrored, stretched, shrunk or cut. H, W: px; C: channels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from likemark.augment.pixels import Pixels, Planes, checked, ground_of, to_pixels, to_planes
from likemark.augment.segments import Segments

_WINDOWS = 48  # places tried for a crop
_SMALLEST = 6  # px of a crop that still shows something
_HOLDS = 0.15  # share of a mark's ink, and of its edges, that a crop must hold


def mirror(pixels: Pixels) -> Pixels:
    """Left becomes right."""
    return np.ascontiguousarray(checked(pixels)[:, ::-1])


def rotate(pixels: Pixels, degrees: float, *, fill: NDArray[np.float32] | None = None) -> Pixels:
    """Turned counter-clockwise on a canvas that holds all of it; quarter turns are exact.

    fill: (C,) plane values of the corners; None: the mark's ground
    """
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(checked(pixels), round(degrees / 90)))
    planes = to_planes(pixels)
    height, width = planes.shape[:2]
    sine, cosine = (abs(f(math.radians(degrees))) for f in (math.sin, math.cos))
    size = math.ceil(width * cosine + height * sine), math.ceil(width * sine + height * cosine)
    centre = (width - 1) / 2, (height - 1) / 2
    corners = ground_of(planes) if fill is None else fill
    return to_pixels(turn_planes(planes, degrees, centre, size=size, fill=corners))


def turn_planes(
    planes: Planes,
    degrees: float,
    centre: tuple[float, float],
    *,
    size: tuple[int, int] | None = None,
    fill: NDArray[np.float32] | None = None,
) -> Planes:
    """Turned counter-clockwise about a centre, which comes to the middle of a new size.

    planes: (H, W, C); centre: x, y px
    size: width, height of the result; None: the centre and the size stay
    fill: (C,) for what was outside, C at most 4; None: zeros
    result: (h, w, C); bicubic, so that values may overshoot a little
    """
    import cv2

    height, width, channels = planes.shape
    if channels > 4:  # more than OpenCV turns at once
        parts = planes[..., :4], planes[..., 4:]
        return np.concatenate([turn_planes(part, degrees, centre, size=size) for part in parts], 2)
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1.0)
    if size is not None:
        matrix[0, 2] += (size[0] - 1) / 2 - centre[0]
        matrix[1, 2] += (size[1] - 1) / 2 - centre[1]
    border = [0.0] if fill is None else [float(value) for value in fill]
    turned = cv2.warpAffine(
        planes,
        matrix,
        (width, height) if size is None else size,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border,
    )
    return np.asarray(turned, np.float32).reshape(*turned.shape[:2], channels)


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """To an exact size in px: area means where it shrinks, bicubic where it grows."""
    import cv2

    planes = to_planes(pixels)
    if width < 1 or height < 1:
        raise ValueError(f"a size of {width} x {height} px must be 1 x 1 or more")
    grows = width * height > planes.shape[0] * planes.shape[1]
    way = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
    scaled = cv2.resize(planes, (width, height), interpolation=way)
    return to_pixels(np.asarray(scaled, np.float32).reshape(height, width, planes.shape[2]))


def fit(pixels: Pixels, side: int) -> Pixels:
    """Scaled, in proportion, to a longer side of `side` px."""
    height, width = checked(pixels).shape[:2]
    scale = side / max(height, width)
    return resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))


def stretch(pixels: Pixels, factor: float, *, upright: bool = False) -> Pixels:
    """Out of proportion by the factor: wider, or taller when upright."""
    height, width = checked(pixels).shape[:2]
    if upright:
        return resize(pixels, width, max(1, round(height * factor)))
    return resize(pixels, max(1, round(width * factor)), height)


def cut(pixels: Pixels, box: tuple[int, int, int, int]) -> Pixels:
    """box: left, top, right, bottom in px."""
    left, top, right, bottom = box
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def crop(
    pixels: Pixels, segments: Segments, rng: np.random.Generator, *, share: float = 0.25
) -> Pixels | None:
    """A window onto part of a mark: it keeps that share of the area of the ink's box.

    share: 0 to 1; the window has the box's proportions
    result: a random window among those that hold enough of the ink and its edges; None where
        there are none, or the mark is too small to be cut
    """
    left, top, right, bottom = segments.box()
    width, height = (max(1, round(side * share**0.5)) for side in (right - left, bottom - top))
    if not len(segments) or min(width, height) < _SMALLEST:
        return None
    weights = _held(segments)
    for _ in range(_WINDOWS):
        x = int(rng.integers(left, right - width + 1))
        y = int(rng.integers(top, bottom - height + 1))
        window = weights[y : y + height, x : x + width].sum(axis=(0, 1))
        if (window >= _HOLDS * weights.sum(axis=(0, 1))).all():
            return cut(pixels, (x, y, x + width, y + height))
    return None


def _held(segments: Segments) -> NDArray[np.float32]:
    """(H, W, 2): 1 where there is ink, and where two labels meet."""
    labels = segments.labels
    edge = np.zeros(labels.shape, np.bool_)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    return np.stack([labels > 0, edge], axis=2).astype(np.float32)

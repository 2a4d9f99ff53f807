"""What lies over a mark: a post, a hand-sized blot, or leaves. H, W: px of a scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from likemark.augment.parts import Plane, as_bytes, page
from likemark.augment.pixels import Pixels
from likemark.augment.scenes.warps import Points

Shape = Callable[[np.random.Generator, Points, float, tuple[int, int]], Plane]

_FINE = 16  # steps of a px in which outlines are drawn
_BITS = 4  # the same, as OpenCV wants it
_OWN = 0.7  # chance: of another part of the photo, not of one colour
_SPREAD = 0.35  # of the mark's extent: how far from its middle a cover's is


def draw_cover(
    rng: np.random.Generator, quad: Points, share: float, size: tuple[int, int]
) -> Plane:
    """(H, W): 255 where it lies. quad: of the mark; share: of its extent, how wide; size: H, W"""
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    return shape(rng, quad, share, size)


def surface(rng: np.random.Generator, photo: Pixels, size: tuple[int, int]) -> Pixels:
    """(H, W, 3): what a cover is made of. photo: of the scene, from which a part is taken"""
    import cv2

    if rng.random() > _OWN:
        red, green, blue = rng.integers(0, 256, 3).tolist()
        flat = page(size, (red, green, blue))
        start, end = rng.uniform(0.6, 1.0, 2).tolist()
        slope = np.linspace(start, end, size[1], dtype=np.float32)
        return as_bytes((flat * slope[None, :, None]).astype(np.uint8))
    height, width = photo.shape[:2]
    side = max(1, round(min(height, width) * float(rng.uniform(0.25, 0.6))))
    x, y = (int(rng.integers(0, whole - side + 1)) for whole in (width, height))
    part = photo[y : y + side, x : x + side][:: int(rng.choice((-1, 1))), ::-1]
    stretched = cv2.resize(part, size[::-1], interpolation=cv2.INTER_LINEAR)
    gain = float(rng.uniform(0.5, 1.2))
    return as_bytes(cv2.convertScaleAbs(stretched, alpha=gain))


def post(rng: np.random.Generator, quad: Points, share: float, size: tuple[int, int]) -> Plane:
    """A bar right across, mostly upright."""
    middle, extent = _middle(rng, quad)
    angle = float(rng.choice((np.pi / 2, 0, float(rng.uniform(0, np.pi))), p=(0.5, 0.2, 0.3)))
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    wide = share * float(np.abs(quad @ across - middle @ across).max()) * across
    far = 2 * max(*size, extent) * along
    return _filled([middle - far - wide, middle + far - wide, middle + far + wide,
                    middle - far + wide], size)  # fmt: skip


def blot(rng: np.random.Generator, quad: Points, share: float, size: tuple[int, int]) -> Plane:
    """A round thing with an uneven outline."""
    middle, extent = _middle(rng, quad)
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = np.ones_like(angles)
    for waves in (2, 3, 5):
        radius += rng.uniform(0, 0.3) / waves * np.sin(waves * angles + rng.uniform(0, 6.3))
    reach = extent * share * 0.6
    around = np.stack([np.cos(angles), np.sin(angles) * rng.uniform(0.6, 1.6)], axis=1)
    return _filled(middle + around * radius[:, None] * reach, size)


def leaves(rng: np.random.Generator, quad: Points, share: float, size: tuple[int, int]) -> Plane:
    """Some long thin ones, from about one place."""
    import cv2

    middle, extent = _middle(rng, quad)
    plane = np.zeros(size, np.uint8)
    for angle in rng.uniform(0, 360, int(rng.integers(3, 8))).tolist():
        reach = extent * float(rng.uniform(0.3, 0.7))
        way = np.deg2rad(angle)
        there = middle + np.array([np.cos(way), np.sin(way)]) * reach
        axes = (2 * reach, max(2.0, 0.35 * share * reach * 2))
        cv2.ellipse(plane, (there.tolist(), axes, angle), 255, -1, cv2.LINE_AA)
    return plane


SHAPES: tuple[Shape, ...] = (post, blot, leaves)


def _middle(rng: np.random.Generator, quad: Points) -> tuple[NDArray[np.float64], float]:
    """A point near the quad's middle, and the mark's extent in px."""
    extent = float(np.ptp(quad, axis=0).max())
    off = rng.uniform(-_SPREAD, _SPREAD, 2) * np.ptp(quad, axis=0)
    return quad.mean(axis=0) + off, extent


def _filled(outline: object, size: tuple[int, int]) -> Plane:
    import cv2

    plane = np.zeros(size, np.uint8)
    fine = np.rint(np.asarray(outline) * _FINE).astype(np.int32)
    cv2.fillPoly(plane, [fine], 255, cv2.LINE_AA, _BITS)
    return plane

"""A mark's outlines as another hand would draw them: thicker, thinner, rounder, a little wavy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Job
from likemark.augment.parts import Parts, Plane, as_bytes, softened
from likemark.augment.pixels import Pixels

_LEAST, _MOST = 0.55, 1.7  # times the ink that there was: beyond it the change is left out
_STEEP = 3.0  # how many times steeper edges become after the blur that rounds corners
_GRID = 4  # waves across a picture


def change_thickness(parts: Parts, job: Job) -> Parts:
    """Strokes thicker or thinner all over, unless too much ink would come or go."""
    radius = job.within(job.recipe.redraw.px) * max(parts.labels.shape)
    cover = parts.cover()
    thicker = job.either()
    for grows in (thicker, not thicker):
        changed = _grown(cover, radius, shrink=not grows)
        if _bearable(cover, changed):
            return _reshaped(parts, changed)
    return parts


def round_corners(parts: Parts, job: Job) -> Parts:
    """Corners and ends rounded, notches filled, unless too much ink would come or go."""
    import cv2

    cover = parts.cover()
    sigma = job.within(job.recipe.redraw.radius) * max(cover.shape)
    soft = softened(cover, sigma)
    steep = _STEEP * max(1.0, sigma / 2)
    table = np.clip((np.arange(256) - 127.5) * steep + 127.5, 0, 255).astype(np.uint8)
    changed = as_bytes(cv2.LUT(soft, table))
    return _reshaped(parts, changed) if _bearable(cover, changed) else parts


def wave(pixels: Pixels, job: Job) -> Pixels:
    """Same shape; px moved by smooth random waves."""
    import cv2

    height, width = pixels.shape[:2]
    far = job.within(job.recipe.redraw.wave) * max(height, width)
    knots = job.rng.uniform(-1, 1, (_GRID, _GRID, 2)).astype(np.float32)
    bent = np.asarray(cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC))
    rows, columns = np.ogrid[:height, :width]
    across = (far * bent[..., 0] + columns).astype(np.float32)
    down = (far * bent[..., 1] + rows).astype(np.float32)
    way = cv2.BORDER_REPLICATE
    return as_bytes(cv2.remap(pixels, across, down, cv2.INTER_LINEAR, borderMode=way))


def _grown(cover: Plane, radius: float, *, shrink: bool) -> Plane:
    """Wider by that many px, or narrower, in steps finer than a px."""
    import cv2

    whole = int(radius)
    change = cv2.erode if shrink else cv2.dilate
    inner, outer = (as_bytes(change(cover, _disc(r))) for r in (whole, whole + 1))
    share = radius - whole
    return as_bytes(cv2.addWeighted(outer, share, inner, 1 - share, 0))


def _disc(radius: int) -> NDArray[np.uint8]:
    import cv2

    side = 2 * radius + 1
    return as_bytes(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))


def _bearable(before: Plane, after: Plane) -> bool:
    ink = float(before.sum())
    return _LEAST * ink <= float(after.sum()) <= _MOST * ink


def _reshaped(parts: Parts, cover: Plane) -> Parts:
    """With another outline against the ground; where ink is new, the part near it grows."""
    import cv2

    near = as_bytes(cv2.dilate(parts.labels, np.ones((7, 7), np.uint8)))
    labels = np.where(parts.labels > 0, parts.labels, near)
    inner = (parts.labels > 0) & (parts.other > 0) & (cover == 255)  # edges between two inks
    ink = cover >= 128
    return replace(
        parts,
        labels=np.where(ink, labels, np.uint8(0)),
        other=np.where(inner, parts.other, np.where(ink, np.uint8(0), labels)),
        share=np.where(inner, parts.share, np.where(ink, cover, ~cover)),
    )

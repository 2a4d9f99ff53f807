"""Regions covered in a picture: the mask that is covered, and the px that cover it.

H, W: px of the picture; C: its channels, 1 to 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.redact.regions import Corners, Mask, Region, hull_of
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.ways import WAYS, Place, Planes

_LEAST_CONTEXT = 8  # px around a mask that a way may look at


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What covers one region."""

    left: int  # px of the picture
    top: int  # px of the picture
    pixels: Planes  # (h, w, C)
    mask: Mask  # (h, w): the px that are covered

    @property
    def window(self) -> tuple[slice, slice]:
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def lay(self, pixels: Planes) -> None:
        """Write the covered px, and no others, into a (H, W, C) picture."""
        np.copyto(pixels[self.window], self.pixels, where=(self.mask > 0)[..., None])


def redacted(pixels: Planes, regions: Sequence[Region], style: Style) -> Planes:
    """A copy in which all regions are covered; px outside the grown masks are as they were.

    pixels: (H, W), (H, W, 1), or with 2 (grey and alpha), 3 or 4 channels; uint8 or uint16
    """
    covered = pixels.copy()
    planes = covered[..., None] if covered.ndim == 2 else covered
    for region in regions:
        patch = painted(planes, region, style)
        if patch is not None:
            patch.lay(planes)
    return covered


def painted(pixels: Planes, region: Region, style: Style) -> Patch | None:
    """What covers a region of a (H, W, C) picture; None where it lies outside."""
    left, top, mask = grown(region, style)
    context = round(max(_LEAST_CONTEXT, 0.25 * region.size))
    window = _clipped(left, top, mask, context, pixels.shape[:2])
    if window is None:
        return None
    left, top, mask = window
    height, width = mask.shape
    place = Place(left, top, region.size, region.corners - (left, top))
    found = pixels[top : top + height, left : left + width]
    return Patch(left, top, _worked(found, mask, place, style), mask)


def grown(region: Region, style: Style) -> tuple[int, int, Mask]:
    """Left and top in px of the picture, and the mask that is covered, margin and all."""
    import cv2

    margin = max(style.margin * region.size, style.least_margin)
    left, top, mask = _outline(region, style)
    border = int(np.ceil(margin))
    wide = np.pad(mask, border)
    away = cv2.distanceTransform((wide == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    within = np.where(np.asarray(away) <= margin, np.uint8(255), np.uint8(0))
    return left - border, top - border, within


def covered_mask(shape: tuple[int, int], regions: Sequence[Region], style: Style) -> Mask:
    """The (H, W) px that a style covers, 255, else 0."""
    whole = np.zeros(shape, np.uint8)
    for region in regions:
        window = _clipped(*grown(region, style), 0, shape)
        if window is not None:
            left, top, mask = window
            part = whole[top : top + mask.shape[0], left : left + mask.shape[1]]
            np.maximum(part, mask, out=part)
    return whole


def _outline(region: Region, style: Style) -> tuple[int, int, Mask]:
    """The region's mask, filled to its convex hull or to its rotated box."""
    import cv2

    if style.covers == "mask":
        return region.left, region.top, region.mask
    outline = hull_of(region.mask) + np.array([region.left, region.top], np.int32)
    if style.covers == "box":
        corners = _lengthened(region, style.margin)
        # From the corners of px to the centres of the px inside of them, alike on all sides.
        inwards = 0.5 * np.sign(corners - corners.mean(axis=0))
        box = np.rint(corners - 0.5 - inwards).astype(np.int32)
        both = np.concatenate([outline, box])
        outline = np.asarray(cv2.convexHull(both), np.int32).reshape(-1, 2)
    left, top = outline.min(axis=0).tolist()
    width, height = (outline.max(axis=0) - (left, top) + 1).tolist()
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, outline - np.array([left, top], np.int32), (255,))
    return left, top, mask


def _lengthened(region: Region, margin: float) -> Corners:
    """The corners of a long box moved outwards at its ends: found a little short, a word lacks a
    letter there. With the margin all round that makes the margin's share of the length."""
    sides = region.corners[[1, 2]] - region.corners[[0, 1]]
    lengths = np.linalg.norm(sides, axis=1)
    longer = int(lengths.argmax())
    more = margin * (lengths[longer] - region.size) / max(float(lengths[longer]), 1.0)
    ends = np.array([[-1, 1, 1, -1], [-1, -1, 1, 1]][longer], np.float64)
    corners: Corners = region.corners + ends[:, None] * more * sides[longer]
    return corners


def _clipped(
    left: int, top: int, mask: Mask, context: int, shape: tuple[int, ...]
) -> tuple[int, int, Mask] | None:
    """The window with so many px around the mask, cut to the picture; None where none are left."""
    first = max(left - context, 0), max(top - context, 0)
    last = (
        min(left + mask.shape[1] + context, shape[1]),
        min(top + mask.shape[0] + context, shape[0]),
    )
    if first[0] >= last[0] or first[1] >= last[1]:
        return None
    wide = np.zeros((last[1] - first[1], last[0] - first[0]), np.uint8)
    x, y = first[0] - left, first[1] - top  # of the window, in px of the mask
    inside = mask[max(y, 0) : max(y + wide.shape[0], 0), max(x, 0) : max(x + wide.shape[1], 0)]
    start = max(-y, 0), max(-x, 0)
    wide[start[0] : start[0] + inside.shape[0], start[1] : start[1] + inside.shape[1]] = inside
    return (*first, wide) if wide.any() else None


def _worked(found: Planes, mask: Mask, place: Place, style: Style) -> Planes:
    """The way's px; colours are mixed by their alpha, where there is any."""
    run = WAYS[style.way]
    if found.shape[2] not in (2, 4) or found[..., -1].min() == np.iinfo(found.dtype).max:
        return run(np.ascontiguousarray(found), mask, place, style)
    made = run(_times_alpha(found), mask, place, style)
    undone = np.where((mask > 0)[..., None], _without_alpha(made), found)
    return undone.astype(found.dtype)


def _times_alpha(pixels: Planes) -> Planes:
    top = np.iinfo(pixels.dtype).max
    planes = pixels.astype(np.float64)
    planes[..., :-1] *= planes[..., -1:] / top
    product: Planes = np.rint(planes).astype(pixels.dtype)
    return product


def _without_alpha(pixels: Planes) -> NDArray[np.float64]:
    top = np.iinfo(pixels.dtype).max
    planes = pixels.astype(np.float64)
    planes[..., :-1] = np.minimum(planes[..., :-1] * (top / np.maximum(planes[..., -1:], 1)), top)
    return np.rint(planes)

"""Masks as polygons, in px of the scene: a corner is the px that it names, not its edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.redact.regions import Region

Polygon = NDArray[np.int32]  # (n, 2): x and y, n 3 or more

_NEAR = 1.0  # px that a simplified outline strays from the mask's


def outlines(region: Region) -> list[Polygon]:
    """Every part's outer outline, the largest part first; holes are filled.

    Drawn and filled, they give the mask again, but for its holes and a px along its edges.
    """
    import cv2

    inked = (region.mask > 0).astype(np.uint8)
    contours, _ = cv2.findContours(inked, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ordered = sorted(contours, key=lambda each: (-cv2.contourArea(each), -len(each)))
    place = np.array([region.left, region.top], np.int32)
    return [_simplified(np.asarray(each, np.int32)) + place for each in ordered]


def polygon(region: Region) -> Polygon:
    """The outlines of all parts as one: a bridge of no width leads to each further part and back.

    Filled, it gives what they give. Each bridge is the shortest from what is joined already to
    what is not, corner to corner (Prim 1957).
    """
    whole, *rest = outlines(region)
    while rest:
        corners = np.concatenate(rest)
        away = np.square(whole[:, None] - corners).sum(axis=2)
        here, place = np.unravel_index(int(away.argmin()), away.shape)
        ends = np.cumsum([len(part) for part in rest])
        number = int(np.searchsorted(ends, place, side="right"))
        part = rest.pop(number)
        around = np.roll(part, ends[number] - place, axis=0)  # from the bridge's end
        whole = np.concatenate([whole[: here + 1], around, around[:1], whole[here:]])
    return whole


def _simplified(contour: NDArray[np.int32]) -> Polygon:
    """contour: (n, 1, 2)"""
    import cv2

    near = np.asarray(cv2.approxPolyDP(contour, _NEAR, True), np.int32).reshape(-1, 2)
    if len(near) >= 3:
        return near
    # A line or a single px: as the box round it.
    (left, top), (right, bottom) = contour[:, 0].min(axis=0), contour[:, 0].max(axis=0)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.int32)

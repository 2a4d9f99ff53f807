"""How a region moved from one frame to another, and where a film is cut.

Points of the region are followed by Lucas and Kanade's optical flow in pyramids (Bouguet 2001),
there and back, and a similarity is fitted to them by RANSAC; where there are too few, the region
itself is searched for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.redact.regions import Pixels, Region
from likemark.retrieval.redact.shapes import Matrix, carried, shift

Grey = NDArray[np.uint8]

_LONGEST = 960  # px of a frame's longer side as it is looked at here
_POINTS = 80
_FLOW_WINDOW = 15  # px
_AGREES = 0.7  # px between a point and itself after there and back
_OFF = 1.5  # px that a point may lie off the similarity
_ENOUGH = 4  # points
_SAME = 0.4  # likeness below which a motion is not believed
_SOUGHT = 0.7  # likeness that a found place must have
_TURNS = 0.5  # the most that a region grows, shrinks or turns from the frame before
_FLAT = 3.0  # levels: of less deviation, a region shows nothing to compare
_CUT = 0.5  # share of the px whose colour has no like in the other frame
_BINS, _THUMB = 8, 64


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A frame as the tracker keeps it."""

    grey: Grey  # (h, w), scaled down
    scale: float  # px of `grey` for one px of the frame
    colours: NDArray[np.float32]  # shares of a coarse histogram
    shape: tuple[int, int]  # (H, W) px of the frame

    def inwards(self) -> Matrix:
        """From px centres of the frame to those of `grey`."""
        offset = (self.scale - 1) / 2
        return np.array([[self.scale, 0, offset], [0, self.scale, offset], [0, 0, 1]], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """A region in the frame that later and earlier ones are compared with: nothing adds up."""

    view: View  # of that frame
    region: Region  # in it
    points: NDArray[np.float32]  # (n, 2), px of the view


def view_of(frame: Pixels) -> View:
    """frame: (H, W, 3) RGB."""
    import cv2

    height, width = frame.shape[:2]
    scale = min(1.0, _LONGEST / max(height, width))
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
    if scale < 1:
        size = round(width * scale), round(height * scale)
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    step = max(1, min(height, width) // (4 * _THUMB))
    few = np.ascontiguousarray(frame[::step, ::step])
    thumb = cv2.resize(few, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    bins = (np.asarray(thumb).reshape(-1, 3) // (256 // _BINS)) @ [_BINS**2, _BINS, 1]
    counts = np.bincount(bins.astype(np.intp), minlength=_BINS**3)
    return View(grey, scale, (counts / _THUMB**2).astype(np.float32), (height, width))


def changed(one: View, other: View) -> float:
    """The share of one frame's px whose colour has no like in the other, by their histograms."""
    return float(np.abs(one.colours - other.colours).sum() / 2)


def is_cut(one: View, other: View) -> bool:
    """Whether two frames in succession are of two scenes."""
    return changed(one, other) > _CUT


def anchored(view: View, region: Region) -> Anchor:
    """Choose the points that a region is followed by."""
    import cv2

    # Corners of the ground beside the mark would pull it along with the ground.
    found = cv2.goodFeaturesToTrack(view.grey, _POINTS, 0.01, 3, mask=_within(view, region))
    points = np.zeros((0, 2)) if found is None else np.asarray(found).reshape(-1, 2)
    return Anchor(view, region, points.astype(np.float32))


def follow(anchor: Anchor, view: View, held: Matrix) -> Matrix | None:
    """Where the anchor's region is in another frame; None where it cannot be told.

    held: where it was in the frame beside that one
    """
    for found in (_by_points(anchor, view, held), _by_search(anchor, view, held)):
        if found is not None and likeness(anchor, view, found) >= _SAME:
            return found
    return None


def likeness(anchor: Anchor, view: View, matrix: Matrix) -> float:
    """The correlation of the anchor's region with what lies at its place, -1 to 1."""
    import cv2

    left, top, right, bottom = _box(anchor.view, anchor.region)
    ours = anchor.view.grey[top:bottom, left:right]
    if ours.size == 0:
        return 0.0
    back = _in_views(anchor.view, view, matrix) @ shift(left, top)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (right - left, bottom - top)
    theirs = np.asarray(
        cv2.warpAffine(view.grey, back[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    )
    inside = _within(anchor.view, anchor.region)[top:bottom, left:right] > 0
    return _correlation(ours[inside].astype(np.float64), theirs[inside].astype(np.float64))


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    spread = one.std(), other.std()
    if min(spread) < _FLAT:
        alike = abs(one.mean() - other.mean()) < 4 * _FLAT and max(spread) < 2 * _FLAT
        return float(alike)
    product = ((one - one.mean()) * (other - other.mean())).mean()
    return float(product / (spread[0] * spread[1]))


def _by_points(anchor: Anchor, view: View, held: Matrix) -> Matrix | None:
    import cv2

    ours = anchor.points
    if len(ours) < _ENOUGH:
        return None
    start = _in_views(anchor.view, view, held)
    theirs, kept = _flow(anchor.view.grey, view.grey, ours, carried(ours.astype(np.float64), start))
    if kept.sum() < _ENOUGH:
        return None
    fitted, agree = cv2.estimateAffinePartial2D(
        ours[kept], theirs[kept], method=cv2.RANSAC, ransacReprojThreshold=_OFF
    )
    if fitted is None or int(np.asarray(agree).sum()) < max(_ENOUGH, 0.4 * len(ours)):
        return None
    found = np.vstack([np.asarray(fitted, np.float64), [0, 0, 1]])
    if np.abs(found[:2, :2] - start[:2, :2]).max() > _TURNS:
        return None
    return _in_frames(anchor.view, view, found)


def _flow(
    one: Grey, other: Grey, points: NDArray[np.float32], start: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(n, 2) where points of one picture are in the other, and (n,) which came back."""
    import cv2

    window = (_FLOW_WINDOW, _FLOW_WINDOW)
    flags = cv2.OPTFLOW_USE_INITIAL_FLOW
    guess = start.astype(np.float32)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        one, other, points, guess, winSize=window, maxLevel=3, flags=flags
    )
    back, again, _ = cv2.calcOpticalFlowPyrLK(
        other, one, there, points.copy(), winSize=window, maxLevel=3, flags=flags
    )
    off = np.abs(np.asarray(back) - points).max(axis=1)
    kept = (np.asarray(found).ravel() > 0) & (np.asarray(again).ravel() > 0) & (off < _AGREES)
    return np.asarray(there, np.float32), kept


def _by_search(anchor: Anchor, view: View, held: Matrix) -> Matrix | None:
    """The region's own px, unturned, looked for around the place where they were."""
    import cv2

    left, top, right, bottom = _box(anchor.view, anchor.region)
    ours = anchor.view.grey[top:bottom, left:right]
    if min(ours.shape) < 4 or ours.std() < _FLAT:
        return None
    start = _in_views(anchor.view, view, held)
    middle = np.array([[(left + right - 1) / 2, (top + bottom - 1) / 2]])
    x, y = np.rint(carried(middle, start)[0] - (ours.shape[1] / 2, ours.shape[0] / 2)).astype(int)
    reach = max(8, min(ours.shape))
    first = max(x - reach, 0), max(y - reach, 0)
    field = view.grey[first[1] : y + bottom - top + reach, first[0] : x + right - left + reach]
    if field.shape[0] < ours.shape[0] or field.shape[1] < ours.shape[1]:
        return None
    scores = np.asarray(cv2.matchTemplate(field, ours, cv2.TM_CCOEFF_NORMED))
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    if not scores[row, column] >= _SOUGHT:
        return None
    found = shift(first[0] + int(column) - left, first[1] + int(row) - top)
    return _in_frames(anchor.view, view, found)


def _in_views(one: View, other: View, matrix: Matrix) -> Matrix:
    """A matrix between frames as one between their scaled views."""
    return other.inwards() @ matrix @ np.linalg.inv(one.inwards())


def _in_frames(one: View, other: View, matrix: Matrix) -> Matrix:
    return np.asarray(np.linalg.inv(other.inwards()) @ matrix @ one.inwards(), np.float64)


def _box(view: View, region: Region) -> tuple[int, int, int, int]:
    """A region's upright box and 2 px around it, in px of the view and inside of it."""
    height, width = view.grey.shape
    left, top, right, bottom = (value * view.scale for value in region.box)
    return (
        min(max(int(left) - 2, 0), width),
        min(max(int(top) - 2, 0), height),
        max(min(int(np.ceil(right)) + 2, width), 0),
        max(min(int(np.ceil(bottom)) + 2, height), 0),
    )


def _within(view: View, region: Region) -> Grey:
    """(h, w) of the view: 255 where the region is."""
    import cv2

    height, width = view.grey.shape
    inner = view.inwards() @ shift(region.left, region.top)
    mask = np.asarray(cv2.warpAffine(region.mask, inner[:2], (width, height)))
    return np.where(mask > 0, np.uint8(255), np.uint8(0))

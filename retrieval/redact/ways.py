"""The ways of covering a mark, each a plain function of the px around it.

H, W: px of a window of the picture; C: its channels, 1 to 4, of uint8 or uint16. The same window
gives the same px every time, and where the mask is 0 the px come back as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.redact.regions import Corners, Mask
from likemark.retrieval.redact.style import Style

Planes = NDArray[Any]  # (H, W, C) of uint8 or uint16

_RING = 3  # px beside the mask that tell what is around it
_SMALL = 256  # px of a window's longer side, up to which inpainting sees every px
_RADIUS = 3  # px that one inpainted px looks around
_FINE = 4.0  # px of a blur's deviation from which it is made at a smaller scale


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a window lies, and what it holds."""

    left: int  # px from the picture's left edge
    top: int  # px from its upper edge
    size: float  # px, of the region
    corners: Corners  # of the region's rotated box, px of the window


Way = Callable[[Planes, Mask, Place, Style], Planes]
WAYS: dict[str, Way] = {}


def way(name: str) -> Callable[[Way], Way]:
    def register(function: Way) -> Way:
        WAYS[name] = function
        return function

    return register


@way("mosaic")
def mosaic(pixels: Planes, mask: Mask, place: Place, style: Style) -> Planes:
    """Cells of one colour, the mean of their px, on a grid that starts at the picture's corner."""
    side = cell_side(place.size, style)
    rows = _cells(place.top, pixels.shape[0], side)
    columns = _cells(place.left, pixels.shape[1], side)
    sums = np.add.reduceat(pixels.astype(np.float64), rows.starts, axis=0)
    sums = np.add.reduceat(sums, columns.starts, axis=1)
    counts = rows.lengths[:, None, None] * columns.lengths[None, :, None]
    means = np.rint(sums / counts).astype(pixels.dtype)
    return _where(mask, means[rows.numbers][:, columns.numbers], pixels)


def cell_side(size: float, style: Style) -> int:
    """Px of a cell's side: steps of a quarter or so, lest a zooming shot shimmers.

    size: px, of the region
    """
    wanted = max(style.cell * size, style.least_cell)
    steps = np.rint(4 * 2 ** (np.arange(48) / 3)).astype(int)
    fit = steps[steps >= wanted - 1e-6]
    return int(fit[0]) if wanted > style.least_cell and len(fit) else int(np.ceil(wanted))


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    starts: NDArray[np.intp]  # of each cell, px of the window
    lengths: NDArray[np.intp]  # px
    numbers: NDArray[np.intp]  # the cell of each px


def _cells(offset: int, length: int, side: int) -> _Cells:
    numbers = (offset + np.arange(length)) // side
    numbers -= numbers[0]
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    return _Cells(starts, np.diff(starts, append=length), numbers)


@way("blur")
def blur(pixels: Planes, mask: Mask, place: Place, style: Style) -> Planes:
    """A Gaussian blur, wide ones at a smaller scale."""
    import cv2

    deviation = max(style.blur * place.size, style.least_blur)
    height, width = mask.shape
    shrunk = max(1.0, deviation / _FINE)
    small = max(1, round(width / shrunk)), max(1, round(height / shrunk))
    rough = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(rough, (0, 0), deviation / shrunk, borderType=cv2.BORDER_REPLICATE)
    wide = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    return _where(mask, np.asarray(wide).reshape(pixels.shape), pixels)


@way("fill")
def fill(pixels: Planes, mask: Mask, place: Place, style: Style) -> Planes:
    """One colour: the given one, else the median of the px beside the mask."""
    colour: NDArray[np.generic] = around(pixels, mask)
    if style.colour is not None:
        colour = np.rint(in_channels(style.colour, pixels))
    return _where(mask, np.broadcast_to(colour, pixels.shape), pixels)


@way("inpaint")
def inpaint(pixels: Planes, mask: Mask, place: Place, style: Style) -> Planes:
    """What is around grows inwards: Telea 2004, or Navier-Stokes after Bertalmio 2001.

    A large window is worked on at a smaller scale: the time grows with the mask's area.
    """
    import cv2

    height, width = mask.shape
    scale = min(1.0, _SMALL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    rough = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    # A px of the smaller scale that holds any of the mark must not be learned from.
    share = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA))
    hidden = (share > 0).astype(np.uint8)
    if hidden.all():
        return fill(pixels, mask, place, style)
    kind = cv2.INPAINT_TELEA if style.method == "telea" else cv2.INPAINT_NS
    grown = _by_groups(rough.reshape(*hidden.shape, -1), hidden, kind)
    wide = np.asarray(cv2.resize(grown, (width, height), interpolation=cv2.INTER_LINEAR))
    return _where(mask, wide.reshape(pixels.shape), pixels)


def _by_groups(pixels: Planes, hidden: Mask, kind: int) -> Planes:
    """OpenCV inpaints three channels of 8 bits together, or one of 8 or 16."""
    import cv2

    channels = pixels.shape[2]
    together = 3 if channels >= 3 and pixels.dtype == np.uint8 else 1
    groups = [slice(0, together), *(slice(c, c + 1) for c in range(together, channels))]
    made = [
        np.asarray(cv2.inpaint(np.ascontiguousarray(pixels[..., group]), hidden, _RADIUS, kind))
        for group in groups
    ]
    return np.dstack(made).astype(pixels.dtype)


@way("replace")
def replace(pixels: Planes, mask: Mask, place: Place, style: Style) -> Planes:
    """A picture in the region's box, in proportion, on the colour that is around the mark."""
    import cv2

    assert style.picture is not None  # Style holds it
    plain = fill(pixels, mask, place, style)
    picture = np.dstack([in_channels(style.picture, pixels), _alpha(style.picture)])
    matrix, picture = _into_place(picture, place.corners, stretch=style.stretch)
    size = mask.shape[1], mask.shape[0]
    # Colours went in multiplied by their alpha, so that a clear edge lends them no fringe.
    colours, cover = (
        np.asarray(cv2.warpPerspective(part, matrix, size, flags=cv2.INTER_LINEAR))
        for part in (picture[..., :-1], picture[..., -1])
    )
    mixed = colours.reshape(pixels.shape) + plain * (1 - cover[..., None])
    top = np.iinfo(pixels.dtype).max
    return _where(mask, np.clip(np.rint(mixed), 0, top).astype(pixels.dtype), pixels)


def _alpha(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
    stated = picture[..., 3:] if picture.shape[2] == 4 else opaque
    return (stated / 255).astype(np.float32)


def _into_place(
    picture: NDArray[Any], corners: Corners, *, stretch: bool
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The matrix that takes a picture into a box, and the picture at about that size."""
    import cv2

    sides = np.linalg.norm(corners[[1, 2]] - corners[[0, 1]], axis=1)
    factors = sides / picture.shape[1::-1]
    used = np.ones(2) if stretch else factors.min() / factors
    size = np.maximum(1, np.minimum(np.ceil(sides * used), picture.shape[1::-1])).astype(int)
    planes = picture.astype(np.float32)
    planes[..., :-1] *= planes[..., -1:]
    planes = np.asarray(cv2.resize(planes, size.tolist(), interpolation=cv2.INTER_AREA), np.float32)
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    first = corners[0] + across * (1 - used[0]) / 2 + down * (1 - used[1]) / 2
    across, down = across * used[0], down * used[1]
    goal = np.array([first, first + across, first + across + down, first + down]) - 0.5
    width, height = size.tolist()
    ours = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    matrix = cv2.getPerspectiveTransform(ours.astype(np.float32), goal.astype(np.float32))
    return np.asarray(matrix, np.float64), planes


def around(pixels: Planes, mask: Mask) -> NDArray[np.generic]:
    """(C,): the median of the px beside the mask; of all px, where it leaves none."""
    import cv2

    square = np.ones((2 * _RING + 1, 2 * _RING + 1), np.uint8)
    beside = (np.asarray(cv2.dilate(mask, square)) > 0) & (mask == 0)
    chosen = pixels[beside] if beside.any() else pixels.reshape(-1, pixels.shape[2])
    median: NDArray[np.generic] = np.rint(np.median(chosen, axis=0)).astype(pixels.dtype)
    return median


def in_channels(
    colours: NDArray[np.uint8] | tuple[int, int, int], like: Planes
) -> NDArray[np.float64]:
    """(..., C): RGB colours in the channels and the depth of a window; alpha comes out opaque."""
    rgb = np.asarray(colours, np.float64)[..., :3]
    grey = rgb @ np.array([0.299, 0.587, 0.114])
    channels = like.shape[2]
    planes = rgb if channels >= 3 else grey[..., None]
    if channels in (2, 4):
        planes = np.concatenate([planes, np.full((*planes.shape[:-1], 1), 255.0)], axis=-1)
    return np.asarray(planes * (np.iinfo(like.dtype).max / 255))


def _where(mask: Mask, inside: NDArray[np.generic], outside: Planes) -> Planes:
    chosen = outside.copy()
    np.copyto(chosen, inside, where=(mask > 0)[..., None], casting="unsafe")
    return chosen

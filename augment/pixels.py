"""What every view shares: the two kinds of picture, their mixing, and the ground of a mark.

H, W: px of a picture; C: its channels, 3 or 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB or (H, W, 4) RGBA, alpha not premultiplied
Planes = NDArray[np.float32]  # (H, W, C), 0 to 255, colours multiplied by alpha: these mix linearly
Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
# Levels, in the channel that differs most, within which a colour is still the ground's.
TOLERANCE = 20
# Share of the outermost px that must be clear for transparency to be the ground.
_CLEAR = 0.005
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_PLAIN = 80  # levels of lightness that are plainly seen
_VIVID = 170  # levels of a single channel that are
_STEP = 24  # levels of one bin in which the outermost px vote


def checked(pixels: Pixels) -> Pixels:
    """Raises ValueError unless it is a picture of one px or more."""
    shape = pixels.shape
    if pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] not in (3, 4) or 0 in shape:
        raise ValueError(
            f"a picture of {pixels.dtype} and shape {shape} must be uint8 and (H, W, 3 or 4)"
        )
    return pixels


def to_planes(pixels: Pixels) -> Planes:
    planes = checked(pixels).astype(np.float32)
    if planes.shape[2] == 4:
        planes[..., :3] *= planes[..., 3:] / 255
    return planes


def to_pixels(planes: Planes) -> Pixels:
    """The inverse of `to_planes`; what lies outside 0 to 255 is clipped."""
    if planes.shape[2] == 3:
        return _rounded(planes)
    alpha = np.clip(planes[..., 3:], 0, 255)
    colours = planes[..., :3] * (255 / np.maximum(alpha, 1e-3))
    return _rounded(np.concatenate([np.where(alpha < 0.5, 0, colours), alpha], axis=2))


def _rounded(planes: Planes) -> Pixels:
    pixels: Pixels = np.clip(np.rint(planes), 0, 255).astype(np.uint8)
    return pixels


def opaque(colour: Colour, channels: int) -> NDArray[np.float32]:
    """The (C,) plane values of a colour that hides what lies behind it."""
    return np.array([*colour, 255][:channels], np.float32)


def lay(pixels: Pixels, colour: Colour) -> Pixels:
    """(H, W, 3): the picture on a page of one colour."""
    planes = to_planes(pixels)
    if planes.shape[2] == 3:
        return pixels
    return to_pixels(over(planes, opaque(colour, 3)))


def over(layer: Planes, page: Planes) -> Planes:
    """A (H, W, 4) layer on a page of (H, W, 3) or (3,), where it is clear."""
    clear = np.float32(1) - layer[..., 3:] / np.float32(255)
    return np.asarray(layer[..., :3] + clear * page, np.float32)


def mix(share: NDArray[np.float32], one: Planes, other: Planes) -> Planes:
    """So much of one, 0 to 1, and the rest of the other."""
    return np.asarray(other + share * (one - other), np.float32)


def peak(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest along the last axis, which is short: numpy's own way is slow there."""
    highest = values[..., 0].copy()
    for channel in range(1, values.shape[-1]):
        np.maximum(highest, values[..., channel], out=highest)
    return highest


def ring(planes: NDArray[np.generic]) -> NDArray[np.generic]:
    """The outermost px, corners twice."""
    return np.concatenate((planes[0], planes[-1], planes[:, 0], planes[:, -1]))


def ground_of(planes: Planes) -> NDArray[np.float32]:
    """The (C,) values that a mark stands on: clear, else its corners', else most of its edge's."""
    edge = ring(planes).astype(np.float32)
    if planes.shape[2] == 4 and (edge[:, 3] == 0).mean() >= _CLEAR:
        return np.zeros(4, np.float32)
    corners = planes[[0, 0, -1, -1], [0, -1, 0, -1]]
    alike = np.ptp(corners, axis=0).max() <= TOLERANCE
    found: NDArray[np.float32] = np.median(corners if alike else _commonest(edge), axis=0)
    faint = len(found) == 4 and found[3] <= TOLERANCE
    return np.zeros(4, np.float32) if faint else found


def _commonest(edge: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, C): the px whose colours are in the fullest bin."""
    bins = (edge // _STEP).astype(np.int64) @ (16 ** np.arange(edge.shape[1]))
    values, counts = np.unique(bins, return_counts=True)
    commonest: NDArray[np.float32] = edge[bins == values[counts.argmax()]]
    return commonest


def shown(ground: NDArray[np.float32]) -> Colour:
    """A ground's colour to the eye; a clear one shows a white page."""
    alpha = ground[3] / 255 if len(ground) == 4 else 1.0
    red, green, blue = np.rint(ground[:3] + 255 * (1 - alpha)).astype(int).clip(0, 255).tolist()
    return red, green, blue


def contrast(one: Colour, other: Colour) -> int:
    """Levels in the channel that differs most."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def stands_out(one: Colour, other: Colour) -> bool:
    """Whether ink of one colour is plainly seen on the other, by its lightness or its hue."""
    lighter = abs(np.dot(np.subtract(one, other), _LUMA))
    return bool(lighter >= _PLAIN or contrast(one, other) >= _VIVID)


def pad(pixels: Pixels, margins: tuple[int, int, int, int], fill: NDArray[np.float32]) -> Pixels:
    """A larger canvas. margins: px on the left, top, right, bottom; fill: (C,) plane values."""
    left, top, right, bottom = margins
    height, width, channels = checked(pixels).shape
    canvas = np.empty((top + height + bottom, left + width + right, channels), np.uint8)
    canvas[:] = to_pixels(fill.reshape(1, 1, -1))
    canvas[top : top + height, left : left + width] = pixels
    return canvas

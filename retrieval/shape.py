"""Histograms of oriented gradients (Dalal and Triggs, CVPR 2005) of a 64 px window.

Cells of 8 x 8 px with 9 unsigned orientations, in blocks of 2 x 2 cells, L2-Hys: 1,764 numbers.
Here in numpy, because OpenCV 5 comes without it.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

SIZE = 64  # px
CELL = 8  # px
BINS = 9
BLOCK = 2  # cells
CLIP = 0.2  # L2-Hys: no number of a block of length 1 is above it
_CELLS = SIZE // CELL
_BLOCKS = _CELLS - BLOCK + 1
_NUMBERS = _BLOCKS**2 * BLOCK**2 * BINS
DIMENSION = _NUMBERS + 1  # the last: nothing but one colour
_TINY = 1e-3  # a block of less contrast than this is empty

Array = NDArray[np.float32]


def describe(pixels: NDArray[np.uint8]) -> Array:
    """pixels: (64, 64, 3). Returns (1765,) float32 of length 1."""
    size, angle = gradients(pixels.astype(np.float32) / np.float32(255))
    cells = cell_histograms(size, angle)
    blocks = sliding_window_view(cells, (BLOCK, BLOCK), axis=(0, 1)).reshape(_BLOCKS**2, -1)
    blocks = _unit(np.minimum(_unit(blocks), CLIP))
    row = np.append(blocks.ravel(), np.float32(0))
    if not row.any():
        row[-1] = 1
    return np.asarray(row / np.linalg.norm(row), np.float32)


def gradients(picture: Array) -> tuple[Array, Array]:
    """Central differences, of each px's channel where they are largest.

    picture: (H, W, 3)
    result: sizes (H, W); angles (H, W), radians in [0, pi)
    """
    x, y = np.zeros_like(picture), np.zeros_like(picture)
    x[:, 1:-1] = picture[:, 2:] - picture[:, :-2]
    y[1:-1] = picture[2:] - picture[:-2]
    channel = (x * x + y * y).argmax(axis=2, keepdims=True)
    x, y = (np.take_along_axis(part, channel, axis=2)[..., 0] for part in (x, y))
    return np.hypot(x, y), np.arctan2(y, x) % np.float32(np.pi)


def cell_histograms(size: Array, angle: Array) -> Array:
    """Each px's gradient, shared out between the two orientations nearest to its own.

    size, angle: (64, 64)
    result: (8, 8, BINS); the first orientation's middle is at pi / 18
    """
    place = angle * np.float32(BINS / np.pi) - 0.5
    lower = np.floor(place)
    upper_share = place - lower
    row, column = np.indices(size.shape) // CELL
    first = (row * _CELLS + column) * BINS
    low = lower.astype(np.int64)
    index = np.stack((first + low % BINS, first + (low + 1) % BINS))
    weight = np.stack((size * (1 - upper_share), size * upper_share))
    sums = np.bincount(index.ravel(), weight.ravel(), minlength=_CELLS**2 * BINS)
    return sums.reshape(_CELLS, _CELLS, BINS).astype(np.float32)


def _unit(blocks: Array) -> Array:
    squares = (blocks * blocks).sum(axis=1, keepdims=True)
    unit: Array = blocks / np.sqrt(squares + np.float32(_TINY**2))
    return unit

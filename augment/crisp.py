"""A picture without its anti-aliasing: each px of an edge takes the colour of the nearer side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.pixels import Planes, peak

Index = NDArray[np.intp]

# Levels between two opposite neighbours from which on the px between them may be a mixture.
EDGE = 24
_PASSES = 3  # an edge that is blurred over some px needs as many
_OFF_LINE = 0.2  # of the neighbours' difference: how far a mixture may lie off the line
_NOISE = 8  # levels, the same for edges of little contrast
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def sharpen(planes: Planes) -> Planes:
    """Same shape, edges of one px: a px between two colours that differ becomes one of them.

    Gradients stay, and so does a thin stroke, whose middle lies between no two colours.
    """
    crisp = planes.copy()
    for _ in range(_PASSES):
        rows, columns = np.nonzero(_local_range(crisp) > EDGE)
        snapped = _snapped(crisp, rows, columns)
        if np.array_equal(snapped, crisp[rows, columns]):
            break
        crisp[rows, columns] = snapped
    return crisp


def _local_range(planes: Planes) -> NDArray[np.float32]:
    """(H, W): the largest difference within 3 x 3 px, in the channel that differs most."""
    import cv2

    square = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(planes, square) - cv2.erode(planes, square)
    return peak(np.asarray(spread, np.float32).reshape(planes.shape))


def _snapped(planes: Planes, rows: Index, columns: Index) -> NDArray[np.float32]:
    """(n, C): the new colours of the n px at rows, columns."""
    here = planes[rows, columns]
    best, widest = here, np.full(len(here), float(EDGE**2), np.float32)
    for direction in _DIRECTIONS:
        one, other = (_neighbour(planes, rows, columns, direction, sign) for sign in (-1, 1))
        along = other - one
        length = np.maximum(_dots(along, along), 1e-6)
        place = _dots(here - one, along) / length
        off = _dots(here - one, here - one) - place**2 * length
        mixed = (place > 0.01) & (place < 0.99) & (off < _OFF_LINE**2 * length + _NOISE**2)
        better = mixed & (length > widest)
        nearer = np.where(place[:, None] < 0.5, one, other)
        best = np.where(better[:, None], nearer, best)
        widest = np.where(better, length, widest)
    return best


def _neighbour(
    planes: Planes, rows: Index, columns: Index, direction: tuple[int, int], sign: int
) -> NDArray[np.float32]:
    height, width = planes.shape[:2]
    down, right = sign * direction[0], sign * direction[1]
    found: NDArray[np.float32] = planes[
        np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)
    ]
    return found


def _dots(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    products: NDArray[np.float32] = np.einsum("nc,nc->n", one, other)
    return products

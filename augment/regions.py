"""Connected regions of like colour, whatever gradient runs through them.

Two neighbouring px belong together when they differ little (quasi-flat zones: Meyer, 1998, "The
levelings"); regions too small to mean anything go to the neighbour of the closest colour.
n: the number of regions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.pixels import Planes, peak

Labels = NDArray[np.int32]  # (H, W); 0 is no region, the others run from 1 to n
Pairs = NDArray[np.int64]  # (P, 2) labels

# Levels between neighbouring px, in the channel that differs most, that are no edge.
STEP = 18
# A photo falls into more regions than any mark has parts: the smallest of those are none.
MOST = 500
# Levels within which a thin region is a fringe of its neighbour, as JPEG leaves along edges.
_SHADE = 48
_ROUNDS = 32  # sizes at least double in each: enough for any picture


def like_regions(planes: Planes, inside: NDArray[np.bool_], *, smallest: int) -> Labels:
    """The 8-connected regions among the px of `inside`, the largest first.

    planes: (H, W, C) without anti-aliasing; inside: (H, W)
    smallest: px; smaller regions merge with their neighbours, or count as no region
    """
    labels = _four_connected(planes, inside)
    pairs, near = _touching(planes, labels)
    labels, pairs = _relabelled(labels, pairs, pairs[near])
    for _ in range(_ROUNDS):
        small = np.bincount(labels.ravel()) < smallest
        merging, _ = _closest(planes, labels, pairs, small)
        if not len(merging):
            break
        labels, pairs = _relabelled(labels, pairs, merging)
    merging, distance = _closest(planes, labels, pairs, _fringes(labels))
    labels, _ = _relabelled(labels, pairs, merging[distance <= _SHADE])
    return _by_size(labels, smallest)


def means(planes: Planes, labels: Labels) -> NDArray[np.float64]:
    """(n + 1, C): the mean colour under each label, zeros where a label has no px."""
    flat = labels.ravel()
    areas = np.maximum(np.bincount(flat), 1)
    sums = [np.bincount(flat, plane) for plane in planes.reshape(len(flat), -1).T]
    return np.stack(sums, axis=1) / areas[:, None]


def _four_connected(planes: Planes, inside: NDArray[np.bool_]) -> Labels:
    """Regions over the px and the links between them, drawn on a grid of twice the size."""
    import cv2

    height, width = inside.shape
    grid = np.zeros((2 * height - 1, 2 * width - 1), np.uint8)
    grid[::2, ::2] = inside
    beside = peak(np.abs(planes[:, 1:] - planes[:, :-1])) <= STEP
    below = peak(np.abs(planes[1:] - planes[:-1])) <= STEP
    grid[::2, 1::2] = beside & inside[:, 1:] & inside[:, :-1]
    grid[1::2, ::2] = below & inside[1:] & inside[:-1]
    _, labels = cv2.connectedComponents(grid, connectivity=4)
    return np.asarray(labels[::2, ::2], np.int32)


def _touching(planes: Planes, labels: Labels) -> tuple[Pairs, NDArray[np.bool_]]:
    """The (P, 2) labels of neighbouring px of two regions, and whether the px differ little."""
    pairs, near = [], []
    for one, other in _sides():
        a, b = labels[one], labels[other]
        apart = (a != b) & (a > 0) & (b > 0)
        pairs.append(np.stack([a[apart], b[apart]], axis=1))
        near.append(peak(np.abs(planes[one][apart] - planes[other][apart])) <= STEP)
    return np.concatenate(pairs).astype(np.int64), np.concatenate(near)


def _sides() -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    whole, first, last = slice(None), slice(None, -1), slice(1, None)
    return [
        ((whole, first), (whole, last)),
        ((first, whole), (last, whole)),
        ((first, first), (last, last)),
        ((first, last), (last, first)),
    ]


def joined(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """(count,): the least number that each number from 0 is linked to, through any others."""
    root = np.arange(count)
    while len(pairs):
        a, b = root[pairs[:, 0]], root[pairs[:, 1]]
        if (a == b).all():
            break
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(root, root[root]):
            root = root[root]
    return root


def _relabelled(labels: Labels, pairs: Pairs, merging: Pairs) -> tuple[Labels, Pairs]:
    root = joined(int(labels.max()) + 1, merging)
    pairs = root[pairs]
    return np.asarray(root[labels], np.int32), pairs[pairs[:, 0] != pairs[:, 1]]


def _closest(
    planes: Planes, labels: Labels, pairs: Pairs, weak: NDArray[np.bool_]
) -> tuple[Pairs, NDArray[np.float64]]:
    """Each weak region and the neighbouring one of the closest mean colour, and how far it is."""
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[weak[pairs[:, 0]]]
    keys = np.sort(pairs @ [len(weak), 1])  # many times faster than numpy's unique
    keys = keys[np.diff(keys, prepend=-1) > 0]
    pairs = np.stack(np.divmod(keys, len(weak)), axis=1)
    colours = means(planes, labels)
    distance = np.abs(colours[pairs[:, 0]] - colours[pairs[:, 1]]).max(axis=1, initial=0)
    order = np.lexsort((distance, pairs[:, 0]))
    best = order[np.unique(pairs[order, 0], return_index=True)[1]]
    return pairs[best], distance[best]


def _fringes(labels: Labels) -> NDArray[np.bool_]:
    """(n + 1,): the labels of regions too thin for an inside."""
    held = np.bincount(labels[insides(labels)], minlength=int(labels.max()) + 1)
    return np.equal(held, 0)


def insides(labels: Labels) -> NDArray[np.bool_]:
    """(H, W): whose 3 x 3 px have one label."""
    import cv2

    square, exact = np.ones((3, 3), np.uint8), labels.astype(np.float32)
    same = np.asarray(cv2.erode(exact, square)) == np.asarray(cv2.dilate(exact, square))
    return np.asarray(same, np.bool_).reshape(labels.shape)


def _by_size(labels: Labels, smallest: int) -> Labels:
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    kept = np.flatnonzero(areas >= max(1, smallest))
    kept = kept[np.argsort(-areas[kept], kind="stable")][:MOST]
    number = np.zeros(len(areas), np.int32)
    number[kept] = np.arange(1, len(kept) + 1)
    renumbered: Labels = number[labels]
    return renumbered

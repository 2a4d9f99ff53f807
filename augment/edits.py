"""A mark with some of its segments in other colours, gone, or turned.

Colour change, removal and rotation are the published segment augmentations for trademark retrieval
(Yavuz and Kalkan, "Segment Augmentation and Differentiable Ranking for Logo Retrieval", 2022).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from likemark.augment.geometry import turn_planes
from likemark.augment.matte import edited
from likemark.augment.pixels import Colour, Pixels, Planes, opaque, pad, to_pixels, to_planes
from likemark.augment.segments import Segments

# Share of the ink that must be left for what remains to be the same mark.
KEEP = 0.4
_SMOOTH = 0.015  # of the longer side: the blur of what is grown over a removed segment


def recolour_segments(
    pixels: Pixels, segments: Segments, colours: Mapping[int, Colour], *, flat: bool = False
) -> Pixels:
    """Same shape; segments take the new colours, and keep their gradients unless told.

    colours: new mean RGB by label
    flat: the new colour throughout, without gradient or texture
    """
    _check(segments, tuple(colours))
    solid = segments.matte.solid.copy()
    for label, colour in colours.items():
        under = segments.labels == label
        new, old = opaque(colour, solid.shape[2]), opaque(segments.colour(label), solid.shape[2])
        cover = solid[under][:, 3:] / 255 if solid.shape[2] == 4 else np.ones((1, 1), np.float32)
        solid[under] = new * cover if flat else _shifted(solid[under], (new - old) * cover)
    return edited(pixels, segments.matte, solid, keep_texture=not flat)


def remove_segments(
    pixels: Pixels, segments: Segments, labels: tuple[int, ...], *, keep: float = KEEP
) -> Pixels | None:
    """Same shape; each segment is filled with what lies most around it.

    keep: the share of the ink that must be left; None comes back where less would be
    """
    _check(segments, labels)
    gone = segments.mask(labels)
    if segments.ink - int(gone.sum()) < keep * segments.ink:
        return None
    return edited(pixels, segments.matte, _filled(segments, labels))


def rotate_segments(pixels: Pixels, segments: Segments, turns: Mapping[int, float]) -> Pixels:
    """Each segment turned about its centroid and laid over the rest; its old place is filled.

    turns: degrees counter-clockwise by label
    result: the canvas grows where a turned segment would leave it
    """
    _check(segments, tuple(turns))
    margins = _overflow(segments, turns)
    rest = edited(pixels, segments.matte, _filled(segments, tuple(turns)))
    result = pad(rest, margins, segments.ground)
    for label, degrees in turns.items():
        layer = _layer(pixels, segments, label, margins)
        layer = turn_planes(layer, degrees, _centre(segments, label, margins))
        cover = np.clip(layer[..., -1:], 0, 1)
        planes = to_planes(result)
        laid = to_pixels(np.asarray(planes - cover * planes + layer[..., :-1], np.float32))
        result = np.where(cover > 0, laid, result)
    return result


def _check(segments: Segments, labels: tuple[int, ...]) -> None:
    wrong = [label for label in labels if not 1 <= label <= len(segments)]
    if wrong:
        raise ValueError(f"label {wrong[0]} must be from 1 to {len(segments)}")


def _shifted(colours: NDArray[np.float32], shift: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours (n, C) moved, and held within what their alpha allows."""
    highest = colours[:, 3:] if colours.shape[1] == 4 else 255.0
    moved: NDArray[np.float32] = np.clip(colours + shift, 0, highest)
    return moved


def _filled(segments: Segments, labels: tuple[int, ...]) -> Planes:
    """(H, W, C): the hard-edged colours with these segments overgrown by what is around them."""
    import cv2

    solid, gone = segments.matte.solid.copy(), segments.mask(labels)
    count, holes = cv2.connectedComponents(gone.astype(np.uint8), connectivity=8)
    for number in range(1, count):  # a letter and its counters are one hole
        hole = np.asarray(holes).reshape(gone.shape) == number
        around = _around(segments, hole)
        if around == 0:
            solid[hole] = segments.ground
        else:
            solid[hole] = _nearest(segments, segments.labels == around)[hole]
    return solid


def _around(segments: Segments, hole: NDArray[np.bool_]) -> int:
    """The label that most px just outside of a hole have."""
    import cv2

    grown = np.asarray(cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8)))
    rim = (grown.reshape(hole.shape) > 0) & ~hole
    return int(np.bincount(segments.labels[rim]).argmax()) if rim.any() else 0


def _nearest(segments: Segments, source: NDArray[np.bool_]) -> Planes:
    """(H, W, C): each px takes the hard-edged colour of the nearest px of `source`."""
    import cv2

    inside = np.asarray(cv2.erode(source.astype(np.uint8), np.ones((3, 3), np.uint8)), np.bool_)
    source = inside if inside.any() else source
    _, owner = cv2.distanceTransformWithLabels(
        (~source).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.asarray(owner, np.int64).reshape(source.shape)
    palette = np.zeros((int(owner.max()) + 1, segments.matte.solid.shape[2]), np.float32)
    palette[owner[source]] = segments.matte.solid[source]
    # Streaks would show where px next to each other have their nearest far apart.
    blurred = cv2.GaussianBlur(palette[owner], (0, 0), 0.5 + _SMOOTH * max(source.shape))
    return np.asarray(blurred, np.float32).reshape(segments.matte.solid.shape)


def _layer(
    pixels: Pixels, segments: Segments, label: int, margins: tuple[int, int, int, int]
) -> Planes:
    """(h, w, C + 1): one segment alone on the larger canvas, times its cover, which comes last."""
    matte, own = segments.matte, segments.labels == label
    cover = matte.cover(own)[..., None]
    colours = np.where(
        own[..., None], matte.solid, matte.solid.reshape(-1, pixels.shape[2])[matte.beside]
    )
    layer = np.where(cover == 1, to_planes(pixels), colours * cover)
    left, top, right, bottom = margins
    both = np.concatenate([layer, cover], axis=2)
    return np.pad(both, ((top, bottom), (left, right), (0, 0)))


def _centre(
    segments: Segments, label: int, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> tuple[float, float]:
    rows, columns = np.nonzero(segments.labels == label)
    return float(columns.mean()) + margins[0], float(rows.mean()) + margins[1]


def _overflow(segments: Segments, turns: Mapping[int, float]) -> tuple[int, int, int, int]:
    """Px by which the turned segments reach beyond the left, top, right and bottom."""
    height, width = segments.labels.shape
    margins = np.zeros(4)
    for label, degrees in turns.items():
        x, y = _centre(segments, label)
        left, top, right, bottom = (segments.boxes[label - 1] - [x, y, x, y]).tolist()
        corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]])
        angle = np.radians(degrees)
        spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        reach = corners @ spin + [x, y]
        low, high = reach.min(axis=0), reach.max(axis=0) - [width, height]
        margins = np.maximum(margins, np.ceil([*-low, *high]))
    left, top, right, bottom = margins.astype(int).tolist()
    return left, top, right, bottom

"""Some parts of a mark in other colours, gone, turned, larger, elsewhere, twice, or exchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Job
from likemark.augment.part_inks import fresh_colour
from likemark.augment.parts import Parts, Plane, as_bytes, laid, merged
from likemark.augment.pixels import Colour

_COUNTED = 24  # the largest parts, among which those to edit are chosen
_MINOR = 0.6  # share of the ink: what is more is the mark and not a part of it
_HIDDEN = 60  # levels from the ground within which a part that comes in would not be seen
_ROOM = 255  # labels of a byte


def recolour_parts(parts: Parts, job: Job) -> Parts:
    palette = parts.palette.copy()
    for label in _some(parts, job):
        palette[label] = fresh_colour(job.rng, [_colour(parts, label), parts.ground()])
    return parts.in_colours(palette)


def remove_parts(parts: Parts, job: Job) -> Parts:
    """Without some parts, where enough ink is left."""
    labels, areas = _some(parts, job), parts.areas()
    while labels and areas[labels].sum() > (1 - job.recipe.segments.keep) * areas[1:].sum():
        labels = labels[1:]
    return _without(parts, labels)


def rotate_parts(parts: Parts, job: Job) -> Parts:
    edits = job.recipe.segments
    for label in _some(parts, job, largest=_MINOR):
        parts = _moved(parts, label, degrees=job.sign() * job.within(edits.turn))
    return parts


def scale_parts(parts: Parts, job: Job) -> Parts:
    for label in _some(parts, job, largest=_MINOR):
        parts = _moved(parts, label, factor=job.within(job.recipe.segments.factor))
    return parts


def shift_parts(parts: Parts, job: Job) -> Parts:
    for label in _some(parts, job, largest=_MINOR):
        parts = _moved(parts, label, shift=_step(parts, job))
    return parts


def duplicate_parts(parts: Parts, job: Job) -> Parts:
    """With one part there a second time, farther off than its own size where there is room."""
    edits = job.recipe.segments
    for label in _some(parts, job, largest=_MINOR)[:1]:
        alpha = parts.cover(parts.chosen([label]))
        _, _, width, height = _box(alpha)
        x, y = _step(parts, job)
        far = 0.6 * min(width, height) / max(1.0, float(np.hypot(x, y)))
        spin = job.within((-edits.copy_turn, edits.copy_turn))
        factor = job.within(edits.copy_factor)
        shift = (1 + far) * x, (1 + far) * y
        matrix = _placement(alpha, degrees=spin, factor=factor, shift=shift)
        parts = laid(parts, _warped(alpha, matrix), label)
    return parts


def exchange_parts(parts: Parts, job: Job) -> Parts:
    """With one part gone and another mark's in its place; nothing without another mark."""
    labels, other = _some(parts, job, largest=_MINOR)[:1], job.other
    if other is None or not labels or not len(other.parts) or len(parts.palette) >= _ROOM:
        return parts
    theirs = int(job.rng.integers(1, min(len(other.parts), _COUNTED) + 1))
    alpha = other.parts.cover(other.parts.chosen([theirs]))
    own = _box(parts.cover(parts.chosen(labels)))
    colour = other.parts.palette[theirs] if job.either() else parts.palette[labels[0]]
    if np.abs(colour.astype(int) - parts.palette[0]).max() < _HIDDEN:
        colour = parts.palette[labels[0]]
    fitted = _warped(alpha, _fitting(_box(alpha), own), like=parts.labels)
    rest = _without(parts, labels).in_colours(np.vstack([parts.palette, colour[None]]))
    return laid(rest, _crisp(fitted), len(parts.palette))


def _some(parts: Parts, job: Job, *, largest: float = 1.0) -> list[int]:
    """A few of the larger labels. largest: share of the ink that one of them may have."""
    areas = parts.areas()[1 : _COUNTED + 1]
    fitting = 1 + np.flatnonzero(areas <= largest * areas.sum())
    wanted = int(job.rng.integers(1, job.recipe.segments.most + 1))
    few = min(wanted, max(1, len(areas) - 1))
    chosen: list[int] = fitting[job.rng.permutation(len(fitting))[:few]].tolist()
    return chosen


def _without(parts: Parts, labels: list[int]) -> Parts:
    """Each taken over by the label that is most around it."""
    import cv2

    for label in labels:
        own = (parts.labels == label).astype(np.uint8)
        rim = np.asarray(cv2.dilate(own, np.ones((3, 3), np.uint8))) > own
        near = np.bincount(parts.labels[rim], minlength=1)
        parts = merged(parts, {label: int(near.argmax())})
    return parts


def _moved(
    parts: Parts,
    label: int,
    *,
    degrees: float = 0.0,
    factor: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Parts:
    """One part elsewhere, its old place overgrown, and with it the texture that it has."""
    alpha = parts.cover(parts.chosen([label]))
    matrix = _placement(alpha, degrees=degrees, factor=factor, shift=shift)
    there = _warped(alpha, matrix)
    result = laid(_without(parts, [label]), there, label)
    if parts.texture is None or result.texture is None:
        return result
    texture = _warped(parts.texture, matrix)
    return replace(result, texture=np.where(there[..., None] > 127, texture, result.texture))


def _placement(
    alpha: Plane, *, degrees: float, factor: float, shift: tuple[float, float]
) -> NDArray[np.float64]:
    """(2, 3): about the middle of its box."""
    import cv2

    left, top, width, height = _box(alpha)
    middle = left + width / 2 - 0.5, top + height / 2 - 0.5
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, degrees, factor), np.float64)
    matrix[:, 2] += shift
    right, bottom = left + width, top + height
    corners = np.array([[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]])
    there = _within(corners @ matrix.T, alpha.shape)
    return np.asarray(there @ np.vstack([matrix, [0, 0, 1]]), np.float64)


def _within(corners: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
    """(2, 3): what brings these (x, y) into a picture, smaller where they would not fit."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    room = np.array([size[1] - 1, size[0] - 1])
    scale = float(min(1.0, (room / np.maximum(high - low, 1)).min()))
    middle = (low + high) / 2
    half = scale * (high - low) / 2
    there = np.clip(middle, half, np.maximum(half, room - half))
    return np.column_stack([scale * np.eye(2), there - scale * middle])


def _fitting(
    box: tuple[int, int, int, int], into: tuple[int, int, int, int]
) -> NDArray[np.float64]:
    """(2, 3): from one box into another, in proportion."""
    scale = min(into[2] / box[2], into[3] / box[3])
    x = into[0] + into[2] / 2 - scale * (box[0] + box[2] / 2)
    y = into[1] + into[3] / 2 - scale * (box[1] + box[3] / 2)
    return np.array([[scale, 0, x], [0, scale, y]])


def _warped(
    plane: NDArray[Any], matrix: NDArray[np.float64], like: Plane | None = None
) -> NDArray[Any]:
    import cv2

    height, width = plane.shape[:2] if like is None else like.shape
    return np.asarray(cv2.warpAffine(plane, matrix, (width, height)), plane.dtype)


def _crisp(alpha: Plane) -> Plane:
    """With the soft edges of an enlarged part made steep again."""
    import cv2

    levels = np.clip((np.arange(256) - 127.5) * 3 + 127.5, 0, 255)
    return as_bytes(cv2.LUT(alpha, levels.astype(np.uint8)))


def _box(alpha: Plane) -> tuple[int, int, int, int]:
    """Left, top, width, height; a box of one px where there is nothing."""
    import cv2

    left, top, width, height = cv2.boundingRect(alpha)
    return left, top, max(1, width), max(1, height)


def _step(parts: Parts, job: Job) -> tuple[float, float]:
    """Px to the right and down, in any direction."""
    far = job.within(job.recipe.segments.distance) * max(parts.labels.shape)
    angle = float(job.rng.uniform(0, 2 * np.pi))
    return far * float(np.cos(angle)), far * float(np.sin(angle))


def _colour(parts: Parts, label: int) -> Colour:
    red, green, blue = parts.palette[label].tolist()
    return red, green, blue

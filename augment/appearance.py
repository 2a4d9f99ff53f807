"""The same mark as it is printed elsewhere: inverted, in one colour, in others, as outlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.edits import recolour_segments
from likemark.augment.matte import edited
from likemark.augment.pixels import (
    BLACK,
    WHITE,
    Colour,
    Pixels,
    checked,
    contrast,
    mix,
    opaque,
    shown,
    to_pixels,
    to_planes,
)
from likemark.augment.segments import Segments

_ALIKE = 48  # levels within which two segments count as printed in one ink
_APART = 96  # levels by which a new ink differs from the ground and from the other inks
_TRIES = 64
_PALE = 0.14  # of the lightness range: an ink so close to the ground is left out of one colour
_GAP = 0.016  # of the longer side: the line left open between touching parts of one colour
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def invert(pixels: Pixels) -> Pixels:
    """Every colour's negative; transparency stays. Twice gives the original."""
    inverted = 255 - checked(pixels)
    if pixels.shape[2] == 4:
        inverted[..., 3] = pixels[..., 3]
    return inverted


def one_colour(segments: Segments, *, ink: Colour = BLACK, ground: Colour = WHITE) -> Pixels:
    """(H, W, 3): the mark in one ink, a line left open where two of its parts touch.

    Parts almost as light or dark as the ground become ground, as in a black-and-white print, when
    darker ones are left to show them.
    """
    inked = segments.mask(_printed(segments))
    whole = segments.matte.cover(inked)
    cover = mix(_gaps(segments, inked), np.zeros_like(whole), whole)
    return to_pixels(mix(cover[..., None], opaque(ink, 3), opaque(ground, 3)))


def silhouette(segments: Segments, *, ink: Colour = BLACK, ground: Colour = WHITE) -> Pixels:
    """(H, W, 3): all that is not ground in one ink, with nothing inside."""
    cover = segments.matte.cover(segments.labels > 0)[..., None]
    return to_pixels(mix(cover, opaque(ink, 3), opaque(ground, 3)))


def recolour(pixels: Pixels, segments: Segments, rng: np.random.Generator) -> Pixels:
    """Every ink exchanged for a random one; segments of one ink stay of one ink."""
    inks: list[Colour] = [shown(segments.ground)]
    colours: dict[int, Colour] = {}
    for group in same_ink(segments):
        inks.append(fresh_ink(rng, [*inks, segments.colour(group[0])]))
        colours.update(dict.fromkeys(group, inks[-1]))
    return recolour_segments(pixels, segments, colours)


def outline(
    segments: Segments,
    *,
    width: float | None = None,
    ink: Colour = BLACK,
    ground: Colour = WHITE,
) -> Pixels:
    """(h, w, 3): the borders of the segments as strokes, nothing filled, with room around.

    width: px of a stroke; None: 1.2 % of the longer side, 1 px at least
    """
    if width is None:
        width = max(1.0, 0.012 * max(segments.labels.shape))
    labels = np.pad(segments.labels, int(width) + 2)
    stroke = _strokes(labels, width)[..., None]
    return to_pixels(mix(stroke, opaque(ink, 3), opaque(ground, 3)))


def set_ground(pixels: Pixels, segments: Segments, colour: Colour | None) -> Pixels:
    """The mark on another ground, wherever the old one shows; None: (H, W, 4), a clear ground."""
    if colour is None:
        return _cleared(pixels, segments)
    solid = segments.matte.solid.copy()
    solid[segments.labels == 0] = opaque(colour, solid.shape[2])
    return edited(pixels, segments.matte, solid)


def same_ink(segments: Segments) -> list[tuple[int, ...]]:
    """The labels, grouped by colour, the ink with the largest segment first."""
    groups: list[list[int]] = []
    for label in range(1, len(segments) + 1):
        colour = segments.colour(label)
        for group in groups:
            if contrast(colour, segments.colour(group[0])) <= _ALIKE:
                group.append(label)
                break
        else:
            groups.append([label])
    return [tuple(group) for group in groups]


def fresh_ink(rng: np.random.Generator, avoid: list[Colour]) -> Colour:
    """A random colour unlike all of these, or the most unlike that was found."""
    best, furthest = BLACK, -1
    for _ in range(_TRIES):
        red, green, blue = rng.integers(0, 256, 3).tolist()
        distance = min(contrast((red, green, blue), other) for other in avoid)
        if distance > furthest:
            best, furthest = (red, green, blue), distance
        if furthest >= _APART:
            break
    return best


def _printed(segments: Segments) -> tuple[int, ...]:
    """The labels that take ink in a print of one colour."""
    lightness = segments.colours @ _LUMA
    away = np.abs(lightness - np.dot(shown(segments.ground), _LUMA)) / 255
    strong = away > _PALE
    enough = segments.areas[strong].sum() >= 0.25 * segments.ink
    chosen = np.flatnonzero(strong) if enough else np.arange(len(segments))
    return tuple((chosen + 1).tolist())


def _gaps(segments: Segments, inked: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W), 0 to 1: a line along the borders between inked segments, inside the smaller one."""
    labels = np.where(inked, segments.labels, 0)
    return _strokes(labels, max(1.5, _GAP * max(labels.shape)), between=True)


def _strokes(
    labels: NDArray[np.int32], width: float, *, between: bool = False
) -> NDArray[np.float32]:
    """(H, W), 0 to 1: smooth lines where labels meet; between: only where neither is 0."""
    import cv2

    height, across = labels.shape
    edge = _meeting(labels.repeat(2, axis=0).repeat(2, axis=1), between=between)
    if not edge.any():
        return np.zeros(labels.shape, np.float32)
    distance = cv2.distanceTransform(1 - edge, cv2.DIST_L2, 5)
    # The stairs of the label map are some px long on slopes.
    smooth = np.asarray(cv2.GaussianBlur(distance, (0, 0), 1.2), np.float32)
    line: NDArray[np.float32] = np.clip(width + 0.5 - smooth.reshape(edge.shape), 0, 1)
    small: NDArray[np.float32] = line.reshape(height, 2, across, 2).mean(axis=(1, 3))
    return small


def _meeting(labels: NDArray[np.int32], *, between: bool) -> NDArray[np.uint8]:
    """(H, W), 0 or 1: the px on both sides of a border."""
    edge = np.zeros(labels.shape, np.uint8)
    whole, first, last = slice(None), slice(None, -1), slice(1, None)
    for one, other in (((whole, first), (whole, last)), ((first, whole), (last, whole))):
        a, b = labels[one], labels[other]
        apart = (a != b) & ((a > 0) & (b > 0)) if between else a != b
        edge[one] |= apart
        edge[other] |= apart
    return edge


def _cleared(pixels: Pixels, segments: Segments) -> Pixels:
    """(H, W, 4): what the ground adds to each px is taken out of it."""
    cover = segments.matte.cover(segments.labels > 0)[..., None]
    ink = to_planes(pixels) - mix(cover, np.zeros_like(segments.ground), segments.ground)
    if pixels.shape[2] == 4:
        return to_pixels(np.clip(ink, 0, 255))
    alpha = cover * np.float32(255)
    return to_pixels(np.concatenate([np.clip(ink, 0, alpha), alpha], axis=2))

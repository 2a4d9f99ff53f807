"""The parts of a mark in other inks, on another ground, or as outlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Job
from likemark.augment.parts import LUMA, Chosen, Parts, Plane, as_bytes, of_cover
from likemark.augment.pixels import BLACK, WHITE, Colour

_ALIKE = 48  # levels of one bin in which two parts count as printed in one ink
_SEEN, _VIVID = 80, 170  # levels of lightness, or of one channel, that are plainly seen
_DIM = 70  # levels of lightness from the ground that a new ink keeps
_PALE = 36  # levels of lightness: parts as close to the ground are left out of one colour
_MOST_SEEN = 0.8  # share of the ink that stands out from a new ground
_TRIES = 12  # colours among which the most unlike one is taken
_GAP = 0.014  # of the longer side: half the line left open between parts of one colour


def fresh_colour(rng: np.random.Generator, avoid: Sequence[Colour] | NDArray[np.uint8]) -> Colour:
    """A random colour far from all of these."""
    tried = rng.integers(0, 256, (_TRIES, 1, 3))
    apart = np.abs(tried - np.asarray(avoid, np.int64)).max(axis=2).min(axis=1)
    red, green, blue = tried[int(apart.argmax()), 0].tolist()
    return red, green, blue


def stand_out(palette: NDArray[np.uint8], ground: Colour) -> Chosen:
    """(n,): which colours are plainly seen on a ground, by their lightness or their hue."""
    away = palette.astype(np.float64) - ground
    seen: Chosen = (np.abs(away @ LUMA) >= _SEEN) | (np.abs(away).max(axis=1) >= _VIVID)
    return seen


def seen_share(parts: Parts, ground: Colour) -> float:
    """The share of the ink that stands out from a ground of this colour."""
    areas = parts.areas()[1:]
    return float(areas[stand_out(parts.palette[1:], ground)].sum() / max(1, areas.sum()))


def print_in_one_colour(parts: Parts, job: Job) -> Parts:
    """All in one ink, lines left open where parts meet; pale parts become ground, as in print."""
    import cv2

    away = np.abs((parts.palette[1:].astype(np.float64) - parts.palette[0]) @ LUMA)
    strong, areas = away > _PALE, parts.areas()[1:]
    if areas[strong].sum() < 0.25 * areas.sum():
        strong = np.ones(len(parts), np.bool_)
    chosen = np.concatenate([[False], strong])
    cover = parts.cover(chosen)
    if int(strong.sum()) > 1:
        cover = as_bytes(cv2.subtract(cover, _borders(parts, chosen)))
    return of_cover(cover, *_print(job))


def recolour_all(parts: Parts, job: Job) -> Parts:
    """Every ink exchanged for a random one; parts of one ink stay of one ink."""
    if not len(parts):
        return parts
    ground = _page(job) if job.either(0.3) else parts.ground()
    keys = (parts.palette[1:] // _ALIKE).astype(np.int64) @ [64, 8, 1]
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    inks = [ground]
    for place in first:
        red, green, blue = parts.palette[1 + int(place)].tolist()
        inks.append(fresh_colour(job.rng, [*inks[:6], (red, green, blue)]))
    colours = np.array(inks[1:], np.int64)
    colours = _legible(colours, ground)
    new = np.vstack([[ground], colours[group.ravel()]]).astype(np.uint8)
    return parts.in_colours(new)


def draw_outline(parts: Parts, job: Job) -> Parts:
    """The borders of the parts as strokes, nothing filled."""
    import cv2

    width = job.within(job.recipe.appearance.stroke) * max(parts.labels.shape)
    edges = _edges(parts.labels)
    distance = np.asarray(cv2.distanceTransform(255 - edges, cv2.DIST_L2, 3), np.float32)
    smooth = np.asarray(cv2.GaussianBlur(distance, (0, 0), 0.8), np.float32)
    reach = max(0.6, width / 2)
    stroke = np.clip((reach + 0.7 - smooth) * 255, 0, 255).astype(np.uint8)
    return of_cover(stroke, *_print(job))


def change_ground(parts: Parts, job: Job) -> Parts:
    """Another ground from which the ink stands out; as it was where none was found."""
    for _ in range(6):
        ground = _page(job)
        far = np.abs(parts.palette[0].astype(int) - ground).max() > 30
        if far and seen_share(parts, ground) >= _MOST_SEEN:
            return on_ground(parts, ground)
    return parts


def on_ground(parts: Parts, ground: Colour) -> Parts:
    palette = parts.palette.copy()
    palette[0] = ground
    return parts.in_colours(palette)


def _print(job: Job) -> tuple[Colour, Colour]:
    """An ink and a ground: mostly black on white, else colours far apart."""
    kind = float(job.rng.random())
    if kind < 0.5:
        return BLACK, WHITE
    if kind < 0.6:
        return WHITE, BLACK
    ground = WHITE if kind < 0.8 else _page(job)
    ink = np.array([fresh_colour(job.rng, [ground])])
    red, green, blue = _legible(ink, ground)[0].tolist()
    return (red, green, blue), ground


def _page(job: Job) -> Colour:
    """White, black, nearly so, or any colour."""
    kind = float(job.rng.random())
    low, high = (0, 256) if kind < 0.4 else (0, 50) if kind < 0.75 else (220, 256)
    red, green, blue = job.rng.integers(low, high, 3).tolist()
    return red, green, blue


def _legible(colours: NDArray[np.int64], ground: Colour) -> NDArray[np.int64]:
    """(n, 3): colours as light as the ground become so dark, or so light, that they are seen."""
    dim = np.abs((colours - ground) @ LUMA) < _DIM
    light = float(np.dot(ground, LUMA)) > 127
    moved = colours // 3 if light else 255 - (255 - colours) // 3
    return np.where(dim[:, None], moved, colours)


def _edges(labels: Plane) -> Plane:
    """255 on the px where two labels meet."""
    import cv2

    cross = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 0]], np.uint8)
    apart = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, cross)
    _, edges = cv2.threshold(apart, 0, 255, cv2.THRESH_BINARY)
    return as_bytes(edges)


def _borders(parts: Parts, inked: Chosen) -> Plane:
    """255 along lines where two inked parts meet."""
    import cv2

    table = np.arange(256, dtype=np.uint8)
    table[: len(inked)][~inked] = 0
    labels = as_bytes(cv2.LUT(parts.labels, table))
    half = max(1, round(_GAP * max(labels.shape) / 2))
    square = np.ones((2 * half + 1, 2 * half + 1), np.uint8)
    low = np.asarray(cv2.erode(labels, square))
    meets = (low != np.asarray(cv2.dilate(labels, square))) & (low > 0)
    return as_bytes(cv2.blur(meets.astype(np.uint8) * 255, (2, 2)))

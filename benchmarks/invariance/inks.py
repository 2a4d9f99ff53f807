"""Transformations of what is printed: colours, outlines, segments changed, removed or turned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.appearance import fresh_ink, invert, one_colour, outline, recolour, set_ground
from likemark.augment.edits import KEEP, recolour_segments, remove_segments, rotate_segments
from likemark.augment.pixels import Colour, Pixels, shown
from likemark.augment.scene import on_page
from likemark.augment.segments import Segments
from likemark.benchmarks.invariance.transformations import (
    Subject,
    Transformation,
    transformation,
)

INK_WAYS: dict[str, Transformation] = {}
LIGHT: Colour = (244, 243, 238)
DARK: Colour = (22, 24, 30)
# Inks of a print in one colour, on white.
INKS: tuple[Colour, ...] = ((0, 0, 0), (20, 40, 110), (150, 25, 35), (15, 90, 60), (90, 90, 95))
_MOST = 3  # segments changed at once
_LEAST = 0.01  # of the ink: a smaller segment's change is seen by nobody
_TURN = (25.0, 155.0)  # degrees, either way


@transformation(INK_WAYS, "inversion", "every colour's negative")
def inversion(subject: Subject, rng: np.random.Generator) -> Pixels:
    return invert(subject.pixels)


@transformation(INK_WAYS, "one_colour", "in one ink on white")
def in_one_colour(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    if not len(subject.segments):
        return None
    return one_colour(subject.segments, ink=INKS[int(rng.integers(len(INKS)))])


@transformation(INK_WAYS, "recolour", "every ink exchanged for another")
def recoloured(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    if not len(subject.segments):
        return None
    return recolour(subject.pixels, subject.segments, rng)


@transformation(INK_WAYS, "outline", "the borders of its parts as strokes, nothing filled")
def outlined(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    return outline(subject.segments) if len(subject.segments) else None


@transformation(INK_WAYS, "segments_changed", "one to three of its parts in other colours")
def segments_changed(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    segments = subject.segments
    chosen = _choose(segments, rng)
    if not chosen:
        return None
    ground = shown(segments.ground)
    colours = {label: fresh_ink(rng, [ground, segments.colour(label)]) for label in chosen}
    return recolour_segments(subject.pixels, segments, colours)


@transformation(
    INK_WAYS, "segments_removed", "without one to three of its parts, most of its ink left"
)
def segments_removed(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    segments, gone = subject.segments, []
    spare = (1 - KEEP) * segments.ink
    for label in _choose(segments, rng, below=spare):
        spare -= int(segments.areas[label - 1])
        if spare >= 0:
            gone.append(label)
    return remove_segments(subject.pixels, segments, tuple(gone)) if gone else None


@transformation(
    INK_WAYS, "segments_rotated", "one to three of its parts turned about their own middles"
)
def segments_rotated(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    chosen = _choose(subject.segments, rng, leaves=True)
    if not chosen:
        return None
    turns = {label: float(rng.uniform(*_TURN) * rng.choice([-1, 1])) for label in chosen}
    return rotate_segments(subject.pixels, subject.segments, turns)


@transformation(INK_WAYS, "transparent", "cut out of its ground, as a picture with transparency")
def transparent(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    if not len(subject.segments):
        return None
    return set_ground(subject.pixels, subject.segments, None)


@transformation(INK_WAYS, "transparent_light", "cut out of its ground and laid on a light page")
def transparent_light(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    return on_page(subject.pixels, subject.segments, LIGHT)


@transformation(INK_WAYS, "transparent_dark", "cut out of its ground and laid on a dark page")
def transparent_dark(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    return on_page(subject.pixels, subject.segments, DARK)


def _choose(
    segments: Segments,
    rng: np.random.Generator,
    *,
    below: float = np.inf,
    leaves: bool = False,
) -> tuple[int, ...]:
    """One to three labels, never all of them; none where the mark is all of one part.

    below: px, the most a segment may have; leaves: only segments that hold no others
    """
    fitting: NDArray[np.bool_] = segments.areas >= _LEAST * segments.ink
    fitting &= segments.areas <= below
    if leaves:
        fitting[segments.parents[segments.parents > 0] - 1] = False
    labels = np.flatnonzero(fitting) + 1
    most = min(_MOST, len(labels), len(segments) - 1)
    if most < 1:
        return ()
    count = int(rng.integers(1, most + 1))
    return tuple(rng.choice(labels, count, replace=False).tolist())

"""Transformations of where things are: turning, mirroring, stretching, cutting, company, text."""

from __future__ import annotations

import numpy as np

from likemark.augment.capture import jpeg, scan, thumbnail
from likemark.augment.geometry import crop, mirror, rotate, stretch
from likemark.augment.letters import LETTER_SHARE, remove_text
from likemark.augment.pixels import Pixels
from likemark.augment.scene import beside, plate
from likemark.augment.segments import find_segments
from likemark.augment.text import PLACES, add_text, invented_word
from likemark.benchmarks.invariance.transformations import (
    Subject,
    Transformation,
    transformation,
)
from likemark.retrieval.pictures.normalise import flatten

SHAPE_WAYS: dict[str, Transformation] = {}
_FREE = 20  # degrees: a free rotation is no nearer to a quarter turn than this
_OVERLAP = (0.12, 0.3)  # of the mark's width or height


@transformation(SHAPE_WAYS, "rotation_15", "turned by 15 degrees either way")
def rotation_15(subject: Subject, rng: np.random.Generator) -> Pixels:
    return rotate(subject.pixels, 15.0 * int(rng.choice([-1, 1])))


@transformation(SHAPE_WAYS, "rotation_90", "turned by a quarter either way")
def rotation_90(subject: Subject, rng: np.random.Generator) -> Pixels:
    return rotate(subject.pixels, 90.0 * int(rng.choice([-1, 1])))


@transformation(SHAPE_WAYS, "rotation_180", "upside down")
def rotation_180(subject: Subject, rng: np.random.Generator) -> Pixels:
    return rotate(subject.pixels, 180)


@transformation(SHAPE_WAYS, "rotation_free", "turned by any angle that is far from a quarter turn")
def rotation_free(subject: Subject, rng: np.random.Generator) -> Pixels:
    quarter = 90 * int(rng.integers(4))
    return rotate(subject.pixels, quarter + float(rng.uniform(_FREE, 90 - _FREE)))


@transformation(SHAPE_WAYS, "mirror", "left and right exchanged")
def mirrored(subject: Subject, rng: np.random.Generator) -> Pixels:
    return mirror(subject.pixels)


@transformation(SHAPE_WAYS, "stretched", "1.5 times as wide, or as tall")
def stretched(subject: Subject, rng: np.random.Generator) -> Pixels:
    return stretch(subject.pixels, 1.5, upright=bool(rng.integers(2)))


@transformation(SHAPE_WAYS, "crop_25", "a window that keeps a quarter of the mark's area")
def crop_25(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    return crop(subject.pixels, subject.segments, rng, share=0.25)


@transformation(SHAPE_WAYS, "text_added", "an invented word below, beside or across the mark")
def text_added(subject: Subject, rng: np.random.Generator) -> Pixels:
    place = PLACES[int(rng.integers(len(PLACES)))]
    return add_text(subject.pixels, subject.segments, invented_word(rng), place=place)


@transformation(
    SHAPE_WAYS, "text_removed", "without its lines of letters, where it has some beside a device"
)
def text_removed(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    return remove_text(subject.pixels, find_segments(subject.pixels, min_share=LETTER_SHARE))


@transformation(SHAPE_WAYS, "composite", "one mark with another one beside it or partly over it")
def composite(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    if subject.companion is None:
        return None
    overlap = float(rng.uniform(*_OVERLAP)) if rng.integers(2) else 0.0
    return beside(subject.pixels, subject.segments, subject.companion, rng, overlap=overlap)


@transformation(SHAPE_WAYS, "plate", "on a coloured plate or badge")
def on_plate(subject: Subject, rng: np.random.Generator) -> Pixels | None:
    return plate(subject.pixels, subject.segments, rng)


@transformation(SHAPE_WAYS, "jpeg_10", "saved as a JPEG file of quality 10")
def jpeg_10(subject: Subject, rng: np.random.Generator) -> Pixels:
    return jpeg(flatten(subject.pixels), 10)


@transformation(SHAPE_WAYS, "thumbnail_32", "no side longer than 32 px")
def thumbnail_32(subject: Subject, rng: np.random.Generator) -> Pixels:
    return thumbnail(subject.pixels, 32)


@transformation(
    SHAPE_WAYS, "scanned", "printed and scanned: askew, noisy, unevenly lit, a little soft"
)
def scanned(subject: Subject, rng: np.random.Generator) -> Pixels:
    return scan(flatten(subject.pixels), rng)

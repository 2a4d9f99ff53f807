"""From a collection to queries: every picture through every transformation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from likemark.augment.geometry import fit
from likemark.augment.pixels import Pixels
from likemark.benchmarks.invariance.suite import select
from likemark.benchmarks.invariance.transformations import Subject, Transformation, apply
from likemark.db.errors import InvalidInput

Named = tuple[str, Pixels]  # a picture's id, unique within its collection, and its px

# Longer sides are shrunk to so many px: encoders see less, and every view is made in a moment.
MAX_SIDE = 512


@dataclass(frozen=True, slots=True)
class Derived:
    """One query of known truth."""

    picture: str  # id of the picture that it shows
    transformation: str  # name of what was done to it
    pixels: Pixels  # (H, W, 3 or 4)


def derive(
    pictures: Iterable[Named],
    *,
    companions: Sequence[Named] = (),
    transformations: tuple[Transformation, ...] | None = None,
) -> Iterator[Derived]:
    """The queries of each picture in turn; those that make no sense for it are left out.

    pictures: ids and (H, W, 3 or 4) px; a query depends on its own picture's id and px, on the
        companions and on nothing else
    companions: marks to set beside others in composites, best none of the gallery; none given:
        there are no composites
    transformations: None: all
    """
    ways = select(()) if transformations is None else transformations
    for name, pixels in pictures:
        subject = Subject.of(_bounded(pixels), companion(name, companions))
        for way in ways:
            view = apply(way, subject, name)
            if view is not None:
                yield Derived(name, way.name, view)


def companion(picture: str, companions: Sequence[Named]) -> Pixels | None:
    """The mark set beside a picture: the one whose id and the picture's hash highest together.

    It stays the same when other companions come or go, and is never the picture itself.
    """
    others = [(name, pixels) for name, pixels in companions if name != picture]
    if not others:
        return None
    return _bounded(max(others, key=lambda other: _lot(picture, other[0]))[1])


def _lot(picture: str, other: str) -> bytes:
    return hashlib.sha256(f"{picture}\0{other}".encode()).digest()


def _bounded(pixels: Pixels) -> Pixels:
    shape = pixels.shape
    if pixels.dtype != "uint8" or len(shape) != 3 or shape[2] not in (3, 4) or 0 in shape:
        raise InvalidInput(
            f"a picture of {pixels.dtype} and shape {shape} must be uint8 and (H, W, 3 or 4)"
        )
    return fit(pixels, MAX_SIDE) if max(shape[:2]) > MAX_SIDE else pixels

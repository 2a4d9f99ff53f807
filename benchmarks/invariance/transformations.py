"""What a mark goes through between the register and the query, each at a fixed seed.

Every transformation keeps the mark recognisable to an examiner: its truth is the picture it was
made from. One that makes no sense for a picture gives None and is not counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from likemark.augment.pixels import Pixels
from likemark.augment.segments import Segments, find_segments
from likemark.db.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Subject:
    """A picture as the transformations take it."""

    pixels: Pixels  # (H, W, 3 or 4)
    segments: Segments  # its parts
    companion: Pixels | None = None  # another mark, for composites; None: there is none

    def __post_init__(self) -> None:
        if self.pixels.shape[:2] != self.segments.labels.shape:
            raise InvalidInput(
                f"a picture of {self.pixels.shape[:2]} px and segments of "
                f"{self.segments.labels.shape} px are not of one mark"
            )

    @classmethod
    def of(cls, pixels: Pixels, companion: Pixels | None = None) -> Subject:
        return cls(pixels, find_segments(pixels), companion)


Apply = Callable[[Subject, np.random.Generator], Pixels | None]


@dataclass(frozen=True, slots=True)
class Transformation:
    """One way in which a query differs from the mark it shows."""

    name: str  # its row in the tables
    description: str  # one line, for people
    make: Apply  # the view, or None where it makes no sense

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or not self.description:
            raise InvalidInput(
                f"transformation {self.name!r} needs a name of letters, digits and _, "
                "and a description"
            )


def transformation(
    ways: dict[str, Transformation], name: str, description: str
) -> Callable[[Apply], Apply]:
    """Enter a function in a registry under a name."""

    def enter(make: Apply) -> Apply:
        if name in ways:
            raise InvalidInput(f"transformation {name!r} is there already: choose another name")
        ways[name] = Transformation(name, description, make)
        return make

    return enter


def apply(way: Transformation, subject: Subject, picture: str) -> Pixels | None:
    """The view that this picture always gets, whatever else is made and in whatever order.

    picture: its id, which seeds the view together with the transformation's name
    """
    return way.make(subject, generator(way.name, picture))


def generator(name: str, picture: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{name}\0{picture}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8]))

"""What locators are asked: every query, every scene, and which query is asked in which scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.found import Mask, Rect
from likemark.db.errors import InvalidInput

Kind = Literal["drawing", "crop"]
KINDS: tuple[Kind, ...] = ("drawing", "crop")
Size = Literal["small", "medium", "large"]
SIZES: tuple[Size, ...] = ("small", "medium", "large")
SMALL, MEDIUM = 0.01, 0.1  # shares of a photo's area below which its logo is small, medium


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture under one of its brands: a photo of two brands is two scenes."""

    id: str  # unlike that of any other scene
    width: int  # px
    height: int  # px
    brand: str | None  # None: it shows none of the brands
    boxes: tuple[Rect, ...]  # where the brand stands; none where there is no brand

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1 or (self.brand is None) != (not self.boxes):
            raise InvalidInput(
                f"scene {self.id!r}: {self.width} x {self.height} px, brand {self.brand}, "
                f"{len(self.boxes)} boxes: a scene has px, and boxes if it has a brand"
            )

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def size(self) -> Size | None:
        """By the share of the photo's area that its largest box has; None without a brand."""
        if not self.boxes:
            return None
        share = max(width * height for _, _, width, height in self.boxes)
        share /= self.width * self.height
        return "small" if share < SMALL else "medium" if share < MEDIUM else "large"


@dataclass(frozen=True, slots=True)
class Query:
    """One picture of a brand's mark."""

    id: str  # unlike that of any other query
    kind: Kind
    brand: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Where is the query's mark in this scene? Nowhere, if the scene shows another brand."""

    scene: int  # place of the scene among `Tasks.scenes`
    query: int  # place of the query among `Tasks.queries`


@dataclass(frozen=True, slots=True)
class Asked:
    """A list of questions, scene by scene."""

    scenes: tuple[Scene, ...]
    queries: tuple[Query, ...]
    asks: tuple[Ask, ...]  # those of a scene side by side

    def __post_init__(self) -> None:
        for what, group in (("scene", self.scenes), ("query", self.queries)):
            if len({each.id for each in group}) < len(group):
                raise InvalidInput(f"two of the {what} ids are equal: number them")
        if not self.asks:
            raise InvalidInput("nothing is asked: no scene has a query")

    def id(self, ask: Ask) -> str:
        return f"{self.queries[ask.query].id} in {self.scenes[ask.scene].id}"

    def is_right(self, ask: Ask) -> bool:
        """Whether the scene shows the query's brand."""
        return self.scenes[ask.scene].brand == self.queries[ask.query].brand


class Tasks(Protocol):
    """Questions and the pictures that belong to them."""

    @property
    def asked(self) -> Asked: ...

    @property
    def data(self) -> str:
        """sha256 of everything that the answers depend on, 64 hexadecimal digits."""
        ...

    def scene_pixels(self, scene: int) -> Pixels:
        """(H, W, 3). Raises PictureError."""
        ...

    def query_pixels(self, query: int) -> Pixels:
        """(h, w, 3), or (h, w, 4) of a transparent one. Raises PictureError."""
        ...

    def truth(self, scene: int) -> Mask | None:
        """(H, W): the px of all copies of the brand's mark; None where only boxes are known."""
        ...


def as_rgb(pixels: Pixels) -> Pixels:
    """A photo without its alpha channel, if it has one. pixels: (H, W, 3 or 4)"""
    return np.ascontiguousarray(pixels[..., :3])

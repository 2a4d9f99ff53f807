"""The values that pass between a decoder and its callers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput

_CROP = re.compile(r"\s*(-?\d{1,9})" + r"\s*,\s*(-?\d{1,9})" * 3 + r"\s*")


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle in px of the upright picture; the part outside the picture is cut off."""

    x: int  # px from the left edge, may be negative
    y: int  # px from the top edge, may be negative
    width: int  # px, 1 or more
    height: int  # px, 1 or more

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise InvalidInput(
                f"a crop of {self.width} x {self.height} px is empty: both sides must be 1 or more"
            )

    @property
    def box(self) -> tuple[int, int, int, int]:
        """As `Crop(*box)` takes it."""
        return self.x, self.y, self.width, self.height

    @classmethod
    def parse(cls, text: str) -> Crop:
        """Read `x,y,width,height`, as typed on a command line."""
        found = _CROP.fullmatch(text)
        if found is None:
            raise InvalidInput(f"crop {text!r} is not four whole numbers: write x,y,width,height")
        return cls(*(int(number) for number in found.groups()))


@dataclass(frozen=True, slots=True)
class Request:
    """One picture to decode."""

    name: str  # path, or the label shown in messages when `data` is given
    data: bytes | None = None  # the file's bytes; None: read the file `name`
    crop: Crop | None = None  # px; None: the whole picture
    blocks: bool = False  # the blocks of its layout are wanted too
    halves: bool = False  # and its halves
    eighths: bool = False  # and what it is turned by eighths


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A part of a picture, ready for a network of input size S."""

    pixels: NDArray[np.uint8]  # (S, S, 3) RGB
    box: Crop  # px of the upright picture


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One decoded picture, ready for a network of input size S."""

    pixels: NDArray[np.uint8]  # (S, S, 3) RGB
    content: bytes  # 32 bytes, sha256 of the file
    artwork: bytes  # 32 bytes, sha256 of the trimmed flattened RGB pixels and their shape
    width: int  # px, upright, before crop and trim; of an SVG as rendered
    height: int  # px, upright, before crop and trim; of an SVG as rendered
    format: str  # "PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF" or "SVG"
    # Where they were asked for:
    blocks: tuple[Block, ...] = ()  # elements of its layout; none of a mark that is one block
    halves: tuple[Block, ...] = ()  # without those that show nothing
    eighths: tuple[NDArray[np.uint8], ...] = ()  # (S, S, 3) each; none of a mark on no one colour

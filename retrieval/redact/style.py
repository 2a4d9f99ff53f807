"""How marks are covered, as plain settings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput

COVERS = ("box", "hull", "mask")
# The outline of a mark gives it away: only inpainting, which leaves none, covers less than a box,
# and no less than the hull, since a mask leaves specks of the mark that it would spread.
_OWN_COVER = {"mosaic": "box", "blur": "box", "fill": "box", "inpaint": "hull", "replace": "box"}
METHODS = ("telea", "ns")
MOST_MARGIN = 10  # times a mark's size: more than that covers any picture


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """One way of covering marks. A region's size: the side of the square as large as its box."""

    way: str = "mosaic"  # one of ways.WAYS
    cover: str | None = None  # "box", "hull" or "mask" of the region; None: the way's own
    margin: float = 0.08  # that the mask grows by, as a share of the size; at ends, of the length
    least_margin: int = 6  # px that it grows by at least: a small mark's mask is a few cells wide
    cell: float = 0.25  # side of a mosaic's cell, as a share of the region's size
    least_cell: int = 8  # px of its side at least
    blur: float = 0.3  # standard deviation of the blur, as a share of the region's size
    least_blur: float = 6.0  # px at least
    colour: tuple[int, int, int] | None = None  # RGB of `fill`; None: as around the mark
    method: str = "telea"  # of `inpaint`: "telea" or "ns"
    picture: NDArray[np.uint8] | None = None  # (h, w, 3 or 4) that `replace` puts in place
    stretch: bool = False  # the picture fills the box, out of proportion if need be

    def __post_init__(self) -> None:
        _among("way", self.way, tuple(_OWN_COVER))
        _among("cover", self.cover or "box", COVERS)
        _among("method", self.method, METHODS)
        for name, value, least in (
            ("margin", self.margin, 0), ("least_margin", self.least_margin, 0),
            ("cell", self.cell, 0), ("least_cell", self.least_cell, 2),
            ("blur", self.blur, 0), ("least_blur", self.least_blur, 1),
        ):  # fmt: skip
            if not (math.isfinite(value) and value >= least):
                raise InvalidInput(f"{name} is {value}: it must be {least} or more")
        if self.margin > MOST_MARGIN:
            raise InvalidInput(f"margin is {self.margin}: it must be {MOST_MARGIN} or less")
        self._check_colour()
        self._check_picture()

    @property
    def covers(self) -> str:
        return self.cover or _OWN_COVER[self.way]

    def _check_colour(self) -> None:
        if self.colour is None:
            return
        if len(self.colour) != 3 or not all(0 <= value <= 255 for value in self.colour):
            raise InvalidInput(f"colour is {self.colour}: it must be red, green, blue, 0 to 255")

    def _check_picture(self) -> None:
        picture = self.picture
        if (picture is not None) != (self.way == "replace"):
            raise InvalidInput("`replace` needs a picture, and no other way takes one")
        if picture is None:
            return
        right = picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] in (3, 4)
        if not right or 0 in picture.shape:
            raise InvalidInput(
                f"the picture to put in place is {picture.dtype} and {picture.shape}: it must be "
                "uint8 and (h, w, 3 or 4)"
            )


def _among(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidInput(f"{name} is {value!r}: it must be one of {', '.join(allowed)}")

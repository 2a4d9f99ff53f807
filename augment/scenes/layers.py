"""What is put into a scene: a stamp in its inks, or on a plate. h, w: px of a layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likemark.augment.parts import Plane, as_bytes, page
from likemark.augment.pixels import BLACK, WHITE, Colour, stands_out
from likemark.augment.scene import PLATES
from likemark.augment.scenes.stamps import Stamp

Way = Literal["over", "multiply", "screen", "emboss"]  # how a layer changes what it lies on

_ROUND = 0.33  # of its radius: a little more than a round corner is off a square one
_CLEAR = 2  # px around all that is painted, so that its edge stays smooth


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The mark's own middle is the layer's middle."""

    paint: NDArray[np.uint8]  # (h, w, 4): red, green, blue, each multiplied by alpha; alpha
    mask: Plane  # (h, w): what counts as the mark
    inked: tuple[int, int]  # px: width and height of the mark's ink
    way: Way = "over"
    raised: bool = False  # a plate, which casts a shadow


@dataclass(frozen=True, slots=True)
class Plate:
    """What a sign's mark stands on."""

    colour: Colour
    margin: float  # of half the mark's longer side
    corner: float  # share of the largest radius, 0 to 1; less where it would cut the mark
    frame: Colour | None = None  # of a rim, if it has one


def in_own_inks(stamp: Stamp) -> Layer:
    paint = np.dstack([stamp.ink, stamp.cover])
    return _roomy(paint, stamp, _CLEAR)


def in_one_ink(stamp: Stamp, ink: Colour, strength: float, way: Way = "over") -> Layer:
    """strength: 0 to 1, how much of the ink goes on where it is fullest"""
    import cv2

    alpha = cv2.convertScaleAbs(stamp.tone, alpha=strength)
    planes = [cv2.convertScaleAbs(alpha, alpha=level / 255) for level in ink]
    return _roomy(as_bytes(cv2.merge([*planes, alpha])), stamp, _CLEAR, way)


def on_plate(stamp: Stamp, plate: Plate, ink: Colour | None) -> Layer:
    """ink: None: the mark's own"""
    import cv2

    height, width = stamp.cover.shape
    margin = round(plate.margin * max(height, width) / 2)
    bare = in_own_inks(stamp) if ink is None else in_one_ink(stamp, ink, 1.0)
    bare = _roomy(bare.paint[_CLEAR:-_CLEAR, _CLEAR:-_CLEAR], stamp, margin + _CLEAR)
    size = (height + 2 * margin, width + 2 * margin)
    plate = replace(plate, corner=min(plate.corner, 2 * margin / (_ROUND * min(size))))
    board = _bordered(_board(size, plate), _CLEAR)
    clear = cv2.merge([cv2.bitwise_not(np.ascontiguousarray(bare.paint[..., 3]))] * 4)
    paint = cv2.add(bare.paint, cv2.multiply(board, clear, scale=1 / 255))
    return Layer(as_bytes(paint), bare.mask, bare.inked, raised=True)


def draw_plate(rng: np.random.Generator, ground: Colour, margin: float, *, own: bool) -> Plate:
    """own: of the mark's ground's colour"""
    colour = ground if own else PLATES[int(rng.integers(len(PLATES)))]
    corner = float(rng.choice((0.0, float(rng.uniform(0, 0.5)), 1.0), p=(0.3, 0.5, 0.2)))
    rimmed = rng.random() < 0.25
    return Plate(colour, margin, corner, ink_for(rng, colour) if rimmed else None)


def ink_for(rng: np.random.Generator, ground: Colour) -> Colour:
    """Any ink that is plainly seen on the ground: half of the time black or white."""
    plain = BLACK if np.mean(ground) > 127 else WHITE
    for _ in range(0 if rng.random() < 0.5 else 12):
        red, green, blue = rng.integers(0, 256, 3).tolist()
        if stands_out((red, green, blue), ground):
            return red, green, blue
    return plain


def _roomy(paint: NDArray[np.uint8], stamp: Stamp, margin: int, way: Way = "over") -> Layer:
    """With that many clear px around it."""
    height, width = stamp.cover.shape
    return Layer(_bordered(paint, margin), _bordered(stamp.mask, margin), (width, height), way)


def _bordered(plane: NDArray[np.uint8], margin: int) -> NDArray[np.uint8]:
    import cv2

    way, clear = cv2.BORDER_CONSTANT, (0, 0, 0, 0)
    return as_bytes(cv2.copyMakeBorder(plane, margin, margin, margin, margin, way, value=clear))


def _board(size: tuple[int, int], plate: Plate) -> NDArray[np.uint8]:
    """(h, w, 4): the plate itself, and its rim. size: h, w"""
    import cv2

    inside = rounded(size, plate.corner)
    colours = page(size, plate.colour)
    if plate.frame is not None:
        rim = max(1, round(0.03 * min(size)))
        core = rounded((max(1, size[0] - 4 * rim), max(1, size[1] - 4 * rim)), plate.corner)
        hole = rounded((max(1, size[0] - 6 * rim), max(1, size[1] - 6 * rim)), plate.corner)
        band = cv2.subtract(_centred(core, size), _centred(hole, size))
        colours = np.where(band[..., None] > 127, np.array(plate.frame, np.uint8), colours)
    whole = cv2.multiply(colours, cv2.merge([inside] * 3), scale=1 / 255)
    return np.dstack([as_bytes(whole), inside])


def _centred(plane: Plane, size: tuple[int, int]) -> Plane:
    top, left = ((whole - part) // 2 for whole, part in zip(size, plane.shape, strict=True))
    canvas = np.zeros(size, np.uint8)
    canvas[top : top + plane.shape[0], left : left + plane.shape[1]] = plane
    return canvas


def rounded(size: tuple[int, int], corner: float) -> Plane:
    """(h, w): 255 in a rectangle with corners of that share of the largest radius. size: h, w"""
    height, width = size
    radius = max(0.5, corner * min(height, width) / 2)
    rows = np.abs(np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None]
    columns = np.abs(np.arange(width, dtype=np.float32) - (width - 1) / 2)
    down = np.maximum(rows - (height / 2 - radius), 0)
    across = np.maximum(columns - (width / 2 - radius), 0)
    return as_bytes(np.clip(255 * (radius + 0.5 - np.hypot(across, down)), 0, 255).astype(np.uint8))

"""From a decoded frame to the square a network sees: flatten, trim, pad, resize.

H, W: px of the picture; S: px of the square's side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.retrieval.pictures.background import choose_background

# Grey levels that JPEG noise and scanner shading stay within.
TOLERANCE = 24
FLAT = 12  # levels of `spread`, within which a picture is of one colour
# Share of the outermost px that must have one colour for it to be a border.
_UNIFORM = 0.6
# Share of the outermost px that must be clear for what shows through to be the ground.
_CLEAR = 0.005
# Clear space on every side of the square, as a share of S.
MARGIN = 0.04
_WHITE = np.full(3, 255, np.uint8)
_BAND_BYTES = 1 << 20


def prepared(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """By all the rules of this module: flattened, trimmed, padded to a square.

    pixels: (H, W, 3 or 4)
    size: S, px
    result: (S, S, 3)
    """
    pixels = np.ascontiguousarray(pixels)
    rgb = flatten(pixels)
    ground = ground_colour(pixels, rgb)
    return square(trim(rgb, ground), size, ground)


def flatten(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay a transparent picture on the background that keeps its ink visible.

    pixels: (H, W, 4), alpha not premultiplied; (H, W, 3) come back as they are
    result: (H, W, 3); white shows through where nothing speaks against it
    """
    if pixels.shape[2] == 3:
        return pixels
    if pixels[..., 3].min() == 255:
        return np.ascontiguousarray(pixels[..., :3])
    image = Image.fromarray(pixels)
    canvas = Image.new("RGB", image.size, choose_background(pixels))
    canvas.paste(image, mask=image.getchannel("A"))
    return np.asarray(canvas)


def ground_colour(pixels: NDArray[np.uint8], rgb: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The colour that a mark stands on: what shows through at the edge, else its border's.

    pixels: (H, W, 3 or 4), before `flatten`
    rgb: (H, W, 3), after it
    result: (3,), or None where the outermost px have no common colour
    """
    if pixels.shape[2] == 4:
        clear = _ring(pixels)[:, 3] == 0
        # The corners round a badge, say, though most of its edge is opaque.
        if clear.mean() >= _CLEAR:
            ground: NDArray[np.uint8] = _ring(rgb)[clear.argmax()]
            return ground
    return border_colour(rgb)


def border_colour(rgb: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The one colour of a picture's corners or else of most of its outermost px, or None.

    rgb: (H, W, 3)
    result: (3,)
    """
    corners = rgb[[0, 0, -1, -1], [0, -1, 0, -1]]
    if int(np.ptp(corners, axis=0).max()) <= TOLERANCE:
        corner: NDArray[np.uint8] = np.median(corners, axis=0).astype(np.uint8)
        return corner
    ring = _ring(rgb)
    colour = np.median(ring, axis=0).astype(np.uint8)
    low, high = _around(colour)
    near = ((ring >= low) & (ring <= high)).all(axis=1)
    return colour if near.mean() >= _UNIFORM else None


def spread(rgb: NDArray[np.uint8]) -> int:
    """Levels between the lowest and the highest of the channel where they are furthest apart.

    rgb: (H, W, 3), neither side 0
    """
    # Column by column, then what is left of them: a hundred times faster than both at once.
    low, high = rgb.min(axis=0).min(axis=0), rgb.max(axis=0).max(axis=0)
    return int((high - low).max())


def trim(rgb: NDArray[np.uint8], ground: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Cut the uniform border away; a picture of one colour comes back whole.

    rgb: (H, W, 3), C-contiguous
    ground: (3,), the border's colour; None: as `border_colour` finds it
    result: (h, w, 3), a view of `rgb`
    """
    left, top, width, height = inked(rgb, ground)
    return rgb[top : top + height, left : left + width]


def inked(
    rgb: NDArray[np.uint8], ground: NDArray[np.uint8] | None = None
) -> tuple[int, int, int, int]:
    """Left, top, width and height, px, of what `trim` leaves of a picture."""
    tall, wide = rgb.shape[:2]
    whole = 0, 0, wide, tall
    colour = border_colour(rgb) if ground is None else ground
    if colour is None:
        return whole
    low, high = (np.tile(bound, wide) for bound in _around(colour))
    rows = rgb.reshape(tall, wide * 3)
    top = _first_inked_row(rows, low, high)
    if top == tall:
        return whole
    bottom = tall - _first_inked_row(rows[::-1], low, high)
    core = rows[top:bottom]
    ink = (core.max(axis=0) > high) | (core.min(axis=0) < low)
    columns = np.flatnonzero(ink.reshape(wide, 3).any(axis=1))
    left = int(columns[0])
    return left, top, int(columns[-1]) + 1 - left, bottom - top


def square(
    rgb: NDArray[np.uint8], size: int, ground: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Scale to fit a square and pad it with what the mark stands on: nothing is squashed.

    rgb: (H, W, 3)
    size: S, px
    ground: (3,), the colour to pad with; None: as `border_colour` finds it, else white
    result: (S, S, 3); the longer side fills all but `MARGIN` on each side
    """
    height, width = rgb.shape[:2]
    inner = max(1, round(size * (1 - 2 * MARGIN)))
    scale = inner / max(height, width)
    fitted = max(1, round(width * scale)), max(1, round(height * scale))
    # Whole-number box steps first: a 100-megapixel picture shrinks in a fraction of the time.
    small = Image.fromarray(rgb).resize(fitted, Image.Resampling.BICUBIC, reducing_gap=1.5)
    colour = border_colour(rgb) if ground is None else ground
    result = np.empty((size, size, 3), np.uint8)
    result[:] = _WHITE if colour is None else colour
    left, top = (size - fitted[0]) // 2, (size - fitted[1]) // 2
    result[top : top + fitted[1], left : left + fitted[0]] = np.asarray(small)
    return result


def _ring(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


def _around(colour: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    wide = colour.astype(np.int16)
    low, high = np.maximum(wide - TOLERANCE, 0), np.minimum(wide + TOLERANCE, 255)
    return low.astype(np.uint8), high.astype(np.uint8)


def _first_inked_row(
    rows: NDArray[np.uint8], low: NDArray[np.uint8], high: NDArray[np.uint8]
) -> int:
    """Index of the first row with a value outside low..high, or the number of rows."""
    step = max(1, _BAND_BYTES // rows.shape[1])
    for start in range(0, len(rows), step):
        band = rows[start : start + step]
        inked = ((band > high) | (band < low)).any(axis=1)
        if inked.any():
            return start + int(inked.argmax())
    return len(rows)

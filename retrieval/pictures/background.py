"""The background a transparent mark is laid on, chosen so that its ink does not vanish.

Ink that meets transparency must stand out from the background, or have ink beside it that does:
a white fill inside a black outline is safe on white, a white wordmark next to a black device is
not. All is judged on a reduced copy, because only the shares matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

# In order of preference.
CANDIDATES = ((255, 255, 255), (0, 0, 0), (128, 128, 128), (192, 192, 192), (64, 64, 64))
_SIDE = 384  # px, most on the reduced copy's longer side
_PROBES = 8  # px looked at along each side of a block
_INK_ALPHA = 64  # of 255: fainter px are glow and anti-aliasing
_CONTRAST = 40  # grey levels, in the channel that differs most
_REACH = 5  # px of the reduced copy within which visible ink protects invisible ink
_ENOUGH = 0.985  # share of the ink's edge that must be protected


def choose_background(rgba: NDArray[np.uint8]) -> tuple[int, int, int]:
    """The first candidate on which the ink stays visible, else the one that hides least.

    rgba: (H, W, 4), alpha not premultiplied
    result: RGB; white where there is no ink or no transparency
    """
    pixels = _reduced(rgba)
    ink = pixels[..., 3] >= min(_INK_ALPHA, max(1, int(pixels[..., 3].max()) // 2))
    edge = ink & ~_eroded(ink)
    if not edge.any():
        return CANDIDATES[0]
    shares = {}
    for colour in CANDIDATES:
        shares[colour] = _protected_share(pixels, ink, edge, colour)
        if shares[colour] >= _ENOUGH:
            return colour
    return max(shares, key=shares.__getitem__)


def _reduced(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The most opaque px of each block: a thin stroke keeps its colour and is not skipped.

    rgba: (H, W, 4)
    result: (h, w, 4), `_SIDE` px at most
    """
    step = -(-max(rgba.shape[:2]) // _SIDE)
    chosen = rgba[::step, ::step].copy()
    offsets = range(0, step, -(-step // _PROBES))
    for down in offsets:
        for right in offsets:
            other = rgba[down::step, right::step]
            part = chosen[: other.shape[0], : other.shape[1]]
            better = other[..., 3] > part[..., 3]
            if better.any():
                part[better] = other[better]
    return chosen


def _eroded(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Ink whose four neighbours are ink; beyond the picture's rim counts as ink."""
    padded = np.pad(ink, 1, constant_values=True)
    sides = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.logical_and(ink, sides)


def _protected_share(
    pixels: NDArray[np.uint8],
    ink: NDArray[np.bool_],
    edge: NDArray[np.bool_],
    colour: tuple[int, int, int],
) -> float:
    distance = np.abs(pixels[..., :3].astype(np.int16) - np.array(colour, np.int16)).max(axis=2)
    visible = ink & (distance >= _CONTRAST)
    return float(_dilated(visible)[edge].mean())


def _dilated(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True within `_REACH` px of a true px."""
    # One lit px spread over the window still rounds above zero: 255 / 11**2 is 2.1.
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(image.filter(ImageFilter.BoxBlur(_REACH))) > 0

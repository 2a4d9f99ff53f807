"""Marks covered in an opened picture file of any mode, as it is stored.

The file's object is changed in place: what else it knows of itself, it keeps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from likemark.db.errors import PictureError
from likemark.retrieval.redact.paint import painted
from likemark.retrieval.redact.regions import Mask, Region
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.turns import EXIF_TURNS, Turn
from likemark.retrieval.redact.ways import Planes

_DIRECT = {"L", "LA", "RGB", "RGBA", "I;16", "I;16L", "I;16B"}
_BY_RGB = {"1", "P", "CMYK", "YCbCr"}
_ORIENTATION = 0x0112
_AT_ONCE = 1 << 14  # colours compared with a palette at a time


def check_mode(name: str, frame: ImageFile.ImageFile) -> None:
    """Raise PictureError for what cannot be written as it was read."""
    count = getattr(frame, "n_frames", 1)
    if count > 1:
        raise PictureError(
            name, "not_a_picture", f"it holds {count} pictures or frames: save them one by one"
        )
    if frame.mode not in _DIRECT | _BY_RGB:
        raise PictureError(
            name, "not_a_picture", f"px of mode {frame.mode} cannot be covered: save it as RGB"
        )
    if frame.mode in ("RGB", "RGBA", "LA", "CMYK") and _deep(frame):
        raise PictureError(
            name,
            "not_a_picture",
            "colours of 16 bits a channel would be cut to 8: save it with 8 bits a channel",
        )


def _deep(frame: ImageFile.ImageFile) -> bool:
    """Whether the file has more bits than Pillow reads: as "RGB;16B", but for a BMP's 5-6-5."""
    return any(";16" in mode and mode != "BGR;16" for mode in map(_raw_mode, frame.tile))


def _raw_mode(tile: ImageFile._Tile) -> str:
    first = tile.args[0] if isinstance(tile.args, tuple) and tile.args else tile.args
    return first if isinstance(first, str) else ""


def turn_of(frame: Image.Image) -> Turn:
    """As the decoder of this project turns it: broken metadata turn nothing."""
    try:
        orientation = frame.getexif().get(_ORIENTATION, 1)
    except Exception:
        return Turn()
    known = isinstance(orientation, int)
    return EXIF_TURNS.get(orientation, Turn()) if known else Turn()


def cover(frame: Image.Image, regions: Sequence[Region], style: Style) -> bool:
    """Cover regions, which are in px of the upright picture; whether any px was."""
    turn = turn_of(frame)
    if frame.mode in _DIRECT:
        pixels = np.array(frame)
        pixels = pixels.astype(pixels.dtype.newbyteorder("="))
        if _painted(pixels, regions, turn, style) is None:
            return False
        made = Image.fromarray(pixels)
        frame.paste(made if made.mode == frame.mode else made.convert(frame.mode))
        return True
    clear = "transparency" in frame.info
    # Of a copy: the conversion leaves its traces in the palette, which is written as it is.
    rgb = np.array(frame.copy().convert("RGBA" if clear else "RGB"))
    mask = _painted(rgb, regions, turn, style)
    if mask is None:
        return False
    frame.paste(_back(rgb, mask, frame), (0, 0), Image.fromarray(mask))
    return True


def _painted(stored: Planes, regions: Sequence[Region], turn: Turn, style: Style) -> Mask | None:
    """Paint in place; the px that are covered, as stored, or None."""
    planes = stored[..., None] if stored.ndim == 2 else stored
    covered = np.zeros(stored.shape[:2], np.uint8)
    seen, marked = turn.upright(planes), turn.upright(covered)
    for region in regions:
        patch = painted(seen, region, style)
        if patch is not None:
            patch.lay(seen)
            np.maximum(marked[patch.window], patch.mask, out=marked[patch.window])
    return covered if covered.any() else None


def _back(rgb: NDArray[np.uint8], mask: Mask, frame: Image.Image) -> Image.Image:
    """Painted px in the frame's own mode; what lies outside the mask does not matter."""
    if frame.mode == "P":
        return Image.fromarray(_indices(rgb, mask, frame), "L")
    if frame.mode == "1":
        light = np.asarray(Image.fromarray(rgb).convert("L")) >= 128
        return Image.fromarray(light)
    return Image.fromarray(rgb[..., :3]).convert(frame.mode)


def _indices(rgb: NDArray[np.uint8], mask: Mask, frame: Image.Image) -> NDArray[np.uint8]:
    """(H, W): the nearest colours of the palette, where the mask is."""
    palette = _palette(frame, rgb.shape[2])
    colours, which = np.unique(rgb[mask > 0], axis=0, return_inverse=True)
    nearest = np.empty(len(colours), np.uint8)
    for start in range(0, len(colours), _AT_ONCE):
        part = colours[start : start + _AT_ONCE, None].astype(np.int32)
        nearest[start : start + _AT_ONCE] = np.square(part - palette).sum(axis=2).argmin(axis=1)
    indices = np.zeros(mask.shape, np.uint8)
    indices[mask > 0] = nearest[which.ravel()]
    return indices


def _palette(frame: Image.Image, channels: int) -> NDArray[np.int32]:
    """(n, 3 or 4) colours, alpha among them where there is any."""
    ramp = Image.frombytes("P", (256, 1), bytes(range(256)))
    colours = frame.getpalette("RGB") or []
    ramp.putpalette(colours, "RGB")
    if "transparency" in frame.info:
        ramp.info["transparency"] = frame.info["transparency"]
    table = np.asarray(ramp.convert("RGBA" if channels == 4 else "RGB"))[0]
    known: NDArray[np.int32] = table[: max(1, len(colours) // 3)].astype(np.int32)
    return known

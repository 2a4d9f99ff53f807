"""What Pillow leaves undone when a TIFF is written anew.

Pillow turns a TIFF upright while it decodes it and forgets how it lay; no other format is treated
so. Tags after TIFF 6.0.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, TiffImagePlugin

from likemark.retrieval.redact.packets import clean_iptc, clean_xmp
from likemark.retrieval.redact.resources import clean_resources
from likemark.retrieval.redact.signs import Tell, may_stay

_ORIENTATION, _XMP, _IPTC, _PHOTOSHOP = 274, 700, 33723, 34377
_EXIF, _GPS, _MAKER, _ICC = 34665, 34853, 37500, 34675
_CLEANERS: Mapping[int, Callable[[bytes, Tell], bytes]] = {
    _XMP: clean_xmp, _IPTC: clean_iptc, _PHOTOSHOP: clean_resources,
}  # fmt: skip
# What says how the px are stored, which the writer does anew, or holds further pictures.
_STORAGE = (
    254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325,
    330, 338, 339, 347, 512, 513, 514, 515, 519, 520, 521, 529, 530, 531, 532,
)  # fmt: skip
# Tags of makers' own begin here; of what they hold only this is known: IPTC, Photoshop's resources,
# EXIF, ICC, GPS, copyright, and where on earth a map lies. The layers of Photoshop (37724) are not.
_PRIVATE = 32768
_KNOWN = {33432, 33550, _IPTC, 33922, 34264, _PHOTOSHOP, _EXIF, _ICC, 34735, 34736, 34737, _GPS,
          42112, 42113}  # fmt: skip
_LYING = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def as_stored(frame: Image.Image, content: bytes) -> Image.Image:
    """An upright picture as it lay in the file that it is from."""
    turn = _LYING.get(_orientation(content))
    return frame if turn is None else frame.transpose(turn)


def tiff_options(frame: Image.Image, content: bytes, tell: Tell) -> dict[str, Any]:
    """How a TIFF is saved: compressed as it was, unless `is_unpacked`, with all tags that are known
    and not about its storage.

    tell: is told what is left out
    """
    tags: Any = frame.getexif()
    below = tags.get_ifd(_EXIF)
    if below.pop(_MAKER, None) is not None:
        tell("maker's note")
    for tag in list(tags):
        if tag in _STORAGE:
            del tags[tag]
        elif tag >= _PRIVATE and tag not in _KNOWN:
            del tags[tag]
            tell(f"TIFF tag {tag}")
    for directory in (tags, below, tags.get_ifd(_GPS)):
        _clean(directory, frame, tell)
    orientation = _orientation(content)
    if orientation in _LYING:
        tags[_ORIENTATION] = orientation
    compression = "raw" if is_unpacked(frame) else frame.info.get("compression", "raw")
    return {"exif": tags, "compression": compression}


def _clean(directory: Any, frame: Any, tell: Tell) -> None:
    """Take the pictures out of a directory's values."""
    for tag, value in list(directory.items()):
        if tag in _CLEANERS:
            clean = _CLEANERS[tag](_plain(value, frame), tell)
            # Pillow would write them once more, as they were.
            frame.tag_v2.pop(tag, None)
            if clean:
                directory[tag] = clean
            else:
                del directory[tag]
        elif tag != _ICC and isinstance(value, bytes | str) and not may_stay(_plain(value, frame)):
            del directory[tag]
            tell(f"TIFF tag {tag}")


def _plain(value: Any, frame: Any) -> bytes:
    """A value's bytes as in the file: whole numbers of 32 bits were such before."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, tuple):
        order = ">" if frame.tag_v2.prefix == b"MM" else "<"
        return struct.pack(f"{order}{len(value)}I", *value)
    return bytes(value)


def is_unpacked(frame: Image.Image) -> bool:
    """Whether it is written without compression: Pillow's way to compress cannot write EXIF."""
    tags = frame.getexif()
    packed = frame.info.get("compression", "raw") != "raw"
    return packed and (_EXIF in tags or _GPS in tags)


def _orientation(content: bytes) -> int:
    """As the header states it; 1 where it states none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stated = TiffImagePlugin.TiffImageFile(io.BytesIO(content)).tag_v2.get(_ORIENTATION, 1)
    return stated if isinstance(stated, int) else 1

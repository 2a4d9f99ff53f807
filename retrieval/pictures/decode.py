"""One picture decoded in this process: a file in, a `Picture` or a `PictureError` out.

A hostile file can still crash or stall a codec; `pool` puts these calls behind a process boundary.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import PictureError
from likemark.retrieval.pictures import places, raster, sniff, svg
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.normalise import flatten, ground_colour, prepared, square, trim
from likemark.retrieval.pictures.picture import Crop, Picture, Request

_HASH_BYTES = 1 << 20  # bytes hashed at once, so that a trimmed view needs no whole copy


def decode(request: Request, *, size: int, limits: PictureLimits) -> Picture:
    """Read, check, decode and normalise one picture.

    size: S, px, side of the square result
    Raises PictureError and nothing else, whatever the bytes are.
    """
    try:
        return _decode(request, size, limits)
    except PictureError:
        raise
    except MemoryError as fault:
        raise PictureError(request.name, "memory") from fault
    except Exception as fault:
        detail = f"{type(fault).__name__}: {fault}"
        raise PictureError(request.name, "damaged", detail) from fault


def read(name: str, limits: PictureLimits) -> bytes:
    """The bytes of a regular file, refused by its size before any is read, or of another place."""
    if places.is_elsewhere(name):
        return places.read_elsewhere(name, limits)
    try:
        with open(name, "rb", opener=_open_at_once) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise PictureError(name, "unreadable", "it is no regular file: name a picture")
            _check_bytes(name, state.st_size, limits)
            return file.read(limits.max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise PictureError(name, "missing", "no such file: check the path") from None
    except (OSError, ValueError) as fault:
        raise PictureError(name, "unreadable", f"it cannot be read: {fault}") from fault


def _open_at_once(path: str, flags: int) -> int:
    # Opening a FIFO would wait for its writer.
    return os.open(path, flags if sys.platform == "win32" else flags | os.O_NONBLOCK)


def read_checked(request: Request, limits: PictureLimits) -> tuple[bytes, str]:
    """The bytes of a picture's file and their kind, after every check that needs no decoding."""
    name = request.name
    data = read(name, limits) if request.data is None else request.data
    _check_bytes(name, len(data), limits)
    if not data:
        raise PictureError(name, "empty", "the file has no bytes: get it again")
    kind = sniff.sniff(name, data)
    if limits.check_extension:
        sniff.check_extension(name, kind)
    return data, kind


def _decode(request: Request, size: int, limits: PictureLimits) -> Picture:
    name = request.name
    data, kind = read_checked(request, limits)
    frame = (
        svg.render(name, data, limits) if kind == "SVG" else raster.load(name, data, kind, limits)
    )
    pixels, crop = np.asarray(frame), request.crop
    if crop is not None:
        pixels = _cut(name, pixels, crop)
    rgb = flatten(pixels)
    ground = ground_colour(pixels, rgb)
    art = trim(rgb, ground)
    return Picture(
        pixels=square(art, size, ground),
        content=hashlib.sha256(data).digest(),
        artwork=fingerprint(art),
        width=frame.width,
        height=frame.height,
        format=kind,
        **_views(pixels, size, request),
    )


def _views(pixels: NDArray[np.uint8], size: int, request: Request) -> dict[str, Any]:
    """What else of it is wanted."""
    if not (request.blocks or request.halves or request.eighths):
        return {}
    from likemark.retrieval.pictures.blocks import block_pictures, half_pictures
    from likemark.retrieval.pictures.views import turned_by_eighths

    crop = request.crop
    left, top = (max(crop.x, 0), max(crop.y, 0)) if crop else (0, 0)
    wanted: dict[str, Callable[[], tuple[Any, ...]]] = {
        "blocks": lambda: block_pictures(pixels, size, left=left, top=top),
        "halves": lambda: half_pictures(pixels, size, left=left, top=top),
        "eighths": lambda: tuple(prepared(turned, size) for turned in turned_by_eighths(pixels)),
    }
    made: dict[str, Any] = {}
    for kind, make in wanted.items():
        if getattr(request, kind):
            with suppress(MemoryError):  # the whole picture was read: it asks all the same
                made[kind] = make()
    return made


def fingerprint(rgb: NDArray[np.uint8]) -> bytes:
    """sha256 of a picture's shape and pixels, whatever file they came from.

    rgb: (H, W, 3), any strides
    result: 32 bytes
    """
    height, width = rgb.shape[:2]
    digest = hashlib.sha256(b"%d %d " % (height, width))
    step = max(1, _HASH_BYTES // (width * 3))
    for start in range(0, height, step):
        digest.update(np.ascontiguousarray(rgb[start : start + step]).data)
    return digest.digest()


def _check_bytes(name: str, count: int, limits: PictureLimits) -> None:
    if count > limits.max_bytes:
        raise PictureError(
            name,
            "too_many_bytes",
            f"{count} bytes is over the limit of {limits.max_bytes}: "
            "save it smaller or raise max_bytes",
        )


def _cut(name: str, pixels: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    left, top = max(crop.x, 0), max(crop.y, 0)
    right, bottom = min(crop.x + crop.width, width), min(crop.y + crop.height, height)
    if left >= right or top >= bottom:
        raise PictureError(
            name,
            "crop_outside",
            f"the crop {crop.x},{crop.y},{crop.width},{crop.height} does not overlap "
            f"the picture of {width} x {height} px",
        )
    return np.ascontiguousarray(pixels[top:bottom, left:right])

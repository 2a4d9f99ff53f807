"""Raster files read with Pillow: one upright frame, never larger than the limit allows.

The plugin of the sniffed kind is called directly. `Image.open` would try other plugins and
compare sizes with a process-wide limit, and a library must not change global state.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.ending import ends_early
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.modes import to_rgb

_OPENERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load(name: str, data: bytes, kind: str, limits: PictureLimits) -> Image.Image:
    """The first frame of a raster file, upright, in mode RGB or RGBA."""
    with warnings.catch_warnings():
        # Pillow warns of odd metadata, which no caller can act on.
        warnings.simplefilter("ignore")
        frame = open_frame(name, data, kind)
        check_size(name, frame.size, limits)
        try:
            frame.load()
            return to_rgb(_upright(frame))
        except MemoryError:
            raise
        except Exception as fault:
            raise broken(name, data, kind, fault) from fault


def dimensions(name: str, data: bytes, kind: str) -> tuple[int, int]:
    """Width and height in px as the header states them, nothing decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return open_frame(name, data, kind).size


def check_size(name: str, size: tuple[int, int], limits: PictureLimits) -> None:
    """Refuse a size in px that is over the limit or empty."""
    width, height = size
    if width < 1 or height < 1:
        raise PictureError(name, "damaged", f"its header states {width} x {height} px")
    if width * height > limits.max_pixels:
        raise PictureError(
            name,
            "too_many_pixels",
            f"{width} x {height} px is {width * height / 1e6:.1f} megapixels, over the limit "
            f"of {limits.max_megapixels:g}: scale it down or raise --max-megapixels",
        )


def open_frame(name: str, data: bytes, kind: str) -> ImageFile.ImageFile:
    """The header alone is read. Raises PictureError."""
    try:
        return _OPENERS[kind](io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as fault:
        raise broken(name, data, kind, fault) from fault


def broken(name: str, data: bytes, kind: str, fault: Exception) -> PictureError:
    """What a codec's own error says of a file."""
    # Codecs word a cut file in many ways, some as mere damage: the file's own frame decides.
    if ends_early(data, kind) or "truncated" in str(fault).lower():
        return PictureError(name, "truncated", f"the {kind} data end too early; get it again")
    return PictureError(name, "damaged", f"the {kind} data cannot be decoded: {fault}")


def _upright(frame: Image.Image) -> Image.Image:
    try:
        orientation = frame.getexif().get(_ORIENTATION, 1)
    except Exception:  # broken metadata are no reason to refuse sound pixels
        return frame
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return frame if turn is None else frame.transpose(turn)

"""Marks taken out of a picture file: the same format, metadata and px around them."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from likemark.db.errors import InvalidInput, LikemarkError, PictureError, one_line
from likemark.retrieval.files import check_target, write_whole
from likemark.retrieval.pictures import raster
from likemark.retrieval.pictures.decode import read_checked
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.normalise import flatten
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.pictures.sniff import EXTENSIONS
from likemark.retrieval.redact.exif import clean_exif
from likemark.retrieval.redact.packets import clean_xmp
from likemark.retrieval.redact.regions import Locator, Pixels, Region
from likemark.retrieval.redact.signs import Tell
from likemark.retrieval.redact.splice import spliced_jpeg, spliced_png
from likemark.retrieval.redact.stored import check_mode, cover
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.tiff import as_stored, is_unpacked, tiff_options

_QUALITY = 92  # of a lossy WebP or AVIF, which does not say what it was saved with


@dataclass(frozen=True, slots=True, eq=False)
class PictureResult:
    """What became of one picture."""

    regions: tuple[Region, ...]  # that were located, in px of the upright picture
    copied: bool  # nothing was covered: the file is the source's, byte for byte
    notes: tuple[str, ...]  # one line each
    written: bool = True  # False: nothing was covered, and no copy was wanted


def redact_picture(
    source: Path,
    target: Path,
    locate: Locator,
    *,
    style: Style | None = None,
    limits: PictureLimits | None = None,
    copy: bool = True,
) -> PictureResult:
    """Cover the marks of a picture; what lies outside is bit-identical where the format allows.

    locate: is shown the picture upright, laid on a plain ground where it is transparent
    copy: a picture in which nothing is covered is written all the same, as it is
    Raises PictureError for what cannot be read or not be written as it was, InvalidInput for a
    target of another format, and what `write_whole` raises.
    """
    limits, name = limits or PictureLimits(), str(source)
    check_target(target)
    content, kind = read_checked(Request(name), limits)
    if EXTENSIONS.get(target.suffix.lower()[1:]) != kind:
        raise InvalidInput(f"{target}: {source.name} is {kind}, and so is what is written: name it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata
        frame = _opened(name, content, kind, limits)
        regions = tuple(locate(_seen(name, content, kind, limits)))
        if not regions or not cover(frame, regions, style or Style()):
            if copy:
                write_whole(target, content)
            return PictureResult(regions, copy, (), written=copy)
        left_out: list[str] = []
        write_whole(target, _encoded(name, frame, content, kind, left_out.append))
    notes = (*_notes(name, frame, content, kind), *_told(name, left_out))
    return PictureResult(regions, False, notes)


def _opened(name: str, content: bytes, kind: str, limits: PictureLimits) -> ImageFile.ImageFile:
    """The file's own object, decoded; all that is not its px is checked before."""
    if kind == "SVG":
        raise PictureError(name, "not_a_picture", "an SVG has no px to cover: save it as PNG")
    raster.check_size(name, raster.dimensions(name, content, kind), limits)
    frame = raster.open_frame(name, content, kind)
    check_mode(name, frame)
    try:
        frame.load()
    except MemoryError as fault:
        raise PictureError(name, "memory") from fault
    except Exception as fault:
        raise raster.broken(name, content, kind, fault) from fault
    return frame


def _seen(name: str, content: bytes, kind: str, limits: PictureLimits) -> Pixels:
    """(H, W, 3), upright: what a locator is shown."""
    return flatten(np.asarray(raster.load(name, content, kind, limits)))


def _encoded(name: str, frame: ImageFile.ImageFile, content: bytes, kind: str, tell: Tell) -> bytes:
    """tell: is told what of the metadata is left out"""
    stream = io.BytesIO()
    try:
        options = _OPTIONS.get(kind, _shared)(frame, content, tell)
        (as_stored(frame, content) if kind == "TIFF" else frame).save(stream, kind, **options)
        data = stream.getvalue()
        if kind == "JPEG":
            return spliced_jpeg(data, content, tell)
        return spliced_png(data, content, tell) if kind == "PNG" else data
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = one_line(str(error), limit=160)
        raise LikemarkError(f"{one_line(name)}: cannot be saved as {kind}: {reason}") from error


def _shared(frame: ImageFile.ImageFile, content: bytes, tell: Tell) -> dict[str, Any]:
    """The metadata that every format's writer takes."""
    found = {
        "icc_profile": frame.info.get("icc_profile"),
        "exif": clean_exif(frame.info.get("exif") or b"", tell),
        "xmp": clean_xmp(frame.info.get("xmp") or b"", tell),
        "dpi": frame.info.get("dpi"),
    }
    return {key: value for key, value in found.items() if value}


def _jpeg(frame: ImageFile.ImageFile, content: bytes, tell: Tell) -> dict[str, Any]:
    progressive = bool(frame.info.get("progressive"))
    return {"quality": "keep", "subsampling": "keep", "progressive": progressive}


def _png(frame: ImageFile.ImageFile, content: bytes, tell: Tell) -> dict[str, Any]:
    return {}  # its chunks are taken over as they are


def _webp(frame: ImageFile.ImageFile, content: bytes, tell: Tell) -> dict[str, Any]:
    if _lossless(frame, content, "WEBP"):
        return {"lossless": True, "exact": True, "quality": 80, **_shared(frame, content, tell)}
    return {
        "quality": _QUALITY,
        "alpha_quality": 100,
        "exact": True,
        **_shared(frame, content, tell),
    }


def _avif(frame: ImageFile.ImageFile, content: bytes, tell: Tell) -> dict[str, Any]:
    return {"quality": _QUALITY, **_shared(frame, content, tell)}


def _gif(frame: ImageFile.ImageFile, content: bytes, tell: Tell) -> dict[str, Any]:
    comment = frame.info.pop("comment", b"")  # Pillow would write it once more, as it was
    return {"comment": clean_xmp(comment, tell, name="comment"), **_shared(frame, content, tell)}


_OPTIONS: Mapping[str, Callable[[ImageFile.ImageFile, bytes, Tell], dict[str, Any]]] = {
    "JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "AVIF": _avif, "TIFF": tiff_options, "GIF": _gif,
}  # fmt: skip


def _lossless(frame: Image.Image, content: bytes, kind: str) -> bool:
    """Whether the file's format keeps every px."""
    if kind == "WEBP":
        return _webp_px(content) == b"VP8L"
    if kind == "TIFF":
        return frame.info.get("compression") not in ("jpeg", "tiff_jpeg", "webp")
    return kind not in ("JPEG", "AVIF")


def _webp_px(content: bytes) -> bytes:
    """The kind of the first chunk that holds px: VP8L is the lossless one (RFC 9649)."""
    at = 12
    while at + 8 <= len(content) and content[at : at + 4] not in (b"VP8 ", b"VP8L"):
        at += 8 + int.from_bytes(content[at + 4 : at + 8], "little")
        at += at % 2
    return content[at : at + 4]


def _notes(name: str, frame: Image.Image, content: bytes, kind: str) -> tuple[str, ...]:
    if kind == "TIFF" and is_unpacked(frame):
        return (f"{one_line(name)}: TIFF is written uncompressed, to keep its EXIF",)
    if _lossless(frame, content, kind):
        return ()
    own = "with its own tables" if kind == "JPEG" else f"at quality {_QUALITY}"
    return (f"{one_line(name)}: {kind} loses: all px were encoded once more, {own}",)


def _told(name: str, left_out: list[str]) -> tuple[str, ...]:
    if not left_out:
        return ()
    listed = one_line(", ".join(dict.fromkeys(left_out)))
    return (f"{one_line(name)}: left out of its metadata, which could show a mark: {listed}",)

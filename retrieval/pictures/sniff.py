"""What kind of picture some bytes are, by their first bytes and never by their name."""

from __future__ import annotations

import codecs
import re
import zlib
from pathlib import PurePath

from likemark.db.errors import PictureError

EXTENSIONS = {
    "png": "PNG",
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "jpe": "JPEG",
    "jfif": "JPEG",
    "webp": "WEBP",
    "gif": "GIF",
    "tif": "TIFF",
    "tiff": "TIFF",
    "bmp": "BMP",
    "dib": "BMP",
    "avif": "AVIF",
    "svg": "SVG",
    "svgz": "SVG",
}
PICTURES = frozenset(f".{name}" for name in EXTENSIONS)  # suffixes
KINDS = tuple(dict.fromkeys(EXTENSIONS.values()))
GZIP = b"\x1f\x8b"
# Editors leave these before an XML declaration, where XML forbids them.
LEADING = "\ufeff \t\r\n"

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
)
# Comments, a licence or a DOCTYPE may stand before the root element.
_HEAD = 64 * 1024
_SVG_ROOT = re.compile(r"<(?:[\w.-]+:)?svg[\s>/]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def sniff(name: str, data: bytes) -> str:
    """The kind of the picture in `data`: one of `KINDS`."""
    kind = _binary_kind(data) or ("SVG" if _is_svg(data) else None)
    if kind is None:
        raise PictureError(
            name, "not_a_picture", f"the bytes are none of {', '.join(KINDS)}; convert the file"
        )
    return kind


def check_extension(name: str, kind: str) -> None:
    """Refuse a name whose suffix claims another kind of picture."""
    suffix = PurePath(name).suffix.lower()
    claimed = EXTENSIONS.get(suffix[1:])
    if claimed is None or claimed == kind:
        return
    ending = next(end for end, its_kind in EXTENSIONS.items() if its_kind == kind)
    better = PurePath(name).with_suffix(f".{ending}").name
    raise PictureError(
        name,
        "wrong_extension",
        f"named {suffix} but its bytes are {kind}: rename it to {better!r}, "
        "or switch the check off: --any-extension",
    )


def _binary_kind(data: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and _avif_brand(data):
        return "AVIF"
    return None


def _avif_brand(data: bytes) -> bool:
    """A file of the HEIF family names AVIF as its own brand or among the compatible ones."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[at : at + 4] for at in (8, *range(16, length, 4))}
    return bool(brands & {b"avif", b"avis"})


def _is_svg(data: bytes) -> bool:
    head = _inflated_head(data) if data.startswith(GZIP) else data[:_HEAD]
    text = _as_text(head).lstrip(LEADING)
    return text.startswith("<") and _SVG_ROOT.search(text) is not None


def _inflated_head(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data[:_HEAD], _HEAD)
    except zlib.error:
        return b""


def _as_text(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    return head.decode("latin-1")

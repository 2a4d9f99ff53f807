"""A newly encoded JPEG or PNG that gets the metadata of the file it was made from.

Taken over are the blocks whose meaning is known and that hold no other picture: ITU-T T.81 annex
B, and the PNG specification's rule (chapter 14) for what may be copied once the px have changed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from likemark.retrieval.redact.exif import clean_exif
from likemark.retrieval.redact.packets import clean_xmp
from likemark.retrieval.redact.resources import clean_photoshop
from likemark.retrieval.redact.signs import Tell, may_stay, untold

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_JFIF_HEAD = 12  # bytes before the size of JFIF's thumbnail
_ADOBE = 0xEE  # says how the px are stored: the new file has its own
_SIGNATURE = 8  # bytes of a PNG
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"}
# What must stand before the palette, and what else is known to fit the px still.
_BEFORE_PALETTE = {
    b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"mDCv", b"cLLi",
}  # fmt: skip
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_RAW_PROFILE = b"raw profile type"  # ImageMagick's: a whole EXIF block and more, in hexadecimal
_MOST_TEXT = 1 << 26  # bytes
_KNOWN = _BEFORE_PALETTE | {b"bKGD", b"pHYs", b"tIME", b"eXIf"}


def spliced_jpeg(made: bytes, source: bytes, tell: Tell = untold) -> bytes:
    """The px of one JPEG with the metadata of another.

    tell: is told what is not taken over
    """
    kept = []
    for marker, payload in _segments(source):
        clean = _kept_segment(marker, payload, tell)
        if clean:
            kept.append(bytes([0xFF, marker]) + struct.pack(">H", len(clean) + 2) + clean)
    ours = [
        made[begin:end]
        for marker, begin, end in _spans(made)
        if marker == _ADOBE or not (0xE0 <= marker <= 0xEF or marker == 0xFE)
    ]
    return b"\xff\xd8" + b"".join(kept) + b"".join(ours)


def _kept_segment(marker: int, payload: bytes, tell: Tell) -> bytes:
    """A segment of the source as it is taken over; empty: it is not."""
    if marker == 0xE0 and payload.startswith(b"JFIF\0"):
        return payload[:_JFIF_HEAD] + b"\0\0"
    if marker == 0xE1 and payload.startswith(b"Exif\0\0"):
        return clean_exif(payload, tell)
    if marker == 0xE1 and payload.startswith(_XMP):
        clean = clean_xmp(payload, tell)
        return clean if len(clean) > len(_XMP) else b""
    if marker == 0xE2 and payload.startswith(b"ICC_PROFILE\0"):
        return payload
    if marker == 0xED:
        return clean_photoshop(payload, tell)
    if marker == 0xFE:
        return clean_xmp(payload, tell, name="comment")
    if 0xE0 <= marker <= 0xEF and marker != _ADOBE:
        tell(f"APP{marker - 0xE0} block")
    return b""


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of what stands before the px."""
    for marker, begin, end in _spans(data):
        if marker != 0xDA:
            yield marker, data[begin + 4 : end]


def _spans(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, first byte and last byte + 1 of each segment; the px and all after are the last."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        end = len(data) if marker == 0xDA else at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at, end
        at = end


def spliced_png(made: bytes, source: bytes, tell: Tell = untold) -> bytes:
    """The px of one PNG with the metadata of another.

    tell: is told what is not taken over
    """
    ours, theirs = list(_chunks(made)), list(_chunks(source))
    first = next(number for number, (name, _) in enumerate(theirs) if name == b"IDAT")
    same_depth = ours[0][1][8:10] == theirs[0][1][8:10]
    for name in {name for name, _ in theirs} - _CRITICAL - _KNOWN:
        if not _copied(name, same_depth=same_depth):
            tell(f"{name.decode('latin-1')!r} chunk")
    before = [chunk for chunk in theirs[:first] if _copied(chunk[0], same_depth=same_depth)]
    after = [chunk for chunk in theirs[first:] if _copied(chunk[0], same_depth=same_depth)]
    ordered = [
        *ours[:1],
        *(chunk for chunk in before if chunk[0] in _BEFORE_PALETTE),
        *(chunk for chunk in ours if chunk[0] in (b"PLTE", b"tRNS")),
        *(chunk for chunk in before if chunk[0] not in _BEFORE_PALETTE),
        *(chunk for chunk in ours if chunk[0] == b"IDAT"),
        *after,
        (b"IEND", b""),
    ]
    return made[:_SIGNATURE] + b"".join(_packed(name, data, tell) for name, data in ordered)


def _copied(name: bytes, *, same_depth: bool) -> bool:
    if name in _CRITICAL or (name in (b"bKGD", b"sBIT") and not same_depth):
        return False
    # Of an unknown chunk, the fourth letter's case says whether it outlives a change of the px.
    return name in _KNOWN or bool(name[3] & 0x20)


def _packed(name: bytes, data: bytes, tell: Tell) -> bytes:
    """A chunk as it is written; empty: it is not."""
    clean = data
    if name == b"eXIf":
        clean = clean_exif(data, tell)
    elif name in _TEXTS:
        clean = _clean_text(name, data, tell)
    elif name not in _CRITICAL | _KNOWN and not may_stay(data):
        clean = b""
        tell(f"{name.decode('latin-1')!r} chunk")
    if data and not clean:
        return b""
    head = struct.pack(">I", len(clean)) + name
    return head + clean + struct.pack(">I", zlib.crc32(name + clean))


def _clean_text(name: bytes, data: bytes, tell: Tell) -> bytes:
    """A text without the pictures in it; empty where one is left, or nobody knows."""
    keyword, _, rest = data.partition(b"\0")
    label = f"text {keyword.decode('latin-1')!r}"
    if keyword.lower().startswith(_RAW_PROFILE):
        tell(label)
        return b""
    if name == b"tEXt" or (name == b"iTXt" and rest[:1] == b"\0"):
        return clean_xmp(data, tell, name=label)
    if name == b"zTXt":
        text = _inflated(rest[1:])
        same = text is not None and clean_xmp(text) == text
        if not same:
            tell(label)
        return data if same else b""
    language, translated, packed = (*rest[2:].split(b"\0", 2), b"", b"")[:3]
    text = _inflated(packed)
    if text is None:
        tell(label)
        return b""
    clean = clean_xmp(text, tell, name=label)
    return keyword + b"\0\0\0" + b"\0".join((language, translated, clean)) if clean else b""


def _inflated(data: bytes) -> bytes | None:
    """None of what is damaged, or too much."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, _MOST_TEXT)
    except zlib.error:
        return None
    return text if inflater.eof else None


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = _SIGNATURE
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length

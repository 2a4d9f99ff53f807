"""XMP packets, IPTC's data sets and plain texts without the pictures in them.

XMP part 2; IPTC IIM 4.2. What holds a picture goes; what stays is as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from likemark.retrieval.redact.signs import Tell, holds_picture, may_stay, untold

# The picture of an element of XMP, under whichever prefix it stands.
_XMP = re.compile(
    rb"<(?:[\w.-]++:)?image\b[^<>]*>[^<]*</(?:[\w.-]++:)?image\s*>"
    rb"|(?<![\w.-])[\w.-]++:image\s*=\s*(?:\"[^\"]*\"|'[^']*')"
)
_DATA_SET = 0x1C  # first byte of each data set of IPTC
_OBJECTS = {7, 8, 9}  # records of the object itself
_PREVIEWS = {200, 201, 202}  # data sets of record 2: format, version and data of a preview


def clean_xmp(packet: bytes, tell: Tell = untold, *, name: str = "XMP packet") -> bytes:
    """An XMP packet or another text without the pictures in it; empty where one is left.

    name: of the text, for whoever is told
    """
    clean = _XMP.sub(b"", packet)
    if holds_picture(clean):
        tell(name)
        return b""
    if clean != packet:
        tell("thumbnail")
    return clean


def clean_iptc(data: bytes, tell: Tell = untold) -> bytes:
    """Data sets without previews, and those of no picture alone."""
    kept = []
    for record, number, whole, value in _data_sets(data):
        preview = record in _OBJECTS or (record == 2 and number in _PREVIEWS)
        if not preview and may_stay(value):
            kept.append(whole)
        else:
            tell(f"IPTC data set {record}:{number:02}")
    return b"".join(kept)


def _data_sets(data: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Record, number, all bytes and value of each."""
    at = 0
    while data[at : at + 1] == bytes([_DATA_SET]) and at + 5 <= len(data):
        begin, size = at + 5, int.from_bytes(data[at + 3 : at + 5], "big")
        if size & 0x8000:  # so many bytes hold the size
            head, begin = begin, begin + (size & 0x7FFF)
            size = int.from_bytes(data[head:begin], "big")
        end = begin + size
        yield data[at + 1], data[at + 2], data[at:end], data[begin:end]
        at = end

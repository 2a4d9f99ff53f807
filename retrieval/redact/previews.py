"""Small pictures inside a file's metadata, which would still show the marks: taken out.

EXIF 2.32 (thumbnail in the second directory), Adobe Photoshop file formats (image resources 1033
and 1036), XMP part 2 (xmpGImg). Everything else in a block stays as it is, and where it is.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_EXIF = b"Exif\0\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_THUMBNAILS = {1033, 1036}  # image resources
_XMP = re.compile(rb"<xmpGImg:image>[^<]*</xmpGImg:image>|xmpGImg:image=\"[^\"]*\"")
# Where a directory states pictures: their places and their lengths, of a JPEG and of plain strips.
_PLACES = ((0x0201, 0x0202), (0x0111, 0x0117))
_MOST_ENTRIES = 1000


def clean_exif(block: bytes) -> bytes:
    """An EXIF block, with its `Exif` mark or without, whose thumbnail and previews are blank.

    A block that cannot be understood comes back empty: nobody knows what it holds.
    """
    start = len(_EXIF) if block.startswith(_EXIF) else 0
    data = bytearray(block[start:])
    try:
        _unlink(data)
    except (struct.error, KeyError, IndexError):
        return b""
    _blank_jpegs(data)
    return block[:start] + bytes(data)


def _unlink(data: bytearray) -> None:
    """Blank the second directory's picture and end the chain of directories before it."""
    order = {b"II": "<", b"MM": ">"}[bytes(data[:2])]
    (first,) = struct.unpack_from(order + "I", data, 4)
    link = _link_at(data, first, order)
    (second,) = struct.unpack_from(order + "I", data, link)
    struct.pack_into(order + "I", data, link, 0)
    if not 0 < second < len(data):
        return
    stated = dict(_entries(data, second, order))
    for place, length in _PLACES:
        begin, count = stated.get(place, 0), stated.get(length, 0)
        if begin > 8 and count:
            data[begin : begin + count] = bytes(len(data[begin : begin + count]))


def _link_at(data: bytearray, directory: int, order: str) -> int:
    (count,) = struct.unpack_from(order + "H", data, directory)
    return int(directory + 2 + 12 * count)


def _entries(data: bytearray, directory: int, order: str) -> Iterator[tuple[int, int]]:
    """Tag and value of the entries that hold one whole number."""
    (count,) = struct.unpack_from(order + "H", data, directory)
    for number in range(min(count, _MOST_ENTRIES)):
        tag, kind, values = struct.unpack_from(order + "HHI", data, directory + 2 + 12 * number)
        if values == 1 and kind in (3, 4):
            at = directory + 2 + 12 * number + 8
            yield tag, int(struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at)[0])


def _blank_jpegs(data: bytearray) -> None:
    """Makers hide larger previews in notes of their own."""
    begin = data.find(b"\xff\xd8\xff")
    while begin >= 0:
        end = data.find(b"\xff\xd9", begin)
        end = len(data) if end < 0 else end + 2
        data[begin:end] = bytes(end - begin)
        begin = data.find(b"\xff\xd8\xff", end)


def clean_photoshop(block: bytes) -> bytes:
    """An APP13 block without its thumbnails; empty where it cannot be understood."""
    if not block.startswith(_PHOTOSHOP):
        return b""
    return _PHOTOSHOP + clean_resources(block[len(_PHOTOSHOP) :])


def clean_resources(data: bytes) -> bytes:
    """Image resources without thumbnails, as a JPEG's APP13 and a TIFF's tag 34377 hold them."""
    kept, at = [], 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        number = int.from_bytes(data[at + 4 : at + 6], "big")
        name = data[at + 6] + 1
        size_at = at + 6 + name + name % 2
        size = int.from_bytes(data[size_at : size_at + 4], "big")
        end = size_at + 4 + size + size % 2
        if number not in _THUMBNAILS:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def clean_xmp(packet: bytes) -> bytes:
    """An XMP packet without the pictures in it."""
    return _XMP.sub(b"", packet)

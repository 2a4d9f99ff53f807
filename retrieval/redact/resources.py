"""Photoshop's image resources without the pictures in them (Adobe Photoshop file formats).

What holds a picture, or cannot be understood, goes; what stays is as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from likemark.retrieval.redact.exif import clean_exif
from likemark.retrieval.redact.packets import clean_iptc, clean_xmp
from likemark.retrieval.redact.signs import Tell, may_stay, untold

_PHOTOSHOP = b"Photoshop 3.0\0"
_THUMBNAILS = {1033, 1036}
_ICC = 1039
_CLEANERS: Mapping[int, Callable[[bytes, Tell], bytes]] = {
    1028: clean_iptc, 1058: clean_exif, 1059: clean_exif, 1060: clean_xmp,
}  # fmt: skip


def clean_photoshop(block: bytes, tell: Tell = untold) -> bytes:
    """An APP13 block without its pictures; empty where it cannot be understood."""
    if not block.startswith(_PHOTOSHOP):
        tell("APP13 block")
        return b""
    return _PHOTOSHOP + clean_resources(block[len(_PHOTOSHOP) :], tell)


def clean_resources(data: bytes, tell: Tell = untold) -> bytes:
    """Image resources without pictures, as a JPEG's APP13 and a TIFF's tag 34377 hold them."""
    kept = []
    for number, head, value in _resources(data):
        clean = _clean_resource(number, value, tell)
        if clean:
            size = len(clean).to_bytes(4, "big")
            kept.append(head + size + clean + b"\0" * (len(clean) % 2))
    return b"".join(kept)


def _resources(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, all bytes before the size, and value of each."""
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        name = data[at + 6] + 1
        size_at = at + 6 + name + name % 2
        size = int.from_bytes(data[size_at : size_at + 4], "big")
        begin = size_at + 4
        number = int.from_bytes(data[at + 4 : at + 6], "big")
        yield number, data[at:size_at], data[begin : begin + size]
        at = begin + size + size % 2


def _clean_resource(number: int, value: bytes, tell: Tell) -> bytes:
    if number in _CLEANERS:
        return _CLEANERS[number](value, tell)
    if number == _ICC or (number not in _THUMBNAILS and may_stay(value)):
        return value
    tell("thumbnail" if number in _THUMBNAILS else f"Photoshop resource {number}")
    return b""

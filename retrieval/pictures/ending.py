"""Whether a raster file that failed to decode was cut short, told from its own framing."""

from __future__ import annotations

from collections.abc import Callable


def ends_early(data: bytes, kind: str) -> bool:
    """True where the container says that more bytes should follow; TIFF cannot say."""
    check = _CHECKS.get(kind)
    return check is not None and check(data)


def _png(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return True


def _jpeg(data: bytes) -> bool:
    return b"\xff\xd9" not in data[-64:]


def _gif(data: bytes) -> bool:
    return not data.rstrip(b"\0").endswith(b";")


def _bmp(data: bytes) -> bool:
    return len(data) < int.from_bytes(data[2:6], "little")


def _webp(data: bytes) -> bool:
    return len(data) < 8 + int.from_bytes(data[4:8], "little")


def _avif(data: bytes) -> bool:
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length < 8:  # 0: the last box, to the end of the file
            return False
        at += length
    return at != len(data)


_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "AVIF": _avif,
    "BMP": _bmp,
    "GIF": _gif,
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
}

"""Whether a piece of a file's metadata may stay: not where it holds a picture, or nobody can tell.

A picture shows itself by its first bytes, or as text: RFC 4648 (base64), RFC 2397 (data URLs), SVG.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

# Takes the name of what is left out.
Tell = Callable[[str], None]

# JPEG, also without its first bytes; PNG, GIF, WebP, AVIF and its kin, TIFF, Photoshop, JPEG 2000.
_RAW = re.compile(
    rb"\xff\xd8\xff|\xff\xdb\0[\x43\x84]|\xff\xc0\0[\x0b\x11]\x08|\x89PNG\r\n|GIF8[79]a"
    rb"|RIFF.{4}WEBP|ftyp(?:avi|hei|hev|mif|msf|jxl|jp2)|II\*\0|MM\0\*|8BPS\0|\0\0\0\x0cjP  ",
    re.DOTALL,
)
_SHOWN = re.compile(r"data:image/|<(?:[\w.-]++:)?svg[\s>/]", re.IGNORECASE)
# Lines of base64 or of hexadecimal digits; no identifier has as many signs as three of them.
_LINES = re.compile(r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{60,}+=*+\s*+)++")
_LEAST_LINES = 180
_ASCII = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
_SHORT = 1024  # bytes in which no picture is to be made out, whatever they are


def holds_picture(data: bytes) -> bool:
    """Whether a picture shows in some bytes, themselves or escaped as XML, JSON or URLs do."""
    if _RAW.search(data):
        return True
    plain = unquote_to_bytes(data.replace(b"\0", b"").replace(b"\\", b"")).decode("latin-1")
    text = html.unescape(plain)
    lines = (len("".join(found[0].split())) for found in _LINES.finditer(text))
    return max(lines, default=0) >= _LEAST_LINES or _SHOWN.search(text) is not None


def may_stay(value: bytes) -> bool:
    """Whether a value of any meaning is free of pictures: it is short, empty or a text."""
    known = len(value) <= _SHORT or not any(value) or _is_text(value)
    return known and not holds_picture(value)


def _is_text(value: bytes) -> bool:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        try:
            text = value.decode(encoding).strip("\0")
        except UnicodeDecodeError:
            continue
        if all(sign.isprintable() or sign.isspace() or sign == "\0" for sign in text):
            return True
    # Of the many encodings of one byte a sign, those of Latin scripts.
    high = value.rstrip(b"\0").translate(None, _ASCII)
    return 2 * len(high) <= len(value) and min(high, default=0xFF) >= 0x80


def untold(name: str) -> None:
    """For whoever need not know what is left out."""

"""SVG files drawn with resvg, after every check that keeps the drawing small and self-contained.

System fonts are not used: with them the same file gives other pixels, and another fingerprint,
on every machine, and loading them takes longer than drawing. An SVG of live text alone is refused.
"""

from __future__ import annotations

import codecs
import io
import re
import threading
import zlib
from collections.abc import Callable

import resvg_py
from PIL import Image, PngImagePlugin

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.sniff import GZIP, LEADING
from likemark.retrieval.pictures.svg_scan import scan

SIDE = 512  # px of the drawing's longer side
# resvg recurses: 256 levels need up to 32 MiB, and four drawings can stand inside one another.
_STACK = 128 * 2**20
_STACK_LOCK = threading.Lock()
_DECLARED = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_ROOT = re.compile(r"<(?:[\w.-]+:)?svg\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_SIZE = re.compile(r"""\s(?:width|height)\s*=\s*(?:"[^"]*"|'[^']*')""")


def render(name: str, data: bytes, limits: PictureLimits) -> Image.Image:
    """The drawing on a transparent ground, its longer side `SIDE` px, in mode RGBA."""
    text = to_text(name, data, limits.max_bytes)
    found = scan(name, text, limits, nested=lambda inner: to_text(name, inner, limits.max_bytes))
    image = _draw(name, text)
    if image.getchannel("A").getextrema()[1] == 0:
        why = "the SVG draws nothing that can be seen here: save it as paths, or as PNG"
        if found.has_text:
            why = "the SVG draws nothing but text in fonts: convert its text to paths"
        raise PictureError(name, "damaged", why)
    return image


def to_text(name: str, data: bytes, max_bytes: int) -> str:
    """The XML text of an SVG or compressed SVG file.

    Decoded here, once: the checks and the renderer must not read different encodings into it.
    """
    if data.startswith(GZIP):
        data = _inflate(name, data, max_bytes)
    try:
        return data.decode(_encoding(data)).lstrip(LEADING)
    except (LookupError, ValueError) as fault:
        raise PictureError(name, "damaged", f"the SVG's text cannot be read: {fault}") from fault


def _inflate(name: str, data: bytes, max_bytes: int) -> bytes:
    inflator = zlib.decompressobj(wbits=31)
    try:
        text = inflator.decompress(data, max_bytes + 1)
    except zlib.error as fault:
        raise PictureError(name, "damaged", f"the compressed SVG is broken: {fault}") from fault
    if len(text) > max_bytes:
        raise PictureError(
            name, "too_many_bytes", f"the SVG inflates to over {max_bytes} bytes: raise max_bytes"
        )
    if not inflator.eof:
        raise PictureError(name, "truncated", "the compressed SVG ends too early: get it again")
    return text


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declared = _DECLARED.match(data)
    # A declared UTF-16 that was found as bytes of ASCII is the editor's leftover.
    if declared is None or declared[1].lower().startswith(b"utf"):
        return "utf-8-sig"
    return declared[1].decode("ascii")


def _draw(name: str, text: str) -> Image.Image:
    try:
        png = _in_deep_stack(lambda: _resvg(text))
    except ValueError as fault:
        if "invalid size" not in str(fault):
            raise PictureError(name, "damaged", f"the SVG cannot be drawn: {fault}") from fault
        png = _draw_without_size(name, text)
    return PngImagePlugin.PngImageFile(io.BytesIO(png)).convert("RGBA")


def _draw_without_size(name: str, text: str) -> bytes:
    """Drop a width or height of zero: the view box, or what is drawn, then gives the size."""
    bare = _ROOT.sub(lambda root: _SIZE.sub("", root[0]), text, count=1)
    try:
        return _in_deep_stack(lambda: _resvg(bare))
    except ValueError as fault:
        raise PictureError(name, "damaged", f"the SVG cannot be drawn: {fault}") from fault


def _resvg(text: str) -> bytes:
    return resvg_py.svg_to_bytes(
        svg_string=text, width=SIDE, height=SIDE, dpi=96, skip_system_fonts=True
    )


def _in_deep_stack(job: Callable[[], bytes]) -> bytes:
    """Run `job` in a thread whose stack holds the deepest drawing that the checks let through."""
    outcome: list[bytes | BaseException] = []

    def run() -> None:
        try:
            outcome.append(job())
        except BaseException as fault:  # a Rust panic is no Exception
            outcome.append(fault)

    thread = _deep_thread(run)
    thread.join()
    result = outcome[0]
    if isinstance(result, bytes):
        return result
    raise result if isinstance(result, Exception) else ValueError(f"resvg failed: {result}")


def _deep_thread(run: Callable[[], None]) -> threading.Thread:
    with _STACK_LOCK:
        usual = threading.stack_size(_STACK)
        try:
            thread = threading.Thread(target=run, name="resvg", daemon=True)
            thread.start()
        finally:
            threading.stack_size(usual)
    return thread

"""Drawings to pictures: one SVG document to the PNG file of the benchmark, and its signature."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.benchmarks.corpus.drawings import Drawing
from likemark.retrieval.devices import cores, processes
from likemark.retrieval.ordered import in_order
from likemark.retrieval.pictures.normalise import flatten, ground_colour, trim

SIDE = 256  # px, the longer side before the clear border is cut away
SIGNATURE = 32  # px
# A drawing whose longer side is this many times its shorter one is a line of text or a rule.
MOST_ASPECT = 12
_WAITING = 8  # chunks per core
_SIZE = 64  # drawings in a chunk
# Live text would be drawn in whatever font the machine has; pictures inside hide anything.
_UNSAFE = re.compile(r"<(text|image|foreignObject|script)\b|<!ENTITY", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    drawing: Drawing
    png: bytes  # L or RGB, opaque, trimmed
    signature: NDArray[np.uint8]  # (2, 32, 32): ink against its ground, and luminance


@dataclass(frozen=True, slots=True)
class Unusable:
    drawing: Drawing
    reason: str


def render_all(drawings: Iterable[Drawing]) -> Iterator[Rendered | Unusable]:
    """Render in as many processes as there are cores, in order, with bounded memory."""
    chunks = _chunks(drawings)
    first = list(islice(chunks, 2))
    if len(first) < 2:  # sooner done than processes are started
        yield from map(render, chain(*first))
        return
    with processes() as pool:
        rendered = in_order(
            lambda chunk: pool.submit(_chunk, chunk),
            chain(first, chunks),
            ahead=cores() * _WAITING,
        )
        yield from chain.from_iterable(rendered)


def render(drawing: Drawing) -> Rendered | Unusable:
    """The drawing on the ground that keeps its ink visible, trimmed, `SIDE` px at most."""
    import resvg_py

    if _UNSAFE.search(drawing.svg):
        return Unusable(drawing, "live text or a picture inside")
    try:
        png = resvg_py.svg_to_bytes(
            svg_string=drawing.svg, width=SIDE, height=SIDE, dpi=96, skip_system_fonts=True
        )
    except BaseException as fault:  # a Rust panic is no Exception
        if isinstance(fault, KeyboardInterrupt):
            raise
        return Unusable(drawing, "cannot be drawn")
    return _finished(drawing, np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")))


def _finished(drawing: Drawing, rgba: NDArray[np.uint8]) -> Rendered | Unusable:
    if not rgba[..., 3].any():
        return Unusable(drawing, "draws nothing")
    rgb = flatten(rgba)
    ground = ground_colour(rgba, rgb)
    rgb = np.ascontiguousarray(trim(rgb, ground))
    if (rgb == rgb[0, 0]).all():
        return Unusable(drawing, "one colour all over")
    if max(rgb.shape[:2]) > MOST_ASPECT * min(rgb.shape[:2]):
        return Unusable(drawing, "too narrow")
    return Rendered(drawing, _png(rgb), signature(rgb, ground))


def signature(rgb: NDArray[np.uint8], ground: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """A drawing's shape and shading at `SIGNATURE` px, padded to a square, never squashed.

    rgb: (H, W, 3), trimmed
    ground: (3,), what the ink stands on; None: white
    result: (2, 32, 32): distance from the ground, then luminance, both 0..255
    """
    paper = np.full(3, 255, np.uint8) if ground is None else ground
    red, green, blue = np.abs(rgb.transpose(2, 0, 1).astype(np.int16) - paper[:, None, None])
    ink = np.maximum(np.maximum(red, green), blue)
    ink = np.minimum(ink * 4, 255).astype(np.uint8)  # any clear difference is full ink
    grey = np.asarray(Image.fromarray(rgb).convert("L"))
    luma = int(Image.fromarray(paper.reshape(1, 1, 3)).convert("L").getpixel((0, 0)))  # type: ignore[arg-type]
    return np.stack((_squared(ink, 0), _squared(grey, luma)))


def _squared(plane: NDArray[np.uint8], pad: int) -> NDArray[np.uint8]:
    side = max(plane.shape)
    full = np.full((side, side), pad, np.uint8)
    top, left = ((side - n) // 2 for n in plane.shape)
    full[top : top + plane.shape[0], left : left + plane.shape[1]] = plane
    small = Image.fromarray(full).resize((SIGNATURE, SIGNATURE), Image.Resampling.BOX)
    return np.asarray(small)


def _png(rgb: NDArray[np.uint8]) -> bytes:
    is_grey = (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all()
    image = Image.fromarray(np.ascontiguousarray(rgb[..., 0]) if is_grey else rgb)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _chunks(drawings: Iterable[Drawing]) -> Iterator[list[Drawing]]:
    rest = iter(drawings)
    while chunk := list(islice(rest, _SIZE)):
        yield chunk


def _chunk(drawings: list[Drawing]) -> list[Rendered | Unusable]:
    return [render(drawing) for drawing in drawings]

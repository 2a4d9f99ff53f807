"""A mark among other things: on a page, on a plate, beside or over another mark."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from likemark.augment.appearance import set_ground
from likemark.augment.geometry import cut, fit
from likemark.augment.pixels import (
    BLACK,
    WHITE,
    Colour,
    Pixels,
    contrast,
    lay,
    mix,
    opaque,
    over,
    pad,
    shown,
    stands_out,
    to_pixels,
    to_planes,
)
from likemark.augment.segments import Segments, find_segments

PLATES: tuple[Colour, ...] = (
    (200, 30, 45), (20, 70, 160), (15, 120, 70), (245, 190, 30), (235, 110, 25), (25, 25, 30),
    (110, 50, 140), (20, 140, 160), (150, 205, 235), (225, 225, 220), (95, 60, 40), (240, 170, 190),
)  # fmt: skip
_EDGE = 40  # levels between a plate and the page
_MOST = 0.75  # share of the ink that must stand out
_FINE = 4  # a plate's corners are drawn at so many times its size


def visible_share(segments: Segments, page: Colour) -> float:
    """The share of the ink that stands out from a page of this colour."""
    labels = range(1, len(segments) + 1)
    seen = [stands_out(segments.colour(label), page) for label in labels]
    return float(segments.areas[seen].sum() / max(1, segments.ink))


def on_page(pixels: Pixels, segments: Segments, page: Colour) -> Pixels | None:
    """(H, W, 3): cut out of its ground and laid on a page; None where its ink would vanish."""
    if not len(segments) or visible_share(segments, page) < _MOST:
        return None
    return lay(set_ground(pixels, segments, page), page)


def plate(
    pixels: Pixels,
    segments: Segments,
    rng: np.random.Generator,
    *,
    colours: tuple[Colour, ...] = PLATES,
    page: Colour = WHITE,
) -> Pixels | None:
    """(h, w, 3): on a rounded plate or a round badge that its ink stands out from.

    colours: the plates to choose from; None comes back where the ink vanishes on all of them
    """
    fitting = [
        colour
        for colour in colours
        if visible_share(segments, colour) >= _MOST
        and contrast(colour, page) >= _EDGE
        and stands_out(colour, shown(segments.ground))
    ]
    if not fitting or not len(segments):
        return None
    colour = fitting[int(rng.integers(len(fitting)))]
    mark = cut(lay(set_ground(pixels, segments, colour), colour), segments.box())
    shape = _badge if rng.random() < 0.4 else _plate
    return shape(mark, colour, page, rng)


def beside(
    pixels: Pixels,
    segments: Segments,
    other: Pixels,
    rng: np.random.Generator,
    *,
    overlap: float = 0.0,
) -> Pixels:
    """(h, w, 3): one composite mark, another one set right of, left of, above or below this one.

    overlap: the share of this mark's width or height that the other covers, 0 to 0.5
    """
    if not 0 <= overlap <= 0.5:
        raise ValueError(f"overlap {overlap} must be from 0 to 0.5")
    ground = shown(segments.ground)
    mark = cut(lay(pixels, ground), segments.box())
    second = keyed(other, ground)
    size = np.sqrt(mark.shape[0] * mark.shape[1]) * rng.uniform(0.8, 1.2)
    second = fit(second, max(1, round(size)))
    upright = bool(rng.random() < 0.4)
    gap = -overlap if overlap else float(rng.uniform(0.06, 0.15))
    if upright:  # turned on its side, so that one layout serves both
        mark, second = mark.transpose(1, 0, 2), second.transpose(1, 0, 2)
    whole = _row(mark, second, gap=gap, second_first=bool(rng.random() < 0.5), ground=ground)
    return np.ascontiguousarray(whole.transpose(1, 0, 2) if upright else whole)


def keyed(pixels: Pixels, page: Colour) -> Pixels:
    """(h, w, 4): a mark cut out of its ground, or with it where it needs it to show."""
    segments = find_segments(pixels)
    if len(segments) and visible_share(segments, page) >= _MOST:
        return cut(set_ground(pixels, segments, None), segments.box())
    ground = shown(segments.ground)
    if pixels.shape[2] == 4 and visible_share(segments, ground) < _MOST:
        ground = BLACK
    whole = lay(pixels, ground)
    return np.concatenate([whole, np.full_like(whole[..., :1], 255)], axis=2)


def _row(mark: Pixels, second: Pixels, *, gap: float, second_first: bool, ground: Colour) -> Pixels:
    """(h, w, 3): two pictures side by side, middles in line. gap: a share of the mark's width."""
    (height, width), (tall, wide) = mark.shape[:2], second.shape[:2]
    space = max(round(gap * width), -(wide // 2))
    edge = max(2, round(0.04 * (width + wide)))
    canvas = np.empty((max(height, tall) + 2 * edge, width + space + wide + 2 * edge, 3), np.uint8)
    canvas[:] = ground
    left, x = (edge + wide + space, edge) if second_first else (edge, edge + width + space)
    top, y = (canvas.shape[0] - height) // 2, (canvas.shape[0] - tall) // 2
    canvas[top : top + height, left : left + width] = mark
    below = canvas[y : y + tall, x : x + wide].astype(np.float32)
    canvas[y : y + tall, x : x + wide] = to_pixels(over(to_planes(second), below))
    return canvas


def _plate(mark: Pixels, colour: Colour, page: Colour, rng: np.random.Generator) -> Pixels:
    height, width = mark.shape[:2]
    margin = round(max(height, width) * float(rng.uniform(0.12, 0.25)))
    size = width + 2 * margin, height + 2 * margin
    corner = round(min(size) * float(rng.uniform(0.08, 0.25)))
    return _framed(mark, size, corner, colour, page)


def _badge(mark: Pixels, colour: Colour, page: Colour, rng: np.random.Generator) -> Pixels:
    """Round, and just large enough for the mark's corners."""
    side = int(np.ceil(np.hypot(*mark.shape[:2]) * float(rng.uniform(1.04, 1.15))))
    return _framed(mark, (side, side), side // 2, colour, page)


def _framed(
    mark: Pixels, size: tuple[int, int], corner: int, colour: Colour, page: Colour
) -> Pixels:
    """A smooth rounded plate of that size in px, the mark in its middle and some page around."""
    large = Image.new("L", (size[0] * _FINE, size[1] * _FINE), 0)
    right, bottom = large.width - 1, large.height - 1
    ImageDraw.Draw(large).rounded_rectangle((0, 0, right, bottom), corner * _FINE, fill=255)
    small = large.resize(size, Image.Resampling.BOX)
    cover = np.asarray(small, np.float32)[..., None] / np.float32(255)
    frame = to_pixels(mix(cover, opaque(colour, 3), opaque(page, 3)))
    top, left = (size[1] - mark.shape[0]) // 2, (size[0] - mark.shape[1]) // 2
    frame[top : top + mark.shape[0], left : left + mark.shape[1]] = mark
    margin = max(2, round(0.04 * max(size)))
    return pad(frame, (margin, margin, margin, margin), opaque(page, 3))

"""A view among other things: words, another mark beside it, a plate or badge under it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Job, Mark, Sheet
from likemark.augment.part_inks import fresh_colour, on_ground, seen_share, stand_out
from likemark.augment.parts import Parts, Plane, as_bytes, blended, page
from likemark.augment.pixels import BLACK, WHITE, Colour, Pixels
from likemark.augment.scene import PLATES
from likemark.augment.words import random_word

_MOST_SEEN = 0.8  # share of the ink that stands out from a plate
_FAR = 40  # levels between a plate and the page


def add_words(sheet: Sheet, job: Job) -> Sheet:
    """A word below, above or beside the mark, or some on several sides, or one around it."""
    kind = float(job.rng.random())
    if kind < 0.15:
        return _around(sheet.trimmed(), job)
    sides = 1 if kind < 0.75 else 2
    ink = _word_ink(sheet, job)
    for side in job.rng.permutation(4)[:sides].tolist():
        sheet = _word_on(sheet.trimmed(), job, side, ink)
    return sheet


def set_beside(sheet: Sheet, job: Job) -> Sheet:
    """Another mark left of, right of, above or below this one; as it was without another."""
    import cv2

    if job.other is None:
        return sheet
    mark = sheet.trimmed()
    second = _on(job.other, mark.ground).trimmed()
    scale = job.within(job.recipe.scene.size)
    scale *= (mark.pixels.size / max(1, second.pixels.size)) ** 0.5
    height, width = second.pixels.shape[:2]
    size = max(1, round(scale * width)), max(1, round(scale * height))
    way = cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR
    scaled = as_bytes(cv2.resize(second.pixels, size, interpolation=way))
    gap = round(float(job.rng.uniform(0.03, 0.15)) * max(mark.pixels.shape[:2]))
    return _joined(mark, scaled, gap, int(job.rng.integers(4)))


def ready_for_plate(parts: Parts, job: Job) -> Parts:
    """On the colour of a plate from which the ink stands out; as it was where none is."""
    for place in job.rng.permutation(len(PLATES)).tolist():
        if seen_share(parts, PLATES[place]) >= _MOST_SEEN:
            return on_ground(parts, PLATES[place])
    return parts


def put_on_plate(sheet: Sheet, job: Job) -> Sheet:
    """The sheet's ground becomes a rounded plate or a round badge on a page."""
    if not sheet.even:
        return sheet
    mark = sheet.trimmed()
    around = fresh_colour(job.rng, [sheet.ground]) if job.either(0.3) else WHITE
    if np.abs(np.subtract(around, sheet.ground)).max() < _FAR:
        around = BLACK if sum(sheet.ground) > 380 else WHITE
    height, width = mark.pixels.shape[:2]
    margin = round(max(height, width) * job.within(job.recipe.scene.margin))
    if job.either(0.4):
        side = int(np.hypot(height, width) * 1.02) + margin
        across, down = (side - width) // 2, (side - height) // 2
        corner = side / 2
    else:
        across = down = margin
        corner = (min(height, width) + 2 * margin) * float(job.rng.uniform(0, 0.5))
    wide = mark.padded(across, down, across, down)
    inside = _rounded(wide.pixels.shape[:2], corner)
    return _framed(wide, inside, around)


def _framed(plate: Sheet, inside: Plane, colour: Colour) -> Sheet:
    framed = blended(plate.pixels, page(inside.shape, colour), inside)
    margin = max(2, len(inside) // 20)
    return Sheet(framed, colour).padded(margin, margin, margin, margin)


def _rounded(size: tuple[int, ...], corner: float) -> Plane:
    """(h, w): 255 within a rectangle whose corners have that radius, in px."""
    height, width = size[:2]
    angles = np.linspace(0, np.pi / 2, 12)
    arc = corner * np.stack([1 - np.cos(angles), 1 - np.sin(angles)], axis=1)
    right, low = np.array([width - 1, 0]), np.array([0, height - 1])
    turned = arc[::-1]
    points = [
        arc, right + turned * [-1, 1], right + low + arc * [-1, -1], low + turned * [1, -1]
    ]  # fmt: skip
    return _polygon(np.concatenate(points), (height, width))


def _polygon(points: NDArray[np.float64], size: tuple[int, int]) -> Plane:
    import cv2

    plane = np.zeros(size, np.uint8)
    fine = np.rint(points * 16).astype(np.int32)
    cv2.fillConvexPoly(plane, fine, 255, cv2.LINE_AA, 4)
    return plane


def _word_ink(sheet: Sheet, job: Job) -> Colour:
    """The mark's own commonest ink, black, white or any colour, as long as it is seen."""
    inks: list[Colour] = [BLACK, WHITE, fresh_colour(job.rng, [sheet.ground])]
    red, green, blue = sheet.pixels[tuple(s // 2 for s in sheet.pixels.shape[:2])].tolist()
    inks.append((red, green, blue))
    ranked: list[Colour] = [inks[int(place)] for place in job.rng.permutation(len(inks))]
    seen = stand_out(np.array(ranked, np.uint8), sheet.ground)
    return ranked[int(seen.argmax())]


def _word_on(sheet: Sheet, job: Job, side: int, ink: Colour) -> Sheet:
    """side: 0 right, 1 below, 2 left, 3 above."""
    import cv2

    height, width = sheet.pixels.shape[:2]
    tall = max(5, round(job.within(job.recipe.scene.letters) * min(height, width)))
    word = random_word(job.rng, tall)
    widest = 1.5 * max(width, height) if side % 2 else 1.4 * height
    if word.shape[1] > widest:
        size = max(1, round(widest)), max(4, round(word.shape[0] * widest / word.shape[1]))
        word = as_bytes(cv2.resize(word, size, interpolation=cv2.INTER_AREA))
    written = blended(page(word.shape, ink), page(word.shape, sheet.ground), word)
    return _joined(sheet, written, max(2, round(0.4 * tall)), side)


def _joined(sheet: Sheet, second: Pixels, gap: int, side: int) -> Sheet:
    """Two pictures with their middles in line. side: 0 right, 1 below, 2 left, 3 above."""
    import cv2

    axis = side % 2  # the one along which they have to be brought to one size
    longest = max(sheet.pixels.shape[axis], second.shape[axis])
    one, other = (_lengthened(each, longest, axis) for each in (sheet, Sheet(second, sheet.ground)))
    space = [0, 0, 0, 0]
    space[side] = gap  # left, top, right, bottom of the second
    other = other.padded(*space)
    pair = (other.pixels, one.pixels) if side >= 2 else (one.pixels, other.pixels)
    whole = cv2.vconcat(pair) if axis else cv2.hconcat(pair)
    return Sheet(as_bytes(whole), sheet.ground, sheet.even)


def _lengthened(sheet: Sheet, size: int, axis: int) -> Sheet:
    """With ground on both sides along an axis. axis: 0 down, 1 across."""
    more = size - sheet.pixels.shape[axis]
    before, after = more // 2, more - more // 2
    return sheet.padded(before, 0, after, 0) if axis else sheet.padded(0, before, 0, after)


def _around(sheet: Sheet, job: Job) -> Sheet:
    """A word along a circle round the mark."""
    import cv2

    height, width = sheet.pixels.shape[:2]
    radius = float(np.hypot(height, width)) / 2
    tall = max(6, round(0.5 * job.within(job.recipe.scene.letters) * radius * 1.4))
    outer = radius + 1.4 * tall
    side = 2 * int(outer) + 4
    strip = np.zeros((round(2 * np.pi * radius), round(outer) + 2), np.uint8)
    word = np.rot90(random_word(job.rng, tall), -1)  # its letters' heads point outwards
    length = min(len(strip), len(word))
    start = (len(strip) * 3 // 4 - length // 2) % max(1, len(strip) - length + 1)
    inner = min(strip.shape[1] - 1, round(radius + 0.2 * tall))
    piece = word[:length, : strip.shape[1] - inner]
    strip[start : start + length, inner : inner + piece.shape[1]] = piece
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    middle = (side / 2, side / 2)
    ring = cv2.warpPolar(strip, (side, side), middle, strip.shape[1], flags)
    across, down = (side - width) // 2, (side - height) // 2
    wide = sheet.padded(across, down, side - width - across, side - height - down)
    inked = page((side, side), _word_ink(sheet, job))
    pixels = blended(inked, wide.pixels, as_bytes(ring))
    return Sheet(pixels, sheet.ground, sheet.even)


def _on(mark: Mark, ground: Colour) -> Sheet:
    """Cut out and laid on a ground, or with its own where it would vanish."""
    if mark.ground == ground:
        return Sheet(mark.pixels, ground)
    if seen_share(mark.parts, ground) >= _MOST_SEEN:
        return Sheet(on_ground(mark.parts, ground).pixels(), ground)
    return Sheet(mark.pixels, mark.ground)

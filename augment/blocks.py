"""The blocks of a mark's layout: a device and its word line, two devices side by side.

Recursive XY-cut (Nagy and Seth, ICPR 1984): a block is cut where bare ground runs all across it.
Letters are further apart against their height than devices are against theirs, so a row of pieces
of one height is taken for a word and stays whole. H, W: px of the picture; h, w: of its reduced
copy, on which the blocks are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from likemark.augment.parts import Plane, as_bytes, distance_to
from likemark.augment.pixels import TOLERANCE, Pixels, checked, ground_of, pad, shown, to_planes

Box = tuple[int, int, int, int]  # px: left, top, width, height
Span = tuple[int, int]  # px: first, and first after it

_SIDE = 256  # px, most on the reduced copy's longer side
_MARGIN = 2  # px of ground around a block that is cut out
_ROW, _COLUMN = 0, 1  # the axes that cv2.reduce takes away
_PATTERN = 4  # pieces of one cut: so many are a word, a pattern, no layout
_TALL = 0.6  # of a line's height: as tall is half of a word's letters, or more
_LINE = 2.6  # heights: as wide are four letters and more
_WORD = 1.6  # heights: as wide is a word whose letters touch


@dataclass(frozen=True, slots=True)
class Cuts:
    gap: float = 0.025  # of a block's longer side: narrower gaps are no cut
    alike: float = 0.6  # of the widest gap: gaps as wide as that are cut with it
    space: float = 0.5  # of a word line's height: a wider gap ends it
    area: float = 0.06  # of the mark's box: smaller blocks are left out
    nested: float = 0.2  # of the mark's box: a block's own part is one more block from there on
    most: int = 4  # blocks

    def __post_init__(self) -> None:
        shares = self.gap, self.alike, self.space, self.area, self.nested
        if not all(0 < share <= 1 for share in shares) or self.most < 2:
            raise ValueError(f"{self}: shares must be above 0 and up to 1, most 2 or more")


def find_blocks(pixels: Pixels, *, cuts: Cuts = Cuts()) -> tuple[Box, ...]:
    """Boxes of the layout's blocks: those of the first cut, then large parts of these.

    pixels: (H, W, 3 or 4)
    result: in px of `pixels`, the larger first in each; () for a mark that is one block or none
    """
    small = _reduced(checked(pixels))
    ink = _ink(small)
    whole = _inked(ink, (0, 0, ink.shape[1], ink.shape[0]))
    if whole is None:
        return ()
    boxes = _first_blocks(ink, whole, cuts)
    least = cuts.nested * _area(whole)
    for box in boxes:  # grows on the way
        if len(boxes) >= cuts.most:
            break
        boxes += _large(_parts(ink, box, cuts), least)
    across, down = pixels.shape[1] / ink.shape[1], pixels.shape[0] / ink.shape[0]
    scaled = (_scaled(box, across, down) for box in boxes[: cuts.most])
    return tuple(_within(box, pixels.shape[1], pixels.shape[0]) for box in scaled)


def cut_blocks(pixels: Pixels, boxes: Sequence[Box]) -> list[Pixels]:
    """(h, w, 3 or 4) each: a block alone, with a little of the ground that the whole stands on."""
    if not boxes:
        return []
    ground = ground_of(to_planes(_reduced(checked(pixels))))
    margins = _MARGIN, _MARGIN, _MARGIN, _MARGIN
    return [
        pad(pixels[top : top + height, left : left + width], margins, ground)
        for left, top, width, height in boxes
    ]


def _reduced(pixels: Pixels) -> Pixels:
    import cv2

    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return as_bytes(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _ink(pixels: Pixels) -> Plane:
    """(h, w): 255 where it is not ground."""
    import cv2

    ground = ground_of(to_planes(pixels))
    if len(ground) == 4 and not ground[3]:
        away = np.ascontiguousarray(pixels[..., 3])
    else:
        away = distance_to(np.ascontiguousarray(pixels[..., :3]), shown(ground))
    return as_bytes(cv2.threshold(away, TOLERANCE, 255, cv2.THRESH_BINARY)[1])


def _first_blocks(ink: Plane, whole: Box, cuts: Cuts) -> list[Box]:
    """The first cut that gives two blocks or more: a small sign beside a mark is none."""
    least = cuts.area * _area(whole)
    boxes = _large(_parts(ink, whole, cuts), least)
    while len(boxes) == 1:
        boxes = _large(_parts(ink, boxes[0], cuts), least)
    return boxes


def _large(boxes: list[Box], least: float) -> list[Box]:
    return sorted((box for box in boxes if _area(box) >= least), key=_area, reverse=True)


def _parts(ink: Plane, box: Box, cuts: Cuts) -> list[Box]:
    """What the widest gaps part a block into; nothing where it holds together."""
    left, top, width, height = box
    along_x, along_y = _spans(ink, box, _ROW), _spans(ink, box, _COLUMN)
    across, down = _gaps(along_x), _gaps(along_y)
    widest = max((*across, *down), default=0)
    if widest < cuts.gap * max(width, height) or widest < 2:
        return []
    if widest in across:
        if _is_line(ink, box, along_x, cuts):
            return []
        pieces = [(left + a, top, b - a, height) for a, b in _joined(along_x, cuts.alike * widest)]
    else:
        pieces = [(left, top + a, width, b - a) for a, b in _joined(along_y, cuts.alike * widest)]
    if len(pieces) >= _PATTERN:
        return []
    return [part for piece in pieces if (part := _inked(ink, piece))]


def _is_line(ink: Plane, box: Box, spans: list[Span], cuts: Cuts) -> bool:
    """Whether pieces side by side are the letters of a word, or words of a line."""
    left, top, width, height = box
    *_, second, widest = 0, *sorted(_gaps(spans))
    if widest >= cuts.space * height:
        return False
    if len(spans) == 2:
        return all(b - a >= _WORD * height for a, b in spans)
    if width < _LINE * height and second < cuts.alike * widest:
        return False  # two devices, one of them in pieces
    pieces = [_inked(ink, (left + a, top, b - a, height)) for a, b in spans]
    return median(piece[3] for piece in pieces if piece) >= _TALL * height


def _spans(ink: Plane, box: Box, axis: int) -> list[Span]:
    """Where there is ink along a side of the box, from its left or top."""
    import cv2

    left, top, width, height = box
    part = ink[top : top + height, left : left + width]
    profile = as_bytes(cv2.reduce(part, axis, cv2.REDUCE_MAX)).ravel()
    steps = np.flatnonzero(np.diff(profile > 0, prepend=False, append=False)).tolist()
    return list(zip(steps[::2], steps[1::2], strict=True))


def _gaps(spans: list[Span]) -> list[int]:
    return [after[0] - before[1] for before, after in pairwise(spans)]


def _joined(spans: list[Span], least: float) -> list[Span]:
    """Those with less than so many px between them as one."""
    joined = spans[:1]
    for span in spans[1:]:
        if span[0] - joined[-1][1] < least:
            joined[-1] = joined[-1][0], span[1]
        else:
            joined.append(span)
    return joined


def _inked(ink: Plane, box: Box) -> Box | None:
    """The box of the ink in a box; None where there is none."""
    import cv2

    left, top, width, height = box
    x, y, across, down = cv2.boundingRect(ink[top : top + height, left : left + width])
    return (left + x, top + y, across, down) if across else None


def _area(box: Box) -> int:
    return box[2] * box[3]


def _scaled(box: Box, across: float, down: float) -> Box:
    left, top, width, height = box
    first = int(left * across), int(top * down)
    end = -int(-(left + width) * across // 1), -int(-(top + height) * down // 1)
    return (*first, end[0] - first[0], end[1] - first[1])


def _within(box: Box, width: int, height: int) -> Box:
    """Rounding may have put its end beyond the picture."""
    left, top, across, down = box
    return left, top, min(across, width - left), min(down, height - top)

"""Lines of letters found among a mark's segments, and taken out.

No characters are read: letters are small parts of one stroke width that stand on one line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.augment.edits import remove_segments
from likemark.augment.pixels import Pixels
from likemark.augment.regions import joined
from likemark.augment.segments import Segments

Line = NDArray[np.int64]  # indices of segments, from 0

# Letters are small: regions of this share of the picture's area are still looked at.
LETTER_SHARE = 0.00015
_LOWEST = 5  # px: what is lower cannot be told from noise
_PARTS = 250  # segments: a picture of more is a photo
_LEAST = 3  # letters in a line
_LONG = 1.8  # times its height
_ALIKE = 64  # levels between the colours of two letters of one line
_OVERLAP = 0.5  # of the lower one's height: two letters of one line share so much
_TALLER = 2.4  # times the lower one's height, at most, within a line
_SPACING = 0.9  # of the taller one's height: the widest gap within a line
_KERNED = 0.35  # of the lower one's height: italics reach into each other's boxes
_VARIED = 0.25  # relative deviations of widths and areas, added up
_LEVEL = 0.12  # of a letter's height: how far its foot may be off the line
_ON_LINE = 0.6  # share of the letters with their foot on the line: others descend
_UNEVEN = 2.2  # times the thinnest stroke
_THICK = 0.42  # of a letter's height
_MIRRORED = 0.8  # of a line's ink that lies on its own mirror image


def remove_text(pixels: Pixels, letters: Segments) -> Pixels | None:
    """The mark without its lines of letters, or None where none are found.

    letters: the mark's segments found with `min_share=LETTER_SHARE`
    result: None too where too little of the ink would be left
    """
    found = text_labels(letters)
    return remove_segments(pixels, letters, found) if found else None


def text_labels(letters: Segments) -> tuple[int, ...]:
    """Labels of the segments that stand like letters, with their dots and counters.

    A row of equal, thick or symmetric shapes is a pattern and no text.
    """
    if not 0 < len(letters) <= _PARTS:
        return ()
    root = joined(len(letters), _neighbours(letters))
    lines = [np.flatnonzero(root == line) for line in np.unique(root)]
    found = [_with_dots(letters, line) for line in lines if _reads(letters, line)]
    return tuple(sorted({int(index) + 1 for line in found for index in line}))


def _neighbours(letters: Segments) -> NDArray[np.int64]:
    """(P, 2): which segments may be letters of one line."""
    left, top, right, bottom = letters.boxes.astype(np.float64).T
    tall = bottom - top
    low, high = np.minimum(tall[:, None], tall), np.maximum(tall[:, None], tall)
    shared = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    gap = np.maximum(left[:, None], left) - np.minimum(right[:, None], right)
    colours = letters.colours.astype(int)
    close = np.abs(colours[:, None] - colours).max(axis=2) <= _ALIKE
    close &= (shared >= _OVERLAP * low) & (high <= _TALLER * low)
    close &= (gap <= _SPACING * high) & (gap >= -_KERNED * low)
    close &= letters.parents[:, None] == letters.parents
    return np.argwhere(np.triu(close, 1))


def _reads(letters: Segments, line: Line) -> bool:
    """Whether it is long, varied, of thin strokes and on one base line, as text is."""
    if len(line) < _LEAST:
        return False
    left, top, right, bottom = letters.boxes[line].astype(np.float64).T
    height = float(bottom.max() - top.min())
    tall = float(np.median(bottom - top))
    long = right.max() - left.min() >= _LONG * height
    if not long or tall < _LOWEST or not _apart(letters, line):
        return False
    on_line = np.abs(bottom - np.median(bottom)) <= max(1.5, _LEVEL * tall)
    strokes = np.array([_stroke(letters, index) for index in line])
    even = strokes.max() <= _UNEVEN * strokes.min() and np.median(strokes) <= _THICK * tall
    return bool(on_line.mean() >= _ON_LINE and even and not _symmetric(letters, line))


def _apart(letters: Segments, line: Line) -> bool:
    """Whether the line is only a part of the mark's extent, and its letters are of many widths."""
    left, top, right, bottom = letters.boxes[line].astype(np.float64).T
    widths, areas = right - left, letters.areas[line]
    varied = np.std(widths) / np.mean(widths) + np.std(areas) / np.mean(areas)
    whole = letters.box()
    low = bottom.max() - top.min() <= 0.5 * (whole[3] - whole[1])
    short = right.max() - left.min() <= 0.75 * (whole[2] - whole[0])
    return bool(varied > _VARIED and (low or short))


def _stroke(letters: Segments, index: int) -> float:
    """Px across the thickest place of a segment."""
    import cv2

    own = np.pad(_cutout(letters, np.array([index])), 1)
    return 2 * float(np.max(cv2.distanceTransform(own, cv2.DIST_L2, 5)))


def _symmetric(letters: Segments, line: Line) -> bool:
    shape = _cutout(letters, line) > 0
    both, either = shape & shape[:, ::-1], shape | shape[:, ::-1]
    return bool(both.sum() > _MIRRORED * either.sum())


def _cutout(letters: Segments, line: Line) -> NDArray[np.uint8]:
    """(h, w), 0 or 1: the segments of a line in their common box."""
    left, top = letters.boxes[line, :2].min(axis=0)
    right, bottom = letters.boxes[line, 2:].max(axis=0)
    return np.isin(letters.labels[top:bottom, left:right], line + 1).astype(np.uint8)


def _with_dots(letters: Segments, line: Line) -> Line:
    """The line and what else lies within its box, or just above: dots, accents, counters."""
    left, top = letters.boxes[line, :2].min(axis=0)
    right, bottom = letters.boxes[line, 2:].max(axis=0)
    room = 0.25 * (bottom - top)
    low = letters.boxes[:, :2] >= [left - room, top - 1.4 * room]
    high = letters.boxes[:, 2:] <= [right + room, bottom + room]
    return np.union1d(line, np.flatnonzero(low.all(axis=1) & high.all(axis=1)))

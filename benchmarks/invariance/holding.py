"""Ranks as `likemark query --parts` gives them: the nearest are looked into for the query.

N: rows of the gallery.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Pixels, Rows
from likemark.retrieval.parts import READ, SIDE, Grey, grey
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.shortlist import LONG, parts_of


class Looks:
    """A gallery's pictures as they are compared px by px; each is read once, when it is needed."""

    def __init__(self, pictures: Sequence[Pixels]) -> None:
        """pictures: N of (H, W, 3 or 4)"""
        self._pictures = pictures
        self._kept = np.empty((len(pictures), SIDE, SIDE), np.uint8)
        self._known = np.zeros(len(pictures), bool)

    def of(self, rows: NDArray[np.int64]) -> list[Grey]:
        for row in rows[~self._known[rows]].tolist():
            self._kept[row] = look(self._pictures[row])
            self._known[row] = True
        return list(self._kept[rows])


def look(pixels: Pixels) -> Grey:
    return grey(prepared(pixels, READ))


def with_parts(scores: Rows, asked: Grey, looks: Looks) -> Rows:
    """(N,): what the nearest hold of the query counts where it is more than their score."""
    short = np.argsort(-scores, kind="stable")[:LONG]
    held = np.array([part.score for part in parts_of(looks.of(short), asked)], np.float32)
    found: Rows = scores.copy()
    found[short] = np.where(held > 0, np.maximum(scores[short], held), scores[short])
    return found

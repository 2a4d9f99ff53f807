"""Answers held against the truth: which found box is which annotated one.

Within one question the found boxes are taken best first (equal scores in the order of the answer);
each takes, of the boxes that are still free and overlap it by IoU t or more, that with the greatest
IoU, and is then right (COCO's rule). Every other found box is wrong: a second one on the same mark,
one that lies beside it, and all that a query of another brand finds.
A: questions; N: found boxes of all of them; T: thresholds of IoU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.locate.asks import Asked
from likemark.benchmarks.locate.found import Rect, overlap
from likemark.db.errors import InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

LEAST_IOU = 0.5
IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))  # .5, .55, ..., .95


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question got."""

    boxes: tuple[Rect, ...]  # best first
    scores: tuple[float, ...]  # of the boxes
    mask_iou: float | None = None  # with the true mask; None where that is unknown

    def __post_init__(self) -> None:
        if len(self.boxes) != len(self.scores):
            raise InvalidInput(f"{len(self.boxes)} boxes with {len(self.scores)} scores")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Questions of one kind and what was found. Scenes are numbered as `Asked` numbers them."""

    scenes: int
    scene: Ints  # (A,): of the question
    brand: Ints  # (A,): of its query
    truths: Ints  # (A,): annotated boxes; 0 of a query of another brand
    is_right: Flags  # (A,): the scene shows the query's brand
    is_empty: Flags  # (A,): the scene shows no brand
    best: Floats  # (A,): the highest score, -inf where nothing was found
    best_iou: Floats  # (A,): of the box with that score, with the nearest annotated one; 0: none
    ask: Ints  # (N,): question of a found box; they are sorted by score, the highest first
    score: Floats  # (N,)
    hit: Flags  # (T, N): right at each threshold of IOUS
    iou: Floats  # (N,): with the box it took at LEAST_IOU; 0: none

    @classmethod
    def of(cls, asked: Asked, answers: Sequence[Answer], chosen: Sequence[int]) -> Self:
        """answers: of every question; chosen: places of those that count, one or more"""
        asks = [asked.asks[number] for number in chosen]
        brands = sorted({query.brand for query in asked.queries})
        scenes = [asked.scenes[ask.scene] for ask in asks]
        right = np.array([asked.is_right(ask) for ask in asks], bool)
        truths = [s.boxes if is_right else () for s, is_right in zip(scenes, right, strict=True)]
        given = [answers[number] for number in chosen]
        matches = [match(a.boxes, truth) for a, truth in zip(given, truths, strict=True)]
        counts = [len(answer.boxes) for answer in given]
        score = np.array([score for answer in given for score in answer.scores], np.float64)
        order = np.argsort(-score, kind="stable")
        return cls(
            scenes=len(asked.scenes),
            scene=np.array([ask.scene for ask in asks], np.int64),
            brand=np.array([brands.index(asked.queries[ask.query].brand) for ask in asks]),
            truths=np.array([len(truth) for truth in truths], np.int64),
            is_right=right,
            is_empty=np.array([scene.brand is None for scene in scenes], bool),
            best=np.array([max(answer.scores, default=-np.inf) for answer in given]),
            best_iou=np.array([m.nearest[0] if len(m.nearest) else 0.0 for m in matches]),
            ask=np.repeat(np.arange(len(asks)), counts)[order],
            score=score[order],
            hit=np.concatenate([m.hit for m in matches], axis=1)[:, order],
            iou=np.concatenate([m.iou for m in matches])[order],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """n found boxes of one question."""

    hit: Flags  # (T, n): right at each threshold of IOUS
    iou: Floats  # (n,): with the box taken at LEAST_IOU; 0: none
    nearest: Floats  # (n,): with any annotated box


def match(found: Sequence[Rect], truths: Sequence[Rect]) -> Match:
    """Take annotated boxes by found ones, as the module says. found: n, best first"""
    hit, iou = np.zeros((len(IOUS), len(found)), bool), np.zeros(len(found))
    if not truths or not found:
        return Match(hit, iou, np.zeros(len(found)))
    wanted = np.array(truths, np.float64)
    overlaps = np.stack([overlap(box, wanted) for box in found])
    for row, least in enumerate(IOUS):
        taken = _taken(overlaps, least)
        hit[row] = taken >= 0
        if least == LEAST_IOU:
            iou = np.where(hit[row], overlaps[np.arange(len(found)), taken], 0)
    return Match(hit, iou, overlaps.max(axis=1))


def _taken(overlaps: Floats, least: float) -> Ints:
    """(n,): the annotated box that each found one takes, or -1. overlaps: (n, boxes)"""
    free = np.ones(overlaps.shape[1], bool)
    taken = np.full(len(overlaps), -1)
    for number, row in enumerate(overlaps):
        open_to = np.where(free, row, -1)
        best = int(open_to.argmax())
        if open_to[best] >= least:
            taken[number], free[best] = best, False
    return taken

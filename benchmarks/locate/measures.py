"""What is measured of the answers. Every measure takes weights, so that scenes can be drawn anew.

A scene with weight 2 counts as if it, and all that was asked in it, stood there twice.
S: scenes; R: repetitions of weights; A: questions; N: found boxes. Each function takes weights
(R, S) and gives (R,), NaN where the measure has no value.

Found boxes of equal score enter together: precision, recall and false alarms are read only after
all of them, so that no order among equals is rewarded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from likemark.benchmarks.locate.matches import IOUS, LEAST_IOU, Evidence, Flags, Floats, Ints

Measure = Callable[[Evidence, Floats], Floats]
FALSE_ALARMS = 0.1  # in a picture, at which recall is read
_FIRST = IOUS.index(LEAST_IOU)


def mean_ap(
    evidence: Evidence,
    weights: Floats,
    *,
    ious: tuple[float, ...] = (LEAST_IOU,),
    shown: bool = False,
) -> Floats:
    """Average precision, mean over the brands that have a box, then over thresholds of IoU.

    A brand's found boxes of all scenes it was asked in are one ranked list: those in scenes of
    other brands or of none are false. Precision is the highest at that recall or any higher, and
    the area under it is taken at every step of recall (PASCAL VOC from 2010 on; COCO reads the same
    curve at 101 recalls, which differs by less than 0.01 as a rule).

    ious: of `IOUS`; shown: only scenes that show the query's brand, as most one-shot papers count
    """
    brands = np.unique(evidence.brand[evidence.is_right])
    counted = evidence.is_right if shown else np.ones_like(evidence.is_right)
    rows = [IOUS.index(iou) for iou in ious]
    each = [
        np.mean([_ap(evidence, weights, (evidence.brand == b) & counted, r) for r in rows], axis=0)
        for b in brands
    ]
    return _mean_of_known(np.array(each).reshape(len(brands), len(weights)))


def recall_at_alarms(
    evidence: Evidence, weights: Floats, *, per_picture: float = FALSE_ALARMS
) -> Floats:
    """Share of the annotated boxes found (IoU .5) at the lowest score at which wrong boxes are at
    most `per_picture` times the questions (a point of the FROC curve; all brands share one score).
    """
    right, wrong = _counts(evidence, weights, np.ones_like(evidence.is_right))
    allowed = per_picture * weights[:, evidence.scene].sum(axis=1)
    reached = np.where(wrong <= allowed[:, None] + 1e-9, right, 0).max(axis=1, initial=0)
    return _ratio(reached, _boxes(evidence, weights))


def false_mask_rate(
    evidence: Evidence, weights: Floats, *, recall: float, empty: bool = False
) -> Floats:
    """Share of the wrong questions that find anything at the score at which this share of the right
    boxes is found (IoU .5); NaN where no score reaches that recall.

    recall: above 0; empty: of the questions in scenes without a brand, not in those of another one
    """
    score = _score_at(evidence, weights, recall)
    asked = evidence.is_empty if empty else ~evidence.is_right & ~evidence.is_empty
    heavy = weights[:, evidence.scene[asked]]
    false = (evidence.best[asked][None, :] >= score[:, None]) & np.isfinite(evidence.best[asked])
    return np.where(np.isnan(score), np.nan, _ratio((heavy * false).sum(axis=1), heavy.sum(axis=1)))


def swap_auroc(evidence: Evidence, weights: Floats) -> Floats:
    """The chance that a right question's best score is above a wrong one's in any scene that shows
    a brand; a tie counts half, and finding nothing is below every score.
    """
    asked = ~evidence.is_empty
    order = np.argsort(evidence.best[asked], kind="stable")
    best, right = evidence.best[asked][order], evidence.is_right[asked][order]
    heavy = weights[:, evidence.scene[asked][order]]
    wins, losses = heavy * right, heavy * ~right
    ends = _ends(best)
    beaten = np.cumsum(losses, axis=1)[:, ends] - _steps(losses, ends) / 2
    total = (_steps(wins, ends) * beaten).sum(axis=1)
    return _ratio(total, wins.sum(axis=1) * losses.sum(axis=1))


def swap_wins(evidence: Evidence, weights: Floats) -> Floats:
    """As `swap_auroc`, but within a scene: the share of its wrong queries that the right one beats,
    mean over scenes that were asked with both.
    """
    shares, scenes = [], []
    for scene in np.unique(evidence.scene[evidence.is_right]):
        here = evidence.scene == scene
        right = evidence.best[here & evidence.is_right]
        wrong = evidence.best[here & ~evidence.is_right]
        if len(wrong):
            beaten = (right[:, None] > wrong).mean() + (right[:, None] == wrong).mean() / 2
            shares.append(float(beaten))
            scenes.append(scene)
    heavy = weights[:, scenes]
    return _ratio(heavy @ np.array(shares), heavy.sum(axis=1))


def median_iou(evidence: Evidence, weights: Floats) -> Floats:
    """Lower median IoU of the right boxes (IoU .5) with what they took, at any score."""
    hit = evidence.hit[_FIRST]
    return _median(evidence.iou[hit], weights[:, evidence.scene[evidence.ask[hit]]])


def median_first_iou(evidence: Evidence, weights: Floats) -> Floats:
    """Lower median over right questions: IoU of the best-scored box with the nearest annotated one,
    0 where nothing was found.
    """
    right = evidence.is_right
    return _median(evidence.best_iou[right], weights[:, evidence.scene[right]])


def _ap(evidence: Evidence, weights: Floats, counted: Flags, row: int) -> Floats:
    """counted: (A,); row: of the threshold."""
    boxes = _boxes(evidence, weights, counted)
    right, wrong = _counts(evidence, weights, counted, row)
    recall = _ratio(right, boxes[:, None])
    precision = np.divide(right, right + wrong, out=np.zeros_like(right), where=right > 0)
    highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    area = (np.diff(recall, axis=1, prepend=0.0) * highest).sum(axis=1)
    return np.where(boxes > 0, area, np.nan)


def _counts(
    evidence: Evidence, weights: Floats, counted: Flags, row: int = _FIRST
) -> tuple[Floats, Floats]:
    """(right, wrong) found boxes down to each distinct score, (R, scores) each."""
    mine = counted[evidence.ask]
    heavy = weights[:, evidence.scene[evidence.ask[mine]]]
    hit, ends = evidence.hit[row, mine], _ends(evidence.score[mine])
    right, wrong = (np.cumsum(heavy * flags, axis=1)[:, ends] for flags in (hit, ~hit))
    return right, wrong


def _score_at(evidence: Evidence, weights: Floats, recall: float) -> Floats:
    """(R,): the highest score at which this share of the boxes is found, NaN where none does."""
    right, _ = _counts(evidence, weights, np.ones_like(evidence.is_right))
    wanted = recall * _boxes(evidence, weights)
    enough = right >= wanted[:, None] - 1e-9
    scores = evidence.score[_ends(evidence.score)]
    if not len(scores):
        return np.full(len(weights), np.nan)
    known = enough.any(axis=1) & (wanted > 0)
    return np.where(known, scores[enough.argmax(axis=1)], np.nan)


def _boxes(evidence: Evidence, weights: Floats, counted: Flags | None = None) -> Floats:
    """(R,): annotated boxes of the questions that count."""
    truths = evidence.truths if counted is None else evidence.truths * counted
    boxes: Floats = weights[:, evidence.scene] @ truths.astype(np.float64)
    return boxes


def _ends(ordered: Floats) -> Ints:
    """Places of the last of each run of equal values."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)])


def _steps(values: Floats, ends: Ints) -> Floats:
    """Sum of each run that ends there. values: (R, n)"""
    sums: Floats = np.diff(np.cumsum(values, axis=1)[:, ends], axis=1, prepend=0.0)
    return sums


def _median(values: Floats, weights: Floats) -> Floats:
    """values: (n,); weights: (R, n)"""
    if not len(values):
        return np.full(len(weights), np.nan)
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[:, order], axis=1)
    middle = (sums >= sums[:, -1:] / 2).argmax(axis=1)
    return np.where(sums[:, -1] > 0, values[order][middle], np.nan)


def _ratio(part: Floats, whole: Floats) -> Floats:
    part, whole = np.broadcast_arrays(part, whole)
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio


def _mean_of_known(values: Floats) -> Floats:
    """(R,): mean of each column of (B, R) without its NaN; NaN where it has nothing else."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=0), known.sum(axis=0))

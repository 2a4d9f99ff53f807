"""How well questions were answered: masks against the true ones, right queries against wrong ones.

A: questions; h, w: places of a mask.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from likemark.retrieval.oneshot.training.loss import peak
from likemark.retrieval.oneshot.training.sampling import ANY

_RECALL = 0.7  # of the right questions, at which false masks are counted
_COVERED = 128  # of 255: coverage from which a place is the mark's


class Judged:
    """Answers are added; a question is right where the scene shows its mark."""

    def __init__(self) -> None:
        self._iou: list[float] = []  # of the right ones
        self._any: list[float] = []  # of those for any mark at all
        self._empty: list[bool] = []  # of the wrong ones: nothing was found
        self._sure: list[tuple[float, bool]] = []  # how sure each answer was, and whether rightly
        self._swaps: list[
            tuple[list[float], list[float]]
        ] = []  # of a scene: right ones, wrong ones

    def add(self, logits: torch.Tensor, asks: torch.Tensor, targets: torch.Tensor) -> None:
        """logits: (A, h, w); asks: (A, 2); targets: (A, h, w) uint8."""
        sure: list[float] = peak(logits.flatten(1)).tolist()
        for scene in sorted(set(asks[:, 0].tolist())):
            right: list[float] = []
            wrong: list[float] = []
            for n in torch.nonzero(asks[:, 0] == scene).flatten().tolist():
                truth, found = targets[n] >= _COVERED, logits[n] > 0
                if int(asks[n, 1]) == ANY:
                    self._any.append(_iou(found, truth))
                elif truth.any():
                    self._iou.append(_iou(found, truth))
                    right.append(sure[n])
                else:
                    self._empty.append(not bool(found.any()))
                    wrong.append(sure[n])
            self._swaps.append((right, wrong))

    def measured(self) -> tuple[float, dict[str, float]]:
        """Mean IoU of right questions; and beside it, of the same answers: the share of wrong ones
        without a mask, how often a right query is surer than a wrong one of the same scene (swap
        AUROC), wrong queries that are as sure as the surest 70 % of the right ones, and the IoU of
        what is found for any mark."""
        right = np.array([sure for rights, _ in self._swaps for sure in rights])
        wrong = np.array([sure for _, wrongs in self._swaps for sure in wrongs])
        more = {
            "no false mask": float(np.mean(self._empty)) if self._empty else 1.0,
            "swap AUROC": _swapped(self._swaps),
            "false masks at recall 0.7": _false(right, wrong),
            "any mark IoU": float(np.mean(self._any)) if self._any else 0.0,
        }
        return (float(np.mean(self._iou)) if self._iou else 0.0), more


def _iou(found: torch.Tensor, truth: torch.Tensor) -> float:
    union = int((found | truth).sum())
    return int((found & truth).sum()) / union if union else 1.0


def _swapped(swaps: list[tuple[list[float], list[float]]]) -> float:
    """Over all pairs of a right and a wrong query of one scene, ties half."""
    won = [
        (right > wrong) + (right == wrong) / 2
        for rights, wrongs in swaps
        for right in rights
        for wrong in wrongs
    ]
    return float(np.mean(won)) if won else 0.5


def _false(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> float:
    if not len(right) or not len(wrong):
        return 0.0
    return float(np.mean(wrong >= np.quantile(right, 1 - _RECALL)))

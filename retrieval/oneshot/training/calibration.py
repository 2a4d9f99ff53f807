"""From logits and likeness to the probability that a mark is where it was found.

Learned on scenes of held-out marks and photos, from what the finder itself finds in them: a place
is right if most of it is the mark that was asked for, or its box that mark's. F: facts; n: places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.card import Facts, OneShotCard
from likemark.retrieval.oneshot.finder import Finder, is_flat
from likemark.retrieval.oneshot.training.sampling import ANY, Questions
from likemark.retrieval.redact.regions import Region

Rows = NDArray[np.float64]
Judged = tuple[Facts, bool]  # a place, and whether the mark is there
_COVERED = 128  # of 255: coverage from which a place of the true mask is the mark's
_MINE = 0.5  # share of a place that must be the mark's
# Or of its box that the mark's own box fills, with so much of all that is marked in the scene.
_BOXED, _ALL = 0.5, 0.4
_RIDGE = 1e-3  # of the weights
_ROUNDS = 50
_FEW = 20  # places, right and wrong, fewer than which teach nothing


def calibrated(
    finder: Finder, questions: Questions, batches: int, *, told: Callable[[int, int], None]
) -> OneShotCard:
    """The finder's card with its weights learned; told: how many batches of all are done.

    Raises InvalidInput where too few places were found to learn from.
    """
    asked: list[Judged] = []
    any_mark: list[Judged] = []
    for number in range(batches):
        for known, is_right in _judged(finder, questions[number]):
            (any_mark if known.similarity is None else asked).append((known, is_right))
        told(number + 1, batches)
    return replace(finder.card, query=learned(asked), anything=learned(any_mark))


def logistic(facts: Rows, right: NDArray[np.bool_]) -> Rows:
    """(F,): the weights of a logistic regression, by Newton's steps, with a little ridge.

    facts: (n, F), the first column 1; right: (n,)
    """
    weights = np.zeros(facts.shape[1])
    ridge = _RIDGE * len(facts) * np.eye(facts.shape[1])
    ridge[0, 0] = 1e-9
    for _ in range(_ROUNDS):
        likely = 1 / (1 + np.exp(-(facts @ weights).clip(-30, 30)))
        slope = facts.T @ (likely - right) + ridge @ weights
        curve = (facts * (likely * (1 - likely))[:, None]).T @ facts + ridge
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(weights)), slope)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def learned(places: list[Judged]) -> tuple[float, ...]:
    """A card's weights. Raises InvalidInput where too few places are right, or wrong."""
    right = np.array([is_right for _, is_right in places], np.bool_)
    if min(int(right.sum()), int((~right).sum())) < _FEW:
        raise InvalidInput(
            f"{int(right.sum())} places were found rightly and {int((~right).sum())} wrongly: "
            f"probabilities need {_FEW} of each: train longer"
        )
    facts = np.array([(1.0, *known.told()) for known, _ in places])
    return tuple(round(float(weight), 6) for weight in logistic(facts, right))


def _judged(finder: Finder, batch: tuple[torch.Tensor, ...]) -> Iterator[Judged]:
    scenes, queries, asks, targets = (part.numpy() for part in batch)
    known = [None if is_flat(query) else finder.ask(query) for query in queries]
    for number, scene in enumerate(scenes):
        own = [
            (finder.anything() if ask[1] == ANY else known[ask[1]], target >= _COVERED)
            for ask, target in zip(asks, targets, strict=True)
            if ask[0] == number
        ]
        pairs = [(ask, target) for ask, target in own if ask is not None]
        found = finder.places(scene, [ask for ask, _ in pairs])
        for (_, target), places in zip(pairs, found, strict=True):
            whole = cv2.resize(target.astype(np.uint8), scene.shape[1::-1])
            for each in places:
                yield each.facts, _is_mine(each.candidate.region, whole)


def _is_mine(region: Region, whole: NDArray[np.uint8]) -> bool:
    """Whether most of the place is the mark, or its box is that of the mark, more or less."""
    left, top, right, bottom = region.box
    there = whole[top:bottom, left:right] > 0
    if there[region.mask > 0].mean() >= _MINE:
        return True
    down, across = (np.flatnonzero(there.any(axis=axis)) for axis in (1, 0))
    if not len(down) or there.sum() < _ALL * (whole > 0).sum():
        return False
    inked = (int(down[-1]) + 1 - int(down[0])) * (int(across[-1]) + 1 - int(across[0]))
    return inked >= _BOXED * there.size
